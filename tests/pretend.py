"""A device that nobody has: torch runs on it without numbers, and what would wait for it is told.

Tensors on it have shapes and no values (torch's own fake tensors), so that mixing it with the CPU
is an error as on a GPU, and whatever wants a value back is seen.
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.sources import ROOT

NAME = "pretend"
# What a GPU is waited for: to learn a number, a size, or whether a matrix was singular.
_WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "_linalg_check_errors", "equal"}
_ANSWERS = {"_linalg_check_errors": None, "equal": True}
_COPIES = {"_to_copy", "copy_"}
Waits = Counter[str]  # by what it is, and the line of ours that it is in


@cache
def _device() -> torch.device:
    """Make the device known to torch, for the rest of the process; skip where it cannot be."""
    from torch.utils import backend_registration

    set_up = getattr(backend_registration, "_setup_privateuseone_for_python_backend", None)
    if set_up is None:
        pytest.skip("this torch cannot pretend that there is a device")
    set_up(NAME)
    return torch.device(NAME, 0)


@contextmanager
def pretended() -> Iterator[torch.device]:
    """Let tensors be without values, and yield the device."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    device = _device()
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield device


@contextmanager
def watched() -> Iterator[Waits]:
    """Yield what will have been waited for; inside `pretended`."""
    waits: Waits = Counter()
    with _Watch(waits), _Uploads():
        yield waits


def there(module: nn.Module, device: torch.device) -> nn.Module:
    """Put a module on the device, in place: `nn.Module.to` cannot do so with fake tensors."""
    for part in module.modules():
        for name, weight in part._parameters.items():
            if weight is not None:
                moved = nn.Parameter(like(weight, device), weight.requires_grad)
                part._parameters[name] = moved
        for name, tensor in part._buffers.items():
            part._buffers[name] = None if tensor is None else like(tensor, device)
    return module


def like(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the same form on the device, its numbers no wider than 32 bits."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=dtype, device=device)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes operations that wait, and answers in the place of a device without numbers."""

    def __init__(self, waits: Waits) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waits = waits

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        on_device = any(x.device.type == NAME for x in tensors)
        masked = name == "index" and any(x.dtype == torch.bool for x in tensors[1:])
        if on_device and (name in _WAITS or masked):
            self._note(name)
        if name == "_local_scalar_dense":  # the CPU has no numbers either
            return True if tensors[0].dtype == torch.bool else 1
        if name in _ANSWERS:
            return _ANSWERS[name]
        out = func(*args, **kwargs)
        if name in _COPIES and self._waits_to_copy(name, args, kwargs, out):
            self._note(name)
        return out

    def _waits_to_copy(self, name: str, args: Any, kwargs: Any, out: Tensor) -> bool:
        origin = args[1] if name == "copy_" else args[0]
        at_once = args[2] if name == "copy_" and len(args) > 2 else kwargs.get("non_blocking")
        to_cpu = out.device.type == "cpu"
        return origin.device.type != out.device.type and (to_cpu or not at_once)

    def _note(self, name: str) -> None:
        frames = (f for f in reversed(traceback.extract_stack()) if _is_ours(f.filename))
        line = next((f"{f.filename.removeprefix(f'{ROOT}/')}:{f.lineno}" for f in frames), "?")
        self.waits[f"{name} in {line}"] += 1


def _is_ours(filename: str) -> bool:
    return filename.startswith(f"{ROOT}/") and not filename.startswith(f"{ROOT}/tests/pretend")


class _Uploads(TorchFunctionMode):
    """`new_tensor`, which only a device that is there can do, as the copy that it is."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.Tensor.new_tensor and args[0].device.type == NAME:
            return torch.tensor(args[1], dtype=args[0].dtype).to(args[0].device)
        return func(*args, **(kwargs or {}))

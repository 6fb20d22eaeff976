"""Named tensors on disk: safetensors files, written atomically, with facts beside the tensors."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_file, cannot_write, require_regular

Tensors = dict[str, Tensor]
_DAMAGE = (
    SafetensorError,
    OSError,
    RuntimeError,  # of torch; RecursionError is one
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-like facts as one safetensors file, atomically, with their digest.

    Raises:
        UsageError: the disk is full, or may not be written.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    text = json.dumps(facts)
    metadata = {"facts": text, "digest": _digest(plain, text)}
    with atomic_file(path) as partial:
        try:
            save_file(plain, partial, metadata=metadata)
        except SafetensorError as error:  # an error of the disk, in a wrapper
            raise cannot_write(path, error) from error


def load_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_tensors` wrote; files of earlier versions have no digest.

    Raises:
        UsageError: the file is damaged, is no safetensors file, or holds numbers that are not
            finite.
    """
    try:
        require_regular(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            facts = json.loads(metadata["facts"])
            if not isinstance(facts, dict):
                raise ValueError("its facts are no mapping")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata.get("digest", "") not in ("", _digest(tensors, metadata["facts"])):
                raise ValueError("its content differs from its digest")
        odd = next((name for name, tensor in tensors.items() if not all_finite(tensor)), None)
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UsageError(f"{path} is damaged ({reason}); delete it and run again") from None
    if odd is not None:
        raise UsageError(
            f"{path} holds numbers that are not finite, in {odd!r}; delete it and run again"
        )
    return tensors, facts


def all_finite(tensor: Tensor) -> bool:
    """Whether all numbers are finite; ten times as fast as `torch.isfinite`, without its memory."""
    if not tensor.numel() or not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if tensor.element_size() == 1:  # torch has no extrema of 8 bits
        tensor = tensor.float()
    extrema = torch.stack(torch.aminmax(tensor))  # NaN if one number is
    return bool(extrema.isfinite().all())


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors with their names, types and shapes, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].cpu().contiguous()
        digest.update(repr((name, str(tensor.dtype), list(tensor.shape))).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _digest(tensors: Mapping[str, Tensor], facts: str) -> str:
    return hashlib.sha256((tensors_digest(tensors) + facts).encode()).hexdigest()


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Put ``prefix.`` before every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Select the names that begin with ``prefix.`` and strip it."""
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}

"""Weights that a user has in a file: read as tensors and names, never as code."""

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular, require_regular
from fewshot_bench.utilities.shortage import is_memory_shortage
from fewshot_bench.utilities.tensors import Tensors, all_finite

# What training scripts call the weights, beside the epoch and the optimiser.
WRAPPERS = ("state_dict", "model_state_dict", "model", "state", "params", "net")
_TORCH = (b"PK", b"\x80")  # how a file of torch begins: a zip archive, or a pickle
_DAMAGE = (
    SafetensorError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
)


def read_state_dict(path: Path) -> Tensors:
    """Read a safetensors file or a state dictionary that torch saved, perhaps in a wrapper.

    Raises:
        UsageError: there is no such file, it is damaged, holds code, or no weights by name, or
            some that are not finite.
    """
    try:
        require_regular(path, "no file of weights")
    except OSError:
        raise UsageError(f"there is no file of weights {path}") from None
    tensors = _weights_in(_read(path), path)
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized:
            raise UsageError(f"{path}: '{name}' is no plain tensor; save it as one")
        if not all_finite(tensor):
            raise UsageError(f"{path}: '{name}' holds numbers that are not finite")
    return {name: t.detach().clone().contiguous() for name, t in tensors.items()}


def _read(path: Path) -> Any:
    begins = b""
    try:
        with open_regular(path) as file:
            begins = file.read(9)
        if begins[8:] == b"{":  # safetensors: the length of a header of JSON, then that
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, *_DAMAGE) as error:
        if is_memory_shortage(error):
            raise
        if isinstance(error, pickle.UnpicklingError) and begins.startswith(_TORCH):
            raise UsageError(
                f"{path} holds more than weights, and code in it is never run; save its "
                "state_dict() alone, or as safetensors"
            ) from None
        raise UsageError(
            f"{path} is damaged, or neither safetensors nor a state dictionary of torch"
        ) from None


def _weights_in(content: Any, path: Path) -> Tensors:
    """Find the names and tensors in what a training script saved."""
    if isinstance(content, Mapping):
        if content and all(isinstance(t, Tensor) for t in content.values()):
            return {str(name): tensor for name, tensor in content.items()}
        for wrapper in WRAPPERS:
            if isinstance(content.get(wrapper), Mapping):
                return _weights_in(content[wrapper], path)
    raise UsageError(
        f"{path} holds no weights by name; save state_dict(), perhaps under one of: "
        f"{', '.join(WRAPPERS)}"
    )

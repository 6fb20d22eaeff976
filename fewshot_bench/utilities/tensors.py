"""Named tensors on disk: safetensors files, written atomically, with facts beside the tensors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_file, cannot_write, require_regular

Tensors = dict[str, Tensor]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-like facts as one safetensors file, atomically.

    Raises:
        UsageError: the disk is full, or may not be written.
    """
    plain = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    with atomic_file(path) as partial:
        try:
            save_file(plain, partial, metadata={"facts": json.dumps(facts)})
        except SafetensorError as error:  # an error of the disk, in a wrapper
            raise cannot_write(path, error) from error


def load_tensors(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read what `save_tensors` wrote.

    Raises:
        UsageError: the file is damaged or is no safetensors file.
    """
    try:
        require_regular(path)
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
            if not isinstance(facts, dict):
                raise ValueError("its facts are no mapping")
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, LookupError, ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}); delete it and run again") from None


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Put ``prefix.`` before every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """Select the names that begin with ``prefix.`` and strip it."""
    start = f"{prefix}."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}

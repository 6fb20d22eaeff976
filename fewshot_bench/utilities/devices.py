"""Devices to compute on, by the names that a user gives, and how numbers get there."""

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from fewshot_bench.errors import UsageError


def pick_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``mps`` into a device.

    Raises:
        UsageError: it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available()}
    there["mps"] = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if there["cuda"] else "cpu"
    if not there.get(name.split(":")[0]):
        available = [kind for kind, present in there.items() if present]
        raise UsageError(f"no device '{name}' here; use --device {' or '.join(available)}")
    return torch.device(name)


def take_gpu(place: int) -> None:
    """Let this process see one GPU of several, so that workers have one each, in turn.

    To be called before any of them is used.

    Args:
        place: of this process among the workers.
    """
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = told.split(",") if told is not None else [*map(str, range(torch.cuda.device_count()))]
    if len(there) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = there[place % len(there)]


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor of the CPU to a device, without waiting for what the device still does.

    `Tensor.to` waits for all of it, unless it is told not to.
    """
    if device.type in ("cpu", "mps") or tensor.device == device:
        return tensor.to(device)
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    """Return numbers as a tensor of the type and on the device of `like`, see `to_device`."""
    return to_device(torch.tensor(values, dtype=like.dtype), like.device)

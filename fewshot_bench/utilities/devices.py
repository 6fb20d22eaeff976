"""Devices to compute on, by the names that a user gives."""

import torch

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

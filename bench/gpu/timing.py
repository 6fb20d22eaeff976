"""Seconds on a device, which answers before it is done."""

import time
from collections.abc import Callable
from statistics import median

import torch

_SECONDS = 0.5  # that a measurement takes at least
_REPEATS = 3


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Time one call, from an idle device to an idle device."""
    settle(device)
    began = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - began


def steady_seconds(work: Callable[[], object], device: torch.device, toy: bool = False) -> float:
    """Median seconds of a call after a warm-up, over repeats of enough calls to be told apart."""
    work()
    once = seconds_of(work, device)
    if toy:
        return once
    calls = max(1, min(1000, int(_SECONDS / max(once, 1e-9))))

    def many() -> None:
        for _ in range(calls):
            work()

    return median(seconds_of(many, device) / calls for _ in range(_REPEATS))


def settle(device: torch.device) -> None:
    """Wait until a device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_gb(device: torch.device) -> str:
    """Say how much of a GPU's memory was taken since the last time; empty elsewhere."""
    if device.type != "cuda":
        return ""
    peak = torch.cuda.max_memory_allocated(device) / 1e9
    torch.cuda.reset_peak_memory_stats(device)
    return f"{peak:.1f} GB"

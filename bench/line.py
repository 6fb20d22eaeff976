"""The one line that a timed process prints; needs nothing but the standard library."""

import json
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> float | None:
    """Peak memory of the process so far, in MB; None where there is no /proc.

    getrusage would count the process that started this one, too.
    """
    return status_mb("VmHWM") if _STATUS.exists() else None


def status_mb(name: str) -> float:
    """A number of the process's status as Linux gives it, in MB."""
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines[name].split()[0]) / 1024


def print_measured(
    rate: float, accuracy: float | None = None, peak: float | None = None, **facts: float
) -> None:
    """Print a rate (units a second), peak memory and what else was found.

    Args:
        rate: units a second.
        accuracy: in [0, 1], if there is one.
        peak: memory in MB, if what followed the timing shall not count.
        facts: further numbers, by the name that the report gives them.
    """
    peak = peak_mb() if peak is None else peak
    print(json.dumps({"rate": rate, "accuracy": accuracy, "peak_mb": peak, "facts": facts}))

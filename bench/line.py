"""The one line that a timed process prints; needs nothing but the standard library."""

import json
import resource


def peak_mb() -> float:
    """Peak memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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

"""The one line that a timed process prints; needs nothing but the standard library."""

import json
import resource


def print_measured(rate: float, accuracy: float | None = None) -> None:
    """Print a rate (units a second), the accuracy in [0, 1] if there is one, and peak memory."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": rate, "accuracy": accuracy, "peak_mb": peak}))

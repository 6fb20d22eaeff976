"""The one line that a timed process prints; needs nothing but the standard library."""

import json
import resource


def print_measured(rate: float, accuracy: float | None = None, **facts: float) -> None:
    """Print a rate (units a second), peak memory and what else was found.

    Args:
        rate: units a second.
        accuracy: in [0, 1], if there is one.
        facts: further numbers, by the name that the report gives them.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rate": rate, "accuracy": accuracy, "peak_mb": peak, "facts": facts}))

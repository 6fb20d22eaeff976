"""Made-up measurements."""

from bench.measure import Measured, Side


def found(ours: float, theirs: float) -> Measured:
    """Episodes a second on the first row, by us in the median and by a peer."""
    facts = {"quick": False, "threads": 2, "commit": "abc"}
    sides = (Side((1.0, ours, 1e9), 0.5, 100.0), Side((theirs,), None, 200.0))
    return Measured("proto-net", *sides, facts)

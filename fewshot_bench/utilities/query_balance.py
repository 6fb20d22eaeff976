"""The balance of queries as a text: ``balanced`` or ``dirichlet:ALPHA``."""

import re

from fewshot_bench.errors import UsageError

_DIRICHLET = re.compile(r"dirichlet:(?P<alpha>\d+(\.\d+)?)")


def dirichlet_alpha(query_balance: str) -> float | None:
    """Read ``balanced`` (None) or ``dirichlet:ALPHA``.

    Raises:
        UsageError: anything else.
    """
    if query_balance == "balanced":
        return None
    match = _DIRICHLET.fullmatch(query_balance)
    if match is None or float(match["alpha"]) <= 0:
        raise UsageError(
            f"'{query_balance}' is no balance of queries; use 'balanced' or 'dirichlet:2.0'"
        )
    return float(match["alpha"])

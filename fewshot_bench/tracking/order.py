"""Which of two runs of a cell was measured later, whatever the clocks said."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Run

ORDER = "fsbench.order"  # the tag
_DIGITS = 18  # of an order that is believed


def order_of(run: "Run") -> int:
    """The order of a run, see `RunRecord`; without one, or an absurd one, its start in ms."""
    told = run.data.tags.get(ORDER, "")
    if told.isascii() and told.isdecimal() and len(told) <= _DIGITS:
        return int(told)
    return int(run.info.start_time or 0)

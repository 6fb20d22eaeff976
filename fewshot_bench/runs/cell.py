"""One cell of a table, measured from Python as ``fsbench run`` measures it."""

from typing import Any

from fewshot_bench.results import Result
from fewshot_bench.runs.driver import carry_out
from fewshot_bench.runs.packing import pack
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import with_answers
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.devices import pick_device
from fewshot_bench.utilities.validation import validated


def evaluate_cell(
    method: str,
    n_shot: int,
    *,
    device: str = "auto",
    tracking_uri: str | None = None,
    force: bool = False,
    predictions: bool = False,
    **asked: Any,
) -> Result:
    """Measure one method at one number of shots, train what it needs, and log it.

    Args:
        method: registry name.
        n_shot: labelled images a class.
        device: to compute on.
        tracking_uri: of the MLflow store.
        force: measure again what has been measured.
        predictions: keep every single answer.
        **asked: other fields of `Request`.

    Raises:
        UsageError: the cell cannot be measured.
    """
    request = validated(Request, {"methods": [method], "shots": [n_shot], **asked})
    (record,) = carry_out(request, Tracker(tracking_uri, pack=pack), device, force)
    return with_answers(record, pick_device(device)) if predictions else record.result

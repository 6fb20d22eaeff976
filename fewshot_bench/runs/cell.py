"""One cell of a table, measured from Python as ``fsbench run`` measures it."""

from typing import Any

from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.results import Result, RunRecord
from fewshot_bench.runs.domains import domains_of
from fewshot_bench.runs.engine import carry_out
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import prepare
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
    (record,) = carry_out(request, Tracker(tracking_uri), device, force)
    return _with_answers(record, device) if predictions else record.result


def _with_answers(record: RunRecord, device: str) -> Result:
    """Measure a finished run again with its stored weights, as single answers are not stored."""
    config = record.config
    domains = domains_of(config)
    source = EpisodeSource(domains.measured(config.split), config.spec, config.episode_seed)
    method = prepare(config, domains.training, pick_device(device)).method
    result = evaluate(method, source, config.n_episodes, predictions=True)
    if result.accuracies != record.result.accuracies:
        raise UsageError(f"{config.title}: other answers than when it was measured; use force=True")
    return record.result.model_copy(update={"answers": result.answers})

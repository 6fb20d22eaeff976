"""Which number a table shows."""

from dataclasses import dataclass

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registry import canonical

_INTERVAL = "± the half-width of the 95 % interval (Student's t over test episodes)."


@dataclass(frozen=True)
class Metric:
    """A number of a run.

    Attributes:
        name: what ``--metric`` takes.
        title: how a table is headed, and what a run may lack.
        value, ci95: fields of `TrackedRun`, in [0, 1]; None: there is no interval.
        note: what stands in a cell.
        lowest_is_best: which end of a column is to be aimed at.
    """

    name: str
    title: str
    value: str
    ci95: str | None
    note: str
    lowest_is_best: bool = False


ACCURACY = Metric("accuracy", "accuracy", "mean", "ci95", f"Accuracy in percent, {_INTERVAL}")
MACRO_F1 = Metric(
    "macro-f1",
    "macro-F1",
    "macro_f1",
    "macro_f1_ci95",
    "Macro-F1 in percent (mean F1 of those classes of an episode that are asked for or answered, "
    f"however many their queries), {_INTERVAL}",
)
CALIBRATION = Metric(
    "calibration",
    "calibration error",
    "calibration_error",
    None,
    "Expected calibration error in percent (15 equally wide bins of confidence, over all queries "
    "of all episodes; Guo et al. 2017): the lower, the better.",
    lowest_is_best=True,
)
METRICS = {metric.name: metric for metric in (ACCURACY, MACRO_F1, CALIBRATION)}


def chosen_metric(name: str) -> Metric:
    """Return the metric of a name in any spelling.

    Raises:
        UsageError: there is none.
    """
    metric = METRICS.get(canonical(name))
    if metric is None:
        raise UsageError(f"no metric is called '{name}'; {suggestion(canonical(name), METRICS)}")
    return metric

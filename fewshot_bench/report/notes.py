"""What is said below a table."""

from collections.abc import Sequence

import pandas as pd

from fewshot_bench.registries import declared
from fewshot_bench.report.cells import columns_of
from fewshot_bench.report.column_notes import note_on
from fewshot_bench.report.metric import Metric

TRANSDUCTIVE_NOTE = (
    "Transductive methods see the unlabelled queries of an episode together; compare them "
    "with inductive ones with care."
)
BEST_NOTE = (
    "Bold: the {0}est mean of each column, and nothing more; whether it is significantly {0}er {1}."
)
SIGNIFICANT_NOTE = (
    "Bold: the highest mean of each column, and all that are not significantly lower (two-sided "
    "paired t-tests at 5 % on the same episodes, and over training seeds where there are several; "
    "all pairs of a column corrected together, by Holm)."
)
UNTOLD_NOTE = "Only the highest mean is bold where episodes are not at hand: {}."
SEEDS_NOTE = (
    "Several training seeds: their mean ± the mean of their intervals, if there are any; sd is "
    "the standard deviation between seeds."
)
COMMON_NOTE = "All rows are with {}."
CROSSED_NOTE = (
    "Trained on another data set: pretrained, meta-trained and selected on its train and val "
    "splits, only measured on the one that is named first."
)
COST_NOTE = (
    "Minutes: of meta-training; ms: milliseconds an episode, on the machine of the run; "
    "embeddings that episodes share are not counted."
)
DROP_NOTE = (
    "Less balanced: what it is with imbalanced queries minus that with balanced ones, ± the "
    "half-width of the interval of the difference of two independent means, if they have any."
)
LACKING_NOTE = (
    "Runs without {1}, which are not shown: {0}. Earlier versions did not measure it; "
    "'fsbench run --force' does."
)
PUBLISHED_NOTE = (
    "Published numbers were measured by others, on episodes and with networks of their own; "
    "difference is ours minus theirs, in points, and no test of anything. 'Differs' says in what "
    "theirs differs from ours, ? what their source does not say; * was not checked again in its "
    "source."
)
NONE_PUBLISHED_NOTE = (
    "No number of others is known for these methods, data sets, ways, shots and query balances."
)


def notes_below(
    frame: pd.DataFrame,
    metric: Metric,
    *,
    n_lacking: int,
    untold: Sequence[str] | None = None,
    cost: bool,
    drops: bool,
    n_published: int | None,
) -> list[str]:
    """Write what a reader must know of a table.

    Args:
        frame: its cells.
        metric: what stands in them.
        n_lacking: runs that have no such number.
        untold: columns whose bold says nothing of significance; None: that of none does.
        cost: there are columns of what a run took.
        drops: there are columns of what imbalanced queries change.
        n_published: numbers that others published; None: they were not asked for.
    """
    notes = [metric.note, _best_note(metric) if untold is None else SIGNIFICANT_NOTE]
    notes += [UNTOLD_NOTE.format("; ".join(untold))] if untold else []
    if common := frame["common"].iloc[0]:
        notes.append(COMMON_NOTE.format(common))
    if (frame["n_seeds"] > 1).any():
        notes.append(SEEDS_NOTE)
    if (frame["setting"] == "transductive").any():
        notes.append(TRANSDUCTIVE_NOTE)
    if (frame["train_dataset"] != "").any():
        notes.append(CROSSED_NOTE)
    notes += [note_on(column) for column in columns_of(frame)]
    notes += _remarks(set(frame["method"]))
    extra = {
        COST_NOTE: cost,
        DROP_NOTE: drops,
        PUBLISHED_NOTE: bool(n_published),
        NONE_PUBLISHED_NOTE: n_published == 0,
        LACKING_NOTE.format(n_lacking, metric.title): n_lacking > 0,
    }
    return notes + [note for note, wanted in extra.items() if wanted]


def _remarks(names: set[str]) -> list[str]:
    """What methods say of their own rows."""
    return [f"{d.name}: {d.remark}" for d in declared("method") if d.remark and d.name in names]


def _best_note(metric: Metric) -> str:
    end = "low" if metric.lowest_is_best else "high"
    ways = {"accuracy": "is told by --significance", "macro-f1": "takes a paired comparison"}
    return BEST_NOTE.format(end, ways.get(metric.name, "takes several seeds"))

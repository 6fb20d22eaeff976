"""What a row shows of its cells: curves, and if they are kept, answers by class; as files."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions
from fewshot_bench.results import CurvePoint, RunRecord
from fewshot_bench.tracking.classes import write_class_files
from fewshot_bench.utilities.printing import printable

if TYPE_CHECKING:
    from mlflow import MlflowClient

PANEL = 3.4, 2.8  # inches


def log_pictures(client: "MlflowClient", row_id: str, record: RunRecord) -> bool:
    """Log what there is to see of a cell to its row, in a folder for its number of shots.

    Returns:
        Whether its answers are among that.
    """
    config = record.config
    with tempfile.TemporaryDirectory() as name:
        drawn = len(record.curves) > len({point.name for point in record.curves})  # than points
        if drawn:
            draw_curves(record.curves, config.title, Path(name) / "curves.png")
        answered = _write_answers(record, Path(name))
        if drawn or answered:
            client.log_artifacts(row_id, name, f"{config.n_shot}-shot")
    return answered


def _write_answers(record: RunRecord, folder: Path) -> bool:
    try:
        if not has_predictions(record):
            return False
        write_class_files(record.config, folder)
    except UsageError:  # what is wrong was said when the cell was logged
        return False
    return True


def draw_curves(points: Sequence[CurvePoint], title: str, path: Path) -> None:
    """Draw the curves of a training over its steps, a panel each, into a PNG.

    Args:
        points: of all curves; those called ``*_acc`` are shares in [0, 1], drawn in percent.
        title: what was run.
        path: of the file.
    """
    from matplotlib.figure import Figure

    names = sorted({point.name for point in points})
    figure = Figure(figsize=(PANEL[0] * len(names), PANEL[1]), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        percent = name.endswith("_acc")
        curve = sorted((p.step, p.value) for p in points if p.name == name)
        values = [100 * value if percent else value for _, value in curve]
        axes.plot([step for step, _ in curve], values, color="#0072B2", linewidth=1.2, marker=".")
        axes.set_title(name.replace("_", " ") + (" in %" if percent else ""), fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
    figure.suptitle(printable(title), fontsize=10, parse_math=False)
    figure.savefig(path, format="png")

"""What a row shows of its cells: curves, and if they are kept, answers by class; as files."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking.classes import write_class_files
from fewshot_bench.tracking.drawing import draw_curves

if TYPE_CHECKING:
    from mlflow import MlflowClient


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

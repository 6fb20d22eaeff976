"""One question to an sqlite store that MLflow need not be imported for."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

# MLflow's tables, the same since its version 1.0. CROSS JOIN has SQLite begin with the first tag,
# of which there are few, and not with every run of the experiment.
_FINISHED = """
    SELECT 1 FROM tags AS first
    CROSS JOIN runs ON runs.run_uuid = first.run_uuid
    CROSS JOIN experiments ON experiments.experiment_id = runs.experiment_id
    WHERE first.key = ? AND first.value = ? AND experiments.name = ?
    AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
"""
_TAGGED = """
    AND EXISTS (SELECT 1 FROM tags
        WHERE tags.run_uuid = runs.run_uuid AND tags.key = ? AND tags.value = ?)
"""


def holds_finished(file: Path, experiment: str, tags: Mapping[str, str]) -> bool | None:
    """Ask a store whether it holds a finished run, that is not deleted, with all of some tags.

    Args:
        file: of the store; it is only read.
        experiment: name.
        tags: by name, at least one.

    Returns:
        None if the file cannot be read this way: then MLflow is to be asked.
    """
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as store:
            first, *others = tags.items()
            query = f"{_FINISHED} {_TAGGED * len(others)} LIMIT 1"
            values = [*first, experiment, *(text for tag in others for text in tag)]
            return store.execute(query, values).fetchone() is not None
    except sqlite3.Error:
        return None

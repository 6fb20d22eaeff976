"""One question to an sqlite store that MLflow need not be imported for."""

import sqlite3
from contextlib import closing
from pathlib import Path

# MLflow's tables, the same since its version 1.0.
_FINISHED = """
    SELECT 1 FROM runs
    JOIN experiments ON experiments.experiment_id = runs.experiment_id
    JOIN tags ON tags.run_uuid = runs.run_uuid
    WHERE experiments.name = ? AND tags.key = 'fsbench.key' AND tags.value = ?
        AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
    LIMIT 1
"""


def holds_finished(file: Path, experiment: str, key: str) -> bool | None:
    """Ask a store whether it holds a finished run, that is not deleted, of a configuration.

    Args:
        file: of the store; it is only read.
        experiment: name.
        key: of the configuration.

    Returns:
        None if the file cannot be read this way: then MLflow is to be asked.
    """
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as store:
            return store.execute(_FINISHED, (experiment, key)).fetchone() is not None
    except sqlite3.Error:
        return None

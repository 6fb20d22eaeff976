"""What a tracked run is, in plain values: no word of the store that keeps them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from fewshot_bench.results import RunRecord


class _Placed(Protocol):
    """A run that knows its place among others."""

    @property
    def order(self) -> int: ...

    @property
    def run_id(self) -> str: ...


def age(run: _Placed) -> tuple[int, str]:
    """Key that sorts runs, the oldest first; by their order, and not by anybody's clock."""
    return run.order, run.run_id


@dataclass(frozen=True)
class TrackedRun:
    """One finished run as the store knows it: what every cell of a table leads back to.

    Attributes:
        run_id: MLflow's id.
        key: of the configuration; equal for repeated runs.
        method, backbone, dataset, setting: as run.
        n_way, n_shot, n_query, query_balance, n_episodes, split, seed: as in `RunConfig`.
        n_query_way: likewise; 0 if all classes have queries.
        preset, settings: labels: the schedule and the ``KEY=VALUE`` texts asked for.
        recipe: dotted name to value, both text, values cut at 500 characters.
        mean, ci95: accuracy and half-width of its 95 % interval over episodes, in [0, 1].
        macro_f1, macro_f1_ci95: likewise; NaN for runs of earlier versions.
        calibration_error: in [0, 1]; NaN likewise.
        train_seconds: of the meta-training.
        ms_per_episode: of the evaluation, without shared embeddings.
        data_checksum, episode_digest: what it was measured on.
        train_dataset, train_checksum: what it was trained and selected on; '' if that is
            `dataset`.
        fitted: how images changed to fit, as ``28x28x1 -> 32x32x3``; '' if not in shape.
        shared_classes: measured classes with the name of one that was trained or selected on.
        version: of the code.
        started, finished: UTC.
        order: of two runs of a cell the one with the larger is the later, whatever the clocks say.
        episode_seed: of the stream of episodes.
        weights: which were given for the backbone, as ``weights mine-abc123``; '' if none.
        record: the measurement's id, see `RunRecord.id`: the same in every store and file; '' for
            runs of early versions.
        studies: names of the studies whose rows have its number.
    """

    run_id: str
    key: str
    method: str
    backbone: str
    dataset: str
    setting: str
    n_way: int
    n_shot: int
    n_query: int
    query_balance: str
    n_query_way: int
    n_episodes: int
    split: str
    seed: int
    preset: str
    settings: tuple[str, ...]
    recipe: Mapping[str, str]
    mean: float
    ci95: float
    macro_f1: float
    macro_f1_ci95: float
    calibration_error: float
    train_seconds: float
    ms_per_episode: float
    data_checksum: str
    episode_digest: str
    train_dataset: str
    train_checksum: str
    fitted: str
    shared_classes: int
    version: str
    started: datetime
    finished: datetime
    order: int
    weights: str = ""
    episode_seed: int = 0
    record: str = ""
    studies: tuple[str, ...] = ()


def flatten(values: Mapping[str, Any]) -> dict[str, str]:
    """Flatten nested settings to dotted names and text; lists become JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in leaves(values)
    }


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested settings by dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def measured(record: RunRecord) -> dict[str, float]:
    """The final numbers: shares in [0, 1], times in seconds unless the name says more."""
    return shares(record) | costs(record)


def shares(record: RunRecord) -> dict[str, float]:
    """What was right, and how sure that is, in [0, 1]."""
    result, shot = record.result, record.config.n_shot
    later = {  # than the first stored results
        f"macro_f1_{shot}shot": result.macro_f1_mean,
        f"macro_f1_ci95_{shot}shot": result.macro_f1_ci95,
        f"ece_{shot}shot": result.calibration_error,
    }
    return {
        f"acc_{shot}shot": result.mean,
        f"ci95_{shot}shot": result.ci95,
        **{name: value for name, value in later.items() if value is not None},
    }


def costs(record: RunRecord) -> dict[str, float]:
    """What it took."""
    result = record.result
    return {
        "eval_seconds": result.seconds,
        "train_seconds": record.train_seconds,
        "pretrain_seconds": record.pretrain_seconds,
        "ms_per_episode": 1000 * result.episode_seconds,
        "peak_memory_mb": result.peak_memory_mb,
    }


def percentages(record: RunRecord, of_cell: bool) -> dict[str, float]:
    """The shares in percent, under MLflow's names.

    What is measured on val never passes for a result. Those of a test cell have names of their
    own too, so that a column of ``acc_1shot`` has each number once: in its row.
    """
    prefix = metric_prefix(record.config.split, of_cell)
    return {f"{prefix}{name}": 100 * value for name, value in shares(record).items()}


def metric_prefix(split: str, of_cell: bool) -> str:
    """How MLflow's names of shares begin."""
    return "val_" if split == "val" else "cell_" if of_cell else ""


def write_files(record: RunRecord, folder: Path) -> None:
    """Write ``config.json``, ``result.json`` and ``accuracies.parquet``.

    The latter has the columns episode, accuracy and, if it was measured, macro_f1.
    """
    import pandas as pd

    result = record.result
    of_episodes = {"accuracy": result.accuracies, "macro_f1": result.macro_f1}
    known = {name: values for name, values in of_episodes.items() if values is not None}
    frame = pd.DataFrame(known).rename_axis("episode").reset_index()
    frame.to_parquet(folder / "accuracies.parquet", index=False)
    (folder / "config.json").write_text(record.config.model_dump_json(indent=2), "utf-8")
    facts = record.result.model_dump(mode="json", exclude={"accuracies", "macro_f1"}) | measured(
        record
    )
    plain = {k: None if v != v else v for k, v in facts.items()}  # JSON has no NaN
    (folder / "result.json").write_text(json.dumps(plain, indent=2), "utf-8")

"""Kept predictions: read as they were written, and nothing else taken for them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation import predictions
from fewshot_bench.evaluation.predictions import (
    has_predictions,
    predictions_path,
    read_predictions,
    writing_predictions,
)
from fewshot_bench.records import record_path
from fewshot_bench.results import Answers, RunRecord
from tests.synthetic import make_result

pytestmark = pytest.mark.usefixtures("empty_home")
CONFIG = RunConfig(method="tim", backbone="conv4-64", dataset="x", recipe={}, data_checksum="c")
CLASSES = ("ant", "b,ee", "猫", "dog's $x$", "elk", "fox")


def made_up(n: int, seed: int = 0, n_queries: int = 7) -> Answers:
    """Answers of 3-way episodes, about half of them right."""
    rng = np.random.default_rng(seed)
    classes = np.array([rng.permutation(len(CLASSES))[:3] for _ in range(n)])
    labels = rng.integers(0, 3, (n, n_queries))
    return Answers(
        predictions=np.where(rng.random(labels.shape) < 0.4, labels, rng.integers(0, 3, (n, 1))),
        query_labels=labels,
        query_indices=rng.integers(0, 500, labels.shape),
        classes=np.asarray(CLASSES)[classes],
        probabilities=rng.random(labels.shape, dtype=np.float32),
    )


def keep(*blocks: Answers, key: str = CONFIG.key) -> Path:
    with writing_predictions(key, CLASSES) as take:
        for block in blocks:
            take(block)
    return predictions_path(key)


def test_answers_lie_beside_the_record_of_their_run() -> None:
    assert keep(made_up(1)).parent == record_path(CONFIG.key).parent


def record_of(*blocks: Answers) -> RunRecord:
    """The record of the run that gave these answers."""
    right = [(block.predictions == block.query_labels).mean(1) for block in blocks]
    return RunRecord(config=CONFIG, result=make_result(np.concatenate(right).tolist()))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6), rows=st.integers(1, 60))
def test_what_is_read_is_what_was_written(
    sizes: list[int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "_ROWS", rows)
    blocks = [made_up(n, seed) for seed, n in enumerate(sizes)]
    path, whole = keep(*blocks), Answers.joined(blocks)
    names, true, predicted = whole.coded()
    frame = pd.read_parquet(path)
    assert frame.columns.tolist() == [
        *("episode", "query_index", "true_class", "predicted_class", "probability")
    ]
    assert (frame["episode"] == np.repeat(np.arange(sum(sizes)), 7)).all()
    assert (frame["query_index"] == whole.query_indices.ravel()).all()
    assert (frame["true_class"] == names[true].ravel()).all()
    assert (frame["predicted_class"] == names[predicted].ravel()).all()
    assert (frame["probability"] == whole.probabilities.ravel()).all()

    classes, batches = read_predictions(CONFIG.key)
    assert classes == list(CLASSES)
    read = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    expected = [names[codes].tolist() for codes in (true, predicted)]
    assert [np.asarray(classes)[codes].tolist() for codes in read] == expected
    assert has_predictions(record_of(*blocks))


def test_row_groups_are_of_bounded_size_and_end_with_an_episode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for rows in (100, 112):  # four blocks are 112 rows
        monkeypatch.setattr(predictions, "_ROWS", rows)
        metadata = parquet.ParquetFile(keep(*[made_up(4, seed) for seed in range(40)])).metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        assert sizes == [112] * 10


def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = keep(made_up(3))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), writing_predictions(CONFIG.key, CLASSES) as take:
        take(made_up(3, seed=1))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    keep(made_up(1), key="warm")  # imports
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(UsageError, match=r"cannot write .*\.predictions\.parquet"):
            keep(made_up(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not predictions_path(CONFIG.key).exists()


def other_accuracies(path: Path) -> None:
    keep(made_up(5, seed=9))


def one_episode_less(path: Path) -> None:
    keep(made_up(4))


def another_key(path: Path) -> None:
    keep(made_up(5), key="other").rename(path)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped_in_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)


def no_parquet(path: Path) -> None:
    path.write_text("PAR1 no more than that PAR1")


def without_facts(path: Path) -> None:
    pd.read_parquet(path).to_parquet(path)


def rewritten(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """Change rows, but leave the facts of the file alone."""

    def damage(path: Path) -> None:
        table = parquet.read_table(path)
        changed = change(table.to_pandas())
        parquet.write_table(
            table.from_pandas(changed, preserve_index=False)
            .cast(table.schema)
            .replace_schema_metadata(table.schema.metadata),
            path,
        )

    return damage


def with_a_strange_class(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(true_class=frame["true_class"].cat.rename_categories({"elk": "unicorn"}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (other_accuracies, "is of another run: it has not the accuracies"),
        (one_episode_less, "is of another run: it has not the accuracies"),
        (another_key, "is of another run"),
        (cut_short, "is damaged"),
        (flipped_in_the_middle, "is damaged"),
        (no_parquet, "is damaged"),
        (without_facts, "is damaged"),
        (rewritten(lambda frame: frame.iloc[:-1]), "is damaged"),
        (rewritten(with_a_strange_class), "is damaged"),
    ],
)
def test_a_file_that_is_not_of_the_run_is_named(damage: Callable[[Path], None], says: str) -> None:
    record, path = record_of(made_up(5)), keep(made_up(5))
    assert has_predictions(record)
    damage(path)
    with pytest.raises(UsageError, match=f"{path.name} {says}.*delete it and run again") as caught:
        has_predictions(record)
    assert "\n" not in str(caught.value)


def test_no_file_is_no_error() -> None:
    assert not has_predictions(record_of(made_up(5)))

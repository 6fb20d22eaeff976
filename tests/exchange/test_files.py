"""Result files: what is written is read, to the last digit, and nothing else is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.exchange import files
from fewshot_bench.exchange.files import read_results, write_results
from fewshot_bench.exchange.schema import SCHEMA, digest_of
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.version import __version__
from tests.exchange.measurements import measured, same

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SHARES = st.floats(0, 1) | st.just(float("nan"))
COSTS = st.floats(0, 1e8)
CONFIGS = st.fixed_dictionaries(
    {"n_way": st.integers(2, 9), "n_query": st.integers(1, 9000)},
    optional={
        **dict.fromkeys(("method", "backbone", "dataset", "data_checksum", "preset"), TEXTS),
        "n_query_way": st.none() | st.integers(1, 2),
        "query_balance": st.sampled_from(["balanced", "dirichlet:2"]),
        "settings": st.lists(TEXTS, max_size=2).map(tuple),
        "recipe": st.dictionaries(TEXTS, TEXTS | st.floats(0, 9) | st.none(), max_size=3),
        "seed": st.integers(0, 2**64 - 1),
        "split": st.sampled_from(["test", "val"]),
        "shared_classes": st.none() | st.integers(0, 9),
    },
)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("macro_f1", "macro_f1_ci95", "calibration_error"), SHARES),
        **dict.fromkeys(("seconds", "episode_seconds", "train_seconds"), COSTS),
        **dict.fromkeys(("episode_digest", "device", "version"), TEXTS),
        "studies": st.lists(TEXTS, max_size=2).map(tuple),
        "versions": st.dictionaries(TEXTS, TEXTS, max_size=2),
        **dict.fromkeys(("code", "source", "weights"), st.none()),
        "curves": st.just(()),
    },
)


@st.composite
def measurements(draw: st.DrawFn) -> list[Measurement]:
    """Some runs, each with answers that its episodes can have."""
    found = []
    for minute in range(draw(st.integers(1, 3))):
        config: dict[str, Any] = draw(CONFIGS)
        most = (config.get("n_query_way") or config["n_way"]) * config["n_query"]
        right = draw(st.lists(st.integers(0, most), min_size=1, max_size=5))
        found.append(measured(right, minute, config, **draw(FACTS)))
    return found


@settings(max_examples=25)
@given(measurements())
def test_all_that_is_written_is_read(tmp_path_factory: Any, runs: list[Measurement]) -> None:
    path = tmp_path_factory.mktemp("results") / "results.parquet"
    write_results(runs[::-1], path)
    found = read_results(path)
    assert len(found) == len(runs)
    for run, back in zip(runs, found, strict=True):
        assert same(run, back)
        assert repr(run.tracked()) == repr(back.tracked())
        assert back.accuracies.tolist() == [n / run.config.spec.n_queries for n in run.right]


def test_a_file_is_small_and_the_same_each_time(tmp_path: Path) -> None:
    right = np.random.default_rng(0).binomial(75, 0.7, 2000).tolist()
    one, two = measured(right), measured(right[::-1], 1)
    for name, runs in {"one": [one], "two": [one, two], "again": [two, one]}.items():
        write_results(runs, tmp_path / name)
    size = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert size["two"] - size["one"] < 2000
    assert (tmp_path / "two").read_bytes() == (tmp_path / "again").read_bytes()
    kinds = parquet.read_schema(tmp_path / "one")
    assert kinds.field("right").type.value_type == pa.uint8()
    assert set(RunConfig.model_fields) | set(Measurement.model_fields) - {"config"} < set(
        kinds.names
    )


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any], honest: bool = False) -> None:
    """Change the first row of a file; `honest`: with a digest that fits."""
    table = parquet.read_table(path)
    rows = table.to_pylist()
    change(rows[0])
    sealed(path, pa.Table.from_pylist(rows, schema=table.schema), honest)


def sealed(path: Path, table: pa.Table, honest: bool = True) -> None:
    """Write a table in place of a file, with its metadata."""
    metadata = parquet.read_schema(path).metadata
    facts = json.loads(metadata[files._FACTS])
    facts |= {"digest": digest_of(table)} if honest else {}
    parquet.write_table(table.replace_schema_metadata({files._FACTS: json.dumps(facts)}), path)


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another accuracy": lambda row: row.update(mean=0.9),
    "another interval": lambda row: row.update(ci95=0.001),
    "fewer episodes": lambda row: row.update(right=row["right"][:3]),
    "more right answers": lambda row: row.update(right=[76, *row["right"][1:]]),
    "another method": lambda row: row.update(method="maml"),
    "other settings": lambda row: row.update(recipe='{"train": null}'),
    "no JSON": lambda row: row.update(recipe="{"),
    "another split": lambda row: row.update(split="train"),
    "an absurd share": lambda row: row.update(macro_f1=7.0),
    "a negative cost": lambda row: row.update(seconds=-1.0),
    "no time": lambda row: row.update(started=None),
    "no answers": lambda row: row.update(right=None),
}


@pytest.mark.parametrize("honest", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_is_refused_in_one_line(change: str, honest: bool, tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    write_results([measured(), measured(minute=1)], path)
    rewritten(path, CHANGES[change], honest)
    with pytest.raises(UsageError, match=r"is damaged or was changed \(.+\); export it") as error:
        read_results(path)
    assert "\n" not in str(error.value)


def test_a_row_more_or_less_or_another_digit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    write_results([measured(), measured(minute=1)], path)
    table = parquet.read_table(path)
    costlier = [*table.to_pylist()[:1], table.to_pylist()[1] | {"train_seconds": 7.000001}]
    for rows in (table[:1], pa.concat_tables([table, table[:1]]), table[::-1], costlier):
        changed = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, table.schema)
        parquet.write_table(changed.replace_schema_metadata(table.schema.metadata), path)
        with pytest.raises(UsageError, match="its content is not what was written"):
            read_results(path)


def test_what_is_no_file_of_results_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    with pytest.raises(UsageError, match="there is no file"):
        read_results(path)
    parquet.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(UsageError, match="is no file of results; 'fsbench export"):
        read_results(path)
    with pytest.raises(UsageError, match="plain file"):
        read_results(tmp_path)
    write_results([measured()], path)
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:cut])
        with pytest.raises(UsageError, match="is damaged or was changed"):
            read_results(path)


def test_a_setting_that_came_later_has_its_default_in_files_from_before(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    write_results([measured()], path)
    table = parquet.read_table(path)
    sealed(path, table.drop_columns(["n_query_way", "weights_name", "studies"]))
    (found,) = read_results(path)
    assert same(found, measured())
    for values, is_known in (([None], True), (["new"], False)):
        sealed(path, table.append_column("of_tomorrow", pa.array(values, pa.string())))
        if is_known:
            assert same(read_results(path)[0], measured())
            continue
        with pytest.raises(UsageError, match="which is later than this one"):
            read_results(path)


def test_a_file_of_a_later_version_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.parquet"
    with monkeypatch.context() as later:
        later.setattr(files, "SCHEMA", SCHEMA + 1)
        write_results([measured()], path)
    with pytest.raises(UsageError, match=f"written by fewshot_bench {__version__}, which is later"):
        read_results(path)

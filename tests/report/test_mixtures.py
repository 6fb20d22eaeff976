"""Whatever runs come together: each number stands in one column, with its own protocol alone."""

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fewshot_bench.report.cells import COLUMN
from fewshot_bench.report.table import build_table
from fewshot_bench.tracking.record import TrackedRun
from tests.report.samples import tracked

FACTS = {
    "dataset": st.sampled_from(["cifar-fs", "fc100"]),
    "data_checksum": st.sampled_from(["d" * 64, "d" * 40 + "0" * 24]),
    "train_dataset": st.sampled_from(["", "omniglot", "glyphs"]),
    "train_checksum": st.sampled_from(["t" * 64, "t" * 40 + "0" * 24]),
    "split": st.sampled_from(["test", "val"]),
    "n_way": st.sampled_from([5, 10]),
    "n_shot": st.sampled_from([1, 5]),
    "n_query": st.sampled_from([15, 5]),
    "query_balance": st.sampled_from(["balanced", "dirichlet:2.0", "dirichlet:1.0"]),
    "n_query_way": st.sampled_from([0, 2]),
    "n_episodes": st.sampled_from([2000, 600]),
    "episode_digest": st.sampled_from(["a" * 64, "f" * 64, "f" * 20 + "0" * 44]),
    "method": st.sampled_from(["maml", "tim"]),
    "seed": st.integers(0, 1),
    "mean": st.floats(0, 1),
}
# A default for most facts, so that runs often differ in one alone.
RUNS = st.lists(st.fixed_dictionaries({}, optional=FACTS), min_size=1, max_size=12)

IMBALANCED = {"query_balance": "dirichlet:2.0"}
CROSSED = {"train_dataset": "omniglot"}


def protocol(run: TrackedRun) -> tuple[Any, ...]:
    return tuple(getattr(run, fact) for fact in COLUMN)


@settings(max_examples=100)
@given(RUNS)
@example([{"episode_digest": "f" * 64}, {"episode_digest": "f" * 20 + "0" * 44}])
@example([{"data_checksum": "d" * 64}, {"data_checksum": "d" * 40 + "0" * 24}])
@example([{"episode_digest": "a" * 64}, {"episode_digest": "f" * 64}, IMBALANCED])
@example([{}, CROSSED, {**CROSSED, "train_checksum": "t" * 40 + "0" * 24}])
@example([CROSSED, {**CROSSED, **IMBALANCED}, IMBALANCED])
@example([{}, IMBALANCED, {**IMBALANCED, "episode_digest": "f" * 64}])
def test_no_column_mixes_protocols(facts: list[dict[str, Any]]) -> None:
    runs = {run.run_id: run for run in (tracked(i, **values) for i, values in enumerate(facts))}
    table = build_table(list(runs.values()))
    assert len(set(table.ours.columns)) == len(table.ours.columns)
    shown: list[str] = []
    changes = []
    for i, column in enumerate(table.ours.columns):
        cells = [row.cells[i] for row in table.ours.rows]
        ids = [run_id for cell in cells if cell for run_id in cell.run_ids]
        protocols = {protocol(runs[run_id]) for run_id in ids}
        if "less balanced" in column.label:
            changes.append(frozenset(protocols))
            continue
        assert len(protocols) == 1
        (note,) = [note for note in table.notes if note.startswith(f"{column}: ")]
        trained_on = {runs[run_id].train_dataset for run_id in ids} - {""}
        for text in (str(column), note):
            assert re.findall(r", trained on ([a-z]+)", text) == list(trained_on)
        shown += ids
    latest = {(r.method, r.seed, protocol(r)): r.run_id for r in runs.values()}
    assert sorted(shown) == sorted(latest.values())
    assert len(changes) == len(set(changes))
    assert set(changes) == differences(runs.values())


def differences(runs: Iterable[TrackedRun]) -> set[frozenset[tuple[Any, ...]]]:
    """Protocols that a method ran under and that differ in the balance of queries alone."""
    balance, digest = COLUMN.index("query_balance"), COLUMN.index("episode_digest")

    def same(one: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(value for i, value in enumerate(one) if i not in (balance, digest))

    facts = {(run.method, protocol(run)) for run in runs}
    return {
        frozenset((p, q))
        for (one, p), (other, q) in product(facts, facts)
        if one == other and p[balance] == "balanced" != q[balance] and same(p) == same(q)
    }

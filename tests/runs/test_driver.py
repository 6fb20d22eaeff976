"""Carrying a plan out: a cell that fails leaves the others alone, and nothing is done twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.runs import driver, local
from fewshot_bench.runs.cells import Cell, Plan, SharedWork
from fewshot_bench.runs.driver import Outcome, attempt, carry_out
from fewshot_bench.runs.local import Manner, tasks_of
from fewshot_bench.runs.request import Request
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.crew import News
from fewshot_bench.utilities.files import CannotWriteError
from tests.synthetic import make_result

REQUEST = Request(methods=("a", "b"))
SHARED = SharedWork(
    name="backbone-1",
    title="pretraining",
    config=RunConfig(method="a", backbone="x", dataset="d", recipe={}, data_checksum="1"),
)


def cell(method: str, *needs: str, trains: bool = False) -> Cell:
    config = RunConfig(method=method, backbone="x", dataset="d", recipe={}, data_checksum="1")
    return Cell(config=config, needs=needs, trains_network=trains)


class Measured:
    """In place of a record."""

    result = make_result([0.5, 0.7])


@pytest.fixture
def measuring(
    monkeypatch: pytest.MonkeyPatch, empty_home: Path, uri: str
) -> Callable[[Plan, dict[str, Exception]], Outcome]:
    """Attempt a plan of which some things fail; return what became of it."""

    def attempted(plan: Plan, errors: dict[str, Exception]) -> Outcome:
        def job(what: Cell | SharedWork) -> Any:
            name = what.config.method if isinstance(what, Cell) else what.name
            if name in errors:
                raise errors[name]
            return Measured()

        monkeypatch.setattr(local.Measurer, "__call__", lambda _self: job)
        monkeypatch.setattr(driver, "planned", lambda _request: plan)
        return attempt(REQUEST, Tracker(uri), Manner())

    return attempted


def test_a_cell_that_fails_does_not_stop_the_others(measuring: Any, empty_home: Path) -> None:
    plan = Plan(cells=(cell("a"), cell("b"), cell("c")))
    outcome = measuring(plan, {"a": UsageError("no"), "b": RuntimeError("bug")})
    assert outcome.records.keys() == {2}
    assert {i: str(error) for i, error in outcome.failures.items()} == {0: "no", 1: "bug"}
    assert outcome.log is not None
    log = outcome.log.read_text()
    assert "RuntimeError: bug" in log
    assert "no" not in log.split(), "a user's mistake has no traceback"


def test_what_fails_to_be_shared_fails_those_that_need_it(measuring: Any, empty_home: Path) -> None:
    cells = (cell("a", "backbone-1"), cell("b", "backbone-1"), cell("c"))
    outcome = measuring(Plan(cells=cells, shared=(SHARED,)), {"backbone-1": UsageError("NaN")})
    assert {i: str(error) for i, error in outcome.failures.items()} == {0: "NaN", 1: "NaN"}
    assert outcome.records.keys() == {2}
    assert outcome.log is None
    assert not list((empty_home / "logs").iterdir())


def test_a_disk_that_refuses_stops_all(measuring: Any) -> None:
    with pytest.raises(CannotWriteError, match="full"):
        measuring(Plan(cells=(cell("a"), cell("b"))), {"a": CannotWriteError("full")})


def test_from_python_the_error_itself_is_raised(measuring: Any, uri: str) -> None:
    measuring(Plan(cells=(cell("a"),)), {"a": RuntimeError("bug")})
    with pytest.raises(RuntimeError, match="bug"):
        carry_out(REQUEST, Tracker(uri))


def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    measuring: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(CannotWriteError, match="is a file"):
        measuring(Plan(cells=(cell("a"),)), {})


def test_news_comes_when_it_is_filed(measuring: Any, uri: str) -> None:
    measuring(Plan(cells=(cell("a"), cell("b"))), {"b": UsageError("no")})
    seen: list[tuple[str, str, int, int]] = []

    def watch(outcome: Outcome, news: News) -> None:
        seen.append((news.task, news.kind, len(outcome.records), len(outcome.failures)))

    attempt(REQUEST, Tracker(uri), Manner(), watch)
    assert seen == [
        ("0", "begun", 0, 0),
        ("0", "done", 1, 0),
        ("1", "begun", 1, 0),
        ("1", "failed", 1, 1),
    ]


def test_shared_work_is_a_task_where_several_need_it(
    monkeypatch: pytest.MonkeyPatch, empty_home: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    cells = (cell("a", "backbone-1"), cell("b", "backbone-1", trains=True), cell("c"))
    plan = Plan(cells=cells, shared=(SHARED,))

    def tasks(*wanted: int) -> list[tuple[str, int]]:
        return [(t.name, t.cores) for t in tasks_of(plan, wanted, Manner(workers=4))]

    assert tasks(0, 1, 2) == [("backbone-1", 8), ("1", 4), ("0", 2), ("2", 2)]
    assert tasks(0, 2) == [("0", 8), ("2", 2)]  # one cell alone makes it itself
    SHARED.path.parent.mkdir(parents=True)
    SHARED.path.touch()
    assert tasks(0, 1, 2) == [("1", 4), ("0", 2), ("2", 2)]
    forced = tasks_of(plan, (0, 1), Manner(force=True, workers=4))
    assert [task.name for task in forced] == ["backbone-1", "1", "0"]


def test_trainings_on_stored_embeddings_go_side_by_side(
    monkeypatch: pytest.MonkeyPatch, empty_home: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")

    def trained(name: str, **train: Any) -> SharedWork:
        config = SHARED.config.model_copy(update={"recipe": {"train": train}})
        return SharedWork(name=name, title="", config=config)

    shared = (
        trained("method-1", frozen=True, augment="none"),
        trained("method-2", frozen=False),
        trained("method-3", frozen=True, augment="natural"),
    )
    cells = [cell("a", work.name) for work in shared for _ in range(2)]
    plan = Plan(cells=tuple(cells), shared=shared)
    tasks = tasks_of(plan, range(6), Manner(workers=4))
    cores = {t.name: t.cores for t in tasks if t.what in shared}
    assert cores == {"method-1": 2, "method-2": 4, "method-3": 4}
    alone = tasks_of(plan, (0, 2), Manner(workers=4))
    assert [(t.name, t.cores) for t in alone] == [("2", 4), ("0", 2)]

"""How long what is left may take, by earlier runs: added up by hand."""

import pytest

from fewshot_bench.config import RunConfig
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.cells import Cell, Plan, SharedWork
from fewshot_bench.runs.estimates import Estimate, Pace, estimate, rows
from tests.synthetic import make_result


def config(method: str, **facts: object) -> RunConfig:
    given = {"backbone": "x", "dataset": "d", "recipe": {"pretrain": {"epochs": 3}}, **facts}
    values = {"method": method, "data_checksum": "1", "n_episodes": 100, **given}
    return RunConfig.model_validate(values)


@pytest.fixture
def pace() -> Pace:
    """Of one run: 60 s of training, 600 s of pretraining, 20 s for 10 episodes."""
    result = make_result([0.5] * 10).model_copy(update={"seconds": 20.0})
    record = RunRecord(
        config=config("a"), result=result, train_seconds=60.0, pretrain_seconds=600.0
    )
    pace = Pace()
    pace.learn(record)
    return pace


def test_a_run_takes_what_one_like_it_took(pace: Pace) -> None:
    assert pace.of_run(config("a"), trained=False) == Estimate(60 + 200)
    assert pace.of_run(config("a", n_episodes=50), trained=True) == Estimate(100)
    assert pace.of_run(config("a", dataset="other"), trained=False) == Estimate(260)
    assert pace.of_run(config("a", preset="smoke"), trained=False) == Estimate(n_unknown=1)
    assert pace.of_run(config("b"), trained=False) == Estimate(n_unknown=1)


def test_a_plan_takes_shared_work_once_and_cells_side_by_side(
    pace: Pace, empty_home: object
) -> None:
    work = SharedWork(name="backbone-1", title="", config=config("a"))
    trained = SharedWork(name="method-1", title="", config=config("a"), needs=("backbone-1",))
    alone = Cell(config=config("a", seed=1), needs=("backbone-1",))
    two = tuple(
        Cell(config=config("a", query_balance=balance), needs=("backbone-1", "method-1"))
        for balance in ("balanced", "dirichlet:2")
    )
    plan = Plan(cells=(alone, *two, Cell(config=config("b"))), shared=(work, trained))
    expected = Estimate(600 + 60 + (260 + 200 + 200) / 2, 1)
    assert estimate(plan, range(4), pace, workers=2) == expected
    assert estimate(plan, [3], pace) == Estimate(n_unknown=1)
    table = {row.names[0]: row for row in rows(plan, {0}, pace)}
    assert (table["a"].n_cells, table["a"].n_done, table["a"].left) == (3, 1, Estimate(400))
    assert (table["b"].n_cells, table["b"].n_done) == (1, 0)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (Estimate(20), "< 1 min"),
        (Estimate(150), "2 min"),
        (Estimate(3700, 2), "1 h 2 min + 2 unknown"),
        (Estimate(0, 3), "unknown"),
    ],
)
def test_it_is_told_in_minutes(time: Estimate, text: str) -> None:
    assert str(time) == text

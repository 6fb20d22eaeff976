"""Variants of a method in a study, and seeds that share a backbone."""

import pytest

from fewshot_bench.runs.asked_methods import scoped
from fewshot_bench.runs.cells import titles, variants
from fewshot_bench.runs.request import Request, Scoped
from fewshot_bench.runs.study import read_study
from tests.cells import config

TEXT = """
methods = ["tim", "ssl-meta"]
[settings]
pretrain.epochs = 1
[method.ssl-meta]
settings = { train.steps = 5 }
variants = [{ n_steps = 0 }, { n_steps = 1, train.lr = 0.1 }, { n_steps = 0 }]
"""


def test_variants_are_rows_beside_what_they_vary() -> None:
    each = scoped(read_study(TEXT, "mine"), ["tim", "ssl-meta"])["ssl-meta"].each
    common = ("pretrain.epochs=1", "train.steps=5")
    assert [row.settings for row in each] == [
        common,
        (*common, "n_steps=0"),
        (*common, "n_steps=1", "train.lr=0.1"),
    ]
    assert Scoped(preset="smoke").each == (Scoped(preset="smoke"),)


def test_a_backbone_seed_counts_where_it_is_another() -> None:
    own = config("ssl-meta", seed=3)
    shared = own.model_copy(update={"backbone_seed": 0})
    assert (own.pretraining_seed, shared.pretraining_seed) == (3, 0)
    assert own.key != shared.key
    assert "backbone_seed" not in str(own.model_dump(exclude_none=True))


@pytest.mark.parametrize(("seed", "told"), [(0, None), (1, 0)])
def test_seeds_of_a_request_share_a_backbone(
    seed: int, told: int | None, monkeypatch: pytest.MonkeyPatch, empty_home: object
) -> None:
    from fewshot_bench.runs.plan import make_plan

    request = Request(
        methods=("proto-net",), preset="smoke", seeds=(seed,), backbone_seed=0, n_episodes=2
    )
    (cell,) = make_plan(request).cells
    assert cell.config.backbone_seed == told
    assert cell.config.pretraining_seed == 0


def test_what_is_not_meta_trained_is_measured_once_on_a_shared_backbone(empty_home: object) -> None:
    from fewshot_bench.runs.plan import make_plan

    request = Request(
        methods=("simple-shot", "proto-net"), preset="smoke", seeds=(0, 1, 2), n_episodes=2
    )
    shared = make_plan(request.model_copy(update={"backbone_seed": 0})).cells
    assert [cell.config.method for cell in shared].count("simple-shot") == 1
    assert len(shared) == 4
    assert len(make_plan(request).cells) == 6


def test_seeds_and_episodes_of_one_method_are_its_own(empty_home: object) -> None:
    from fewshot_bench.runs.plan import make_plan

    own = {"ssl-meta": Scoped(seeds=(0, 1)), "heads": Scoped(n_episodes=9)}
    request = Request(
        methods=("simple-shot", "proto-net", "ssl-meta"), preset="smoke", by_method=own
    )
    cells = [cell.config for cell in make_plan(request).cells]
    assert [(c.method, c.seed, c.n_episodes) for c in cells] == [
        ("simple-shot", 0, 9),
        ("proto-net", 0, 200),
        ("ssl-meta", 0, 200),
        ("ssl-meta", 1, 200),
    ]


def test_ways_are_an_axis_as_shots_are(empty_home: object) -> None:
    from fewshot_bench.runs.plan import make_plan

    request = Request(
        methods=("simple-shot",), preset="smoke", ways=(2, 5), shots=(1, 5), n_query_way=2
    )
    plan = make_plan(request)
    assert [(cell.config.n_way, cell.config.n_shot) for cell in plan.cells] == [
        *((2, 1), (2, 5), (5, 1), (5, 5))
    ]
    assert [cell.config.n_query_way for cell in plan.cells] == [None, None, 2, 2]
    assert plan.titles()[0] == "simple-shot conv4-64 glyphs 1-shot, 2-way"
    assert read_study("methods = 'tim'\nn_way = 20", "mine").ways == (20,)


def test_runs_that_differ_in_settings_alone_are_told_apart_by_these() -> None:
    one, five = config("ssl-meta", n_shot=1), config("ssl-meta", n_shot=5)
    slow = config("ssl-meta", "n_steps=1", "step_size=0.5", n_shot=1)
    other = config("ssl-meta", "n_steps=9", n_shot=5)
    told = ["n_steps=3, step_size=0.001", "n_steps=1, step_size=0.5", ""]
    assert variants([one, slow, other]) == told  # the last is at other shots
    assert titles([one, slow])[1] == f"{slow.title}, n_steps=1, step_size=0.5"
    assert variants([one, five]) == ["", ""]

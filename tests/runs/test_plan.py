"""Plans: complete, and refused early if any stage cannot be done."""

from dataclasses import replace

import pytest

from fewshot_bench.data.dataset import Dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.runs import domains
from fewshot_bench.runs.plan import check_stages, make_plan
from fewshot_bench.runs.request import Request
from tests.cells import config
from tests.synthetic import make_dataset, make_split


@pytest.fixture(autouse=True)
def synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "open_dataset", lambda _name: make_dataset())


def with_split(name: str, n_classes: int, per_class: int) -> Dataset:
    """The made-up data set with one split of another size."""
    dataset = make_dataset()
    split = make_split(n_classes, per_class, split=name)
    return replace(dataset, splits={**dataset.splits, name: split})


def test_a_plan_has_a_cell_for_each_method_and_number_of_shots() -> None:
    request = Request(methods=("tim", "SIB"), shots=(1, 5), n_query=4, n_episodes=7)
    cells = make_plan(request).cells
    assert [(c.config.method, c.config.n_shot) for c in cells] == [
        ("tim", 1),
        ("tim", 5),
        ("ssl-meta", 1),
        ("ssl-meta", 5),
    ]
    assert {c.config.n_episodes for c in cells} == {7}
    assert not any(c.choices for c in cells)


def test_all_stands_for_every_method() -> None:
    cells = make_plan(Request(methods=("all",), n_query=4)).cells
    assert len(cells) > 30
    assert len({c.config.key for c in cells}) == len(cells)


def test_a_choice_is_tried_on_val_and_makes_the_run_on_test() -> None:
    (cell,) = make_plan(Request(methods=("tim",), n_query=4, tune=True)).cells
    assert len(cell.choices) == 6
    for choice in cell.choices:
        assert (choice.trial.split, choice.config.split) == ("val", "test")
        assert choice.trial.recipe == choice.config.recipe
        assert set(choice.settings) <= set(choice.config.settings)
    assert cell.config.settings == ()


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (with_split("test", 4, 30), "the test split of synthetic has 4 classes; ask for 4 ways"),
        (with_split("train", 8, 3), "meta-training: .*train split.*set train.n_way"),
        (with_split("val", 4, 30), "validation in meta-training: .*the val split.* 4 classes"),
        (with_split("val", 8, 4), "validation in meta-training: .* ask for 3 queries"),
    ],
)
def test_every_stage_is_checked_before_the_first_step(dataset: Dataset, says: str) -> None:
    check_stages(config("ssl-meta", "train.n_query=3"), make_dataset())
    with pytest.raises(UsageError, match=says) as error:
        check_stages(config("ssl-meta", "train.n_query=3"), dataset)
    assert "\n" not in str(error.value)


def test_a_head_needs_a_val_split_for_its_pretraining_alone() -> None:
    head = config("simple-shot", "train=none")
    check_stages(head, with_split("val", 4, 2))
    with pytest.raises(UsageError, match=r"validation in pretraining: .* more classes or images"):
        check_stages(head, with_split("val", 1, 30))
    check_stages(config("simple-shot", "train=none", "pretrain=none"), with_split("val", 1, 30))


def test_all_rows_are_compared_before_numbers_for_print(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(domains, "verify", checked.append)
    make_plan(Request(methods=("simple-shot",), n_query=4))
    assert checked == []
    make_plan(Request(methods=("simple-shot",), n_query=4, preset="paper"))
    assert checked == ["synthetic"]

"""Trained on one data set, measured on another: which of the two does what."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fewshot_bench.config import RunConfig
from fewshot_bench.data import published
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.entry import DatasetEntry
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.runs import domains
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.domains import domains_of, open_domains, shared_classes
from fewshot_bench.runs.plan import check_stages, make_plan
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import prepare, run
from tests.cells import CPU, SHORT, same, weights
from tests.synthetic import make_dataset, make_split

HOME = make_dataset(name="home")
AWAY = make_dataset(seed=1, name="away", size=24, channels=3)


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    monkeypatch.setattr(domains, "open_dataset", {"home": HOME, "away": AWAY}.__getitem__)


def config(
    method: str, dataset: Dataset = AWAY, train: Dataset | None = HOME, *settings: str
) -> RunConfig:
    return make_config(
        method,
        "conv4-64",
        dataset,
        settings=[*SHORT, *settings],
        train_dataset=train,
        n_query=4,
        n_episodes=6,
    )


def stored(home: Path) -> dict[str, int]:
    files = (home / "weights").glob("*/model.safetensors")
    return {file.parent.name: file.stat().st_mtime_ns for file in files}


def test_a_configuration_says_what_was_trained_on_and_what_was_done_to_fit() -> None:
    crossed, plain = config("ssl-meta"), config("ssl-meta", HOME, None)
    assert (crossed.dataset, crossed.train_dataset) == ("away", "home")
    assert (crossed.data_checksum, crossed.train_checksum) == ("away-1", "home-0")
    assert crossed.fitted == "24x24x3 -> 16x16x1"
    assert crossed.shared_classes == 8
    assert config("ssl-meta", HOME, HOME).fitted is None
    labels = (plain.train_dataset, plain.train_checksum, plain.fitted, plain.shared_classes)
    assert labels == (None, None, None, None)


@pytest.mark.parametrize(
    ("method", "settings"), [("ssl-meta", ()), ("maml", ()), ("simple-shot", ("train=none",))]
)
def test_weights_are_those_of_the_data_set_that_is_trained_on(
    method: str, settings: tuple[str, ...], empty_home: Path
) -> None:
    ours = prepare(config(method, HOME, None, *settings), HOME, CPU)
    before, asked = stored(empty_home), config(method, AWAY, HOME, *settings)
    record = run(asked, CPU)
    assert stored(empty_home) == before, "nothing was trained again"
    assert ours.weights is not None
    assert record.checkpoint == str(ours.weights.path)
    assert same(weights(ours), weights(prepare(asked, HOME, CPU)))
    assert record.result.data_checksum == AWAY["test"].checksum
    assert len(record.result.accuracies) == 6


def test_the_base_is_of_the_data_set_that_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    head = methods["simple-shot"]
    see = head.see_base

    def watched(self: Method, embeddings: Tensor, labels: Tensor) -> None:
        seen.append((embeddings, labels))
        see(self, embeddings, labels)

    monkeypatch.setattr(head, "see_base", watched)
    assert head.uses_base
    run(config("simple-shot", HOME, None, "train=none"), CPU)
    run(config("simple-shot", AWAY, HOME, "train=none"), CPU)
    assert torch.equal(seen[0][0], seen[1][0])
    assert seen[1][1].tolist() == HOME["train"].labels.tolist()


def test_recipes_suit_the_data_set_that_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = DatasetEntry("home", "", (1, 16, 16), (8, 8, 8), "", "", "")
    suits = replace(entry, overrides={"pretrain.augment": "shift"})
    monkeypatch.setattr(published, "datasets", {"home": suits})
    assert config("ssl-meta").recipe["pretrain"]["augment"] == "shift"
    assert config("ssl-meta", HOME, AWAY).recipe["pretrain"]["augment"] == "natural"


def test_settings_are_chosen_where_it_is_trained() -> None:
    request = Request(
        methods=("tim",),
        datasets=("away",),
        train_dataset="home",
        n_query=4,
        n_episodes=6,
        tune=True,
    )
    (cell,) = make_plan(request).cells
    assert cell.config.train_dataset == "home"
    for choice in cell.choices:
        assert (choice.trial.dataset, choice.trial.split) == ("home", "val")
        assert choice.trial.train_dataset is None
        assert (choice.config.dataset, choice.config.split) == ("away", "test")
        assert choice.config.train_dataset == "home"
        assert choice.config.recipe == choice.trial.recipe


def test_a_data_set_trained_and_measured_on_is_an_ordinary_run() -> None:
    plain, twice = (
        make_plan(Request(methods=("tim",), datasets=("home",), train_dataset=name, n_query=4))
        for name in (None, "home")
    )
    assert plain == twice
    assert open_domains("home", "home").train_dataset is None


def test_each_stage_is_checked_on_its_own_data_set() -> None:
    def small(dataset: Dataset, split: str) -> Dataset:
        few = replace(make_split(4, 30, split=split), dataset=dataset.name)
        return replace(dataset, splits={**dataset.splits, split: few})

    asked = config("ssl-meta")
    for unused in ("train", "val"):
        check_stages(asked, small(AWAY, unused), HOME)
    check_stages(asked, AWAY, small(HOME, "test"))
    with pytest.raises(UsageError, match="the test split of away has 4 classes"):
        check_stages(asked, small(AWAY, "test"), HOME)
    with pytest.raises(UsageError, match=r"validation in meta-training: .* the val split of home"):
        check_stages(asked, AWAY, small(HOME, "val"))


def test_a_method_that_learns_nothing_there_is_refused() -> None:
    with pytest.raises(UsageError, match=r"pt-map on conv4-64 learns nothing from home: .* leave"):
        check_stages(config("pt-map", AWAY, HOME, "pretrain=none", "train=none"), AWAY, HOME)
    check_stages(config("simple-shot", AWAY, HOME, "pretrain=none", "train=none"), AWAY, HOME)


def test_images_that_changed_are_refused_on_either_side() -> None:
    asked = config("ssl-meta")
    assert domains_of(asked).training is HOME
    for fact, name in (("data_checksum", "away"), ("train_checksum", "home")):
        with pytest.raises(UsageError, match=f"the images of {name} changed; ask"):
            run(asked.model_copy(update={fact: "0" * 64}), CPU)


def test_classes_are_counted_that_were_trained_or_selected_on() -> None:
    def named(split: str, *names: str) -> Dataset:
        part = replace(make_split(len(names), 4, split=split), class_names=names)
        return Dataset("home", {**HOME.splits, split: part}, "", {})

    train, val, test = (named(split, "aquarium_fish", "Bear") for split in ("train", "val", "test"))
    measured = replace(make_split(3, 4, split="test"), class_names=("Aquarium fish", "bear", "bee"))
    assert [shared_classes(measured, data) for data in (train, val, test)] == [2, 2, 0]

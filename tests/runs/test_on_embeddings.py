"""Runs on a data set of embeddings: what is planned, what is refused, and that it is right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.embeddings import evaluate_embeddings
from fewshot_bench.method import methods
from fewshot_bench.runs import on_embeddings
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import run
from tests.embeddings import make_arrays

X, Y = make_arrays(n_classes=15)
PARTS = {"train": Y < 5, "val": (Y >= 5) & (Y < 10), "test": Y >= 10}


def import_parts(name: str, *parts: str, dim: int = 12, **options: Any) -> Dataset:
    arrays: dict[str, Any] = {f"X_{s}": X[PARTS[s], :dim] for s in parts}
    arrays |= {f"y_{s}": Y[PARTS[s]] for s in parts}
    np.savez("e.npz", **arrays)
    return import_dataset("embeddings", Path("e.npz"), as_name=name, **options)


@pytest.fixture(autouse=True)
def place(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mine() -> Dataset:
    return import_parts("mine", *PARTS)


@pytest.fixture
def novel() -> Dataset:
    return import_parts("novel", "test")


def plan(*names: str, dataset: str = "mine", **asked: Any) -> list[RunConfig]:
    asked = {"preset": "smoke", "n_query": 5, "n_episodes": 20, **asked}
    return make_plan(Request(methods=names, datasets=(dataset,), **asked)).configs


def test_the_backbone_is_that_of_the_embeddings(mine: Dataset) -> None:
    (config,) = plan("pt-map")
    assert (config.backbone, config.recipe["pretrain"]) == ("precomputed", None)
    assert config.data_checksum == mine.checksum
    assert plan("pt-map", backbone="precomputed") == [config]
    with pytest.raises(UsageError, match=r"mine holds embeddings, .* leave --backbone out"):
        plan("pt-map", backbone="conv4-64")
    with pytest.raises(UsageError, match="'precomputed' stands for data sets of embeddings"):
        plan("pt-map", dataset="glyphs", backbone="precomputed")
    assert plan("pt-map", dataset="glyphs")[0].backbone == "conv4-64"


def test_a_named_network_is_the_backbone() -> None:
    import_parts("mine", *PARTS, backbone_name="clip/ViT-B")
    assert plan("pt-map")[0].backbone == "precomputed:clip/ViT-B"
    assert plan("pt-map", backbone="precomputed:clip/ViT-B") == plan("pt-map")


@pytest.mark.parametrize("name", ["simple-shot", "pt-map"])
def test_accuracies_are_those_on_the_arrays(mine: Dataset, name: str) -> None:
    (config,) = plan(name)
    found = run(config, torch.device("cpu")).result
    test, train = PARTS["test"], PARTS["train"]
    on_arrays = evaluate_embeddings(
        name,
        X[test],
        Y[test],
        X_base=X[train],
        y_base=Y[train],
        n_query=5,
        n_episodes=20,
        device="cpu",
    )
    assert found.accuracies == on_arrays.accuracies
    assert found.episode_digest == on_arrays.episode_digest
    assert 0.3 < found.mean < 1


@pytest.mark.parametrize("name", ["ssl-meta", "feat", "ppa", "proto-net", "anil"])
def test_methods_are_meta_trained_on_embeddings(mine: Dataset, name: str) -> None:
    (config,) = plan(name)
    assert config.recipe["train"]["frozen"] is True
    assert config.recipe["train"]["augment"] == "none"
    record = run(config, torch.device("cpu"))
    assert record.checkpoint is not None
    assert {point.name for point in record.curves} == {"train_loss", "train_val_acc"}


def test_a_method_without_weights_of_its_own_is_not_trained(
    mine: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No built-in one is like that, but nothing keeps a plugin from it."""
    monkeypatch.setattr(on_embeddings, "untrained", lambda *_: torch.nn.Identity())
    assert plan("proto-net")[0].recipe["train"] is None
    with pytest.raises(UsageError, match=r"proto-net has no weights but .* 'train\.steps' out"):
        plan("proto-net", settings=("train.steps=5",))


@pytest.mark.parametrize("text", ["train.frozen=false", "train.augment=shift"])
def test_embeddings_cannot_be_changed(mine: Dataset, text: str) -> None:
    with pytest.raises(UsageError, match="embeddings have no network to train and no images"):
        plan("feat", settings=(text,))
    with pytest.raises(UsageError, match=r"leave the setting 'pretrain\.epochs' out"):
        plan("feat", settings=("pretrain.epochs=2",))


@pytest.mark.parametrize("name", ["maml", "tadam", "relation-net"])
def test_methods_that_need_images_are_refused(mine: Dataset, name: str) -> None:
    with pytest.raises(UsageError, match=rf"{name} .*; measure it on a data set of images$"):
        plan(name)


def test_all_means_all_that_can(mine: Dataset) -> None:
    made = make_plan(Request(methods=("all",), datasets=("mine",), preset="smoke", n_query=5))
    measured = {cell.config.method for cell in made.cells}
    assert {"simple-shot", "proto-net", "ssl-meta"} <= measured
    assert {reason.split()[0] for reason in made.left_out} == set(methods) - measured
    assert "maml" not in measured


def test_test_classes_alone_do_for_some(novel: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(plan("pt-map", dataset="novel")[0], torch.device("cpu")).result.mean > 0.3
    with pytest.raises(UsageError, match=r"no train split; .* --set transform=L2N$"):
        plan("simple-shot", dataset="novel")
    assert plan("simple-shot", dataset="novel", settings=("transform=UN",))
    with pytest.raises(UsageError, match=r"feat is meta-trained, .* --set train=none"):
        plan("feat", dataset="novel")
    with pytest.raises(UsageError, match="novel has no val split"):
        plan("pt-map", dataset="novel", split="val")
    with pytest.raises(UsageError, match="novel has no val split"):
        plan("pt-map", dataset="novel", tune=True)
    assert "pt-map" in {config.method for config in plan("all", dataset="novel")}


def test_trained_on_other_embeddings_of_the_same_network(mine: Dataset, novel: Dataset) -> None:
    config = make_config("feat", None, novel, train_dataset=mine, preset="smoke")
    assert (config.train_dataset, config.fitted, config.shared_classes) == ("mine", None, 0)
    (config,) = plan("simple-shot", dataset="novel", train_dataset="mine")
    alone = run(plan("simple-shot")[0], torch.device("cpu")).result
    assert run(config, torch.device("cpu")).result.accuracies == alone.accuracies


def test_other_networks_and_images_do_not_go_together(mine: Dataset) -> None:
    import_parts("short", *PARTS, dim=5)
    with pytest.raises(UsageError, match=r"different networks, unnamed \(length 5\) and unnamed"):
        plan("feat", dataset="short", train_dataset="mine")
    with pytest.raises(UsageError, match="glyphs and mine are not both embeddings"):
        plan("feat", dataset="glyphs", train_dataset="mine")


def test_a_sweep_chooses_on_val(mine: Dataset) -> None:
    configs = plan("logistic", tune=True)
    assert {config.split for config in configs} == {"val", "test"}

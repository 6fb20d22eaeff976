"""Runs with weights of the user's own: repeated without the file, and told apart everywhere."""

from pathlib import Path

import pytest
import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.store import open_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.metric import ACCURACY
from fewshot_bench.runs.driver import carry_out
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import run
from fewshot_bench.tracking import Tracker, load_runs
from fewshot_bench.training.meta_training import meta_training

CPU = torch.device("cpu")


def mine(path: Path, seed: int) -> Path:
    """A file of weights for images of glyphs."""
    torch.manual_seed(seed)
    network = backbones["conv4-64"](open_dataset("glyphs").images("train").image_shape)
    torch.save(network.state_dict(), path)
    return path


def asked(weights: Path | None, *names: str, **fields: object) -> Request:
    settings = ("transform=L2N",) if names == ("simple-shot",) else ()
    facts = {"weights": weights, "n_episodes": 20, "settings": settings, **fields}
    return Request(methods=names, preset="smoke", **facts)


def test_a_run_is_repeated_without_the_file(tmp_path: Path, uri: str) -> None:
    first, second = (mine(tmp_path / f"net{i}.pt", i) for i in (1, 2))
    (record,) = carry_out(asked(first, "simple-shot"), Tracker(uri), "cpu")
    (other,) = carry_out(asked(second, "simple-shot"), Tracker(uri), "cpu")
    assert record.config.key != other.config.key
    assert record.result.accuracies != other.result.accuracies
    assert record.config.recipe["pretrain"] is None
    assert record.config.backbone_weights
    assert record.config.title == (
        f"simple-shot conv4-64 (weights net1-{record.config.backbone_weights[:6]}) glyphs 1-shot"
    )
    first.unlink()
    assert run(record.config, CPU, renew=True).result.accuracies == record.result.accuracies
    variants = cells(latest(load_runs(uri)), ACCURACY)["variant"]
    assert [variant.split("-")[0] for variant in variants] == ["weights net1", "weights net2"]


def test_the_file_may_change_under_its_name(tmp_path: Path, uri: str) -> None:
    path = mine(tmp_path / "net.pt", 1)
    (record,) = carry_out(asked(path, "simple-shot"), Tracker(uri), "cpu")
    mine(path, 2)
    (other,) = carry_out(asked(path, "simple-shot"), Tracker(uri), "cpu")
    assert record.result.accuracies != other.result.accuracies


def test_meta_training_on_them_is_told_apart(tmp_path: Path) -> None:
    files = [mine(tmp_path / f"net{i}.pt", i) for i in (1, 2)]
    configs = [make_plan(asked(file, "proto-net")).configs[0] for file in files]
    dataset = open_dataset("glyphs")
    plain = make_plan(asked(None, "proto-net", settings=("pretrain=none",))).configs[0]
    recipes = [config.recipe for config in (*configs, plain)]
    assert recipes[0] == recipes[1] == recipes[2]
    train = methods["proto-net"].recipe_type.model_validate(recipes[0]).train
    assert train is not None
    assert len({meta_training(c, dataset, train).key for c in (*configs, plain)}) == 3


def test_a_name_of_the_file_is_a_label(tmp_path: Path) -> None:
    first = mine(tmp_path / "net.pt", 1)
    configs = [make_plan(asked(first, "logistic")).configs[0]]
    configs += make_plan(asked(first.rename(tmp_path / "other.pt"), "logistic")).configs
    assert configs[0].key == configs[1].key
    assert configs[0].weights_name != configs[1].weights_name


def test_settings_of_pretraining_are_refused(tmp_path: Path) -> None:
    settings = ("pretrain.epochs=3",)
    with pytest.raises(UsageError, match="comes with weights that are given; leave the settings"):
        make_plan(asked(mine(tmp_path / "n.pt", 1), "logistic", settings=settings))

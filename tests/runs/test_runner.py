"""From configuration to trained method, on small made-up data."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import methods
from fewshot_bench.provenance.code_digest import source_digest
from fewshot_bench.recipe import Recipe
from fewshot_bench.records import record_path, stored_record
from fewshot_bench.runs.runner import prepare
from fewshot_bench.training import meta_training as meta_training_module
from fewshot_bench.utilities.devices import pick_device
from fewshot_bench.utilities.tensors import load_tensors
from tests.cells import CPU, config, same, train, weights
from tests.synthetic import make_dataset

pytestmark = pytest.mark.usefixtures("empty_home")


@pytest.mark.parametrize("method", ["ssl-meta", "proto-net", "maml"])
def test_training_is_repeatable_and_depends_on_the_seed(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = weights(train(method))
    other = weights(train(method, seed=1))
    monkeypatch.setenv("FSBENCH_HOME", str(tmp_path / "another"))
    assert same(first, weights(train(method)))
    assert not same(first, other)


def test_stored_weights_are_reused() -> None:
    first = train("ssl-meta")
    assert first.weights is not None
    written = first.weights.path.stat().st_mtime_ns
    again = train("ssl-meta")
    assert again.weights == first.weights
    assert again.weights.path.stat().st_mtime_ns == written
    assert same(weights(first), weights(again))
    assert again.curves == first.curves
    assert {name for name, _, _ in map(tuple, again.curves)} == {
        "pretrain_loss",
        "pretrain_val_acc",
        "train_loss",
        "train_val_acc",
    }


def test_one_pretrained_backbone_serves_every_method_that_asks_for_it(empty_home: Path) -> None:
    train("ssl-meta")
    train("maml")  # SHORT asks for pretraining
    kinds = sorted(path.name.split("-")[0] for path in (empty_home / "weights").iterdir())
    assert kinds == ["backbone", "method", "method"]


def test_weights_by_other_code_are_named_and_made_anew_if_asked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    first = train("ssl-meta")
    assert first.weights is not None
    written = first.weights.path.stat().st_mtime_ns
    digest = source_digest
    monkeypatch.setattr(
        meta_training_module, "source_digest", lambda *things: digest(*things) + "edited"
    )
    assert "by other code" not in capfd.readouterr().err
    train("ssl-meta")
    assert "was made by other code; --force makes it anew" in capfd.readouterr().err
    assert first.weights.path.stat().st_mtime_ns == written
    prepare(config("ssl-meta"), make_dataset(), CPU, renew=True)
    made = load_tensors(first.weights.path)[1]
    assert made["source"].endswith("edited")
    written = first.weights.path.stat().st_mtime_ns
    prepare(config("ssl-meta"), make_dataset(), CPU, renew=True)  # nothing is stale now
    assert first.weights.path.stat().st_mtime_ns == written


def test_images_that_changed_since_the_pretraining_are_refused() -> None:
    first = train("ssl-meta")
    changed = replace(make_dataset(), checksum="0" * 64)
    asked = config("ssl-meta").model_copy(update={"data_checksum": changed.checksum})
    with pytest.raises(UsageError, match=r"changed since backbone-.*with --force"):
        prepare(asked, changed, CPU)
    again = prepare(asked, changed, CPU, renew=True)
    assert again.weights is not None
    assert first.weights is not None
    assert again.weights.path != first.weights.path


def test_a_damaged_or_misplaced_result_is_one_line(empty_home: Path) -> None:
    path = record_path("k")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UsageError, match=r"is damaged .*delete it"):
        stored_record("k")


def test_a_method_sees_the_train_split_once_and_before_it_is_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[Tensor, Tensor]] = []
    proto_net = methods["proto-net"]
    monkeypatch.setattr(proto_net, "uses_base", True)
    monkeypatch.setattr(proto_net, "see_base", lambda _, *base: seen.append(base))
    untrained = train("proto-net", "train=none").method
    ((embeddings, labels),) = seen
    split = make_dataset()["train"]
    torch.testing.assert_close(embeddings, embed_split(untrained, split))
    assert labels.tolist() == split.labels.tolist()
    train("proto-net")
    assert torch.equal(seen[1][0], embeddings)


def test_a_run_is_keyed_by_all_that_determines_it() -> None:
    changes: list[dict[str, int | str]] = [
        {},
        {"n_episodes": 11},
        {"episode_seed": 1},
        {"query_balance": "dirichlet:2.0"},
        {"n_query_way": 2},
        {"seed": 1},
        {"n_shot": 2},
    ]
    keys = {config("maml", **change).key for change in changes}
    keys.add(config("maml", "inner_lr=0.3").key)
    assert len(keys) == 8
    recipe = Recipe().model_dump(mode="json")
    plain = config("maml").model_copy(update={"recipe": recipe})
    assert plain.key == plain.model_copy(update={"preset": "smoke"}).key


def test_devices() -> None:
    assert pick_device("cpu") == CPU
    with pytest.raises(UsageError, match="no device 'abacus' here; use --device cpu"):
        pick_device("abacus")

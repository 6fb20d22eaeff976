"""Weights of a training, kept where their configuration says."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fewshot_bench.errors import UsageError
from fewshot_bench.training.checkpoints import StoredWeights, identity, load_into
from fewshot_bench.utilities.tensors import save_tensors

OUTCOME = {"seconds": 1.0, "curves": []}


def test_weights_in_the_place_of_others_are_refused(empty_home: Path) -> None:
    """They would fit, and the numbers would be those of another training."""
    mine, other = (StoredWeights({"kind": "backbone", "seed": seed}) for seed in (0, 1))
    other.finish({"x": torch.ones(2)}, OUTCOME)
    assert other.load()[1]["seconds"] == 1
    mine.folder.mkdir()
    other.path.rename(mine.path)
    with pytest.raises(UsageError, match="holds other weights than its place is for"):
        mine.load()
    save_tensors(mine.path, {"x": torch.ones(2)}, {"made_by": mine.facts})
    with pytest.raises(UsageError, match="holds other weights"):
        mine.load()


def test_a_place_is_known_by_its_facts(empty_home: Path) -> None:
    stored = StoredWeights({"kind": "backbone", "seed": 0})
    assert stored.folder == empty_home / "weights" / f"backbone-{stored.key}"
    assert stored.path.parent == stored.checkpoint.parent == stored.folder
    assert stored.path.name == "model.safetensors"
    assert stored.checkpoint.name == "last.safetensors"
    assert identity("key", {"source": "abc"}) == "key-abc"
    assert identity("key", {"source": ""}) == identity("key", {}) == "key"


def test_a_checkpoint_is_gone_when_the_weights_are_there(empty_home: Path) -> None:
    stored = StoredWeights({"kind": "backbone"}, "code")
    assert stored.load_checkpoint() is None
    with stored.lock():
        assert stored.missing()
        stored.save_checkpoint({"x": torch.ones(2)}, {"step": 3})
    tensors, state = stored.load_checkpoint() or ({}, {})
    assert state == {"step": 3}
    assert torch.equal(tensors["x"], torch.ones(2))
    assert stored.missing()
    stored.finish(tensors, OUTCOME)
    assert not stored.missing()
    assert not stored.checkpoint.exists()
    assert stored.load()[1] == {"made_by": stored.facts, "source": "code", **OUTCOME}


@pytest.mark.parametrize("renew", [False, True])
def test_weights_by_other_code_are_made_anew_only_if_asked(
    empty_home: Path, renew: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = {"kind": "backbone"}
    StoredWeights(facts, "before").finish({"x": torch.ones(2)}, OUTCOME)
    after = StoredWeights(facts, "after", renew)
    assert after.missing() == renew
    assert ("--force" in capsys.readouterr().err) != renew
    assert not StoredWeights(facts, "before", renew).missing()
    assert not StoredWeights(facts, "", renew).missing()
    assert after.stale({"source": "before"})
    assert not after.stale({})
    after.path.write_bytes(b"damaged")
    assert not after.missing()  # to load them says so


def test_images_that_changed_are_refused_unless_a_checkpoint_goes_on(empty_home: Path) -> None:
    facts = {"kind": "method", "dataset": "birds", "seed": 0}
    former = StoredWeights({**facts, "data_checksum": "a"})
    former.finish({"x": torch.ones(2)}, OUTCOME)
    changed = {**facts, "data_checksum": "b"}
    with pytest.raises(UsageError, match=f"birds changed since {former.folder.name} was trained"):
        StoredWeights(changed).missing()
    assert StoredWeights(changed, renew=True).missing()
    assert StoredWeights({**changed, "seed": 1}).missing()
    assert StoredWeights({**changed, "kind": "backbone"}).missing()
    StoredWeights(changed).save_checkpoint({"x": torch.ones(2)}, {})
    assert StoredWeights(changed).missing()


def test_images_that_the_harness_draws_otherwise_now_are_trained_on_unasked(
    empty_home: Path,
) -> None:
    facts = {"kind": "method", "dataset": "glyphs", "seed": 0}
    former = StoredWeights({**facts, "data_checksum": "version 1"})
    former.finish({"x": torch.ones(2)}, OUTCOME)
    assert StoredWeights({**facts, "data_checksum": "version 2"}).missing()
    assert not former.missing()


def test_weights_of_another_shape_do_not_fit() -> None:
    module = torch.nn.Linear(2, 3)
    load_into(module, {"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, Path("x"))
    assert module.weight.eq(1).all()
    with pytest.raises(UsageError, match="the weights in x do not fit; delete it and run again"):
        load_into(module, {"weight": torch.ones(3, 2)}, Path("x"))


@pytest.mark.parametrize(
    "outcome",
    [
        {"seconds": "1 s", "curves": []},
        {"seconds": -1.0, "curves": []},
        {"seconds": float("nan"), "curves": []},
        {"seconds": 1.0, "curves": [["loss", 1]]},
        {"seconds": 1.0, "curves": [["loss", "1.5", 2]]},
        {"seconds": 1.0, "curves": {"loss": 1}},
        {"seconds": [[1.0]]},
    ],
)
def test_absurd_facts_beside_weights_are_refused(
    outcome: dict[str, object], empty_home: Path
) -> None:
    stored = StoredWeights({"kind": "backbone"})
    stored.finish({"x": torch.ones(2)}, outcome)
    with pytest.raises(UsageError, match=r"model\.safetensors holds other weights .*delete it"):
        stored.load()


def test_a_deep_maker_is_refused(empty_home: Path) -> None:
    """As deep as JSON is read, and deeper than it is written from a few calls further in."""
    stored, deep = StoredWeights({"kind": "backbone"}), "[" * 950 + "]" * 950
    stored.folder.mkdir(parents=True)
    facts = f'{{"made_by": {deep}, "seconds": 1, "curves": []}}'
    save_file({"x": torch.ones(2)}, stored.path, metadata={"facts": facts})
    with pytest.raises(UsageError, match="delete it and run again"):
        stored.load()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named_when_they_are_read(
    value: float, empty_home: Path
) -> None:
    stored = StoredWeights({"kind": "backbone"})
    stored.finish({"net.scale": torch.tensor([1.0, value])}, OUTCOME)
    with pytest.raises(UsageError, match=r"model\.safetensors holds .*not finite, in 'net.scale'"):
        stored.load()


def test_weights_of_another_type_do_not_fit() -> None:
    module = torch.nn.Linear(2, 1)
    whole = {name: tensor.int() for name, tensor in module.state_dict().items()}
    with pytest.raises(UsageError, match="do not fit"):
        load_into(module, whole, Path("w"))
    load_into(module, {k: t.half() for k, t in module.state_dict().items()}, Path("w"))

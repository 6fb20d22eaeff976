"""Weights of a training, kept where their configuration says."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fewshot_bench.errors import UsageError
from fewshot_bench.training.checkpoints import StoredWeights, load_into
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

"""A checkpoint that somebody wrote: one line, and nothing is trained from it."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.tensors import Tensors, load_tensors, save_tensors
from tests.training.jobs import kept, trainer

STATE: dict[str, Any] = {
    "step": [-1, 24, 2.5, "5", None, [5], 10**30, {}],
    "best": [2.0, float("nan"), "high", None, [[]]],
    "best_step": [-1, "x", 1.5],
    "curves": [1, [["loss"]], [["loss", 1, "x"]], {"loss": 1}, [["loss", 1, float("nan")]]],
    "seconds": [-1.0, float("inf"), "long"],
    "recent": [1, ["x"], [float("nan")]],
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """One after ten steps of Adam."""
    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path, "adam", fail_at=12).run()
    return kept(tmp_path).checkpoint


def refused(path: Path) -> None:
    with pytest.raises(UsageError, match="delete it and run again") as error:
        trainer(path.parent, "adam").run()
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert path.exists()


def test_what_was_written_goes_on(checkpoint: Path) -> None:
    assert trainer(checkpoint.parent, "adam").run().step == 23


@pytest.mark.parametrize(("fact", "value"), [(k, v) for k, vs in STATE.items() for v in vs])
def test_an_absurd_state_is_refused(fact: str, value: object, checkpoint: Path) -> None:
    tensors, made = load_tensors(checkpoint)
    if fact == "step" and value == "5":
        return  # pydantic reads it as what it says
    save_tensors(checkpoint, tensors, {**made, "state": {**made["state"], fact: value}})
    refused(checkpoint)


@pytest.mark.parametrize("state", [None, [], "x", 5])
def test_no_state_is_refused(state: object, checkpoint: Path) -> None:
    tensors, made = load_tensors(checkpoint)
    save_tensors(checkpoint, tensors, {**made, "state": state})
    refused(checkpoint)


def swap(old: str, new: str | None) -> Callable[[Tensors], None]:
    def change(tensors: Tensors) -> None:
        tensor = tensors.pop(old)
        if new:
            tensors[new] = tensor

    return change


def renamed(tensors: Tensors) -> None:
    for name in [name for name in tensors if name.endswith(".exp_avg")]:
        tensors[f"{name}s"] = tensors.pop(name)


def replace(name: str, tensor: torch.Tensor) -> Callable[[Tensors], None]:
    return lambda tensors: tensors.update({name: tensor})


CHANGES: dict[str, Callable[[Tensors], None]] = {
    "no model": swap("model.0.weight", None),
    "no best": swap("best.0.weight", None),
    "other best": replace("best.0.weight", torch.ones(2, 2)),
    "whole numbers": replace("model.0.weight", torch.ones(8, 4, dtype=torch.int64)),
    "complex": replace("best.0.weight", torch.ones(8, 4, dtype=torch.complex64)),
    "no moment": swap("optim.0.exp_avg", None),
    "no number": swap("optim.0.exp_avg", "optim.first.exp_avg"),
    "no parameter": swap("optim.0.exp_avg", "optim.99.exp_avg"),
    "negative": swap("optim.0.exp_avg", "optim.-1.exp_avg"),
    "other shape": replace("optim.0.exp_avg", torch.ones(3)),
    "one number": replace("optim.0.exp_avg", torch.tensor(1.0)),
    "other kind": replace("optim.0.exp_avg", torch.ones(8, 4, dtype=torch.int64)),
    "complex step": replace("optim.0.step", torch.tensor(2j)),
    "step before the first": replace("optim.0.step", torch.tensor(-1e9)),
    "later step": replace("optim.0.step", torch.tensor(11.0)),
    "negative squares": replace("optim.0.exp_avg_sq", -torch.ones(8, 4)),
    "other entry": swap("optim.0.exp_avg", "optim.0.average"),
    "other entries": renamed,
    "nan": replace("model.0.bias", torch.full((8,), float("nan"))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_absurd_tensors_are_refused(change: str, checkpoint: Path) -> None:
    tensors, made = load_tensors(checkpoint)
    CHANGES[change](tensors)
    save_tensors(checkpoint, tensors, made)
    refused(checkpoint)


def test_a_checkpoint_of_an_earlier_version_goes_on(checkpoint: Path) -> None:
    """Without a digest, to the same end."""
    tensors, made = load_tensors(checkpoint)
    save_file(tensors, checkpoint, metadata={"facts": json.dumps(made)})
    whole = trainer(checkpoint.parent / "whole", "adam")
    assert trainer(checkpoint.parent, "adam").run().curves == whole.run().curves


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_content_or_cut_is_noticed(data: st.DataObject, checkpoint: Path) -> None:
    """Beyond the header, whose damage safetensors notices or which then tells other facts."""
    good = checkpoint.read_bytes()
    begins = 8 + struct.unpack("<Q", good[:8])[0]
    place = data.draw(st.integers(begins, len(good) - 1))
    damaged = bytearray(good)
    damaged[place] ^= data.draw(st.integers(1, 255))
    try:
        for text in (bytes(damaged), good[:place]):
            checkpoint.write_bytes(text)
            refused(checkpoint)
    finally:
        checkpoint.write_bytes(good)

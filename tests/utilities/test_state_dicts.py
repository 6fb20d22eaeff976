"""Weights in a user's file: read as tensors, whoever wrapped them, and never run."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.state_dicts import WRAPPERS, read_state_dict
from fewshot_bench.utilities.tensors import Tensors, tensors_digest

WEIGHTS = {"conv.weight": torch.arange(6.0).view(2, 3), "conv.n": torch.tensor(3)}


class Code:
    """Runs a command where a pickle of it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.file),)


def same(first: Tensors, second: Tensors) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_either_format_and_any_wrapper_gives_the_same(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "plain.bin")
    torch.save(WEIGHTS, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for wrapper in WRAPPERS:
        torch.save({"epoch": 3, wrapper: WEIGHTS, "optimizer": {}}, tmp_path / f"{wrapper}.pt")
    found = [read_state_dict(path) for path in tmp_path.iterdir()]
    assert len(found) == 2 + len(WRAPPERS)
    assert all(same(WEIGHTS, tensors) for tensors in found)
    assert {tensors_digest(tensors) for tensors in found} == {tensors_digest(WEIGHTS)}


def test_the_digest_is_of_names_types_shapes_and_values() -> None:
    weight = torch.tensor([[1.0, 2.0]])
    others = [
        {"b": weight},
        {"a": weight.T},
        {"a": weight.double()},
        {"a": weight.bfloat16()},
        {"a": -weight},
        {"a": weight, "b": torch.empty(0)},
    ]
    digests = {tensors_digest(tensors) for tensors in [{"a": weight}, *others]}
    assert len(digests) == len(others) + 1
    assert tensors_digest({"x": weight, "a": weight}) == tensors_digest({"a": weight, "x": weight})
    assert tensors_digest({"a": weight.T.contiguous().T}) == tensors_digest({"a": weight})


def test_code_is_never_run(tmp_path: Path) -> None:
    torch.save({"state_dict": WEIGHTS, "by": Code(tmp_path / "made")}, tmp_path / "bad.pt")
    with pytest.raises(UsageError, match="code in it is never run; save its state_dict"):
        read_state_dict(tmp_path / "bad.pt")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"a": torch.tensor([1.0, float("nan")])}, "'a' holds numbers that are not finite"),
        ({"a": torch.tensor(float("inf"))}, "not finite"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is no plain tensor"),
        ({"epoch": 3}, "holds no weights by name"),
        ({"state_dict": {"a": 3}}, "holds no weights by name"),
        ([torch.ones(2)], "holds no weights by name"),
        ({}, "holds no weights by name"),
    ],
)
def test_what_is_no_weights_is_one_line(tmp_path: Path, content: object, says: str) -> None:
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UsageError, match=says) as error:
        read_state_dict(tmp_path / "x.pt")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut", b"\x08" + 7 * b"\0" + b"{no"])
def test_damage_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(UsageError, match=r"is damaged|never run"):
        read_state_dict(tmp_path / "x.pt")
    with pytest.raises(UsageError, match="no file of weights"):
        read_state_dict(tmp_path)

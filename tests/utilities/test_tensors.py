"""Weights that someone handed over: refused in one line if they are not what they should be."""

import contextlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.tensors import load_tensors, save_tensors

X = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
FACTS = {"__metadata__": {"facts": "{}"}}


def forged(header: Mapping[str, Any] | bytes, length: int | None = None) -> bytes:
    """A safetensors file of 8 bytes of data with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(8)


def test_the_forger_could_make_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(forged({**FACTS, "x": X}))
    tensors, facts = load_tensors(tmp_path / "w")
    assert (tensors["x"].tolist(), facts) == ([0, 0], {})


@pytest.mark.parametrize(
    "data",
    [
        forged({**FACTS, "x": X}, 2**63),
        forged({**FACTS, "x": X}, 10**9),
        forged(b"{" * 10_000),
        forged({**FACTS, "x": {**X, "shape": [2**62, 2**62]}}),
        forged({**FACTS, "x": {**X, "shape": [-2]}}),
        forged({**FACTS, "x": {**X, "data_offsets": [0, 2**40]}}),
        forged({**FACTS, "x": X, "y": X}),
        forged({**FACTS, "x": {**X, "dtype": "object"}}),
        forged({"x": X}),
        forged({"__metadata__": {"facts": "[]"}, "x": X}),
        forged({"__metadata__": {"facts": "no JSON"}, "x": X}),
        forged({"__metadata__": {"facts": "[" * 100_000}, "x": X}),
        forged({"__metadata__": {"facts": {}}, "x": X}),
    ],
)
def test_a_hostile_header_is_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(data)
    with pytest.raises(UsageError, match="is damaged") as error:
        load_tensors(tmp_path / "w")
    assert "\n" not in str(error.value)


class Evil:
    """Would make a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    torch.save({"x": Evil(tmp_path / "pwned")}, tmp_path / "w")
    with pytest.raises(UsageError, match="is damaged"):
        load_tensors(tmp_path / "w")
    assert not (tmp_path / "pwned").exists()


@given(st.data())
def test_any_damage_of_a_header_is_one_line(data: st.DataObject) -> None:
    damaged = bytearray(forged({**FACTS, "x": X}))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 9))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w"
        path.write_bytes(damaged)
        with contextlib.suppress(UsageError):
            assert isinstance(load_tensors(path)[1], dict)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w")
    with pytest.raises(UsageError, match="is no plain file"):
        load_tensors(tmp_path / "w")


def test_changed_facts_and_content_differ_from_their_digest(tmp_path: Path) -> None:
    path, x = tmp_path / "w", torch.arange(6.0).reshape(3, 2)
    save_tensors(path, {"x": x}, {"step": 5})
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    for tensors, told in (
        ({"x": x.flip(0)}, metadata),
        ({"x": x.reshape(2, 3)}, metadata),
        ({"x": x.int()}, metadata),
        ({"y": x}, metadata),
        ({"x": x}, {**metadata, "facts": '{"step": 6}'}),
    ):
        save_file(tensors, path, metadata=told)
        with pytest.raises(UsageError, match=r"is damaged \(its content differs from its digest\)"):
            load_tensors(path)
    save_file({"x": x}, path, metadata=metadata)
    assert load_tensors(path)[1] == {"step": 5}

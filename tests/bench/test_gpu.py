"""What is to be measured on a GPU, at toy size on the CPU: rows, journal, report, parts."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.gpu.__main__ import PIECES, _row, main
from bench.gpu.deep import join, write_parts
from bench.gpu.journal import Journal
from bench.gpu.report import write_report
from bench.gpu.setup import Found, Piece, Setup, SkippedError, difference
from fewshot_bench.data.embedding_files import read_embeddings
from fewshot_bench.errors import UsageError


def toy(out: Path, *arguments: str) -> int:
    return main([*arguments, "--device", "cpu", "--toy", "--out", str(out)])


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.name)
def test_rows_of_a_piece_are_measured(piece: Piece, tmp_path: Path, empty_home: Path) -> None:
    """The first and the last row; of the deep pieces all, of which each needs the one before."""
    rows = list(piece.rows(Setup(torch.device("cpu"), tmp_path, toy=True)))
    assert len(dict(rows)) == len(rows)
    deep = piece.name.startswith("deep")
    for name, work in rows if deep else dict([rows[0], rows[-1]]).items():
        try:
            found = work()
        except SkippedError:
            continue
        assert np.isfinite(found.value), name
        assert found.met or found.unit == "s an epoch", name


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert toy(tmp_path, "steps") == 0
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"piece": "st')  # as after a power cut
    assert toy(tmp_path, "steps") == 0
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == len(lines) + 1
    capsys.readouterr()
    assert toy(tmp_path, "--dry-run") == 0
    told = capsys.readouterr().out
    assert told.count(": done\n") == len(lines) == 2
    assert told.count(": to do\n") > 100
    report = (tmp_path / "gpu.md").read_text()
    assert "## CPU, toy sizes" in report
    assert "| weights after 10 steps | 0 relative difference | at most 1.0e-06: met |" in report
    assert "Never run: `answers`" in report
    assert main(["--out", str(tmp_path), "--report", str(tmp_path / "again.md")]) == 0
    assert (tmp_path / "again.md").read_text() == report


def test_a_row_that_fails_costs_only_itself_and_is_tried_again(tmp_path: Path) -> None:
    where = {"device": "d"}
    journal = Journal(tmp_path / "rows.jsonl", where)

    def broken() -> Found:
        raise RuntimeError("CUDA | error")

    assert not _row("steps", "a", broken, journal)
    assert _row("steps", "b", lambda: Found(2.0, "x/s", aim=3.0, peer=1.0), journal)
    again = Journal(tmp_path / "rows.jsonl", where)
    assert [again.done("steps", row) for row in "abc"] == [False, True, False]
    report = write_report(PIECES, again)
    assert "- `steps`, a: RuntimeError: CUDA / error\n" in report
    assert "- `steps`, b: 2 x/s, 3 aimed at\n" in report
    assert "| a | failed |" in report
    assert "RuntimeError: CUDA / error" in report
    assert "| b | 2 x/s | at least 3: missed | 1, 2.0 x |" in report
    assert not Journal(tmp_path / "rows.jsonl", {"device": "other"}).done("steps", "b")


def test_parts_become_what_the_harness_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.random.default_rng(0).random((12, 5)).astype(np.float16)
    monkeypatch.setattr("bench.gpu.deep.LARGEST", 60)
    parts = write_parts(tmp_path, "test", rows)
    assert len(parts) == 2
    facts = {"classes": ["b", "a"], "counts": [8, 4], "parts": parts, "dataset": "d"}
    told = tmp_path / "test-embeddings.json"
    told.write_text(json.dumps({**facts, "weights": "w", "checksum": "c"}))
    joined = join(tmp_path, tmp_path / "e.npz")
    classes = read_embeddings(joined)["test"]
    assert np.array_equal(classes["b"].read(), rows[:8].astype(np.float32))
    assert np.array_equal(classes["a"].read(), rows[8:].astype(np.float32))
    (tmp_path / "test-1.npy").write_bytes(b"torn")
    with pytest.raises(UsageError, match=r"test-1\.npy is missing, or other"):
        join(tmp_path, tmp_path / "e.npz")


def test_the_difference_is_relative_to_the_largest_number() -> None:
    assert difference(torch.tensor([4.0, -8.0]), torch.tensor([4.0, -7.0])) == 0.125

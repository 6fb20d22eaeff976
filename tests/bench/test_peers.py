"""Patches of a peer's code fit, or say so."""

from pathlib import Path

import pytest

from bench.peers import Patch, apply


def test_a_patch_fits_once_or_says_so(tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text("old\n")
    patch = Patch("peer.py", "old", "new", "why")
    apply(patch, tmp_path)
    assert (tmp_path / "peer.py").read_text() == "new\n"
    with pytest.raises(RuntimeError, match="not the file"):
        apply(patch, tmp_path)

"""The fingerprint changes with every edit of the harness or of a plugin."""

import os
from pathlib import Path

import pytest

from fewshot_bench.provenance import code_fingerprint as module
from fewshot_bench.provenance.code_fingerprint import code_fingerprint


def test_it_holds_still_and_moves_with_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = code_fingerprint()
    assert code_fingerprint() == before
    plugin = tmp_path / "mine.py"
    plugin.write_text("x = 1")
    monkeypatch.setattr(module, "plugin_files", lambda: [plugin])
    first = code_fingerprint()
    assert first != before
    plugin.write_text("x = 2")
    os.utime(plugin, ns=(1, 1))
    assert code_fingerprint() != first

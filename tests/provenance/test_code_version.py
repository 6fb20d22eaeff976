"""Which commit a measurement was made with."""

import subprocess
from pathlib import Path

from fewshot_bench.provenance.code_version import code_version


def test_the_commit_is_known_inside_a_checkout_only(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    (tmp_path / "__init__.py").write_text("")
    assert code_version(tmp_path).commit is None
    git("init")
    assert code_version(tmp_path).commit is None  # in a checkout, but not part of it
    git("add", ".")
    git("commit", "-m", "first")
    clean = code_version(tmp_path)
    assert clean.commit is not None
    assert not clean.dirty
    (tmp_path / "__init__.py").write_text("changed")
    assert str(code_version(tmp_path)) == f"{clean.package}+{clean.commit[:12]}.dirty"

"""``fsbench data`` as a function."""

from collections.abc import Callable

import pytest

from fewshot_bench.cli import main

Fsbench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fsbench(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fsbench:
    """Run a command; return exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in ("data", *arguments)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run

"""What torch's threads are told before torch is loaded."""

import os

import pytest

from fewshot_bench.cli import main
from fewshot_bench.utilities.cores import sleep_soon, waiting


def test_the_command_line_has_waiting_threads_sleep_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert os.environ["GOMP_SPINCOUNT"] == "3000"


@pytest.mark.parametrize("told", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "infinity"}])
def test_what_a_user_says_of_waiting_stays(told: dict[str, str]) -> None:
    environment = dict(told)
    sleep_soon(environment)
    assert environment == told


def test_workers_elsewhere_are_told_what_a_user_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "infinity")
    assert waiting() == {"GOMP_SPINCOUNT": "infinity"}
    monkeypatch.delenv("GOMP_SPINCOUNT")
    assert waiting() == {}

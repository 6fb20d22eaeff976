"""A tracking server that is away, at the start or in the middle: nothing is lost or sent twice."""

import json
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from fewshot_bench.tracking import load_runs
from tests.commands import fsbench as fsbench_here
from tests.processes import Done, free_port, fsbench, server, start

pytestmark = pytest.mark.slow
# Without any training; the many episodes leave time to stop the server in their midst.
RUN = ["run", "--method", "simple-shot", "--preset", "smoke", "--set", "pretrain=none"]
LONG = [
    "run",
    "--method",
    "tim",
    "--preset",
    "smoke",
    "--set",
    "pretrain=none",
    "--episodes",
    "1500",
]


def statuses(uri: str) -> list[str]:
    client = MlflowClient(uri)
    numbers = [e.experiment_id for e in client.search_experiments()]
    cells = client.search_runs(numbers, "tags.`fsbench.key` != ''")
    return [run.info.status for run in cells]


def owed(folder: Path) -> list[Path]:
    return list(folder.glob("home/owed/*/*.json"))


def sync(folder: Path, uri: str) -> Done:
    return fsbench(folder, "sync", "--tracking-uri", uri)


def test_a_server_that_is_away_gets_its_results_later_and_once(tmp_path: Path) -> None:
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    for _ in range(2):  # the second time there is nothing to measure, and no second debt
        done = fsbench(tmp_path, *RUN, "--shots", "1", "--shots", "5", "--tracking-uri", uri)
        assert done.returncode == 0, done.stderr
        assert "does not answer" in done.stderr
        assert "2 results are owed to" in done.stderr
        assert len(owed(tmp_path)) == 2
    done = sync(tmp_path, uri)
    assert (done.returncode, len(owed(tmp_path))) == (2, 2)
    done = fsbench(tmp_path, "sync")  # the default store is owed nothing
    assert f"2 results owed to {uri}; name it with --tracking-uri" in done.stdout

    with server(tmp_path / "server", port):
        assert sync(tmp_path, uri).stdout == f"sent 2 results to {uri}\n"
        assert sync(tmp_path, uri).stdout == f"nothing is owed to {uri}\n"
        assert statuses(uri) == ["FINISHED"] * 2
        records = [json.loads(p.read_text()) for p in tmp_path.glob("home/results/*.json")]
        assert {r["config"]["n_shot"]: sum(r["result"]["accuracies"]) / 200 for r in records} == {
            run.n_shot: pytest.approx(run.mean) for run in load_runs(uri)
        }
        again = fsbench(tmp_path, *RUN, "--shots", "5", "--tracking-uri", uri)
        assert "has been run" in again.stderr
        assert len(statuses(uri)) == 2


def test_a_server_that_stops_in_the_middle_gets_the_run_it_knows_of(tmp_path: Path) -> None:
    port = free_port()
    with server(tmp_path / "server", port) as uri:
        process = start(tmp_path, *LONG, "--tracking-uri", uri)
        while "RUNNING" not in statuses(uri):
            assert process.poll() is None
            time.sleep(0.1)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    hint = f"'fsbench sync --tracking-uri {uri}' sends it"
    assert f"the result is kept here; {hint}" in errors
    assert "1 result is owed to" in errors
    assert "Traceback" not in errors
    with server(tmp_path / "server", port):
        assert statuses(uri) == ["RUNNING"]
        assert sync(tmp_path, uri).returncode == 0
        assert statuses(uri) == ["FINISHED"]
    assert not owed(tmp_path)


def test_without_mlflow_results_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a machine that is lent for its GPU; they are owed as to a server that is away."""
    monkeypatch.setattr("fewshot_bench.tracking.client.find_spec", lambda _: None)
    store = ("--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db")
    assert fsbench_here(*RUN, "--episodes", "10", *store) == 0
    told = capsys.readouterr().err
    assert "mlflow is not installed here" in told
    assert "1 result is owed to" in told
    assert not (tmp_path / "mlflow.db").exists()
    assert fsbench_here("sync", *store) == 2
    assert fsbench_here("sync", "--drop", *store) == 0

"""The command line, driven as a user would."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.commands import fsbench

SMOKE = ["run", "--preset", "smoke", "--episodes", "40"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def test_run_then_table(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    assert fsbench(*SMOKE, "--method", "SIB", "--method", "simple_shot", "--shots", "1") == 0
    shown = capfd.readouterr()
    row = re.search(r"ssl-meta .*transductive .*?(\d+\.\d\d) ± (\d+\.\d\d)", shown.out)
    assert row, shown.out
    assert 20 < float(row[1]) < 100
    assert "fsbench table" in shown.out
    assert (folder / "mlflow.db").exists()

    assert fsbench("table") == 0
    table = capfd.readouterr().out
    assert f"{row[1]} ± {row[2]}" in table
    assert "simple-shot" in table

    assert fsbench(*SMOKE, "--method", "ssl-meta", "--shots", "1") == 0
    again = capfd.readouterr()
    assert "has been run" in again.err
    assert row[1] in again.out


def test_runs_go_to_an_experiment_with_tags(uri: str) -> None:
    head = [*SMOKE, "--method", "logistic", "--set", "pretrain=none", "--tracking-uri", uri]
    assert fsbench(*head, "--experiment", "mine", "--tag", "who=it's me") == 0
    client = MlflowClient(uri)
    mine = client.get_experiment_by_name("mine")
    assert mine is not None
    runs = client.search_runs([mine.experiment_id])
    assert {run.data.tags["fsbench.kind"] for run in runs} == {"row", "cell"}
    assert {run.data.tags["who"] for run in runs} == {"it's me"}
    assert fsbench(*head, "--tag", "mlflow.user=x") == 2


@pytest.mark.usefixtures("uri")
def test_a_new_store_gets_the_stored_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench(*SMOKE, "--method", "ssl-meta", "--shots", "1") == 0
    capfd.readouterr()
    uri = ["--tracking-uri", "sqlite:///other.db"]
    assert fsbench(*SMOKE, "--method", "ssl-meta", "--shots", "1", *uri) == 0
    assert "logging the stored result" in capfd.readouterr().err
    assert fsbench("table", *uri) == 0
    assert "ssl-meta" in capfd.readouterr().out


@pytest.mark.usefixtures("uri")
def test_predictions_are_kept_on_request_and_not_made_twice(
    capfd: pytest.CaptureFixture[str], folder: Path, drawn_home: Path
) -> None:
    command = [*SMOKE, "--method", "logistic", "--set", "pretrain=none"]
    assert fsbench(*command) == 0
    accuracy = re.search(r"\d+\.\d\d ± \d+\.\d\d", capfd.readouterr().out)
    assert accuracy
    assert fsbench(*command, "--keep-predictions") == 0
    shown = capfd.readouterr()
    assert "evaluating it again to keep its predictions" in shown.err
    assert accuracy[0] in shown.out
    (path,) = drawn_home.glob("results/*.predictions.parquet")
    assert str(path) in shown.err
    (logged,) = (folder / "mlartifacts").glob("*/artifacts/predictions.parquet")
    assert logged.read_bytes() == path.read_bytes()
    code = "import sys\nfrom fewshot_bench.cli import main\ntry: main(sys.argv[1:])\n"
    code += "finally: print({'torch', 'mlflow'} & set(sys.modules))"
    again = [sys.executable, "-c", code, *command, "--keep-predictions"]
    done = subprocess.run(again, capture_output=True, text=True, check=True)
    assert "has been run (--force" in done.stderr
    assert done.stdout.splitlines()[-1] == "set()"
    path.write_bytes(path.read_bytes()[:-9])
    assert fsbench(*command, "--keep-predictions") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("delete it and run again")


@pytest.mark.usefixtures("uri")
def test_a_sweep_chooses_on_val_and_measures_once_on_test(
    capfd: pytest.CaptureFixture[str],
) -> None:
    sweep = [*SMOKE, "--method", "laplacian-shot", "--tune", "val"]
    assert fsbench(*sweep, "--set", "n_neighbours=2") == 0
    shown = capfd.readouterr()
    chosen = re.search(r"best of (\d+) on val, .*: strength=(\S+)", shown.err)
    assert chosen, shown.err
    assert int(chosen[1]) > 2
    assert fsbench("table", "-f", "csv", "--split", "val") == 0
    tried = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert len(tried) == int(chosen[1])
    best = max(tried, key=lambda run: float(run["accuracy"]))
    assert f'"strength={chosen[2]}"' in best["settings"].replace("'", '"')
    assert fsbench("table", "-f", "csv") == 0
    (measured,) = csv.DictReader(io.StringIO(capfd.readouterr().out))
    assert measured["settings"] == best["settings"]
    assert measured["split"] == "test"


def test_a_dry_run_prints_the_configuration(
    capfd: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert fsbench("run", "-m", "maml", "--set", "inner_lr=0.4", "--dry-run") == 0
    (config,) = json.loads(capfd.readouterr().out)
    assert config["recipe"]["inner_lr"] == 0.4
    assert config["n_episodes"] == 2000
    assert not (folder / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "proto-nett"], "did you mean 'proto-net'"),
        (["--method", "maml", "--dataset", "glyph"], "did you mean 'glyphs'"),
        (["--method", "maml", "--dataset", "mini-imagenet"], "fsbench data import mini-imagenet"),
        (["--method", "maml", "--backbone", "conv5-64"], "did you mean 'conv4-64'"),
        (["--method", "maml", "--preset", "full"], "choose from"),
        (["--method", "maml", "--set", "inner_lrr=1"], "did you mean 'inner_lr'"),
        (["--method", "maml", "--set", "inner_lr=big"], "valid number"),
        (["--method", "maml", "--device", "tpu"], "no device 'tpu'"),
        (["--method", "maml", "--ways", "5000"], "or fewer"),
        (["--method", "maml", "--shots", "6"], "ask for 14 queries a class or fewer"),
        (["--method", "maml", "--query-balance", "dirichlet:0"], "'balanced' or"),
        (["--method", "maml", "--query-balance", "dirichlet:2"], "ask for 3 queries a class"),
        (["--method", "maml", "--query-ways", "6"], "query ways from 1 to 5"),
        (["--method", "maml", "--set", "train.n_query=20"], "maml: meta-training: 1 shots and 20"),
        (["--method", "maml", "--query-balance", "skewed"], "dirichlet:2.0"),
        (["--method", "maml", "--tune", "test"], "never tune on test"),
        (["--method", "maml", "--tune", "val"], "has nothing to tune"),
        (["--method", "maml", "--keep-predictions", "--dry-run"], "a dry run has no predictions"),
        (["--method", "maml", "--split", "train"], "--split takes test or val"),
        (["--method", "maml", "--tracking-uri", "nonsense"], "tracking URI"),
    ],
)
def test_bad_input_ends_in_one_line(
    arguments: list[str], says: str, capfd: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert fsbench("run", *arguments) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("fsbench: ")
    assert says in lines[0]
    assert list(folder.iterdir()) == [], "nothing half-made is left"


def test_a_table_without_runs_says_how_to_make_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert fsbench("table") == 2
    assert "fsbench run" in capfd.readouterr().err


def test_a_dry_run_of_a_sweep_is_one_array(capfd: pytest.CaptureFixture[str]) -> None:
    sweep = ["run", "-m", "tim", "-m", "laplacian-shot", "-k", "1", "-k", "5", "--tune", "val"]
    assert fsbench(*sweep, "--dry-run") == 0
    configs = json.loads(capfd.readouterr().out)
    asked = [(c["method"], c["n_shot"]) for c in configs if c["split"] == "test"]
    assert asked == [("tim", 1), ("tim", 5), ("laplacian-shot", 1), ("laplacian-shot", 5)]
    trials = [tuple(c["settings"]) for c in configs if c["split"] == "val"]
    assert len(trials) == len(configs) - 4 > 4
    assert all(trials)


@pytest.mark.usefixtures("uri")
def test_a_finished_run_is_answered_without_torch_until_code_changes(
    folder: Path, drawn_home: Path
) -> None:
    command = [*SMOKE, "--method", "logistic", "--set", "pretrain=none"]
    assert fsbench(*command) == 0
    code = (
        "import atexit, sys\nfrom fewshot_bench.cli import main\n"
        "atexit.register(lambda: print({'torch', 'mlflow'} & set(sys.modules)))\n"
        f"main({command!r})"
    )
    again = [sys.executable, "-c", code]
    done = subprocess.run(again, capture_output=True, text=True, check=True)
    assert "logistic conv4-64 glyphs 1-shot: has been run" in done.stderr
    assert done.stdout.splitlines()[-1] == "set()"
    (folder / "mlflow.db").unlink()  # what is not logged is logged again
    assert (
        "logging the stored result"
        in subprocess.run(again, capture_output=True, text=True, check=True).stderr
    )


@pytest.mark.parametrize(
    "call", [["-m", "fewshot_bench"], ["-c", "from fewshot_bench.cli import main; main()"]]
)
def test_the_version_names_the_package(call: list[str]) -> None:
    command = [sys.executable, *call, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("fsbench 0.")


def test_help_imports_neither_torch_nor_mlflow() -> None:
    code = (
        "import sys, fewshot_bench.cli as c\n"
        "try: c.main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'torch', 'mlflow', 'pandas', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "set()"
    assert "--query-balance" in done.stdout
    for default in ("(1)", "(2000; smoke: 200)", "(sqlite:///mlflow.db)", "(conv4-64)"):
        assert f"[default: {default}]" in done.stdout

"""MLflow's pages in a real browser, where there is one: the table that a user sees."""

import html
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fewshot_bench.results import RunRecord
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.views import SHOWN, table_address
from tests.processes import free_port, server
from tests.tracking.answers import keep_answers
from tests.tracking.records import make_record

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium to look with"),
]
METHODS = {"maml": 0.5, "tim": 0.9, "feat": 0.7}  # how good they are made up to be


def cell(method: str, shot: int) -> RunRecord:
    """A cell whose accuracies alternate around what the method is made up to reach."""
    record = make_record(method=method, n_shot=shot, n_curve=3, recipe={"lr": 0.1})
    n_right = round(75 * METHODS[method]) + np.tile([-2, 2], 25) + shot  # of 75 queries
    result = record.result.model_copy(update={"accuracies": tuple((n_right / 75).tolist())})
    return record.model_copy(update={"result": result})


@pytest.fixture(scope="module")
def pages(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of MLflow's pages of a study of three methods at two numbers of shots."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(empty_store, folder / "mlflow.db")
    tracker = Tracker(f"sqlite:///{folder / 'mlflow.db'}", study="three methods", pack=pack)
    with pytest.MonkeyPatch.context() as own:
        own.setenv("FSBENCH_HOME", str(folder / "home"))
        for method in METHODS:
            for shot in (1, 5):
                keep_answers(cell(method, shot))
                tracker.send(cell(method, shot))
    with server(folder, free_port()) as address:
        yield address


def seen(address: str, folder: Path) -> str:
    """What a browser makes of a page, as HTML."""
    options = ["--headless", "--disable-gpu", "--no-proxy-server", "--window-size=2400,1200"]
    options += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options += [f"--user-data-dir={folder}", "--virtual-time-budget=60000", "--dump-dom"]
    command = [str(BROWSER), *options, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return html.unescape(done.stdout)


def column(page: str, name: str) -> list[str]:
    """Texts of a column of the runs' table, from above."""
    cell = rf'role="gridcell" col-id="{re.escape(name)}".*?class="ag-cell-value">([^<]*)<'
    return re.findall(cell, page)


def test_the_table_of_a_study_is_the_papers_the_best_first(pages: str, tmp_path: Path) -> None:
    page = seen(table_address(pages), tmp_path)  # of the newest run
    for name in SHOWN:
        share, shot = name.startswith("acc"), int(name[-5])
        results = [cell(method, shot).result for method in ("tim", "feat", "maml")]
        shown = [float(text) for text in column(page, f"metrics.`{name}`")]
        assert shown == pytest.approx([100 * (r.mean if share else r.ci95) for r in results])
    names = re.findall(r">(\w+ conv4-64 cifar-fs)<", page)
    assert names == [f"{method} conv4-64 cifar-fs" for method in ("tim", "feat", "maml")]


def test_a_chart_compares_the_rows(pages: str, tmp_path: Path) -> None:
    page = seen(f"{table_address(pages)}&compareRunsMode=CHART", tmp_path)
    bars = re.findall(r'<text class="bartext[^>]*>([^<]*)<', page)
    for method in METHODS:
        assert f"{100 * cell(method, 1).result.mean:.2f}" in bars


def pack(_record: RunRecord, folder: Path) -> tuple[int, ...]:
    """Stand in for a method."""
    folder.mkdir()
    (folder / "method.safetensors").touch()
    return (3, 32, 32)


def run_page(pages: str, kind: str) -> str:
    """Address of the page of a run."""
    from mlflow import MlflowClient

    client = MlflowClient(pages)
    experiment = client.get_experiment_by_name("three methods")
    assert experiment is not None
    wanted = f"tags.`fsbench.kind` = '{kind}' and params.method = 'tim'"
    (run, *_) = client.search_runs([experiment.experiment_id], wanted)
    return f"{pages}/#/experiments/{experiment.experiment_id}/runs/{run.info.run_id}"


def test_a_cell_shows_its_files_and_its_model(pages: str, tmp_path: Path) -> None:
    page = seen(f"{run_page(pages, 'cell')}/artifacts/model", tmp_path)
    for name in ("config.json", "result.json", "accuracies.parquet"):
        assert name in page
    for told in ("MLflow Model", "support_labels", "uint8"):
        assert told in page


def test_a_row_shows_answers_by_class(pages: str, tmp_path: Path) -> None:
    folder = f"{run_page(pages, 'row')}/artifacts/1-shot"
    picture = seen(f"{folder}/confusion.png", tmp_path)
    assert re.search(r'<img alt="1-shot/confusion.png" src="blob:', picture)
    assert "curves.png" in picture
    table = seen(f"{folder}/accuracy_by_class.csv", tmp_path)
    for name in ("class 0", "class 5", "queries", "ci95"):
        assert name in table

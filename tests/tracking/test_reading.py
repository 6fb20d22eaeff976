"""Runs read from a store that is only pretended: what is asked, and what is made of the answers."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fewshot_bench.tracking import reader
from fewshot_bench.tracking.reader import load_runs, tracked, translated, understood
from fewshot_bench.tracking.store import TrackingError
from tests.tracking.incomplete import stored


class Page(list[Any]):
    """Results, and where the next are."""

    token: str | None = None


class Client:
    """Stands for MLflow's: one run on each page."""

    def __init__(self, runs: list[Any], rows: list[Any]) -> None:
        self.found, self.rows, self.asked = runs, rows, list[tuple[Any, ...]]()

    def search_experiments(self, max_results: int, page_token: str | None) -> Page:
        assert (max_results, page_token) == (1000, None)
        return Page(SimpleNamespace(experiment_id=name) for name in ("1", "2"))

    def search_runs(
        self, where: list[str], wanted: str, max_results: int, page_token: str | None
    ) -> Page:
        self.asked.append((where, wanted, max_results, page_token))
        found = self.rows if "study" in wanted else self.found
        place = int(page_token or 0)
        page = Page(found[place : place + 1])
        page.token = str(place + 1) if place + 1 < len(found) else None
        return page


def run(run_id: str, order: str = "1", **tags: str) -> Any:
    made = stored(run_id)
    made.data.tags |= {"fsbench.order": order, "fsbench.key": f"key of {run_id}"}
    made.data.tags |= {f"fsbench.{name}": value for name, value in tags.items()}
    return made


def row(run_id: str, study: str, *keys: str) -> Any:
    made = stored(run_id)
    made.data.tags = {"fsbench.study": study, **{f"fsbench.cell.{key}": "x" for key in keys}}
    return made


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    rows = [row("row1", "s", "key of a", "key of b"), row("row2", "r", "key of a")]
    runs = [run("c", "2"), run("b", "1"), run("a", "2")]
    runs[0].data.tags["mlflow.parentRunId"] = "row2"
    made = Client(runs, rows)
    monkeypatch.setattr(reader, "connect", {"http://h": made}.__getitem__)
    return made


def test_all_runs_are_read_the_oldest_first_with_their_studies(client: Client) -> None:
    found = load_runs("http://h")
    assert [(each.run_id, each.studies) for each in found] == [
        ("b", ("s",)),
        ("a", ("r", "s")),
        ("c", ("r",)),
    ]
    finished = "attributes.status = 'FINISHED' and tags.`fsbench.key` != ''"
    assert [asked[1] for asked in client.asked] == ["tags.`fsbench.study` != ''"] * 2 + [
        finished
    ] * 3
    assert {(tuple(where), most) for where, _, most, _ in client.asked} == {(("1", "2"), 1000)}


def test_rows_of_another_experiment_have_other_cells(client: Client) -> None:
    for each in client.rows:
        each.info.experiment_id = "2"
    assert {each.studies for each in load_runs("http://h")} == {()}


def test_what_is_wrong_with_a_store_is_one_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "search_experiments", lambda **_: 1 / 0)
    with pytest.raises(TrackingError, match="http://h cannot be used"):
        load_runs("http://h")


def test_a_file_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert load_runs(f"sqlite:///{tmp_path / 'x.db'}") == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_be_is_left_out_in_300_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = stored("bad")
    bad.data.params["split"] = "y" * 400
    bad.data.metrics |= {"cell_acc_1shot": 50.0, "cell_ci95_1shot": 1.0}
    assert [each.run_id for each in understood([bad, stored("good")])] == ["good"]
    reason = f"split='{'y' * 293}"
    told = f"warning: run bad is left out: {reason}"
    assert capsys.readouterr().err == f"{told}\n"
    assert len(reason) == 300


def metrics(prefix: str, unit: float) -> dict[str, float]:
    values = {"acc": 0.5, "ci95": 0.125, "macro_f1": 0.25, "macro_f1_ci95": 0.0625, "ece": 0.75}
    told = {f"{prefix}{name}_1shot": unit * value for name, value in values.items()}
    return {"train_seconds": 1.0, "ms_per_episode": 2.0, **told}


@pytest.mark.parametrize(
    ("split", "prefix", "unit"),
    [("test", "cell_", 100), ("val", "val_", 100), ("test", "", 1), ("val", "", 1)],
)
def test_shares_are_percentages_of_cells_or_as_early_versions_wrote_them(
    split: str, prefix: str, unit: float
) -> None:
    made = stored("one")
    made.data.params["split"] = split
    made.data.metrics = metrics(prefix, unit)
    found = tracked(made)
    assert (found.mean, found.ci95) == (0.5, 0.125)
    assert (found.macro_f1, found.macro_f1_ci95, found.calibration_error) == (0.25, 0.0625, 0.75)
    full = f"{prefix}ci95_1shot"
    del made.data.metrics[full]
    with pytest.raises(KeyError, match=full):
        tracked(made)


def test_what_early_versions_lack_has_its_default() -> None:
    made = stored("one")
    made.data.tags.pop("mlflow.parentRunId", None)
    found = tracked(made, {("1", ""): {"nobody's"}})
    defaults = {"n_query_way": 0, "train_dataset": "", "train_checksum": "", "fitted": ""}
    defaults |= {"shared_classes": 0, "weights": "", "record": "", "episode_seed": 0}
    assert {name: getattr(found, name) for name in defaults} == defaults
    made.data.params |= {"episode_seed": "7", "weights_name": "null", "backbone_weights": "abcdefg"}
    assert tracked(made) == replace(
        found, episode_seed=7, weights="weights given-abcdef", studies=()
    )


@pytest.mark.parametrize("written", ["1", "{}", '["a", 1]', '"ab"', "null"])
def test_settings_are_texts(written: str) -> None:
    data = stored("one").data
    data.params["settings"] = written
    with pytest.raises(ValueError, match="is no list of texts"):
        translated(data.params, data.tags, data.metrics)

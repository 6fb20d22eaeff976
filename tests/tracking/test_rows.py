"""Rows and studies above the cells: MLflow's table is the paper's."""

import pickle
import shutil
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run

from fewshot_bench.provenance.code_version import code_version
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking import Tracker, load_runs, rows, writer
from fewshot_bench.tracking.experiments import EXPERIMENT_TAGS
from fewshot_bench.tracking.log import log_code, log_params, log_tags
from fewshot_bench.tracking.notes import NOTE
from fewshot_bench.tracking.owed import deliver, send_owed
from fewshot_bench.tracking.place import PARENT
from fewshot_bench.tracking.record import flatten, measured
from fewshot_bench.tracking.store import TrackingError
from fewshot_bench.utilities.files import stable_hash
from tests.tracking.records import make_record

STUDY = "it's mine"  # MLflow's filters have no escape for the quote


def small(**facts: Any) -> RunRecord:
    return make_record(n_curve=1, **{"recipe": {"lr": 0.1}, **facts})


def runs_of(uri: str, experiment: str = "cifar-fs") -> list[Run]:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def kind(run: Run) -> str:
    return str(run.data.tags["fsbench.kind"])


def of_kind(wanted: str, uri: str, experiment: str = "cifar-fs") -> list[Run]:
    return [run for run in runs_of(uri, experiment) if kind(run) == wanted]


def old_cell(uri: str, record: RunRecord) -> str:
    """Write a cell as versions without rows did; return its id."""
    client, config = MlflowClient(tracking_uri=uri), record.config
    kind_alone = {k: v for k, v in EXPERIMENT_TAGS.items() if k == "mlflow.experimentKind"}
    experiment = client.create_experiment(config.dataset, tags=kind_alone)
    tags = {"fsbench.key": config.key, "fsbench.data_checksum": config.data_checksum}
    run_id = str(client.create_run(experiment, 1, tags).info.run_id)
    log_params(client, run_id, flatten(config.model_dump(mode="json")))
    client.log_batch(run_id, [Metric(k, v, 1, 0) for k, v in measured(record).items()])
    log_tags(client, run_id, record)
    log_code(client, run_id, code_version())
    client.set_terminated(run_id, "FINISHED", 2)
    return run_id


@pytest.fixture(scope="module")
def full(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a study of two methods, one of them tuned, each sent twice."""
    file = tmp_path_factory.mktemp("full") / "mlflow.db"
    shutil.copy(empty_store, file)
    study = Tracker(f"sqlite:///{file}", study=STUDY, command="fsbench study x", tags={"a": "b's"})
    asked = small(method="tim").config
    chosen = small(method="tim", settings=("lr=0.2",), recipe={"lr": 0.2})
    trial = chosen.model_copy(update={"config": chosen.config.model_copy(update={"split": "val"})})
    for _ in range(2):
        for shot in (1, 5):
            study.send(small(n_shot=shot))
        study.tuning(asked, trial=True).send(trial)
        study.tuning(asked).send(chosen)
    return study.uri


def test_a_row_has_the_numbers_of_its_cells_in_percent(full: str) -> None:
    record = small()
    (row,) = (r for r in of_kind("row", full, STUDY) if r.data.params["method"] == "ssl-meta")
    for name, share in (("acc", record.result.mean), ("ci95", record.result.ci95)):
        for shot in (1, 5):  # made-up accuracies are the same
            assert row.data.metrics[f"{name}_{shot}shot"] == pytest.approx(100 * share)
    assert row.info.status == "FINISHED"
    assert row.info.run_name == "ssl-meta conv4-64 cifar-fs"
    assert {i.dataset.name for i in row.inputs.dataset_inputs} == {"cifar-fs"}
    note = row.data.tags[NOTE]
    assert f"| {100 * record.result.mean:.2f} ± {100 * record.result.ci95:.2f} |" in note
    assert "fsbench run --method ssl-meta --shots 1 --shots 5 --dataset cifar-fs" in note


def test_study_rows_cells_and_trials_are_one_tree(full: str) -> None:
    runs = {run.info.run_id: run for run in runs_of(full, STUDY)}
    above = {run.info.run_name: runs.get(run.data.tags.get(PARENT, "")) for run in runs.values()}
    names = {name: parent and parent.info.run_name for name, parent in above.items()}
    sib, tim = "ssl-meta conv4-64 cifar-fs", "tim conv4-64 cifar-fs, tuned on val"
    assert names == {
        STUDY: None,
        sib: STUDY,
        tim: STUDY,
        f"{sib} 1-shot": sib,
        f"{sib} 5-shot": sib,
        "tim conv4-64 cifar-fs 1-shot, lr=0.2": tim,
        "tim conv4-64 cifar-fs 1-shot, lr=0.2, on val": tim,
    }
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert {run.data.tags["a"] for run in runs.values()} == {"b's"}
    (study,) = of_kind("study", full, STUDY)
    assert "fsbench study x" in study.data.tags[NOTE]


def test_only_rows_have_what_a_table_sorts_by(full: str) -> None:
    starts = {
        kind(run): {name.partition("_")[0] for name in run.data.metrics if "acc_" in name}
        for run in runs_of(full, STUDY)
    }
    assert starts == {"study": set(), "row": {"acc"}, "cell": {"cell"}, "trial": {"val"}}


def test_a_table_of_fsbench_counts_cells_alone(full: str) -> None:
    found = load_runs(full)
    assert sorted((run.method, run.n_shot, run.split) for run in found) == [
        ("ssl-meta", 1, "test"),
        ("ssl-meta", 5, "test"),
        ("tim", 1, "test"),
        ("tim", 1, "val"),
    ]
    assert [run.mean for run in found] == pytest.approx([small().result.mean] * 4)


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ({"study": STUDY}, True),
        ({"experiment": STUDY}, True),  # a row of some study will do
        ({"experiment": STUDY, "tags": {"a": "b's"}}, True),
        ({"experiment": STUDY, "tags": {"a": "c"}}, False),
        ({"study": "another", "experiment": STUDY}, False),
        ({}, False),
    ],
)
def test_a_cell_is_known_where_its_number_is_in_its_row(
    place: dict[str, Any], known: bool, full: str
) -> None:
    tracker = Tracker(full, **place)
    assert tracker.has(small(n_shot=5).config) is known  # as SQLite tells
    tracker.check()
    assert tracker.has(small(n_shot=5).config) is known  # as MLflow does
    assert not tracker.has(small(n_shot=2).config)


def test_a_study_takes_the_row_of_a_plain_run_and_another_has_its_own(uri: str) -> None:
    for place in ({}, {"study": "a"}, {"study": "a"}, {"study": "b"}, {}):
        Tracker(uri, **{"experiment": "cifar-fs", **place}).send(small())  # type: ignore[arg-type]
    assert len(of_kind("study", uri)) == len(of_kind("row", uri)) == 2
    (cell,) = of_kind("cell", uri)
    (above,) = (r for r in of_kind("row", uri) if r.info.run_id == cell.data.tags[PARENT])
    assert above.data.tags["fsbench.study"] == "a"
    assert len({r.data.metrics["acc_1shot"] for r in of_kind("row", uri)}) == 1


def test_a_cell_of_an_earlier_version_is_read_and_put_below_a_row_when_asked_for(uri: str) -> None:
    record = small()
    run_id = old_cell(uri, record)
    (before,) = load_runs(uri)
    assert before.mean == record.result.mean
    tracker = Tracker(uri)
    assert not tracker.has(record.config)
    tracker.send(record)
    assert load_runs(uri) == [before]
    (cell,), (row,) = of_kind("cell", uri), of_kind("row", uri)
    assert (cell.info.run_id, cell.data.tags[PARENT]) == (run_id, row.info.run_id)
    assert row.data.metrics["acc_1shot"] == pytest.approx(100 * record.result.mean)
    experiment = tracker.client.get_experiment_by_name("cifar-fs")
    assert EXPERIMENT_TAGS.items() <= experiment.tags.items()


STEPS = [
    *((rows, step) for step in ("log_params", "log_shares", "set_tags")),
    (writer, "log_inputs"),
]


@pytest.mark.parametrize(("module", "step"), STEPS)
def test_a_sending_that_broke_off_leaves_no_second_row(
    module: Any, step: str, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = getattr(module, step)

    def do_and_break(*arguments: Any) -> None:
        done(*arguments)
        raise ConnectionError("gone")

    tracker = Tracker(uri, study="s")
    with monkeypatch.context() as broken:
        broken.setattr(module, step, do_and_break)
        with pytest.raises(TrackingError, match="gone"):
            tracker.send(small())
    assert not tracker.has(small().config)
    tracker.send(small())
    assert tracker.has(small().config)
    kinds = sorted(map(kind, runs_of(uri, "s")))
    assert kinds == ["cell", "row", "study"]
    (row,) = of_kind("row", uri, "s")
    assert row.data.params["method"] == "ssl-meta"
    assert (row.info.status, len(row.inputs.dataset_inputs)) == ("FINISHED", 1)


def test_a_cell_that_fails_ends_its_row_unless_that_has_a_number(uri: str) -> None:
    tracker = Tracker(uri)
    for status in ("FAILED", "FINISHED"):
        with pytest.raises(RuntimeError), tracker.announced(small(n_shot=5).config):
            raise RuntimeError
        assert [row.info.status for row in of_kind("row", uri)] == [status]
        tracker.send(small())


def test_of_two_measurements_the_later_in_order_is_in_the_row(uri: str) -> None:
    first, second = small().model_copy(update={"order": 8}), small()
    better = second.result.model_copy(update={"accuracies": (1.0,) * 50})
    Tracker(uri).send(second.model_copy(update={"order": 9, "result": better}))
    Tracker(uri).send(first)  # late
    (row,) = of_kind("row", uri)
    assert row.data.metrics["acc_1shot"] == 100


def test_what_is_owed_comes_to_its_place(uri: str, empty_home: Path) -> None:
    away = "http://127.0.0.1:9"
    for place in ({}, {"study": "s", "tags": {"x": "y"}}):
        assert not deliver(Tracker(away, **place), small())  # type: ignore[arg-type]
    (empty_home / "owed" / stable_hash(away)).rename(empty_home / "owed" / stable_hash(uri))
    assert send_owed(Tracker(uri)) == 2
    assert sorted(map(kind, runs_of(uri, "s"))) == ["cell", "row", "study"]
    assert sorted(map(kind, runs_of(uri))) == ["cell", "row"]
    assert of_kind("row", uri, "s")[0].data.tags["x"] == "y"


def _send(uri: str, shot: int) -> None:
    Tracker(uri, study="s").send(small(n_shot=shot))


@pytest.mark.slow
def test_processes_that_send_at_once_make_one_row(uri: str) -> None:
    context = get_context("fork")
    senders = [context.Process(target=_send, args=(uri, shot)) for shot in (1, 2, 3, 5)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert [sender.exitcode for sender in senders] == [0] * 4
    assert sorted(map(kind, runs_of(uri, "s"))) == [*["cell"] * 4, "row", "study"]
    (row,) = of_kind("row", uri, "s")
    assert {f"acc_{shot}shot" for shot in (1, 2, 3, 5)} <= row.data.metrics.keys()


def test_a_tracker_can_be_sent_to_another_process(uri: str) -> None:
    tracker = Tracker(uri, study="s")
    tracker.check()
    other = pickle.loads(pickle.dumps(tracker))
    assert other.place == tracker.place
    assert isinstance(other.client, MlflowClient)

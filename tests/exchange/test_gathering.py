"""Runs of a store and of files together, and what is known of each."""

from pathlib import Path
from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.files import write_results
from fewshot_bench.exchange.gathering import Gathered, gather, newest
from fewshot_bench.records import keep_record, record_path
from fewshot_bench.results import RunRecord
from fewshot_bench.tracking import Tracker, load_runs
from tests.exchange.measurements import measured, same
from tests.tracking.records import log, make_record


def sent(uri: str, study: str | None = None, **facts: Any) -> tuple[RunRecord, str]:
    """A record in a store; and the id of its run."""
    record = make_record(**facts)
    return record, log(Tracker(uri, study=study), record)


def test_episodes_come_from_this_machine_or_from_the_store(uri: str, empty_home: Path) -> None:
    record, run_id = sent(uri)
    found = gather(uri)
    far = found.measurement(run_id)
    assert found.accuracies(run_id).tolist() == list(record.result.accuracies)
    assert found.curves(run_id) == {"train_loss": list(record.curves)}
    assert (far.config, far.record) == (record.config, record.id)
    keep_record(record.model_copy(update={"source": "digest"}))
    near = gather(uri).measurement(run_id)
    assert near.source == "digest"
    assert same(near.model_copy(update={"source": None}), far.model_copy(update={"code": None}))
    record_path(record.config.key).write_text("{")  # damaged: the store has it
    assert same(gather(uri).measurement(run_id), far)


def test_a_later_result_of_this_machine_is_not_that_of_an_earlier_run(
    uri: str, empty_home: Path
) -> None:
    record, run_id = sent(uri)
    worse = record.result.model_copy(update={"accuracies": (0.2,) * 50})
    keep_record(record.model_copy(update={"result": worse}))
    assert gather(uri).accuracies(run_id).tolist() == list(record.result.accuracies)


def test_accuracies_that_no_queries_have_are_refused(uri: str, empty_home: Path) -> None:
    record = make_record()
    odd = record.result.model_copy(update={"accuracies": (0.123,) * 50})
    run_id = log(Tracker(uri), record.model_copy(update={"result": odd}))
    with pytest.raises(UsageError, match=f"run {run_id} .* no shares of 75 queries"):
        gather(uri).measurement(run_id)


def test_files_alone_are_read_without_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    sent(uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    one, two = measured(), measured(minute=1, config={"seed": 1})
    for name, runs in {"a": [one], "b": [two, one]}.items():
        write_results(runs, tmp_path / name)
    found = gather(None, [tmp_path / "b", tmp_path / "a"])
    assert [run.run_id for run in found.runs] == ["run0000", "run0001"]
    assert same(found.measurement("run0001"), two)
    assert len(gather(None).runs) == 1
    assert len(gather(uri, [tmp_path / "a"]).runs) == 2


def test_the_same_measurement_counts_once_and_is_of_all_its_studies(
    uri: str, tmp_path: Path, empty_home: Path
) -> None:
    record, _ = sent(uri, "one")
    (run,) = gather(uri).runs
    assert run.studies == ("one",)
    kept = gather(uri).measurement(run.run_id)
    write_results([kept], tmp_path / "results")
    Tracker(uri, study="two").send(record)  # in another experiment: another run
    assert len(load_runs(uri)) == 2
    found = gather(uri, [tmp_path / "results"])
    assert [each.studies for each in found.runs] == [("one", "two")]
    assert found.measurement(found.runs[0].run_id).studies == ("one", "two")


def test_of_two_results_of_a_configuration_the_later_is_the_newest() -> None:
    early, late = measured(minute=5), measured([1, 2, 3, 4], minute=9)
    other = measured(minute=7, config={"n_shot": 5})
    found = Gathered("sqlite:///x.db", [], [late, other, early])
    assert [run.order for run in found.runs] == [5, 7, 9]
    assert [run.order for run in newest(found.runs[::-1])] == [7, 9]


def test_two_results_of_one_name_are_refused() -> None:
    first = measured()
    with pytest.raises(UsageError, match="two results have the run id run0000"):
        Gathered("sqlite:///x.db", [], [first, measured(record="another")])
    nameless = first.tracked().__class__(**vars(first.tracked()) | {"record": ""})
    assert len(Gathered("sqlite:///x.db", [nameless], [first]).runs) == 1
    assert len(Gathered("sqlite:///x.db", [nameless, first.tracked()], []).runs) == 1

"""The question that is put to an sqlite store without MLflow, against MLflow's own answer."""

from pathlib import Path

from mlflow import MlflowClient

from fewshot_bench.tracking.sqlite import holds_finished


def test_it_answers_as_mlflow_does(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    client = MlflowClient(tracking_uri=f"sqlite:///{file}")
    experiment = client.create_experiment("glyphs", (tmp_path / "artifacts").as_uri())
    client.create_experiment("other", (tmp_path / "artifacts").as_uri())
    runs = {}
    for status in ("FINISHED", "FAILED", "RUNNING", "DELETED"):
        run = client.create_run(experiment, tags={"fsbench.key": f"key-{status}"})
        runs[status] = run.info.run_id
        if status != "RUNNING":
            client.set_terminated(runs[status], "FINISHED" if status == "DELETED" else status)
    client.delete_run(runs["DELETED"])
    for status in runs:
        query = f"attributes.status = 'FINISHED' and tags.`fsbench.key` = 'key-{status}'"
        tags = {"fsbench.key": f"key-{status}"}
        known = bool(client.search_runs([experiment], query))
        assert holds_finished(file, "glyphs", tags) == known == (status == "FINISHED")
    finished = {"fsbench.key": "key-FINISHED"}
    assert holds_finished(file, "other", finished) is False
    assert holds_finished(file, "glyphs", {"fsbench.key": "key"}) is False
    kept = {**finished, "fsbench.predictions": "kept"}
    assert holds_finished(file, "glyphs", kept) is False
    client.set_tag(runs["FINISHED"], "fsbench.predictions", "kept")
    assert holds_finished(file, "glyphs", kept) is True


def test_a_file_that_is_no_store_is_left_to_mlflow(tmp_path: Path) -> None:
    assert holds_finished(tmp_path / "absent.db", "glyphs", {"fsbench.key": "key"}) is None
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("no database, but long enough to be read as one " * 50)
    for name in ("empty.db", "text.db"):
        assert holds_finished(tmp_path / name, "glyphs", {"fsbench.key": "key"}) is None

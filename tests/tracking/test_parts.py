"""Parts of a run as they are logged: data, shares, files; told to a client that notes it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from pyarrow import parquet

from fewshot_bench.results import CurvePoint, RunRecord
from fewshot_bench.tracking import log, pictures, sending
from fewshot_bench.tracking.order import order_of
from fewshot_bench.tracking.pictures import log_pictures
from fewshot_bench.tracking.record import flatten, percentages, write_files
from tests.tracking.answers import keep_answers
from tests.tracking.memory import Memory
from tests.tracking.records import make_record
from tests.tracking.rows import small


@pytest.fixture
def store(tmp_path: Path, empty_home: Path) -> Any:
    made = Memory(tmp_path / "artifacts")
    made.create_run("1", 0, {}, "")
    return made


def test_data_are_told_with_split_name_and_checksum(store: Any) -> None:
    config = make_record(
        split="val", data_checksum="0123456789" * 4, train_dataset="birds", train_checksum="t" * 64
    ).config
    log.log_inputs(store, "run0", config)
    ((run, inputs),) = store.inputs
    assert run == "run0"
    told = [
        (
            [(tag.key, tag.value) for tag in each.tags],
            (each.dataset.name, each.dataset.digest, each.dataset.source_type),
            json.loads(each.dataset.source),
        )
        for each in inputs
    ]
    assert told == [
        (
            [("mlflow.data.context", "val")],
            ("cifar-fs", "012345678901234567890123456789012345", "fsbench"),
            {"name": "cifar-fs", "checksum": "0123456789" * 4},
        ),
        (
            [("mlflow.data.context", "train")],
            ("birds", "t" * 36, "fsbench"),
            {"name": "birds", "checksum": "t" * 64},
        ),
    ]


@pytest.mark.parametrize("refusal", ["IntegrityError", "UniqueViolation"])
def test_what_another_machine_notes_meanwhile_is_tried_five_times(
    refusal: str, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def refuse(run: str, _: Any) -> None:
        tried.append(run)
        raise MlflowException(f"({refusal}) no")

    monkeypatch.setattr(store, "log_inputs", refuse)
    with pytest.raises(MlflowException, match=refusal):
        log.log_inputs(store, "run0", small().config)
    assert tried == ["run0"] * 5


def test_data_are_noted_once(store: Any) -> None:
    log.log_inputs(store, "run0", small().config)
    assert len(store.inputs) == 1


def test_shares_of_a_row_have_six_decimals_and_the_order_for_time(store: Any) -> None:
    record = make_record().model_copy(update={"order": 1234})
    third = record.result.model_copy(update={"accuracies": (1 / 3,) * 50, "macro_f1": None})
    log.log_shares(store, "run0", record.model_copy(update={"result": third}))
    points = {name: store.points["run0", name] for _, name in store.points}
    assert {name: (p.value, p.timestamp, p.step) for name, (p,) in points.items()} == {
        "acc_1shot": (33.333333, 1234, 0),
        "ci95_1shot": (0, 1234, 0),
        "ece_1shot": (5, 1234, 0),
    }


def test_names_of_shares_say_of_what_they_are() -> None:
    record = make_record(n_shot=5)
    lone = record.model_copy(
        update={
            "result": record.result.model_copy(
                update={"accuracies": (0.5,) * 50, "macro_f1": (0.25,) * 50}
            )
        }
    )
    values = {"acc": 50, "ci95": 0, "macro_f1": 25, "macro_f1_ci95": 0, "ece": 5}
    val = lone.model_copy(update={"config": lone.config.model_copy(update={"split": "val"})})
    for of, of_cell, prefix in (
        (lone, True, "cell_"),
        (lone, False, ""),
        (val, True, "val_"),
        (val, False, "val_"),
    ):
        told = {f"{prefix}{name}_5shot": value for name, value in values.items()}
        assert percentages(of, of_cell=of_cell) == told


def test_settings_are_flat_texts() -> None:
    tree = {"a": {"b": {"c": 1}, "e": {}}, "d": [1, None], "f": "x", "g": 0.5, "h": None}
    flat = {"a.b.c": "1", "a.e": "{}", "d": "[1, null]", "f": "x", "g": "0.5", "h": "null"}
    assert flatten(tree) == flat


def test_files_are_for_people_too(tmp_path: Path) -> None:
    record = make_record(method="héé")
    write_files(record, tmp_path)
    config = (tmp_path / "config.json").read_text("utf-8")
    assert config.startswith('{\n  "method": "héé",\n  "backbone"')
    result = (tmp_path / "result.json").read_text("utf-8")
    assert result.startswith('{\n  "setting": "transductive",\n  "seconds": 2.5,\n')
    assert "accuracies" not in result
    columns = parquet.read_schema(tmp_path / "accuracies.parquet").names
    assert columns == ["episode", "accuracy", "macro_f1"]


def curved(*names: str) -> RunRecord:
    points = tuple(CurvePoint(name=name, step=k, value=0.5) for k, name in enumerate(names))
    return small(n_shot=5).model_copy(update={"curves": points})


@pytest.mark.parametrize(("names", "drawn"), [((), False), (("a", "b"), False), (("a", "a"), True)])
def test_a_point_is_no_curve(
    names: tuple[str, ...], drawn: bool, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Any, str]] = []

    def draw(points: Any, title: str, path: Path) -> None:
        told.append((points, title))
        path.touch()

    monkeypatch.setattr(pictures, "draw_curves", draw)
    record = curved(*names)
    assert log_pictures(store, "run0", record) is False
    assert told == ([(record.curves, record.config.title)] if drawn else [])
    assert store.list_artifacts("run0", "5-shot") == (["curves.png"] if drawn else [])


def test_answers_are_shown_if_they_are_sound(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    record = small()
    assert log_pictures(store, "run0", record) is False
    keep_answers(record)
    assert log_pictures(store, "run0", record) is True
    files = ["accuracy_by_class.csv", "confusion.csv", "confusion.png"]
    assert store.list_artifacts("run0", "1-shot") == files
    other = record.result.model_copy(update={"accuracies": (1.0,) * 50})
    assert log_pictures(store, "run0", record.model_copy(update={"result": other})) is False


@pytest.mark.parametrize(("packs", "weights"), [(None, True), (False, True), (True, False)])
def test_a_run_is_written_to_its_end(
    packs: bool | None, weights: bool, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, Any]] = []
    names = [name for name in vars(sending) if name.startswith("log_")]

    def note(name: str, *told: Any) -> bool | None:
        done.append((name, told))
        return packs if name == "log_model" else None

    for name in names:
        monkeypatch.setattr(sending, name, partial(note, name))
    record, pack = small(), None if packs is None else len
    sending.write_run(store, "run0", record, 77, pack)  # type: ignore[arg-type]
    assert done == [
        ("log_inputs", (store, "run0", record.config)),
        ("log_metrics", (store, "run0", record, 77)),
        ("log_tags", (store, "run0", record)),
        ("log_artifacts", (store, "run0", record)),
        *([("log_model", (store, "run0", record, len))] if pack else []),
        *([("log_weights", (store, "run0", record))] if weights else []),
        ("log_predictions", (store, "run0", record)),
    ]
    run = store.get_run("run0").info
    assert (run.status, run.end_time) == ("FINISHED", 77)


@pytest.mark.parametrize(
    ("told", "order"),
    [("0", 0), ("9" * 18, 10**18 - 1), ("9" * 19, 5), ("1" + "0" * 18, 5), ("", 5), ("²", 5)],
)
def test_an_order_has_eighteen_digits_at_most(told: str, order: int, store: Any) -> None:
    store.runs["run0"].info.start_time = 5
    store.set_tag("run0", "fsbench.order", told)
    assert order_of(store.get_run("run0")) == order

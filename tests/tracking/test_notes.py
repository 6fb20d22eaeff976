"""Descriptions of rows, cells and studies, word for word."""

from fewshot_bench.tracking.notes import NOTE, cell_note, row_note, study_note
from tests.tracking.records import make_record

METRICS = {
    "acc_10shot": 71.0,
    "ci95_10shot": 0.125,
    "acc_5shot": 60.006,
    "ci95_5shot": 0.5,
    "acc_1shot": 50.5,
    "ci95_1shot": 1.004,
    "val_acc_1shot": 40.0,
    "val_ci95_1shot": 2.0,
    "macro_f1_1shot": 3.0,
}
TITLE = "Accuracy in %, mean ± 95 % interval over 50 episodes:"
COMMAND = "fsbench run --method ssl-meta {}--dataset cifar-fs --backbone conv4-64 --episodes 50"
AGAIN = "To make it again:\n\n    {}\n"


def test_a_row_shows_its_numbers_by_shots() -> None:
    assert row_note(make_record().config, METRICS) == (
        f"{TITLE}\n\n"
        "| 1-shot | 5-shot | 10-shot |\n"
        "| --- | --- | --- |\n"
        "| 50.50 ± 1.00 | 60.01 ± 0.50 | 71.00 ± 0.12 |\n\n"
        + AGAIN.format(COMMAND.format("--shots 1 --shots 5 --shots 10 "))
    )


def test_a_row_on_val_shows_numbers_of_val() -> None:
    assert row_note(make_record(split="val").config, METRICS, tuned=True) == (
        f"{TITLE}\n\n| 1-shot |\n| --- |\n| 40.00 ± 2.00 |\n\n"
        + AGAIN.format(f"{COMMAND.format('--shots 1 ')} --split val --tune val")
    )


def test_what_must_be_said_of_a_run_is_said_in_its_notes() -> None:
    config = make_record(
        train_dataset="birds", train_checksum="t", shared_classes=2, published="omniglot"
    ).config
    remarks = (
        "2 classes of the test split of cifar-fs have the names of classes that birds trains or "
        "selects on: not new to what is measured\n\nthe paper of ssl-meta says nothing of birds: "
        "preset default has its values for omniglot\n\n"
    )
    options = "--shots 1 --dataset cifar-fs --train-dataset birds --backbone conv4-64 --episodes 50"
    again = AGAIN.format(f"fsbench run --method ssl-meta {options}")
    assert cell_note(config) == remarks + again
    row = row_note(config, {"acc_1shot": 50, "ci95_1shot": 1})
    assert row == f"{TITLE}\n\n| 1-shot |\n| --- |\n| 50.00 ± 1.00 |\n\n{remarks}{again}"
    assert cell_note(make_record().config) == AGAIN.format(COMMAND.format("--shots 1 "))


def test_a_study_is_named_with_its_command() -> None:
    assert NOTE == "mlflow.note.content"
    told = "The study mine.\n\nTo make it again:\n\n    fsbench study mine\n"
    assert study_note("mine", "fsbench study mine") == told
    assert len(study_note("mine", "x" * 6000)) == 5000

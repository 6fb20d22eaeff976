"""What is said below a table."""

import pandas as pd

from fewshot_bench.report import notes
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.column_notes import note_on
from fewshot_bench.report.metric import ACCURACY, CALIBRATION, MACRO_F1, Metric
from fewshot_bench.report.notes import CROSSED_NOTE, notes_below
from fewshot_bench.report.table import build_table
from tests.report.samples import tracked

DIGESTS = {"episode_digest": "e" * 64, "data_checksum": "d" * 64}
COLUMN_NOTE = (
    "cifar-fs 1-shot: 5-way 1-shot, 15 queries a class (balanced), 2000 test episodes "
    "eeeeeeeeeeee, data dddddddddddd."
)


def frame(*changes: dict[str, object]) -> pd.DataFrame:
    return cells(latest([tracked(i, **DIGESTS, **each) for i, each in enumerate(changes)]))


def below(shown: pd.DataFrame, metric: Metric = ACCURACY, **asked: object) -> list[str]:
    facts = {"n_lacking": 0, "cost": False, "drops": False, "n_published": None, **asked}
    return notes_below(shown, metric, **facts)  # type: ignore[arg-type]


def test_a_plain_table_has_three_notes() -> None:
    best = (
        "Bold: the highest mean of each column, and nothing more; whether it is significantly "
        "higher is told by --significance."
    )
    assert below(frame({})) == [ACCURACY.note, best, COLUMN_NOTE]
    assert below(frame({}), untold=[]) == [ACCURACY.note, notes.SIGNIFICANT_NOTE, COLUMN_NOTE]


def test_all_that_can_be_said_in_its_order() -> None:
    asked: dict[str, object] = {"settings": ("a=1", "b=2")}
    tim: dict[str, object] = {"method": "tim", "setting": "transductive", **asked}
    crossed: dict[str, object] = {"train_dataset": "omniglot", "method": "r2d2", **asked}
    found = below(
        frame(asked, {"seed": 1, **asked}, tim, crossed),
        n_lacking=3,
        untold=["a (x)", "b (y)"],
        cost=True,
        drops=True,
        n_published=2,
    )
    crossed_note = (
        f"{COLUMN_NOTE[:-1].replace('1-shot:', '1-shot, trained on omniglot:')}; trained and "
        "selected on omniglot tttttttttttt, images in their own shape and normalised as there."
    )
    assert found == [
        ACCURACY.note,
        notes.SIGNIFICANT_NOTE,
        "Only the highest mean is bold where episodes are not at hand: a (x); b (y).",
        "All rows are with a=1, b=2.",
        notes.SEEDS_NOTE,
        notes.TRANSDUCTIVE_NOTE,
        CROSSED_NOTE,
        COLUMN_NOTE,
        crossed_note,
        notes.COST_NOTE,
        notes.DROP_NOTE,
        notes.PUBLISHED_NOTE,
        "Runs without accuracy, which are not shown: 3. Earlier versions did not measure it; "
        "'fsbench run --force' does.",
    ]


def test_of_published_numbers_none_is_something_else_than_not_asked() -> None:
    assert below(frame({}), n_published=0)[-1] == notes.NONE_PUBLISHED_NOTE
    assert below(frame({}), n_published=1)[-1] == notes.PUBLISHED_NOTE
    assert below(frame({}), n_lacking=1)[-1].startswith("Runs without accuracy")


def test_which_end_is_best_and_what_tells_it() -> None:
    ends = [below(frame({}), metric)[1].split("; ") for metric in (ACCURACY, MACRO_F1, CALIBRATION)]
    assert ends == [
        [
            "Bold: the highest mean of each column, and nothing more",
            "whether it is significantly higher is told by --significance.",
        ],
        [
            "Bold: the highest mean of each column, and nothing more",
            "whether it is significantly higher takes a paired comparison.",
        ],
        [
            "Bold: the lowest mean of each column, and nothing more",
            "whether it is significantly lower takes several seeds.",
        ],
    ]


def test_the_note_on_a_column() -> None:
    (column,) = frame({"n_query_way": 2, "query_balance": "dirichlet:2.0"}).to_dict("records")
    assert note_on({**column, "episode_digest": "0123456789abcdef", "data_checksum": "f" * 64}) == (
        "cifar-fs 1-shot: 5-way 1-shot, 15 queries a class (dirichlet:2.0, of 2 classes), 2000 "
        "test episodes 0123456789ab, data ffffffffffff."
    )


def test_a_method_says_of_its_rows_what_a_reader_must_know() -> None:
    """alpha-tim's settings were chosen for another protocol than most tables have."""
    runs = [tracked(0), tracked(1, method="alpha-tim", setting="transductive")]
    said = [
        [note for note in build_table(some).notes if note.startswith("alpha-tim: ")]
        for some in (runs, runs[:1])
    ]
    assert len(said[0]) == 1
    assert "Dirichlet(2)" in said[0][0]
    assert said[1] == []


def test_what_a_table_has_none_of_has_no_note() -> None:
    crossed = tracked(1, train_dataset="omniglot")
    assert CROSSED_NOTE not in build_table([tracked(0)]).notes
    assert CROSSED_NOTE in build_table([tracked(0), crossed]).notes

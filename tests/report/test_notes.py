"""What is said below a table."""

from fewshot_bench.report.notes import CROSSED_NOTE
from fewshot_bench.report.table import build_table
from tests.report.samples import tracked


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

"""The parts of a table."""

from fewshot_bench.report.section import Cell, Column, Row, Section

PLAIN = Row("inductive", "tim", "conv4-64", ())
FULL = Row("transductive", "tim", "conv4-64", (), "TIM", "? queries", "Its paper")


def test_what_need_not_be_said() -> None:
    assert Column("fc100", "1-shot") == Column("fc100", "1-shot", cost=False)
    assert str(Column("fc100", "1-shot")) == "fc100 1-shot"
    assert Cell("x") == Cell("x", best=False, run_ids=())
    assert (PLAIN.published_as, PLAIN.differs, PLAIN.source) == ("", "", "")
    assert Section((), ()) == Section((), (), published=False)


def test_names_and_texts_around_the_numbers() -> None:
    section = Section((), (PLAIN, FULL))
    assert section.before == ("Setting", "Method", "Backbone")
    assert section.names(FULL) == FULL.names == ("transductive", "tim", "conv4-64")
    assert section.after == section.texts(FULL) == ()


def test_published_numbers_have_names_and_texts_of_their_own() -> None:
    section = Section((), (PLAIN, FULL), published=True)
    assert section.before == ("Setting", "Method", "Backbone", "Published as")
    assert section.names(FULL) == ("transductive", "tim", "conv4-64", "TIM")
    assert section.names(PLAIN) == ("inductive", "tim", "conv4-64", "")
    assert section.after == ("Differs", "Source")
    assert section.texts(FULL) == ("? queries", "Its paper")


def test_rows_by_setting() -> None:
    section = Section((), (PLAIN, PLAIN, FULL))
    assert section.groups() == [("inductive", [PLAIN, PLAIN]), ("transductive", [FULL])]

"""A data set's page: what is known of it, and how it comes onto a machine."""

from fewshot_bench.report.dataset_page import dataset_page, shape_text
from tests.markdown import markdown_rows


def test_a_page_says_what_there_is_and_how_to_get_it() -> None:
    title, summary, facts = dataset_page("CIFAR_FS").removesuffix("\n").split("\n\n")
    assert title == "# cifar-fs"
    assert summary == "CIFAR-100 for few-shot learning, classes split at random."
    told = dict(line.removeprefix("- ").split(": ", 1) for line in facts.splitlines())
    assert told["Images"] == "32x32, colour"
    assert told["Classes"] == "64 train, 16 val, 20 test"
    assert told["Images a class"] == "600"
    get = "`fsbench data download cifar-fs` or `fsbench data import cifar-fs PATH`"
    assert told["To get it"] == get


def test_one_that_is_drawn_needs_nothing_and_has_settings_of_its_own() -> None:
    page = dataset_page("glyphs")
    assert "- To get it: nothing to do, it is drawn on first use\n- Version: 2\n" in page
    head, _, *rows = markdown_rows(page)
    assert head == ["Key", "Default"]
    assert ["`pretrain.augment`", "`shift`"] in rows


def test_what_is_a_users_own_has_no_numbers() -> None:
    page = dataset_page("embeddings")
    assert "- Images: none, but embeddings\n- Classes: yours\n" in page
    assert shape_text((1, 28, 30)) == "28x30, grey"

"""The page in a real browser, where there is one: sorted, filtered, unfolded, open to all."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_bench.report.study_page.page import render
from tests.browser import AVAILABLE, Browser, browser
from tests.report.study_page.contents import content, study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AVAILABLE, reason="no chromium with chromedriver to look with"),
]
AXE = Path(__file__).with_name("axe.min.js.gz")  # axe-core 4.14.1, MPL-2.0
COLUMN = """
return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]
  .map(row => row.cells[arguments[1]].textContent.trim())"""
GRAVE = """
const found = await axe.run();
return found.violations.filter(v => ["serious", "critical"].includes(v.impact))
  .map(v => `${v.id}: ${v.nodes[0].html}`)"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The page of a study, opened."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(render(content(study())), "utf-8")
    with browser(folder / "profile") as found:
        found.look()
        found.open((folder / "report.html").as_uri())
        found.command("Runtime.evaluate", expression=gzip.decompress(AXE.read_bytes()).decode())
        yield found
        assert found.complaints() == []


def test_a_table_sorts_by_its_numbers(page: Browser) -> None:
    head = "document.querySelectorAll('#accuracy thead th')[2]"
    for order in ("ascending", "descending"):
        page.run(f"{head}.click()")
        shares = [float(text.split(" ")[0].rstrip("=")) for text in page.run(COLUMN, "accuracy", 2)]
        assert shares == sorted(shares, reverse=order == "descending")
        assert page.run(f"return {head}.ariaSort") == order


def test_a_table_is_filtered_by_words_and_by_choice(page: Browser) -> None:
    choose = """
    const choice = document.querySelector("#accuracy").closest(".scroll").querySelector("select");
    choice.value = arguments[0]; choice.dispatchEvent(new Event("change"))"""
    page.run(choose, "inductive")
    assert page.run(COLUMN, "accuracy", 0) == ["maml"]
    page.run(choose, "")
    search = """
    const field = document.querySelector("#runs").closest(".scroll").querySelector("input");
    field.value = arguments[0]; field.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(done => setTimeout(done, 500))"""
    page.run(search, "dirichlet")
    assert sorted(page.run(COLUMN, "runs", 0)) == ["bpa", "tim"]
    page.run(search, "")
    assert len(page.run(COLUMN, "runs", 0)) == len(study())


def test_a_number_leads_to_its_cell(page: Browser) -> None:
    page.run("document.querySelector('#accuracy tbody a').click()")
    opened = "return [...document.querySelectorAll('details[open]')].map(each => each.id)"
    (name,) = page.run(f"await new Promise(done => setTimeout(done, 200)); {opened}")
    assert page.run("return location.hash") == f"#{name}"


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_grave_shuts_anybody_out(page: Browser, dark: bool) -> None:
    page.look(dark=dark)
    paper = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is not dark
    assert page.run(GRAVE) == []


def test_a_narrow_screen_has_no_line_that_leaves_it(page: Browser) -> None:
    page.look(width=400, height=800)
    assert page.run("return document.documentElement.scrollWidth") <= 400
    assert page.run(GRAVE) == []

"""A method's page says what its class and recipe declare, and what `--set` would take."""

import inspect
import re
from typing import Any

import pytest

from fewshot_bench.data.entry import datasets
from fewshot_bench.data.published import published_like
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.presets import PRESETS, build_recipe
from fewshot_bench.recipe import Recipe
from fewshot_bench.report.method_page import _differences, method_page
from fewshot_bench.report.setting_texts import values
from fewshot_bench.settings import setting_names
from tests.markdown import markdown_rows


def shown(page: str, headings: tuple[str, ...] = ("Default",)) -> dict[str, dict[str, str]]:
    """Cells of the wanted columns by key, from all tables that have such columns."""
    found: dict[str, dict[str, str]] = {}
    head: list[str] = []
    for row in markdown_rows(page):
        if row[0] == "Key":
            head = row
        elif set(headings) <= set(head) and not row[0].startswith("---"):
            found[row[0].strip("`")] = {h: row[head.index(h)] for h in headings}
    return found


def at(cell: str, n_shot: int) -> str:
    """Read the value for a number of shots from a cell as ``30; from 2 shots 20``."""
    first, *later = cell.split("; ")
    for part in later:
        _, least, _, value = part.split(" ")
        first = value if n_shot >= int(least) else first
    return first.strip("`")


@pytest.mark.parametrize("name", list(methods))
def test_a_page_has_the_facts_and_every_setting(name: str) -> None:
    method, page = methods[name], method_page(name)
    sections = {"pretrain", "train"}
    assert set(shown(page)) == set(setting_names(method.recipe_type)) - sections
    assert all(f"`{alias}`" in page for alias in methods.aliases(name))
    assert f"[{method.paper.title}]({method.paper.url})" in page
    assert f"Setting: {method.setting}\n" in page
    assert (inspect.getdoc(method) or "?").partition("\n")[0] in page
    assert all(f"| `{key}` " in page.partition("## Tuning")[2] for key in method.recipe_type.grid)


@pytest.mark.parametrize("dataset", [None, "omniglot"])
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", list(methods))
def test_the_defaults_are_those_of_a_run(name: str, preset: str, dataset: str | None) -> None:
    recipe_type = methods[name].recipe_type
    try:
        like = published_like(recipe_type, preset, dataset, name)
    except UsageError as refusal:
        with pytest.raises(UsageError, match=re.escape(str(refusal))):
            method_page(name, preset, dataset)
        return
    cells = shown(method_page(name, preset, dataset))
    for n_shot in (1, 2, 5, 10):
        recipe = build_recipe(
            recipe_type,
            preset=preset,
            n_shot=n_shot,
            dataset=datasets[dataset].overrides if dataset else None,
            published=like,
        )
        expected = {k: v for k, v in values(recipe).items() if k in cells}
        assert {key: at(cells[key]["Default"], n_shot) for key in expected} == expected


@pytest.mark.parametrize("name", list(methods))
def test_what_is_shown_may_be_set_and_changes_nothing(name: str) -> None:
    cells, recipe_type = shown(method_page(name)), methods[name].recipe_type
    recipe = build_recipe(recipe_type)
    texts = {key: at(cells[key]["Default"], 1) for key in values(recipe) if key in cells}
    settings = [f"{key}={text}" for key, text in texts.items() if text != "()"]
    assert values(build_recipe(recipe_type, settings=settings)) == values(recipe)


def test_presets_and_shots_stand_side_by_side() -> None:
    page = method_page("proto-net").partition("## Presets and shots")[2]
    rows = shown(page, ("Preset `smoke`", "Preset `default`", "Preset `paper`"))
    assert list(rows["pretrain"].values()) == ["`default`", "`default`", "`none`"]
    assert list(rows["pretrain.epochs"].values()) == ["`1`", "`40`", "-"]
    many = "`30`; from 2 shots `20`"
    assert list(rows["train.n_way"].values()) == ["`none`", many, many]
    assert "pretrain.lr" not in rows  # the same wherever there is a pretraining


def test_an_absent_section_shows_what_it_would_be() -> None:
    page = method_page("simple-shot")
    assert "None here; `--set train=default`, or setting one of these, adds it:" in page
    recipe = build_recipe(methods["simple-shot"].recipe_type, settings=["train=default"])
    assert at(shown(page)["train.steps"]["Default"], 1) == values(recipe)["train.steps"]


def test_what_differs_by_shots_is_shown_though_a_preset_lacks_the_section() -> None:
    by_shots = {1: {"train.lr": "0.1"}, 5: {"train.lr": "0.2"}}
    rows = markdown_rows(_differences(Recipe, {"default": by_shots, "paper": {1: {}, 5: {}}}))
    assert rows[2:] == [["`train.lr`", "`0.1`; from 5 shots `0.2`", "-"]]
    alike = {1: {"train.lr": "0.1"}, 5: {"train.lr": "0.1"}}
    assert _differences(Recipe, {"default": alike, "paper": {1: {}}}) == "They change nothing."


@pytest.mark.parametrize(
    "arguments", [("proto-nut", "default", None), ("tim", "papers", None), ("tim", "paper", "cifr")]
)
def test_unknown_names_are_refused(arguments: Any) -> None:
    with pytest.raises(UsageError, match=r"did you mean|choose from"):
        method_page(*arguments)

"""What the site is made of besides the texts: generated pages, moved links, nothing from afar."""

from dataclasses import dataclass, replace

import pytest
from typer.testing import CliRunner

from fewshot_bench.backbones.base import backbones
from fewshot_bench.cli import app
from fewshot_bench.data.entry import datasets
from fewshot_bench.method import methods
from tests.docs.hooks import load_hooks

hooks = load_hooks()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    found: dict[str, str] = hooks.generated_pages()
    return found


def test_everything_registered_has_a_page(pages: dict[str, str]) -> None:
    names = {"methods": list(methods), "backbones": list(backbones), "datasets": list(datasets)}
    expected = {f"{kind}/{name}.md" for kind in names for name in names[kind]}
    assert set(pages) == expected


@pytest.mark.parametrize("name", list(methods))
def test_the_page_is_what_the_command_prints(name: str, pages: dict[str, str]) -> None:
    assert CliRunner().invoke(app, ["list", "methods", name]).output == pages[f"methods/{name}.md"]


@pytest.mark.parametrize("kind", ["methods", "backbones", "datasets"])
def test_the_overview_links_to_every_page(kind: str, pages: dict[str, str]) -> None:
    table = hooks.with_overviews(f"before\n\n<!-- overview: {kind} -->\n\nafter\n")
    assert table.startswith("before\n\n| Name ")
    names = [page.split("/")[1] for page in pages if page.startswith(f"{kind}/")]
    assert all(f"[`{name.removesuffix('.md')}`]({name}) " in table for name in names)
    assert "overview" not in table


@pytest.mark.parametrize(
    ("path", "link", "moved"),
    [
        ("docs/results.md", "../reports/a.md", "reports/a.md"),
        ("docs/methods/index.md", "../../reports/a.png", "../reports/a.png"),
        ("docs/methods/index.md", "../fairness.md#rules", "../fairness.md#rules"),
        ("docs/index.md", "methods/index.md", "methods/index.md"),
        ("CONTRIBUTING.md", "docs/your-own-method.md", "your-own-method.md"),
        ("reports/speed.md", "speed-growth.png", "speed-growth.png"),
        ("docs/index.md", "https://example.org/a.md", "https://example.org/a.md"),
        ("docs/index.md", "#below", "#below"),
    ],
)
def test_links_lead_to_where_the_site_has_the_file(path: str, link: str, moved: str) -> None:
    assert hooks.with_links_of_the_site(f"[text]({link}).", path) == f"[text]({moved})."


@pytest.mark.parametrize(
    ("html", "addresses"),
    [
        ('<script src="https://cdn.example/a.js"></script>', ["https://cdn.example/a.js"]),
        ("<link rel=stylesheet href=//fonts.example/css>", ["//fonts.example/css"]),
        ('<img alt="x" src="HTTP://a.example/b.png">', ["HTTP://a.example/b.png"]),
        ('<a href="https://a.example">to follow</a><img src="b.png"><script>1</script>', []),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(html: str, addresses: list[str]) -> None:
    assert hooks.loaded_from_outside(html) == addresses


@dataclass
class Config:
    """What `on_config` reads of mkdocs' configuration."""

    nav: list[object]


def test_generated_pages_stand_in_the_navigation_below_their_kind() -> None:
    config = Config([{"Overview": "index.md"}, {"Backbones": ["backbones/index.md"]}])
    hooks.on_config(config)
    section = [{name: f"backbones/{name}.md"} for name in backbones]
    assert config == replace(
        config, nav=[{"Overview": "index.md"}, {"Backbones": ["backbones/index.md", *section]}]
    )

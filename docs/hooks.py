"""What mkdocs asks while it builds the site: generated pages, files beside docs/, no network."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.entry import DatasetEntry, datasets
from fewshot_bench.method import Method, methods
from fewshot_bench.registry import Registry
from fewshot_bench.report.backbone_page import backbone_page
from fewshot_bench.report.dataset_page import dataset_page
from fewshot_bench.report.markdown import grid, in_cell
from fewshot_bench.report.method_page import method_page

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "reports/*.*")  # in the site under the same names
_LINK = re.compile(r"\]\(([^)#\s:]+)(#[^)\s]*)?\)")
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
_OUTSIDE = re.compile(r"(https?:)?//", re.I)


@dataclass(frozen=True)
class Kind:
    """What the site says of all things of one kind: a page each, and a table of them."""

    registry: Registry[Any]
    page: Callable[[str], str]
    headings: Sequence[str]
    facts: Callable[[Any], Sequence[str]]


def _of_method(method: type[Method]) -> Sequence[str]:
    paper = method.paper
    return [method.setting, f"{paper.authors} {paper.year}", _first_line(method)]


def _of_dataset(entry: DatasetEntry) -> Sequence[str]:
    return [entry.summary, entry.licence]


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


KINDS: Mapping[str, Kind] = {
    "methods": Kind(methods, method_page, ("Setting", "Paper", "What it does"), _of_method),
    "backbones": Kind(backbones, backbone_page, ("What it is",), lambda b: [_first_line(b)]),
    "datasets": Kind(datasets, dataset_page, ("What it is", "Licence"), _of_dataset),
}


def generated_pages() -> dict[str, str]:
    """Markdown of the page of everything that is registered, by its path in the site."""
    return {
        f"{name}/{thing}.md": kind.page(thing)
        for name, kind in KINDS.items()
        for thing in kind.registry
    }


def with_overviews(markdown: str) -> str:
    """Put a table of everything of a kind in the place of ``<!-- overview: KIND -->``."""
    for name, kind in KINDS.items():
        marker = f"<!-- overview: {name} -->"
        if marker in markdown:
            lines = [
                [f"[`{thing}`]({thing}.md)", *map(in_cell, kind.facts(kind.registry[thing]))]
                for thing in kind.registry
            ]
            markdown = markdown.replace(marker, grid(["Name", *kind.headings], lines))
    return markdown


def with_links_of_the_site(markdown: str, path: str) -> str:
    """Point relative links of a file of the repository to where its targets are in the site.

    Args:
        markdown: of the file.
        path: of the file in the repository.
    """
    folder = posixpath.dirname(path)

    def moved(link: "re.Match[str]") -> str:
        target = _place(posixpath.normpath(posixpath.join(folder, link[1])))
        relative = posixpath.relpath(target, posixpath.dirname(_place(path)) or ".")
        return f"]({relative}{link[2] or ''})"

    return _LINK.sub(moved, markdown)


def _place(path: str) -> str:
    """Path in the site of a file of the repository."""
    return path.removeprefix("docs/")


class _Loaded(HTMLParser):
    """Collects the addresses from which a page loads scripts, styles and pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name == _LOADED.get(tag)]


def loaded_from_outside(html: str) -> list[str]:
    """Addresses of other hosts from which a page loads something; links to follow may be any."""
    page = _Loaded()
    page.feed(html)
    return [address for address in page.addresses if _OUTSIDE.match(address)]


def on_config(config: "MkDocsConfig") -> None:
    """Add the generated pages to the navigation, each below the page of its kind."""
    sections: Iterator[tuple[str, list[Any]]] = (
        item for entry in config.nav or [] if isinstance(entry, dict) for item in entry.items()
    )
    for _, section in sections:
        for name, kind in KINDS.items():
            if isinstance(section, list) and f"{name}/index.md" in section:
                section += [{thing: f"{name}/{thing}.md"} for thing in kind.registry]


def on_files(files: "Files", config: "MkDocsConfig") -> None:
    """Add the generated pages, and the files of the repository that the site shows as well."""
    from mkdocs.structure.files import File

    for path, markdown in generated_pages().items():
        files.append(File.generated(config, path, content=markdown))
    for pattern in BESIDE:
        for file in sorted(ROOT.glob(pattern)):
            path = file.relative_to(ROOT).as_posix()
            files.append(File.generated(config, path, abs_src_path=str(file)))


def on_page_markdown(markdown: str, page: "Page", **_: object) -> str:
    """Fill tables in, and set links right."""
    path = page.file.src_uri
    beside = (ROOT / path).exists() and not (ROOT / "docs" / path).exists()
    return with_links_of_the_site(with_overviews(markdown), path if beside else f"docs/{path}")


def on_post_page(output: str, page: "Page", **_: object) -> None:
    """Refuse a page that needs the network.

    Raises:
        PluginError: it loads something from another host.
    """
    from mkdocs.exceptions import PluginError

    if addresses := loaded_from_outside(output):
        raise PluginError(f"{page.file.src_uri} loads {', '.join(addresses)}")

"""README, guides and pages: how long they are, where they lead, whether their numbers agree."""

import re
import shlex
from functools import cache
from itertools import chain
from posixpath import dirname, normpath

import pytest

from bench.results import rows_of, tables
from fewshot_bench.method import methods
from tests.commands import fsbench
from tests.docs.hooks import ROOT, load_hooks
from tests.markdown import markdown_rows

TEXTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in chain(ROOT.glob("*.md"), ROOT.glob("docs/**/*.md"), ROOT.glob("reports/*.md"))
)
CODE = re.compile(r"^(```|~~~).*?^\1", re.M | re.S)
PATH = re.compile(r"`((?:fewshot_bench|methods|baselines|bench|docs|tests|reports)/[\w./-]*)`")


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def generated() -> set[str]:
    return {f"docs/{path}" for path in load_hooks().generated_pages()}


def slugs(text: str) -> set[str]:
    """Anchors of a page's headings, and of what its reference documents."""
    headings = re.findall(r"^#+ (.*)$", CODE.sub("", text), re.M)
    simple = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
    return simple | set(re.findall(r"^::: (\S+)$", text, re.M))


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= 150


@pytest.mark.parametrize("path", TEXTS)
def test_relative_links_lead_somewhere(path: str) -> None:
    text = CODE.sub("", read(path))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        if ":" in target:
            continue
        file = normpath(f"{dirname(path)}/{target}".lstrip("/")) if target else path
        assert (ROOT / file).exists() or file in generated(), link
        if anchor:
            assert anchor in slugs(read(file)), link


@pytest.mark.parametrize("path", [p for p in TEXTS if not p.startswith("reports/")])
def test_files_that_are_named_are_there(path: str) -> None:
    for name in PATH.findall(CODE.sub("", read(path))):
        assert (ROOT / name).exists() or name == "reports/", name


def test_the_kinds_of_methods_are_all_of_them() -> None:
    kinds = {name for row in markdown_rows(read("docs/methods/index.md")) for name in row[1:2]}
    listed = re.findall(r"`([\w-]+)`", " ".join(kinds))
    ours = {name for name in methods if methods[name].__module__.startswith("fewshot_bench.")}
    with_extra = {name for name in ours if name.startswith("learn2learn-")}
    assert sorted(listed) == sorted(ours - with_extra)


@pytest.mark.parametrize("path", [path for path in TEXTS if tables(read(path))])
def test_tables_of_results_are_what_their_commands_write(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    for command, shown in tables(read(path)):
        _, *arguments = shlex.split(command)
        assert fsbench(*arguments) == 0
        assert shown == rows_of(capsys.readouterr().out)
        assert shown.count("\n") > 3

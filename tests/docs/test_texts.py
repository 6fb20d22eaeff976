"""README, guides and pages: how long they are, where they lead, whether their numbers agree."""

import csv
import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from posixpath import dirname, normpath

import pytest

from fewshot_bench.method import methods
from fewshot_bench.report.figures.accuracies import read_accuracies
from fewshot_bench.report.published import load_published
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


def test_the_table_of_results_is_that_of_the_runs() -> None:
    accuracies, _ = read_accuracies(ROOT / "reports" / "cifar-fs-conv4-64.csv")
    measured = {(a.method, a.n_shot): f"{a.mean:.2f} ± {a.ci95:.2f}" for a in accuracies}
    text = read("docs/results.md").partition("## Rows that changed")[0]
    rows = {row[0].strip("`"): row[1:] for row in markdown_rows(text)[1:]}
    assert set(rows) == {method for method, _ in measured}
    for method, (setting, one, five, *_) in rows.items():
        assert {setting} == {a.setting for a in accuracies if a.method == method}
        assert (one, five) == tuple(measured.get((method, k), "") for k in (1, 5))


def test_the_table_of_the_readme_is_what_the_command_writes() -> None:
    """Our accuracies are those of the report, the published ones those of the package."""
    kept = csv.DictReader((ROOT / "reports/cifar-fs-changed.csv").read_text("utf-8").splitlines())
    runs = [run for run in kept if run["query_balance"] == "balanced"]
    ours = {(r["method"], int(r["shots"]), f"{float(r['accuracy']):.2f}") for r in runs}
    frame = load_published()
    theirs = set(zip(frame["published_as"], frame["accuracy"], strict=True))
    rows = markdown_rows(read("README.md").partition("## Use it")[0])[1:]
    assert len(rows) == 12
    for _, method, name, *cells in rows:
        for k, (own, published, difference) in zip((1, 5), batched(cells, 3), strict=True):
            accuracy = own.strip("*").split(" ± ")[0]
            assert (method.strip("`"), k, accuracy) in ours
            if published:
                assert (name, published.split(" ± ")[0]) in theirs
                gap = float(accuracy) - float(published.split(" ± ")[0])
                assert float(difference) == pytest.approx(gap, abs=0.006)


def batched(cells: Sequence[str], n: int) -> list[Sequence[str]]:
    return [cells[i : i + n] for i in range(0, len(cells), n)]

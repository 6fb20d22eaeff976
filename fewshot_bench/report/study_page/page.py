"""The page as a whole: its sections, and nothing that a browser would have to fetch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from fewshot_bench.errors import UsageError
from fewshot_bench.report.section import Section
from fewshot_bench.report.study_page.answer import answer, listed, question
from fewshot_bench.report.study_page.pictures import Episode, Figure, episode, figure
from fewshot_bench.report.study_page.sheets import Pairs, pairs, sheet
from fewshot_bench.report.study_page.tables import (
    differences_table,
    published_table,
    results_table,
    runs_table,
)
from fewshot_bench.report.study_page.verdicts import Rival, Verdict
from fewshot_bench.report.webpage import escape
from fewshot_bench.tracking.measurement import Measurement
from fewshot_bench.version import __version__

_SECTIONS = {
    "answer": "Answer",
    "figures": "Figures",
    "tables": "Tables",
    "beside": "Published",
    "episodes": "Episodes",
    "cells": "Every cell",
    "protocol": "Protocol",
}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True)
class Content:
    """What the page is made of.

    Attributes:
        study: its name; '' if the runs are of none.
        summary: what the study is for, in a line; '' if nobody said.
        command: that wrote the page.
        verdicts: on all columns, at least one.
        measured: every run, by its id.
        figures: drawn; the first is shown large.
        episodes: drawn; without any, `no_episodes` says why.
        no_episodes: a sentence.
        beside: our numbers beside published ones; None: there are none.
        notes: what must be said of the numbers.
        data: facts of each data set, by its name.
    """

    study: str
    summary: str
    command: str
    verdicts: Sequence[Verdict]
    measured: Mapping[str, Measurement]
    figures: Sequence[Figure] = ()
    episodes: Sequence[Episode] = ()
    no_episodes: str = ""
    beside: Section | None = None
    notes: Sequence[str] = ()
    data: Mapping[str, Pairs] = ()  # type: ignore[assignment]


def require_html(path: Path) -> None:
    """Refuse a name that says another format.

    Raises:
        UsageError: it does not end in ``.html``.
    """
    if path.suffix.lower() != ".html":
        raise UsageError(f"'{path}' is written as HTML; end its name in .html")


def render(content: Content) -> str:
    """Write the page as HTML."""
    asked = escape(title_of(content))
    bodies = {
        "answer": _answer(content),
        "figures": _figures(content),
        "tables": _tables(content),
        "beside": _beside(content),
        "episodes": _episodes(content),
        "cells": _cells(content),
        "protocol": _protocol(content),
    }
    shown = {name: body for name, body in bodies.items() if body}
    links = "".join(f'<li><a href="#{name}">{_SECTIONS[name]}</a></li>' for name in shown)
    sections = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-head">\n'
        f'<h2 id="{name}-head">{_SECTIONS[name]}</h2>\n{body}\n</section>'
        for name, body in shown.items()
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{asked}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{asked}</h1>\n{_head(content)}</header>\n"
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>\n{sections}\n</main>\n'
        f"{_foot(content)}\n<script>\n{_asset('dataTables.min.js')}\n</script>\n"
        f"<script>\n{_asset('page.js')}</script>\n</body>\n</html>\n"
    )


def title_of(content: Content) -> str:
    """What the page is called."""
    names = sorted({run.config.dataset for run in content.measured.values()})
    about = f"Few-shot methods on {listed(names)}"
    return f"{content.study}: {about[0].lower()}{about[1:]}" if content.study else about


def _asset(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _head(content: Content) -> str:
    runs = content.measured.values()
    days = sorted({f"{run.finished:%Y-%m-%d}" for run in runs})
    facts = [
        _counted(len(runs), "run"),
        _counted(len({run.config.method for run in runs}), "method"),
        _counted(len({run.config.seed for run in runs}), "training seed"),
        " and ".join(sorted({f"{run.config.n_episodes:,} episodes" for run in runs})),
        days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
    ]
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    summary = f'<p class="soft">{escape(content.summary)}</p>\n' if content.summary else ""
    asked = f"<p>{escape(question(content.verdicts))}</p>"
    return f'{summary}{asked}\n<ul class="facts">{listed}</ul>\n'


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _answer(content: Content) -> str:
    said = "".join(
        f'<li><span class="soft">{escape(each.where)}</span>{escape(each.text)}</li>'
        for each in answer(content.verdicts)
    )
    return (
        f'<ul class="answer">{said}</ul>\n<p class="note">Differences are paired, on the same '
        "episodes, ± the half-width of their 95 % interval; p is corrected for all pairs of "
        "methods of a column (Holm). Transductive methods see the unlabelled queries of an "
        "episode together.</p>"
    )


def _figures(content: Content) -> str:
    drawn = "\n".join(figure(each, i) for i, each in enumerate(content.figures))
    return f'<div class="figures">{drawn}</div>' if drawn else ""


def _tables(content: Content) -> str:
    anchors = {
        rival.cell["run_ids"]: anchor for anchor, rival in _anchored(content.verdicts).items()
    }
    by_run = {run_id: anchor for ids, anchor in anchors.items() for run_id in ids}
    measured = [content.measured[run_id] for run_id in by_run]
    legend = (
        '<p class="legend"><span><i style="background:var(--best)"></i>best of its column</span>'
        '<span><i style="background:var(--level)"></i>= not significantly worse</span>'
        '<span><i class="dot inductive"></i>inductive</span>'
        '<span><i class="dot transductive"></i>transductive</span>'
        "<span>A number leads to its cell below.</span></p>"
    )
    return "\n".join(
        [
            legend,
            results_table(content.verdicts, anchors),
            differences_table(content.verdicts),
            runs_table(measured, by_run),
        ]
    )


def _anchored(verdicts: Sequence[Verdict]) -> dict[str, Rival]:
    rivals = [rival for verdict in verdicts for rival in verdict.rivals]
    return {f"cell-{place}": rival for place, rival in enumerate(rivals)}


def _beside(content: Content) -> str:
    if content.beside is None:
        return ""
    return (
        "<p>Published numbers were measured by others, on episodes and with networks of their own. "
        "The difference is ours minus theirs, in points, and no test of anything; * was not "
        f"checked again in its source.</p>\n{published_table(content.beside)}"
    )


def _episodes(content: Content) -> str:
    return "\n".join(map(episode, content.episodes)) or f"<p>{escape(content.no_episodes)}</p>"


def _cells(content: Content) -> str:
    sheets = "\n".join(
        sheet(anchor, rival.cell, [content.measured[i] for i in rival.cell["run_ids"]])
        for anchor, rival in _anchored(content.verdicts).items()
    )
    return f"<p>Configuration, runs, and the command that makes a cell again.</p>\n{sheets}"


def _protocol(content: Content) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in content.notes)
    data = "\n".join(
        f"<h3>{escape(name)}</h3>\n{pairs(facts)}" for name, facts in dict(content.data).items()
    )
    return f'<ul class="notes">{notes}</ul>\n{data}'


def _foot(content: Content) -> str:
    return (
        f"<footer><p>Written by fewshot_bench {escape(__version__)}:</p>\n"
        f'<pre class="command" tabindex="0"><code>{escape(content.command)}</code></pre>\n'
        "<p>Tables by DataTables 3.1.5, © SpryMedia Ltd, MIT licence.</p></footer>"
    )

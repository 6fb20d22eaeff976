"""A page about finished runs, put together from all that is known of them on this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO, StringIO

import pandas as pd

from fewshot_bench.data.entry import datasets
from fewshot_bench.errors import UsageError
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.cells import cells, latest
from fewshot_bench.report.dataset_page import shape_text
from fewshot_bench.report.figures.style import house_style
from fewshot_bench.report.metric import ACCURACY
from fewshot_bench.report.notes import notes_below
from fewshot_bench.report.published import load_published
from fewshot_bench.report.section import Section
from fewshot_bench.report.study_page.answer import main_columns, ordered
from fewshot_bench.report.study_page.page import Content, render
from fewshot_bench.report.study_page.pictures import Figure
from fewshot_bench.report.study_page.verdicts import Verdict, verdicts_on
from fewshot_bench.report.table import build_table
from fewshot_bench.runs.gallery import gallery
from fewshot_bench.runs.plotting import KINDS, Asked, draw
from fewshot_bench.tracking.record import TrackedRun

# Kinds in the order of the page; some are of one number of shots, some of all protocols.
FIGURES = ("accuracies", "shots", "cost", "differences", "trend", "ranks", "curves")
WHOLE = ("trend", "ranks")  # of all runs, if they can be
LARGEST = 600_000  # characters of a figure of lines; larger ones are pixels


def report(
    gathered: Gathered, runs: Sequence[TrackedRun], study: str, summary: str, command: str
) -> str:
    """Write a page about runs, at least one, as HTML.

    Args:
        gathered: where they are from.
        runs: those that the page is about.
        study: name of the study; '' if there is none.
        summary: what the study is for; '' if nobody said.
        command: that writes the page.
    """
    frame = cells(latest(runs))
    verdicts = ordered(verdicts_on(frame, gathered.accuracies))
    main = main_columns(verdicts)
    shown = [run_id for ids in frame["run_ids"] for run_id in ids]
    episodes, excuse = gallery(main, gathered)
    content = Content(
        study=study,
        summary=summary,
        command=command,
        verdicts=verdicts,
        measured={run_id: gathered.measurement(run_id) for run_id in shown},
        figures=list(figures(gathered, runs, verdicts)),
        episodes=episodes,
        no_episodes=excuse,
        beside=_beside([run for run in runs if run.run_id in _ids(main)]),
        notes=_notes(frame),
        data=_data_sheets(runs),
    )
    return render(content)


def figures(
    gathered: Gathered, runs: Sequence[TrackedRun], verdicts: Sequence[Verdict]
) -> Iterator[Figure]:
    """Draw every kind of figure that can be made: of the main protocol, of its fewest shots, or of
    all runs; in this order, or where it is about several protocols in the other.
    """  # noqa: D205
    main = main_columns(verdicts)
    choices = [_ids(main), _ids(main[:1]), {run.run_id for run in runs}]
    for kind in FIGURES:
        for chosen in choices[::-1] if kind in WHOLE else choices:
            try:
                yield _figure(kind, [run for run in runs if run.run_id in chosen], gathered)
                break
            except UsageError:  # such a figure is of other runs
                continue


def _ids(verdicts: Sequence[Verdict]) -> set[str]:
    rivals = [rival for verdict in verdicts for rival in verdict.rivals]
    return {run_id for rival in rivals for run_id in rival.cell["run_ids"]}


def _figure(kind: str, runs: Sequence[TrackedRun], gathered: Gathered) -> Figure:
    drawn, lines, pixels = draw(kind, runs, gathered, Asked()), StringIO(), BytesIO()
    summary = KINDS[kind].summary
    with house_style():
        drawn.savefig(lines, format="svg", metadata={"Date": None, "Creator": None})
        if len(lines.getvalue()) <= LARGEST:
            return Figure(summary, svg=lines.getvalue())
        drawn.savefig(pixels, format="png", dpi=150, metadata={"Software": None})
    return Figure(summary, png=pixels.getvalue())


def _notes(frame: pd.DataFrame) -> list[str]:
    """What must be said of the numbers; the page itself says which are the best."""
    notes = notes_below(
        frame, ACCURACY, n_lacking=0, untold=None, cost=False, drops=False, n_published=None
    )
    return [note for note in notes if not note.startswith("Bold")]


def _beside(runs: Sequence[TrackedRun]) -> Section | None:
    """Rows that have a published number, those with one of ours first."""
    if any(run.split != "test" for run in runs):
        return None
    section = build_table(runs, published=load_published()).ours
    rows = [row for row in section.rows if row.published_as]
    ours = [any(cell and cell.run_ids for cell in row.cells) for row in rows]
    ordered = [row for _, row in sorted(zip(ours, rows, strict=True), key=lambda pair: not pair[0])]
    return replace(section, rows=tuple(ordered)) if section.published and rows else None


def _data_sheets(runs: Sequence[TrackedRun]) -> dict[str, dict[str, str]]:
    """What there is to say of each data set, by its name."""
    names = {run.dataset for run in runs} | {run.train_dataset for run in runs} - {""}
    return {name: _data_sheet(name, runs) for name in sorted(names - {""})}


def _data_sheet(name: str, runs: Sequence[TrackedRun]) -> dict[str, str]:
    sums = {run.data_checksum for run in runs if run.dataset == name}
    sums |= {run.train_checksum for run in runs if run.train_dataset == name}
    known = {"Checksum": ", ".join(sorted(sums))}
    if name not in datasets:
        return {"What it is": "data of the user's own"} | known
    entry = datasets[name]
    pairs = zip(entry.classes, ("train", "val", "test"), strict=True)
    return {
        "What it is": entry.summary,
        "Images": shape_text(entry.image_shape),
        "Classes": ", ".join(f"{n:,} {split}" for n, split in pairs),
        "Images a class": entry.images_per_class,
        "Source": entry.source,
        "Licence": entry.licence,
        "To get it": "drawn on first use" if entry.generate else " or ".join(entry.commands),
    } | known

"""Tables of the page: plain ones that are read and printed as they are; a script lets them sort."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from fewshot_bench.report.cells import ROW
from fewshot_bench.report.section import Row, Section
from fewshot_bench.report.study_page.answer import p_text
from fewshot_bench.report.study_page.verdicts import Facts, Rival, Verdict
from fewshot_bench.report.webpage import escape, linked
from fewshot_bench.tracking.measurement import Measurement

_TIE = '<span class="tie" title="not significantly worse than the best">=</span>'


@dataclass(frozen=True)
class Head:
    """Head of a column: its text, whether numbers stand below, and whether it can be chosen by."""

    text: str
    number: bool = False
    chosen: bool = False


def cell(text: str, order: float | None = None, kind: str = "", html: str | None = None) -> str:
    """Write an entry.

    Args:
        text: what is shown, of whatever origin.
        order: a number that it is sorted by; of numbers alone.
        kind: further classes.
        html: in place of the text, what is HTML already.
    """
    number = order is not None
    classes = " ".join(filter(None, ("num" if number else "", kind)))
    rank = "" if order is None else f' data-order="{-1e9 if isnan(order) else order!r}"'
    attributes = (f' class="{classes}"' if classes else "") + rank
    return f"<td{attributes}>{escape(text) if html is None else html}</td>"


def table(name: str, title: str, heads: Sequence[Head], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of entries that `cell` wrote; the first is the name of its row."""
    shown = "".join(
        f'<th scope="col"{" class=num" if head.number else ""}>{_lines(head.text)}</th>'
        for head in heads
    )
    chosen = " ".join(str(place) for place, head in enumerate(heads) if head.chosen)
    body = "\n".join(f"<tr>{''.join(_first_as_head(row))}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">\n'
        f'<table id="{name}" class="sortable" data-choose="{chosen}">\n'
        f"<caption>{escape(title)}</caption>\n<thead><tr>{shown}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def method_cell(known: Facts) -> str:
    """Write the name of a row, and smaller what sets it apart."""
    variant = f"<small>{escape(known['variant'])}</small>" if known["variant"] else ""
    dot = f'<i class="dot {escape(known["setting"])}"></i>'  # the column of settings says it, too
    return cell("", html=f"{dot}{escape(known['method'])} {variant}".strip())


def results_table(verdicts: Sequence[Verdict], anchors: Mapping[tuple[str, ...], str]) -> str:
    """A row a method, the best of the first column on top, a column for each protocol.

    Args:
        verdicts: on all columns.
        anchors: ids of elements that tell more, by the runs of a cell.
    """
    heads = [Head("Method"), *(Head(text, number=True) for text in column_names(verdicts))]
    heads += [Head("Setting", chosen=True), Head("Backbone", chosen=True)]
    places = [{_row(rival.cell): rival for rival in verdict.rivals} for verdict in verdicts]
    rows = []
    for row in dict.fromkeys(name for place in places for name in place):
        known = next(place[row].cell for place in places if row in place)
        pairs = zip(places, verdicts, strict=True)
        numbers = [_number(place.get(row), verdict, anchors) for place, verdict in pairs]
        names = [setting_cell(known["setting"]), cell(known["backbone"])]
        rows.append([method_cell(known), *numbers, *names])
    return table("accuracy", "Accuracy in percent, with 95 % intervals", heads, rows)


def column_names(verdicts: Sequence[Verdict]) -> list[str]:
    """What columns are called; the data set goes without saying where there is but one."""
    columns = [verdict.column for verdict in verdicts]
    several = len({column["dataset"] for column in columns}) > 1
    return [f"{c['dataset']}, {c['label']}" if several else str(c["label"]) for c in columns]


def _row(known: Facts) -> tuple[str, ...]:
    return tuple(known[fact] for fact in ROW)


def setting_cell(setting: str) -> str:
    """Write how a method sees queries, as a mark."""
    return cell("", html=f'<span class="mark {escape(setting)}">{escape(setting)}</span>')


def _number(rival: Rival | None, verdict: Verdict, anchors: Mapping[tuple[str, ...], str]) -> str:
    if rival is None:
        return cell("-", float("nan"), "none")
    known = rival.cell
    kind = "best" if rival is verdict.rivals[0] else "level" if rival in verdict.level else ""
    width = "" if isnan(known["ci95"]) else f"<small> ± {100 * known['ci95']:.2f}</small>"
    seeds = f"<small> {known['n_seeds']} seeds</small>" if known["n_seeds"] > 1 else ""
    text = f"{100 * known['mean']:.2f}"
    text = f"<strong>{text}</strong>" if kind == "best" else text
    text += (
        '<span class="tie" title="not significantly worse than the best">=</span>'
        if kind == "level"
        else ""
    )
    html = f'<a href="#{anchors[known["run_ids"]]}">{text}{width}{seeds}</a>'
    return cell("", 100 * known["mean"], kind, html)


def differences_table(verdicts: Sequence[Verdict]) -> str:
    """A line for each method in each column: how far it is behind the best there."""
    heads = [Head("Method"), Head("Protocol", chosen=True)]
    numbers = ("Accuracy", "Behind the best", "p (Holm)", "Better", "Equal", "Worse")
    heads += [Head(name, number=True) for name in (*numbers, "Episodes needed")]
    rows = [
        [method_cell(rival.cell), cell(name, kind="short"), *_difference(rival)]
        for verdict, name in zip(verdicts, column_names(verdicts), strict=True)
        for rival in verdict.rivals
        if verdict.told
    ]
    return table("differences", "Paired differences from the best of each column", heads, rows)


def _difference(rival: Rival) -> list[str]:
    known, behind = rival.cell, rival.behind
    accuracy = cell(f"{100 * known['mean']:.2f}", 100 * known["mean"])
    if behind is None or rival.p_value is None:
        return [accuracy, cell("the best", 0.0, "best"), *[cell("", float("nan"))] * 5]
    needed = behind.episodes_needed
    gap = f"{100 * behind.difference:.2f} ± {100 * behind.ci95:.2f}"
    counts = (behind.losses, behind.ties, behind.wins)  # of this one, not of the best
    return [
        accuracy,
        cell(gap, 100 * behind.difference, "" if rival.is_worse else "level"),
        cell(p_text(rival.p_value).removeprefix("p = ").removeprefix("p "), rival.p_value),
        *(cell(f"{count:,}", float(count)) for count in counts),
        cell("-" if needed is None else f"{needed:,}", float("nan") if needed is None else needed),
    ]


def runs_table(measured: Sequence[Measurement], anchors: Mapping[str, str]) -> str:
    """A line a run, with what it took.

    Args:
        measured: the runs.
        anchors: ids of elements that tell more, by the id of a run.
    """
    heads = [Head("Method", chosen=True), Head("Run"), Head("Data", chosen=True)]
    heads += [Head("Shots", True, True), Head("Queries", chosen=True), Head("Seed", True)]
    numbers = ("Accuracy", "Macro-F1", "Calibration, error", "Pretraining, min", "Training, min")
    heads += [Head(name, number=True) for name in (*numbers, "ms an episode", "Memory, MB")]
    rows = [_run(each, anchors[each.run_id]) for each in measured]
    return table("runs", "Every run, and what it took", heads, rows)


def _run(each: Measurement, anchor: str) -> list[str]:
    config = each.config
    link = f'<a href="#{anchor}"><code>{escape(each.run_id[:8])}</code></a>'
    minutes = (each.pretrain_seconds / 60, each.train_seconds / 60)
    return [
        cell(config.method),
        cell("", html=link),
        cell(config.dataset),
        cell(str(config.n_shot), config.n_shot),
        cell(config.query_balance),
        cell(str(config.seed), config.seed),
        *(_share(share) for share in (each.mean, each.macro_f1, each.calibration_error)),
        *(cell(f"{value:.1f}" if value else "0", value) for value in minutes),
        cell(f"{1000 * each.episode_seconds:.3g}", 1000 * each.episode_seconds),
        cell(f"{each.peak_memory_mb:.0f}", each.peak_memory_mb),
    ]


def _share(share: float) -> str:
    return cell("-" if isnan(share) else f"{100 * share:.2f}", 100 * share)


def published_table(section: Section) -> str:
    """Our numbers and those of papers, as ``fsbench table --published`` has them."""
    several = len({column.dataset for column in section.columns}) > 1
    heads = [Head("Published as"), Head("Method"), Head("Setting", chosen=True), Head("Backbone")]
    heads += [Head(str(c) if several else c.label, number=True) for c in section.columns]
    heads += [Head(name) for name in section.after]
    return table(
        "published", "Our accuracies beside published ones", heads, map(_published, section.rows)
    )


def _published(row: Row) -> list[str]:
    setting, method, backbone = row.names
    names = [cell(row.published_as), cell(method), setting_cell(setting), cell(backbone)]
    texts = ["-" if entry is None else entry.text for entry in row.cells]
    numbers = [cell(text, _leading(text), "none" if text == "-" else "") for text in texts]
    sources = (row.differs, row.source)
    return [*names, *numbers, *(cell("", kind="source", html=linked(text)) for text in sources)]


def _leading(text: str) -> float:
    """The number that a text begins with."""
    try:
        return float(text.split(" ")[0].rstrip("*"))
    except ValueError:
        return float("nan")


def _lines(text: str) -> str:
    """Break a head after its commas, so that columns stay narrow."""
    return escape(text).replace(", ", ",<br>")


def _first_as_head(row: Sequence[str]) -> list[str]:
    first = row[0].replace("<td", '<th scope="row"', 1).removesuffix("</td>") + "</th>"
    return [first, *row[1:]]

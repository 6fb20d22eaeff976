"""What was asked of a study, and the answer: a question and three sentences, made of statistics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fewshot_bench.report.cells import row_names
from fewshot_bench.report.study_page.verdicts import Facts, Rival, Verdict

MOST_NAMED = 4  # methods that a sentence lists
BALANCED = "balanced"


@dataclass(frozen=True)
class Said:
    """A sentence of the answer: the protocol that it is about, and what there is to say."""

    where: str
    text: str


def question(verdicts: Sequence[Verdict]) -> str:
    """Say what runs were to find out."""
    cells = [rival.cell for verdict in verdicts for rival in verdict.rivals]
    columns = [verdict.column for verdict in verdicts]
    methods = {cell["method"] for cell in cells}
    data = listed(sorted({_data(column) for column in columns}))
    shots = listed(map(str, sorted({column["n_shot"] for column in columns})))
    images = "image" if shots == "1" else "images"
    source = f"from {shots} labelled {images} of each"
    networks = sorted({cell["backbone"] for cell in cells})
    which = f"Which of {len(methods)} methods best recognises"
    if len(methods) == 1:
        which = f"How well does {name_of(cells[0])} recognise"
    on = f"on the backbone{'s' * (len(networks) > 1)} {listed(networks)}{_more(columns)}"
    return f"{which} new classes of {data} {source}, {on}?"


def answer(verdicts: Sequence[Verdict]) -> list[Said]:
    """Answer it in at most three sentences.

    They are about the protocol of most cells: the best at the fewest shots and at the most, then
    what imbalanced queries change, or else what unlabelled queries are worth.
    """
    main = main_columns(verdicts)
    sentences = [_winner(verdict) for verdict in (main[:1] + main[1:][-1:])]
    sentences += [*_imbalance(main[0], verdicts)] or [*_unlabelled(main[0])]
    return sentences


def ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Columns as the page shows them: those of the answer first, then those of most cells."""
    main = main_columns(verdicts)
    others = [verdict for verdict in verdicts if verdict not in main]
    return [*main, *sorted(others, key=lambda verdict: -len(verdict.rivals))]


def main_columns(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The columns of the protocol with most cells, by shots; balanced queries count first."""
    chief = max(verdicts, key=lambda v: (v.column["query_balance"] == BALANCED, len(v.rivals)))
    shared = [fact for fact in _PROTOCOL if fact != "n_shot"]
    found = [v for v in verdicts if all(v.column[f] == chief.column[f] for f in shared)]
    by_shots: dict[int, Verdict] = {}
    for verdict in found:
        known = by_shots.setdefault(verdict.column["n_shot"], verdict)
        if len(verdict.rivals) > len(known.rivals):
            by_shots[verdict.column["n_shot"]] = verdict
    return [by_shots[shots] for shots in sorted(by_shots)]


_PROTOCOL = (
    *("dataset", "data_checksum", "train_dataset", "train_checksum", "split", "n_way"),
    *("n_query", "query_balance", "n_query_way", "n_episodes", "n_shot"),
)


def name_of(cell: Facts) -> str:
    """Name a row, as a table does."""
    return row_names(cell)[1]


def listed(names: Iterable[str]) -> str:
    """Write names as ``a, b and c``."""
    texts = [*names]
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def percent(cell: Facts) -> str:
    """Write an accuracy with its interval."""
    width = "" if cell["ci95"] != cell["ci95"] else f" ± {100 * cell['ci95']:.2f}"
    return f"{100 * cell['mean']:.2f}{width} %"


def p_text(p_value: float) -> str:
    """Write a p-value."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _data(column: Facts) -> str:
    origin = column["train_dataset"]
    return f"{column['dataset']} (trained on {origin})" if origin else str(column["dataset"])


def _more(columns: Sequence[Facts]) -> str:
    balances = {column["query_balance"] for column in columns}
    if balances == {BALANCED}:
        return ""
    return f", {'also ' if BALANCED in balances else ''}where queries are not balanced"


def _where(column: Facts) -> str:
    shots = column["n_shot"]
    return f"{_data(column)}, {column['n_way']}-way, {shots} shot{'' if shots == 1 else 's'}"


def _winner(verdict: Verdict) -> Said:
    """Who is best in a column, by how much, and who may be as good."""
    where, best = _where(verdict.column), verdict.best
    if len(verdict.rivals) == 1:
        return Said(where, f"{name_of(best)} reaches {percent(best)}; nothing else was measured.")
    head, following = f"{name_of(best)} is best with {percent(best)}", verdict.rivals[1]
    if not verdict.told:
        gap = 100 * (best["mean"] - following.cell["mean"])
        text = f"{head}, {gap:.2f} points above {name_of(following.cell)}, not compared in pairs."
        return Said(where, text)
    if not verdict.level:
        return Said(where, f"{head}, {_ahead(following)} {name_of(following.cell)}, the next.")
    worse = next((rival for rival in verdict.rivals if rival.is_worse), None)
    others = "" if worse is None else f", and {_ahead(worse)} {name_of(worse.cell)}"
    return Said(where, f"{head}, not significantly better than {_names(verdict.level)}{others}.")


def _names(rivals: Sequence[Rival]) -> str:
    names = [name_of(rival.cell) for rival in rivals]
    left = len(names) - MOST_NAMED
    return listed([*names[:MOST_NAMED], f"{left} more"] if left > 0 else names)


def _ahead(rival: Rival) -> str:
    behind = rival.behind
    assert behind is not None
    assert rival.p_value is not None
    points = f"{100 * behind.difference:.2f} ± {100 * behind.ci95:.2f} points"
    return f"{points} ({p_text(rival.p_value)}) above"


def _imbalance(main: Verdict, verdicts: Sequence[Verdict]) -> Iterator[Said]:
    """Say what imbalanced queries do to the best, if they were measured at the same shots."""
    same = [fact for fact in _PROTOCOL if fact != "query_balance"]
    if main.column["query_balance"] != BALANCED:
        return
    others = (v for v in verdicts if v.column["query_balance"] != BALANCED and len(v.rivals) > 1)
    for verdict in others:
        if all(verdict.column[fact] == main.column[fact] for fact in same):
            where = f"{_where(main.column)}, queries {verdict.column['query_balance']}"
            yield Said(where, _changed(main, verdict))
            return


def _changed(main: Verdict, verdict: Verdict) -> str:
    best, before = verdict.best, name_of(main.best)
    head = (
        f"Where classes have unequally many queries, {name_of(best)} is best with {percent(best)}"
    )
    there = next((r.cell for r in verdict.rivals if name_of(r.cell) == before), None)
    if name_of(best) == before:
        return f"{head}, as it is on balanced ones."
    if there is None:
        return f"{head}; {before}, the best on balanced ones, was not measured there."
    lost = 100 * (main.best["mean"] - there["mean"])
    verb = "loses" if lost >= 0 else "gains"
    return f"{head}; {before}, the best on balanced ones, {verb} {abs(lost):.2f} points."


def _unlabelled(main: Verdict) -> Iterator[Said]:
    """Say what seeing all queries of an episode together is worth."""
    inductive = next((r for r in main.rivals if r.cell["setting"] == "inductive"), None)
    if main.best["setting"] == "inductive" or inductive is None:
        return
    worth = f"{100 * (main.best['mean'] - inductive.cell['mean']):.2f}"
    if inductive.behind is not None:
        worth += f" ± {100 * inductive.behind.ci95:.2f}"
    text = (
        f"Seeing the unlabelled queries of an episode together is worth {worth} points: the best "
        f"inductive method is {name_of(inductive.cell)} with {percent(inductive.cell)}."
    )
    yield Said(_where(main.column), text)

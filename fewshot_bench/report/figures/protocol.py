"""What the runs of a figure have in common: checked, and told in its caption."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.cells import ROW

_MOST_NAMED = 4  # values that a message lists

_KEY = re.compile(r"\b[\w.]+=")  # of a setting


@dataclass(frozen=True)
class _Fact:
    """A column of `cells`: what messages call it, and which option chooses of it, if one does."""

    words: str
    option: str = ""


_FACTS: Mapping[str, _Fact] = {
    "dataset": _Fact("data sets", "--dataset"),
    "split": _Fact("splits", "--split"),
    "backbone": _Fact("backbones", "--backbone"),
    "train_dataset": _Fact("data sets that were trained on"),
    "n_way": _Fact("ways", "--ways"),
    "n_shot": _Fact("shots", "--shots"),
    "query_balance": _Fact("balances of queries", "--query-balance"),
    "n_query": _Fact("numbers of queries", "--queries"),
    "n_query_way": _Fact("numbers of classes with queries"),
    "n_episodes": _Fact("numbers of episodes", "--episodes"),
    "data_checksum": _Fact("versions of the data"),
    "train_checksum": _Fact("versions of the training data"),
}


def require_one(frame: pd.DataFrame, kind: str, free: Collection[str] = ()) -> None:
    """Refuse cells of several protocols where a figure shows those of one.

    Args:
        frame: see `cells`.
        kind: of the figure, for the message.
        free: facts that may differ.

    Raises:
        UsageError: they differ in another fact; the option that chooses.
    """
    for name, fact in _FACTS.items():
        values = sorted(set(frame[name]))
        if name not in free and len(values) > 1:
            some = ", ".join(str(v) or "none" for v in values[:_MOST_NAMED])
            more = ", ..." if len(values) > _MOST_NAMED else ""
            how = f"choose one with {fact.option}" if fact.option else "draw them one by one"
            raise UsageError(
                f"a figure of {kind} is of one protocol, and these runs have {len(values)} "
                f"{fact.words} ({some}{more}); {how}"
            )
    varying = [name for name in free if name in _FACTS]
    digests = frame.groupby(varying)["episode_digest"] if varying else frame["episode_digest"]
    if int(pd.Series(digests.nunique()).max()) > 1:
        raise UsageError(
            f"a figure of {kind} is of the same episodes for all, and these runs have other ones; "
            "leave out those of another --episode-seed"
        )


def names_of(frame: pd.DataFrame, longest: int = 36) -> list[str]:
    """Name each cell by its method and by what else tells it from others; one name a row.

    Args:
        frame: see `cells`.
        longest: characters that a name has at most.
    """
    told = ["variant"] if _alike(frame["backbone"]) else ["backbone", "variant"]
    names: dict[tuple[object, ...], str] = {}
    for cell in frame[ROW].to_dict("records"):
        row = tuple(cell.values())
        if row not in names:
            name = _name(cell["method"], [cell[fact] for fact in told if cell[fact]], longest)
            names[row] = _apart(name, names.values())
    return [names[row] for row in frame[ROW].itertuples(index=False, name=None)]


def _name(method: str, facts: Sequence[str], longest: int) -> str:
    """Put facts behind the method; of settings the values alone, or their end, if they are long."""
    if not facts:
        return method if len(method) <= longest else f"{method[: longest - 1]}…"
    told = ", ".join(facts)
    for text in (told, _KEY.sub("", told)):
        if len(method) + len(text) + 3 <= longest:
            return f"{method} ({text})"
    left = longest - len(method) - 4
    return f"{method} (…{told[-left:]})" if left > 0 else f"{method} ({told})"[: longest - 1] + "…"


def _apart(name: str, taken: Collection[str]) -> str:
    """Number a name that is taken, in its brackets if it has any."""
    stem, end = (name[:-1], ")") if name.endswith(")") else (name, "")
    numbered = (f"{stem} {n}{end}" for n in count(2))
    return next(each for each in chain([name], numbered) if each not in taken)


def _alike(column: "pd.Series[Any]") -> bool:
    return len(set(column)) == 1


def caption_of(frame: pd.DataFrame, *notes: str, episodes: bool = True) -> str:
    """Say what was measured, as far as all cells agree, and what else is to be told.

    Args:
        frame: see `cells`, or `latest`.
        notes: what else; empty ones are left out.
        episodes: tell how many episodes there were.
    """
    facts = {name: frame[name].iloc[0] for name in _FACTS if _alike(frame[name])}
    trained = facts.get("train_dataset")
    split = f"{facts['split']} classes" if "split" in facts else ""
    parts = [
        ", ".join(filter(None, [facts.get("dataset"), split])),
        f"trained on {trained}" if trained else "",
        ", ".join(filter(None, [facts.get("backbone"), *set(frame["common"])])),
        _shape(facts),
        f"{facts['n_episodes']:,} episodes" if episodes and "n_episodes" in facts else "",
        *notes,
    ]
    return " · ".join(part for part in parts if part)


def _shape(facts: Mapping[str, object]) -> str:
    ways = f"{facts['n_way']}-way" if "n_way" in facts else ""
    shots = f"{facts['n_shot']}-shot" if "n_shot" in facts else ""
    queries = f"{facts['n_query']} queries a class" if "n_query" in facts else ""
    n_asked = facts.get("n_query_way")
    asked = f"of {n_asked} classes" if n_asked else ""
    balance = str(facts.get("query_balance", ""))
    return ", ".join(
        filter(None, [f"{ways} {shots}".strip(), f"{queries} {asked}".strip(), balance])
    )


def interval_note(frame: pd.DataFrame) -> str:
    """What the bars of accuracies are."""
    most = int(frame["n_seeds"].max())
    seeds = f"; means over up to {most} training seeds" if most > 1 else ""
    return f"mean and 95 % interval over episodes{seeds}"

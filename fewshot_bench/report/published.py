"""Numbers that others published: facts with a source, shown beside ours, never mixed with them."""

import csv
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

import pandas as pd

from fewshot_bench.errors import UsageError

_NAME = r"[a-z0-9][a-z0-9:._-]*"
_WHOLE = r"[1-9]\d*"
# What each column must look like; the doc of `load_published` says what it is.
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "method": rf"({_NAME})?",
        "backbone": rf"({_NAME}( {_NAME})*)?",
        "settings": r"([\w.]+=\S+( [\w.]+=\S+)*)?",
        "published_as": r"\S.*",
        "network": r"\S.*",
        "variant": r".*",
        "dataset": r"\S.*",
        "ways": _WHOLE,
        "shots": _WHOLE,
        "accuracy": r"(100|[1-9]\d)(\.\d+)?",
        "ci95": r"(\d+(\.\d+)?)?",
        "setting": r"inductive|transductive",
        "query_balance": r"balanced|random|dirichlet:\d+\.\d+",
        "queries": rf"({_WHOLE}|all others|{_WHOLE} in all)?",
        "episodes": rf"({_WHOLE})?",
        "pretraining": r"(none|classes(, \w+)*|\w+)?",
        "extra_data": r".*",
        "paper": r"\S.*",
        "year": r"(19|20)\d\d",
        "source_url": r"https://[^\s;]+( \([^;]+\))?( ; https://[^\s;]+( \([^;]+\))?)*",
        "confirmed": r"yes|no|memory",
    }
)


def load_published(path: Traversable | None = None) -> pd.DataFrame:
    """Read published accuracies, by default those that ship with the package.

    Args:
        path: a CSV file with the columns below.

    Returns:
        Columns ``method, backbone, settings`` (what ours is called, '' where we have none, and
        the settings that make it theirs, as ``n_steps=3``), ``published_as, network`` (what
        theirs is called), ``variant`` (how their network differs from the last of ``backbone``;
        others that are named before it are the same as theirs), ``dataset, ways, shots,
        accuracy, ci95`` (percent, as text with the digits printed in the source; ``ci95``
        '' where it states none), ``setting``, ``query_balance`` (``random``: as the classes
        fell), ``queries`` (a class), ``episodes``, ``pretraining`` (of the network: ``none``,
        ``classes``, and what else it learned), ``extra_data`` (beyond the train split),
        ``paper, year, source_url, confirmed``. ``queries, episodes, pretraining`` are '' where
        nothing is known. ``confirmed`` is ``yes`` if the number was read again in its source.

    Raises:
        UsageError: a row is not of that kind; names the file and the line.
    """
    path = path or files(__package__).joinpath("published.csv")
    with path.open(encoding="utf-8") as file:
        reader = csv.DictReader(file, restkey="")
        if list(reader.fieldnames or ()) != list(COLUMNS):
            raise UsageError(f"{path}, line 1: the columns must be {', '.join(COLUMNS)}")
        rows = [_checked(row, f"{path}, line {reader.line_num}") for row in reader]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return frame.astype({"ways": int, "shots": int, "year": int})


def published_for(frame: pd.DataFrame, wanted: Iterable[tuple[str, int, int]]) -> pd.DataFrame:
    """Rows of the (data set, ways, shots) that a table shows, data sets named as ours."""
    ours = {(_spelling(name), ways, shots): name for name, ways, shots in wanted}
    facts = zip(frame["dataset"].map(_spelling), frame["ways"], frame["shots"], strict=True)
    names = pd.Series([ours.get(fact) for fact in facts], index=frame.index, dtype=object)
    return frame.assign(dataset=names)[names.notna()].reset_index(drop=True)


def _checked(row: Mapping[str, str | None], where: str) -> Mapping[str, str | None]:
    """Return a row of which each value is as `COLUMNS` says."""
    if "" in row or None in row.values():
        raise UsageError(f"{where}: a row has {len(COLUMNS)} values, quoted where they hold commas")
    for column, value in row.items():
        if not re.fullmatch(COLUMNS[column], value or ""):
            raise UsageError(f"{where}: '{value}' is no {column}")
    return row


def _spelling(dataset: str) -> str:
    """``miniImageNet`` and ``mini-imagenet`` are one."""
    return re.sub(r"[^a-z0-9]", "", dataset.lower())

"""Numbers that others published: facts with a source, shown beside ours, never mixed with them."""

import re
from collections.abc import Iterable
from importlib.resources import files

import pandas as pd


def load_published() -> pd.DataFrame:
    """Read the published accuracies that ship with the package.

    Returns:
        Columns ``method, backbone, dataset, ways, shots, accuracy, ci95, setting, paper, year,
        source_url, confirmed``. ``accuracy`` and ``ci95`` are percent, as text with the digits
        printed in the source (``ci95`` '' where it states none). ``confirmed`` is ``yes`` if
        the number was read again in its source.
    """
    with files(__package__).joinpath("published.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    return frame.astype({"ways": int, "shots": int, "year": int})


def published_for(wanted: Iterable[tuple[str, int, int]]) -> pd.DataFrame:
    """Published rows of the (data set, ways, shots) that a table shows, data sets named as ours."""
    ours = {(_spelling(name), ways, shots): name for name, ways, shots in wanted}
    frame = load_published()
    facts = zip(frame["dataset"].map(_spelling), frame["ways"], frame["shots"], strict=True)
    names = pd.Series([ours.get(fact) for fact in facts], index=frame.index, dtype=object)
    return frame.assign(dataset=names)[names.notna()].reset_index(drop=True)


def _spelling(dataset: str) -> str:
    """``miniImageNet`` and ``mini-imagenet`` are one."""
    return re.sub(r"[^a-z0-9]", "", dataset.lower())

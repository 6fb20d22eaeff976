"""Which published number may stand beside which of ours, and in what their protocols differ."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from fewshot_bench.errors import UsageError
from fewshot_bench.report.published import published_for

Facts = Mapping[Hashable, Any]

_PROTOCOL = ("dataset", "n_way", "n_shot", "query_balance", "n_query_way", "train_dataset")
_BALANCE = {"random": "balanced"}  # of theirs, beside ours: told as a difference


def theirs_for(runs: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """Published rows that share data set, ways, shots and balance with some of `runs`.

    Args:
        runs: cells or runs.
        published: as `load_published` returns it.

    Raises:
        UsageError: ours were measured on val, on which nobody publishes.
    """
    if not (runs["split"] == "test").all():
        raise UsageError("published numbers are of split test; leave --published or --split out")
    columns = runs.drop_duplicates(["dataset", "n_way", "n_shot"]).to_dict("records")
    theirs = published_for(published, ((c["dataset"], c["n_way"], c["n_shot"]) for c in columns))
    ours: Sequence[Facts] = runs.to_dict("records")
    protocols = {tuple(c[fact] for fact in _PROTOCOL): c for c in ours}.values()
    keep = [any(same_protocol(c, t) for c in protocols) for t in theirs.to_dict("records")]
    return theirs[keep].reset_index(drop=True)


def same_protocol(ours: Facts, theirs: Facts) -> bool:
    """Whether two numbers answer the same question: what is not the same may not be compared.

    Published ones were trained on the data set that they were measured on, and asked for all
    classes of an episode.
    """
    balance = theirs["query_balance"]
    return (
        ours["dataset"] == theirs["dataset"]
        and (ours["n_way"], ours["n_shot"]) == (theirs["ways"], theirs["shots"])
        and ours["query_balance"] == _BALANCE.get(balance, balance)
        and not (ours["n_query_way"] or ours["train_dataset"])
    )


def same_method(ours: Facts, theirs: Facts) -> bool:
    """Whether a run has method, backbone and settings of a published row."""
    asked = dict(setting.split("=", 1) for setting in theirs["settings"].split())
    return (
        ours["method"] == theirs["method"]
        and ours["backbone"] in theirs["backbone"].split()
        and all(ours["recipe"].get(name) == value for name, value in asked.items())
    )


def difference(ours: Facts, theirs: Facts) -> float:
    """Our accuracy less theirs, in points; ``mean`` is a share."""
    return 100 * float(ours["mean"]) - float(theirs["accuracy"])


def differences(ours: Facts, theirs: Facts) -> list[str]:
    """Say in few words how theirs differs from ours; ? is what its source does not say."""
    words = {
        f"{theirs['setting']} there": theirs["setting"] != ours["setting"],
        f"network with {theirs['variant']}": bool(theirs["variant"])
        and ours["backbone"] == theirs["backbone"].split()[-1],
        _queries(theirs): theirs["queries"] != str(ours["n_query"]),
        "unbalanced queries": theirs["query_balance"] != ours["query_balance"],
        f"{theirs['episodes'] or '?'} episodes": theirs["episodes"] != str(ours["n_episodes"]),
        _pretraining(theirs["pretraining"]): theirs["pretraining"] != pretraining_of(ours),
        f"{theirs['extra_data']} seen in training": bool(theirs["extra_data"]),
    }
    return [text for text, differs in words.items() if differs]


def _queries(theirs: Facts) -> str:
    n = theirs["queries"] or "?"
    return f"{n} queries a class" if n == "?" or n.isdigit() else f"queries: {n}"


def _pretraining(theirs: str) -> str:
    if theirs == "none":
        return "not pretrained"
    return f"pretrained on {theirs}" if theirs else "? pretraining"


def pretraining_of(ours: Facts) -> str:
    """What the backbone of a run learned before, in the words of ``published.csv``."""
    if ours["weights"] or ours["backbone"].startswith("timm:"):
        return "given weights"
    recipe = ours["recipe"]
    if not any(name.startswith("pretrain.") for name in recipe):
        return "none"
    return "classes" if float(recipe.get("pretrain.rotation", 0)) == 0 else "classes, rotations"

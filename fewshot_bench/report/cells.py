"""From runs to cells: what may share a column, and how seeds make one number."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from fewshot_bench.report.metric import ACCURACY, Metric
from fewshot_bench.tracking.record import TrackedRun
from fewshot_bench.utilities.files import stable_hash

DATA = ["dataset", "data_checksum", "train_dataset", "train_checksum"]
PROTOCOL = ["split", "n_way", "n_query", "query_balance", "n_query_way", "n_episodes"]
# Two runs are compared in one column only if all of these are the same.
COLUMN = [*DATA, *PROTOCOL, "n_shot", "episode_digest"]
MAX_NAMED = 3  # settings that the name of a row spells out
STREAM = ", stream "  # in a column's label: the same protocol on other episodes
ROW = ["setting", "method", "backbone", "variant"]


def cells(runs: pd.DataFrame, metric: Metric = ACCURACY) -> pd.DataFrame:
    """Average seeds and say what stands where, one row a cell.

    Args:
        runs: see `latest`; those that lack the metric are left out.
        metric: what is averaged.

    Returns:
        `ROW` and `COLUMN`, then ``mean`` (over seeds), ``ci95`` (mean of the seeds' intervals:
        an upper bound of the interval of the mean, as all seeds see the same episodes), both in
        [0, 1], ``n_seeds``, ``seed_sd`` (ddof 1; NaN for one seed), ``seeds`` and their
        ``run_ids``, the means of ``train_seconds`` and ``ms_per_episode``, ``fitted`` and
        ``shared_classes`` (which the data determine), ``recipe`` and ``weights`` (one a cell, as
        ``variant`` tells others apart), ``common``, ``best`` (no mean of the column is better)
        and ``label`` of the column, sorted as a table reads.
    """
    ci95 = runs[metric.ci95] if metric.ci95 else float("nan")
    shown = runs.assign(mean=runs[metric.value], ci95=ci95).dropna(subset=["mean"])
    grouped = shown.groupby([*ROW, *COLUMN], sort=False)
    result = grouped.agg(
        mean=("mean", "mean"),
        ci95=("ci95", "mean"),
        n_seeds=("seed", "size"),
        seed_sd=("mean", "std"),
        seeds=("seed", tuple),
        run_ids=("run_id", tuple),
        train_seconds=("train_seconds", "mean"),
        ms_per_episode=("ms_per_episode", "mean"),
        fitted=("fitted", "last"),
        shared_classes=("shared_classes", "last"),
        recipe=("recipe", "last"),
        weights=("weights", "last"),
        common=("common", "last"),
    ).reset_index()
    rank = result["mean"] if metric.lowest_is_best else -result["mean"]
    result["best"] = rank == rank.groupby([result[fact] for fact in COLUMN]).transform("min")
    result = result.merge(_labels(result[COLUMN].drop_duplicates()), on=COLUMN)
    return result.sort_values([*ROW, *COLUMN], ignore_index=True)


def latest(runs: Sequence[TrackedRun]) -> pd.DataFrame:
    """One row a run, only the latest of each seed of each cell.

    Runs that differ in nothing but their time are one; their `order` says which is the latest.
    Adds ``variant`` and ``common``, the settings that were asked for in all of them, which would
    tell no row from another. Recipes are kept.
    """
    frame = pd.DataFrame([asdict(run) for run in runs]).sort_values("order", kind="stable")
    common = _common(frame)
    frame["variant"], frame["common"] = _variants(frame, common), ", ".join(common)
    return frame.drop_duplicates([*ROW, *COLUMN, "seed"], keep="last")


def _common(frame: pd.DataFrame) -> list[str]:
    """Settings that were asked for in every run, if these are of several methods."""
    if len(set(frame["method"])) == 1:
        return []
    asked = [set(settings) for settings in frame["settings"]]
    return [text for text in frame["settings"].iloc[0] if all(text in each for each in asked)]


def _variants(frame: pd.DataFrame, common: Sequence[str]) -> "pd.Series[str]":
    """Name what was asked for beside the defaults, and what else tells runs of a column apart."""
    names: dict[Hashable, str] = {}
    for _, family in frame.groupby(["method", "backbone", "weights"]):
        columns = [column["recipe"].tolist() for _, column in family.groupby(COLUMN)]
        keys = sorted({key for recipes in columns for key in _varying(recipes)})
        labels = family[["weights", "recipe", "preset", "settings"]].to_dict("records")
        rows = [{str(k): v for k, v in row.items()} for row in labels]
        variants = [_variant(keys, common, **row) for row in rows]
        names |= zip(family.index, variants, strict=True)
    return pd.Series(names)


def _varying(recipes: Sequence[dict[str, str]]) -> list[str]:
    """Settings on which recipes differ; one that a recipe lacks differs from one that it has."""
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    return [key for key in keys if len({recipe.get(key) for recipe in recipes}) > 1]


def _variant(
    keys: Sequence[str],
    common: Sequence[str],
    *,
    weights: str,
    recipe: dict[str, str],
    preset: str,
    settings: Sequence[str],
) -> str:
    """Name a row: weights, preset unless default, settings asked for, then others of `keys`.

    Settings that all rows have in common are left out.
    """
    asked = {text.partition("=")[0] for text in settings}
    unasked = [key for key in keys if not {key, key.partition(".")[0]} & asked]
    others = {key: recipe[key] for key in unasked if key in recipe}
    many = len(unasked) > MAX_NAMED
    parts = [weights] if weights else []
    parts += [f"preset {preset}"] if many or preset != "default" else []
    parts += [text for text in settings if text not in common]
    if many:
        return ", ".join([*parts, f"recipe {stable_hash(others, length=6)}"])
    return ", ".join([*parts, *(f"{key}={value}" for key, value in others.items())])


def row_names(cell: Mapping[Hashable, Any]) -> tuple[str, str, str]:
    """Setting, method with what sets its row apart, and backbone of a cell's row."""
    variant = f" ({cell['variant']})" if cell["variant"] else ""
    return cell["setting"], f"{cell['method']}{variant}", cell["backbone"]


def columns_of(frame: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """The facts of each column, in the order of the table."""
    return frame.drop_duplicates([*COLUMN, "label"]).sort_values(COLUMN).to_dict("records")


def in_column(frame: pd.DataFrame, column: Mapping[Hashable, Any]) -> pd.DataFrame:
    """The cells of a column, whose facts are as `columns_of` has them."""
    return frame[np.logical_and.reduce([frame[fact] == column[fact] for fact in COLUMN])]


def _labels(columns: pd.DataFrame) -> pd.DataFrame:
    """Name columns by their shots and by every fact that varies within their data set.

    What they were trained on is always told, if that is another data set.
    """
    columns = columns.copy()
    trained_on = ", trained on " + columns["train_dataset"]
    columns["label"] = columns["n_shot"].astype(str) + "-shot"
    columns["label"] += trained_on.where(columns["train_dataset"] != "", "")
    words = {
        "split": "{} split",
        "n_way": "{}-way",
        "n_query": "{} queries",
        "query_balance": "{}",
        "n_query_way": "queries of {} classes",
        "n_episodes": "{} episodes",
        "data_checksum": "data {}",
        "train_checksum": "training data {}",
    }
    shown = columns.assign(
        data_checksum=_short(columns["data_checksum"]),
        train_checksum=_short(columns["train_checksum"]),
        n_query_way=columns["n_query_way"].replace({0: "all"}),
    )
    for fact, words_of in words.items():
        within = ["dataset", "train_dataset"] if fact == "train_checksum" else ["dataset"]
        varies = columns.groupby(within)[fact].transform("nunique") > 1
        written = [f", {words_of.format(value)}" for value in shown[fact]]
        columns["label"] += pd.Series(written, index=columns.index).where(varies, "")
    # The same protocol on other episodes: another seed of the stream.
    repeated = columns.duplicated(["dataset", "label"], keep=False)
    columns["label"] += (STREAM + _short(columns["episode_digest"])).where(repeated, "")
    # Names that imitate labels: every column keeps one of its own.
    places = columns.groupby(["dataset", "label"]).cumcount()
    columns["label"] += (", column " + (places + 1).astype(str)).where(places > 0, "")
    return columns


def _short(digests: "pd.Series[str]") -> "pd.Series[str]":
    """Cut digests to 8 digits, or as many more as tell them apart."""
    longest = max(map(len, digests), default=0)
    lengths = (n for n in range(8, longest) if digests.str[:n].nunique() == digests.nunique())
    return digests.str[: next(lengths, longest)]

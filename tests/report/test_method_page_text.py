"""The page of a small method, to the letter."""

from typing import Any

import pytest

from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Recipe, TrainRecipe
from fewshot_bench.registry import Registry
from fewshot_bench.report import method_page as module
from fewshot_bench.report.method_page import method_page
from tests.markdown import markdown_rows


class OwnRecipe(Recipe):
    """Its own words."""

    n_steps: int = 3
    scale: float = 0.5
    train: TrainRecipe | None = TrainRecipe(steps=50, augment="natural")

    shots = {5: {"n_steps": 5}}  # noqa: RUF012
    presets = {  # noqa: RUF012
        "paper": {"backbone": "conv4-64", "train": None},
        # of all
        "paper@omniglot": {
            "n_steps": 9,  # its a|b
        },
        "paper@omniglot:2": {"n_steps": 8, "backbone": "resnet12-metaopt"},
        "paper@cifar-fs": {"n_steps": 7},  # elsewhere
    }
    published = ("omniglot", "cifar-fs")
    grid = {"n_steps": (1, 3, 9), "scale": (0.5, 1.0)}  # noqa: RUF012


class Own(Method):
    """Does little.

    And says so.
    """

    recipe: OwnRecipe
    setting = "inductive"
    paper = Paper("A Title", "A, B", "Venue", 2020, "https://a.org")


class Wordless(Recipe):
    level: int = 1


class Bare(Method):
    setting = "transductive"
    paper = Paper("A Title", "A, B", "Venue", 2020, "https://a.org")


@pytest.fixture(autouse=True)
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    registry: Registry[Any] = Registry("method")
    registry.register("own", "mine", "my-own")(Own)
    registry.register("bare")(Bare)
    registry.register("wordless")(type("Other", (Bare,), {"recipe_type": Wordless}))
    monkeypatch.setattr(module, "methods", registry)


def parts(page: str) -> dict[str, str]:
    """What stands below each heading."""
    found = (part.partition("\n\n") for part in f"\n\n{page}".split("\n\n#")[1:])
    return {head.lstrip("# "): below for head, _, below in found}


def test_the_default_preset() -> None:
    page = method_page("Mine")
    assert page.startswith("# own\n\n- Setting")
    assert "\n\n## Settings\n\n" in page
    assert "\n\n### Its own\n\n" in page
    assert page.endswith("|\n")
    found = parts(page)
    assert [*found] == [
        *("own", "Settings", "Its own", "Pretraining", "Meta-training", "Presets and shots"),
        "Tuning",
    ]
    assert found["own"] == (
        "- Setting: inductive\n- Also called: `mine`, `my-own`\n"
        "- Paper: [A Title](https://a.org), A, B, Venue 2020\n"
        f"- Code: `{__name__}.Own`\n\nDoes little.\n\nAnd says so."
    )
    assert found["Settings"] == (
        "`fsbench run --method own --set KEY=VALUE` changes one; the defaults shown are those of "
        "preset `default`. Square brackets name the source."
    )
    assert found["Its own"] == (
        "Its own words.\n\n"
        "| Key       | Default               | Values  | What it is |\n"
        "| --------- | --------------------- | ------- | ---------- |\n"
        "| `n_steps` | `3`; from 5 shots `5` | integer |            |\n"
        "| `scale`   | `0.5`                 | number  |            |"
    )
    absent, added = found["Pretraining"].split("\n\n")
    assert absent == "None here; `--set pretrain=default`, or setting one of these, adds it:"
    assert "| `pretrain.epochs` " in added
    assert ["`pretrain.epochs`", "`40`", "integer ≥ 1", "over the train split"] in (
        markdown_rows(added)
    )
    present, held = found["Meta-training"].split("\n\n")
    assert present == "`--set train=none` leaves it out."
    assert ["`train.steps`", "`50`", "integer ≥ 1", "optimiser steps"] in markdown_rows(held)
    assert found["Tuning"] == (
        "`--tune val` chooses on the val split from 6 settings:\n\n"
        "| Key       | Values tried  |\n"
        "| --------- | ------------- |\n"
        "| `n_steps` | `1`, `3`, `9` |\n"
        "| `scale`   | `0.5`, `1`    |\n"
    )


def test_presets_side_by_side() -> None:
    rows = markdown_rows(parts(method_page("own"))["Presets and shots"])
    assert rows[0] == ["Key", "Preset `smoke`", "Preset `default`", "Preset `paper`"]
    told = {row[0]: row[1:] for row in rows[2:]}
    by_shots = "`3`; from 5 shots `5`"
    assert told["`n_steps`"] == [by_shots, by_shots, "`9`; from 2 shots `8`"]
    assert told["`train`"] == ["`default`", "`default`", "`none`"]
    assert told["`train.steps`"] == ["`20`", "`50`", "-"]
    assert "`scale`" not in told
    assert "`train.lr`" not in told


def test_the_paper_on_its_data_and_on_what_borrows_them() -> None:
    page = method_page("own", "paper", "omniglot")
    found = parts(page)
    assert found["Settings"].endswith(
        "those of preset `paper`, data set `omniglot`. Square brackets name the source. The paper "
        "has values for `omniglot`, `cifar-fs`; shown are those for `omniglot`, on backbone "
        "`conv4-64`."
    )
    assert ["`n_steps`", "`9`; from 2 shots `8`", "integer", ""] in markdown_rows(found["Its own"])
    source = found["Where preset `paper` comes from"]
    assert source == (
        "| Preset           | Key       | Source   |\n"
        "| ---------------- | --------- | -------- |\n"
        "| `paper@omniglot` | all       | of all   |\n"
        "| `paper@omniglot` | `n_steps` | its a\\|b |"
    )
    settings = parts(method_page("own", "paper", "mini-imagenet"))["Settings"]
    assert "shown are those for `cifar-fs`, which `mini-imagenet` borrows, on backbone" in settings
    settings = parts(method_page("own", "paper"))["Settings"]
    assert "shown are those for `omniglot`, on backbone" in settings


def test_a_data_set_of_another_kind_leaves_the_paper_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnRecipe, "published", ("omniglot",))
    page = method_page("own", dataset="CIFAR_FS")
    assert "preset `default`, data set `cifar-fs`. Square" in page
    rows = markdown_rows(parts(page)["Presets and shots"])
    assert rows[0] == ["Key", "Preset `smoke`", "Preset `default`"]
    with pytest.raises(UsageError, match="the paper of own has nothing like cifar-fs"):
        method_page("mine", "paper", "cifar-fs")


def test_a_data_set_has_settings_of_its_own() -> None:
    held = parts(method_page("own", dataset="omniglot"))["Meta-training"]
    assert [row[1] for row in markdown_rows(held) if row[0] == "`train.augment`"] == ["`none`"]
    plain = parts(method_page("own"))["Meta-training"]
    assert [row[1] for row in markdown_rows(plain) if row[0] == "`train.augment`"] == ["`natural`"]


def test_a_method_with_nothing_of_its_own() -> None:
    page = method_page("bare")
    found = parts(page)
    assert found["bare"].startswith("- Setting: transductive\n- Paper: ")
    assert found["Its own"] == "None."
    assert found["Presets and shots"] == "They change nothing."
    assert found["Tuning"] == ("It declares no grid, so `--tune val` has nothing to choose from.\n")
    assert "Where preset" not in method_page("bare", "paper")


def test_what_is_written_for_those_who_write_a_method_is_left_out() -> None:
    found = parts(method_page("wordless"))
    assert found["wordless"].endswith(".Other`")
    assert found["Its own"].startswith("| Key ")

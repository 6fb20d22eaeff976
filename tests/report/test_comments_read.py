"""Comments beside presets, in a module of a few lines made for the case."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from fewshot_bench.recipe import Recipe
from fewshot_bench.report.preset_sources import Source, preset_sources

BASE = """
from typing import ClassVar

from fewshot_bench.recipe import Recipe

# not of these

SHARED = {  # of all that is shared
    # above,
    # in two lines
    "train.gamma": 1,  # and behind
    "train.steps": (
        2,  # in the middle
    ),  # at the end
}
OTHER: dict = {"gamma": 3}  # annotated
print  # of no name

class First(Recipe):
    presets: ClassVar[dict] = {
        "paper": {
            "a": 1,  # of a
            "b": 2, "c": 3,  # of c
        },
        "paper:5": {"a": 5},  # of the only one
    }
"""
OWN = """
import os
from base_of_test import OTHER, SHARED as renamed, First
from fewshot_bench.recipe import Recipe

LOCAL = {"x": 1}  # local
LOCAL_TOO = {"y": 1}

class Own(Recipe):
    grid = {}
    presets = {
        "smoke": {"a": 0},  # of smoke
        # above the layer
        "paper": {  # behind its name
            **renamed,
            **OTHER,
            "train.lr": 7,  # later
            **First.presets["paper"],
        },
        "paper@here": LOCAL,
        "paper@there": First.presets["paper"],
        "paper@mixed": {**LOCAL, **LOCAL_TOO, "z": 1},
        "default": dict(a=1),  # computed
    }

class Twice(Recipe):
    presets = {"paper": Own.presets["paper@here"], "smoke": {"q": 1}}

class Made(Recipe):
    presets = dict(paper={})  # computed

class Below(Own):
    pass
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("modules")
    made = [load(folder, "base_of_test", BASE), load(folder, "own_of_test", OWN)]
    yield made[-1]
    for module in made:
        del sys.modules[module.__name__]


def load(folder: Path, name: str, text: str) -> ModuleType:
    (folder / f"{name}.py").write_text(text)
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(module: ModuleType, owner: str, layer: str) -> list[Source]:
    recipe: type[Recipe] = getattr(module, owner)
    return preset_sources(recipe, layer)


def test_a_layer_and_all_that_is_unpacked_into_it(own: ModuleType) -> None:
    found = said(own, "Own", "paper")
    assert dict(found) == {
        "": "annotated",  # the last of several that speak of all
        "train.gamma": "above, in two lines and behind",
        "train.lr": "later",
        "train.steps": "in the middle at the end",
        "gamma": "annotated",
        "a": "of a",
        "c": "of c",
    }
    assert [key for key, _ in found] == [
        "",
        "train.gamma",
        "train.steps",
        "gamma",
        "train.lr",
        "a",
        "c",
    ]


def test_a_layer_by_its_own_comments_alone(own: ModuleType) -> None:
    assert said(own, "Own", "smoke") == [("a", "of smoke")]
    assert said(own, "Below", "smoke") == [("a", "of smoke")]
    assert said(own, "First", "paper") == [("a", "of a"), ("c", "of c")]
    assert said(own, "First", "paper:5") == [("a", "of the only one")]


def test_a_layer_that_is_a_name_or_another_layer(own: ModuleType) -> None:
    assert said(own, "Own", "paper@here") == [("", "local"), ("x", "local")]
    assert said(own, "Own", "paper@there") == [("a", "of a"), ("c", "of c")]
    assert said(own, "Twice", "paper") == [("", "local"), ("x", "local")]
    assert said(own, "Own", "paper@mixed") == [("", "local"), ("x", "local")]


def test_what_is_not_spelled_out_says_nothing(own: ModuleType) -> None:
    assert said(own, "Own", "default") == []
    assert said(own, "Made", "paper") == []
    assert said(own, "Own", "nowhere") == []
    assert preset_sources(Recipe, "paper") == []

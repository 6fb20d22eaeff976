"""The front door: what it offers, how little it costs, and that it is the command line's equal."""

import ast
import doctest
import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fewshot_bench as fsb
from fewshot_bench import api
from fewshot_bench.classifier import FewShotClassifier
from fewshot_bench.cli import main
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.registry import Registry
from fewshot_bench.results import Result
from fewshot_bench.settings import setting_names, setting_texts
from tests.embeddings import make_arrays
from tests.processes import ROOT, imported_by

X, Y = make_arrays()
FEW: dict[str, Any] = {"n_query": 5, "n_episodes": 40}
HEAVY = {"torch", "numpy", "sklearn", "scipy", "pydantic", "pandas", "mlflow", "typer"}


def test_importing_it_costs_nothing(tmp_path: Path) -> None:
    script = "import fewshot_bench as fsb\nassert 'evaluate' in dir(fsb)\nprint(fsb.__version__)"
    assert imported_by(script, tmp_path).isdisjoint(HEAVY)


@pytest.mark.parametrize("name", ["evaluate", "compare", "methods", "backbones", "Result"])
def test_only_the_classifier_needs_scikit_learn(name: str, tmp_path: Path) -> None:
    modules = imported_by(f"import fewshot_bench as fsb\nfsb.{name}", tmp_path)
    assert "sklearn" not in modules


def test_it_offers_what_it_says() -> None:
    assert set(dir(fsb)) == set(fsb.__all__)
    assert all(getattr(fsb, name) is not None for name in fsb.__all__)
    assert fsb.evaluate is api.evaluate
    assert fsb.FewShotClassifier is FewShotClassifier
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        fsb.evalute  # type: ignore[attr-defined]  # noqa: B018


def test_registries_go_by_the_names_of_their_rooms(tmp_path: Path) -> None:
    """Whether the room of that name has been imported, or not yet."""
    script = (
        "import fewshot_bench as fsb\n"
        "first = list(fsb.methods)\n"
        "import fewshot_bench.backbones.conv4 as conv4, fewshot_bench.methods.ssl_meta as sib\n"
        "assert first == list(fsb.methods) and {'tim', 'ssl-meta', 'maml'} <= set(first)\n"
        "assert fsb.methods['SIB'] is sib.SSLMeta and 'sib' in fsb.methods\n"
        "assert fsb.methods.aliases('ssl-meta') == ['sib'] and 'tim' in repr(fsb.methods)\n"
        "assert fsb.backbones['conv4-64'] is conv4.conv4_64\n"
        "assert not hasattr(fsb.backbones, 'conv5') and 'timm' in fsb.backbones.families\n"
        "assert 'glyphs' in list(fsb.datasets)\n"
    )
    imported_by(script, tmp_path)


def test_no_module_imports_the_front_door() -> None:
    for folder in ("fewshot_bench", "methods", "baselines"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert "fewshot_bench" not in names, file


class Roughly(doctest.OutputChecker):
    """Takes numbers that differ by rounding on other machines for the same."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        words = [re.split(r"(\d+\.\d+)", text.strip()) for text in (want, got)]
        numbers = [[float(number) for number in parts[1::2]] for parts in words]
        return words[0][::2] == words[1][::2] and numbers[0] == pytest.approx(numbers[1], abs=0.2)


@pytest.mark.parametrize(
    "thing",
    [
        fsb.evaluate,
        fsb.compare,
        fsb.FewShotClassifier,
        fsb.Result,
        Registry,
        pytest.param(fsb.load_dataset, marks=pytest.mark.slow),  # draws it
        pytest.param(fsb.tasksets, marks=pytest.mark.slow),
    ],
)
def test_examples_run(thing: Any) -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(thing, globs={})
    assert example.examples
    assert doctest.DocTestRunner(Roughly()).run(example).failed == 0


def test_no_setting_has_the_name_of_an_argument() -> None:
    arguments = {*inspect.signature(fsb.evaluate).parameters}
    arguments |= {*inspect.signature(FewShotClassifier).parameters}
    for name in methods:
        assert arguments.isdisjoint(setting_names(methods[name].recipe_type)), name


@pytest.mark.parametrize(
    ("settings", "recipe"),
    [
        ({"temperature": 5, "solver": "alternating"}, {"temperature": 5.0}),
        ({"pretrain__epochs": 3, "train": None}, {"train": None}),
        ({"pretrain.milestones": (0.25, 0.5)}, {}),
        ({"pretrain": None}, {"pretrain": None}),
        ({"temperature": np.float64(1 / 3)}, {"temperature": 1 / 3}),
    ],
)
def test_settings_are_what_set_takes(settings: dict[str, Any], recipe: dict[str, Any]) -> None:
    built = build_recipe(methods["tim"].recipe_type, settings=setting_texts(settings)).model_dump()
    assert {key: built[key] for key in recipe} == recipe
    if "pretrain.milestones" in settings:
        assert built["pretrain"]["milestones"] == (0.25, 0.5)


def test_results_on_the_same_episodes_are_compared() -> None:
    first, second = (fsb.evaluate(name, X, Y, n_shot=2, **FEW) for name in ("bd-cspn", "paddle"))
    found = fsb.compare(first, second)
    assert found.difference == pytest.approx(first.mean - second.mean)
    assert str(found).startswith(f"{100 * found.difference:+.2f} ± {100 * found.ci95:.2f} points")
    assert str(fsb.compare(first, first)) == "+0.00 ± 0.00 points, p = 1.0000"
    other = fsb.evaluate("bd-cspn", X, Y, n_shot=2, seed=1, **FEW)
    with pytest.raises(fsb.UsageError, match="only results of the same episodes"):
        fsb.compare(first, other)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "give embeddings X with labels y, or the name of a dataset"),
        ({"X": X}, "give embeddings X with labels y"),
        ({"X": X, "y": Y, "dataset": "glyphs"}, "not both"),
        ({"X": X, "y": Y, "backbone": "conv4-64"}, "backbone means nothing to embeddings"),
        ({"X": X, "y": Y, "episode_seed": 0}, "episode_seed means nothing to embeddings"),
        ({"dataset": "glyphs", "y_base": Y}, "y_base means nothing to a data set"),
        ({"X": X, "y": Y, "device": "tpu"}, "no device 'tpu'"),
        ({"X": X, "y": Y, "temperatures": 1}, "did you mean 'temperature'"),
    ],
)
def test_mixed_up_arguments_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(fsb.UsageError, match=says) as error:
        fsb.evaluate("tim", **arguments)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_data_set_is_measured_as_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsbench_home: Path
) -> None:
    """Untrained, as training is tested elsewhere; the answers come on top."""
    monkeypatch.chdir(tmp_path)
    command = "run -m meta-baseline --set pretrain=none --set train=none --set scale=3 -k 2"
    command += " --ways 4 --queries 5 --episodes 30 --seed 2 --episode-seed 6"
    before = set((fsbench_home / "results").glob("*.json"))
    try:
        main(command.split())
    except SystemExit as done:
        assert not done.code  # noqa: PT017
    (file,) = set((fsbench_home / "results").glob("*.json")) - before
    found = fsb.evaluate(
        "meta-baseline",
        dataset="glyphs",
        pretrain=None,
        train=None,
        scale=3,
        n_shot=2,
        n_way=4,
        n_query=5,
        n_episodes=30,
        seed=2,
        episode_seed=6,
        predictions=True,
    )
    logged = fsb.Result.model_validate(json.loads(file.read_text())["result"])
    assert found.accuracies == logged.accuracies
    assert found.episode_digest == logged.episode_digest
    assert found.predictions is not None
    assert found.classes is not None
    names = fsb.load_dataset("glyphs")["test"].class_names
    assert set(found.classes.ravel()) <= set(names)


def test_types_are_those_of_the_things() -> None:
    """What mypy reads of the lazy names; checked by mypy, and at run time."""
    registry: Registry[type[Method]] = fsb.methods
    cls: type[Method] = registry["tim"]
    result: Result = fsb.evaluate("logistic", X, Y, **FEW)
    assert issubclass(cls, Method)
    assert isinstance(result, Result)

"""The house keeps its order: imports run one way, and nothing in it is large.

All of it is read from the sources (`sources.py`); each rule is also shown what breaks it.
"""

import statistics
from collections.abc import Iterable, Mapping

import pytest

from tests.sources import (
    PACKAGE,
    ROOT,
    Module,
    body_lines,
    circle,
    functions,
    imported_names,
    imports,
    installed_files,
    length,
    long_files,
    made_up,
    parse,
)

# From the ground up. A module imports from its own room and from the lines above its own here,
# neither from a room beside it nor from one further down.
LAYERS = [
    "errors paper plugins version",
    "utilities",
    "registry provenance ops",
    "declarations",
    "recipe",
    "settings",
    "presets",
    "data",
    "episodes.spec",  # a room of its own: configurations need it, and no torch
    "config statistics",
    "results",
    "records",
    "episodes",
    "backbones",
    "method",
    "bases registries",
    "evaluation",
    "training",
    "portable",
    "tracking",
    "exchange",
    "report",
    "runs",
    "api classifier",
    "__init__",  # what ``import fewshot_bench`` offers
    "cli",
    "__main__",
]
RANKS = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms.split()}
# Nothing imports a plugin but another plugin; and a plugin is written against these alone.
PLUGINS = {"methods", "baselines"}
FOR_PLUGINS = {
    *("backbones", "bases", "episodes", "episodes.spec", "errors", "method", "ops"),
    *("paper", "recipe", "registry", "results", "utilities"),
}
SOURCES = ("fewshot_bench", "methods", "baselines", "bench", "tests")


@pytest.fixture(scope="module")
def house() -> dict[str, Module]:
    """All modules as they are installed."""
    return parse(installed_files())


def room(module: str) -> str:
    """The declared room that a module lies in, else what should have been declared."""
    name = module.removeprefix(PACKAGE).lstrip(".") or "__init__"
    within = name
    while within and within not in RANKS.keys() | PLUGINS:
        within = within.rpartition(".")[0]
    return within or name.partition(".")[0]


def may_import(room: str, other: str) -> bool:
    if room in PLUGINS:
        return other in FOR_PLUGINS | PLUGINS
    return room == other or RANKS.get(other, len(LAYERS)) < RANKS[room]


def strays(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Rooms that have no place, and imports from beside or above."""
    lost = {room(module) for module in edges} - RANKS.keys() - PLUGINS
    return [f"{name} has no place in LAYERS" for name in sorted(lost)] + [
        f"{module} imports {other}"
        for module, others in edges.items()
        for other in sorted(others)
        if room(module) not in lost and not may_import(room(module), room(other))
    ]


def private_imports(modules: Mapping[str, Module]) -> list[str]:
    """What plugins import of other modules of ours that is not meant for them."""
    return [
        f"{module.name} imports {name}"
        for module in modules.values()
        if room(module.name) in PLUGINS
        for name in imported_names(module)
        if name.startswith(f"{PACKAGE}.") and "._" in name
    ]


def importers(library: str, modules: Mapping[str, Module]) -> set[str]:
    """Rooms that import a library."""
    return {
        room(module.name)
        for module in modules.values()
        if library in {name.partition(".")[0] for name in imported_names(module)}
    }


def too_long(modules: Mapping[str, Module], within: str, most: int) -> dict[str, int]:
    """Functions of a room with more lines than `most`."""
    return {
        f"{module.name}.{function.name}": length(function)
        for module in modules.values()
        if room(module.name) == within
        for function in functions(module)
        if length(function) > most
    }


def test_no_module_imports_itself_by_way_of_others(house: dict[str, Module]) -> None:
    chain = circle(imports(house))
    assert not chain, " -> ".join(chain)


def test_imports_run_one_way_from_room_to_room(house: dict[str, Module]) -> None:
    found = strays(imports(house))
    assert not found, "\n".join(found)


def test_plugins_import_nothing_private(house: dict[str, Module]) -> None:
    assert private_imports(house) == []


def test_only_tracking_imports_mlflow(house: dict[str, Module]) -> None:
    assert importers("mlflow", house) == {"tracking"}


def test_a_command_is_a_signature_and_printing(house: dict[str, Module]) -> None:
    assert too_long(house, "cli", 40) == {}


def test_functions_are_short(house: dict[str, Module]) -> None:
    lines = [body_lines(function) for module in house.values() for function in functions(module)]
    assert statistics.median(lines) <= 8
    assert statistics.quantiles(lines, n=10)[-1] <= 20


@pytest.mark.parametrize("folder", SOURCES)
def test_files_are_short(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert long_files(ROOT / folder, 250) == {}


@pytest.mark.parametrize(
    ("module", "other"),
    [
        ("utilities.files", "data.store"),
        ("registry", "ops.basic"),
        ("config", "episodes.source"),
        ("episodes.spec", "episodes.source"),
        ("runs.runner", "methods.ssl_meta"),
        ("cli.listing", "baselines.maml"),
        ("methods.ssl_meta", "training.trainer"),
        ("baselines.maml", "tracking.store"),
        ("attic.box", "errors"),
    ],
)
def test_an_import_from_above_or_beside_or_nowhere_is_found(module: str, other: str) -> None:
    assert strays({f"{PACKAGE}.{module}": {f"{PACKAGE}.{other}"}}) != []


@pytest.mark.parametrize(
    ("module", "other"),
    [
        ("config", "episodes.spec"),
        ("data.catalog", "data.cifar"),
        ("cli", "runs.runner"),
        ("methods.ssl_meta", "baselines.maml"),
        ("baselines.maml", "bases.inner_loop"),
    ],
)
def test_an_import_from_below_is_right(module: str, other: str) -> None:
    assert strays({f"{PACKAGE}.{module}": {f"{PACKAGE}.{other}"}}) == []


def test_private_names_mlflow_and_long_commands_are_found() -> None:
    taken = "from fewshot_bench.baselines.maml import _x\nfrom torch import _y"
    found = ["fewshot_bench.methods.mine imports fewshot_bench.baselines.maml._x"]
    assert private_imports(made_up({"methods/mine": taken})) == found
    elsewhere = made_up({"report/table": "def f():\n    from mlflow.entities import Run"})
    assert importers("mlflow", elsewhere) == {"report"}
    command = "def run(\n    a: int,\n):\n" + "    print()\n" * 38
    assert too_long(made_up({"cli/run": command}), "cli", 40) == {"fewshot_bench.cli.run.run": 41}

"""What is installed: the command, the plugins, the wheel, and how little `--help` imports."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from fewshot_bench.plugins import PLUGIN_GROUP
from tests.processes import ROOT, imported_by

HEAVY = ("torch", "mlflow", "pandas", "matplotlib", "scipy")


def test_entry_points_lead_to_methods_and_baselines() -> None:
    found = {point.name: point.value for point in entry_points(group=PLUGIN_GROUP)}
    assert found["methods"] == "fewshot_bench.methods"
    assert found["baselines"] == "fewshot_bench.baselines"


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="fsbench")
    assert callable(command.load())


@pytest.mark.parametrize("command", [[], ["run"], ["study"], ["table"], ["ui"], ["list"], ["data"]])
def test_help_imports_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    call = f"from fewshot_bench.cli import main\nmain({[*command, '--help']!r})"
    assert imported_by(call, tmp_path).isdisjoint(HEAVY)


def test_registry_imports_no_method_and_no_torch(tmp_path: Path) -> None:
    modules = imported_by("import fewshot_bench.registry", tmp_path)
    plugins = ("fewshot_bench.methods", "fewshot_bench.baselines", "torch", "mlflow")
    assert not [name for name in modules if name.startswith(plugins)]


def test_plugins_are_found_away_from_the_checkout(tmp_path: Path) -> None:
    modules = imported_by("from fewshot_bench.method import methods\nlist(methods)", tmp_path)
    assert {"fewshot_bench.methods.ssl_meta", "fewshot_bench.baselines.maml"} <= modules
    assert modules.isdisjoint({"methods", "baselines"})


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from a copy of the sources, so that no stale build is packed."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("fewshot_bench", "methods", "baselines"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=copy, check=True, capture_output=True)
    (wheel,) = (copy / "dist").glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_wheel_holds_every_module_and_data_file(wheel_files: set[str]) -> None:
    expected = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "fewshot_bench").rglob("*")
        if file.suffix in {".py", ".json", ".typed", ".toml"}
    }
    for plugins in ("methods", "baselines"):
        expected |= {f"fewshot_bench/{plugins}/{f.name}" for f in (ROOT / plugins).glob("*.py")}
    assert expected <= wheel_files
    assert "fewshot_bench/py.typed" in wheel_files
    assert any(name.startswith("fewshot_bench/data/splits/") for name in wheel_files)


@pytest.mark.slow
def test_wheel_leaks_no_top_level_package(wheel_files: set[str]) -> None:
    top = {name.split("/")[0] for name in wheel_files}
    assert {name for name in top if not name.endswith(".dist-info")} == {"fewshot_bench"}

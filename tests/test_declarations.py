"""What is read from sources is what the registries know once everything is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_bench import declarations as module
from fewshot_bench.declarations import declarations, from_registry
from fewshot_bench.registries import registry_of

DYNAMIC = """
from fewshot_bench.method import methods
for name in ("one", "two"):
    methods.register(name)(object)
"""
INHERITED = '''
from fewshot_bench.bases.inner_loop import InnerLoopMethod as Base
from fewshot_bench.method import methods

class Between(Base):
    paper = None

@methods.register("Of_Mine", "mine", "also-mine")
class OfMine(Between):
    """Says one thing.

    And more.
    """
'''


@pytest.mark.parametrize("kind", ["method", "backbone"])
def test_what_is_declared_is_what_is_registered(kind: str) -> None:
    registry = registry_of(kind)
    declared = declarations(f"{kind}s")
    assert declared == from_registry(registry)
    assert set(registry) <= {d.name for d in declared or ()}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin's file that stands alone."""
    file = tmp_path / "plugin.py"
    monkeypatch.setattr(module, "plugin_files", lambda: [file])
    return file


def test_what_a_class_inherits_is_found_in_the_files_of_its_bases(plugin: Path) -> None:
    plugin.write_text(INHERITED)
    (declared,) = declarations("methods") or []
    assert declared.name == "of-mine"
    assert declared.aliases == ("also-mine", "mine")
    assert declared.setting == "transductive"
    assert declared.summary == "Says one thing."


@pytest.mark.parametrize(
    "text", [DYNAMIC, INHERITED.replace('"mine"', "NAME"), INHERITED + '\nmethods.register("x")(1)']
)
def test_what_cannot_be_read_is_left_to_the_registry(plugin: Path, text: str) -> None:
    plugin.write_text(text)
    assert declarations("methods") is None


def test_an_absent_extra_is_not_declared(plugin: Path) -> None:
    plugin.write_text(INHERITED.replace('"also-mine"', 'extra="no_such_library"'))
    assert declarations("methods") == []


def test_reading_loads_no_torch() -> None:
    code = (
        "import sys; from fewshot_bench.declarations import declarations\n"
        "declarations('methods'), declarations('backbones')\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

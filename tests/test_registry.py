"""Names: one spelling, no duplicates, helpful errors; what is not installed is not imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_bench.backbones.base import backbones
from fewshot_bench.data.entry import datasets
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods
from fewshot_bench.registry import Registry


@pytest.mark.parametrize("spelling", ["ssl-meta", "SSL_Meta", " sib ", "SIB"])
def test_spellings(spelling: str) -> None:
    assert methods.resolve(spelling) == "ssl-meta"
    assert spelling in methods


def test_a_name_is_registered_once() -> None:
    registry: Registry[int] = Registry("thing")
    registry.register("one", "uno")(1)
    with pytest.raises(ValueError, match="'uno' is registered twice"):
        registry.register("two", "UNO")(2)
    assert registry["Uno"] == 1


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="no method is called 'mamll'; did you mean 'maml'"):
        methods.resolve("mamll")
    with pytest.raises(UsageError, match=r"choose from: .*proto-net"):
        methods.resolve("qqqqqq")


def test_what_needs_an_extra_is_absent_without_it_and_says_how_to_get_it() -> None:
    registry: Registry[int] = Registry("thing")
    registry.register("three", "drei", extra="no_such_library")(3)
    registry.register("four", extra="json")(4)
    assert list(registry) == ["four"]
    assert "three" not in registry
    wanted = r"thing 'drei' needs no_such_library; pip install 'fewshot-bench\[no_such_library\]'"
    with pytest.raises(UsageError, match=wanted):
        registry["Drei"]


def test_only_installed_entry_points_are_imported(tmp_path: Path) -> None:
    """A name that is a path or a module is a name that is not known, wherever it is given."""
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "__init__.py").write_text((tmp_path / "evil.py").read_text())
    for name in ("evil", "evil.py", "./evil.py", str(tmp_path / "evil.py"), "evil:Evil"):
        for registry in (methods, backbones, datasets):
            with pytest.raises(UsageError, match="is called"):
                registry[name]
    code = "from fewshot_bench.cli import main; main(['list', 'methods'])"
    environment = {**os.environ, "FSBENCH_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, check=True)
    assert not (tmp_path / "pwned").exists()

"""A plugin that cannot be imported costs its own names alone."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fewshot_bench import plugins
from fewshot_bench.declarations import declarations
from fewshot_bench.errors import UsageError
from fewshot_bench.method import methods

BROKEN = """
import no_such_library
from fewshot_bench.method import methods

@methods.register("brittle", "Brittle_One")
class Brittle:
    pass
"""


@pytest.fixture
def broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Install a plugin beside ours, and load all of them anew."""
    (tmp_path / "brittle_plugin.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    ours = plugins._entry_points()
    monkeypatch.setattr(plugins, "_entry_points", lambda: ["brittle_plugin", *ours])
    monkeypatch.setattr(plugins, "_failed", {})
    plugins.load_plugins.cache_clear()
    yield
    sys.modules.pop("brittle_plugin", None)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (BROKEN, "ModuleNotFoundError: No module named 'no_such_library'"),
        (BROKEN + "class", "SyntaxError: invalid syntax"),
        (BROKEN.replace("import no_such_library", "raise SystemExit(1)"), "SystemExit: 1"),
    ],
    indirect=["broken"],
)
@pytest.mark.usefixtures("broken")
def test_it_costs_its_names(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert methods.resolve("SIB") == "ssl-meta"
    assert f"warning: the plugin brittle_plugin is left out ({reason}" in capsys.readouterr().err
    for name in ("brittle", "brittle-one"):
        with pytest.raises(UsageError, match="brittle_plugin cannot be imported") as said:
            methods.resolve(name)
        assert reason in str(said.value)
    with pytest.raises(UsageError, match="did you mean 'maml'"):
        methods.resolve("mamll")
    names = {d.name for d in declarations("methods") or ()}
    assert "ssl-meta" in names

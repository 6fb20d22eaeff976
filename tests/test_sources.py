"""Reading sources: an import is found however it is written, and words are none."""

from pathlib import Path

import pytest

from tests.sources import body_lines, circle, functions, imports, long_files, made_up


@pytest.mark.parametrize(
    "statement",
    [
        "import fewshot_bench.a as other",
        "from fewshot_bench import a",
        "from fewshot_bench.a import thing",
        "from . import a",
        "from .a import thing",
        "def f():\n    from fewshot_bench.a import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fewshot_bench import a",
        "import importlib\nimportlib.import_module('.a', __package__)",
        "__import__('fewshot_bench.a')",
        "LATER = {'thing': 'fewshot_bench.a'}",
        "LATER = 'fewshot_bench.a:thing'",
    ],
)
def test_a_circle_is_found_however_it_is_imported(statement: str) -> None:
    chain = circle(imports(made_up({"a": "import fewshot_bench.b", "b": statement})))
    assert chain in (["fewshot_bench." + x for x in order] for order in ("aba", "bab"))


def test_a_circle_is_told_in_the_order_of_its_imports() -> None:
    files = {name: f"from .{other} import x" for name, other in ("ab", "bc", "ca", "da")}
    chain = circle(imports(made_up(files)))
    assert "".join(name[-1] for name in chain) in {"abca", "bcab", "cabc"}


def test_words_and_the_package_on_the_way_are_no_imports() -> None:
    words = '"""fewshot_bench.a"""\nA = "fewshot_bench.nothing"\nimport fewshot_bench, torch.nn'
    assert circle(imports(made_up({"__init__": "", "a": "from .b import x", "b": words}))) == []
    store = "from fewshot_bench.data import entry"
    files = {"data/__init__": "from .store import x", "data/store": store, "data/entry": ""}
    assert circle(imports(made_up(files))) == []
    files["data/store"] = "from fewshot_bench.data import x"
    assert circle(imports(made_up(files))) != []


def test_a_body_has_neither_signature_nor_docstring() -> None:
    text = 'def f(\n    a,\n):\n    """Say\n\n    more.\n    """\n    # why\n\n    return a\n'
    bare = "def g(a):\n    b = a\n    return b\n"
    found = [body_lines(f) for f in functions(made_up({"a": text + bare})["fewshot_bench.a"])]
    assert found == [3, 2]


def test_a_long_file_is_found_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "long.py").write_text("\n" * 251)
    (tmp_path / "short.py").write_text("\n" * 250)
    assert long_files(tmp_path, 250) == {"a/long.py": 251}

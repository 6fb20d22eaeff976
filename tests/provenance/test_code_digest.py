"""Digests of code: what changes them, and what does not."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.method import methods
from fewshot_bench.provenance.code_digest import source_digest

METHOD = '''"""A method."""
from fewshot_bench.method import Method
from .helper import scale

class Mine(Method):
    """Mine."""
    def f(self, x):
        return scale(x) + 1
'''
HELPER = "def scale(x):\n    return 2 * x\n"
Digest = Callable[[str, str], str]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Digest]:
    """Digest of `Mine` in a package whose files are given."""
    package = tmp_path / "third_party_methods"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    written = iter(range(1, 1000))

    def of(method: str, helper: str) -> str:
        for name, text in (("mine", method), ("helper", helper)):
            (package / f"{name}.py").write_text(text)
            moment = 10**9 * next(written)
            os.utime(package / f"{name}.py", ns=(moment, moment))
        return source_digest(importlib.import_module("third_party_methods.mine").Mine)

    yield of
    for name in [name for name in sys.modules if name.startswith("third_party_methods")]:
        del sys.modules[name]


def test_code_counts_wherever_in_the_package_and_words_do_not(digest: Digest) -> None:
    first = digest(METHOD, HELPER)
    assert digest(METHOD.replace("+ 1", "+ 2"), HELPER) != first
    assert digest(METHOD, HELPER.replace("2 *", "3 *")) != first
    assert digest(METHOD.replace("+ 1", "+  1  # one"), HELPER + "\n\n# end\n") == first
    assert digest(METHOD.replace("Mine.", "My own."), HELPER) == first


def test_imports_do_not_count_but_what_they_bring_from_beside_does(digest: Digest) -> None:
    first = digest(METHOD, HELPER)
    elsewhere = METHOD.replace(".helper import scale", "third_party_methods.helper import scale")
    assert digest(elsewhere, HELPER) == first
    inside = METHOD.replace("        return", "        import math\n        return")
    assert digest(inside, HELPER) == first
    alone = METHOD.replace("scale(x) + 1", "0") + "    def g(self):\n        import math\n"
    passed = METHOD.replace("scale(x) + 1", "0") + "    def g(self):\n        pass\n"
    assert digest(alone, HELPER) == digest(passed, HELPER)
    assert digest(elsewhere, HELPER.replace("2 *", "3 *")) != first


def test_the_digests_of_methods_differ_and_hold() -> None:
    digests = {name: source_digest(methods[name]) for name in ("maml", "anil", "proto-net")}
    assert len(set(digests.values())) == 3
    assert source_digest(methods["maml"]) == digests["maml"]
    conv4: type[Backbone] = backbones["conv4-64"]  # type: ignore[assignment]
    assert source_digest(methods["maml"], conv4) != digests["maml"]

"""Mutants: what is changed in a module, and what is not."""

import json
from pathlib import Path

import pytest

from tests.mutants.coverage_map import CoverageMap
from tests.mutants.mutant import ROOMS, mutants, mutated

ROOT = Path(__file__).parents[2]


def changes(folder: Path, source: str, name: str = "module.py") -> set[str]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source)
    return {f"{one.before} -> {one.after}" for one in mutants(folder, name)}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a < b", {"a < b -> a <= b"}),
        ("a + b", {"a + b -> a - b"}),
        ("a and b", {"a and b -> a or b"}),
        ("not a", {"not a -> a"}),
        ("a if b else c", {"a if b else c -> c if b else a"}),
        ("max(a)", {"max(a) -> min(a)"}),
        ("f(dim=a)", {"dim=a -> (nothing)"}),
        ("a[b:]", {"b: -> :"}),
        ("[a for a in b if c]", {"c -> (nothing)"}),
        ("(0.4, 3, True)", {"0.4 -> 0.5", "3 -> 4", "True -> False"}),
        ("a['key']", {"'key' -> 'XXkey'"}),
        ("a['what is told']", set()),
        ("f'mean: {a}'", set()),
        ("f'{a:.2f}'", {"{a:.2f} -> {a}"}),
    ],
)
def test_an_expression_has_the_mutants_of_its_kind(
    tmp_path: Path, code: str, expected: set[str]
) -> None:
    assert changes(tmp_path, f"x = {code}\n") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return a", {"return a -> return None"}),
        ("a.eval()", {"a.eval() -> pass"}),
        ("raise E('key')", {"raise E('key') -> pass"}),
        ("a += b", {"a += b -> a -= b"}),
        ("if a: b", {"if a: -> if not a:"}),
        ("while a: break", {"while a: -> while not a:", "break -> continue"}),
        ("'''Docstring.'''", set()),
        ("import os", set()),
        ("x: List[3]", set()),
    ],
)
def test_a_statement_has_the_mutants_of_its_kind(
    tmp_path: Path, code: str, expected: set[str]
) -> None:
    assert changes(tmp_path, f"def f(a: 'A', b):\n    {code}\n") == expected


def test_numbers_of_pictures_are_left_alone(tmp_path: Path) -> None:
    assert changes(tmp_path, "SIZE = 12\n", "report/figures/cost.py") == set()
    assert changes(tmp_path, "SIZE = 12\n", "report/table.py") == {"12 -> 13"}


def test_only_tests_that_run_the_line_can_notice(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "N = 1\ndef f(a=2):\n    if a:\n        return 3\n    return 4\n"
    )
    lines = {one.before: one.lines for one in mutants(tmp_path, "m.py")}
    assert lines == {
        "1": (),
        "2": (3, 4, 5),
        "if a:": (3,),
        "3": (4,),
        "4": (5,),
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_mutant_of_a_room_has_a_name_of_its_own_and_can_be_made(room: str) -> None:
    file = sorted((ROOT / "fewshot_bench" / room).glob("[a-z]*.py"))[0]
    found = mutants(ROOT, file.relative_to(ROOT).as_posix())
    assert len({one.key for one in found}) == len(found) > 10
    assert {one.room for one in found} == {room}
    for one in found[:: len(found) // 5]:
        compile(mutated(ROOT, one), str(file), "exec")


def test_tests_that_fail_anyhow_are_told(tmp_path: Path) -> None:
    file = tmp_path / "coverage.jsonl"
    passed = {"a": True, "b": False, "c": False}
    lines = (json.dumps({"test": k, "passed": v, "seconds": 0}) for k, v in passed.items())
    file.write_text("\n".join(lines))
    assert CoverageMap(tmp_path, file).failing(["a", "b", "d"]) == ["b"]


def test_every_module_of_a_room_is_in_one() -> None:
    folders = {
        file.parent for room in ROOMS for file in (ROOT / "fewshot_bench" / room).rglob("*.py")
    }
    assert {folder.relative_to(ROOT / "fewshot_bench").as_posix() for folder in folders} == {*ROOMS}

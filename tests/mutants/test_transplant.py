"""A mutant's code is put into the module in use, and in nothing else."""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.mutants import toy
from tests.mutants.forks import DIED, TIMED_OUT, in_a_copy
from tests.mutants.toy import LIMIT, Box, doubled, lent, within
from tests.mutants.transplant import transplant

SOURCE = Path(str(toy.__file__)).read_text()


def what_lent_gives() -> str:
    with lent() as given:
        return given


@pytest.mark.parametrize(
    ("before", "after", "answer", "expected"),
    [
        ("LIMIT = 3", "LIMIT = 4", lambda: [LIMIT, within(3)], [4, True]),
        ("self.width / 2", "self.width * 2", lambda: Box(6).half, 12),
        ("width: int = 2", "width: int = 4", lambda: Box().width, 4),
        ("cls(1)", "cls(2)", lambda: Box.unit().width, 2),
        ("limit: int = 5", "limit: int = 1", lambda: within(1), False),
        ("value < min", "value <= min", lambda: within(3), True),
        ("value * 2", "value + 5", lambda: doubled(1), 6),
        ('yield "lent"', 'yield "kept"', what_lent_gives, "kept"),
    ],
)
def test_who_imported_it_meets_the_mutant(
    before: str, after: str, answer: Callable[[], object], expected: object
) -> None:
    tree = ast.parse(SOURCE.replace(before, after))

    def mutate() -> object:
        changes = transplant(toy, tree)
        return [changes > 0, answer()]

    untouched = answer()
    doubled.cache_clear()
    assert in_a_copy(mutate, cpu=10, wall=60) == [True, expected]
    doubled.cache_clear()
    assert answer() == untouched != expected


def test_the_same_source_changes_nothing() -> None:
    assert in_a_copy(lambda: transplant(toy, ast.parse(SOURCE)), cpu=10, wall=60) == 0


def endless() -> None:
    while True:
        pass


def test_a_copy_that_hangs_or_dies_is_told_apart() -> None:
    assert in_a_copy(endless, cpu=0, wall=60) == TIMED_OUT
    assert in_a_copy(lambda: os.read(os.pipe()[0], 1), cpu=10, wall=0.2) == TIMED_OUT
    assert in_a_copy(lambda: os._exit(3), cpu=10, wall=60) == DIED
    assert in_a_copy(lambda: 1 / 0, cpu=10, wall=60) == DIED

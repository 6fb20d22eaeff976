"""A module that mutants are made of in the tests of the tool."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LIMIT = 3


@dataclass(frozen=True)
class Box:
    """A value with a default, a property and a method."""

    width: int = 2

    @property
    def half(self) -> float:
        return self.width / 2

    @classmethod
    def unit(cls) -> "Box":
        return cls(1)


def within(value: int, limit: int = 5) -> bool:
    return value < min(limit, LIMIT)


@functools.cache
def doubled(value: int) -> int:
    return value * 2


@contextmanager
def lent() -> Iterator[str]:
    yield "lent"

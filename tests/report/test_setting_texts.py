"""Settings as a person reads them: ranges from their bounds, descriptions with their sources."""

from typing import Literal

import pytest
from pydantic import Field

from fewshot_bench.recipe import Recipe
from fewshot_bench.report.setting_texts import description, field_of, range_text


class Parent(Recipe):
    """A recipe with a field of every kind."""

    rate: float = Field(0.5, gt=0, le=1, description="of learning [its paper]")
    width: int | None = Field(None, ge=2, multiple_of=2)
    kind: Literal["a", "b"] = "a"
    sure: bool = False
    where: tuple[float, ...] = ()
    note: str = ""


class Child(Parent):
    """Overrides defaults, with another source or with other words."""

    rate: float = Field(0.1, gt=0, description="[its code]")
    width: int | None = Field(4, ge=2, description="of the network")
    kind: Literal["b"] = "b"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("rate", "number > 0, ≤ 1"),
        ("width", "integer ≥ 2, a multiple of 2, or `none`"),
        ("kind", "`a`, `b`"),
        ("sure", "`true` or `false`"),
        ("where", "numbers, with commas"),
        ("note", "text"),
        ("train.n_way", "integer ≥ 2, or `none`"),
        ("train.query_balance", "texts, with commas, or `none`"),
    ],
)
def test_ranges_are_read_from_types_and_bounds(key: str, text: str) -> None:
    assert range_text(field_of(Parent, key)) == text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("rate", "of learning [its code]"),
        ("width", "of the network"),
        ("kind", ""),
        ("pretrain.lr", "learning rate at its highest [SIB main_feat.py]"),
        ("pretrain.warmup", "fraction of steps of linear rise"),
    ],
)
def test_a_bare_source_takes_its_words_from_what_it_overrides(key: str, text: str) -> None:
    assert description(Child, key) == text

"""Settings as a person reads them: ranges from their bounds, descriptions with their sources."""

from typing import Any, Literal, Union

import pytest
from annotated_types import Lt
from pydantic import Field
from pydantic.fields import FieldInfo

from fewshot_bench.recipe import PretrainRecipe, Recipe, TrainRecipe
from fewshot_bench.report.setting_texts import (
    description,
    field_of,
    own_names,
    range_text,
    section_names,
    value_text,
    values,
)


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "true"),
        (False, "false"),
        ((), "()"),
        ((0.5, 1.0), "0.5,1"),
        (("a", None, True), "a,none,true"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333"),
        (12345678.0, "1.234568e+07"),
        (12345678, "12345678"),
        (1, "1"),
        ("None", "None"),
    ],
)
def test_a_value_is_written_as_it_is_set(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_names_of_settings() -> None:
    assert own_names(Child) == ["rate", "width", "kind", "sure", "where", "note"]
    assert own_names(Recipe) == []
    assert section_names("train") == [f"train.{name}" for name in TrainRecipe.model_fields]
    assert "pretrain.epochs" in section_names("pretrain")


def test_a_section_is_there_with_its_settings_or_none() -> None:
    own = {"rate": "0.1", "width": "4", "kind": "b", "sure": "false", "where": "()", "note": ""}
    assert values(Child()) == {"pretrain": "none", "train": "none", **own}
    found = values(Child(train=TrainRecipe(steps=7)))
    assert (found["train"], found["train.steps"], found["pretrain"]) == ("default", "7", "none")
    assert {*found} == {*values(Child()), *section_names("train")}


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (Union[int, None], "integer, or `none`"),  # noqa: UP007
        (int | float, "integer or number"),
        (tuple[str, ...], "texts, with commas"),
        (tuple[int, int], "numbers, with commas"),
        (PretrainRecipe, "PretrainRecipe"),
        (list[int], "list"),
    ],
)
def test_a_range_is_read_from_any_type(annotation: Any, text: str) -> None:
    assert range_text(FieldInfo(annotation=annotation)) == text


def test_bounds_of_every_kind() -> None:
    field = FieldInfo.from_annotation(int)
    field.metadata = [Lt(5), "another", *Parent.model_fields["width"].metadata]
    assert range_text(field) == "integer < 5, ≥ 2, a multiple of 2"

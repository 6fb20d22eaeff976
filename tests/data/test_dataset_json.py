"""A ``dataset.json`` that somebody changed: one line that says what to do, and nothing is lost."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fewshot_bench.data import store
from fewshot_bench.data.store import open_dataset, open_stored
from fewshot_bench.errors import UsageError
from tests.data.forging import COUNT, refused


def edit(folder: Path, *path: str | int, value: Any) -> None:
    """Put a value into dataset.json."""
    file = folder / "dataset.json"
    facts = place = json.loads(file.read_text())
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (("format",), [2, "1", None, [1]]),
        (("kind",), ["images", 1, []]),
        (
            ("image_shape",),
            [[2, 2], [2, 2, "3"], [2, 2, -3], [2, 2, 2**70], "223", [4, 1, 3]],
        ),
        (("mean",), [["0.5"] * 3, [0.5] * 2, [float("nan")] * 3, [1e9] * 3, [[0.5]] * 3, 0.5, {}]),
        (("std",), [[0.0] * 3, [float("inf")] * 3, [-1.0] * 3, None, [True] * 3, [0.1] * 3]),
        (("splits",), [{}, [], None, {"test": {}}]),
        (("splits", "val"), [None, [], {"sha256": "x"}]),
        (("splits", "val", "sha256"), ["0" * 64, "x", 5, None, ["0" * 64]]),
        (("splits", "val", "classes"), [[], {}, [["val"]], [["val", COUNT, 1]], "val"]),
        (
            ("splits", "val", "classes", 0),
            [["val", -1], ["val", 99], ["val", 1.5], ["val", 10**30]],
        ),
        (("splits", "val", "classes", 0, 0), [5, None, [], "", "other", {"a": 1}]),
        (("checksum",), ["", 5, None, ["0" * 64], "0" * 64, "../../x"]),
        (("provenance",), [None, [], "x"]),
        (("dim",), [-1, "4"]),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_mistyped_facts_are_one_line(
    path: tuple[str | int, ...], values: list[Any], stored_images: Path
) -> None:
    text = (stored_images / "dataset.json").read_text()
    for value in values:
        edit(stored_images, *path, value=value)
        refused()
        (stored_images / "dataset.json").write_text(text)
        assert len(open_dataset("mine")["val"]) == COUNT, value  # nothing was lost


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "5",
        '"x"',
        "[" * 200_000,
        '{"a":' * 100_000,
        "\x00",
        '{"format": 1e999}',
    ],
    ids=lambda text: text[:9],
)
def test_no_facts_are_one_line(text: str, stored_images: Path) -> None:
    (stored_images / "dataset.json").write_text(text)
    refused()
    assert store.stored_checksum("mine") is None


def test_deep_or_huge_facts_are_one_line(
    stored_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads((stored_images / "dataset.json").read_text())
    deep = json.dumps({**facts, "provenance": "@"}).replace(
        '"@"', '{"a":' * 5000 + "1" + "}" * 5000
    )
    (stored_images / "dataset.json").write_text(deep)
    refused()
    with (stored_images / "dataset.json").open("wb") as file:
        file.truncate(2**40)  # of zeros that take no place
    refused(r"dataset\.json has 1099511627776 bytes, too many")
    assert store.stored_checksum("mine") is None


def test_bytes_and_folders_in_the_place_of_facts_are_one_line(stored_images: Path) -> None:
    (stored_images / "dataset.json").write_bytes(b"\xff\xfe{}")
    refused()
    (stored_images / "dataset.json").unlink()
    (stored_images / "dataset.json").mkdir()
    refused(r"dataset\.json is no plain file")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_is_a_data_set_or_one_line(data: st.DataObject, stored_images: Path) -> None:
    file = stored_images / "dataset.json"
    text = file.read_text()
    facts = json.loads(text)
    facts[data.draw(st.sampled_from(sorted(facts)))] = data.draw(JSON)
    file.write_text(json.dumps(facts))
    with contextlib.suppress(UsageError):
        assert len(open_stored("mine")["val"]) == COUNT
    file.write_text(text)

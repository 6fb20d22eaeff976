"""Episodes on a page: the images that were shown and asked for, and what they were taken for."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.content import ClassImages, Content
from fewshot_bench.data.store import open_dataset, stored_checksum
from fewshot_bench.data.write import write_dataset
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.exchange.gathering import Gathered
from fewshot_bench.report.study_page.pictures import Episode, Shown
from fewshot_bench.runs import refining
from fewshot_bench.runs.gallery import MOST_QUERIES, gallery
from tests.exchange.measurements import measured
from tests.report.study_page.contents import judged

CLASSES, EACH = 6, 20


@pytest.fixture
def checksum(empty_home: Path) -> str:
    """A stored data set whose images are of one brightness each, all different."""

    rows = np.arange(CLASSES * EACH, dtype=np.uint8).reshape(CLASSES, EACH, 1, 1, 1)
    images = np.broadcast_to(rows, (CLASSES, EACH, 4, 4, 1))

    def split(name: str) -> list[ClassImages]:
        return [
            ClassImages(f"{name}{i}", EACH, partial(images.__getitem__, i)) for i in range(CLASSES)
        ]

    splits = {name: split(name) for name in ("train", "val", "test")}
    write_dataset("levels", Content((4, 4, 1), splits, {}))
    found = stored_checksum("levels")
    assert found is not None
    return found


def drawn(checksum: str) -> tuple[list[Episode], str]:
    config = {"dataset": "levels", "data_checksum": checksum, "n_way": 3, "n_query": 8}
    runs = [measured([20, 3, 0, 9], config=config)]
    return gallery(judged(runs), Gathered("sqlite:///x.db", [], runs))


def level(shown: Shown) -> int:
    """Brightness of an image."""
    with Image.open(BytesIO(shown.png)) as image:
        return int(np.asarray(image)[0, 0])


def test_what_is_drawn_are_the_episodes_of_the_stream(checksum: str) -> None:
    episodes, excuse = drawn(checksum)
    assert not excuse
    split = open_dataset("levels")["test"]
    source = EpisodeSource(split, measured(config={"n_way": 3, "n_query": 8}).config.spec)
    assert len(episodes) == 3
    for index, episode in enumerate(episodes):
        found = source.indices(index, 1)
        assert episode.title == f"Episode {index}: 3-way 1-shot on levels"  # no weights are here
        for label, way in enumerate(episode.ways):
            assert way.name == f"test{found.classes[0, label]}"
            shown = [level(each) for each in way.support]
            assert shown == found.support[0][found.support_labels[0] == label].tolist()
            asked = found.query[0][found.query_labels[0] == label].tolist()
            assert [level(each) for each in way.queries] == asked[:MOST_QUERIES]
            assert {each.answered for each in way.queries} == {""}


def test_answers_are_those_of_the_method(checksum: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_class(config: object, indices: Sequence[int], device: object) -> Any:
        step = SimpleNamespace(answers=np.zeros(24, dtype=np.int64))
        return [SimpleNamespace(steps=[step]) for _ in indices]

    monkeypatch.setattr(refining, "refined_episodes", first_class)
    (first, *_), _ = drawn(checksum)
    assert first.title == "Episode 0: 3-way 1-shot on levels, answered by tim: 8 of 24 right"
    assert {q.answered for way in first.ways for q in way.queries} == {first.ways[0].name}


def test_other_images_of_the_name_are_not_drawn(checksum: str) -> None:
    episodes, excuse = drawn("d" * 64)
    assert episodes == []
    assert excuse == "The images of levels are not on the machine that wrote this page."

"""The picture of an episode, whatever its classes are called."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes import lettering, picture
from fewshot_bench.episodes.lettering import drawable
from fewshot_bench.episodes.picture import draw_episode
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from tests.data.names import ODD
from tests.synthetic import make_split


def drawn(path: Path, *names: str) -> np.ndarray:
    """A picture of an episode of these classes, on white images; a warning is an error."""
    n = len(names)
    images = np.full((2 * n, 8, 8, 1), 255, dtype=np.uint8)
    split = ImageSplit(
        dataset="d",
        split="test",
        images=images,
        class_names=names,
        class_counts=np.full(n, 2),
        mean=(0.0,),
        std=(1.0,),
        checksum="x",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_episode(EpisodeSource(split, EpisodeSpec(n, 1, 1), seed=0), 0, path / "e.png")
    return np.asarray(Image.open(path / "e.png").convert("L"))


def test_odd_names_are_drawn(tmp_path: Path) -> None:
    assert (drawn(tmp_path, *ODD) < 128).sum() > 1000


@settings(max_examples=15)
@given(names=st.lists(st.text(max_size=30), min_size=2, max_size=3, unique=True))
def test_any_names_are_drawn(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    drawn(tmp_path_factory.mktemp("t"), *names)


def test_dollars_are_no_mathematics(tmp_path: Path) -> None:
    """Matplotlib would print $aaa$ as an italic aaa without them."""
    plain, dollars = drawn(tmp_path, "aaa", "aab"), drawn(tmp_path, "$aaa$", "$aab$")
    assert (dollars < 128).sum() > (plain < 128).sum() + 40


def test_a_character_without_a_font_is_written_as_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = [("First", frozenset(map(ord, "ab "))), ("None", frozenset()), ("Second", {0x65E5})]
    monkeypatch.setattr(lettering, "_fonts", lambda: iter(fonts))
    assert drawable(["ab 日\n"]) == (["ab 日\n"], ["First", "Second"])
    assert drawable(["a日本"]) == (["a日 U+672C "], ["First", "Second"])
    assert drawable(["a"]) == (["a"], ["First"])


def test_the_fonts_of_matplotlib_are_there() -> None:
    """A script that its first font lacks is drawn by another that it brings."""
    texts, families = drawable(["Fraktur \U0001d504"])
    assert texts == ["Fraktur \U0001d504"]
    assert families[0] == "DejaVu Sans"


def test_images_stand_in_the_columns_of_their_classes_on_white() -> None:
    rows = picture._by_class(np.array([5, 3, 8, 1]), np.array([1, 0, 1, 0]))
    assert rows.tolist() == [[3, 1], [5, 8]]
    split = make_split(2, 5, size=2, noise=0.0)
    tiled = picture._tile(split, rows, 1)
    assert tiled.shape == (8, 8, 1)  # two of 2 pixels with one around, either way
    for column, images in enumerate(rows):
        for row, image in enumerate(images):
            cell = tiled[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            assert (cell[1:3, 1:3] == split.images[image]).all()
            assert (cell[[0, 3]] == 255).all()
            assert (cell[:, [0, 3]] == 255).all()
    stacked, border = picture._stack(tiled, tiled[:3], 2)
    assert border == 8
    assert (stacked[:8] == tiled).all()
    assert (stacked[8:10] == 255).all()
    assert (stacked[10:] == tiled[:3]).all()
    assert stacked.dtype == np.uint8


def test_long_names_are_wrapped_and_cut() -> None:
    assert picture._label("great_white/shark") == "great white\nshark"
    assert picture._label(" ".join("abcdefghij" for _ in range(9))).count("\n") == 3


def test_columns_are_named_after_their_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []

    def figure(**facts: Any) -> Figure:
        figures.append(Figure(**facts))
        return figures[-1]

    monkeypatch.setattr(picture, "Figure", figure)
    source = EpisodeSource(make_split(6, 9, size=16), EpisodeSpec(4, 2, 3), seed=2)
    path = tmp_path / "a" / "folder" / "e.png"
    for _ in range(2):
        draw_episode(source, 5, path)
    (axes,) = figures[0].axes
    names = [f"class{k}" for k in source.indices(5, 1).classes[0]]
    assert [text.get_text() for text in axes.get_xticklabels()] == names
    assert axes.get_xticks().tolist() == [9, 27, 45, 63]  # 16 pixels, and one on either side
    assert [text.get_text() for text in axes.get_yticklabels()] == ["support", "query"]
    assert axes.get_yticks().tolist() == [18, 65]  # of 36 rows, and of the 58 that follow
    shown = axes.images[0].get_array()
    assert shown is not None
    assert shown.shape[:2] == (94, 72)
    assert "4-way 2-shot" in figures[0].get_suptitle()
    assert "train, episode 5 of seed 2" in figures[0].get_suptitle()
    assert Image.open(path).format == "PNG"
    draw_episode(EpisodeSource(source.split, EpisodeSpec(3, 1, 2)), 0, path)
    wider, taller = figures[0].get_size_inches() - figures[2].get_size_inches()
    assert taller == pytest.approx(2 * wider)  # by two rows and one column of square images
    assert wider > 0.3

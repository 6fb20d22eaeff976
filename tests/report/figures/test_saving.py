"""Figures as files."""

from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.accuracies import Accuracy, draw_accuracies
from fewshot_bench.report.figures.saving import chosen_file, save_figure

ROWS = [Accuracy("a_$x$ & <b>\x1b", "inductive", 1, 60.0, 0.5)]


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_has_the_same_bytes(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in ("first", "second")]
    for file, day, size in zip(files, ("0", "86400"), (10, 20), strict=True):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", day)
        with mpl.rc_context({"font.size": size, "axes.facecolor": "black"}):
            save_figure(draw_accuracies(ROWS, "title", "caption"), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert b"Matplotlib" not in first


def test_texts_of_an_svg_are_texts_and_never_markup(tmp_path: Path) -> None:
    save_figure(draw_accuracies(ROWS, "title"), tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text("utf-8")
    assert "a_$x$ &amp; &lt;b&gt;\\x1b" in text
    assert ">title<" in text


def test_a_png_is_twice_as_wide_as_a_readme_and_small(tmp_path: Path) -> None:
    save_figure(draw_accuracies(ROWS, "title"), tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as image:
        assert (image.width, image.mode) == (1660, "P")
    assert (tmp_path / "f.png").stat().st_size < 30_000


def test_a_name_says_the_format() -> None:
    assert chosen_file(None, "cost") == Path("cost.png")
    assert chosen_file(Path("x.SVG"), "cost") == Path("x.SVG")
    for name in ("x.jpg", "x", "png"):
        with pytest.raises(UsageError, match=r"end it in \.png, \.svg, \.pdf"):
            chosen_file(Path(name), "cost")

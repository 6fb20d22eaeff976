"""Figures as files: pixels or lines, the same bytes for the same figure."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from fewshot_bench.errors import UsageError
from fewshot_bench.report.figures.style import house_style
from fewshot_bench.utilities.files import atomic_file

_DPI = 200  # twice the width of a README, for screens of that density
# Nothing of the day or the program: a figure that is committed changes with its numbers alone.
_METADATA: Mapping[str, dict[str, Any]] = {
    ".png": {},  # Pillow writes none
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def chosen_file(output: Path | None, kind: str) -> Path:
    """Return the file that was asked for, else one that is named like the kind.

    Raises:
        UsageError: its name does not say a format that figures have.
    """
    file = output or Path(f"{kind}.png")
    if file.suffix.lower() not in _METADATA:
        raise UsageError(f"'{file}' does not say which format; end it in {', '.join(_METADATA)}")
    return file


def save_figure(figure: Figure, file: Path) -> None:
    """Write a figure in the format of the file's name, whole or not at all.

    Raises:
        UsageError: the name says no format, or the disk refuses.
    """
    suffix = chosen_file(file, "").suffix.lower()
    with house_style(), atomic_file(file) as partial:
        if suffix == ".png":
            _save_pixels(figure, partial)
        else:
            figure.savefig(partial, format=suffix[1:], metadata=_METADATA[suffix])


def _save_pixels(figure: Figure, file: Path) -> None:
    """Write a PNG of 256 colours: a third of the bytes, and no eye tells the difference."""
    pixels = BytesIO()
    figure.savefig(pixels, dpi=_DPI)
    with Image.open(pixels) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(file, format="png", optimize=True)

"""Clean glyphs of the fonts that matplotlib ships."""

from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
)  # obliques add nothing to a random shear
BOX = 64  # side of the canvas a clean glyph is drawn on

_GLYPH = 44  # longer side of the glyph in it


@cache
def characters_of(face: str) -> frozenset[int]:
    """Code points of all characters that a face has."""
    return frozenset(FT2Font(str(_file(face))).get_charmap())


def clean_glyph(face: str, code: int) -> NDArray[np.bool_]:
    """Render a character centred and as large as the box allows, bool ``[BOX, BOX]``."""
    font, canvas = _font(face), Image.new("L", (BOX, BOX))
    left, top, right, bottom = font.getbbox(chr(code))
    width, height = int(right - left), int(bottom - top)
    if not width or not height:
        return np.zeros((BOX, BOX), dtype=bool)
    large = Image.new("L", (width, height))
    ImageDraw.Draw(large).text((-left, -top), chr(code), fill=255, font=font)
    scale = _GLYPH / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = large.resize(size, Image.Resampling.BOX)
    canvas.paste(small, ((BOX - size[0]) // 2, (BOX - size[1]) // 2))
    return np.asarray(canvas) >= 128


@cache
def _font(face: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_file(face)), 2 * BOX, layout_engine=ImageFont.Layout.BASIC)


def _file(face: str) -> Path:
    return Path(get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"

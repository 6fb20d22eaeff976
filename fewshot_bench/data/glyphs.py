"""The built-in data set: characters of many scripts, drawn from fonts that matplotlib ships.

It needs no download, so that everything can be tried and tested at once. Every drawing is a clean
glyph of some face under a random affine and elastic deformation with a random stroke width. All
arithmetic that decides a pixel is elementwise (no BLAS, no transcendental functions), so that the
images of one version of Pillow's FreeType are the same bytes on every machine.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import matplotlib
import numpy as np
import PIL
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt

from fewshot_bench.data.content import ClassImages, Content, Images

VERSION = 1  # raise it whenever a pixel or a class changes
SIZE = 28  # side of a drawing in pixels
DRAWINGS = 20  # of every character

FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
)  # obliques add nothing to a random shear

# Unicode blocks of each script. A script is in one split only.
SCRIPTS: dict[str, dict[str, Sequence[range]]] = {
    "train": {
        "Latin": (range(0x41, 0x2B0), range(0x2C60, 0x2C80), range(0xA722, 0xA78F)),
        "Greek": (range(0x370, 0x400),),
        "Cyrillic": (range(0x400, 0x530),),
        "Canadian": (range(0x1401, 0x1680),),
    },
    "val": {
        "Armenian": (range(0x531, 0x590),),
        "Hebrew": (range(0x5D0, 0x5F0),),
    },
    "test": {
        "Georgian": (range(0x10A0, 0x1100), range(0x2D00, 0x2D30)),
        "Tifinagh": (range(0x2D30, 0x2D80),),
        "NKo": (range(0x7C0, 0x800),),
        "Lao": (range(0xE81, 0xEE0),),
    },
}

_BOX = 64  # side of the canvas a clean glyph is drawn on
_GLYPH = 44  # longer side of the glyph in it
_NEAR = 3  # canvas pixels, about half a stroke
_SAME = 0.995  # two characters look the same if this much of each one's ink is near the other's
_SLANT, _STRETCH, _SHIFT = 0.25, 0.25, 4.0  # ranges of the affine part; the last in canvas pixels
_ELASTIC, _KNOTS = 4.0, 4  # largest displacement of a knot in canvas pixels, knots a side
_STROKE = (-0.8, 1.8)  # change of the half stroke width in canvas pixels
_NOISE = 0.1  # largest change of a pixel, of 1


@dataclass(frozen=True)
class Character:
    """A class to be.

    Attributes:
        name: ``SCRIPT/U+XXXX``.
        code: Unicode code point.
    """

    name: str
    code: int


def glyphs() -> Content:
    """Return the content of the data set; drawings are made when they are read."""
    splits = {
        split: [ClassImages(c.name, DRAWINGS, partial(draw, c.code)) for c in characters]
        for split, characters in distinct_characters().items()
    }
    provenance: dict[str, object] = {
        "source": "drawn by fewshot_bench from the DejaVu fonts that matplotlib ships",
        "version": VERSION,
        "drawn with": f"matplotlib {matplotlib.__version__}, Pillow {PIL.__version__}",
        "split": {split: list(scripts) for split, scripts in SCRIPTS.items()},
        "images": "28x28, ink bright on black; affine and elastic deformation, noise",
        "order": "as drawn",
    }
    return Content((SIZE, SIZE, 1), splits, provenance)


def distinct_characters() -> dict[str, list[Character]]:
    """List the characters of each split, those that look alike once.

    Of a group that looks the same in the reference face (Latin A, Greek Alpha and Cyrillic A;
    also o and O, as drawings fill their box) the first stays, in the order train, val, test.
    """
    candidates = [
        (split, Character(f"{script}/U+{code:04X}", code))
        for split, scripts in SCRIPTS.items()
        for script, blocks in scripts.items()
        for block in blocks
        for code in block
        if _is_letter(code)
    ]
    clean = np.stack([_glyph(FACES[0], c.code) for _, c in candidates])
    keep = _first_of_each_look(clean)
    return {
        split: [c for (s, c), kept in zip(candidates, keep, strict=True) if kept and s == split]
        for split in SCRIPTS
    }


def draw(code: int) -> Images:
    """Draw a character `DRAWINGS` times, uint8 ``[DRAWINGS, SIZE, SIZE, 1]``."""
    random = np.random.Generator(np.random.Philox(key=[VERSION, code]))
    faces = [face for face in FACES if code in _characters_of(face)]
    fields = np.stack([_distance(_glyph(face, code)) for face in faces])
    order = np.argsort(random.random(DRAWINGS))
    y, x = _warp(random)
    distance = _sample(fields, order % len(faces), y, x)
    low, high = _STROKE
    stroke = low + (high - low) * random.random((DRAWINGS, 1, 1))
    ink = np.clip(0.5 + (distance + stroke) * (SIZE / _BOX), 0, 1)  # an edge one pixel wide
    ink = ink + _NOISE * (2 * random.random(ink.shape) - 1)
    return np.rint(255 * np.clip(ink, 0, 1)).astype(np.uint8)[..., None]


def _is_letter(code: int) -> bool:
    """Whether the reference face has this letter, and it is no other letter with an accent."""
    character = chr(code)
    return (
        unicodedata.category(character) in ("Lu", "Ll", "Lo")
        and not unicodedata.decomposition(character)
        and code in _characters_of(FACES[0])
    )


def _first_of_each_look(clean: NDArray[np.bool_]) -> list[bool]:
    """Tell for each glyph ``[n, _BOX, _BOX]`` whether no kept one before it looks the same."""
    ink = clean.reshape(len(clean), -1)
    near = np.stack([distance_transform_edt(~glyph) <= _NEAR for glyph in clean])
    # Products of 0 and 1 are summed exactly, in whatever order.
    covered = ink.astype(np.float32) @ near.reshape(ink.shape).astype(np.float32).T
    inside = covered >= _SAME * ink.sum(1, keepdims=True)
    same = inside & inside.T
    kept = np.zeros(len(clean), dtype=bool)
    for i in range(len(clean)):
        kept[i] = ink[i].any() and not (same[i] & kept).any()
    return kept.tolist()


@cache
def _font(face: str) -> ImageFont.FreeTypeFont:
    path = Path(get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    return ImageFont.truetype(str(path), 2 * _BOX, layout_engine=ImageFont.Layout.BASIC)


@cache
def _characters_of(face: str) -> frozenset[int]:
    path = Path(get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    return frozenset(FT2Font(str(path)).get_charmap())


def _glyph(face: str, code: int) -> NDArray[np.bool_]:
    """Render a character centred and as large as the box allows, bool ``[_BOX, _BOX]``."""
    font, canvas = _font(face), Image.new("L", (_BOX, _BOX))
    left, top, right, bottom = font.getbbox(chr(code))
    width, height = int(right - left), int(bottom - top)
    if not width or not height:
        return np.zeros((_BOX, _BOX), dtype=bool)
    large = Image.new("L", (width, height))
    ImageDraw.Draw(large).text((-left, -top), chr(code), fill=255, font=font)
    scale = _GLYPH / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = large.resize(size, Image.Resampling.BOX)
    canvas.paste(small, ((_BOX - size[0]) // 2, (_BOX - size[1]) // 2))
    return np.asarray(canvas) >= 128


def _distance(glyph: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Signed distance of each pixel to the outline, positive on ink."""
    inside, outside = distance_transform_edt(glyph), distance_transform_edt(~glyph)
    signed: NDArray[np.float64] = inside - outside
    return signed


def _warp(random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in the canvas each pixel of each drawing looks, two ``[DRAWINGS, SIZE, SIZE]``."""

    def uniform(half_range: float, *shape: int) -> NDArray[np.float64]:
        return half_range * (2 * random.random((DRAWINGS, *shape)) - 1)

    step = _BOX / SIZE
    pixels = (np.arange(SIZE) + 0.5) * step - _BOX / 2
    axes = (pixels[:, None], pixels[None, :])
    looks = []
    for own, other in (axes, axes[::-1]):
        stretch, slant = 1 + uniform(_STRETCH, 1, 1), uniform(_SLANT, 1, 1)
        bend = _spline(uniform(_ELASTIC, _KNOTS, _KNOTS))
        place = stretch * own + slant * other + uniform(_SHIFT, 1, 1)
        looks.append(place + bend + (_BOX - 1) / 2)
    return looks[0], looks[1]


def _spline(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate ``[n, _KNOTS, _KNOTS]`` smoothly to ``[n, SIZE, SIZE]``."""
    place = np.arange(SIZE) * ((_KNOTS - 1) / (SIZE - 1))
    away = np.minimum(np.abs(place[:, None] - np.arange(_KNOTS)), 1)
    weight = 1 - away * away * (3 - 2 * away)  # smooth step from knot to knot
    bend = np.zeros((len(knots), SIZE, SIZE))
    for i in range(_KNOTS):
        row = np.zeros((len(knots), 1, SIZE))
        for j in range(_KNOTS):
            row += weight[:, j] * knots[:, i, j, None, None]
        bend += weight[:, i, None] * row
    return bend


def _sample(
    fields: NDArray[np.float64],
    which: NDArray[np.int64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Read ``fields[which]`` between the pixels, bilinear; beyond the canvas its edge goes on."""
    y, x = np.clip(y, 0, _BOX - 1.001), np.clip(x, 0, _BOX - 1.001)
    top, left = y.astype(np.int64), x.astype(np.int64)
    down, right = y - top, x - left
    n = which[:, None, None]
    upper = fields[n, top, left] * (1 - right) + fields[n, top, left + 1] * right
    lower = fields[n, top + 1, left] * (1 - right) + fields[n, top + 1, left + 1] * right
    return upper * (1 - down) + lower * down

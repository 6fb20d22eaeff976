"""Drawings of one character: a random face, bent, between strokes that are not its own.

All arithmetic is elementwise, with operations that IEEE 754 rounds correctly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from fewshot_bench.data.glyph_fonts import BOX

SIZE = 28  # side of a drawing in pixels

# Lengths are in pixels of the canvas, of which a drawing's has 64 / 28.
_SLANT, _STRETCH, _SHIFT = 0.3, 0.25, 5.0  # ranges of the affine part
_ELASTIC, _KNOTS = 5.0, 4  # largest displacement of a knot, knots a side
_STROKE = (-0.8, 1.8)  # change of the half stroke width
_CLUTTER, _REACH, _WIDTH = 4, 24.0, (0.5, 3.0)  # strokes, how far they go, half their width
_ERASED, _ERASER = 2, (2.0, 5.0)  # strokes that rub out, half their width
_PAPER, _GRAIN = 0.3, 7  # brightest background; knots a side of its texture and of the ink's
_INK, _FADE = (0.6, 1.0), 0.5  # brightness of ink, and how much of it may lack
_NOISE = 0.12  # largest change of a pixel, of 1

Field = NDArray[np.floating[Any]]  # of single precision
Glyphs = NDArray[np.bool_]


@dataclass(frozen=True)
class _Pen:
    """Random numbers of `n` drawings."""

    random: np.random.Generator
    n: int

    def uniform(self, low: float, high: float, *shape: int) -> Field:
        """Draw from an interval, ``[n, *shape]``."""
        return low + (high - low) * self.random.random((self.n, *shape), np.float32)

    def either(self, most: float, *shape: int) -> Field:
        """Draw from ``-most .. most``, ``[n, *shape]``."""
        return self.uniform(-most, most, *shape)


def drawings(glyphs: Glyphs, n: int, random: np.random.Generator) -> Field:
    """Draw a character `n` times.

    Args:
        glyphs: clean ones of one or several faces, which take turns, ``[faces, BOX, BOX]``.
        n: number of drawings.
        random: all that is random about them.

    Returns:
        Brightness from 0 to 1, ``[n, SIZE, SIZE]``.
    """
    pen = _Pen(random, n)
    which = np.argsort(random.random(n)) % len(glyphs)
    y, x = _warp(pen)
    own = _sample(_outlines(glyphs), which, y, x) + pen.uniform(*_STROKE, 1, 1)
    ink = _edge(np.maximum(own, _strokes(pen, y, x, _CLUTTER, _WIDTH)))
    ink = ink * (1 - _edge(_strokes(pen, y, x, _ERASED, _ERASER)))
    return np.clip(_printed(pen, ink), 0, 1)


def _printed(pen: _Pen, ink: Field) -> Field:
    """Put ink ``[n, SIZE, SIZE]`` of uneven brightness on paper with a texture and noise."""
    paper = _spline(pen.uniform(0, _PAPER, _GRAIN, _GRAIN))
    colour = pen.uniform(*_INK, 1, 1) * _spline(pen.uniform(1 - _FADE, 1, _GRAIN, _GRAIN))
    return paper + ink * colour + pen.either(_NOISE, SIZE, SIZE)


def _outlines(glyphs: Glyphs) -> Field:
    """Signed distance of each pixel to the outline of its glyph, positive on ink."""
    inside, outside = ([distance_transform_edt(g) for g in each] for each in (glyphs, ~glyphs))
    signed: Field = np.subtract(inside, outside).astype(np.float32)
    return signed


def _edge(distance: Field) -> Field:
    """Ink, from 0 to 1, at a signed distance; an edge is one pixel wide."""
    ink: Field = np.clip(0.5 + distance * (SIZE / BOX), 0, 1)
    return ink


def _strokes(pen: _Pen, y: Field, x: Field, count: int, width: tuple[float, float]) -> Field:
    """Signed distance of places on the canvas to random straight strokes, positive on them."""
    nearest = np.full(y.shape, -BOX, np.float32)
    for _ in range(count):
        top, left = pen.uniform(0, BOX, 1, 1), pen.uniform(0, BOX, 1, 1)
        down, right = pen.either(_REACH, 1, 1), pen.either(_REACH, 1, 1)
        squared = down * down + right * right + 1e-9
        along = np.clip(((y - top) * down + (x - left) * right) / squared, 0, 1)
        dy, dx = y - top - along * down, x - left - along * right
        nearest = np.maximum(nearest, pen.uniform(*width, 1, 1) - np.sqrt(dy * dy + dx * dx))
    return nearest


def _warp(pen: _Pen) -> tuple[Field, Field]:
    """Where on the canvas each pixel of each drawing looks, two ``[n, SIZE, SIZE]``."""
    step = BOX / SIZE
    pixels = ((np.arange(SIZE) + 0.5) * step - BOX / 2).astype(np.float32)
    axes = (pixels[:, None], pixels[None, :])
    looks = []
    for own, other in (axes, axes[::-1]):
        stretch, slant = 1 + pen.either(_STRETCH, 1, 1), pen.either(_SLANT, 1, 1)
        bend = _spline(pen.either(_ELASTIC, _KNOTS, _KNOTS))
        place = stretch * own + slant * other + pen.either(_SHIFT, 1, 1)
        looks.append(place + bend + (BOX - 1) / 2)
    return looks[0], looks[1]


def _spline(knots: Field) -> Field:
    """Interpolate ``[n, K, K]`` smoothly to ``[n, SIZE, SIZE]``."""
    last = knots.shape[1] - 1
    place = np.arange(SIZE) * (last / (SIZE - 1))
    before = np.minimum(place.astype(np.int64), last - 1)
    away = (place - before).astype(np.float32)
    step: Field = away * away * (3 - 2 * away)  # smooth from knot to knot
    across = knots[:, :, before] * (1 - step) + knots[:, :, before + 1] * step
    upper, lower = across[:, before], across[:, before + 1]
    return upper * (1 - step[:, None]) + lower * step[:, None]


def _sample(fields: Field, which: NDArray[np.int64], y: Field, x: Field) -> Field:
    """Read ``fields[which]`` between the pixels, bilinear; beyond the canvas its edge goes on."""
    y, x = np.clip(y, 0, BOX - 1.01), np.clip(x, 0, BOX - 1.01)
    top, left = y.astype(np.int64), x.astype(np.int64)
    down, right = y - top.astype(np.float32), x - left.astype(np.float32)
    n = which[:, None, None]
    upper = fields[n, top, left] * (1 - right) + fields[n, top, left + 1] * right
    lower = fields[n, top + 1, left] * (1 - right) + fields[n, top + 1, left + 1] * right
    return upper * (1 - down) + lower * down

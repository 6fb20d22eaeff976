"""The characters that are classes of `glyphs`: letters, those that look alike once."""

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from fewshot_bench.data.glyph_fonts import FACES, characters_of, clean_glyph
from fewshot_bench.data.glyph_scripts import SCRIPTS

_NEAR = 3  # canvas pixels, about half a stroke
_SAME = 0.99  # two characters look the same if this much of each one's ink is near the other's


@dataclass(frozen=True)
class Character:
    """A class to be.

    Attributes:
        name: ``SCRIPT/U+XXXX``.
        code: Unicode code point.
    """

    name: str
    code: int


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
    clean = np.stack([clean_glyph(FACES[0], c.code) for _, c in candidates])
    keep = _first_of_each_look(clean)
    return {
        split: [c for (s, c), kept in zip(candidates, keep, strict=True) if kept and s == split]
        for split in SCRIPTS
    }


def _is_letter(code: int) -> bool:
    """Whether the reference face has this letter, and it is no other letter with an accent."""
    character = chr(code)
    return (
        unicodedata.category(character) in ("Lu", "Ll", "Lo")
        and not unicodedata.decomposition(character)
        and code in characters_of(FACES[0])
    )


def _first_of_each_look(clean: NDArray[np.bool_]) -> list[bool]:
    """Tell for each glyph ``[n, BOX, BOX]`` whether no kept one before it looks the same."""
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

"""Names of any script in a picture, with whatever fonts a machine has."""

from collections.abc import Iterator, Sequence
from functools import cache
from string import whitespace

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

_FIRST = "DejaVu Sans"  # comes with matplotlib
_REGULAR = ("normal", 400, "normal")  # style, weight and stretch
_PLACEHOLDERS = ("Last Resort", ".Last")  # fonts with a box for every character there is


def drawable(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Find fonts for texts, and write as a word ``U+65E5`` each character that no font has.

    Returns:
        The texts, and families of fonts in the order in which they are to be tried.
    """
    missing = set("".join(texts)) - set(whitespace)
    families = []
    for family, characters in _fonts():
        if found := {c for c in missing if ord(c) in characters}:
            families.append(family)
            missing -= found
        if not missing:
            break
    codes = str.maketrans({c: f" U+{ord(c):04X} " for c in missing})
    return [text.translate(codes) for text in texts], families or [_FIRST]


def _fonts() -> Iterator[tuple[str, frozenset[int]]]:
    """Yield families and the characters of their regular face, matplotlib's own first."""
    regular = {f.name for f in fontManager.ttflist if (f.style, f.weight, f.stretch) == _REGULAR}
    for family in (_FIRST, *sorted(regular - {_FIRST})):
        if not family.startswith(_PLACEHOLDERS):
            yield family, _characters(findfont(FontProperties(family=[family])))


@cache
def _characters(path: str) -> frozenset[int]:
    try:
        font = FT2Font(path)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):  # a font that FreeType cannot read
        return frozenset()

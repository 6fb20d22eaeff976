"""Texts that others wrote, made fit to be shown: no control character reaches a terminal."""

from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from rich.console import Console

# Controls, marks that turn the direction of writing, halves of characters, ends of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # of letters in Persian and Hindi, and of emoji


def printable(text: str) -> str:
    r"""Write a text in one line, each character that is not to be seen as its code: ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(_code(c) if category(c) in _UNSEEN and c not in _JOINERS else c for c in text)


def printable_lines(text: str) -> str:
    """Do as `printable`, but leave the ends of lines, and tabs, as they are."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def _code(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def plain_console(*, stderr: bool = False) -> "Console":
    """Return a terminal on which brackets, colons and numbers are what they are: no markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)

"""Printing on terminals that know fewer signs than are printed."""

import codecs
import io
import sys
from typing import TextIO

_PLAIN = {"±": "+-", "…": "...", "\u00d7": "x", "\u2013": "-", "\u2019": "'"}
_HANDLER = "fewshot-bench.plain"


def plain(text: str) -> str:
    """Write a text in ASCII: signs by what stands for them, all else as escapes."""
    return text.encode("ascii", _HANDLER).decode("ascii")


def print_what_can_be_printed() -> None:
    """Let stdout and stderr spell what their encoding does not know.

    Nothing that is printed then ends a command: neither ± where there is only ASCII, nor names of
    files that are not UTF-8.
    """
    sys.stdout, sys.stderr = _lenient(sys.stdout), _lenient(sys.stderr)


def _lenient(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if codecs.lookup(stream.encoding).name == "ascii":
        return _Ascii(stream)
    stream.reconfigure(errors=_HANDLER)
    return stream


class _Ascii(io.TextIOWrapper):
    """A stream of ASCII that says it knows more, for click would send UTF-8 to it otherwise."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        super().__init__(stream.buffer, "latin-1", line_buffering=True)
        self._stream = stream  # which would close the buffer if it were dropped

    def write(self, text: str) -> int:
        """Write a text, see `plain`."""
        return super().write(plain(text))


def _spelled(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    escaped = (s.encode("ascii", "backslashreplace").decode("ascii") for s in signs)
    return "".join(_PLAIN.get(s, e) for s, e in zip(signs, escaped, strict=True)), error.end


codecs.register_error(_HANDLER, _spelled)

"""Passwords and tokens of tracking stores: known from their addresses, and hidden in every text."""

import base64
import os
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

_SECRET = r"pass|pwd|token|secret|key|auth|connect|credential"
_ASSIGNED = re.compile(rf"(?i)(\w*(?:{_SECRET})\w*[\"']?\s*=\s*)[^\s]+")
_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_PIECE = 5  # characters of a password in a row that are no accident


def redacted(text: str) -> str:
    """Hide user names, passwords, tokens and query parts of every address in `text`.

    What stands before the last ``@`` of an address may hold anything, blanks and ``/`` as well.
    """
    text = re.sub(r"(?s)://.*@", "://***@", text)
    text = re.sub(r"(?i)\b(basic|bearer) [\w+/=.~-]+", r"\1 ***", text)
    text = re.sub(r"(://[^\s?'\"]*)\?[^\s'\"]*", r"\1?***", text)
    return _ASSIGNED.sub(r"\1***", text)


def without_secrets(uri: str) -> str:
    """Write an address with ``***`` for what precedes its host and what follows its path."""
    scheme, _, rest = uri.partition("://")
    _, at, place = rest.rpartition("@")
    path = re.match(r"[^?#;]*", place)
    assert path is not None  # it may be empty
    more = place[path.end() : path.end() + 1]
    return f"{scheme}://{'***@' if at else ''}{path[0]}{more + '***' if more else ''}"


def repeated(text: str, uri: str) -> str:
    """Return what somebody says who knows the secrets of an address; '' if it betrays some."""
    told = redacted(text)
    return "" if any(piece in told for piece in _secrets(uri)) else told


def _secrets(uri: str) -> Iterator[str]:
    """Yield pieces of what nobody may read of an address and of this process's own logins."""
    user, at, place = uri.partition("://")[2].rpartition("@")
    given = [os.environ.get(name, "") for name in _VARIABLES]
    if at:
        name, colon, password = user.partition(":")
        given.append(password if colon else name)
        yield from (base64.b64encode(u.encode("utf-8", "replace")).decode() for u in _ways(user))
    for part in re.split(r"[?&#;]", place):
        key, _, value = part.partition("=")
        given += [value] if re.search(_SECRET, key, re.I) else []
    for secret in {way for text in given for way in _ways(text)} - {""}:
        yield from {secret[i : i + _PIECE] for i in range(max(1, len(secret) - _PIECE + 1))}


def _ways(text: str) -> set[str]:
    """A text as it stands in an address, and as it is meant."""
    return {text, unquote(text), unquote_plus(text)}

"""Figures and episodes on the page, all of them within it."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fewshot_bench.report.webpage import escape

_HEAD = re.compile(r"^.*?(?=<svg)", re.S)  # declaration and type of an SVG file


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        title: what it shows, which is read out where it is not seen.
        svg: the file that was drawn, or '' if it is `png`.
        png: likewise.
    """

    title: str
    svg: str = ""
    png: bytes = b""


@dataclass(frozen=True)
class Shown:
    """An image of an episode: `png`, and what it was taken for ('' if nobody was asked)."""

    png: bytes
    answered: str = ""


@dataclass(frozen=True)
class Way:
    """A class of an episode: its name, its labelled images, and its queries."""

    name: str
    support: Sequence[Shown]
    queries: Sequence[Shown]


@dataclass(frozen=True)
class Episode:
    """An episode, and what is said of it."""

    title: str
    ways: Sequence[Way]


def figure(drawn: Figure, wide: bool = False) -> str:
    """Write a figure with its caption."""
    kind = ' class="wide"' if wide else ""
    if drawn.svg:
        body = _HEAD.sub("", drawn.svg)
        body = body.replace("<svg", f'<svg role="img" aria-label="{escape(drawn.title)}"', 1)
    else:
        body = f'<img alt="{escape(drawn.title)}" src="{_address(drawn.png)}">'
    caption = f"<figcaption>{escape(drawn.title)}</figcaption>"
    return f'<figure{kind}><div tabindex="0" role="region" aria-label="{escape(drawn.title)}">{body}</div>{caption}</figure>'


def episode(drawn: Episode) -> str:
    """Write an episode: a column a class, support above queries."""
    ways = "".join(map(_way, drawn.ways))
    title = escape(drawn.title)
    return (
        f'<div class="episode" tabindex="0" role="region" aria-label="{title}"><p>{title}</p>'
        f'<div class="ways">{ways}</div></div>'
    )


def _way(way: Way) -> str:
    support = "".join(_image(each, way.name, "labelled image") for each in way.support)
    queries = "".join(_image(each, way.name, "query") for each in way.queries)
    return f'<div class="way"><b>{escape(way.name)}</b><div>{support}</div><div>{queries}</div></div>'


def _image(shown: Shown, name: str, part: str) -> str:
    text, kind = f"{part} of {name}", ""
    if shown.answered:
        text += f", taken for {shown.answered}"
        kind = " right" if shown.answered == name else " wrong"
    told = escape(text)
    return f'<span class="shown{kind}" title="{told}"><img alt="{told}" src="{_address(shown.png)}"></span>'


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"

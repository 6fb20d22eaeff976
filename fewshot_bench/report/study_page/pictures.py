"""Figures and episodes on the page, all of them within it."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from fewshot_bench.report.webpage import escape

_HEAD = re.compile(r"^.*?(?=<svg)", re.S)  # declaration and type of an SVG file


_NAME = re.compile(r"""(\bid="|href="#|url\(#)""")  # what a part is called, and how it is used


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


def figure(drawn: Figure, place: int) -> str:
    """Write a figure, whose caption is in it; the first is as wide as the page.

    Args:
        drawn: the figure.
        place: among those of the page, from 0 on; makes the names of its parts its own.
    """
    title, kind = escape(drawn.title), "" if place else ' class="wide"'
    if drawn.svg:
        body = _NAME.sub(rf"\g<1>f{place}-", _HEAD.sub("", drawn.svg))
        body = body.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    else:
        body = f'<img alt="{title}" src="{_address(drawn.png)}">'
    return f'<figure{kind} tabindex="0" role="group" aria-label="{title}">{body}</figure>'


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
    return (
        f'<div class="way"><b>{escape(way.name)}</b><div>{support}</div><div>{queries}</div></div>'
    )


def _image(shown: Shown, name: str, part: str) -> str:
    text, kind = f"{part} of {name}", ""
    if shown.answered:
        text += f", taken for {shown.answered}"
        kind = " right" if shown.answered == name else " wrong"
    told = escape(text)
    image = f'<img alt="{told}" src="{_address(shown.png)}">'
    return f'<span class="shown{kind}" title="{told}">{image}</span>'


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"

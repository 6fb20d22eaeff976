"""How all figures look: readable in grey, by every kind of sight, and the same on every machine."""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from fewshot_bench.episodes.lettering import drawable
from fewshot_bench.utilities.printing import printable

P = ParamSpec("P")

WIDTH = 8.3  # inches: 830 pixels where a README shows it
INK, MUTED, FAINT = "#1f2328", "#59636e", "0.88"
# Okabe and Ito's colours, for every kind of sight; yellow is too pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES: Sequence[Any] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
_MARKS = "osDv^<>pPX"
# Settings are told apart by colour, by shape, and by being filled.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "inductive": {"color": COLOURS[0], "marker": "o", "markersize": 5},
    "transductive": {"color": COLOURS[1], "marker": "D", "markersize": 4.8, "mfc": "white"},
}
_CAPTION_WIDTH = 138  # characters of a line
_OURS = {
    "text.parse_math": False,  # names are data
    "svg.fonttype": "none",  # texts are texts
    "svg.hashsalt": "fewshot_bench",  # the same figure, the same bytes
    "pdf.fonttype": 42,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.edgecolor": "0.7",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.wspace": 0.03,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.8,
    "ytick.labelsize": 8.8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "figure.facecolor": "white",
    "legend.frameon": False,
    "legend.borderpad": 0.2,
    "legend.handletextpad": 0.6,
}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the house's style, whatever the user's own settings are."""

    @wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> Figure:
        with house_style():
            return draw(*arguments, **options)

    return drawn


def house_style() -> Any:
    """Return a context in which figures are drawn and saved."""
    return style.context(["default", _OURS])


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """Make a figure, both sizes in inches, whose parts find their places themselves."""
    return Figure(figsize=(width, height))


def lettered(names: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Make names fit to be drawn in one line each.

    Returns:
        The names, and how their texts are to be made: fonts that have them, and no markup.
    """
    texts, fonts = drawable([printable(name) for name in names])
    return texts, {"fontfamily": fonts, "parse_math": False, "usetex": False}


def explain(figure: Figure, title: str, caption: str, settings: Iterable[str] = ()) -> None:
    """Write the title with the key of the settings below it, and the caption at the bottom."""
    (title, caption), facts = lettered([title, caption])
    lines = textwrap.wrap(caption, _CAPTION_WIDTH)
    below = figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=7.8, **facts)
    below.set(color=MUTED, linespacing=1.35)
    marks = [Line2D([], [], lw=1.3, label=name, **SETTINGS[name]) for name in sorted(settings)]
    legend = figure.legend(
        handles=marks,
        loc="outside upper left",
        ncols=max(1, len(marks)),
        alignment="left",
    )
    legend.set_title(title, FontProperties(size=11, weight="bold", family=facts["fontfamily"]))


def draw_point(
    axes: Axes, setting: str, x: float, y: float, *, yerr: float, xerr: float | None = None
) -> None:
    """Draw a point as its setting looks; of its intervals, which are fainter, the half-widths."""
    look = SETTINGS[setting]
    faint = to_rgba(look["color"], 0.55)
    axes.errorbar(x, y, xerr=xerr, yerr=yerr, elinewidth=0.9, ecolor=faint, **look)


def line_looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Give each of some lines a colour, a dash and a mark, so that no two have all three alike.

    The numbers of colours and of dashes have no common factor: even both together repeat late.
    """
    return {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": _DASHES[i % len(_DASHES)],
            "marker": _MARKS[i % len(_MARKS)],
        }
        for i, name in enumerate(names)
    }


def fix_places(figure: Figure) -> None:
    """Fix the places of all parts, so that what is added moves nothing."""
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")

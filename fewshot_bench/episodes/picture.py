"""A picture of one episode."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fewshot_bench.data.content import Images
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes.lettering import drawable
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.utilities.printing import printable

_CELL = 0.66  # inches an image
_NAME = 12  # characters of a class name in one line


def draw_episode(source: EpisodeSource, index: int, output: Path) -> None:
    """Write a PNG with one column a class, its support images above its queries.

    Args:
        source: the episodes, of images, with equally many queries of each class.
        index: which episode.
        output: file to write.
    """
    spec, split = source.spec, source.split
    if not isinstance(split, ImageSplit):
        raise TypeError("only images can be drawn")
    episode = source.indices(index, 1)
    support = _by_class(episode.support[0], episode.support_labels[0])
    query = _by_class(episode.query[0], episode.query_labels[0])
    gap = max(1, split.images.shape[1] // 16)
    picture, border = _stack(_tile(split, support, gap), _tile(split, query, gap), 4 * gap)
    size = _CELL * spec.n_way + 0.6, _CELL * (spec.n_shot + spec.n_query) + 1.2
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    axes = figure.subplots()
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=7)
    axes.xaxis.tick_top()
    columns = (np.arange(spec.n_way) + 0.5) * picture.shape[1] / spec.n_way
    names, fonts = drawable([split.class_names[split.labels[row[0]]] for row in support])
    labels = list(map(_label, names))
    axes.set_xticks(columns, labels, fontfamily=fonts, parse_math=False, usetex=False)
    middles = [border / 2, (border + picture.shape[0]) / 2]
    axes.set_yticks(middles, ["support", "query"], rotation=90, va="center", fontsize=9)
    figure.suptitle(
        f"{printable(split.dataset)} {split.split}, episode {index} of seed {source.seed}\n"
        f"{spec.n_way}-way {spec.n_shot}-shot",
        fontsize=9,
        parse_math=False,
        usetex=False,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, format="png")


def _by_class(images: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Arrange the images of an episode as ``[n_way, images a class]``."""
    order = np.argsort(labels, kind="stable")
    return images[order].reshape(labels.max() + 1, -1)


def _tile(split: ImageSplit, indices: NDArray[np.int64], gap: int) -> Images:
    """Place images in columns on white, uint8 ``[H, W, C]``."""
    images = split.images[indices.T]
    around = [(0, 0), (0, 0), (gap, gap), (gap, gap), (0, 0)]
    padded = np.pad(images, around, constant_values=255)
    rows, columns, height, width, channels = padded.shape
    return padded.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def _stack(upper: Images, lower: Images, gap: int) -> tuple[Images, int]:
    """Put one picture above the other; also return the row where the first ends."""
    between = np.full((gap, *upper.shape[1:]), 255, dtype=np.uint8)
    return np.concatenate([upper, between, lower]), len(upper)


def _label(name: str) -> str:
    words = name.replace("_", " ").replace("/", " ")
    return "\n".join(textwrap.wrap(words, _NAME)[:4])

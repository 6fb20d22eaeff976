"""Inputs that both sides read: embeddings, images and episodes, as .npy files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.settings import PER_CLASS
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec

VERSION = 2  # of what is written; raise it with every change
N_CLASSES, WIDTH = 20, 640
CLASSES = {"train": 64, "val": 5, "test": N_CLASSES}  # of the images
IMAGE = (32, 32, 3)
N_EPISODES = 10_000  # as many as are written; a side may read fewer
SPREAD = 2.5  # of an image around its class: nearest prototypes are right about two times in three
SPEC = EpisodeSpec(n_way=5, n_shot=1, n_query=15)
TASKS_PER_STEP = 4  # of MAML, as in its release
MAML_PIXELS = (28, 84)


def write_inputs(folder: Path) -> None:
    """Write what is missing: `embeddings`, `images` and episodes, MAML's tasks and weights."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"complete-{VERSION}"
    if done.exists():
        return
    rng = np.random.default_rng(0)
    np.save(folder / "embeddings.npy", _embeddings(rng))
    for split, n_classes in CLASSES.items():
        np.save(folder / f"{split}.npy", _images(rng, n_classes))
    episodes = EpisodeSource(make_split(folder), SPEC).indices(0, N_EPISODES)
    for name in ("support", "support_labels", "query", "query_labels"):
        np.save(folder / f"{name}.npy", getattr(episodes, name))
    for pixels in MAML_PIXELS:
        np.savez(folder / f"maml-{pixels}.npz", **_meta_batch(rng, pixels))  # type: ignore[arg-type]
    done.touch()


def make_split(folder: Path, split: str = "test", per_class: int = PER_CLASS) -> ImageSplit:
    """Return a split of the images: classes as in `CLASSES`, of 600 or fewer."""
    images = np.load(folder / f"{split}.npy", mmap_mode="r")
    if per_class < PER_CLASS:
        images = images.reshape(-1, PER_CLASS, *images.shape[1:])[:, :per_class]
        images = images.reshape(-1, *images.shape[2:])
    return split_of(images, split, CLASSES[split])


def split_of(images: NDArray[np.uint8], split: str, n_classes: int) -> ImageSplit:
    """Return images, sorted by class, as a split of equally large classes."""
    return ImageSplit(
        dataset="bench",
        split=split,
        images=images,
        class_names=tuple(f"class{i}" for i in range(n_classes)),
        class_counts=np.full(n_classes, len(images) // n_classes),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        checksum="bench",
    )


def _images(rng: np.random.Generator, n_classes: int) -> NDArray[np.uint8]:
    """A pattern of each class under so much noise that a network has something to do."""
    patterns = rng.normal(0.5, 0.08, (n_classes, 1, *IMAGE))
    noise = rng.normal(0, 0.2, (n_classes, PER_CLASS, *IMAGE)).astype(np.float32)
    images = (255 * (patterns + noise).clip(0, 1)).astype(np.uint8)
    return images.reshape(-1, *IMAGE)


def _embeddings(rng: np.random.Generator) -> NDArray[np.float32]:
    """Classes as clouds, without negative numbers, as after a ReLU; sorted by class.

    The numbers of an image sum to about 1: its square roots, which easyfsl's PT-MAP does not
    normalise, then have about unit length, as those of ours.
    """
    centres = np.repeat(rng.standard_normal((N_CLASSES, WIDTH)), PER_CLASS, axis=0)
    clouds = centres + SPREAD * rng.standard_normal(centres.shape)
    positive: NDArray[np.float64] = np.maximum(clouds, 0)
    scaled: NDArray[np.float32] = (positive / (WIDTH * positive.mean())).astype(np.float32)
    return scaled


def _meta_batch(rng: np.random.Generator, pixels: int) -> dict[str, NDArray[Any]]:
    """Tasks of one step, and the weights of conv4-64 with a linear head in the order of layers."""
    way, tasks, image = SPEC.n_way, TASKS_PER_STEP, (3, pixels, pixels)
    labels = np.arange(way)
    shapes = [(64, 3 if i == 0 else 64, 3, 3) for i in range(4)]
    weights: list[NDArray[np.float64]] = []
    for shape in shapes:
        weights += [0.06 * rng.standard_normal(shape), np.ones(64), np.zeros(64)]
    width = 64 * (pixels >> 4) ** 2
    weights += [rng.standard_normal((way, width)) / width**0.5, np.zeros(way)]
    return {
        "support": rng.standard_normal((tasks, way, *image)).astype(np.float32),
        "support_labels": np.tile(labels, (tasks, 1)),
        "query": rng.standard_normal((tasks, SPEC.n_queries, *image)).astype(np.float32),
        "query_labels": np.tile(labels.repeat(SPEC.n_query), (tasks, 1)),
        **{f"weight{i}": weight.astype(np.float32) for i, weight in enumerate(weights)},
    }

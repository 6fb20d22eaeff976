"""Inputs that both sides read: embeddings, images and episodes, as .npy files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.settings import PER_CLASS
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episode import EpisodeSource, EpisodeSpec

N_CLASSES, WIDTH = 20, 640
N_EPISODES = 10_000  # as many as are written; a side may read fewer
SPREAD = 2.5  # of an image around its class: nearest prototypes are right about two times in three
SPEC = EpisodeSpec(n_way=5, n_shot=1, n_query=15)
TASKS_PER_STEP = 4  # of MAML, as in its release
MAML_PIXELS = (28, 84)


def write_inputs(folder: Path) -> None:
    """Write what is missing: `embeddings`, `images` and episodes, MAML's tasks and weights."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "complete").exists():
        return
    rng = np.random.default_rng(0)
    np.save(folder / "embeddings.npy", _embeddings(rng))
    np.save(folder / "images.npy", rng.integers(256, size=(12_000, 32, 32, 3), dtype=np.uint8))
    episodes = EpisodeSource(make_split(folder), SPEC).indices(0, N_EPISODES)
    for name in ("support", "support_labels", "query", "query_labels"):
        np.save(folder / f"{name}.npy", getattr(episodes, name))
    for pixels in MAML_PIXELS:
        np.savez(folder / f"maml-{pixels}.npz", **_meta_batch(rng, pixels))  # type: ignore[arg-type]
    (folder / "complete").touch()


def make_split(folder: Path) -> ImageSplit:
    """Return the images as a test split of 20 classes of 600."""
    return ImageSplit(
        dataset="bench",
        split="test",
        images=np.load(folder / "images.npy", mmap_mode="r"),
        class_names=tuple(f"class{i}" for i in range(N_CLASSES)),
        class_counts=np.full(N_CLASSES, PER_CLASS),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        checksum="bench",
    )


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

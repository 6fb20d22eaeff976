"""Images, embeddings and tasks that are drawn in seconds; they are told apart with some effort."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from bench.inputs import SPEC, TASKS_PER_STEP
from fewshot_bench.backbones.base import to_channels_last
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe

WIDTH = 640


@cache
def image_split(split: str, n_classes: int, per_class: int, pixels: int = 32) -> ImageSplit:
    """A pattern of each class, mixed with noise."""
    rng = np.random.default_rng(len(split))
    shape = (pixels, pixels, 3)
    patterns = rng.integers(0, 256, (n_classes, 1, *shape), np.uint8) // 4
    noise = rng.integers(0, 192, (n_classes, per_class, *shape), np.uint8)
    return ImageSplit(
        dataset="bench",
        split=split,
        images=(patterns + noise).reshape(-1, *shape),
        class_names=tuple(f"{split}{i}" for i in range(n_classes)),
        class_counts=np.full(n_classes, per_class),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        checksum="bench",
    )


@cache
def embedding_split(n_classes: int, per_class: int, dim: int = WIDTH) -> GivenSplit:
    """Clouds of non-negative numbers, as after a ReLU."""
    rng = np.random.default_rng(0)
    labels = np.arange(n_classes).repeat(per_class)
    clouds = rng.standard_normal((n_classes, dim), np.float32)[labels]
    clouds += 2.5 * rng.standard_normal(clouds.shape, np.float32)
    return GivenSplit.of(np.maximum(clouds, 0), labels)


def tasks(n_tasks: int, n_query: int = 5, pixels: int = 16) -> tuple[Episode, Tensor]:
    """A batch of 5-way 1-shot image tasks in float64 on the CPU, and the query labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(5).repeat(1 + n_query).expand(n_tasks, -1)
    shape = (n_tasks, 5, 3, pixels, pixels)
    patterns = torch.randn(shape, generator=generator, dtype=torch.float64)
    images = patterns[torch.arange(n_tasks)[:, None], labels]
    images = images + 0.5 * torch.randn(images.shape, generator=generator, dtype=torch.float64)
    classes = torch.arange(5).expand(n_tasks, 5)
    episode = Episode(images[:, :5], labels[:, :5], images[:, 5:], 5, classes=classes)
    return episode, labels[:, 5:]


def on_images(name: str) -> Method:
    """An untrained method on a narrow Conv-4 for images of 16 pixels, float64 on the CPU."""
    torch.manual_seed(0)
    backbone = Conv4((3, 16, 16), (8, 8, 8))
    to_channels_last(backbone)
    cls = methods[name]
    method = cls(backbone, build_recipe(cls.recipe_type, n_shot=1), 5).double().eval()
    if method.uses_base:
        images = torch.randn(40, 3, 16, 16, dtype=torch.float64)
        with torch.no_grad():
            method.see_base(method.embed(images), torch.arange(8).repeat(5))
    return method


def on_embeddings(name: str, split: GivenSplit, device: torch.device, *settings: str) -> Method:
    """An untrained method on embeddings, in evaluation mode on a device."""
    torch.manual_seed(0)
    cls = methods[name]
    recipe = build_recipe(cls.recipe_type, n_shot=SPEC.n_shot, settings=settings)
    method = cls(Precomputed(split.dim), recipe, SPEC.n_way).to(device)
    if method.uses_base:
        labels = torch.from_numpy(split.labels).to(device)
        method.see_base(split.tensor(slice(None), device), labels)
    return method.eval()


def heads() -> list[str]:
    """Methods that answer from embeddings alone."""
    return [n for n in methods if not (methods[n].adapts_backbone or methods[n].needs_maps)]


def meta_batch(pixels: int, device: torch.device, n_tasks: int = TASKS_PER_STEP) -> Episode:
    """Tasks of a step of MAML, images of noise."""
    images = torch.randn(n_tasks, 5 * (1 + SPEC.n_query), 3, pixels, pixels, device=device)
    labels = torch.arange(5, device=device).expand(n_tasks, 5)
    return Episode(images[:, :5], labels, images[:, 5:], 5)

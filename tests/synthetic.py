"""Made up for tests: images whose classes can, or cannot, be told apart; methods; results."""

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor

from fewshot_bench.backbones.base import Backbone, to_channels_last
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.data.dataset import Dataset, ImageSplit
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.results import Result

N_BASE = 8  # classes of the train split


def make_split(
    n_classes: int = N_BASE,
    per_class: int | list[int] = 30,
    split: str = "train",
    size: int = 16,
    noise: float = 0.3,
    seed: int = 0,
    channels: int = 1,
    dataset: str = "synthetic",
) -> ImageSplit:
    """Images = a random pattern of the class plus noise."""
    rng = np.random.default_rng([seed, len(split)])
    counts = np.broadcast_to(per_class, n_classes).astype(np.int64)
    patterns = np.repeat(rng.random((n_classes, size, size, channels)), counts, axis=0)
    images = patterns + noise * rng.standard_normal(patterns.shape)
    return ImageSplit(
        dataset=dataset,
        split=split,
        images=(255 * images.clip(0, 1)).astype(np.uint8),
        class_names=tuple(f"class{i}" for i in range(n_classes)),
        class_counts=counts,
        mean=(0.5,) * channels,
        std=(0.3,) * channels,
        checksum=f"{split}-{seed}",
    )


def make_dataset(
    seed: int = 0, name: str = "synthetic", size: int = 16, channels: int = 1
) -> Dataset:
    facts: dict[str, Any] = {"size": size, "channels": channels, "seed": seed, "dataset": name}
    splits = {split: make_split(split=split, **facts) for split in ("train", "val", "test")}
    return Dataset(name, splits, f"{name}-{seed}", {})


def make_method(name: str, n_shot: int = 1, n_way: int = 5, size: int = 16) -> Method:
    """An untrained method on a narrow and short Conv-4 (maps of 2x2), float64."""
    torch.manual_seed(0)
    backbone: Backbone = Conv4((1, size, size), (8, 8, 8))
    to_channels_last(backbone)
    cls = methods[name]
    method = cls(backbone, build_recipe(cls.recipe_type, n_shot=n_shot), n_way).double().eval()
    if method.uses_base:
        labels = torch.arange(N_BASE).repeat(5)
        images = torch.randn(N_BASE, 1, size, size, dtype=torch.float64)[labels]
        with torch.no_grad():
            base = method.embed(images + 0.2 * torch.randn_like(images))
        method.see_base(base, labels)
    return method


def make_tasks(
    n_tasks: int, n_shot: int, separable: bool, n_query: int = 6, n_way: int = 5, seed: int = 0
) -> tuple[Episode, Tensor]:
    """A batch of image tasks, float64, with the query labels apart; queries are shuffled."""
    generator = torch.Generator().manual_seed(seed)
    n = n_way * (n_shot + n_query)
    labels = torch.arange(n_way).repeat(n_shot + n_query).expand(n_tasks, n)
    patterns = torch.randn(n_tasks, n_way, 1, 16, 16, generator=generator, dtype=torch.float64)
    images = 0.2 * torch.randn(n_tasks, n, 1, 16, 16, generator=generator, dtype=torch.float64)
    if separable:
        images = images + patterns[torch.arange(n_tasks)[:, None], labels]
    cut = n_way * n_shot
    order = torch.randperm(n - cut, generator=generator) + cut
    episode = Episode(images[:, :cut], labels[:, :cut], images[:, order], n_way)
    return episode, labels[:, order]


# Of a few episodes, each with 75 queries.
accuracies = st.lists(st.integers(0, 75).map(lambda k: k / 75), min_size=2, max_size=50)


def make_result(values: list[float], digest: str = "same") -> Result:
    """A result with these accuracies; with equal digests they are of the same episodes."""
    return Result(
        accuracies=tuple(values),
        setting="inductive",
        seconds=1.0,
        episode_seconds=0.5,
        peak_memory_mb=1.0,
        episode_digest=digest,
        data_checksum="x",
        device="cpu",
        versions={},
    )

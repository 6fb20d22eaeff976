"""Time an epoch of pretraining conv4-64: by the harness, or in a plain eager loop.

Usage: python -m bench.ours.pretraining FOLDER harness|plain IMAGES
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bench.inputs import CLASSES, make_split
from bench.line import print_measured
from fewshot_bench.data.augment import augment
from fewshot_bench.data.dataset import Dataset, ImageSplit
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.pretraining import build_backbone, pretrain, pretraining
from fewshot_bench.utilities.memory import keep_freed_memory

RECIPE = PretrainRecipe(epochs=1, val_episodes=1)


def harness(train: ImageSplit, val: ImageSplit) -> None:
    """Pretrain as `fsbench run` does: validation and checkpoint included."""
    keep_freed_memory()
    dataset = Dataset("bench", {"train": train, "val": val}, "bench", {})
    backbone = build_backbone("conv4-64", train, torch.device("cpu"))
    pretrain(pretraining(dataset, "conv4-64", RECIPE, 0), backbone, dataset, torch.device("cpu"))


def plain(train: ImageSplit, _: ImageSplit) -> None:
    """Train a network as tutorials write it; the batches are augmented as ours, all at once."""
    network, n_batch = conv4(len(train.class_names)), RECIPE.batch_size
    optimizer = torch.optim.SGD(network.parameters(), RECIPE.lr, RECIPE.momentum, nesterov=True)
    labels = torch.from_numpy(train.labels)
    order = np.random.default_rng(0).permutation(len(labels))
    for start in range(0, len(order) - n_batch + 1, n_batch):
        chosen = order[start : start + n_batch]
        images = train.normalise(augment(train.pixels(chosen).contiguous(), RECIPE.augment))
        loss = F.cross_entropy(network(images.contiguous()), labels[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def conv4(n_classes: int) -> nn.Sequential:
    """Return conv4-64 for images of 32 pixels, with a linear head."""
    layers: list[nn.Module] = []
    for before in (3, 64, 64, 64):
        layers += [nn.Conv2d(before, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, n_classes))


def flops(image: int = 32, channels: int = 64, kernel: int = 9) -> float:
    """Operations of conv4-64 for an image, forward and backward; a multiply-add counts as two.

    The backward pass is twice the forward one, but that images need no gradient.
    """
    forward = [
        2 * kernel * before * channels * (image >> i) ** 2
        for i, before in enumerate((3, channels, channels, channels))
    ]
    return 3 * sum(forward) - forward[0]


def main(folder: Path, how: str, n_images: int) -> None:
    """Time an epoch on as many images of each class."""
    train = make_split(folder, "train", n_images // CLASSES["train"])
    val = make_split(folder, "val", 16)
    with tempfile.TemporaryDirectory() as home:
        os.environ["FSBENCH_HOME"] = home
        began = time.perf_counter()
        (harness if how == "harness" else plain)(train, val)
        rate = len(train.images) / (time.perf_counter() - began)
    print_measured(rate, **{f"GFLOP/s, {how}": rate * flops() / 1e9})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

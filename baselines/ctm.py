"""CTM: a mask of the channels that matter for a task, from all its classes at once."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, init_convolutions
from fewshot_bench.errors import UsageError
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import distances, one_hot, prototypes
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe, TrainRecipe


class CTMRecipe(Recipe):
    """Settings of Li et al. 2019; files are those of Clarifai/few-shot-ctm."""

    channels: int = Field(
        128,
        ge=4,
        multiple_of=4,
        description="of mask and features; 40 in 20way_1shot.yaml (dnet_out_c), which is too few "
        "for maps of 2x2 (on CIFAR-FS val)",
    )
    depth: int = Field(4, ge=1, description="bottlenecks of each network [model.py, shallow]")
    scale: float | None = Field(
        1.0,
        gt=0,
        description="initial value of a learned scale of distances times `channels`, by which the "
        "mask makes them smaller; none: distances as they are, summed over the shots, as in the "
        "release",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # release: none for the shallow encoder
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        backbone_lr=0.1,  # it is pretrained; release: 1, from random weights
        steps=3000,
        tasks_per_step=2,  # release: 1
        n_query=8,  # [20way_1shot.yaml]
        optimizer="adam",
        lr=3e-3,  # release: 1e-3 [config.py], for a schedule 28 times as long
        weight_decay=1e-5,  # release: 5e-4 [config.py]
        schedule="one-cycle",  # release: halved at 1/2, 3/4 and 7/8 of the epochs
        warmup=0.05,
        augment="natural",  # paper: none
        val_every=500,
    )

    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "backbone": "conv4-relation",  # [20way_1shot.yaml: shallow]
            "channels": 40,
            "scale": None,
            "pretrain": None,
            "train.backbone_lr": 1.0,
            "train.augment": "none",
            "train.steps": 85_200,  # 400 epochs of 213 [20way_1shot.yaml, mini_imagenet.py]
            "train.tasks_per_step": 1,
            "train.val_every": 1000,
            "train.lr": 1e-3,
            "train.weight_decay": 5e-4,
            "train.clip_norm": 0.5,  # [main.py]
            "train.schedule": "step",
            "train.warmup": 0.0,
            "train.milestones": (200 / 400, 300 / 400, 350 / 400),  # [20way_1shot.yaml]
            "train.gamma": 0.5,
        },
        "paper@tiered-imagenet": {  # [configs/demo/tier/5way_1shot_1.yaml]
            "train.steps": 616_880,  # 110 epochs of 448,695 images, 80 an episode
            "train.n_query": 15,
            "train.milestones": (55 / 110, 75 / 110),
        },
    }
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "tiered-imagenet")


class Bottleneck(nn.Module):
    """Residual block of convolutions 1x1, 3x3 and 1x1, the inner two a quarter as wide.

    Its last batch norm multiplies by zero at first (not so in the release), so that the mask of
    an untrained network is nearly even.

    Args:
        before, after: channels of the input and of the output.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        inner = after // 4
        self.residual = nn.Sequential(
            *_convolution(before, inner, 1),
            nn.ReLU(),
            *_convolution(inner, inner, 3),
            nn.ReLU(),
            *_convolution(inner, after, 1),
        )
        same = before == after
        self.shortcut = nn.Sequential(*([] if same else _convolution(before, after, 1)))
        nn.init.zeros_(self.residual[-1].weight)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        """Map ``[N, before, H, W]`` to ``[N, after, H, W]``."""
        return F.relu(self.residual(maps) + self.shortcut(maps))


@methods.register("ctm", "category-traversal")
class CTM(Method):
    """Compare maps under a mask of channels, which a network infers from all classes of the task.

    The concentrator makes a map of each class, the mean of its images'; the projector turns the
    maps of all classes, one behind the other, into a softmax over channels, the mask; the reshaper
    gives support and queries the mask's shape. Scores are negative Euclidean distances to the
    support images of a class. The projector's weights belong to positions of the label; training
    gives labels to classes at random.

    Written from the paper: the mask multiplies entry by entry, where the release (``model.py``),
    which does not run, has matrix products of maps. Also departs from the release in that episodes
    of the training have the ways of the test, not 20, and, unless `scale` is none, in that scores
    are scaled and averaged, not summed, over the shots. The backbone is trained too, as in the
    release, by default from pretrained weights: kept as it is, it overfits from a third of the
    steps on.
    """

    setting = "inductive"
    label_symmetric = False
    needs_maps = True
    at_once = AtOnce(tasks=64)
    paper = Paper(
        "Finding Task-Relevant Features for Few-Shot Learning by Category Traversal",
        "Li et al.",
        "CVPR",
        2019,
        "https://arxiv.org/abs/1905.11116",
    )
    recipe: CTMRecipe

    def __init__(self, backbone: Backbone, recipe: CTMRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        before, height, width = self.map_shape
        if height * width == 1 and recipe.train is not None and recipe.train.tasks_per_step == 1:
            raise UsageError(
                "batch norm of ctm needs more than one value: on maps of 1x1 use "
                "--set train.tasks_per_step=2 or more"
            )
        self.concentrator = self._stack(before)
        self.projector = self._stack(n_way * recipe.channels)
        self.reshaper = self._stack(before)
        init_convolutions(self.concentrator)
        init_convolutions(self.projector)
        init_convolutions(self.reshaper)
        if recipe.scale is not None:
            self.scale = nn.Parameter(torch.tensor(recipe.scale))

    def _stack(self, before: int) -> nn.Sequential:
        widths = [before, *[self.recipe.channels] * self.recipe.depth]
        return nn.Sequential(*map(Bottleneck, widths[:-1], widths[1:]))

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Mask both sets, compare queries with each support image; see `Method.classify`."""
        self.require_way(n_way)
        mask = self.mask(support, support_labels)
        images = torch.cat([support, query], dim=1)
        masked = (mask[:, None] * self._map(self.reshaper, images)).flatten(2)
        n_support = support.shape[1]
        apart = distances(masked[:, :n_support], masked[:, n_support:])
        if self.recipe.scale is None:
            return -apart.transpose(1, 2) @ one_hot(support_labels, n_way, apart)
        scores = -prototypes(apart, support_labels, n_way).transpose(1, 2)
        return self.scale * self.recipe.channels * scores

    def mask(self, support: Tensor, support_labels: Tensor) -> Tensor:
        """Weights of the channels at each place, ``[T, channels, H, W]``, that sum to 1."""
        concentrated = self._map(self.concentrator, support)
        of_class = prototypes(concentrated.flatten(2), support_labels, self.n_way)
        side_by_side = of_class.reshape(len(support), -1, *concentrated.shape[3:])
        mask: Tensor = self.projector(side_by_side).softmax(1)
        return mask

    def _map(self, network: nn.Module, embeddings: Tensor) -> Tensor:
        """Run a network on the maps of ``[T, N, D]``; returns ``[T, N, channels, H, W]``."""
        maps = self.maps(embeddings)
        outputs: Tensor = network(maps.flatten(0, 1)).unflatten(0, maps.shape[:2])
        return outputs


def _convolution(before: int, after: int, size: int) -> tuple[nn.Module, nn.Module]:
    """Convolution that keeps the size of the map, and batch norm."""
    return nn.Conv2d(before, after, size, padding=size // 2, bias=False), nn.BatchNorm2d(after)

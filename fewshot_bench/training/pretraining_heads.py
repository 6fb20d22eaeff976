"""What a backbone is pretrained with: a classifier of the train classes, and of rotations."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import PretrainRecipe

N_ROTATIONS = 4  # by 0, 90, 180 and 270 degrees


class CosineClassifier(nn.Module):
    """Logits = scale · cos(feature, weight of the class) (SIB ``networks.py``; Gidaris 2018).

    Args:
        dim: length of the features.
        n_classes: number of classes.
        scale: initial value of the learned scale.
    """

    def __init__(self, dim: int, n_classes: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_classes, dim) * (2.0 / dim) ** 0.5)
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, features: Tensor) -> Tensor:
        """Map features ``[N, D]`` to logits ``[N, n_classes]``."""
        cosines = F.normalize(features, dim=1) @ F.normalize(self.weight, dim=1).T
        return self.scale * cosines


class PretrainingNet(nn.Module):
    """A backbone and what its pretraining recipe hangs on it.

    The rotation branch is a convolution block on the feature map, pooled, and a cosine classifier
    (BF3S ``architectures``: a whole residual group for WRN-28-10, convolutions for Conv-4).

    Args:
        backbone: to be trained.
        n_classes: of the train split.
        recipe: of the pretraining.

    Raises:
        UsageError: rotations are asked of a backbone without maps or of images not square.
    """

    def __init__(self, backbone: Backbone, n_classes: int, recipe: PretrainRecipe) -> None:
        super().__init__()
        self.backbone, self.recipe = backbone, recipe
        self.classifier: nn.Module = (
            CosineClassifier(backbone.out_dim, n_classes, recipe.head_scale)
            if recipe.head == "cosine"
            else nn.Linear(backbone.out_dim, n_classes)
        )
        if recipe.rotation:
            self.rotation = _rotation_branch(backbone, recipe.head_scale)

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of images ``[N, C, H, W]``, with that of their rotations if asked for."""
        smoothing = self.recipe.label_smoothing
        if not self.recipe.rotation:
            logits = self.classifier(self.backbone(images))
            return F.cross_entropy(logits, labels, label_smoothing=smoothing)
        maps = self.backbone.feature_map(all_rotations(images))
        turns = torch.arange(N_ROTATIONS, device=labels.device).repeat_interleave(len(labels))
        classed = labels.repeat(N_ROTATIONS) if self.recipe.rotation_classes else labels
        logits = self.classifier(self.backbone.features_of(maps[: len(classed)]))
        loss = F.cross_entropy(logits, classed, label_smoothing=smoothing)
        return loss + self.recipe.rotation * F.cross_entropy(self.rotation(maps), turns)


def all_rotations(images: Tensor) -> Tensor:
    """Stack square images ``[N, C, H, W]`` turned by 0, 90, 180 and 270 degrees: ``[4N, ...]``."""
    return torch.cat([torch.rot90(images, k, (2, 3)) for k in range(N_ROTATIONS)])


def _rotation_branch(backbone: Backbone, scale: float) -> nn.Sequential:
    _, height, width = backbone.in_shape
    if backbone.map_shape is None or height != width:
        raise UsageError(
            "learning from rotations needs a backbone with feature maps and square images; "
            "set pretrain.rotation=0"
        )
    channels = backbone.map_shape[0]
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        CosineClassifier(channels, N_ROTATIONS, scale),
    )

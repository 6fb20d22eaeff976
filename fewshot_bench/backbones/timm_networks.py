"""Networks of the timm library (PyTorch Image Models) with their pretrained weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import stable_hash
from fewshot_bench.utilities.optional import import_extra


class TimmBackbone(Backbone):
    """A network of timm without its classifier, fed images of the size it was trained with.

    Features are what timm calls the embedding: what the network's own head pools from its last
    map or tokens. A network whose ``forward_features`` gives ``[N, C, H, W]`` has feature maps.

    Args:
        network: made with ``num_classes=0``; its ``pretrained_cfg`` says what images it takes.
        in_shape: ``(C, H, W)`` of the images; a grey image is given to all three channels.
    """

    pooled = True
    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, in_shape: tuple[int, int, int]) -> None:
        super().__init__()
        if in_shape[0] not in (1, 3):
            raise UsageError(
                f"networks of timm take grey or RGB images, not {in_shape[0]} channels"
            )
        trained_with: Any = network.pretrained_cfg
        self.network: Any = network
        self.in_shape, self.trained_with = in_shape, trained_with
        self.input_size: tuple[int, ...] = tuple(trained_with["input_size"][1:])
        self.register_buffer("scale", torch.ones(3, 1, 1), persistent=False)
        self.register_buffer("shift", torch.zeros(3, 1, 1), persistent=False)
        self.map_shape, self._out_dim = self._try()

    @torch.no_grad()
    def _try(self) -> tuple[tuple[int, int, int] | None, int]:
        """Return the shape of the map, if there is one, and the length of the features."""
        training = self.network.training
        self.network.eval()
        output = self.network.forward_features(self._prepared(torch.zeros(1, *self.in_shape)))
        out_dim: int = self.network.forward_head(output).shape[1]
        self.network.train(training)
        is_map = output.dim() == 4 and output.shape[1] == self.network.num_features
        return (output.shape[1], output.shape[2], output.shape[3]) if is_map else None, out_dim

    @property
    def out_dim(self) -> int:
        """Length D of the features."""
        return self._out_dim

    def set_normalisation(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Say how the images were normalised; they will be normalised as the network wants it.

        Without this call they are taken to be normalised so already.

        Args:
            mean: of each channel of the images, of pixels in [0, 1].
            std: likewise.
        """
        theirs = torch.tensor([self.trained_with["mean"], self.trained_with["std"]])
        ours = torch.tensor([mean, std])
        self.scale = (ours[1] / theirs[1]).view(3, 1, 1).to(self.scale)
        self.shift = ((ours[0] - theirs[0]) / theirs[1]).view(3, 1, 1).to(self.shift)
        facts = {"weights": self.weights_key, "mean": list(mean), "std": list(std)}
        self.weights_key = stable_hash(facts)

    def _prepared(self, images: Tensor) -> Tensor:
        images = images * self.scale + self.shift
        if tuple(images.shape[2:]) == self.input_size:
            return images
        return F.interpolate(images, self.input_size, mode="bicubic", antialias=True)

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the last feature map, ``[N, *map_shape]``."""
        if self.map_shape is None:
            return super().feature_map(images)
        maps: Tensor = self.network.forward_features(self._prepared(images))
        return maps

    def features_of(self, maps: Tensor) -> Tensor:
        """Let the head of the network pool maps ``[N, *map_shape]`` to features ``[N, D]``."""
        features: Tensor = self.network.forward_head(maps)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Return features ``[N, D]``."""
        features: Tensor = self.network(self._prepared(images))
        return features


@dataclass(frozen=True)
class TimmFactory:
    """Makes the backbone of one name of timm, with the weights of its authors.

    Attributes:
        name: as timm spells it; without a tag (``resnet50.a1_in1k``) timm's choice of weights.
    """

    name: str
    pretrained: ClassVar[bool] = True

    def __call__(self, in_shape: tuple[int, int, int]) -> Backbone:
        """Load the network, downloading its weights if they are not cached.

        Raises:
            UsageError: the weights cannot be had.
        """
        timm = _import_timm()
        try:
            network = timm.create_model(self.name, pretrained=True, num_classes=0)
        except OSError as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(
                f"the weights of timm:{self.name} are neither cached nor downloadable ({reason})"
            ) from None
        backbone = TimmBackbone(network, in_shape)
        tag = network.pretrained_cfg["tag"]
        facts = {"timm": self.name, "tag": tag, "version": timm.__version__}
        backbone.weights_key = stable_hash(facts)
        return backbone

    def bare(self, in_shape: tuple[int, int, int]) -> Backbone:
        """Make the network with weights that are drawn, for others to be loaded."""
        network = _import_timm().create_model(self.name, pretrained=False, num_classes=0)
        return TimmBackbone(network, in_shape)


@backbones.family("timm")
def timm_network(name: str) -> TimmFactory:
    """Any network of timm with pretrained weights (pip install 'fewshot-bench[timm]').

    Raises:
        UsageError: timm is not installed, or has no pretrained network of this name.
    """
    tagged = _import_timm().list_models(pretrained=True)
    known = {*tagged, *(full.partition(".")[0] for full in tagged)}
    if name not in known:
        raise UsageError(f"timm has no pretrained network '{name}'; {_hint(name, sorted(known))}")
    return TimmFactory(name)


def _hint(name: str, known: Sequence[str]) -> str:
    """Name the nearest; all of them are too many for a message."""
    nearest = get_close_matches(name, known, n=1)
    if nearest:
        return f"did you mean 'timm:{nearest[0]}'?"
    return "timm.list_models(pretrained=True) names them all, as resnet50"


def _import_timm() -> ModuleType:
    return import_extra("timm", "networks of timm")

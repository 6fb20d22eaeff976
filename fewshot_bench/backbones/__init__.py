"""Networks that map images to features; importing this package registers the built-in ones."""

from fewshot_bench.backbones import conv4 as conv4
from fewshot_bench.backbones import resnet12 as resnet12
from fewshot_bench.backbones import resnet18 as resnet18
from fewshot_bench.backbones import timm_networks as timm_networks
from fewshot_bench.backbones import wide_resnet as wide_resnet
from fewshot_bench.backbones.base import Backbone

__all__ = ["Backbone"]

"""Networks that map images to features; importing this package registers the built-in ones."""

from fewshot_bench.backbones import conv4 as conv4
from fewshot_bench.backbones.base import Backbone

__all__ = ["Backbone"]

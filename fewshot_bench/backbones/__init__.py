"""Networks that map images to features, one family a file."""

import sys

from fewshot_bench.registry import RegistryPackage

REGISTRY = "fewshot_bench.backbones.base", "backbones"
sys.modules[__name__].__class__ = RegistryPackage

"""The harness's own methods: SIB and what builds on it; one file, one name."""

import sys

from fewshot_bench.registry import RegistryPackage

REGISTRY = "fewshot_bench.method", "methods"
sys.modules[__name__].__class__ = RegistryPackage

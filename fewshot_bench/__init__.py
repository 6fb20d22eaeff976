"""fewshot_bench: few-shot methods and backbones under one shared episodic evaluator."""

from fewshot_bench.version import __version__ as __version__

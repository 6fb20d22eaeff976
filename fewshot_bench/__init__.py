"""fewshot_bench: few-shot methods and backbones under one shared episodic evaluator."""

__version__ = "0.1.0"

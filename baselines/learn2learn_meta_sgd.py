"""learn2learn's Meta-SGD: their inner loop under our evaluator and meta-training."""

from types import ModuleType
from typing import Any

from fewshot_bench.baselines.meta_sgd import MetaSGD, MetaSGDRecipe

from fewshot_bench.bases.learn2learn import LEARN2LEARN, Learn2LearnAlgorithm
from fewshot_bench.method import methods


@methods.register("learn2learn-meta-sgd", extra="learn2learn")
class Learn2LearnMetaSGD(Learn2LearnAlgorithm, MetaSGD):
    """Meta-SGD as `learn2learn.algorithms.MetaSGD` adapts, with weights and rates of `meta-sgd`."""

    paper = LEARN2LEARN
    recipe: MetaSGDRecipe

    def algorithm(self, algorithms: ModuleType) -> Any:
        """See `Learn2LearnAlgorithm.algorithm`; the rates are this method's parameters."""
        first_order = self.recipe.first_order
        return algorithms.MetaSGD(self.network, lrs=self.rates, first_order=first_order)

"""learn2learn's MAML: their inner loop under our evaluator and meta-training."""

from types import ModuleType
from typing import Any

from fewshot_bench.baselines.maml import MAML_PRESETS, MAMLRecipe
from pydantic import Field

from fewshot_bench.bases.inner_loop import InnerLoopRecipe
from fewshot_bench.bases.learn2learn import Learn2LearnAlgorithm
from fewshot_bench.method import methods
from fewshot_bench.recipe import PretrainRecipe, TrainRecipe


class Learn2LearnMAMLRecipe(InnerLoopRecipe):
    """Settings of `maml` that learn2learn 0.2.0 has too, with the same defaults."""

    inner_lr: float = Field(0.2, gt=0, description="see maml [learn2learn MAML lr]")
    first_order: bool = Field(False, description="drop second derivatives [MAML first_order]")
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = MAMLRecipe().train

    shots, published, presets = MAMLRecipe.shots, MAMLRecipe.published, MAML_PRESETS


@methods.register("learn2learn-maml", extra="learn2learn")
class Learn2LearnMAML(Learn2LearnAlgorithm):
    """MAML as `learn2learn.algorithms.MAML` adapts: same network, loss and recipe as `maml`."""

    recipe: Learn2LearnMAMLRecipe

    def algorithm(self, algorithms: ModuleType) -> Any:
        """See `Learn2LearnAlgorithm.algorithm`."""
        recipe = self.recipe
        return algorithms.MAML(self.network, recipe.inner_lr, first_order=recipe.first_order)

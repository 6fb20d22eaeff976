"""learn2learn's MAML: their inner loop under our evaluator and meta-training."""

import torch
import torch.nn.functional as F
from fewshot_bench.baselines.maml import MAMLRecipe
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.inner_loop import InnerLoopMethod, InnerLoopRecipe
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import PretrainRecipe, TrainRecipe
from fewshot_bench.utilities.optional import import_extra


class Learn2LearnMAMLRecipe(InnerLoopRecipe):
    """Settings of `maml` that learn2learn 0.2.0 has too, with the same defaults."""

    inner_lr: float = Field(0.2, gt=0, description="see maml [learn2learn MAML lr]")
    first_order: bool = Field(False, description="drop second derivatives [MAML first_order]")
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = MAMLRecipe().train

    shots = MAMLRecipe.shots


@methods.register("learn2learn-maml", extra="learn2learn")
class Learn2LearnMAML(InnerLoopMethod):
    """MAML as `learn2learn.algorithms.MAML` adapts: same network, loss and recipe as `maml`."""

    paper = Paper(
        "learn2learn: A Library for Meta-Learning Research",
        "Arnold et al.",
        "arXiv",
        2020,
        "https://arxiv.org/abs/2008.12284",
    )
    recipe: Learn2LearnMAMLRecipe

    def _solve(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        recipe, library = self.recipe, import_extra("learn2learn", "methods of learn2learn")
        maml = library.algorithms.MAML(self.network, lr=recipe.inner_lr)
        with torch.enable_grad():
            learner = maml.clone()
            for _ in range(self.n_steps):
                loss = F.cross_entropy(learner(support), labels)
                learner.adapt(loss, first_order=recipe.first_order or not self.training)
            logits: Tensor = learner(query)
        return logits if self.training else logits.detach()

"""learn2learn's MetaOptNet: their support vector machine under our evaluator and meta-training."""

from types import ModuleType
from typing import Any

from fewshot_bench.baselines.metaoptnet import MetaOptNetSVM, MetaOptNetSVMRecipe
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.learn2learn import LEARN2LEARN, Learn2LearnClassifier, require_qpth
from fewshot_bench.method import methods


@methods.register("learn2learn-metaoptnet", extra="learn2learn")
class Learn2LearnMetaOptNet(Learn2LearnClassifier, MetaOptNetSVM):
    """Scores of `learn2learn.nn.SVClassifier`, solved by qpth; else as `metaoptnet-svm`."""

    paper = LEARN2LEARN
    recipe: MetaOptNetSVMRecipe
    scale: nn.Parameter

    def __init__(self, backbone: Backbone, recipe: MetaOptNetSVMRecipe, n_way: int) -> None:
        require_qpth()
        super().__init__(backbone, recipe, n_way)

    def classifier(self, learn2learn_nn: ModuleType) -> Any:
        """See `Learn2LearnClassifier.classifier`."""
        return learn2learn_nn.SVClassifier(C_reg=self.recipe.C)

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the machine's scores times the learned scale."""
        return self.scale * super().classify(support, support_labels, query, n_way)

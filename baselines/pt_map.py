"""PT-MAP: class centres from an assignment of the queries that fills all classes equally."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.published_pretraining import S2M2
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import mixed_distances, one_hot
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, Recipe


class PTMAPRecipe(Recipe):
    """Settings of Hu et al. 2021 and yhu01/PT-MAP (``test_standard.py``)."""

    power: float = Field(0.5, gt=0, description="of each entry of an embedding [beta]")
    centre: bool = Field(True, description="subtract the means of both sets [centerDatas]")
    sharpness: float = Field(10.0, gt=0, description="of the assignment, lambda [lam]")
    rate: float = Field(0.2, gt=0, le=1, description="at which centres move [alpha]")
    n_steps: int = Field(20, ge=0, description="moves of the centres [n_epochs]")
    n_balancing: int = Field(
        50,
        ge=1,
        description="Sinkhorn iterations of a move, which go on from those of the last; release: "
        "at most 1,000, each time from the start, until changes are below 1e-6",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()

    presets: ClassVar[Mapping[str, Overrides]] = {"paper": S2M2}  # [README]
    published = ("mini-imagenet", "tiered-imagenet", "cifar-fs")
    grid: ClassVar[Mapping[str, Sequence[Any]]] = {
        "power": (0.5, 1.0),
        "sharpness": (5.0, 10.0, 20.0),
    }


@methods.register("pt-map")
class PTMAP(Method):
    """Power transform; then centres and a balanced assignment of the queries, in turn.

    The assignment is that of optimal transport under an entropy (Sinkhorn): each class gets the
    same share of the queries, which is right for balanced queries only. The power transform is
    for embeddings that are not negative, as after a ReLU; negative entries count as zero.

    The release's QR reduction keeps all distances; here the centres are mixes of the images, and
    only inner products are needed.
    """

    setting = "transductive"
    at_once = AtOnce(numbers=10_000_000)
    paper = Paper(
        "Leveraging the Feature Distribution in Transfer-Based Few-Shot Learning",
        "Hu et al.",
        "ICANN",
        2021,
        "https://arxiv.org/abs/2006.03806",
    )
    recipe: PTMAPRecipe

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logarithm of the assignment after the last move, ``[T, Q, n_way]``."""
        targets = one_hot(support_labels, n_way, support).transpose(1, 2)
        gram, n_support = self.gram(support, query), support.shape[1]
        mix = F.pad(targets / targets.sum(-1, keepdim=True), (0, query.shape[1]))
        shares = torch.zeros_like(mix[..., :1])  # logarithms, by class
        for step in range(self.recipe.n_steps + 1):
            apart = mixed_distances(gram, mix)[..., n_support:]
            assigned, shares = self.balance(-self.recipe.sharpness * apart, shares)
            if step < self.recipe.n_steps:
                members = torch.cat([targets, assigned.exp()], dim=-1)
                centred = members / members.sum(-1, keepdim=True)
                mix = torch.lerp(mix, centred, self.recipe.rate)
        return assigned.transpose(1, 2)

    def transform(self, embeddings: Tensor) -> Tensor:
        """Raise the entries of ``[..., D]`` to a power, then scale to unit length."""
        return F.normalize((embeddings.clamp(min=0) + 1e-6) ** self.recipe.power, dim=-1)

    def gram(self, support: Tensor, query: Tensor) -> Tensor:
        """Inner products of all images, ``[T, S + Q, S + Q]``: perhaps centred, of unit length.

        Means are subtracted from the products; a set of one image is not centred.
        """
        cross = support @ query.transpose(1, 2)
        of_support = torch.cat([support @ support.transpose(1, 2), cross], dim=2)
        of_query = torch.cat([cross.transpose(1, 2), query @ query.transpose(1, 2)], dim=2)
        gram = torch.cat([of_support, of_query], dim=1)
        if not self.recipe.centre:
            return gram
        sizes = [support.shape[1], query.shape[1]]
        shares = [gram.new_full((n, n), (n > 1) / n) for n in sizes]
        means: Tensor = torch.block_diag(*shares)  # type: ignore[no-untyped-call]
        centred = gram - means @ gram
        centred = centred - centred @ means
        lengths: Tensor = centred.diagonal(dim1=1, dim2=2).clamp(min=1e-24).sqrt()
        return centred / lengths[:, None] / lengths[..., None]

    def balance(self, logits: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Scale classes and queries until each query has mass 1 and all classes the same mass.

        Args:
            logits: ``[T, n_way, Q]``.
            shares: logarithms of the classes' factors to start from, ``[T, n_way, 1]``.

        Returns:
            The logarithm of the assignment, and the factors at the end.
        """
        _, n_way, n_query = logits.shape
        # Tasks last: many small sums become a few long ones, three times faster than products.
        kernel = (logits - logits.amax(1, keepdim=True)).exp().permute(1, 2, 0).contiguous()
        factors = shares.exp().permute(1, 2, 0).contiguous()  # [n_way, 1, T]
        for _ in range(self.recipe.n_balancing):
            of_query = (factors * kernel).sum(0).clamp_(min=1e-30).reciprocal_()  # [Q, T]
            of_class = (of_query * kernel).sum(1, keepdim=True).clamp_(min=1e-30)
            factors = n_query / n_way / of_class
        shares = factors.log().permute(2, 0, 1)
        return (logits + shares).log_softmax(1), shares

"""SIB's refinement on inner products: one model for all shots and ways, balanced or not."""

import math
from collections.abc import Iterator
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.refinement_nets import GradientNet, TrustNet
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import AtOnce, Method, methods
from fewshot_bench.ops.basic import mixed_distances, one_hot
from fewshot_bench.ops.refinement import levelled, neighbours
from fewshot_bench.ops.soft_clusters import gram_of
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import PretrainRecipe, Recipe, TrainRecipe

N_LEVELLING = 5  # rounds that bring classes to the sizes that are wanted
EARLY = 0.3  # what the answers before the last step weigh in the loss, on average


class SSLMetaPlusRecipe(Recipe):
    """Settings of this project's own method, chosen on the val classes of CIFAR-FS."""

    n_steps: int = Field(8, ge=0, description="steps of refinement")
    balance: Literal["estimated", "known"] = Field(
        "estimated",
        description="known: queries are balanced, as pt-map assumes; the weights are the same",
    )
    trust: bool = Field(True, description="learn how far to level class sizes; false: never do")
    gradients: bool = Field(True, description="infer gradients from the queries, as ssl-meta does")
    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = TrainRecipe(
        steps=2400,
        tasks_per_step=16,
        n_way=5,
        min_shot=1,
        n_shot=5,
        n_query=15,
        query_balance=(*3 * ("balanced",), "dirichlet:1", "dirichlet:2", "dirichlet:5"),
        optimizer="adam",
        lr=1e-2,
        schedule="one-cycle",
        clip_norm=1.0,
        val_every=400,
        val_episodes=1200,
    )

    at_test = frozenset({"balance"})


@methods.register("ssl-meta-plus")
class SSLMetaPlus(Method):
    """Centres and an assignment of the queries, refined in turn by steps that are meta-learned.

    Centres are mixes of the task's images, so that inner products say all. A step compares queries
    with centres, adds the gradient that a network infers from this and from what a query's
    neighbours were assigned to, and levels class sizes as far as another network trusts in balance;
    then centres move towards the means of what is assigned. ``docs/ssl-meta-plus.md`` derives it,
    and finds SIB, PT-MAP and LaplacianShot in its corners.

    Classes and queries share all weights, which know the numbers of shots and ways: one model
    serves any. Of balanced queries it also learns to answer when it is told so.
    """

    setting = "transductive"
    at_once = AtOnce(numbers=4_000_000)
    paper = Paper(  # which ends by asking for this combination
        "Empirical Bayes Transductive Meta-Learning with Synthetic Gradients",
        "Hu et al.",
        "ICLR",
        2020,
        "https://openreview.net/forum?id=Hkg-xgrYvH",
    )
    recipe: SSLMetaPlusRecipe

    def __init__(self, backbone: Backbone, recipe: SSLMetaPlusRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        n_answers = recipe.n_steps + 1
        # Of each: a constant, then what the logarithms of shots and of ways / 5 add to it.
        steps = torch.tensor([2.3, -1.0, 0.0])  # sharpness, rate, weight of labelled images
        self.numbers = nn.Parameter(F.pad(steps.view(3, 1, 1).repeat(1, n_answers, 1), (0, 2)))
        self.closeness = nn.Parameter(torch.tensor([2.3, 0.0, 0.0]))
        self.trust = TrustNet(n_answers) if recipe.trust else None
        self.infer = GradientNet() if recipe.gradients else None

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Return the logarithm of the last assignment, ``[T, Q, n_way]``."""
        known = self.recipe.balance == "known"
        *_, answer = self.refined(support, support_labels, query, n_way, known)
        return answer.transpose(1, 2)

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Cross-entropy of all steps; balanced tasks are answered a second time, told so."""
        e = self.embedded(episode)
        sizes = one_hot(query_labels, e.n_way, e.query).sum(1)
        balanced = bool((sizes == sizes[:, :1]).all())
        losses = []
        for known in (False, True) if balanced else (False,):
            answers = self.refined(e.support, e.support_labels, e.query, e.n_way, known)
            *early, last = [F.nll_loss(answer, query_labels) for answer in answers]
            losses.append(last + EARLY * sum(early) / (len(early) + 1))
        return torch.stack(losses).mean()

    def refined(
        self, support: Tensor, labels: Tensor, query: Tensor, n_way: int, known: bool
    ) -> Iterator[Tensor]:
        """Yield the logarithm of the assignment ``[T, n_way, Q]`` before and after each step.

        Classes come first because a softmax over the middle dimension is several times faster.
        """
        n_support = support.shape[1]
        facts = 1.0, math.log(n_support / n_way), math.log(n_way / 5)
        shape = torch.stack([support.new_full((), fact) for fact in facts])  # no copy to wait for
        sharpness, rate, labelled = (self.numbers @ shape).unbind()
        gram = gram_of(F.normalize(support, dim=-1), F.normalize(query, dim=-1))
        near = neighbours(gram, (self.closeness @ shape).exp())[..., n_support:]
        near_query = near[:, n_support:].transpose(1, 2)
        targets = one_hot(labels, n_way, support).transpose(1, 2)
        members = F.pad(targets, (0, query.shape[1]))
        mix = members / members.sum(-1, keepdim=True)
        for step in range(self.recipe.n_steps + 1):
            apart = mixed_distances(gram, mix)[..., n_support:]
            logits = -sharpness[step].exp() / 2 * apart
            if step == 0:
                members = torch.cat([targets, logits.softmax(1)], dim=-1)
            if self.infer is not None:
                votes = n_way * members @ near
                logits = logits + self.infer(logits, members[..., n_support:], votes, near_query)
            answer = self.answer(logits, step, known)
            yield answer
            members = torch.cat([targets, answer.exp()], dim=-1)
            weighed = torch.cat([labelled[step].exp() * targets, answer.exp()], dim=-1)
            centres = weighed / weighed.sum(-1, keepdim=True)
            mix = torch.lerp(mix, centres, rate[step].sigmoid())

    def answer(self, logits: Tensor, step: int, known: bool) -> Tensor:
        """Return the logarithm of the assignment, with class sizes levelled as far as is right."""
        exponent: Tensor | float = 0.0 if known else 1.0
        if self.trust is not None and not known:
            exponent = self.trust(logits.softmax(1), step)
        return levelled(logits, exponent, N_LEVELLING)

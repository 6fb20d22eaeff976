"""Reptile: move the initialisation towards the weights that training on a task ends with."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.bases.inner_loop import InnerLoopMethod, InnerLoopRecipe, Weights
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, TrainRecipe


class ReptileRecipe(InnerLoopRecipe):
    """Settings of Nichol et al. 2018: the commands in openai/supervised-reptile's README.

    Those of today: the authors replaced the first ones.
    """

    inner_lr: float = Field(
        1e-2,
        gt=0,
        description="of Adam; paper: 0.001 [README --learning-rate], which does not move a new "
        "head far enough in 10 steps (chosen on CIFAR-FS val)",
    )
    inner_steps: int = Field(8, ge=0, description="in meta-training [README --inner-iters]")
    test_steps: int = Field(
        10, ge=0, description="at meta-test; paper: 50 [README --eval-iters], at its smaller rate"
    )
    inner_batch: int = Field(
        10, ge=1, description="images of an inner step in meta-training [README --inner-batch]"
    )
    test_batch: int | None = Field(
        None,
        ge=1,
        description="images of an inner step at meta-test, none: the whole support; paper: 15 for "
        "5 shots [README --eval-batch]",
    )
    transductive: bool = Field(
        True,
        description="normalise all queries together; false: each with the support alone, as the "
        "release does without --transductive",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=500,  # paper: 100,000 [README --meta-iters], from random weights
        tasks_per_step=5,  # [README --meta-batch]
        n_query=14,  # with the support 15 images a class to train on [README --train-shots]
        optimizer="sgd",  # the outer step is theta + lr * mean(theta' - theta)
        momentum=0.0,
        lr=0.1,  # [args.py]; paper: 1 [README --meta-step], too far with so large an inner_lr
        schedule="one-cycle",  # to 0 as in the release [README --meta-step-final], there linearly
        val_every=125,
        val_episodes=200,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.n_query": 10, "train.val_episodes": 100}}
    published: ClassVar[tuple[str, ...]] = ("mini-imagenet", "omniglot")
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {  # the command for 5 shots, and the one for 1 that is not transductive
            "backbone": "conv4-32-reptile",
            "inner_lr": 1e-3,
            "test_steps": 50,
            "transductive": False,
            "pretrain": None,
            "train.lr": 1.0,
            "train.steps": 100_000,
            "train.val_every": 1000,
        },
        "paper:5": {"test_batch": 15},
        "paper@omniglot": {
            "backbone": "conv4-64-reptile",
            "inner_steps": 5,
            "train.n_query": 9,  # with the support 10 images a class [README --train-shots]
        },
        "paper@omniglot:5": {"test_batch": 5, "train.n_query": 5},
    }


@methods.register("reptile")
class Reptile(InnerLoopMethod):
    """Fit all weights to each task with Adam, from weights that lie near those of every task.

    Transductive through its batch norm, unless `transductive` is off. Adam has no momentum
    (beta1 = 0), as in the release, but starts anew for every task: the release carries
    its second moments from task to task, also from training to test.
    """

    paper = Paper(
        "On First-Order Meta-Learning Algorithms",
        "Nichol et al.",
        "arXiv",
        2018,
        "https://arxiv.org/abs/1803.02999",
    )
    recipe: ReptileRecipe

    def __init__(self, backbone: Backbone, recipe: ReptileRecipe, n_way: int) -> None:
        super().__init__(backbone, recipe, n_way)
        if not recipe.transductive:
            self.setting = "inductive"

    def _solve(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        if self.recipe.transductive:
            return super()._solve(support, labels, query)
        weights = self.adapt(support, labels)
        batches = (torch.cat([support, image[None]]) for image in query)
        return torch.stack([self.logits(weights, batch, self.n_steps)[-1] for batch in batches])

    def adapt(self, support: Tensor, labels: Tensor) -> Weights:
        """Fit a copy of the weights to one task; see `InnerLoopMethod.adapt`."""
        return self._fit(support, labels)[0]

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Surrogate: its value is the mean loss of the inner loops, its gradient theta - theta'.

        A gradient step of rate epsilon is then Reptile's theta + epsilon (theta' - theta), mean
        over the tasks. Each is fitted to its support and queries ``[T, Q]`` together.
        """
        self.require_way(episode.n_way)
        images = torch.cat([episode.support, episode.query], dim=1)
        labels = torch.cat([episode.support_labels, query_labels], dim=1)
        tasks = zip(images, labels, strict=True)
        return torch.stack([self._surrogate(*task) for task in tasks]).mean()

    def _surrogate(self, images: Tensor, labels: Tensor) -> Tensor:
        fitted, value = self._fit(images, labels)
        start = self.initial_weights()
        pairs = [(start[name], (start[name] - fitted[name]).detach()) for name in start]
        product = torch.stack([(weight * shift).sum() for weight, shift in pairs]).sum()
        return product - product.detach() + value

    def _fit(self, images: Tensor, labels: Tensor) -> tuple[Weights, Tensor]:
        """Train a copy of the weights; returns it and the mean loss of the steps, a constant."""
        initial = self.initial_weights().items()
        weights = {name: weight.detach().clone().requires_grad_() for name, weight in initial}
        adam = torch.optim.Adam(list(weights.values()), self.recipe.inner_lr, betas=(0.0, 0.999))
        total = images.new_zeros(())
        with torch.enable_grad():
            for step, batch in enumerate(self._batches(len(images), images.device)):
                loss = F.cross_entropy(self.logits(weights, images[batch], step), labels[batch])
                adam.zero_grad()
                torch.autograd.backward(loss)
                adam.step()
                total += loss.detach()
        return weights, total / max(1, self.n_steps)

    def _batches(self, n_images: int, device: torch.device) -> Tensor:
        """Indices of the images of each step, no image a second time early.

        Their order is random in training; at meta-test it is that of the support.
        """
        n_steps, size = self.n_steps, self.recipe.inner_batch
        if not self.training:
            size = min(n_images, self.recipe.test_batch or n_images)
            return torch.arange(n_steps * size, device=device).remainder(n_images).view(-1, size)
        rounds = max(1, -(-n_steps * size // n_images))
        order = torch.cat([torch.randperm(n_images, device=device) for _ in range(rounds)])
        return order[: n_steps * size].view(n_steps, size)

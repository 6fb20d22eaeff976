"""Reptile: move the initialisation towards the weights that training on a task ends with."""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from fewshot_bench.bases.inner_loop import InnerLoopMethod, InnerLoopRecipe, Weights
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, PretrainRecipe, TrainRecipe


class ReptileRecipe(InnerLoopRecipe):
    """Settings of Nichol et al. 2018: openai/supervised-reptile, transductive mini-ImageNet.

    Those of the command in its README for 1 shot; it has none for 5 shots.
    """

    inner_lr: float = Field(
        1e-2,
        gt=0,
        description="of Adam; paper: 0.001 [README --learning-rate], which does not move a new "
        "head far enough in 10 steps (chosen on CIFAR-FS val)",
    )
    inner_steps: int = Field(15, ge=0, description="in meta-training [README --inner-iters]")
    test_steps: int = Field(10, ge=0, description="at meta-test [README --eval-iters]")
    inner_batch: int = Field(
        5,
        ge=1,
        description="images of an inner step in meta-training [README --inner-batch]; at "
        "meta-test a step takes the whole support, which with 1 shot is the same",
    )
    pretrain: PretrainRecipe | None = PretrainRecipe()  # paper: none
    train: TrainRecipe | None = TrainRecipe(
        frozen=False,
        steps=500,  # paper: 100,000 [README --meta-iters], from random weights
        tasks_per_step=5,  # paper: 10 [README --meta-batch]
        n_query=14,  # with the support 15 images a class to train on [README --train-shots]
        optimizer="sgd",  # the outer step is theta + lr * mean(theta' - theta)
        momentum=0.0,
        lr=0.1,  # [args.py]; paper: 1 [README --meta-step], too far with so large an inner_lr
        schedule="one-cycle",  # to 0 as in the release [README --meta-step-final], there linearly
        val_every=125,
        val_episodes=200,
    )

    shots: ClassVar[Mapping[int, Overrides]] = {5: {"train.n_query": 10, "train.val_episodes": 100}}
    presets: ClassVar[Mapping[str, Overrides]] = {
        "paper": {
            "inner_lr": 1e-3,
            "pretrain": None,
            "train.lr": 1.0,
            "train.steps": 100_000,
            "train.tasks_per_step": 10,
            "train.val_every": 1000,
        }
    }


@methods.register("reptile")
class Reptile(InnerLoopMethod):
    """Fit all weights to each task with Adam, from weights that lie near those of every task.

    Adam has no momentum (beta1 = 0), as in the release, but starts anew for every task: the
    release carries its second moments from task to task, also from training to test.
    """

    paper = Paper(
        "On First-Order Meta-Learning Algorithms",
        "Nichol et al.",
        "arXiv",
        2018,
        "https://arxiv.org/abs/1803.02999",
    )
    recipe: ReptileRecipe

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
        """Indices of the images of each step: in training random, no image a second time early."""
        n_steps, size = self.n_steps, self.recipe.inner_batch
        if not self.training:
            return torch.arange(n_images, device=device).expand(n_steps, -1)
        rounds = max(1, -(-n_steps * size // n_images))
        order = torch.cat([torch.randperm(n_images, device=device) for _ in range(rounds)])
        return order[: n_steps * size].view(n_steps, size)

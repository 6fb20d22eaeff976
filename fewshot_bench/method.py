"""The contract of a few-shot method, and the registry of those there are."""

import inspect
import math
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.paper import Paper
from fewshot_bench.recipe import Overrides, Recipe
from fewshot_bench.registry import Registry
from fewshot_bench.results import Setting


@dataclass(frozen=True)
class AtOnce:
    """How many tasks of its own size a method wants to be handed at once.

    Attributes:
        tasks: at most so many, for a method that needs much memory for each.
        numbers: about how many numbers their inputs may take together on a CPU. Few stay in a
            core's cache; a method of many small steps wants more.
    """

    tasks: int = 1024
    numbers: int = 1_000_000


@dataclass(frozen=True, eq=False)
class Refinement:
    """What a method makes of some tasks after a number of steps of its refinement.

    Attributes:
        step: how many steps it took; the first one tells what there was before.
        scores: of the queries, ``[T, Q, n_way]``.
        weights: where the method has a vector for each class that queries are compared with,
            these, ``[T, n_way, D]``.
    """

    step: int
    scores: Tensor
    weights: Tensor | None = None


class Method(nn.Module):
    """A few-shot classifier: learns a task from its support set, answers its queries.

    A method keeps no state from one episode to the next. Write `classify` for a method that
    works on embeddings; override `forward` (and set `adapts_backbone`) only for one that changes
    its backbone for each task.

    Annotate `recipe` with the type of the method's settings: that declares them.

    Args:
        backbone: maps images to embeddings.
        recipe: the method's own settings.
        n_way: classes of a test episode; a method whose network fixes the way checks it.

    Attributes:
        setting: ``inductive``, or ``transductive`` if an answer may depend on other queries; of
            the class, unless a recipe makes an instance differ.
        paper: where it was published.
        recipe: the settings, with defaults and their sources; `recipe_type` is their type.
        adapts_backbone: True if each task is embedded by another network, so that embeddings
            cannot be shared between episodes.
        label_symmetric: False if some weights belong to a position of the label, so that
            renaming the classes changes the scores.
        support_symmetric: False if the scores depend on the order of the support.
        needs_maps: True if the method works on feature maps; `embed` then keeps them, flattened,
            and `maps` gives them their shape back.
        uses_base: True if the method wants to see the embeddings of the train split, see
            `see_base`; of the class, unless a recipe makes an instance differ.
        without_base: settings with which an instance does without them; none if it never does.
        at_once: what the evaluator should know to hand tasks over at a good pace.
        remark: what is said below every table that has a row of the method, if anything; written
            as plain text, which is read without importing the file.
    """

    setting: Setting
    paper: ClassVar[Paper]
    recipe: Recipe
    recipe_type: ClassVar[type[Recipe]] = Recipe
    adapts_backbone: ClassVar[bool] = False
    label_symmetric: ClassVar[bool] = True
    support_symmetric: bool = True
    needs_maps: ClassVar[bool] = False
    uses_base: bool = False
    without_base: ClassVar[Overrides] = MappingProxyType({})
    at_once: ClassVar[AtOnce] = AtOnce()
    remark: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = inspect.get_annotations(cls).get("recipe")
        if isinstance(declared, str):  # from __future__ import annotations
            declared = getattr(sys.modules[cls.__module__], declared)
        if declared is not None:
            cls.recipe_type = declared

    def __init__(self, backbone: Backbone, recipe: Recipe, n_way: int) -> None:
        super().__init__()
        self.backbone, self.recipe, self.n_way = backbone, recipe, n_way
        if self.needs_maps and backbone.map_shape is None:
            raise UsageError(
                f"{type(self).__name__} works on feature maps, and {type(backbone).__name__} gives "
                "none; choose another --backbone, as conv4-64 or resnet12-metaopt"
            )

    @property
    def device(self) -> torch.device:
        """Where weights and buffers lie; the CPU for a method without any."""
        tensors = chain(self.parameters(), self.buffers())
        return next((tensor.device for tensor in tensors), torch.device("cpu"))

    def embed(self, images: Tensor) -> Tensor:
        """Map images ``[N, C, H, W]`` to embeddings ``[N, D]``, the same for every episode.

        D is `embedding_dim`.
        """
        if self.needs_maps:
            return self.backbone.feature_map(images).flatten(1)
        features: Tensor = self.backbone(images)
        return features

    def transform(self, embeddings: Tensor) -> Tensor:
        """Change embeddings ``[..., D]``, each by itself: once, before they are put into episodes.

        `classify` gets what this returns; leaves them alone unless overridden.
        """
        return embeddings

    def embedded(self, episode: Episode) -> Episode:
        """Return the episode with its images embedded and transformed."""
        return episode.embed(lambda images: self.transform(self.embed(images)))

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)`` of the backbone's maps, for a method that needs them."""
        if self.backbone.map_shape is None:
            raise TypeError("the backbone gives no feature maps")
        return self.backbone.map_shape

    @property
    def embedding_dim(self) -> int:
        """Length D of what `embed` returns."""
        return math.prod(self.map_shape) if self.needs_maps else self.backbone.out_dim

    def maps(self, embeddings: Tensor) -> Tensor:
        """Give flattened maps ``[..., D]`` their shape ``[..., channels, height, width]`` back."""
        return embeddings.reshape(*embeddings.shape[:-1], *self.map_shape)

    def see_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Keep, in buffers, what the method needs of the train split; see `uses_base`.

        Called once, after pretraining and before meta-training.

        Args:
            embeddings: of all train images, not augmented, ``[N, D]``.
            labels: int64 ``[N]``, classes of the train split.
        """
        raise TypeError(f"{type(self).__name__} declares uses_base without see_base")

    def require_way(self, n_way: int) -> None:
        """Refuse another way than the weights were built for.

        Raises:
            UsageError: `n_way` is not the method's.
        """
        if n_way != self.n_way:
            raise UsageError(
                f"{type(self).__name__} was built for {self.n_way} ways, not {n_way}: its weights "
                "fix them; train it with the same --ways"
            )

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Score queries from embeddings.

        Args:
            support: embeddings after `transform`, ``[T, S, D]``.
            support_labels: int64 ``[T, S]``.
            query: ``[T, Q, D]``.
            n_way: classes of each task.

        Returns:
            Scores ``[T, Q, n_way]``; the largest is the answer, softmax their probabilities.
        """
        raise TypeError(f"{type(self).__name__} defines neither classify nor forward")

    def forward(self, episode: Episode) -> Tensor:
        """Score the queries of a batch of tasks, ``[T, Q, n_way]``."""
        e = self.embedded(episode)
        return self.classify(e.support, e.support_labels, e.query, e.n_way)

    def refinements(self, episode: Episode) -> Iterator[Refinement]:
        """Yield what the method makes of tasks before, while and after it refines its answers.

        A method with the setting ``n_steps`` is asked with fewer, each time from the beginning;
        one that has none answers once.
        """
        most = getattr(self.recipe, "n_steps", 0)
        fewer = [_with_steps(self.recipe, step) for step in steps_shown(most)]
        for recipe in filter(None, fewer) if any(fewer) else [self.recipe]:
            yield Refinement(getattr(recipe, "n_steps", 0), self._as(recipe, episode))

    def _as(self, recipe: Recipe, episode: Episode) -> Tensor:
        """Score queries with other settings."""
        own, self.recipe = self.recipe, recipe
        try:
            scores: Tensor = self(episode)
        finally:
            self.recipe = own
        return scores

    def loss(self, episode: Episode, query_labels: Tensor) -> Tensor:
        """Meta-training loss: cross-entropy of the queries ``[T, Q]``, mean over all tasks."""
        return F.cross_entropy(self(episode).flatten(0, 1), query_labels.flatten())


def steps_shown(n_steps: int) -> list[int]:
    """Choose at most four steps of a refinement to be looked at, from 0 to all."""
    if n_steps <= 3:
        return list(range(n_steps + 1))
    return [0, 1, math.isqrt(n_steps), n_steps]


def _with_steps(recipe: Recipe, n_steps: int) -> Recipe | None:
    """The same settings with fewer steps; None if there are no steps, or cannot be so few."""
    if "n_steps" not in type(recipe).model_fields:
        return None
    with suppress(ValidationError):
        return recipe.model_validate({**dict(recipe), "n_steps": n_steps})
    return None


methods: Registry[type[Method]] = Registry("method")

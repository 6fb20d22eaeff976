"""A method with all its weights, ready for a task of a user's own."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from fewshot_bench.backbones.base import backbones
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.published import published_like
from fewshot_bench.data.store import open_dataset
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Recipe
from fewshot_bench.runs.configuration import given_weights, make_config
from fewshot_bench.runs.domains import Domains
from fewshot_bench.runs.plan import check_training
from fewshot_bench.runs.request import DEFAULT_BACKBONE
from fewshot_bench.runs.runner import prepare
from fewshot_bench.runs.task import Task
from fewshot_bench.training.pretraining import build_backbone

SIZE = 84  # pixels, where nothing says how large images were
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def ready_method(
    task: Task, n_way: int, n_shot: int, device: torch.device
) -> tuple[Method, ImageSplit]:
    """Build the method of a task with all its weights, training what is missing.

    Args:
        task: what is asked for.
        n_way: classes of its support.
        n_shot: images a class, for settings that depend on them.
        device: to train and run on.

    Returns:
        The method in evaluation mode, and the images that its network is made for: those of a
        task are to be made to fit.

    Raises:
        UsageError: the method cannot be had so, or not for this number of classes.
    """
    build = _without_data if task.train_dataset is None else _trained
    method, like = build(task, n_way, n_shot, device)
    return method.eval(), like


def _trained(
    task: Task, n_way: int, n_shot: int, device: torch.device
) -> tuple[Method, ImageSplit]:
    dataset = open_dataset(task.train_dataset or "")
    train = dataset.images("train")
    given: dict[str, Any] = {**given_weights(task.weights, task.backbone, train)}
    config = make_config(
        task.method,
        task.backbone,
        dataset,
        preset=task.preset,
        n_shot=n_shot,
        settings=task.settings,
        n_way=n_way,
        n_query=task.n_query,
        seed=task.seed,
        **given,
    )
    recipe = methods[config.method].recipe_type.model_validate(config.recipe)
    if recipe.train is not None:
        config = config.model_copy(update={"n_way": task.n_way})
    check_training(config, recipe, Domains(dataset))
    if config.n_way != n_way:
        _require_way(config, recipe, train, n_way)
    return prepare(config, dataset, device).method, train


def _require_way(config: RunConfig, recipe: Recipe, split: ImageSplit, n_way: int) -> None:
    """Refuse a method whose weights fix the way, before they are trained: it says so untrained."""
    cls = methods[config.method]
    if cls.uses_base:  # untrained it lacks what it keeps of the base classes
        return
    backbone = backbones[config.backbone](split.image_shape)
    method = cls(backbone, recipe, config.n_way).eval()
    shape = split.image_shape if cls.adapts_backbone else (method.embedding_dim,)
    images, labels = torch.randn(1, n_way, *shape), torch.arange(n_way)[None]
    try:
        method(Episode(images, labels, images, n_way, embedded=not cls.adapts_backbone))
    except UsageError as error:
        raise UsageError(f"{error}, as --ways {n_way}") from None


def _without_data(
    task: Task, n_way: int, n_shot: int, device: torch.device
) -> tuple[Method, ImageSplit]:
    """Build a head on a network that comes with weights, of which nothing is to be trained."""
    name, backbone = methods.resolve(task.method), task.backbone or DEFAULT_BACKBONE
    comes_pretrained = getattr(backbones[backbone], "pretrained", False)
    if not comes_pretrained and task.weights is None:
        raise UsageError(
            f"{backbone} is to be trained; name a data set with --train-dataset, or give --weights"
        )
    cls, settings = methods[name], ["pretrain=none", *task.settings]
    recipe = build_recipe(
        cls.recipe_type,
        preset=task.preset,
        n_shot=n_shot,
        published=published_like(cls.recipe_type, task.preset, None, name),
        settings=settings,
    )
    if recipe.pretrain is not None:
        raise UsageError(f"{backbone} has its weights; leave the settings of 'pretrain' out")
    if recipe.train is not None:
        raise UsageError(f"{name} is meta-trained; name a data set for that with --train-dataset")
    like = _like_imagenet()
    digest = given_weights(task.weights, backbone, like).get("backbone_weights")
    torch.manual_seed(task.seed)
    network = build_backbone(backbones.resolve(backbone), like, device, digest)
    method = cls(network, recipe, n_way).to(device)
    if method.uses_base:
        without = "".join(f", or --set {key}={value}" for key, value in cls.without_base.items())
        raise UsageError(
            f"{name} uses the train classes of a data set; name it with --train-dataset{without}"
        )
    return method, _of_size(like, getattr(network, "input_size", None))


def _like_imagenet() -> ImageSplit:
    """An empty split of colour images that are normalised as those of ImageNet."""
    return ImageSplit(
        dataset="ImageNet",
        split="train",
        class_names=(),
        class_counts=np.zeros(0, np.int64),
        checksum="",
        images=np.zeros((0, SIZE, SIZE, 3), np.uint8),
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def _of_size(like: ImageSplit, size: tuple[int, int] | None) -> ImageSplit:
    """Have images read as large as a network wants them, if it says so."""
    return like if size is None else replace(like, images=np.zeros((0, *size, 3), np.uint8))

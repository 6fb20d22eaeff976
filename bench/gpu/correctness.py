"""The device against the CPU, whose float64 is taken for the truth."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.gpu import vmapped
from bench.gpu.inputs import image_split, on_images, tasks
from bench.gpu.setup import Found, Rows, Setup, SkippedError, difference
from fewshot_bench.backbones.base import backbones, to_channels_last
from fewshot_bench.backbones.conv4 import Conv4
from fewshot_bench.bases.inner_loop import InnerLoopMethod
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import PretrainRecipe, Recipe
from fewshot_bench.training.optimisation import make_optimizer
from fewshot_bench.training.pretraining import build_backbone
from fewshot_bench.training.pretraining_heads import PretrainingNet

CPU = torch.device("cpu")
IN_DOUBLE = 1e-6  # relative; iterative methods stop a few steps apart
IN_SINGLE = 1e-3
UNIT = "relative difference"


@contextmanager
def exact() -> Iterator[None]:
    """Let a GPU multiply float32 as float32."""
    backends: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn]
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = False
    try:
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def moved(episode: Episode, device: torch.device, dtype: torch.dtype) -> Episode:
    """Put a batch of image tasks on a device, in a precision."""
    support, query = (x.to(device, dtype) for x in (episode.support, episode.query))
    labels = episode.support_labels.to(device)
    classes = None if episode.classes is None else episode.classes.to(device)
    return replace(episode, support=support, query=query, support_labels=labels, classes=classes)


def answers(setup: Setup) -> Rows:
    """Scores of every method."""
    for name in methods:
        yield name, partial(_answer, name, setup.device)


@torch.no_grad()
def _answer(name: str, device: torch.device) -> Found:
    method, (episode, _) = on_images(name), tasks(8)
    episode = replace(episode, classes=None)
    truth = method(episode)
    with exact():
        double = copy.deepcopy(method).to(device)(moved(episode, device, torch.float64))
        single = copy.deepcopy(method).float().to(device)(moved(episode, device, torch.float32))
    same = float((truth.argmax(-1) == single.argmax(-1).cpu()).double().mean())
    note = f"float32: {100 * same:.1f} % of the answers are the same"
    return Found(difference(truth, double), UNIT, IN_DOUBLE, at_most=True, note=note)


def gradients(setup: Setup) -> Rows:
    """Meta-training gradients of every method that has them, and of MAML by vmap."""
    for name in methods:
        if build_recipe(methods[name].recipe_type, n_shot=1).train is not None:
            yield name, partial(_gradient, name, setup.device)
    yield "maml by vmap", partial(_vmapped, setup.device)


def _gradient(name: str, device: torch.device) -> Found:
    truth, again = (_slopes(on_images(name), CPU, seed) for seed in (1, 2))
    if not torch.equal(truth, again):
        raise SkippedError("draws random numbers in training, which differ between devices")
    with exact():
        found = _slopes(on_images(name), device, 1)
    return Found(difference(truth, found), UNIT, IN_DOUBLE, at_most=True)


def _slopes(method: Method, device: torch.device, seed: int) -> Tensor:
    torch.manual_seed(seed)
    episode, labels = tasks(2)
    method.to(device).train()
    recipe = method.recipe.train
    method.backbone.requires_grad_(recipe is not None and not recipe.frozen)
    loss = method.loss(moved(episode, device, torch.float64), labels.to(device))
    return vmapped.gradient(loss, method)


def _vmapped(device: torch.device) -> Found:
    method = on_images("maml").to(device).train()
    assert isinstance(method, InnerLoopMethod)
    episode, labels = tasks(2)
    episode, labels = moved(episode, device, torch.float64), labels.to(device)
    rate = method.recipe.model_dump()["inner_lr"]
    looped = vmapped.gradient(method.loss(episode, labels), method)
    loss = vmapped.loss(vmapped.written_norms(method), episode, labels, rate)
    found = difference(looped, vmapped.gradient(loss, method))
    return Found(found, UNIT, IN_DOUBLE, at_most=True, note="to our loop over tasks")


def networks(setup: Setup) -> Rows:
    """Features and gradients of every backbone, and embeddings of a split."""
    names = [n for n in backbones if not n.startswith("timm") and n != "precomputed"]
    for name in ("conv4-64",) if setup.toy else names:
        yield name, partial(_network, name, setup.device)
    yield "embeddings of a split", partial(_embeddings, setup)


def _network(name: str, device: torch.device) -> Found:
    if getattr(backbones[name], "pretrained", False):
        raise SkippedError("comes with weights, which are not here")
    torch.manual_seed(0)
    network = to_channels_last(backbones[name]((3, 32, 32)).double().eval())
    images = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    truth = _features(network, images)
    with exact():
        double = _features(copy.deepcopy(network).to(device), images.to(device))
        single = _features(copy.deepcopy(network).float().to(device), images.float().to(device))
    worst = max(map(difference, truth, double))
    note = f"float32: {max(map(difference, truth, single)):.1e}"
    return Found(worst, UNIT, IN_DOUBLE, at_most=True, note=note)


def _features(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Features, and the gradient of their squares by the images."""
    shown = images.detach().requires_grad_()
    features = network(shown)
    return features, torch.autograd.grad(features.square().sum(), shown)[0]


def _embeddings(setup: Setup) -> Found:
    split = image_split("test", 5, setup.size(600, 20))

    def embedded(device: torch.device) -> Tensor:
        torch.manual_seed(0)
        return embed_split(
            NearestCosine(build_backbone("conv4-64", split, device), Recipe(), 5), split
        )

    truth = embedded(CPU)
    with exact():
        return Found(difference(truth, embedded(setup.device)), UNIT, IN_SINGLE, at_most=True)


def steps(setup: Setup) -> Rows:
    """Ten steps of pretraining: the weights in float64, the last loss in bfloat16."""
    yield "weights after 10 steps", partial(_weights, setup.device)
    yield "loss after 10 steps in bfloat16", partial(_mixed, setup.device)


def _weights(device: torch.device) -> Found:
    truth, found = (_ten_steps(where, torch.float64)[1] for where in (CPU, device))
    return Found(difference(truth, found), UNIT, IN_DOUBLE, at_most=True)


def _mixed(device: torch.device) -> Found:
    truth, found = _ten_steps(CPU, torch.float64)[0], _ten_steps(device, torch.bfloat16)[0]
    return Found(abs(found - truth) / truth, UNIT, 0.05, at_most=True)


def _ten_steps(device: torch.device, dtype: torch.dtype) -> tuple[float, Tensor]:
    """Last loss and weights of a narrow Conv-4, on the same images everywhere."""
    torch.manual_seed(0)
    recipe, generator = PretrainRecipe(lr=0.02), torch.Generator().manual_seed(0)
    backbone = Conv4((3, 16, 16), (8, 8, 8))
    to_channels_last(backbone)
    mixed, kept = dtype == torch.bfloat16, torch.float32 if dtype == torch.bfloat16 else dtype
    net = PretrainingNet(backbone, 5, recipe).to(device, kept).train()
    optimizer = make_optimizer(recipe, net)
    images = torch.randn(320, 3, 16, 16, generator=generator).to(device, kept)
    labels = (torch.arange(320) % 5).to(device)
    for batch, of_batch in zip(torch.split(images, 32), torch.split(labels, 32), strict=True):
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            loss = net.loss(batch, of_batch)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return float(loss.detach()), torch.cat([p.detach().flatten() for p in net.parameters()])

"""Rates on the device: heads, MAML, pretraining, meta-training, whole evaluations."""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from bench.gpu import peers, vmapped
from bench.gpu.inputs import (
    WIDTH,
    embedding_split,
    heads,
    image_split,
    meta_batch,
    on_embeddings,
)
from bench.gpu.setup import Found, Rows, Setup, SkippedError
from bench.gpu.timing import peak_gb, seconds_of, steady_seconds
from bench.inputs import SPEC, TASKS_PER_STEP
from bench.settings import INNER_LR, INNER_STEPS, PER_CLASS, STEPS
from fewshot_bench.backbones.base import backbones, to_channels_last
from fewshot_bench.bases.inner_loop import InnerLoopMethod
from fewshot_bench.data.embeddings import GivenSplit
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import evaluate, gather, score_episodes
from fewshot_bench.evaluation.features import FeatureTable
from fewshot_bench.method import methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.meta_training import TrainingEpisodes
from fewshot_bench.training.pretraining import _Batches, build_backbone
from fewshot_bench.training.pretraining_heads import PretrainingNet
from fewshot_bench.training.trainer import Trainer

Loss = Callable[[Tensor, Tensor], Tensor]

AIM_OF_HEADS = {"proto-net": 200_000.0}  # episodes/s
TRAIN_IMAGES = 38_400  # of CIFAR-FS
NETWORKS = {  # batch, and the seconds that an epoch may take
    "conv4-64": (512, 1.0),
    "resnet12-metaopt": (256, 5.0),
    "wrn-28-10": (256, 12.0),
}


def evaluations(setup: Setup) -> Rows:
    """The evaluator on cached embeddings, 5-way 1-shot, its sampling included."""
    split = embedding_split(20, PER_CLASS, setup.size(WIDTH, 32))
    source = EpisodeSource(split, SPEC)
    yield "sampling alone", partial(_sampling, source, setup)
    for name in heads():
        yield name, partial(_head, name, split, source, setup)


def _sampling(source: EpisodeSource, setup: Setup) -> Found:
    n, cpu = setup.size(50_000, 64), torch.device("cpu")

    def sample() -> None:
        for start in range(0, n, 1024):
            source.indices(start, min(1024, n - start))

    return Found(n / seconds_of(sample, cpu), "episodes/s", note="on one core of the CPU")


def _head(name: str, split: GivenSplit, source: EpisodeSource, setup: Setup) -> Found:
    given = (f"n_steps={setup.size(STEPS[name], 2)}",) if name in STEPS else ()
    method = on_embeddings(name, split, setup.device, *given)
    table = FeatureTable(method.transform(split.tensor(slice(None), setup.device)))
    n, most = setup.size(1_024, 4), setup.size(50_000, 4)
    score_episodes(method, source, min(n, 64), table)  # a warm-up
    peak_gb(setup.device)
    while True:
        seconds = seconds_of(partial(score_episodes, method, source, n, table), setup.device)
        if seconds > 1 or n >= most:
            break
        n = min(most, 8 * n)
    note = peak_gb(setup.device)
    peer, failure = peers.tried(lambda: peers.head_rate(name, split.embeddings, setup))
    aim = 50 * peer if name == "tim" and peer else AIM_OF_HEADS.get(name)
    return Found(n / seconds, "episodes/s", aim, peer=peer, note=(note + failure).lstrip("; "))


def maml(setup: Setup) -> Rows:
    """Second-order meta-gradients of four tasks, 5 inner steps, conv4-64."""
    for pixels in (28, 84) if not setup.toy else (16,):
        for how in ("loop", "vmap"):
            yield f"{how}, {pixels} pixels", partial(_maml, how, pixels, setup)
    if not setup.toy:
        yield "vmap, 16 tasks, 84 pixels", partial(_maml, "vmap", 84, setup, 16)


def _maml(how: str, pixels: int, setup: Setup, n_tasks: int = TASKS_PER_STEP) -> Found:
    torch.manual_seed(0)
    cls, steps = methods["maml"], setup.size(INNER_STEPS, 1)
    settings = (f"inner_steps={steps}", f"inner_lr={INNER_LR}")
    recipe = build_recipe(cls.recipe_type, n_shot=1, settings=settings)
    backbone = to_channels_last(backbones["conv4-64"]((3, pixels, pixels)))
    method = cls(backbone, recipe, 5).to(setup.device).train()  # type: ignore[arg-type]
    assert isinstance(method, InnerLoopMethod)
    episode = meta_batch(pixels, setup.device, n_tasks)
    labels = torch.arange(5, device=setup.device).repeat(SPEC.n_query).expand(n_tasks, -1)
    if how == "vmap":
        vmapped.written_norms(method)

    def step() -> None:
        loss = (
            vmapped.loss(method, episode, labels, INNER_LR)
            if how == "vmap"
            else method.loss(episode, labels)
        )
        vmapped.gradient(loss, method)

    peak_gb(setup.device)
    seconds = steady_seconds(step, setup.device, setup.toy)
    note = peak_gb(setup.device)
    peer, failure = peers.tried(lambda: peers.maml_rate(pixels, n_tasks, setup))
    aim = 10 * peer if peer else None
    return Found(n_tasks / seconds, "tasks/s", aim, peer=peer, note=(note + failure).lstrip("; "))


def pretrainings(setup: Setup) -> Rows:
    """Epochs of 38,400 images of 32 pixels: augmentation, forward, backward, SGD."""
    for name, (batch, aim) in NETWORKS.items():
        if setup.toy and name != "conv4-64":
            continue
        for precision in ("float32", "bfloat16"):
            yield f"{name}, {precision}", partial(_epoch, name, precision, batch, aim, setup)


def compiled(setup: Setup) -> Rows:
    """The same through `torch.compile`, which takes a minute or more to begin."""
    for name, (batch, aim) in NETWORKS.items():
        yield name, partial(_compiled, name, batch, aim, setup)


def _compiled(name: str, batch: int, aim: float, setup: Setup) -> Found:
    if setup.device.type != "cuda":
        raise SkippedError("on a CPU nothing is trained so")
    return _epoch(name, "bfloat16", batch, aim, setup, through=torch.compile)


def _epoch(
    name: str,
    precision: str,
    batch: int,
    aim: float,
    setup: Setup,
    through: Callable[[Loss], Loss] = lambda loss: loss,
) -> Found:
    """Seconds of an epoch, from as many steps as tell; `through` may change how a loss is had."""
    torch.manual_seed(0)
    split = image_split("train", 64, setup.size(600, 2))
    batch = setup.size(batch, 16)
    recipe = PretrainRecipe.model_validate({"precision": precision, "batch_size": batch})
    backbone = build_backbone(name, split, setup.device)
    net = PretrainingNet(backbone, 64, recipe).to(setup.device).train()
    batches, mixed = _Batches(split, recipe, 0, setup.device), precision == "bfloat16"
    loss_of = through(net.loss)

    def objective(step: int) -> Tensor:
        images, labels = batches[step]
        with torch.autocast(setup.device.type, torch.bfloat16, enabled=mixed):
            return loss_of(images, labels)

    job = trainer(net, objective, recipe)
    n_steps, done = setup.size(30, 1), [0]

    def steps() -> None:
        for _ in range(n_steps):
            job._step(done[0])
            done[0] += 1

    peak_gb(setup.device)
    steps()  # a warm-up, in which cuDNN chooses
    seconds = seconds_of(steps, setup.device) * TRAIN_IMAGES / (n_steps * batch)
    note = f"batches of {batch} {peak_gb(setup.device)}".strip()
    wanted = aim if precision == "bfloat16" else None
    return Found(seconds, "s an epoch", wanted, at_most=True, note=note)


def trainer(module: torch.nn.Module, objective: object, recipe: object) -> Trainer:
    """Return what takes steps as every training does; it is asked for nothing else."""
    stored = StoredWeights({"kind": "bench"})
    facts = {"n_steps": 10_000, "val_every": 10_000, "seed": 0, "stored": stored}
    return Trainer("bench", "it", module, objective, float, recipe, **facts)  # type: ignore[arg-type]


def meta_trainings(setup: Setup) -> Rows:
    """Steps of meta-training on cached embeddings, as their recipes have them."""
    for name in ("ssl-meta", "ssl-meta-plus"):
        yield name, partial(_meta, name, setup)


def _meta(name: str, setup: Setup) -> Found:
    split = embedding_split(64, setup.size(600, 20), setup.size(WIDTH, 32))
    method = on_embeddings(name, split, setup.device)
    recipe = method.recipe.train
    assert recipe is not None
    episodes = TrainingEpisodes(split, SPEC, recipe, 0)
    table = FeatureTable(split.tensor(slice(None), setup.device))

    def objective(step: int) -> Tensor:
        indices = episodes[step]
        n_way = indices.classes.shape[1]
        return method.train().loss(*gather(table, indices, n_way, training=True))

    job, n_steps = trainer(method, objective, recipe), setup.size(200, 2)

    def steps() -> None:
        for step in range(n_steps):
            job._step(step)

    steps()
    note = f"{recipe.tasks_per_step} tasks a step"
    return Found(n_steps / seconds_of(steps, setup.device), "steps/s", note=note)


def from_images(setup: Setup) -> Rows:
    """Whole evaluations from images, 5-way 1-shot, the embedding of the split included."""
    for name, n_episodes in (("proto-net", 2_000), ("ssl-meta", 2_000), ("maml", 100)):
        yield name, partial(_whole, name, n_episodes, setup)


def _whole(name: str, n_episodes: int, setup: Setup) -> Found:
    torch.manual_seed(0)
    split = image_split("test", 20, setup.size(600, 20))
    cls, n = methods[name], setup.size(n_episodes, 2)
    network = build_backbone("conv4-64", split, setup.device)
    method = cls(network, build_recipe(cls.recipe_type, n_shot=1), 5).to(setup.device)
    evaluate(method, EpisodeSource(split, SPEC), 1)
    began = time.perf_counter()
    result = evaluate(method, EpisodeSource(split, SPEC), n)
    seconds = time.perf_counter() - began
    note = f"{seconds:.2f} s in all, {result.peak_memory_mb:,.0f} MB"
    return Found(n / seconds, "episodes/s", note=note)

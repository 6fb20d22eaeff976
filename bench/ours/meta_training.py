"""Time meta-training of ssl-meta: by the harness, or with every episode embedded anew.

Usage: python -m bench.ours.meta_training FOLDER stored|seeds|anew STEPS

``seeds`` is as many trainings as there are cores, of STEPS each.
"""

import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.from_images import build
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset, ImageSplit
from fewshot_bench.evaluation.evaluate import gather, inputs_of
from fewshot_bench.evaluation.features import ImageTable
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.recipe import Recipe, TrainRecipe
from fewshot_bench.training.meta_training import TrainingEpisodes, meta_train, meta_training
from fewshot_bench.training.optimisation import make_optimizer
from fewshot_bench.utilities.memory import keep_freed_memory

NAME, SPLITS = "ssl-meta", ("train", "val")


def stored(folder: Path, recipe: Recipe, train: TrainRecipe, seed: int = 0) -> int:
    """Train as `fsbench run` does: the embedding of all images and the checkpoint included."""
    keep_freed_memory()
    dataset = Dataset("bench", {name: make_split(folder, name) for name in SPLITS}, "bench", {})
    config = RunConfig(
        method=NAME,
        backbone="conv4-64",
        dataset="bench",
        n_episodes=1,
        seed=seed,
        recipe=recipe.model_dump(mode="json"),
        data_checksum="bench",
    )
    method = _build(dataset.images("train"), recipe)
    meta_train(meta_training(config, dataset, train), method, dataset, train)
    return train.steps


def seeds(folder: Path, recipe: Recipe, train: TrainRecipe) -> int:
    """Train several seeds as a study does: all images are embedded, then each core takes a seed."""
    for name in SPLITS:
        split = make_split(folder, name)
        inputs_of(_build(split, recipe), split)
    n_seeds = torch.get_num_threads()
    with ProcessPoolExecutor(n_seeds, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        jobs = [pool.submit(stored, folder, recipe, train, seed) for seed in range(n_seeds)]
        return sum(job.result() for job in jobs)


def _build(split: ImageSplit, recipe: Recipe) -> Method:
    method = build(NAME, split, recipe)
    method.backbone.weights_key = "bench"  # that its embeddings are kept by
    return method


def anew(folder: Path, recipe: Recipe, train: TrainRecipe) -> int:
    """Train in a plain loop, one episode a step, whose images pass the frozen network each time."""
    split = make_split(folder, "train")
    method = build(NAME, split, recipe)
    method.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    method.backbone.requires_grad_(requires_grad=False)
    optimizer = make_optimizer(train, method)
    table = ImageTable(split, torch.device("cpu"))
    episodes = TrainingEpisodes(split, SPEC, train, seed=0)
    method.train()
    method.backbone.eval()
    for step in range(train.steps):
        episode, labels = gather(table, episodes[step], SPEC.n_way)
        with torch.no_grad():
            episode = method.embedded(episode)
        optimizer.zero_grad()
        method.loss(episode, labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return train.steps


WAYS = {"stored": stored, "seeds": seeds, "anew": anew}


def main(folder: Path, how: str, n_steps: int) -> None:
    """Time the whole of it, in a home of its own."""
    settings = (f"train.steps={n_steps}", "train.val_episodes=1")
    recipe = build_recipe(methods[NAME].recipe_type, n_shot=1, settings=settings)
    if recipe.train is None:
        raise TypeError(f"{NAME} is meta-trained")
    with tempfile.TemporaryDirectory() as home:
        os.environ["FSBENCH_HOME"] = home
        began = time.perf_counter()
        done = WAYS[how](folder, recipe, recipe.train)
        print_measured(done / (time.perf_counter() - began))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

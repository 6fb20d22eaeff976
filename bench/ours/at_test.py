"""Time the evaluation of methods that adapt much to each task, on conv4-64.

Usage: python -m bench.ours.at_test FOLDER METHOD-SHOTS EPISODES
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bench.inputs import SPEC, make_split
from bench.line import print_measured
from bench.ours.peak import peak_mb
from bench.settings import N_CHECKED
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.evaluation.evaluate import inputs_of, score_episodes
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.training.pretraining import build_backbone
from fewshot_bench.utilities.memory import keep_freed_memory


def build(cls: type[Method], n_shot: int, split: ImageSplit) -> Method:
    """Return an untrained method, the same on every call; no weight has a value of its own."""
    torch.manual_seed(0)
    backbone = build_backbone("conv4-64", split, torch.device("cpu"))
    method = cls(backbone, build_recipe(cls.recipe_type, n_shot=n_shot), SPEC.n_way)
    if method.uses_base:
        method.see_base(torch.zeros(64, method.embedding_dim), torch.arange(64))
    for tensor in method.parameters():
        tensor.data += 0.1 * tensor.std(correction=0) * torch.randn_like(tensor) + 0.01
    return method


def measure(
    folder: Path, subject: str, n: int, made_of: Callable[[type[Method]], type[Method]]
) -> None:
    """Score episodes after a warm-up of a few, by what is made of a method's class."""
    keep_freed_memory()
    name, n_shot = subject.rsplit("-", 1)
    split = make_split(folder)
    source = EpisodeSource(split, replace(SPEC, n_shot=int(n_shot)))
    method = build(made_of(methods[name]), int(n_shot), split)
    table = inputs_of(method, split)
    score_episodes(method, source, 2, table)
    began = time.perf_counter()
    scores = score_episodes(method, source, n, table)
    rate = n / (time.perf_counter() - began)
    print_measured(rate, float(scores.accuracies[:N_CHECKED].mean()), peak_mb())


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), lambda cls: cls)

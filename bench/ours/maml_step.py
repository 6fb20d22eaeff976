"""Time meta-training steps of second-order MAML, and keep the meta-gradient for comparison.

Usage: python -m bench.ours.maml_step FOLDER PIXELS STEPS
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.line import peak_mb, print_measured
from bench.settings import INNER_LR, INNER_STEPS
from fewshot_bench.backbones.base import backbones, to_channels_last
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import build_recipe
from fewshot_bench.utilities.memory import keep_freed_memory


def build(tasks: dict[str, torch.Tensor], n_way: int) -> Method:
    """Return MAML with the weights that both sides start from."""
    cls = methods["maml"]
    settings = (f"inner_steps={INNER_STEPS}", f"inner_lr={INNER_LR}")
    recipe = build_recipe(cls.recipe_type, n_shot=1, settings=settings)
    shape = tasks["support"].shape[2:]
    backbone = backbones["conv4-64"]((int(shape[0]), int(shape[1]), int(shape[2])))
    to_channels_last(backbone)
    method = cls(backbone, recipe, n_way)
    with torch.no_grad():
        for i, parameter in enumerate(method.parameters()):
            parameter.copy_(tasks[f"weight{i}"])
    return method.train()


def prepare(folder: Path, pixels: str) -> tuple[Callable[[], None], Method]:
    """Return what takes the gradient of a meta-batch, and the method whose gradient it is.

    The images are as precise as the method's weights then are.
    """
    with np.load(folder / f"maml-{pixels}.npz") as file:
        tasks = {name: torch.from_numpy(file[name]) for name in file.files}
    n_way = int(tasks["support_labels"].max()) + 1
    method = build(tasks, n_way)

    def step() -> None:
        method.zero_grad()
        dtype = next(method.parameters()).dtype
        support, query = tasks["support"].to(dtype), tasks["query"].to(dtype)
        episode = Episode(support, tasks["support_labels"], query, n_way, embedded=False)
        loss = method.loss(episode, tasks["query_labels"])
        loss.backward()  # type: ignore[no-untyped-call]

    return step, method


def main(folder: Path, pixels: str, n_steps: int) -> None:
    """Take gradients of a meta-batch after a warm-up of one."""
    keep_freed_memory()
    step, method = prepare(folder, pixels)
    step()
    began = time.perf_counter()
    for _ in range(n_steps):
        step()
    seconds, peak = time.perf_counter() - began, peak_mb()
    # Compared in double precision: rounding flips a maximum here and there, which is no difference.
    method.double()
    step()
    gradient = torch.cat([p.grad.flatten() for p in method.parameters() if p.grad is not None])
    np.save(folder / f"maml-{pixels}-gradient.npy", gradient.numpy())
    print_measured(n_steps / seconds, peak=peak)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

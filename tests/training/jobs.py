"""A small training, and the place of its weights."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fewshot_bench.recipe import OptimRecipe
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.trainer import Trainer


@dataclass(frozen=True)
class Kept(StoredWeights):
    """Weights in a folder of the test's choice."""

    place: Path = Path()

    @property
    def folder(self) -> Path:
        return self.place


def kept(folder: Path, source: str = "") -> Kept:
    """The weights of every training here, by the code that `source` stands for."""
    return Kept({"kind": "t"}, source, place=folder)


def trainer(
    folder: Path,
    kind: str = "sgd",
    fail_at: int | None = None,
    steps: int = 23,
    signal_at: int | None = None,
) -> Trainer:
    """A small network with batch norm and dropout, trained on noise."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))

    def objective(step: int) -> Tensor:
        if step == fail_at:
            raise KeyboardInterrupt
        if step == signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        module.train()
        return nn.functional.cross_entropy(module(torch.randn(16, 4)), torch.randint(3, (16,)))

    def validate() -> float:
        module.eval()
        with torch.no_grad():
            return float(torch.sigmoid(module(torch.ones(1, 4))[0, 0]))

    recipe = OptimRecipe(optimizer=kind, lr=0.05, schedule="one-cycle", warmup=0.2)
    return Trainer("t", "it", module, objective, validate, recipe, steps, 5, 1, kept(folder))

"""A training that was stopped on a device, and went on."""

import tempfile
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from bench.gpu.inputs import image_split
from bench.gpu.setup import Found, Rows, Setup
from fewshot_bench.recipe import PretrainRecipe
from fewshot_bench.training.checkpoints import StoredWeights
from fewshot_bench.training.pretraining import _Batches, build_backbone
from fewshot_bench.training.pretraining_heads import PretrainingNet
from fewshot_bench.training.trainer import Trainer


def resumed(setup: Setup) -> Rows:
    """A training that was stopped and went on ends as one that was not."""
    yield "weights", partial(_resumed, setup)


def _resumed(setup: Setup) -> Found:
    with tempfile.TemporaryDirectory(dir=setup.out) as folder:
        whole, parts = (_short_training(Path(folder) / str(n), n, setup) for n in (None, 3))
    note = "of a training that went on after 3 of 6 steps, to one never stopped"
    same = float((whole - parts).abs().max())
    return Found(same, "largest difference", 1e-6, at_most=True, note=note)


def _short_training(folder: Path, stop: int | None, setup: Setup) -> Tensor:
    """Weights after six steps; a stop writes the checkpoint, and all is built anew."""
    split = image_split("train", 4, 20, 16)
    stored = _In(folder)
    for n_steps in (stop, 6) if stop else (6,):
        torch.manual_seed(0)
        recipe = PretrainRecipe.model_validate({"batch_size": 16, "schedule": "constant"})
        net = PretrainingNet(build_backbone("conv4-64", split, setup.device), 4, recipe)
        batches = _Batches(split, recipe, 0, setup.device)
        net = net.to(setup.device).train()

        def objective(step: int, net: PretrainingNet = net, made: _Batches = batches) -> Tensor:
            return net.loss(*made[step])

        facts = {"n_steps": n_steps, "val_every": 100, "seed": 0, "stored": stored}
        job = Trainer("bench", "it", net, objective, float, recipe, **facts)  # type: ignore[arg-type]
        job.best_weights = {}
        job.run()
        job._save()
    return torch.cat([p.detach().flatten() for p in net.parameters()])


class _In(StoredWeights):
    """Weights in a folder of their own."""

    def __init__(self, place: Path) -> None:
        super().__init__({"kind": "bench"})
        place.mkdir(parents=True)
        object.__setattr__(self, "place", place)

    @property
    def folder(self) -> Path:
        """The one that was given."""
        place: Path = self.place  # type: ignore[attr-defined]
        return place

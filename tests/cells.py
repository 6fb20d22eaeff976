"""Cells on small made-up data: their configuration, and their training."""

import torch
from torch import Tensor

from fewshot_bench.config import RunConfig
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.runner import Trained, prepare
from tests.synthetic import make_dataset

SHORT = [
    "pretrain.epochs=1",
    "pretrain.val_episodes=5",
    "train.steps=3",
    "train.val_every=2",
    "train.val_episodes=5",
    "train.n_query=3",
]
CPU = torch.device("cpu")


def config(method: str, *settings: str, **protocol: int | str) -> RunConfig:
    """The configuration of a short cell; `settings` are those of ``--set``."""
    return make_config(
        method,
        "conv4-64",
        make_dataset(),
        settings=[*SHORT, *settings],
        **{"n_query": 4, "n_episodes": 10, **protocol},  # type: ignore[arg-type]
    )


def train(method: str, *settings: str, **protocol: int | str) -> Trained:
    """Train the method of a cell, or load its weights from the home."""
    return prepare(config(method, *settings, **protocol), make_dataset(), CPU)


def weights(trained: Trained) -> dict[str, Tensor]:
    """A copy of all weights, which training on leaves alone."""
    state: dict[str, Tensor] = trained.method.state_dict()
    return {name: tensor.clone() for name, tensor in state.items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether weights are equal to the bit."""
    return all(torch.equal(first[name], second[name]) for name in first)

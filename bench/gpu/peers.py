"""The peers on the same device, where they are installed; None says that they are not."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bench.gpu.inputs import meta_batch
from bench.gpu.setup import Setup
from bench.gpu.timing import seconds_of, steady_seconds
from bench.settings import INNER_LR, INNER_STEPS

EASYFSL = {  # episodes that are timed, of methods that take milliseconds or seconds for each
    **dict.fromkeys(("proto-net", "simple-shot", "bd-cspn", "laplacian-shot"), 200),
    "tim": 10,
    "fine-tune": 10,
    "pt-map": 3,
}


def tried(rate: Callable[[], float | None]) -> tuple[float | None, str]:
    """Ask for a peer's rate; one that cannot run here costs no row, and is told in a remark."""
    try:
        return rate(), ""
    except Exception as error:
        return None, f"; the peer failed: {type(error).__name__}: {error}"[:120]


@cache
def there(name: str) -> bool:
    """Whether a peer can be imported."""
    return find_spec(name) is not None


def said(name: str) -> str:
    """Say whether a peer was there, for the report."""
    return f"{name} {'was' if there(name) else 'was not'} installed"


def head_rate(name: str, embeddings: NDArray[np.float32], setup: Setup) -> float | None:
    """Episodes a second of easyfsl's evaluation, its sampler and loader included."""
    if name not in EASYFSL or not there("easyfsl"):
        return None
    theirs: Any = import_module("bench.theirs.easyfsl_heads")
    evaluate: Any = import_module("easyfsl.utils").evaluate
    features = torch.from_numpy(np.array(embeddings))
    method = theirs.build(name, features.to(setup.device)).to(setup.device)

    def run(n: int) -> None:
        loader = theirs.loader(features, n)
        evaluate(method, loader, device=str(setup.device), use_tqdm=False)

    run(2)
    n = setup.size(EASYFSL[name], 2)
    return n / seconds_of(lambda: run(n), setup.device)


def maml_rate(pixels: int, n_tasks: int, setup: Setup) -> float | None:
    """Tasks a second of learn2learn's second-order MAML, forward and backward."""
    if not there("learn2learn"):
        return None
    algorithms: Any = import_module("learn2learn").algorithms
    network = _conv4(pixels).to(setup.device)
    maml = algorithms.MAML(network, lr=INNER_LR, first_order=False)
    episode = meta_batch(pixels, setup.device, n_tasks)
    wanted = torch.arange(5, device=setup.device).repeat(episode.query.shape[1] // 5)
    batch = (episode.support, episode.support_labels, episode.query)

    def step() -> None:
        maml.zero_grad()
        for support, labels, query in zip(*batch, strict=True):
            learner = maml.clone()
            for _ in range(setup.size(INNER_STEPS, 1)):
                learner.adapt(F.cross_entropy(learner(support), labels))
            torch.autograd.backward(F.cross_entropy(learner(query), wanted) / n_tasks)

    return n_tasks / steady_seconds(step, setup.device, setup.toy)


def _conv4(pixels: int) -> Any:
    conv4: Any = import_module("bench.theirs.learn2learn_maml").conv4
    weights: list[torch.Tensor] = []
    for before in (3, 64, 64, 64):
        weights += [0.06 * torch.randn(64, before, 3, 3), torch.ones(64), torch.zeros(64)]
    width = 64 * (pixels >> 4) ** 2
    return conv4([*weights, torch.randn(5, width) / width**0.5, torch.zeros(5)])

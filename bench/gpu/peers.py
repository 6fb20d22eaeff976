"""The peers on the same device, where they are installed; None says that they are not."""

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bench.gpu.setup import Setup
from bench.gpu.timing import seconds_of, steady_seconds
from bench.settings import INNER_LR, INNER_STEPS

EASYFSL = {
    *("proto-net", "simple-shot", "bd-cspn", "laplacian-shot", "tim", "pt-map", "fine-tune"),
}


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
    from easyfsl.utils import evaluate  # type: ignore[import-not-found]

    from bench.theirs import easyfsl_heads

    features = torch.from_numpy(np.array(embeddings))
    method = easyfsl_heads.build(name, features.to(setup.device)).to(setup.device)

    def run(n: int) -> None:
        loader = easyfsl_heads.loader(features, n)
        evaluate(method, loader, device=str(setup.device), use_tqdm=False)

    run(2)
    n = setup.size(20 if name in ("tim", "pt-map", "fine-tune") else 200, 2)
    return n / seconds_of(lambda: run(n), setup.device)


def maml_rate(pixels: int, n_tasks: int, setup: Setup) -> float | None:
    """Tasks a second of learn2learn's second-order MAML, forward and backward."""
    if not there("learn2learn"):
        return None
    import learn2learn  # type: ignore[import-not-found]

    from bench.gpu.inputs import meta_batch

    network = _conv4(pixels).to(setup.device)
    maml = learn2learn.algorithms.MAML(network, lr=INNER_LR, first_order=False)
    episode = meta_batch(pixels, setup.device, n_tasks)
    wanted = torch.arange(5, device=setup.device).repeat(episode.query.shape[1] // 5)
    batch = (episode.support, episode.support_labels, episode.query)

    def step() -> None:
        maml.zero_grad()
        for support, labels, query in zip(*batch, strict=True):
            learner = maml.clone()
            for _ in range(setup.size(INNER_STEPS, 1)):
                learner.adapt(F.cross_entropy(learner(support), labels))
            (F.cross_entropy(learner(query), wanted) / n_tasks).backward()

    return n_tasks / steady_seconds(step, setup.device, setup.toy)


def _conv4(pixels: int) -> Any:
    from bench.theirs.learn2learn_maml import conv4

    weights: list[torch.Tensor] = []
    for before in (3, 64, 64, 64):
        weights += [0.06 * torch.randn(64, before, 3, 3), torch.ones(64), torch.zeros(64)]
    width = 64 * (pixels >> 4) ** 2
    return conv4([*weights, torch.randn(5, width) / width**0.5, torch.zeros(5)])

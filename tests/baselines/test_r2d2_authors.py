"""R2-D2 and LR-D2 as bertinetto/r2d2 computes them."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import methods
from tests.oracles import Identity, close, load_authors

BIAS = -0.3  # which the authors add to all classes, and we leave out


@pytest.mark.parametrize(("n_shot", "regulariser"), [(1, 50.0), (5, 1.5)])
@pytest.mark.parametrize("name", ["r2d2", "lr-d2"])
def test_logits_losses_and_gradients_are_the_authors(
    shared: Path, name: str, n_shot: int, regulariser: float
) -> None:
    data = load_authors(shared, f"{name.replace('-', '_')}_{n_shot}shot")
    kind = methods[name].recipe_type
    settings = {"regulariser": regulariser, "learn_regulariser": False, "scale": 12.5}
    method = methods[name](Identity(data["support"].shape[-1]), kind.model_validate(settings), 5)
    support = data["support"].requires_grad_()
    labels = data["support_labels"].expand(support.shape[:2])
    scores = method.double()(Episode(support, labels, data["query"], 5, embedded=True))
    close(scores, data["logits"] - (BIAS if name == "r2d2" else 0.0))
    losses = losses_of(scores, data["query_labels"])
    close(losses, data["losses"])
    (gradient,) = torch.autograd.grad(losses.sum(), support)
    close(gradient, data["grad_support"])


def losses_of(scores: Tensor, labels: Tensor) -> Tensor:
    labels = labels.expand(scores.shape[:2])
    each = F.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)

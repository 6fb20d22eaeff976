"""Images without content: whatever a method divides by, its scores stay numbers."""

from dataclasses import replace

import pytest
import torch

from fewshot_bench.episodes.episode import Episode
from tests.synthetic import make_method

NAMES = ["maml", "anil", "meta-sgd", "reptile", "leo", "tadam", "metaoptnet-svm", "metaoptnet-rr"]
NAMES += ["r2d2", "lr-d2", "meta-baseline", "feat"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_shot", [1, 5])
def test_constant_images_get_finite_scores(name: str, n_shot: int) -> None:
    """Of all zeros, whose embeddings are zero in part, and of one brightness."""
    labels = torch.arange(5).repeat(n_shot).expand(2, -1)
    images = torch.stack([torch.zeros(5 * n_shot, 1, 16, 16), torch.ones(5 * n_shot, 1, 16, 16)])
    episode = Episode(images.double(), labels, images[:, :5].double(), 5)
    method = make_method(name, n_shot)
    with torch.no_grad():
        assert method(episode).isfinite().all()
    method.train()
    labels = torch.arange(5).expand(2, -1)
    episode = replace(episode, classes=labels)
    torch.autograd.backward(method.loss(episode, labels))
    given = [weight.grad for weight in method.parameters() if weight.grad is not None]
    assert given
    assert all(gradient.isfinite().all() for gradient in given)

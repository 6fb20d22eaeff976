"""Soft k-means: the authors' own numbers; what a task's place and its shares do to it."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load_authors


def of_power(x: Tensor) -> Tensor:
    """What easy's preprocessing PE does before ME, which is ours (CL2N)."""
    return F.normalize(x.sqrt(), dim=-1)


@pytest.mark.parametrize("shot", [1, 5])
@pytest.mark.parametrize("steps", [1, 30])
@pytest.mark.parametrize("file", ["", "_peme", "_post_me"])
def test_the_assignment_is_the_authors(shared: Path, file: str, shot: int, steps: int) -> None:
    """Three ways to prepare embeddings; the last is that of the README, and our default."""
    data = load_authors(shared, f"soft_kmeans_{shot}shot{file}")
    if file == "_post_me":
        method = method_of("soft-k-means", 32, n_steps=steps)
    else:
        method = method_of(
            "soft-k-means", 32, n_steps=steps, transform="CL2N", centre=False, temperature=20
        )
    if file == "_peme":
        for key in ("support", "query", "param.base_features"):
            data[key] = of_power(data[key])
    base = data["param.base_features"].flatten(0, 1)
    method.see_base(base, torch.zeros(len(base), dtype=torch.int64))
    found = scores_of(method, embedded(data))
    key = "probabilities" if steps == 30 else "probabilities_first"
    close(found.softmax(-1), data[key])
    if steps == 30:
        assert torch.equal(found.argmax(-1), data["predictions"])


def test_where_the_task_lies_does_not_count() -> None:
    episode, method = embedded_tasks(1), method_of("soft-k-means", 12)
    moved = method.classify(episode.support + 3, episode.support_labels, episode.query + 3, 5)
    close(moved, scores_of(method, episode))


def test_a_class_may_have_most_of_the_queries() -> None:
    """Ten times as many of one class as of another are found where the classes are apart."""
    generator = torch.Generator().manual_seed(0)
    centres = 3 * torch.randn(3, 8, generator=generator, dtype=torch.float64)
    truth = torch.repeat_interleave(torch.arange(3), torch.tensor([20, 2, 8]))
    query = centres[truth] + torch.randn(30, 8, generator=generator, dtype=torch.float64)
    scores = method_of("soft-k-means", 8).classify(
        centres[None], torch.arange(3)[None], query[None], 3
    )
    assert (scores[0].argmax(-1) == truth).double().mean() > 0.95

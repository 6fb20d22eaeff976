"""BAVARDAGE: the authors' own numbers, more dimensions than images, and unknown shares."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fewshot_bench.baselines.bavardage import within_scatter
from torch import Tensor

from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load_authors

FOR_CUB = {"temperature": 4.0, "clip": 5.0}  # the release's settings


def make(dim: int, base: Tensor, labels: Tensor, **settings: Any) -> Any:
    method = method_of("bavardage", dim, **settings)
    method.see_base(base, labels)
    return method


@pytest.mark.parametrize("shot", [1, 5])
@pytest.mark.parametrize("balanced", [True, False])
def test_the_assignment_is_the_authors(shared: Path, shot: int, balanced: bool) -> None:
    """To 1e-6: the release adds an epsilon of float32 within its softmax."""
    data = load_authors(shared, f"bavardage_{shot}shot_{'' if balanced else 'un'}balanced")
    counts = data["param.base_counts"]
    labels = torch.repeat_interleave(torch.arange(len(counts)), counts)
    method = make(32, data["param.base_features"], labels, balanced=balanced, **FOR_CUB)
    found = scores_of(method, embedded(data))
    torch.testing.assert_close(found.softmax(-1), data["probabilities"], rtol=0, atol=1e-6)
    assert torch.equal(found.argmax(-1), data["predictions"])


@pytest.mark.parametrize("shot", [1, 5])
def test_directions_are_stretched_as_the_authors_do(shared: Path, shot: int) -> None:
    data = load_authors(shared, f"bavardage_{shot}shot_unbalanced")
    counts = data["param.base_counts"]
    labels = torch.repeat_interleave(torch.arange(len(counts)), counts)
    method = make(32, data["param.base_features"], labels, **FOR_CUB)
    # Points of unit length along all axes of the space, so that only the stretching is left.
    lengths = torch.linalg.svdvals(method.stretched(torch.eye(32, dtype=torch.float64)[None]))
    close(lengths.expand(4, -1), data["scaling"].sort(-1, descending=True).values)


def test_more_dimensions_than_images() -> None:
    """As the release goes about it: an SVD of the task, and the inverse of an inverse."""
    generator = torch.Generator().manual_seed(2)
    base = torch.rand(8, 30, 40, generator=generator, dtype=torch.float64)
    base = (base + torch.rand(8, 1, 40, generator=generator, dtype=torch.float64)).flatten(0, 1)
    labels = torch.arange(8).repeat_interleave(30)
    method = make(40, base, labels, clip=2.0)
    points = method.transform(torch.rand(3, 20, 40, generator=generator, dtype=torch.float64))
    found = method.stretched(points)
    scatter = within_scatter(method.transform(base), labels) + 1e-6 * torch.eye(40)
    for t in range(3):
        span = torch.linalg.svd(points[t].T, full_matrices=False).U
        spread, axes = torch.linalg.eigh(torch.linalg.inv(span.T @ scatter.inverse() @ span))
        expected = (points[t] @ span @ axes) * (spread**-0.5).clamp(max=2.0)
        close(found[t] @ found[t].T, expected @ expected.T)


def test_scatters_of_classes_count_alike_whatever_their_size() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0] * 4 + [1] * 8)
    centred = [x - x.mean(0) for x in (points[:4], points[4:])]
    first, second = (x.T @ x for x in centred)
    of_first, of_second = (s.square().sum().sqrt() for s in (first, second))
    shape = (first / of_first + second / of_second) / 2
    close(within_scatter(points, labels), shape * (of_first + of_second) / 2)


def test_shares_are_inferred_unless_known() -> None:
    """The larger a class was found to be, the more it attracts; not so where all are equal."""
    episode = embedded_tasks(1, n_tasks=10)
    base = torch.rand(80, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.arange(8).repeat(10)
    shares = [
        scores_of(make(12, base, labels, balanced=known), episode).softmax(-1).mean(1).sort(-1)
        for known in (False, True)
    ]
    assert (shares[0].values[:, -1] > shares[1].values[:, -1]).all()


def test_images_that_are_all_the_same() -> None:
    base = F.relu(torch.randn(80, 12, generator=torch.Generator().manual_seed(1)).double())
    method = make(12, base, torch.arange(8).repeat(10))
    support, query = base[:1].expand(5, 12)[None], base[:1].expand(7, 12)[None]
    scores = method.classify(
        method.transform(support), torch.arange(5)[None], method.transform(query), 5
    )
    assert torch.isfinite(scores).all()

"""Balanced affinities: the authors' own numbers, and what makes them balanced."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fewshot_bench.ops.balanced_affinities import balanced_affinities
from tests.oracles import close, load_authors


def cosines(points: Tensor) -> Tensor:
    points = F.normalize(points, dim=-1)
    return points @ points.transpose(1, 2)


def points_of(data: dict[str, Tensor]) -> Tensor:
    return torch.cat([data["support"], data["query"]], dim=1)


# The release stops a batch early: here after 3 rounds, and after 2 at the larger regulariser.
@pytest.mark.parametrize(
    ("file", "key", "labelled", "n_rounds"),
    [
        ("bpa_1shot_labels", "transformed", True, 3),
        ("bpa_5shot", "transformed_labels", True, 3),
        ("bpa_5shot", "transformed_nolabels", False, 3),
    ],
)
def test_the_transform_is_the_authors(
    shared: Path, file: str, key: str, labelled: bool, n_rounds: int
) -> None:
    data = load_authors(shared, file)
    labels = data["support_labels"] if labelled else None
    close(balanced_affinities(cosines(points_of(data)), 0.1, n_rounds, labels), data[key])


def test_a_task_alone_takes_all_rounds_in_the_release_too(shared: Path) -> None:
    data = load_authors(shared, "bpa_5shot")
    found = balanced_affinities(
        cosines(points_of(data)[:1]), 0.1, 10, support_labels=data["support_labels"][:1]
    )
    close(found[0], data["transformed_single_task0"])


def test_another_regulariser(shared: Path) -> None:
    """Not divided by the largest in the file, whose marginals are float32: hence 1e-6."""
    data = load_authors(shared, "bpa_5shot")
    expected = data["transformed_reg02_noscale"].clone()
    expected.diagonal(dim1=1, dim2=2).zero_()
    expected = expected / expected.amax((1, 2), keepdim=True)
    expected.diagonal(dim1=1, dim2=2).fill_(1)
    found = balanced_affinities(cosines(points_of(data)), 0.2, 2)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_gradients_are_the_authors(shared: Path) -> None:
    data = load_authors(shared, "bpa_5shot")
    support = data["support"].requires_grad_()
    rows = balanced_affinities(cosines(torch.cat([support, data["query"]], dim=1)), 0.1, 3)
    torch.autograd.backward((rows * data["param.row_weights"][..., None]).sum())
    close(support.grad, data["grad_features"])


@given(st.integers(0, 1000), st.integers(3, 12), st.sampled_from([0.3, 1.0, 3.0]))
def test_every_image_gives_and_gets_as_much(seed: int, n: int, regulariser: float) -> None:
    points = torch.randn(
        2, n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    found = balanced_affinities(cosines(points), regulariser, 500)
    assert (found.diagonal(dim1=1, dim2=2) == 1).all()
    assert (found <= 1).all()
    others = found.masked_fill(torch.eye(n, dtype=torch.bool), 0)
    amount = others.sum(2).mean(1, keepdim=True)
    for given_or_got in (others.sum(1), others.sum(2)):
        torch.testing.assert_close(given_or_got, amount.expand(2, n), rtol=1e-3, atol=1e-6)


def test_images_that_are_all_the_same_have_the_same_affinities() -> None:
    assert (balanced_affinities(torch.zeros(1, 4, 4)) == 1).all()

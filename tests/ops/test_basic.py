"""Shared numerics against slow loops."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fewshot_bench.ops import basic as ops

shapes = st.tuples(st.integers(1, 3), st.integers(2, 4), st.integers(1, 3), st.integers(1, 6))


def draw(shape: tuple[int, int, int, int]) -> tuple[Tensor, Tensor, Tensor]:
    n_tasks, n_way, n_shot, dim = shape
    generator = torch.Generator().manual_seed(hash(shape) % 2**31)
    labels = torch.stack(
        [torch.randperm(n_way * n_shot, generator=generator) % n_way for _ in range(n_tasks)]
    )
    support = torch.randn(n_tasks, n_way * n_shot, dim, generator=generator, dtype=torch.float64)
    query = torch.randn(n_tasks, 7, dim, generator=generator, dtype=torch.float64)
    return support, labels, query


@given(shapes)
def test_prototypes_are_class_means(shape: tuple[int, int, int, int]) -> None:
    support, labels, _ = draw(shape)
    found = ops.prototypes(support, labels, shape[1])
    for t in range(shape[0]):
        for c in range(shape[1]):
            torch.testing.assert_close(found[t, c], support[t][labels[t] == c].mean(0))


@given(shapes)
def test_distances_and_cosines(shape: tuple[int, int, int, int]) -> None:
    support, _, query = draw(shape)
    torch.testing.assert_close(
        ops.squared_distances(query, support), torch.cdist(query, support).square()
    )
    expected = torch.cosine_similarity(query[:, :, None], support[:, None], dim=-1)
    torch.testing.assert_close(ops.cosine(query, support), expected)


def test_accuracy_counts_the_right_answers() -> None:
    answers, labels = torch.tensor([[0, 1, 2, 2]]), torch.tensor([[0, 1, 2, 3]])
    assert ops.accuracy(answers, labels).tolist() == [0.75]


@given(st.sampled_from([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 2.5, 12.0]))
def test_powers_by_squares(exponent: float) -> None:
    base = torch.linspace(0, 2, 9, dtype=torch.float64)
    torch.testing.assert_close(ops.power(base, exponent), base**exponent)

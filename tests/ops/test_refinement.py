"""Parts of a refinement against what they mean."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.ops.refinement import levelled, neighbours


@given(st.integers(0, 99), st.floats(0, 20))
def test_neighbours_are_others_and_sum_to_one(seed: int, sharpness: float) -> None:
    points = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(seed)).double()
    near = neighbours(points @ points.transpose(1, 2), torch.tensor(sharpness))
    assert near.diagonal(dim1=1, dim2=2).eq(0).all()
    torch.testing.assert_close(near.sum(1), torch.ones(2, 7).double())


@given(st.integers(0, 99))
def test_sizes_are_left_alone_or_made_equal(seed: int) -> None:
    logits = 2 * torch.randn(3, 4, 30, generator=torch.Generator().manual_seed(seed)).double()
    same = levelled(logits, torch.ones(3, 1, 1).double(), 5)
    torch.testing.assert_close(same, logits.log_softmax(1))
    equal = levelled(logits, torch.zeros(3, 1, 1).double(), 200).exp()
    torch.testing.assert_close(equal.mean(-1), torch.full((3, 4), 0.25).double(), atol=1e-4, rtol=0)
    half = levelled(logits, torch.full((3, 1, 1), 0.5).double(), 5).exp().mean(-1).std(1)
    assert (equal.mean(-1).std(1) <= half).all()
    assert (half <= same.exp().mean(-1).std(1)).all()

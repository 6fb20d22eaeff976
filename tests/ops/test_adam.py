"""Adam without the bookkeeping: the numbers of PyTorch's."""

import torch

from fewshot_bench.ops.adam import Adam


def test_weights_move_as_by_torchs_adam() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(5, 2, 3, 4, generator=generator)
    ours, theirs = torch.ones(2, 3, 4), torch.ones(2, 3, 4)
    mine, optimizer = Adam(ours, lr=0.1), torch.optim.Adam([theirs], lr=0.1, fused=True)
    for gradient in gradients:
        mine.step(gradient.clone())
        theirs.grad = gradient.clone()
        optimizer.step()
        assert torch.equal(ours, theirs)

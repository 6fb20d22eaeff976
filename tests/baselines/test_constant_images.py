"""Images that are all the same, or whose embeddings are zero, get finite scores and losses."""

from dataclasses import replace

import pytest
import torch

from tests.synthetic import make_method, make_tasks

COMPARING = (*("can", "ctm", "gnn", "matching-net", "proto-net", "relation-net", "snail", "tpn"),)


@pytest.mark.parametrize("name", COMPARING)
@pytest.mark.parametrize("n_shot", [1, 5])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_scores_of_constant_images_are_finite(name: str, n_shot: int, value: float) -> None:
    method, (episode, labels) = make_method(name, n_shot), make_tasks(2, n_shot, separable=True)
    episode = replace(
        episode,
        support=torch.full_like(episode.support, value),
        query=torch.full_like(episode.query, value),
        classes=torch.arange(5).expand(2, 5),
    )
    if value == 0:  # embeddings of zero: every norm subtracts more than there is
        for norm in method.backbone.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.bias.data.fill_(-1.0)
        assert not method.embed(episode.query[0]).any()
    with torch.no_grad():
        assert torch.isfinite(method(episode)).all()
    loss = method.train().loss(episode, labels)
    torch.autograd.backward(loss)
    for key, weight in method.named_parameters():
        assert weight.grad is None or torch.isfinite(weight.grad).all(), key

"""UNEM: the authors' own numbers, what it is without its rewards, and that it learns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from fewshot_bench.episodes.episode import Episode
from tests.baselines.made_up import embedded_tasks, method_of, scores_of
from tests.oracles import close, embedded, load_authors


def make(dim: int, **settings: Any) -> Any:
    return method_of("unem", dim, **{"transform": "UN", **settings})


@pytest.mark.parametrize("file", ["1shot", "1shot_unit", "5shot", "5shot_unit"])
def test_probabilities_loss_and_gradients_are_the_authors(shared: Path, file: str) -> None:
    data = load_authors(shared, f"unem_gaussian_{file}")
    method, episode = make(data["support"].shape[-1]), embedded(data)
    learned = {"t1": method.scale, "gamma": method.reward, "t2": method.temperature}
    for key, weight in learned.items():
        weight.data.copy_(data[f"param.{key}"])
    scores = method(episode)
    close(scores.softmax(-1), data["probabilities"])
    assert torch.equal(scores.argmax(-1), data["predictions"])
    loss = method.loss(episode, data["query_labels"])
    close(loss, data["loss"])
    torch.autograd.backward(loss)
    for key, weight in learned.items():
        close(weight.grad, data[f"grad.{key}"])


def test_without_rewards_it_is_soft_k_means() -> None:
    episode = embedded_tasks(2)
    method = make(12)
    method.reward.data.fill_(-100)  # a softplus makes 1e-44 of it
    factor = F.softplus(method.scale).square() / (1 + F.softplus(method.temperature[0])) / 2
    other = method_of("soft-k-means", 12, temperature=factor.item(), n_steps=10, centre=False)
    close(scores_of(method, episode), scores_of(other, episode))


def test_a_large_reward_leaves_fewer_classes() -> None:
    episode, method = embedded_tasks(1, n_tasks=20), make(12)

    def classes_used() -> float:
        shares = scores_of(method, episode).softmax(-1).mean(1)
        return float(torch.special.entr(shares.detach()).sum(-1).exp().mean())

    before = classes_used()
    method.reward.data.fill_(30)
    assert classes_used() < 0.6 * before


@pytest.mark.parametrize("loss", ["probabilities", "logits"])
def test_it_learns(loss: str) -> None:
    """From embeddings so short that all queries get nearly the same logits at the start."""
    method = make(12, loss=loss)
    labels = torch.arange(5).repeat_interleave(6).expand(30, -1)

    def tasks(seed: int) -> Episode:
        e = embedded_tasks(1, n_tasks=30, seed=seed)
        return replace(e, support=e.support / 10, query=e.query / 10)

    optimizer = torch.optim.Adam(method.parameters(), lr=0.1)
    with torch.no_grad():
        before = method.loss(tasks(99), labels)
    for seed in range(30):
        optimizer.zero_grad()
        torch.autograd.backward(method.loss(tasks(seed), labels))
        optimizer.step()
    with torch.no_grad():
        assert method.loss(tasks(99), labels) < before - 0.02
        assert F.softplus(method.scale) > 3

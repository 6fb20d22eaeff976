"""Matching networks against one query at a time, and LSTM gates written out."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewshot_bench.episodes.episode import Episode
from fewshot_bench.method import Method
from tests.baselines.made_up import embedded_tasks, method_of
from tests.oracles import close

DIM = 6


def make(**settings: Any) -> Method:
    torch.manual_seed(0)
    return method_of("matching-net", DIM, **settings)


def attend(query: Tensor, support: Tensor, labels: Tensor, scale: float) -> Tensor:
    """Class probabilities of one query, image by image."""
    weights = []
    for image in support:
        cosine = query @ image / ((query @ query) * (image @ image)).sqrt()
        weights.append(math.exp(scale * cosine.item()))
    sums = [sum(w for w, c in zip(weights, labels, strict=True) if c == k) for k in range(5)]
    return torch.tensor(sums, dtype=torch.float64) / sum(weights)


def step(cell: nn.Module, end: str, item: Tensor, hidden: Tensor, memory: Tensor) -> list[Tensor]:
    """One step of an LSTM: gates of input, forgetting, content and output."""
    w_in, w_hidden, b_in, b_hidden = (
        cell.get_parameter(f"{kind}_{part}{end}")
        for kind in ("weight", "bias")
        for part in ("ih", "hh")
    )
    gates = (w_in @ item + b_in + w_hidden @ hidden + b_hidden).chunk(4)
    memory = gates[1].sigmoid() * memory + gates[0].sigmoid() * gates[2].tanh()
    return [gates[3].sigmoid() * memory.tanh(), memory]


def walk(cell: nn.Module, end: str, items: list[Tensor]) -> list[Tensor]:
    hidden = memory = torch.zeros(DIM, dtype=torch.float64)
    outputs = []
    for item in items:
        hidden, memory = step(cell, end, item, hidden, memory)
        outputs.append(hidden)
    return outputs


def in_context(method: Method, support: Tensor, query: Tensor, reads: int) -> tuple[Tensor, Tensor]:
    """Full context embeddings of one task and one query [Ravi & Larochelle, FCE-embedding.lua].

    The query's LSTM has no state to begin with, and first reads the mean of the support.
    """
    lstm = method.get_submodule("of_support.lstm")
    forth = walk(lstm, "_l0", list(support))
    back = walk(lstm, "_l0_reverse", list(support.flip(0)))[::-1]
    support = torch.stack([sum(parts) for parts in zip(support, forth, back, strict=True)])  # type: ignore[misc]
    cell = method.get_submodule("of_query.cell")
    hidden = memory = torch.zeros_like(query)
    read = support.mean(0)
    for _ in range(reads):
        output, memory = step(cell, "", torch.cat([query, read]), hidden, memory)
        hidden = output + query
        read = torch.stack([hidden @ image for image in support]).softmax(0) @ support
    return support, hidden


@pytest.mark.parametrize("scale", [None, 7.0])
@pytest.mark.parametrize("n_shot", [1, 5])
def test_labels_are_summed_with_attention(n_shot: int, scale: float | None) -> None:
    episode = embedded_tasks(n_shot, dim=DIM)
    probabilities = make(scale=scale)(episode).softmax(-1)
    for task in range(3):
        support, labels = episode.support[task], episode.support_labels[task]
        for query, ours in zip(episode.query[task], probabilities[task], strict=True):
            close(ours, attend(query, support, labels, scale or 1.0))


@pytest.mark.parametrize("reads", [1, 3])
def test_full_context_embeddings_are_the_papers(reads: int) -> None:
    method, episode = make(context=True, context_steps=reads), embedded_tasks(2, dim=DIM)
    probabilities = method(episode).softmax(-1)
    for task, query in [(0, 0), (2, 5)]:
        support, embedded = in_context(
            method, episode.support[task], episode.query[task, query], reads
        )
        expected = attend(embedded, support, episode.support_labels[task], 10.0)
        close(probabilities[task, query], expected)


def test_context_makes_the_order_of_the_support_count() -> None:
    method, episode = make(context=True), embedded_tasks(2, dim=DIM)
    turned = Episode(
        episode.support.flip(1), episode.support_labels.flip(1), episode.query, 5, embedded=True
    )
    assert not torch.allclose(method(turned), method(episode))
    assert (method.support_symmetric, make().support_symmetric) == (False, True)

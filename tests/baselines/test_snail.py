"""SNAIL against the sequence of one query at a time, by torch's convolution and slow attention."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method
from tests.baselines.made_up import embedded_tasks, method_of, stir_norms
from tests.oracles import close


def make(n_way: int = 3, max_shot: int = 2) -> Method:
    torch.manual_seed(0)
    method = method_of("snail", 12, n_way, embedding_width=6, filters=4, max_shot=max_shot)
    stir_norms(method)
    return method


def convolve(block: nn.Module, items: Tensor) -> Tensor:
    """Items ``[N, F]`` through a dense block of dilated convolutions."""
    for power, layer in enumerate(block.get_submodule("layers").children()):
        dilation = 2**power
        kernel = torch.stack(layer.get_parameter("weight").chunk(2, 1), dim=-1)
        padded = F.pad(items.T[None], (dilation, 0))
        both = F.conv1d(padded, kernel, layer.get_parameter("bias"), dilation=dilation)[0]
        made, gate = both.chunk(2)
        items = torch.cat([items, (made.tanh() * gate.sigmoid()).T], dim=1)
    return items


def attend(block: nn.Module, items: Tensor) -> Tensor:
    """Items ``[N, F]``, each with what it reads from the past and itself."""
    size = block.get_submodule("linear").get_parameter("bias").numel() * 2 // 5
    mapped = block.get_submodule("linear")(items)
    queries, keys, values = mapped[:, :size], mapped[:, size : 2 * size], mapped[:, 2 * size :]
    reads = []
    for place, query in enumerate(queries):
        seen = [math.exp(float(query @ key) / math.sqrt(size)) for key in keys[: place + 1]]
        pairs = zip(seen, values[: place + 1], strict=True)
        reads.append(torch.stack([weight * value for weight, value in pairs]).sum(0) / sum(seen))
    return torch.cat([items, torch.stack(reads)], dim=1)


def answer(method: Method, support: Tensor, labels: Tensor, query: Tensor, n_way: int) -> Tensor:
    embedded = method.get_submodule("embedding")(torch.cat([support, query[None]]))
    known = torch.eye(n_way, dtype=torch.float64)[labels]
    items = torch.cat([embedded, F.pad(known, (0, 0, 0, 1))], dim=1)
    for k in range(3):
        items = attend(method.get_submodule(f"attentions.{k}"), items)
        if k < 2:
            items = convolve(method.get_submodule(f"convolutions.{k}"), items)
    scores: Tensor = method.get_submodule("answer")(items[-1])
    return scores


@pytest.mark.parametrize(("n_way", "n_shot"), [(3, 1), (3, 2), (2, 5)])
def test_queries_side_by_side_are_sequences_of_their_own(n_way: int, n_shot: int) -> None:
    method = make(n_way)
    episode = embedded_tasks(n_shot, n_tasks=2, n_way=n_way, n_query=2)
    scores = method(episode)
    for task in range(2):
        support, labels = episode.support[task], episode.support_labels[task]
        for query, ours in zip(episode.query[task], scores[task], strict=True):
            close(ours, answer(method, support, labels, query, n_way))


@pytest.mark.parametrize("part", ["convolutions", "attentions"])
def test_an_item_depends_on_all_before_it_and_on_none_behind(part: str) -> None:
    """With 7 items, the 3 convolutions of `max_shot` 2 reach over the whole sequence."""
    method, places = make(), torch.arange(7)
    block = method.get_submodule(f"{part}.0")
    second = places if part == "convolutions" else places <= places[:, None]
    items = torch.randn(1, 7, 9 if part == "attentions" else 10, dtype=torch.float64)
    items.requires_grad_()
    for place, output in enumerate(block(items, second)[0].sum(-1)):
        (slope,) = torch.autograd.grad(output, items, retain_graph=True)
        assert torch.equal(slope[0].abs().sum(-1) > 0, places <= place)


@pytest.mark.parametrize(("max_shot", "n_layers"), [(1, 2), (2, 3), (5, 4)])
def test_the_convolutions_span_the_longest_sequence(max_shot: int, n_layers: int) -> None:
    layers = make(3, max_shot).get_submodule("convolutions.0.layers")
    assert len(list(layers.children())) == n_layers == math.ceil(math.log2(3 * max_shot + 1))


def test_another_way_is_refused() -> None:
    with pytest.raises(UsageError, match="3 ways, not 5"):
        make(3)(embedded_tasks(1, n_way=5))

"""GNN against the whole graph of one query, every ordered pair of nodes apart."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.bases import graph_nets
from fewshot_bench.bases.graph_nets import FoldedEdgeNet
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method
from tests.baselines.made_up import embedded_tasks, method_of, stir_norms
from tests.oracles import close


def make(n_way: int = 3, **settings: object) -> Method:
    torch.manual_seed(0)
    small = {"embedding_width": 7, "edge_width": 4, **settings}
    method = method_of("gnn", 12, n_way, **small)
    stir_norms(method)
    return method


def adjacency(edges: nn.Module, nodes: Tensor) -> Tensor:
    """Softmax over the other nodes, as the release does it: the node itself loses 1e8."""
    rows = []
    for i, here in enumerate(nodes):
        logits = [edges.get_submodule("layers")((here - there).abs()[None]) for there in nodes]
        logits[i] = logits[i] - 1e8
        rows.append(torch.cat(logits).flatten().softmax(0))
    return torch.stack(rows)


def answer(method: Method, support: Tensor, labels: Tensor, query: Tensor, n_way: int) -> Tensor:
    embedded = method.get_submodule("embedding")(torch.cat([query[None], support]))
    known = torch.eye(n_way, dtype=torch.float64)[labels]
    unknown = torch.full((1, n_way), 1 / n_way, dtype=torch.float64)
    nodes = torch.cat([embedded, torch.cat([unknown, known])], dim=1)
    for layer in method.get_submodule("layers").children():
        weights = adjacency(layer.get_submodule("edges"), nodes)
        new = layer.get_submodule("linear")(torch.cat([nodes, weights @ nodes], dim=1))
        nodes = torch.cat([nodes, F.leaky_relu(layer.get_submodule("norm")(new))], dim=1)
    weights = adjacency(method.get_submodule("last_edges"), nodes)
    scores: Tensor = method.get_submodule("answer")(torch.cat([nodes, weights @ nodes], dim=1))
    return scores[0]


@pytest.mark.parametrize(("n_way", "n_shot", "n_layers"), [(3, 1, 2), (2, 3, 2), (3, 2, 0)])
def test_half_the_pairs_make_the_same_graph(n_way: int, n_shot: int, n_layers: int) -> None:
    method = make(n_way, n_layers=n_layers)
    episode = embedded_tasks(n_shot, n_tasks=2, n_way=n_way, n_query=2)
    scores = method(episode)
    for task in range(2):
        support, labels = episode.support[task], episode.support_labels[task]
        for query, ours in zip(episode.query[task], scores[task], strict=True):
            close(ours, answer(method, support, labels, query, n_way))


def test_chunks_do_not_change_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 18 queries of a task, two at a time: their graphs have 15 pairs of the support each."""
    method, episode = make(), embedded_tasks(2, n_way=3)
    whole = method(episode)
    sizes: list[int] = []
    of_edges = FoldedEdgeNet.rest

    def rest(edges: FoldedEdgeNet, hidden: Tensor) -> Tensor:
        sizes.append(hidden[..., 0].numel())
        return of_edges(edges, hidden)

    monkeypatch.setattr(FoldedEdgeNet, "rest", rest)
    monkeypatch.setattr(graph_nets, "PAIRS_PER_CHUNK", 30)
    close(method(episode), whole)
    first, second, last = [15, 108], 9 * [30] + [108], [108]
    assert sizes == 3 * [*first, *second, *last]


def test_an_edge_of_the_training_is_seen_once() -> None:
    """Batch norm's statistics are of unordered pairs; those of the support of a task come once."""
    method, episode = make().train(), embedded_tasks(2, n_tasks=2, n_way=3, n_query=1)
    seen: list[int] = []
    for name in ("layers.0.edges", "layers.1.edges", "last_edges"):
        method.get_submodule(f"{name}.layers").register_forward_pre_hook(
            lambda _, inputs: seen.append(len(inputs[0]))
        )
    method(episode)
    within, across, queries = 15, 6, 3
    assert seen == [
        2 * (within + queries * across),
        2 * queries * (within + across),
        2 * queries * across,
    ]


def test_another_way_is_refused() -> None:
    with pytest.raises(UsageError, match="3 ways, not 5"):
        make(3)(embedded_tasks(1, n_way=5))

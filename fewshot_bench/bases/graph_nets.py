"""Networks of a graph whose edges are learned: in training, and faster in evaluation."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fewshot_bench.ops.folded_norms import fold_norm

# Pairs of nodes that go through a network of edges at once in evaluation: some stay in a cache.
PAIRS_PER_CHUNK = 3_000


class EdgeNet(nn.Module):
    """Maps the absolute difference of two nodes ``[..., F]`` to the logit of their edge."""

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((n_features, 2 * width, 2 * width, width, width)):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.LeakyReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))

    def forward(self, *differences: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of several groups of pairs, which share batch-norm statistics."""
        rows = torch.cat([group.flatten(0, -2) for group in differences])
        logits = self.layers(rows).squeeze(-1)
        parts = torch.split(logits, [group[..., 0].numel() for group in differences])
        return tuple(x.view(g.shape[:-1]) for x, g in zip(parts, differences, strict=True))

    def folded(self) -> "FoldedEdgeNet":
        """Return what this is in evaluation."""
        *linears, last = (layer for layer in self.layers if isinstance(layer, nn.Linear))
        norms = (layer for layer in self.layers if isinstance(layer, nn.BatchNorm1d))
        layers = [fold_norm(*pair) for pair in zip(linears, norms, strict=True)]
        return FoldedEdgeNet([*layers, (last.weight, last.bias)])


@dataclass(frozen=True)
class FoldedEdgeNet:
    """An `EdgeNet` in evaluation, whose batch norms are part of its linear layers.

    Attributes:
        layers: weights and bias of each linear layer.
    """

    layers: list[tuple[Tensor, Tensor]]

    def __call__(self, differences: Tensor) -> Tensor:
        """Map ``[..., F]`` to logits ``[...]``."""
        weight, bias = self.layers[0]
        return self.rest(F.linear(differences, weight).add_(bias))

    def within(self, support: Tensor, n_shared: int) -> Tensor:
        """Logits ``[T, Q or 1, P]`` of the edges between all P pairs of ``[T, Q or 1, S, F]``.

        The first features do not differ between queries: what the first layer makes of them is
        computed once.
        """
        weight, bias = self.layers[0]
        nodes = support.permute(2, 0, 1, 3)  # those of all queries are picked as one row
        shared = F.linear(apart(nodes[:, :, :1, :n_shared], 0), weight[:, :n_shared], bias)
        chunk = max(1, PAIRS_PER_CHUNK // shared[..., 0].numel())
        own = torch.split(nodes[..., n_shared:], chunk, 2)
        differences = (apart(part.contiguous(), 0) for part in own)
        hidden = (F.linear(part, weight[:, n_shared:]).add_(shared) for part in differences)
        return torch.cat([self.rest(part) for part in hidden], dim=2).permute(1, 2, 0)

    def rest(self, hidden: Tensor) -> Tensor:
        """Go on after the first linear layer, whose output ``[..., 2 * width]`` is changed."""
        for weight, bias in self.layers[1:]:
            # Faster than with the bias, which would be copied to where the product goes.
            hidden = F.linear(F.leaky_relu_(hidden), weight).add_(bias)
        return hidden.squeeze(-1)


def apart(nodes: Tensor, dim: int) -> Tensor:
    """Absolute differences of all pairs of nodes, which lie along a dimension."""
    n = nodes.shape[dim]
    i, j = torch.triu_indices(n, n, 1, device=nodes.device)
    return (nodes.index_select(dim, i) - nodes.index_select(dim, j)).abs()


class GraphLayer(nn.Module):
    """Learns edges, averages neighbours by them, and joins what it makes of it to the nodes."""

    def __init__(self, n_features: int, edge_width: int) -> None:
        super().__init__()
        self.edges = EdgeNet(n_features, edge_width)
        self.linear = nn.Linear(2 * n_features, edge_width // 2)
        self.norm = nn.BatchNorm1d(edge_width // 2)

    def forward(
        self, support: Tensor, query: Tensor, edges: FoldedEdgeNet | None, n_shared: int
    ) -> tuple[Tensor, Tensor]:
        """Map ``[T, Q or 1, S, F]`` and ``[T, Q, 1, F]`` to ``[T, Q, ., F + width / 2]``.

        Args:
            support: nodes; where all queries see the same, as in the first layer, once for all.
            query: nodes.
            edges: the network of the edges in evaluation.
            n_shared: the first features of the support, the same in the graphs of all queries.
        """
        across = (support - query).abs()
        if edges is None:
            logits = self.edges(apart(support, 2), across)
        else:
            logits = edges.within(support, n_shared), edges(across)
        nodes = torch.cat([support.expand(-1, query.shape[1], -1, -1), query], dim=2)
        read = adjacency(*logits) @ nodes
        new = self.linear(torch.cat([nodes, read], dim=-1))
        new = F.leaky_relu(self.norm(new.flatten(0, 2)).view_as(new))
        nodes = torch.cat([nodes, new], dim=-1)
        return nodes[:, :, :-1], nodes[:, :, -1:]


def adjacency(within: Tensor, across: Tensor) -> Tensor:
    """Weights ``[T, Q, S + 1, S + 1]`` of all neighbours, the query last; rows sum to 1.

    An edge has no direction: half of the pairs are enough.

    Args:
        within: logits of the edges of the support, ``[T, Q or 1, P]``.
        across: of those to the query, ``[T, Q, S]``.
    """
    n = across.shape[-1]
    i, j = torch.triu_indices(n, n, 1, device=across.device)
    logits = across.new_full((*across.shape[:2], n + 1, n + 1), -torch.inf)
    logits[..., i, j] = logits[..., j, i] = within.expand(-1, across.shape[1], -1)
    logits[..., :n, n] = logits[..., n, :n] = across
    return logits.softmax(-1)

"""Small networks that look at an assignment of queries to classes, and say how to go on.

Their weights are shared by classes, queries and tasks, so that they serve any number of each, and
what they say does not depend on an order. An assignment is ``[T, W, Q]``: tasks, classes, queries.
"""

import torch
from torch import Tensor, nn


class GradientNet(nn.Module):
    """Infers, for each query and class, the gradient of a loss whose labels nobody has.

    SIB's idea (Hu et al. 2020, section 3.3): a network in place of the gradient. Theirs reads the
    logits of a query, and its layers fix the number of classes. This one reads six facts of each
    pair of query and class, their mean over classes, and what the query's neighbours have there.

    Args:
        width: of both hidden layers.
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first, self.own = nn.Linear(6, width), nn.Linear(width, width)
        self.of_classes = nn.Linear(width, width, bias=False)
        self.of_neighbours = nn.Linear(width, width, bias=False)
        self.last = _silent(nn.Linear(width, 1))

    def forward(self, logits: Tensor, before: Tensor, votes: Tensor, near: Tensor) -> Tensor:
        """Return what is to be added to the logits, ``[T, W, Q]``.

        Args:
            logits: of the queries, ``[T, W, Q]``.
            before: the assignment of the step before, likewise.
            votes: what the queries' neighbours say, likewise; 1 if they say nothing.
            near: how near each query is to each other one, ``[T, Q, Q]``; rows sum to at most 1.
        """
        hidden = self.first(self._facts(logits, before, votes)).relu()
        # Queries first, so that all classes' neighbours are asked in one product of matrices.
        around = self.of_neighbours((near @ hidden.flatten(2)).view_as(hidden))
        around = around + self.of_classes(hidden.mean(2, keepdim=True))
        hidden = hidden + (self.own(hidden) + around).relu()
        inferred: Tensor = self.last(hidden).squeeze(-1)
        return inferred.transpose(1, 2)

    @staticmethod
    def _facts(logits: Tensor, before: Tensor, votes: Tensor) -> Tensor:
        """What is known of each pair of query and class, ``[T, Q, W, 6]``, of the order of 1."""
        now = logits.softmax(1)
        sizes = logits.shape[1] * now.mean(2, keepdim=True)
        confidence = now.amax(1, keepdim=True)
        facts = (logits - logits.mean(1, keepdim=True), now, before, votes / 3, sizes, confidence)
        pairs = [fact.expand_as(logits).transpose(1, 2) for fact in facts]
        return torch.stack(pairs, dim=-1)


class TrustNet(nn.Module):
    """Infers how far the sizes of classes, as they are found, are to be believed.

    Args:
        n_answers: how many assignments of a refinement it judges, each in its own way.
        width: of its hidden layers.
    """

    def __init__(self, n_answers: int, width: int = 16) -> None:
        super().__init__()
        self.of_class = nn.Linear(2, width)
        self.hidden = nn.Linear(width + 3, width)
        self.last = _silent(nn.Linear(width, n_answers))

    def forward(self, assigned: Tensor, step: int) -> Tensor:
        """Return exponents of the class sizes ``[T, 1, 1]`` in [0, 1].

        At 0 all classes are to be equally large; at 1 they stay as large as they are.

        Args:
            assigned: probabilities, ``[T, W, Q]``.
            step: which assignment of the refinement it is.
        """
        n_way = assigned.shape[1]
        sizes = n_way * assigned.mean(-1)  # 1 if queries are balanced
        classes = torch.stack([sizes, sizes.clamp(min=1e-6).log()], dim=-1)
        confidence = assigned.amax(1)
        spread, ways = confidence.std(1, correction=0), torch.full_like(sizes[:, 0], n_way).log()
        task = torch.stack([confidence.mean(1), spread, ways], dim=1)
        pooled = self.of_class(classes).relu().mean(1)
        hidden = self.hidden(torch.cat([pooled, task], dim=1)).relu()
        exponents: Tensor = self.last(hidden)[:, step, None, None].sigmoid()
        return exponents


def _silent(layer: nn.Linear) -> nn.Linear:
    """Have a layer say nothing before it has learned."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer

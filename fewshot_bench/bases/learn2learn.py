"""What learn2learn offers, as methods: the bases of method files of ten lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.bases.inner_loop import InnerLoopMethod
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method
from fewshot_bench.paper import Paper
from fewshot_bench.utilities.optional import import_extra

LEARN2LEARN = Paper(
    "learn2learn: A Library for Meta-Learning Research",
    "Arnold et al.",
    "arXiv",
    2020,
    "https://arxiv.org/abs/2008.12284",
)


def learn2learn() -> ModuleType:
    """Import the library.

    Raises:
        UsageError: it is not installed.
    """
    return import_extra("learn2learn", "methods of learn2learn")


class Learn2LearnAlgorithm(InnerLoopMethod):
    """Adapts by an algorithm of learn2learn: what is cloned, called, and adapted to a loss.

    Write `algorithm`. The network, its batch norm and the loss of the inner loop are those of
    `InnerLoopMethod`; only how the weights move is learn2learn's. Weights that the algorithm has
    of its own belong to the method, which hands them over.
    """

    paper = LEARN2LEARN

    def algorithm(self, algorithms: ModuleType) -> Any:
        """Wrap `network` in an algorithm of ``learn2learn.algorithms``."""
        raise TypeError(f"{type(self).__name__} does not define algorithm")

    def _solve(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        plain = {} if self.training else {"first_order": True}  # nobody wants second derivatives
        with torch.enable_grad():
            learner = self.algorithm(learn2learn().algorithms).clone()
            for _ in range(self.n_steps):
                learner.adapt(F.cross_entropy(learner(support), labels), **plain)
            logits: Tensor = learner(query)
        return logits if self.training else logits.detach()


class Learn2LearnClassifier(Method):
    """Fits a classifier of learn2learn to the embeddings of each task's support.

    Write `classifier`.
    """

    setting = "inductive"
    paper = LEARN2LEARN

    def classifier(self, learn2learn_nn: ModuleType) -> Any:
        """Make a classifier of ``learn2learn.nn`` that is not fitted yet."""
        raise TypeError(f"{type(self).__name__} does not define classifier")

    def classify(
        self, support: Tensor, support_labels: Tensor, query: Tensor, n_way: int
    ) -> Tensor:
        """Fit and ask task by task, ``[T, Q, n_way]``; see `Method.classify`."""
        nn = learn2learn().nn
        scores = []
        with _constants_of(support.dtype):
            for images, labels, asked in zip(support, support_labels, query, strict=True):
                classifier = self.classifier(nn)
                classifier.fit_(images, labels)
                scores.append(classifier(asked))
        return torch.stack(scores)


@contextmanager
def _constants_of(dtype: torch.dtype) -> Iterator[None]:
    """Let new tensors have a type, as learn2learn's constants are new; float32 changes nothing."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def require_qpth() -> None:
    """Refuse to go on without the solver that learn2learn leaves quadratic programmes to.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec("qpth") is None:
        raise UsageError(
            "learn2learn solves this by qpth, which is not installed; install both with `make "
            "learn2learn`, or qpth alone with `pip install --no-deps --no-build-isolation qpth`"
        )

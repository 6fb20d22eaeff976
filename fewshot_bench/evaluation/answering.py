"""The answer to one task whose queries nobody has labelled: what goes in, and what comes out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.fitted import fitted
from fewshot_bench.episodes.episode import Episode
from fewshot_bench.evaluation.features import embed_rows
from fewshot_bench.evaluation.finite import require_finite_scores
from fewshot_bench.method import Method
from fewshot_bench.utilities.printing import printable

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 10_000  # of embeddings that an inductive method is asked at once
_IMAGES = 100


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers to all queries of a task.

    Attributes:
        queries: files, relative to the folder, or numbers of rows, ``[Q]``.
        classes: labels of the classes, sorted, ``[n_way]``.
        probabilities: softmax of the method's scores, float64 ``[Q, n_way]``; they are as sure
            as the method makes them, and calibrated only if it is.
        transductive: True if an answer depends on the other queries.
        remarks: what must be said of the input, a line each.
    """

    queries: tuple[str, ...] | tuple[int, ...]
    classes: NDArray[Any]
    probabilities: NDArray[np.float64]
    transductive: bool
    remarks: list[str] = field(default_factory=list)

    @property
    def labels(self) -> NDArray[Any]:
        """The most probable class of each query, ``[Q]``."""
        answers: NDArray[Any] = self.classes[self.probabilities.argmax(1)]
        return answers

    def frame(self) -> "pd.DataFrame":
        """A row a query: ``file`` or ``row``, ``class``, ``probability``, and ``p_CLASS`` each."""
        import pandas as pd

        of = "file" if isinstance(self.queries[0], str) else "row"
        queries = [printable(q) if isinstance(q, str) else q for q in self.queries]
        columns = {of: queries, "class": self.labels, "probability": self.probabilities.max(1)}
        of_each = {f"p_{c}": self.probabilities[:, i] for i, c in enumerate(self.classes.tolist())}
        return pd.DataFrame({**columns, **of_each})


@torch.no_grad()
def task_inputs(method: Method, parts: Iterable[ImageSplit], like: ImageSplit) -> Tensor:
    """Read what a method wants: embeddings ``[N, D]``, or images if it embeds each task anew.

    Args:
        method: in evaluation mode.
        parts: N images, in parts.
        like: what its network is made for, which they are made to fit.

    Raises:
        UsageError: they cannot be made to fit, or some embeddings are not finite.
    """
    fitting = (fitted(part, like) for part in parts)
    if method.adapts_backbone:
        return torch.cat([part.tensor(slice(None), method.device) for part in fitting])
    return torch.cat([method.transform(embed_rows(method, part)) for part in fitting])


@torch.no_grad()
def task_scores(
    method: Method,
    support: Tensor,
    support_labels: Tensor,
    query: Tensor,
    n_way: int,
    embedded: bool = False,
) -> Tensor:
    """Score the queries of one task: all together for a transductive method, else in parts.

    Args:
        method: in evaluation mode.
        support: ``[S, ...]``, images or embeddings.
        support_labels: int64 ``[S]``.
        query: ``[Q, ...]``.
        n_way: classes of the task.
        embedded: True if support and query are embedded and transformed already.

    Returns:
        float64 ``[Q, n_way]`` on the CPU; softmax makes them probabilities.

    Raises:
        UsageError: some are not finite; the first query that has such, and the method.
    """
    size = _IMAGES if query.ndim > 2 else _ROWS
    parts = [query] if method.setting == "transductive" else torch.split(query, size)
    shown, labels = support[None], support_labels[None]
    scores = [method(Episode(shown, labels, part[None], n_way, embedded))[0] for part in parts]
    return require_finite_scores(method, torch.cat(scores), what="query").double().cpu()

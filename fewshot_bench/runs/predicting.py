"""Using a method: the classes of images, or embeddings, that nobody has labelled."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.data.arrays import read_npz
from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.embeddings import GivenSplit, floats_of, matrix_of
from fewshot_bench.data.fitted import fitted
from fewshot_bench.data.task_images import TaskImages, asked_images, labelled_images
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.answering import task_scores
from fewshot_bench.evaluation.embeddings import (
    base_split,
    build_on_embeddings,
    recipe_for_embeddings,
)
from fewshot_bench.evaluation.features import embed_rows
from fewshot_bench.method import Method
from fewshot_bench.runs.ready_method import ready_method
from fewshot_bench.runs.task import Task
from fewshot_bench.utilities.files import printable

if TYPE_CHECKING:
    import pandas as pd


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


def predict(task: Task, device: torch.device) -> Predictions:
    """Answer the queries of a task, training the method first if that was not done.

    Raises:
        UsageError: the input is not what it should be, or the method cannot answer it.
    """
    if task.support.suffix == ".npz" or task.query.suffix == ".npz":
        return _predict_rows(task, device)
    with labelled_images(task.support) as (shown, names, labels), asked_images(task.query) as asked:
        n_shot = task.n_shot or len(labels) // len(names)
        method, like = ready_method(task, len(names), n_shot, device)
        support, query = (_inputs(method, images, like) for images in (shown, asked))
        placed = torch.from_numpy(labels).to(device)
        embedded = not method.adapts_backbone
        scores = task_scores(method, support, placed, query, len(names), embedded)
        remarks = shown.remarks() + asked.remarks()
        return _predictions(
            task.method, method, scores, np.asarray(names), tuple(asked.files), remarks
        )


@torch.no_grad()
def _inputs(method: Method, images: TaskImages, like: ImageSplit) -> torch.Tensor:
    """Read what a method wants: embeddings ``[N, D]``, or images if it embeds each task anew."""
    parts: Iterable[ImageSplit] = (fitted(part, like) for part in images.parts(like))
    if method.adapts_backbone:
        return torch.cat([part.tensor(slice(None), method.device) for part in parts])
    return torch.cat([method.transform(embed_rows(method, part)) for part in parts])


def _predict_rows(task: Task, device: torch.device) -> Predictions:
    """Answer embeddings; nothing is trained."""
    _refuse_training(task)
    given = read_npz(task.support, "X", "y")
    names = (f"X of {task.support}", f"y of {task.support}")
    shown = GivenSplit.of(given["X"], given["y"], "support", names)
    name = f"X of {task.query}"
    asked = floats_of(matrix_of(read_npz(task.query, "X")["X"], name), name)
    dim, n_way = shown.embeddings.shape[1], len(shown.classes)
    if asked.shape[1] != dim:
        raise UsageError(
            f"{task.query} has embeddings of length {asked.shape[1]}, and {task.support} of {dim}; "
            "give both of one network"
        )
    settings = dict(text.partition("=")[::2] for text in task.settings)
    recipe = recipe_for_embeddings(task.method, len(shown) // n_way, task.preset, settings)
    base = base_split(given.get("X_base"), given.get("y_base"))
    method = build_on_embeddings(task.method, dim, n_way, recipe, base, task.seed, device)
    support, labels, query = (
        torch.from_numpy(x).to(device) for x in (shown.embeddings, shown.labels, asked)
    )
    scores = task_scores(method, support, labels, query, n_way)
    return _predictions(task.method, method, scores, shown.classes, tuple(range(len(asked))), [])


def _refuse_training(task: Task) -> None:
    for option in ("train_dataset", "backbone", "weights"):
        if getattr(task, option) is not None:
            name = option.replace("_", "-")
            raise UsageError(f"embeddings are taken as they are; leave --{name} out")


def _predictions(
    name: str,
    method: Method,
    scores: torch.Tensor,
    classes: NDArray[Any],
    queries: tuple[str, ...] | tuple[int, ...],
    remarks: list[str],
) -> Predictions:
    transductive = method.setting == "transductive"
    if transductive:
        n = len(queries)
        remarks = [*remarks, f"{name} reads all {n} queries together: each answer depends on all"]
    probabilities = scores.softmax(1).numpy()
    return Predictions(queries, classes, probabilities, transductive, remarks)

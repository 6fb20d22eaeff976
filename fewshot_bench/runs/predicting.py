"""Using a method: the classes of images, or embeddings, that nobody has labelled."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_bench.data.arrays import read_npz
from fewshot_bench.data.embeddings import GivenSplit, floats_of, matrix_of
from fewshot_bench.data.task_images import asked_images, labelled_images
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.answering import Predictions, task_inputs, task_scores
from fewshot_bench.evaluation.embeddings import (
    base_split,
    build_on_embeddings,
    recipe_for_embeddings,
)
from fewshot_bench.method import Method
from fewshot_bench.runs.ready_method import ready_method
from fewshot_bench.runs.task import Task


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
        support, query = (task_inputs(method, x.parts(like), like) for x in (shown, asked))
        placed = torch.from_numpy(labels).to(device)
        embedded = not method.adapts_backbone
        scores = task_scores(method, support, placed, query, len(names), embedded)
        remarks = shown.remarks() + asked.remarks()
        return _predictions(
            task.method, method, scores, np.asarray(names), tuple(asked.files), remarks
        )


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

"""A method with all its weights in one file, which answers tasks wherever fewshot_bench is.

MLflow's pages and servers load it as a ``pyfunc``, see `_load_pyfunc`; MLflow itself is not needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from fewshot_bench.backbones.base import Backbone
from fewshot_bench.backbones.given_weights import bare_backbone
from fewshot_bench.backbones.precomputed import Precomputed
from fewshot_bench.config import RunConfig
from fewshot_bench.data.dataset import Dataset, ImageSplit
from fewshot_bench.data.embeddings import floats_of, matrix_of
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.answering import Predictions, task_inputs, task_scores
from fewshot_bench.method import Method, methods
from fewshot_bench.training.checkpoints import load_into
from fewshot_bench.utilities.tensors import load_tensors, save_tensors
from fewshot_bench.utilities.validation import first_of

if TYPE_CHECKING:
    import pandas as pd

FILE = "method.safetensors"
INPUTS = ("support", "support_labels", "query")
_FORM = 2  # made-up rows a base class, to give what a method keeps of them its form


class _Facts(BaseModel):
    """What the weights are of.

    Attributes:
        config: of the run.
        shape: ``(C, H, W)`` of the images that the network was trained on, ``(D,)`` of embeddings.
        mean, std: of these images, for each channel.
        n_base: base classes that the method has seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig
    shape: tuple[int, int, int] | tuple[int]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    n_base: int = 0


def save_portable(
    folder: Path, method: Method, config: RunConfig, training: Dataset
) -> tuple[int, ...]:
    """Write a method, ready for meta-test, into a folder.

    Args:
        folder: where `FILE` belongs.
        method: with all its weights.
        config: of its run.
        training: what it was trained on.

    Returns:
        Shape ``(C, H, W)`` of the images that its network is made for, ``(D,)`` of embeddings.
    """
    like = training.any_split
    facts: dict[str, Any] = {"config": config, "shape": like.rows.shape[1:]}
    if isinstance(like, ImageSplit):
        facts |= {"shape": like.image_shape, "mean": like.mean, "std": like.std}
    if method.uses_base:
        facts["n_base"] = len(training["train"].class_names)
    told = _Facts.model_validate(facts)
    save_tensors(folder / FILE, method.state_dict(), told.model_dump(mode="json"))
    return told.shape


@dataclass(frozen=True)
class PortableMethod:
    """A method that answers tasks.

    Attributes:
        method: in evaluation mode.
        config: of the run that it comes from.
        like: an empty split with the form of the images that it wants; None: embeddings.
    """

    method: Method
    config: RunConfig
    like: ImageSplit | None

    def predict(
        self, model_input: Mapping[str, Any], params: Mapping[str, Any] | None = None
    ) -> "pd.DataFrame":
        """Answer the queries of a task, of any number of classes that the method can do.

        Args:
            model_input: ``support`` and ``query``, uint8 images ``[S, H, W, C]`` and
                ``[Q, H, W, C]`` of any size (or embeddings ``[S, D]`` and ``[Q, D]``, if the method
                was measured on such), and ``support_labels``, int ``[S]``.
            params: not used; MLflow hands it over.

        Returns:
            A row a query: ``row``, ``class``, ``probability``, and ``p_LABEL`` of each label.

        Raises:
            UsageError: the input is not what it should be.
        """
        shown, labels, asked = _parts(model_input)
        classes, places = np.unique(labels, return_inverse=True)
        if len(classes) < 2 or len(labels) != len(shown):
            raise UsageError("give a label for each row of support, of at least 2 classes")
        support, query = (
            self._inputs(x, name) for x, name in ((shown, "support"), (asked, "query"))
        )
        embedded = self.like is not None and not self.method.adapts_backbone
        told = torch.from_numpy(places.astype(np.int64))
        scores = task_scores(self.method, support, told, query, len(classes), embedded)
        transductive = self.method.setting == "transductive"
        probabilities = scores.softmax(1).numpy()
        return Predictions(tuple(range(len(asked))), classes, probabilities, transductive).frame()

    def _inputs(self, values: NDArray[Any], name: str) -> torch.Tensor:
        if self.like is not None:
            return task_inputs(self.method, [_split(values, name, self.like)], self.like)
        rows = floats_of(matrix_of(values, name), name)
        if rows.shape[1] != self.method.embedding_dim:
            raise UsageError(f"{name} is to be embeddings of length {self.method.embedding_dim}")
        return torch.from_numpy(np.array(rows))


def load_portable(folder: Path) -> PortableMethod:
    """Load what `save_portable` wrote.

    Raises:
        UsageError: it is damaged, or its method or network is not installed.
    """
    path = folder / FILE
    tensors, told = load_tensors(path)
    try:
        facts = _Facts.model_validate(told)
    except ValidationError as error:
        raise UsageError(f"{path} is damaged ({first_of(error)}); log the run anew") from None
    with torch.random.fork_rng(devices=[]):  # what is drawn is not kept
        method = _built(facts)
    load_into(method, tensors, path)
    like = None if len(facts.shape) == 1 else _like(facts)
    return PortableMethod(method.eval(), facts.config, like)


def _load_pyfunc(path: str) -> PortableMethod:
    """Load what MLflow calls the data of a model; MLflow asks for this name."""
    return load_portable(Path(path))


def _built(facts: _Facts) -> Method:
    config, shape = facts.config, facts.shape
    kind = methods[config.method]
    backbone: Backbone
    if len(shape) == 1:
        backbone = Precomputed(*shape)
    else:
        backbone = bare_backbone(config.backbone, shape)
        backbone.set_normalisation(facts.mean, facts.std)
    method = kind(backbone, kind.recipe_type.model_validate(config.recipe), config.n_way)
    if facts.n_base:
        labels = torch.arange(facts.n_base).repeat(_FORM)
        method.see_base(torch.randn(len(labels), method.embedding_dim), labels)
    return method


def _like(facts: _Facts) -> ImageSplit:
    channels, *size = facts.shape
    images = np.zeros((0, *size, channels), np.uint8)
    return _images(images, "the model", facts.mean, facts.std)


def _split(values: NDArray[Any], name: str, like: ImageSplit) -> ImageSplit:
    """Take images that were handed over."""
    if values.dtype != np.uint8 or values.ndim != 4 or 0 in values.shape:
        raise UsageError(
            f"{name} is {values.dtype} {list(values.shape)}; give uint8 images [N, H, W, C]"
        )
    return _images(values, name, like.mean, like.std)


def _images(
    images: NDArray[np.uint8], name: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> ImageSplit:
    return ImageSplit(
        dataset=name,
        split="test",
        class_names=("",),
        class_counts=np.array([len(images)]),
        checksum="",
        images=images,
        mean=mean,
        std=std,
    )


def _parts(model_input: Mapping[str, Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Read a task.

    Raises:
        UsageError: something lacks, or has rows of different shapes.
    """
    for name in INPUTS:
        if not isinstance(model_input, Mapping) or name not in model_input:
            raise UsageError(f"the input lacks {name!r}; give a dictionary of {', '.join(INPUTS)}")
    try:
        support, labels, query = (np.asarray(model_input[name]) for name in INPUTS)
    except ValueError:
        raise UsageError("support and query each hold rows of one shape") from None
    if labels.ndim != 1:
        raise UsageError(f"support_labels are one a row, [S], not {list(labels.shape)}")
    return support, labels, query

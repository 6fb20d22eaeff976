"""What was measured, and everything known of the run that did it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, InstanceOf
from pydantic.json_schema import SkipJsonSchema

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.statistics.intervals import confidence95
from fewshot_bench.utilities.files import home, stable_hash

Setting = Literal["inductive", "transductive"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_YOUNGER = ("macro_f1", "calibration_error")  # fields of a result that stored ones may lack


@dataclass(frozen=True, eq=False)
class Answers:
    """Every single answer of an evaluation, episode by episode.

    Attributes:
        predictions: the answers, int64 ``[n_episodes, Q]`` in ``0 .. n_way - 1``.
        query_labels: what would have been right, likewise.
        query_indices: which rows of the data the queries were, int64 ``[n_episodes, Q]``.
        classes: which classes the labels of an episode stand for, ``[n_episodes, n_way]``: the
            labels that were given, or the names of a data set's classes.
        probabilities: of each answer, by the softmax of the scores, ``[n_episodes, Q]``.
    """

    predictions: NDArray[np.int64]
    query_labels: NDArray[np.int64]
    query_indices: NDArray[np.int64]
    classes: NDArray[Any]
    probabilities: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: "Sequence[Answers]") -> "Answers":
        """Put the answers of batches of episodes, at least one, together."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def coded(self) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Number the classes, for the functions of `fewshot_bench.statistics.metrics`.

        Returns:
            The C classes that occur, sorted; then of each query, as places in these, its class and
            the one that it was taken for, int64 ``[n_episodes, Q]``.
        """
        names, places = np.unique(self.classes, return_inverse=True)
        places = places.reshape(self.classes.shape)
        rows = (self.query_labels, self.predictions)
        true, predicted = (np.take_along_axis(places, labels, axis=1) for labels in rows)
        return names, true, predicted


class Result(BaseModel):
    """The outcome of one evaluation, as measured.

    Two results are equal if they measured the same; whether they keep their answers is no matter.

    Attributes:
        accuracies: fraction of right answers of each episode, in the order of the stream.
        setting: ``transductive`` if answers depend on the other queries of the episode.
        seconds: wall time of the evaluation, embedding included.
        episode_seconds: mean wall time of an episode, without embeddings that are shared.
        peak_memory_mb: largest resident memory of the process so far, with what copies of it took
            that shared the work, in 10^6 bytes (on a GPU, the largest memory allocated there
            during the evaluation).
        episode_digest: SHA-256 over the image indices and labels of all episodes.
        data_checksum: of the split.
        device: ``cpu``, ``cuda`` or ``mps``, with the device's name.
        versions: of fewshot_bench, torch, numpy and Python.
        macro_f1: of each episode, see `metrics.macro_f1`; None in results of earlier versions.
        calibration_error: of all queries together, see `metrics.expected_calibration_error`; None
            likewise.
        answers: on request, every single answer; never stored.

    Example:
        >>> import fewshot_bench as fsb
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> result = fsb.evaluate("logistic", X, y, n_episodes=100, predictions=True)
        >>> print(result)
        74.21 ± 1.78 % over 100 episodes, inductive
        >>> result.predictions.shape
        (100, 75)
        >>> right = result.predictions == result.query_labels
        >>> print(100 * right.mean())
        74.21
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracies: tuple[Share, ...] = Field(repr=False, min_length=1)
    setting: Setting
    seconds: Amount
    episode_seconds: Amount
    peak_memory_mb: Amount
    episode_digest: str
    data_checksum: str
    device: str
    versions: dict[str, str]
    macro_f1: tuple[Share, ...] | None = Field(default=None, repr=False)
    calibration_error: Share | None = None
    answers: SkipJsonSchema[InstanceOf[Answers] | None] = Field(None, exclude=True, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and self.model_dump() == other.model_dump()

    def __str__(self) -> str:
        n = len(self.accuracies)
        return f"{100 * self.mean:.2f} ± {100 * self.ci95:.2f} % over {n} episodes, {self.setting}"

    @property
    def mean(self) -> float:
        """Mean accuracy over episodes, in [0, 1]."""
        return float(np.mean(self.accuracies))

    @property
    def ci95(self) -> float:
        """Half-width of the 95 % interval over episodes, in [0, 1]."""
        return confidence95(self.accuracies)

    @property
    def macro_f1_mean(self) -> float | None:
        """Mean macro-F1 over episodes, in [0, 1]."""
        return None if self.macro_f1 is None else float(np.mean(self.macro_f1))

    @property
    def macro_f1_ci95(self) -> float | None:
        """Half-width of its 95 % interval over episodes, in [0, 1]."""
        return None if self.macro_f1 is None else confidence95(self.macro_f1)

    @property
    def predictions(self) -> NDArray[np.int64] | None:
        """Answers in ``0 .. n_way - 1``, int64 ``[n_episodes, Q]``; None unless asked for."""
        return None if self.answers is None else self.answers.predictions

    @property
    def query_labels(self) -> NDArray[np.int64] | None:
        """Right answers in ``0 .. n_way - 1``, int64 ``[n_episodes, Q]``; None likewise."""
        return None if self.answers is None else self.answers.query_labels

    @property
    def query_indices(self) -> NDArray[np.int64] | None:
        """Which rows of X, or images of the split, were asked, int64 ``[n_episodes, Q]``."""
        return None if self.answers is None else self.answers.query_indices

    @property
    def classes(self) -> NDArray[Any] | None:
        """Which classes ``0 .. n_way - 1`` stand for, ``[n_episodes, n_way]``."""
        return None if self.answers is None else self.answers.classes


class CurvePoint(BaseModel):
    """One value of a training curve, such as ``pretrain_loss`` at step 600."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    name: str
    step: int
    value: float


class RunRecord(BaseModel):
    """Everything known of one finished run: what was asked, how it trained, what came out.

    Attributes:
        config: all that determines the result; its key names the run.
        result: of the test split.
        curves: of pretraining and meta-training, also where stored weights were reused.
        train_seconds: wall time of the meta-training that made the weights (0 without any).
        pretrain_seconds: wall time of the pretraining that made the backbone (0 without any).
        checkpoint: path of the method's weights (safetensors), or None if it has no weights.
        code: that measured it.
        source: digest of the code of method and backbone, see `source_digest`.
        started, finished: of the process that measured it.
        order: of two records of a configuration the one with the larger was measured later,
            whatever the clock said; None in those of earlier versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig
    result: Result
    curves: tuple[CurvePoint, ...] = Field(default=(), repr=False)
    train_seconds: Amount = 0.0
    pretrain_seconds: Amount = 0.0
    checkpoint: str | None = None
    code: CodeVersion | None = None
    source: str | None = None
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None
    order: int | None = Field(None, ge=0, lt=2**63)

    @property
    def place(self) -> int:
        """Its `order`; that of records of earlier versions is when they were begun, in ms."""
        time = self.started or self.finished
        return self.order or (milliseconds(time) if time else 0)

    @property
    def weights(self) -> Path | None:
        """The file of the weights, in the home as it is now; None if there are none, or elsewhere.

        Homes are moved, so the part of the path that was the home does not matter.
        """
        *_, room, folder, file = "", "", "", *Path(self.checkpoint or "").parts
        if (room, file) != ("weights", "model.safetensors") or folder == "..":
            return None
        path = home() / room / folder / file
        inside = path.resolve().is_relative_to((home() / room).resolve())
        return path if inside else None

    @property
    def id(self) -> str:
        """Tells this measurement from every other one, those of the same configuration included.

        A field of the result that is younger than stored ones counts where it is set.
        """
        unset = {name for name in _YOUNGER if getattr(self.result, name) is None}
        return stable_hash([self.config.key, self.result.model_dump(mode="json", exclude=unset)])


def require_sound(record: RunRecord) -> None:
    """Refuse a record that no run can have left, as it was read from a file.

    Raises:
        ValueError: it has not as many episodes as were asked for, or its weights lie elsewhere
            than in the home.
    """
    n_asked, result = record.config.n_episodes, record.result
    for values in filter(None, (result.accuracies, result.macro_f1)):
        if len(values) != n_asked:
            raise ValueError(f"it has {len(values)} of {n_asked} episodes")
    if record.checkpoint is not None and record.weights is None:
        raise ValueError("its weights lie outside the home")


def milliseconds(time: datetime) -> int:
    """Milliseconds from 1970 on, not before."""
    return max(0, int(time.timestamp() * 1000))

"""A finished run in full: numbers, the right answers of every episode, and provenance."""

from pathlib import PurePath
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, InstanceOf

from fewshot_bench.config import RunConfig
from fewshot_bench.provenance.code_version import CodeVersion
from fewshot_bench.results import Amount, CurvePoint, RunRecord, Setting
from fewshot_bench.tracking.log import PARAM_LENGTH
from fewshot_bench.tracking.reader import translated
from fewshot_bench.tracking.record import TrackedRun, flatten


class Measurement(BaseModel):
    """One finished run, wherever it comes from: a store with this machine's results, or a file.

    Nothing in it says where on a machine something lay.

    Attributes:
        run_id: MLflow's, in the store that it was first written to.
        record: the measurement's id, see `RunRecord.id`.
        studies, started, finished, order, version: as in `TrackedRun`.
        mean, ci95, macro_f1, macro_f1_ci95, calibration_error: likewise, to the last digit.
        config: all that determines the result.
        right: right answers of each episode, in the order of the stream, int ``[n_episodes]``.
        curves: of pretraining and meta-training.
        weights: name of the method's weights, which are the same wherever it is; None: it has
            none, or nobody knows.
        split_checksum: of the data of the split that it was measured on.
        setting, seconds, episode_seconds, peak_memory_mb, episode_digest, device, versions: as in
            `Result`.
        train_seconds, pretrain_seconds, code, source: as in `RunRecord`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    run_id: str = Field(min_length=1)
    record: str
    studies: tuple[str, ...] = ()
    started: AwareDatetime
    finished: AwareDatetime
    order: int = Field(ge=0, lt=2**63)
    version: str
    config: RunConfig
    setting: Setting
    mean: float
    ci95: float
    macro_f1: float
    macro_f1_ci95: float
    calibration_error: float
    right: InstanceOf[np.ndarray] = Field(repr=False)
    seconds: Amount
    episode_seconds: Amount
    peak_memory_mb: Amount
    train_seconds: Amount
    pretrain_seconds: Amount
    episode_digest: str
    split_checksum: str
    device: str
    versions: dict[str, str]
    code: CodeVersion | None = None
    source: str | None = None
    weights: str | None = None
    curves: tuple[CurvePoint, ...] = Field(default=(), repr=False)

    @classmethod
    def of(cls, record: RunRecord, run: TrackedRun) -> Self:
        """Put together what a record and a store know of one run.

        Raises:
            ValueError: the accuracies are no shares of the queries of an episode.
        """
        result, n_queries = record.result, record.config.spec.n_queries
        right = np.rint(np.multiply(result.accuracies, n_queries)).astype(np.int64)
        if (right / n_queries).tolist() != list(result.accuracies):
            raise ValueError(f"its accuracies are no shares of {n_queries} queries")
        same = ("setting", "seconds", "episode_seconds", "peak_memory_mb", "episode_digest")
        told = ("run_id", "studies", "started", "finished", "order", "version")
        shares = ("mean", "ci95", "macro_f1", "macro_f1_ci95", "calibration_error")
        kept = ("config", "curves", "train_seconds", "pretrain_seconds", "code", "source")
        return cls(
            record=record.id,
            right=right,
            split_checksum=result.data_checksum,
            device=result.device,
            versions=result.versions,
            weights=PurePath(record.checkpoint).parent.name if record.checkpoint else None,
            **{name: getattr(result, name) for name in same},
            **{name: getattr(run, name) for name in (*told, *shares)},
            **{name: getattr(record, name) for name in kept},
        )

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Fraction of right answers of each episode ``[n_episodes]``, as it was measured."""
        shares: NDArray[np.float64] = self.right / self.config.spec.n_queries
        return shares

    def tracked(self) -> TrackedRun:
        """What the store knows of it, to the last digit."""
        shot, params = self.config.n_shot, flatten(self.config.model_dump(mode="json"))
        tags = {
            "fsbench.key": self.config.key,
            "fsbench.record": self.record,
            "fsbench.setting": self.setting,
            "fsbench.data_checksum": self.config.data_checksum,
            "fsbench.episode_digest": self.episode_digest,
            "fsbench.version": self.version,
        }
        metrics = {  # shares as early versions wrote them: percentages would round them again
            f"acc_{shot}shot": self.mean,
            f"ci95_{shot}shot": self.ci95,
            f"macro_f1_{shot}shot": self.macro_f1,
            f"macro_f1_ci95_{shot}shot": self.macro_f1_ci95,
            f"ece_{shot}shot": self.calibration_error,
            "train_seconds": self.train_seconds,
            "ms_per_episode": 1000 * self.episode_seconds,
        }
        return translated(
            {name: value[:PARAM_LENGTH] for name, value in params.items()},
            tags,
            metrics,
            run_id=self.run_id,
            started=self.started,
            finished=self.finished,
            order=self.order,
            studies=self.studies,
        )

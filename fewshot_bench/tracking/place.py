"""Where a run belongs in a store: its experiment, its study, and the row that it is a cell of."""

import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.tracking.naming import LONGEST, run_name
from fewshot_bench.utilities.files import home, stable_hash
from fewshot_bench.utilities.printing import printable

ROW, STUDY, KIND = "fsbench.row", "fsbench.study", "fsbench.kind"  # tags
PARENT = "mlflow.parentRunId"
# What cells of one row may differ in, and labels of these.
_OF_CELLS = {"n_shot", "recipe", "published", "fitted", "shared_classes", "weights_name"}
_OURS = ("fsbench.", "mlflow.")
_TAG = re.compile(r"\w[\w.-]{0,249}", re.ASCII)
_VALUE_LENGTH = 5000  # characters of a tag's value


class Place(BaseModel):
    """Where runs belong.

    Attributes:
        experiment: of MLflow; None: the name of the study, else that of the data set.
        study: name of the study whose runs they are.
        command: that makes the study again.
        tags: of a user's own, for every run.
        asked: of a sweep, the configuration as it was asked for, before val chose.
        trial: of a sweep, a run on val that judges settings; it is no number of the table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str | None = None
    study: str | None = None
    command: str | None = None
    tags: dict[str, str] = {}
    asked: RunConfig | None = None
    trial: bool = False

    @property
    def tuned(self) -> bool:
        """Whether settings are chosen on val."""
        return self.asked is not None

    @property
    def kind(self) -> str:
        """What a run is, below its row."""
        return "trial" if self.trial else "cell"

    def experiment_of(self, config: RunConfig) -> str:
        """Name of the experiment that a run is in."""
        return self.experiment or self.study or config.dataset

    def row_of(self, config: RunConfig) -> RunConfig:
        """What the cells of the row of a run have in common, as the configuration of one."""
        return self.asked or config

    def row_id(self, config: RunConfig) -> str:
        """Tells the row of a run from every other, in each experiment."""
        return stable_hash([self.row_facts(config), self.tuned])

    def row_facts(self, config: RunConfig) -> dict[str, Any]:
        """What tells the row of a run from others."""
        return self.row_of(config).model_dump(mode="json", exclude=_OF_CELLS)

    def name_of(self, config: RunConfig) -> str:
        """Name of a cell or trial."""
        return run_name(config, self.experiment_of(config), f"{config.n_shot}-shot")

    def row_name(self, config: RunConfig) -> str:
        """Name of the row of a run."""
        return run_name(self.row_of(config), self.experiment_of(config), tuned=self.tuned)

    def row_tags(self, config: RunConfig, record_id: str, answered: bool = False) -> dict[str, str]:
        """Tags of a row that has the numbers of a measurement, perhaps with answers by class."""
        study = {STUDY: self.study} if self.study else {}
        cell = {cell_tag(config.key): record_id}
        answers = {f"fsbench.answers.{config.key}": record_id} if answered else {}
        return {**cell, ROW: self.row_id(config), **answers, **study, **self.tags}


def cell_tag(key: str) -> str:
    """Tag of a row that has the numbers of a cell, by the key of its configuration."""
    return f"fsbench.cell.{key}"


def home_id() -> str:
    """Which processes share locks with this one: those of the same machine and home."""
    return stable_hash([platform.node(), str(home().resolve())])


def tags_of(texts: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` texts of a user.

    Raises:
        UsageError: one is malformed, or has a key that fsbench or MLflow uses itself.
    """
    pairs = [text.partition("=") for text in texts]
    for text, (_, equals, _) in zip(texts, pairs, strict=True):
        if not equals:
            raise _no_tag(text)
    return checked_tags({key: value for key, _, value in pairs})


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a user.

    Raises:
        UsageError: one cannot be a tag, or has a key that fsbench or MLflow uses itself.
    """
    for key, value in tags.items():
        if not _TAG.fullmatch(key) or len(value) > _VALUE_LENGTH:
            raise _no_tag(f"{key}={value}")
        if key.startswith(_OURS):
            raise UsageError(f"tags that begin with fsbench. or mlflow. are taken; rename '{key}'")
    return dict(tags)


def _no_tag(text: str) -> UsageError:
    return UsageError(
        f"'{printable(text)[:60]}' is no tag; use KEY=VALUE, the key of letters, digits, _, . and -"
    )


def checked_name(name: str | None, what: str) -> str | None:
    """Return the name of an experiment or study, without blanks around it.

    Raises:
        UsageError: nothing is left, or it is too long or not printable.
    """
    if name is None:
        return None
    stripped = name.strip()
    if not (0 < len(stripped) <= LONGEST and stripped.isprintable()):
        raise UsageError(f"the name of {what} has 1 to {LONGEST} characters that can be printed")
    return stripped

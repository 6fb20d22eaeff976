"""Results that one machine makes and another files: handed over through the shared store."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions, predictions_path
from fewshot_bench.records import keep_record, next_order, record_path, stored_record
from fewshot_bench.results import RunRecord, require_sound
from fewshot_bench.runs.cells import Cell
from fewshot_bench.runs.engine import Engine, Measuring, best_choice
from fewshot_bench.utilities.shared_store import SharedStore, bring, name_of, share

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Maker(Measuring):
    """What measures on a node of a cluster, and puts results into the store; it logs nothing.

    Attributes:
        device: to compute on.
    """

    device: "torch.device"

    def _tuning(self, cell: Cell, trial: bool = False) -> Self:
        return self

    def _stored(self, config: RunConfig) -> RunRecord | None:
        bring(record_path(config.key))
        bring(predictions_path(config.key))
        return stored_record(config.key)

    def _run(self, config: RunConfig, keep: bool) -> RunRecord:
        from fewshot_bench.runs.runner import run

        return run(config, self.device, self.force, keep)

    def _repeat(self, record: RunRecord) -> None:
        from fewshot_bench.runs.runner import repeat

        repeat(record, self.device)

    def _is_filed(self, record: RunRecord, keep: bool) -> bool:
        return False  # putting what is there costs nothing

    def _file(self, record: RunRecord, keep: bool) -> None:
        key = record.config.key
        if keep:
            share(predictions_path(key))
        share(record_path(key))


class NotThereError(UsageError):
    """The store has not what was to be received."""


@dataclass(frozen=True)
class Receiver(Engine):
    """What brings results of a cluster into this home, and logs them.

    Attributes:
        store: that has them.
    """

    store: SharedStore

    def is_there(self, cell: Cell) -> bool:
        """Whether a cell need only be received; never if it is to be measured again.

        Raises:
            UsageError: what is there is damaged.
        """
        if self.force:
            return False
        tried = [(self._peek(choice.trial), choice) for choice in cell.choices]
        known = [(record, choice) for record, choice in tried if record]
        if len(known) < len(tried):
            return False
        config = best_choice(known).config if known else cell.config
        record = self._peek(config)
        return record is not None and (not self.keep_predictions or self._has_answers(record))

    def _peek(self, config: RunConfig) -> RunRecord | None:
        return stored_record(config.key) or self._in_store(config)

    def _has_answers(self, record: RunRecord) -> bool:
        return has_predictions(record) or self.store.has(
            name_of(predictions_path(record.config.key))
        )

    def _in_store(self, config: RunConfig) -> RunRecord | None:
        name = name_of(record_path(config.key))
        content = self.store.read(name)
        if content is None:
            return None
        try:
            record = RunRecord.model_validate_json(content)
            require_sound(record)
        except (ValidationError, ValueError):
            raise UsageError(f"{name} in the store is no result; delete it and run again") from None
        if record.config.key != config.key:
            raise UsageError(f"{name} in the store is another result; delete it and run again")
        return record

    def _run(self, config: RunConfig, keep: bool) -> RunRecord:
        """Receive what another machine has run."""
        with self.tracker.announced(config) as last:
            record = self._in_store(config)
            if record is None:
                raise NotThereError(f"{config.title}: the result is not in the store; run again")
            self._receive_answers(config, keep)
            if record.weights:
                self.receive_weights(record.weights)
            started = record.started or datetime.now(UTC)
            news = {
                "order": next_order(config.key, started, last),
                "checkpoint": str(record.weights) if record.weights else None,
            }
            record = record.model_copy(update=news)
            keep_record(record)
            return record

    def receive_weights(self, path: Path) -> None:
        """Bring weights that another machine has made.

        Raises:
            UsageError: the store has them not.
        """
        if not self.store.fetch(name_of(path), path):
            raise NotThereError(f"{path.parent.name} is not in the store; run again")

    def _receive_answers(self, config: RunConfig, keep: bool) -> None:
        path = predictions_path(config.key)
        if not (keep and self.store.fetch(name_of(path), path)):
            path.unlink(missing_ok=True)

    def _repeat(self, record: RunRecord) -> None:
        """Receive predictions of a run whose result is here."""
        path = predictions_path(record.config.key)
        if not self.store.fetch(name_of(path), path) or not has_predictions(record):
            raise NotThereError(f"{record.config.title}: predictions are not in the store")

"""Results that a store could not take, kept in ``$FSBENCH_HOME/owed`` until it can."""

from collections import Counter
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.predictions import has_predictions
from fewshot_bench.results import RunRecord, require_sound
from fewshot_bench.tracking.place import Place
from fewshot_bench.tracking.store import TrackingError, naming, store_name
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.files import atomic_file, home, read_text, stable_hash
from fewshot_bench.utilities.locks import cell_lock
from fewshot_bench.utilities.progress import say


class Debt(BaseModel):
    """A result that a store has not got yet.

    Attributes:
        store: its address without credentials.
        record: the result.
        place: where in the store it belongs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str
    record: RunRecord
    place: Place = Place()

    @property
    def path(self) -> Path:
        """Where the debt is kept: one file a measurement and place, however often it is noted.

        What command it was does not tell places apart: the one that goes on may have others.
        """
        place = self.place.model_copy(update={"command": None})
        ending = "" if place == Place() else f"-{stable_hash(place.model_dump(mode='json'))}"
        return _folder(self.store) / f"{self.record.id}{ending}.json"


def deliver(tracker: Tracker, record: RunRecord) -> bool:
    """Send a result to the store, or keep it and say why; return whether it was sent.

    Hold the lock of the cell.
    """
    debt = _debt(tracker, record)
    with atomic_file(debt.path) as partial:
        partial.write_text(debt.model_dump_json(), "utf-8")
    try:
        tracker.send(record)
    except TrackingError as error:
        hint = f"'fsbench sync{naming(tracker.uri)}' sends it"
        say(str(error))
        say(f"{record.config.title}: the result is kept here; {hint}")
        return False
    debt.path.unlink(missing_ok=True)
    return True


def is_paid(tracker: Tracker, record: RunRecord, predictions: bool = False) -> bool:
    """True if the store is known to hold a result, perhaps with its predictions.

    Who sent it may have died before the debt was struck off; that is done here.
    """
    try:
        paid = tracker.has(record, predictions)
        if paid and owed_to(tracker.uri):  # seldom, and the path takes a hash of all accuracies
            path = _debt(tracker, record).path
            if path.exists() and tracker.has(record, has_predictions(record)):
                with suppress(OSError):  # of a folder that is read-only, or another was faster
                    path.unlink()
    except TrackingError:  # nobody knows; sending it will show
        return False
    return paid


def send_owed(tracker: Tracker) -> int:
    """Send everything that is owed to the store; return how many results that was.

    Raises:
        TrackingError: the store cannot be used; what it has not got yet is still owed.
        UsageError: a file is damaged; it is named, and everything else has been sent.
    """
    sent, damaged = 0, []
    for path in owed_to(tracker.uri):
        if (debt := _read(path)) is None:
            damaged.append(str(path))
            continue
        record = debt.record
        with cell_lock(record.config.key, record.config.title):
            if path.exists():  # no other process was faster
                tracker.at(debt.place).send(record)
                path.unlink(missing_ok=True)
                sent += 1
    if damaged:
        raise UsageError(f"sent {sent}, but no result can be read in {', '.join(damaged)}")
    return sent


def drop_owed(uri: str) -> int:
    """Forget what is owed to a store, and return how many results that was; they stay here."""
    paths = owed_to(uri)
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)


def owed_to(uri: str) -> list[Path]:
    """Files of what is owed to a store, oldest first."""
    files = _folder(store_name(uri)).glob("[!.]*.json")
    return sorted(files, key=lambda path: (path.stat().st_mtime_ns, path.name))


def owed_elsewhere(uri: str) -> dict[str, int]:
    """Names of the other stores that something is owed to, and how much."""
    own, counts = _folder(store_name(uri)), Counter[str]()
    for path in (home() / "owed").glob("*/[!.]*.json"):
        if path.parent != own:
            debt = _read(path)
            counts[debt.store if debt else f"nobody knows whom, in {path}"] += 1
    return dict(counts)


def _debt(tracker: Tracker, record: RunRecord) -> Debt:
    return Debt(store=store_name(tracker.uri), record=record, place=tracker.place)


def _read(path: Path) -> Debt | None:
    """Return a debt, or None if the file is damaged."""
    try:
        debt = Debt.model_validate_json(read_text(path))
        require_sound(debt.record)
    except (OSError, ValueError, UsageError):
        return None
    return debt


def _folder(store: str) -> Path:
    return home() / "owed" / stable_hash(store)

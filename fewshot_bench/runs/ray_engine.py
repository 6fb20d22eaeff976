"""The engine of a Ray cluster: tasks go to its nodes, and what they make comes back by a store.

The driver alone logs. It keeps nothing that it could not find again: a result is done when it is in
the store, so that a driver that was killed goes on where the store says.
"""

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from fewshot_bench.config import RunConfig
from fewshot_bench.errors import UsageError
from fewshot_bench.provenance.code_fingerprint import installed_code
from fewshot_bench.runs.cells import Cell, SharedWork
from fewshot_bench.runs.local import Manner
from fewshot_bench.runs.ray_cluster import connected, room_of
from fewshot_bench.runs.ray_nodes import Nodes
from fewshot_bench.runs.ray_task import Ended, Orders
from fewshot_bench.runs.receiving import Receiver
from fewshot_bench.runs.travelling import data_of, given_to, put_data, put_weights
from fewshot_bench.tracking.writer import Tracker
from fewshot_bench.utilities.cores import n_cores
from fewshot_bench.utilities.crew import TRIES, News, Task
from fewshot_bench.utilities.files import home
from fewshot_bench.utilities.mistakes import to_send
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.shared_store import SharedStore, name_of

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_OF_PATIENCE = 60.0  # before it is said that nothing begins


def on_cluster(
    tasks: Sequence[Task], tracker: Tracker, manner: Manner, log: Path
) -> Generator[News, None, None]:
    """Do tasks on a Ray cluster.

    Raises:
        UsageError: the cluster or the store cannot be used, or a node is not fit.
    """
    from torch import device

    assert manner.store is not None
    store, cores = SharedStore(manner.store), n_cores()
    keep, force = manner.keep_predictions, manner.force
    receiver = Receiver(tracker, device("cpu"), store, force=force, keep_predictions=keep)
    with connected(manner.address, cores) as ray:
        store.prepare()
        room = room_of(ray.nodes())
        orders = Orders(store.url, installed_code(), cores, room.device(manner.device), force, keep)
        driver = Driver(receiver, log)
        yield from driver.receive(tasks)
        if driver.waiting:
            driver.send_ahead()
            yield from driver.work(Nodes(ray, room, orders))


class Driver:
    """What knows which tasks wait for which, and files what they make.

    Args:
        receiver: of the results.
        log: file of what nobody foresaw.
    """

    def __init__(self, receiver: Receiver, log: Path) -> None:
        self.receiver, self.store, self.log = receiver, receiver.store, log
        self.waiting: list[Task] = []
        self._open: set[str] = set()  # names of what is neither done nor failed
        self._failed: dict[str, Exception] = {}
        self._stops: Counter[str] = Counter()  # by signals that were not ours

    def receive(self, tasks: Sequence[Task]) -> Iterator[News]:
        """File the cells that the store, or this home, has already; the others wait."""
        left: list[Task] = []
        for task in tasks:
            if isinstance(task.what, Cell) and self.receiver.is_there(task.what):
                yield self._received(task)
            else:
                left.append(task)
        needed = {name for t in left if isinstance(t.what, Cell) for name in t.what.needs}
        self.waiting = [t for t in left if isinstance(t.what, Cell) or t.name in needed]
        self._open = {task.name for task in self.waiting}

    @property
    def _configs(self) -> list[RunConfig]:
        cells = [task.what for task in self.waiting if isinstance(task.what, Cell)]
        return [config for cell in cells for config in cell.possible]

    def send_ahead(self) -> None:
        """Put what this home has, and nodes need, into the store."""
        for data in data_of(self._configs):
            put_data(self.store, *data)
        needs = {name for task in self.waiting for name in task.needs}
        made = [home() / "weights" / name / "model.safetensors" for name in sorted(needs)]
        put_weights(self.store, [*given_to(self._configs), *made])

    def work(self, nodes: Nodes) -> Iterator[News]:
        """Yield what becomes of each task, as it happens; needs that are no tasks count as done.

        Whoever stops asking ends what is running, at its next checkpoint.

        Raises:
            UsageError: a node is not fit.
        """
        nodes.prepare(data_of(self._configs))
        began, quiet = time.monotonic(), True
        try:
            while self.waiting or nodes.busy:
                yield from self._give(nodes)
                ended = list(nodes.hear(_SECONDS_BETWEEN_LOOKS))
                for news in nodes.told():
                    quiet = False
                    yield news
                for task, how in ended:
                    yield from self._end(task, how)
                if quiet and time.monotonic() - began > _SECONDS_OF_PATIENCE:
                    quiet = False
                    say("the cluster has had no room for any of it yet; 'ray status' shows why")
        finally:
            nodes.stop()

    def _give(self, nodes: Nodes) -> Iterator[News]:
        """Begin what is ready."""
        for task in list(self.waiting):
            lost = next((self._failed[name] for name in task.needs if name in self._failed), None)
            if lost is None and not self._open.isdisjoint(task.needs):
                continue
            self.waiting.remove(task)
            if lost is not None:
                yield self._closed(task, lost)
            elif self._is_made(task.what):
                yield self._received(task)
            else:
                nodes.begin(task)

    def _is_made(self, what: Cell | SharedWork) -> bool:
        if isinstance(what, Cell) or self.receiver.force:
            return False
        return self.store.has(name_of(what.path))

    def _end(self, task: Task, ended: Ended) -> Iterator[News]:
        if ended.kind == "done":
            yield self._received(task)
            return
        self._stops[task.name] += 1
        if ended.kind == "stopped" and self._stops[task.name] < TRIES:
            self.waiting.insert(0, task)
            return
        self._note(ended.trace)
        yield self._closed(task, ended.error or UsageError(f"signals stopped it {TRIES} times"))

    def _received(self, task: Task) -> News:
        """File what another machine has made."""
        record = None
        try:
            if isinstance(task.what, Cell):
                record = self.receiver.measure_cell(task.what)
            else:
                self.receiver.receive_weights(task.what.path)
        except Exception as raised:
            error, trace = to_send(raised)
            self._note(trace)
            return self._closed(task, error)
        self._open.discard(task.name)
        return News(task.name, "done", record)

    def _closed(self, task: Task, error: Exception) -> News:
        self._open.discard(task.name)
        self._failed[task.name] = error
        return News(task.name, "failed", error)

    def _note(self, trace: str) -> None:
        if trace:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(trace)

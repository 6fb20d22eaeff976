"""How long runs may take, by what earlier ones of this machine took."""

from collections.abc import Container, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import fmean

from fewshot_bench.config import RunConfig
from fewshot_bench.results import RunRecord
from fewshot_bench.runs.cells import Cell, Plan, SharedWork
from fewshot_bench.utilities.files import home


@dataclass(frozen=True)
class Estimate:
    """Of work that is left.

    Attributes:
        seconds: of all that is known.
        n_unknown: how many of its parts nothing is known of.
    """

    seconds: float = 0.0
    n_unknown: int = 0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.seconds + other.seconds, self.n_unknown + other.n_unknown)

    def __str__(self) -> str:
        if self.n_unknown and not self.seconds:
            return "unknown"
        hours, minutes = divmod(round(self.seconds / 60), 60)
        known = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else "< 1 min"
        return f"{known} + {self.n_unknown} unknown" if self.n_unknown else known


@dataclass
class Pace:
    """Seconds that earlier runs took, by what they were: of training, pretraining, an episode."""

    training: dict[Hashable, list[float]] = field(default_factory=dict)
    pretraining: dict[Hashable, list[float]] = field(default_factory=dict)
    episode: dict[Hashable, list[float]] = field(default_factory=dict)

    def learn(self, record: RunRecord) -> None:
        """Take note of a run."""
        config, result = record.config, record.result
        for kind in _kinds(config):
            self.training.setdefault(kind, []).append(record.train_seconds)
            seconds = result.seconds / len(result.accuracies)
            self.episode.setdefault(kind, []).append(seconds)
        if record.pretrain_seconds:
            self.pretraining.setdefault(_network(config), []).append(record.pretrain_seconds)

    def of_run(self, config: RunConfig, trained: bool) -> Estimate:
        """Estimate a run; its meta-training is left out if it is `trained` already."""
        for kind in _kinds(config):
            if kind in self.episode:
                seconds = fmean(self.episode[kind]) * config.n_episodes
                return Estimate(seconds + (0 if trained else fmean(self.training[kind])))
        return Estimate(n_unknown=1)

    def of_cell(self, cell: Cell, trained: bool) -> Estimate:
        """Estimate a cell, its trials among it, without the pretraining."""
        configs = [*(choice.trial for choice in cell.choices), cell.config]
        return sum((self.of_run(config, trained) for config in configs), Estimate())

    def of_shared(self, work: SharedWork) -> Estimate:
        """Estimate what several cells begin with."""
        if work.embeds:
            return Estimate()  # seconds
        if work.is_pretraining:
            known = self.pretraining.get(_network(work.config))
        else:
            kinds = _kinds(work.config)
            known = next((self.training[kind] for kind in kinds if kind in self.training), None)
        return Estimate(fmean(known)) if known else Estimate(n_unknown=1)


def learnt_pace() -> Pace:
    """Read the runs that are kept in the home; damaged ones teach nothing."""
    pace = Pace()
    for record in _records():
        pace.learn(record)
    return pace


def _records() -> Iterator[RunRecord]:
    for path in sorted((home() / "results").glob("[!.]*.json")):
        try:
            yield RunRecord.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            continue


def _kinds(config: RunConfig) -> Iterable[Hashable]:
    """What a run is like, the most alike first."""
    alike = (config.method, config.preset, config.backbone, config.dataset, config.n_shot)
    return alike, (config.method, config.preset)


def _network(config: RunConfig) -> Hashable:
    return config.backbone, config.train_dataset or config.dataset, str(config.recipe["pretrain"])


def estimate(plan: Plan, wanted: Iterable[int], pace: Pace, workers: int = 1) -> Estimate:
    """Estimate what is left of a plan.

    Args:
        plan: all cells.
        wanted: places of those that are left.
        pace: of earlier runs.
        workers: processes that share the cells; shared work has the machine for itself.
    """
    cells = [plan.cells[i] for i in wanted]
    needed = {name for cell in cells for name in cell.needs}
    trainings = {work.name for work in plan.shared if work.is_training}
    shared = [work for work in plan.shared if work.name in needed and not work.done]
    first = sum((pace.of_shared(work) for work in shared), Estimate())
    rest = sum((pace.of_cell(c, not trainings.isdisjoint(c.needs)) for c in cells), Estimate())
    return first + Estimate(rest.seconds / workers, rest.n_unknown)


@dataclass(frozen=True)
class Row:
    """A method on a data set and a backbone: how much of it is done.

    Attributes:
        names: of method, backbone and data set.
        n_cells, n_done: of the plan.
        left: what its other cells may take, without shared work.
    """

    names: tuple[str, str, str]
    n_cells: int
    n_done: int
    left: Estimate


def rows(plan: Plan, done: Container[int], pace: Pace) -> list[Row]:
    """Sum up the cells of each method on each data set and backbone.

    Args:
        plan: all cells.
        done: places of those that are done.
        pace: of earlier runs.
    """
    places: dict[tuple[str, str, str], list[int]] = {}
    for i, cell in enumerate(plan.cells):
        names = (cell.config.method, cell.config.network, cell.config.dataset)
        places.setdefault(names, []).append(i)
    trainings = {work.name for work in plan.shared if work.is_training}

    def left(i: int) -> Estimate:
        return pace.of_cell(plan.cells[i], not trainings.isdisjoint(plan.cells[i].needs))

    found = []
    for names, mine in places.items():
        missing = [i for i in mine if i not in done]
        time = sum(map(left, missing), Estimate())
        found.append(Row(names, len(mine), len(mine) - len(missing), time))
    return found

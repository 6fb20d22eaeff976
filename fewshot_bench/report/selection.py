"""Which runs are shown: by tables, comparisons, figures, reports and files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registries import registry_of
from fewshot_bench.registry import canonical
from fewshot_bench.tracking.record import TrackedRun

SMOKE = "smoke"  # the preset whose numbers say nothing of a method


@dataclass(frozen=True)
class Selection:
    """What runs must be to be shown; what is empty does not matter.

    Attributes:
        names: by ``dataset``, ``method`` and ``backbone``, names in any spelling or alias.
        shots, ways, queries, episodes, seeds: numbers.
        presets, balances: as `RunConfig` has them. Runs of the smoke preset are left out where
            there are others too, unless it is named or `every_preset` is true.
        split: ``test`` or ``val``; None: both.
        study: name of a study.
    """

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shots: Sequence[int] = ()
    ways: Sequence[int] = ()
    split: str | None = "test"
    study: str | None = None
    queries: Sequence[int] = ()
    episodes: Sequence[int] = ()
    seeds: Sequence[int] = ()
    presets: Sequence[str] = ()
    balances: Sequence[str] = ()
    every_preset: bool = False

    def __post_init__(self) -> None:
        if self.split not in ("test", "val", None):
            raise UsageError(f"runs are on split test or val, not '{self.split}'")

    def of(self, runs: Sequence[TrackedRun]) -> list[TrackedRun]:
        """Return the runs that fit, none only if none is on the split.

        Raises:
            UsageError: no run has one of the names or is of the study, or none fits all that is
                asked for.
        """
        chosen = self._fitting(runs)
        return chosen if self.presets or self.every_preset else without_smoke(chosen)

    def smoke_left_out(self, runs: Sequence[TrackedRun]) -> int:
        """Say how many runs of the smoke preset `of` leaves out for that alone."""
        return len(self._fitting(runs)) - len(self.of(runs))

    def _fitting(self, runs: Sequence[TrackedRun]) -> list[TrackedRun]:
        chosen = on_split = [run for run in runs if run.split == (self.split or run.split)]
        if self.study is not None:
            chosen = _of_study(chosen, self.study)
        for kind, names in self.names.items():
            chosen = _named(chosen, kind, names)
        for fact, values in self._facts.items():
            chosen = [run for run in chosen if not values or getattr(run, fact) in values]
        if on_split and not chosen:
            raise UsageError("no finished run fits all these options; leave some of them out")
        return chosen

    def of_published(self, published: pd.DataFrame) -> pd.DataFrame:
        """Return the published rows whose method and backbone fit.

        Data sets, shots and ways need no look: they are those of the runs that are shown.
        """
        for kind in ("method", "backbone"):
            if names := self.names.get(kind, ()):
                registered = published[kind].str.split()
                known = set(registered.explode())
                chosen = {_spelled(kind, name, known) for name in names}
                published = published[[not chosen.isdisjoint(each) for each in registered]]
        return published

    @property
    def _facts(self) -> Mapping[str, Collection[object]]:
        """What else is asked of a run, by the name of the fact."""
        return {
            "n_shot": self.shots,
            "n_way": self.ways,
            "n_query": self.queries,
            "n_episodes": self.episodes,
            "seed": self.seeds,
            "preset": [preset.lower() for preset in self.presets],
            "query_balance": [balance.lower() for balance in self.balances],
        }


def without_smoke(runs: Sequence[TrackedRun]) -> list[TrackedRun]:
    """Leave runs of the smoke preset out, unless there are no others."""
    earnest = [run for run in runs if run.preset != SMOKE]
    return earnest or list(runs)


def spelled(runs: Sequence[TrackedRun], kind: str, names: Sequence[str]) -> list[str]:
    """Write names as the runs have them, each once.

    Raises:
        UsageError: there are runs, but none has one of these as its `kind`.
    """
    known = {getattr(run, kind) for run in runs}
    chosen: dict[str, None] = {}
    for name in names if runs else ():
        spelling = _spelled(kind, name, known)
        if spelling not in known:
            raise UsageError(f"no finished run of {kind} '{name}'; {suggestion(spelling, known)}")
        chosen[spelling] = None
    return [*chosen]


def _spelled(kind: str, name: str, known: Collection[str]) -> str:
    """Write a name as it is known: canonically, or for an alias as it is registered."""
    spelling = canonical(name)
    if spelling not in known:  # an alias, perhaps: only then is the registry worth loading
        things = registry_of(kind)
        spelling = things.resolve(name) if name in things else spelling
    return spelling


def _named(runs: Sequence[TrackedRun], kind: str, names: Sequence[str]) -> list[TrackedRun]:
    """Keep the runs whose `kind` is one of `names`; no name keeps all."""
    chosen = spelled(runs, kind, names)
    return [run for run in runs if not names or getattr(run, kind) in chosen]


def _of_study(runs: Sequence[TrackedRun], study: str) -> list[TrackedRun]:
    known = {name for run in runs for name in run.studies}
    if runs and study not in known:
        raise UsageError(f"no finished run of a study '{study}'; {suggestion(study, known)}")
    return [run for run in runs if study in run.studies]

"""Which runs a table shows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registries import registry_of
from fewshot_bench.registry import canonical
from fewshot_bench.tracking.record import TrackedRun


@dataclass(frozen=True)
class Selection:
    """What runs must be to be shown; what is empty does not matter.

    Attributes:
        names: by ``dataset``, ``method`` and ``backbone``, names in any spelling or alias.
        shots, ways: numbers.
        split: ``test`` or ``val``; None: both.
        study: name of a study.
    """

    names: Mapping[str, Sequence[str]]
    shots: Sequence[int] = ()
    ways: Sequence[int] = ()
    split: str | None = "test"
    study: str | None = None

    def __post_init__(self) -> None:
        if self.split not in ("test", "val", None):
            raise UsageError(f"runs are on split test or val, not '{self.split}'")

    def of(self, runs: Sequence[TrackedRun]) -> list[TrackedRun]:
        """Return the runs that fit, none only if none is on the split.

        Raises:
            UsageError: no run has one of the names, is of the study, or fits all that is asked for.
        """
        chosen = on_split = [run for run in runs if run.split == (self.split or run.split)]
        if self.study is not None:
            chosen = _of_study(chosen, self.study)
        for kind, names in self.names.items():
            chosen = _named(chosen, kind, names)
        chosen = [run for run in chosen if run.n_shot in (self.shots or [run.n_shot])]
        chosen = [run for run in chosen if run.n_way in (self.ways or [run.n_way])]
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


def _spelled(kind: str, name: str, known: Collection[str]) -> str:
    """Write a name as it is known: canonically, or for an alias as it is registered."""
    spelling = canonical(name)
    if spelling not in known:  # an alias, perhaps: only then is the registry worth loading
        things = registry_of(kind)
        spelling = things.resolve(name) if name in things else spelling
    return spelling


def _named(runs: Sequence[TrackedRun], kind: str, names: Sequence[str]) -> list[TrackedRun]:
    """Keep the runs whose `kind` is one of `names`; no name keeps all."""
    known = {getattr(run, kind) for run in runs}
    chosen = set()
    for name in names if runs else ():
        spelling = _spelled(kind, name, known)
        if spelling not in known:
            raise UsageError(f"no finished run of {kind} '{name}'; {suggestion(spelling, known)}")
        chosen.add(spelling)
    return [run for run in runs if not names or getattr(run, kind) in chosen]


def _of_study(runs: Sequence[TrackedRun], study: str) -> list[TrackedRun]:
    known = {name for run in runs for name in run.studies}
    if runs and study not in known:
        raise UsageError(f"no finished run of a study '{study}'; {suggestion(study, known)}")
    return [run for run in runs if study in run.studies]

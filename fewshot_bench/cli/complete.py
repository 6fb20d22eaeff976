"""Names that the shell completes; none of them costs an import of torch."""

from collections.abc import Iterable

import typer

Completions = list[tuple[str, str]]  # names, each with a line of help
_GROUPS = [
    ("all", "every method"),
    ("heads", "methods without training of their own"),
    ("paper", "those of SIB's tables"),
]


def methods(incomplete: str) -> Completions:
    """Complete the name of a method."""
    return _fitting(incomplete, [*_declared("methods"), *_GROUPS])


def backbones(incomplete: str) -> Completions:
    """Complete the name of a backbone."""
    return _fitting(incomplete, _declared("backbones"))


def datasets(incomplete: str) -> Completions:
    """Complete the name of a data set that is built in or was imported."""
    from fewshot_bench.data.catalog import ENTRIES
    from fewshot_bench.data.store import stored_names

    known = {entry.name: entry.summary for entry in ENTRIES}
    return _fitting(incomplete, (dict.fromkeys(stored_names(), "imported by you") | known).items())


def presets(incomplete: str) -> Completions:
    """Complete the name of a preset."""
    from fewshot_bench.presets import PRESETS

    return _fitting(incomplete, [(preset, "") for preset in PRESETS])


def studies(incomplete: str) -> Completions:
    """Complete the name of a study that comes with the package."""
    from fewshot_bench.runs.study import shipped

    return _fitting(incomplete, [(name, study.summary) for name, study in shipped().items()])


def kinds(incomplete: str) -> Completions:
    """Complete what ``fsbench list`` lists."""
    return _fitting(incomplete, [(kind, "") for kind in ("methods", "backbones", "datasets")])


def names(context: typer.Context, incomplete: str) -> Completions:
    """Complete the name of a thing of the kind that stands before it."""
    kind = str(context.params["kind"])
    return datasets(incomplete) if kind == "datasets" else _fitting(incomplete, _declared(kind))


def formats(incomplete: str) -> Completions:
    """Complete the format of a table."""
    return _fitting(incomplete, [(form, "") for form in ("markdown", "latex", "html", "csv")])


def metrics(incomplete: str) -> Completions:
    """Complete the metric of a table."""
    from fewshot_bench.report.metric import METRICS

    return _fitting(incomplete, [(metric.name, metric.note) for metric in METRICS.values()])


def figures(incomplete: str) -> Completions:
    """Complete the kind of a figure."""
    from fewshot_bench.runs.plotting import KINDS

    return _fitting(incomplete, [(name, kind.summary) for name, kind in KINDS.items()])


def over(incomplete: str) -> Completions:
    """Complete what a trend is over."""
    return _fitting(incomplete, [(fact, "") for fact in ("shots", "ways", "balance")])


def _declared(registry: str) -> list[tuple[str, str]]:
    from fewshot_bench.declarations import declarations

    return [(d.name, d.summary) for d in declarations(registry) or ()]


def _fitting(incomplete: str, known: Iterable[tuple[str, str]]) -> Completions:
    return [(name, line) for name, line in known if name.startswith(incomplete)]

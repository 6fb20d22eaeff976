"""fewshot_bench: few-shot methods and backbones under one shared episodic evaluator.

``import fewshot_bench as fsb`` is the front door. What it offers is imported when it is first
asked for, so that the import itself costs nothing; modules of the harness import each other, and
never this one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fewshot_bench.version import __version__

if TYPE_CHECKING:
    from fewshot_bench.api import evaluate
    from fewshot_bench.backbones.base import backbones
    from fewshot_bench.classifier import FewShotClassifier
    from fewshot_bench.data.entry import datasets
    from fewshot_bench.data.store import open_dataset as load_dataset
    from fewshot_bench.errors import UsageError
    from fewshot_bench.evaluation.tasksets import tasksets
    from fewshot_bench.method import methods
    from fewshot_bench.results import Result
    from fewshot_bench.statistics.paired import compare

__all__ = [
    "FewShotClassifier",
    "Result",
    "UsageError",
    "__version__",
    "backbones",
    "compare",
    "datasets",
    "evaluate",
    "load_dataset",
    "methods",
    "tasksets",
]

_FOUND_IN = {
    "FewShotClassifier": ("classifier", "FewShotClassifier"),
    "Result": ("results", "Result"),
    "UsageError": ("errors", "UsageError"),
    "backbones": ("backbones", None),
    "compare": ("statistics.paired", "compare"),
    "datasets": ("data.entry", "datasets"),
    "evaluate": ("api", "evaluate"),
    "load_dataset": ("data.store", "open_dataset"),
    "methods": ("methods", None),
    "tasksets": ("evaluation.tasksets", "tasksets"),
}


if not TYPE_CHECKING:  # which would then believe in any name

    def __getattr__(name: str) -> Any:
        if name not in _FOUND_IN:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, attribute = _FOUND_IN[name]
        found = import_module(f"{__name__}.{module}")
        return found if attribute is None else getattr(found, attribute)


def __dir__() -> list[str]:
    return sorted(__all__)

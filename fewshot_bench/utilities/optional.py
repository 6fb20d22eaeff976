"""Libraries that only an extra brings, imported where they are needed."""

import importlib
from types import ModuleType
from typing import Any

import torch

from fewshot_bench.errors import UsageError, how_to_get

# Kept here: a library of operators ends with its Python object.
_declared: list[torch.library.Library] = []


def import_extra(name: str, needing: str) -> ModuleType:
    """Import the library that the extra of its name brings.

    Args:
        name: of library and extra.
        needing: what cannot do without, for the message.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:  # it is there, and lacks something itself
            raise
        raise UsageError(f"{needing} need {name}; {how_to_get(name)}") from None
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    _declare_operators_of_torchvision()
    return importlib.import_module(name)


def _declare_operators_of_torchvision() -> None:
    """Declare the two operators without which torchvision cannot be imported.

    Wheels of torchvision from PyPI have their operators compiled for CUDA, and do not load them
    beside a CPU build of torch; but importing torchvision describes these two. Nothing that is
    imported here calls them.
    """
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)

"""The registries, by the kind of thing; asking for one imports what its things need."""

from typing import Any

from fewshot_bench.declarations import Declaration, declarations, from_registry
from fewshot_bench.registry import Registry


def declared(kind: str) -> list[Declaration]:
    """Say what there is of ``method`` or ``backbone``, from the sources.

    Where they do not tell all, the registry is asked, which imports torch.
    """
    found = declarations(f"{kind}s")
    return from_registry(registry_of(kind)) if found is None else found


def registry_of(kind: str) -> Registry[Any]:
    """Return the registry of ``method``, ``backbone`` or ``dataset``.

    Raises:
        KeyError: there is no such kind.
    """
    if kind == "dataset":  # which alone needs no torch
        from fewshot_bench.data.entry import datasets

        return datasets
    from fewshot_bench.backbones.base import backbones
    from fewshot_bench.method import methods

    registries: dict[str, Registry[Any]] = {"method": methods, "backbone": backbones}
    return registries[kind]

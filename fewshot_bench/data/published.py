"""Whose values a preset has on a data set: those of its paper for it, or for another like it."""

from fewshot_bench.data.entry import datasets
from fewshot_bench.errors import UsageError
from fewshot_bench.recipe import Overrides, Recipe


def published_like(
    recipe_type: type[Recipe], preset: str, dataset: str | None, method: str
) -> str | None:
    """Return the data set whose values of a preset hold on another.

    Args:
        recipe_type: the method's.
        preset: only ``paper`` depends on the data.
        dataset: name of what is trained on; None, or one that is not registered: unknown images,
            which may be like any.
        method: its name, for the message.

    Returns:
        `dataset` itself where the paper has it, else the first published one of its kind; None if
        nothing is declared.

    Raises:
        UsageError: the paper has no data of that kind.
    """
    if preset != "paper" or not recipe_type.published:
        return None
    known = recipe_type.published
    if dataset in known:
        return dataset
    kind = datasets[dataset].kind if dataset and dataset in datasets else None
    alike = [name for name in known if kind in (None, datasets[name].kind)]
    if not alike:
        raise UsageError(
            f"the paper of {method} has nothing like {dataset}, but {', '.join(known)}; take "
            "another --preset, and what you know better with --set"
        )
    return alike[0]


def overrides_of(dataset: str | None) -> Overrides:
    """Return the settings that suit a registered data set; none for one of the user's."""
    return datasets[dataset].overrides if dataset and dataset in datasets else {}

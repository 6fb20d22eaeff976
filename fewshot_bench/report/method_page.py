"""A method's page: what it is, where it was published, and all of its settings."""

import inspect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import prod

from fewshot_bench.data.entry import datasets
from fewshot_bench.data.published import overrides_of, published_like
from fewshot_bench.errors import UsageError
from fewshot_bench.method import Method, methods
from fewshot_bench.presets import PRESETS, build_recipe, least_shots, preset_backbone
from fewshot_bench.recipe import Recipe
from fewshot_bench.report.markdown import grid, in_cell
from fewshot_bench.report.preset_sources import preset_sources
from fewshot_bench.report.setting_texts import (
    description,
    field_of,
    own_names,
    range_text,
    section_names,
    value_text,
    values,
)
from fewshot_bench.settings import SECTIONS

_HEADINGS = {"pretrain": "Pretraining", "train": "Meta-training"}
ByShots = Mapping[int, Mapping[str, str]]  # values by dotted key, by the least number of shots


def method_page(name: str, preset: str = "default", dataset: str | None = None) -> str:
    """Write a method's page as Markdown, from what its class and recipe declare.

    Args:
        name: of a registered method, in any spelling.
        preset: whose defaults are shown, one of `PRESETS`.
        dataset: registered name of a data set whose own defaults apply; None for none.

    Raises:
        UsageError: one of the three is unknown.
    """
    method = methods[name]
    data = None if dataset is None else datasets.resolve(dataset)
    like = published_like(method.recipe_type, preset, data, methods.resolve(name))
    by_preset = _by_preset(method.recipe_type, preset, data, like)
    defaults = f"preset `{preset}`" + (f", data set `{data}`" if data else "")
    parts = [
        f"# {methods.resolve(name)}",
        _facts(method, methods.aliases(name)),
        _words(method, Method),
        "## Settings",
        f"`fsbench run --method {methods.resolve(name)} --set KEY=VALUE` changes one; the defaults "
        f"shown are those of {defaults}. Square brackets name the source."
        + _origin(method.recipe_type, preset, data, like),
        *_own(method.recipe_type, by_preset[preset]),
        *[text for section in SECTIONS for text in _section(section, by_preset[preset])],
        "## Presets and shots",
        _differences(method.recipe_type, {p: by_preset[p] for p in PRESETS if p in by_preset}),
        *_sources(method.recipe_type, preset, like),
        "## Tuning",
        _grid(method.recipe_type),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _words(kind: type, base: type) -> str:
    """What a class says of itself; what its base says, to those who write one, is left out."""
    said = inspect.getdoc(kind)
    return said if said and said != inspect.getdoc(base) else ""


def _facts(method: type[Method], aliases: Sequence[str]) -> str:
    paper = method.paper
    lines = [f"- Setting: {method.setting}"]
    if aliases:
        lines.append(f"- Also called: {', '.join(f'`{alias}`' for alias in aliases)}")
    where = f"{paper.authors}, {paper.venue} {paper.year}"
    lines.append(f"- Paper: [{paper.title}]({paper.url}), {where}")
    lines.append(f"- Code: `{method.__module__}.{method.__qualname__}`")
    return "\n".join(lines)


def _origin(recipe_type: type[Recipe], preset: str, data: str | None, like: str | None) -> str:
    """Say whose values preset ``paper`` shows, and on which network."""
    if like is None:
        return ""
    known = ", ".join(f"`{name}`" for name in recipe_type.published)
    whose = f" The paper has values for {known}; shown are those for `{like}`"
    borrowed = f", which `{data}` borrows" if data not in (None, like) else ""
    network = preset_backbone(recipe_type, preset, 1, like)
    return f"{whose}{borrowed}{f', on backbone `{network}`' if network else ''}."


def _by_preset(
    recipe_type: type[Recipe], shown: str, data: str | None, like: str | None
) -> dict[str, ByShots]:
    """Values of the preset that is shown and of all others.

    Those of ``paper`` are left out where the paper has no data of that kind.
    """
    found = {shown: _resolved(recipe_type, shown, data, like)}
    for preset in PRESETS:
        with suppress(UsageError):
            like = published_like(recipe_type, preset, data, "")
            found[preset] = _resolved(recipe_type, preset, data, like)
    return found


def _resolved(
    recipe_type: type[Recipe], preset: str, data: str | None, like: str | None
) -> ByShots:
    """Values at each number of shots from which on they may differ."""
    build = partial(
        build_recipe, recipe_type, preset=preset, dataset=overrides_of(data), published=like
    )
    return {k: values(build(n_shot=k)) for k in least_shots(recipe_type)}


def _own(recipe_type: type[Recipe], defaults: ByShots) -> list[str]:
    names = own_names(recipe_type)
    if not names:
        return ["### Its own", "None."]
    return ["### Its own", _words(recipe_type, Recipe), _table(recipe_type, names, defaults)]


def _section(section: str, defaults: ByShots) -> list[str]:
    """Heading and table of a section; if it is absent, of what switching it on would bring."""
    heading = f"### {_HEADINGS.get(section, section)}"
    names = section_names(section)
    if any(names[0] in shown for shown in defaults.values()):
        return [heading, f"`--set {section}=none` leaves it out.", _table(Recipe, names, defaults)]
    added = {1: values(Recipe.model_validate({section: {}}))}
    absent = f"None here; `--set {section}=default`, or setting one of these, adds it:"
    return [heading, absent, _table(Recipe, names, added)]


def _table(recipe_type: type[Recipe], names: Sequence[str], defaults: ByShots) -> str:
    lines = []
    for name in names:
        allowed = range_text(field_of(recipe_type, name))
        words = in_cell(description(recipe_type, name))
        lines.append([f"`{name}`", _by_shots(name, defaults), allowed, words])
    return grid(["Key", "Default", "Values", "What it is"], lines)


def _by_shots(name: str, defaults: ByShots) -> str:
    """Write a setting's value, or where it depends on the shots, each value from where it holds."""
    held = [(k, shown[name]) for k, shown in defaults.items() if name in shown]
    changes = [(k, text) for i, (k, text) in enumerate(held) if i == 0 or text != held[i - 1][1]]
    first, *later = [f"`{text}`" for _, text in changes] or ["-"]
    since = [f"from {k} shots {text}" for (k, _), text in zip(changes[1:], later, strict=True)]
    return "; ".join([first, *since])


def _differences(recipe_type: type[Recipe], by_preset: Mapping[str, ByShots]) -> str:
    """Table of the settings that are not the same in all presets and at all shots."""
    lines = []
    for name in [*own_names(recipe_type), *(n for s in SECTIONS for n in (s, *section_names(s)))]:
        texts = [_by_shots(name, defaults) for defaults in by_preset.values()]
        if len({*texts} - {"-"}) > 1 or any("; " in text for text in texts):
            lines.append([f"`{name}`", *texts])
    if not lines:
        return "They change nothing."
    return grid(["Key", *(f"Preset `{preset}`" for preset in by_preset)], lines)


def _sources(recipe_type: type[Recipe], preset: str, like: str | None) -> list[str]:
    """Heading and table of what the source says of a preset's values."""
    names = (preset, f"{preset}@{like}")
    layers = [k for k in recipe_type.presets if k.partition(":")[0] in names]
    lines = [
        [f"`{layer}`", f"`{key}`" if key else "all", in_cell(said)]
        for layer in layers
        for key, said in preset_sources(recipe_type, layer)
    ]
    if not lines:
        return []
    return [f"## Where preset `{preset}` comes from", grid(["Preset", "Key", "Source"], lines)]


def _grid(recipe_type: type[Recipe]) -> str:
    tried = recipe_type.grid
    if not tried:
        return "It declares no grid, so `--tune val` has nothing to choose from."
    lines = [[f"`{k}`", ", ".join(f"`{value_text(v)}`" for v in vs)] for k, vs in tried.items()]
    count = prod(map(len, tried.values()))
    return f"`--tune val` chooses on the val split from {count} settings:\n\n" + grid(
        ["Key", "Values tried"], lines
    )

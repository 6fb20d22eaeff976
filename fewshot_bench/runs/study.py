"""Studies: requests in files, some of which come with the package."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from fewshot_bench.errors import UsageError, suggestion
from fewshot_bench.registry import canonical
from fewshot_bench.runs.request import Request, Scoped
from fewshot_bench.tracking.place import checked_name, checked_tags
from fewshot_bench.utilities.files import read_text

_ONE = {"dataset": "datasets", "backbone": "backbones", "seed": "seeds", "n_way": "ways"}


class Study(Request):
    """A request with a name.

    Attributes:
        name: of the study; without one, that of the file.
        summary: what it is for, in a line.
        experiment: of MLflow that it is logged to; None: one of its own name.
        tags: that MLflow shows with every run.
    """

    name: str
    summary: str = ""
    experiment: str | None = None
    tags: dict[str, str] = Field({})

    @field_validator("experiment")
    @classmethod
    def _can_be_a_name(cls, value: str | None) -> str | None:
        return checked_name(value, "an experiment")

    @field_validator("tags")
    @classmethod
    def _can_be_tags(cls, value: dict[str, str]) -> dict[str, str]:
        return checked_tags(value)


def shipped() -> dict[str, Study]:
    """The studies that come with the package, by name."""
    folder = files("fewshot_bench").joinpath("studies")
    found = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    texts = {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in found}
    return {name: read_study(texts[name], name) for name in sorted(texts)}


def load_study(name_or_file: str) -> Study:
    """Read a study from a TOML file, or one that comes with the package by its name.

    Raises:
        UsageError: there is none, or it asks for what cannot be.
    """
    path = Path(name_or_file)
    if path.suffix == ".toml" or path.exists():
        try:
            text = read_text(path, "no study")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"cannot read the study {path} ({str(reason).lower()})") from None
        study = read_study(text, path.stem, str(path))
        if study.weights is None or study.weights.is_absolute():
            return study
        return study.model_copy(update={"weights": path.parent / study.weights})
    known = shipped()
    if canonical(name_or_file) not in known:
        hint = suggestion(canonical(name_or_file), known)
        raise UsageError(f"no study is called '{name_or_file}'; {hint}, or name a .toml file")
    return known[canonical(name_or_file)]


def study_name(name_or_file: str) -> str:
    """Return what a store calls a study that is told by its file, or by its name already.

    Raises:
        UsageError: the file holds no study.
    """
    path = Path(name_or_file)
    return load_study(name_or_file).name if path.suffix == ".toml" else name_or_file


def study_summary(name_or_file: str) -> str:
    """Return what a study is for, in a line; '' of one that is known to a store alone.

    Raises:
        UsageError: the file holds no study.
    """
    if Path(name_or_file).suffix == ".toml":
        return load_study(name_or_file).summary
    known = shipped().get(canonical(name_or_file))
    return known.summary if known else ""


def read_study(text: str, name: str, place: str | None = None) -> Study:
    """Read a study from the text of a file.

    Args:
        text: TOML.
        name: of the study, unless the text has another.
        place: what the file is called in messages.

    Raises:
        UsageError: no TOML, or a key or value that does not fit; one line names file and key.
    """
    place = place or name
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is no TOML file: {error or 'it is nested too deep'}") from None
    try:
        return Study.model_validate({"name": name, **found})
    except ValidationError as error:
        raise UsageError(f"{place}: {_reason(error, found)}") from None
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None


def _reason(error: ValidationError, found: Mapping[str, Any]) -> str:
    """What does not fit first, unknown keys before values."""
    errors = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    first = errors[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return f"no key is called '{'.'.join(path)}'; {_nearest(path, found)}"
    if first["type"] == "missing":
        return f"it lacks the key '{path[0]}'"
    value = str(first["input"])
    shown = value if len(value) < 60 else f"{value[:60]}..."
    return f"{'.'.join(path)} = {shown!r} does not fit: {first['msg'].lower()}"


def _nearest(path: list[str], found: Mapping[str, Any]) -> str:
    if len(path) > 1:  # of a table [method.NAME]
        return suggestion(path[-1], Scoped.model_fields)
    key = path[0]
    if (plural := _ONE.get(key)) and plural in found:
        return f"'{plural}' is there already"
    return suggestion(key, [*Study.model_fields, *_ONE, "query_balance", "method"])

"""What a user gave, checked by a pydantic model: one line says what does not fit."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fewshot_bench.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Build a model from values.

    Raises:
        UsageError: the first value that does not fit, and why.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"setting {key}={first['input']!r} does not fit: {first['msg'].lower()}"
        ) from None


def first_of(error: ValidationError) -> str:
    """Say in a line what a model refused first, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:100]
    return f"{place}: {first['msg']}" if place else first["msg"]

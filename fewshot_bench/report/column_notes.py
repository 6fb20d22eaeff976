"""What must be said of a column: the protocol of its cells, and what they were trained on."""

from collections.abc import Mapping
from typing import Any


def note_on(column: Mapping[Any, Any]) -> str:
    """Write the note on a column from its facts, as in `cells`."""
    c = column
    return (
        f"{c['dataset']} {c['label']}: {c['n_way']}-way {c['n_shot']}-shot, {c['n_query']} queries "
        f"a class ({_balance(c)}), {c['n_episodes']} {c['split']} episodes "
        f"{c['episode_digest'][:12]}, data {c['data_checksum'][:12]}{_origin(c)}."
    )


def _balance(column: Mapping[Any, Any]) -> str:
    classes = column["n_query_way"]
    return f"{column['query_balance']}{f', of {classes} classes' if classes else ''}"


def _origin(column: Mapping[Any, Any]) -> str:
    """What a column was trained on, if that is another data set, and what follows from it."""
    if not column["train_dataset"]:
        return ""
    text = (
        f"; trained and selected on {column['train_dataset']} {column['train_checksum'][:12]}, "
        f"images {column['fitted'] or 'in their own shape'} and normalised as there"
    )
    if n := column["shared_classes"]:
        some = "1 measured class has a name" if n == 1 else f"{n} measured classes have names"
        text += f"; {some} of what was trained or selected on there, and not new"
    return text

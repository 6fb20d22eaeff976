"""Published class splits, one JSON file a data set."""

import json
from functools import cache
from importlib.resources import files


@cache
def class_split(name: str) -> dict[str, list[str]]:
    """Return the class names of ``train``, ``val`` and ``test``.

    Args:
        name: of a JSON file in this package; its ``source`` says where the list was read.
    """
    record = json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    return {split: record[split] for split in ("train", "val", "test")}

"""Files of embeddings: npz, npy, safetensors, parquet and pickled dictionaries."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.arrays import NUMPY_DAMAGE, load_numpy
from fewshot_bench.data.embedding_tables import (
    LABELS,
    SPLIT_WORDS,
    UNSPLIT,
    Classes,
    ClassRows,
    by_class,
    split_pairs,
)
from fewshot_bench.data.embeddings import matrix_of
from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular, read_text, require_regular


def read_embeddings(path: Path, labels: Path | None = None) -> dict[str, Classes]:
    """Read the classes of a file, by split; by `UNSPLIT` if it tells no splits.

    Large arrays stay on the disk where the format allows: npy and safetensors.

    Args:
        path: of the file; its ending says the format.
        labels: a file of labels, for ``.npy``.

    Raises:
        UsageError: another format, a damaged file, or one that does not hold what it must.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path.name} is no file of embeddings; give one of {', '.join(READERS)}, or a folder "
            "of train, val and test"
        )
    if (path.suffix.lower() == ".npy") != (labels is not None):
        raise UsageError(f"{path.name}: --labels FILE goes with a .npy file, and is needed there")
    with in_one_line(path):
        return _npy(path, labels) if labels else reader(path)


@contextmanager
def in_one_line(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read which one it is."""
    try:
        yield
    except (OSError, *NUMPY_DAMAGE) as error:
        text = (isinstance(error, OSError) and error.strerror) or str(error)
        reason = " ".join(text.split())[:120] or type(error).__name__
        if "allow_pickle" in reason:
            reason = "damaged, or Python objects: save names as text, np.array(names, dtype=str)"
        raise UsageError(f"{path.name} cannot be read ({reason})") from error


def _npz(path: Path) -> dict[str, Classes]:
    with load_numpy(path) as file:
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it is no npz archive")
        return _of_names(
            path, list(file), file.__getitem__, lambda key: np.atleast_1d(file[key]).tolist()
        )


def _npy(path: Path, labels: Path) -> dict[str, Classes]:
    values = load_numpy(path, mapped=True)
    with in_one_line(labels):
        given = _labels(labels)
    return {UNSPLIT: by_class(values, given, (path.name, labels.name))}


def _safetensors(path: Path) -> dict[str, Classes]:
    from safetensors import SafetensorError, safe_open

    try:
        require_regular(path)
        with safe_open(path, framework="pt") as file:
            names = _names(json.loads((file.metadata() or {}).get("facts", "{}")))
            keys = [*file.keys(), *names]
            return _of_names(path, keys, file.get_tensor, names.__getitem__)
    except SafetensorError as error:
        raise ValueError(error) from error


def _names(facts: Any) -> dict[str, list[Any]]:
    """Return lists of class names, which no tensor can hold, from what stands beside tensors."""
    held = facts.get("classes") if isinstance(facts, dict) else None
    named = held.items() if isinstance(held, dict) else ()
    return {f"classes_{split}": names for split, names in named if isinstance(names, list)}


def _of_names(
    path: Path, keys: list[str], get: Callable[[str], Any], get_names: Callable[[str], list[Any]]
) -> dict[str, Classes]:
    """Read named arrays; ``classes_train`` and so on hold names of which labels are places."""
    found = {}
    for split, (rows, labels) in split_pairs(keys, path.name).items():
        classes = "_".join(filter(None, ("classes", split)))
        class_names = get_names(classes) if classes in keys else None
        called = f"{rows} of {path.name}", f"{labels} of {path.name}"
        found[split] = by_class(get(rows), get(labels), called, class_names)
    return found


def _labels(path: Path) -> Any:
    """Read labels, one for each row: npy, a column of csv, or lines of txt."""
    if path.suffix.lower() == ".npy":
        return load_numpy(path)
    if path.suffix.lower() == ".txt":
        return _whole(read_text(path).splitlines())
    if path.suffix.lower() != ".csv":
        raise ValueError("labels come as .npy, .csv or .txt")
    lines = [line for line in csv.reader(StringIO(read_text(path), newline="")) if line]
    known = [c for c, head in enumerate(lines[0]) if head.strip().lower() in (*LABELS, "class")]
    if len(known) != 1 and len(lines[0]) != 1:
        raise ValueError("it needs a column of the name 'label'")
    return _whole([line[known[0] if known else 0] for line in lines[1 if known else 0 :]])


def _whole(texts: list[str]) -> NDArray[Any]:
    """Take labels that are all whole numbers as numbers, so that 10 comes after 9."""
    labels = [text.strip() for text in texts]
    whole = all(text.removeprefix("-").isdecimal() and len(text) < 18 for text in labels)
    return np.array([int(text) for text in labels] if whole else labels)


def _pickle(path: Path) -> dict[str, Classes]:
    with open_regular(path) as file:
        found = load_arrays(file, path.name)
    if not isinstance(found, dict) or not found:
        raise UsageError(f"{path.name} holds no dictionary of classes, {{class: [vectors]}}")
    if all(isinstance(value, dict) for value in found.values()):
        if unknown := [key for key in found if key not in SPLIT_WORDS]:
            raise UsageError(f"{path.name} holds dictionaries, but {unknown[0]!r} is no split")
        return {SPLIT_WORDS[split]: _of_dictionary(path, part) for split, part in found.items()}
    return {UNSPLIT: _of_dictionary(path, found)}


def _of_dictionary(path: Path, found: dict[Any, Any]) -> Classes:
    classes: Classes = {}
    for label in list(found):
        if isinstance(label, bool) or not isinstance(label, int | str | np.integer):
            raise UsageError(f"{path.name} has {label!r} as a class; names are text or numbers")
        values = matrix_of(found.pop(label), f"class {str(label)!r} of {path.name}")
        if str(label) in classes:
            raise UsageError(f"{path.name} has class {str(label)!r} as text and as a number")
        classes[str(label)] = ClassRows(len(values), values.shape[1], values.view)
    return classes


def _parquet(path: Path) -> dict[str, Classes]:
    from fewshot_bench.data.parquet import read_parquet

    return read_parquet(path)


READERS: dict[str, Callable[[Path], dict[str, Classes]]] = {
    ".npz": _npz,
    ".npy": _npz,  # read with its labels, see read_embeddings
    ".safetensors": _safetensors,
    ".parquet": _parquet,
    ".pkl": _pickle,
    ".plk": _pickle,
    ".pickle": _pickle,
}

"""Embeddings in parquet: a list column or many columns of numbers, and a column of labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.embedding_tables import (
    LABELS,
    ROWS,
    SPLIT_WORDS,
    UNSPLIT,
    Classes,
    by_class,
)
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import require_regular

if TYPE_CHECKING:
    import pyarrow as pa


def read_parquet(path: Path) -> dict[str, Classes]:
    """Read the classes of a file, by split.

    Args:
        path: with a list column ``embedding``, else every column of floats is a dimension; a
            column ``label``; perhaps a column ``split``. A column of categories gives classes
            their order, else it is that of their labels.

    Raises:
        UsageError: the columns are others, lack values, or differ in length.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        require_regular(path)
        with pq.ParquetFile(path, memory_map=True) as file:
            schema = file.schema_arrow
            label = _column(schema, (*LABELS, "class"), path)
            labels, names = _labels(file.read([label])[label], f"{label} of {path.name}")
            values = _values(file, label, path)
            splits = file.read(["split"])["split"] if "split" in schema.names else None
    except pa.ArrowException as error:
        raise ValueError(error) from error
    called = path.name, f"{label} of {path.name}"
    if splits is None:
        return {UNSPLIT: by_class(values, labels, called, names)}
    meant = np.array([_split(text, path) for text in splits.to_pylist()])
    found = {}
    for split in dict.fromkeys(meant.tolist()):
        rows = np.flatnonzero(meant == split)
        found[split] = by_class(values, labels[rows], called, names, rows)
    return found


def _column(schema: "pa.Schema", words: tuple[str, ...], path: Path) -> str:
    found = [name for name in schema.names if name in words]
    if len(found) != 1:
        held = ", ".join(schema.names[:8])
        raise UsageError(f"{path.name} has the columns {held}; it needs one of the name {words[1]}")
    return str(found[0])


def _labels(column: "pa.ChunkedArray", name: str) -> tuple[NDArray[Any], list[str] | None]:
    """Return labels, or places in names of classes if the column is one of categories."""
    import pyarrow as pa

    if column.null_count:
        raise UsageError(f"{name} lacks {column.null_count} labels; give one for each row")
    if not pa.types.is_dictionary(column.type):
        return np.array(column.to_pylist()), None
    whole = column.unify_dictionaries().combine_chunks()
    parts = whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]
    names = [str(value) for value in parts[0].dictionary.to_pylist()] if parts else []
    return np.concatenate([part.indices.to_numpy() for part in parts]), names


def _values(file: Any, label: str, path: Path) -> NDArray[np.float32]:
    """Read embeddings batch by batch into one array ``[N, D]``."""
    import pyarrow as pa

    schema, n_rows = file.schema_arrow, file.metadata.num_rows
    lists = [name for name in schema.names if name in ROWS]
    floats = [f.name for f in schema if pa.types.is_floating(f.type) and f.name != label]
    columns, filled = lists[:1] or floats, 0
    if not columns or len(lists) > 1:
        raise UsageError(
            f"{path.name} has no column of embeddings; call a column of lists 'embedding', or give "
            "columns of floats"
        )
    values: NDArray[np.float32] | None = None
    for batch in file.iter_batches(columns=columns):
        part = _batch(batch, bool(lists), path)
        if values is None:
            values = np.empty((n_rows, part.shape[1]), np.float32)
        if part.shape[1] != values.shape[1]:
            raise UsageError(f"{path.name} has embeddings of different lengths")
        with np.errstate(over="ignore"):  # infinite numbers are refused later
            values[filled : filled + len(part)] = part
        filled += len(part)
    if values is None:
        raise UsageError(f"{path.name} has no rows")
    return values


def _batch(batch: "pa.RecordBatch", is_list: bool, path: Path) -> NDArray[Any]:
    if any(column.null_count for column in batch.columns):
        raise UsageError(f"{path.name} lacks some embeddings; leave such rows out")
    if not is_list:
        return np.stack([column.to_numpy() for column in batch.columns], axis=1)
    column = batch.column(0)
    if not hasattr(column, "flatten"):
        raise UsageError(f"{path.name}: the column of embeddings holds no lists")
    flat = column.flatten().to_numpy(zero_copy_only=False)
    dim, rest = divmod(len(flat), len(column))
    lengths = column.value_lengths().to_numpy()
    if rest or not dim or (lengths != dim).any():
        raise UsageError(f"{path.name} has embeddings of different lengths")
    if flat.dtype.kind not in "fiu":
        raise UsageError(f"{path.name} has embeddings that are no numbers")
    vectors: NDArray[Any] = flat.reshape(-1, dim)
    return vectors


def _split(text: Any, path: Path) -> str:
    if text not in SPLIT_WORDS:
        raise UsageError(f"{path.name} has the split {text!r}; it is train, val or test")
    return SPLIT_WORDS[text]

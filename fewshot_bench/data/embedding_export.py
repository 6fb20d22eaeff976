"""Writing embeddings into files that `read_embeddings` reads, and most other programs."""

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import atomic_file

Splits = Mapping[str, EmbeddingSplit]


def require_format(path: Path) -> None:
    """Refuse a file whose ending names none of the formats, before anything is computed.

    Raises:
        UsageError: it is another ending.
    """
    if path.suffix.lower() not in WRITERS:
        raise UsageError(f"'{path.name}' names no format; let it end in {', '.join(WRITERS)}")


def write_embedding_file(path: Path, splits: Splits) -> None:
    """Write splits of embeddings as one file, with the names of their classes in their order.

    Args:
        path: to write; its ending says the format.
        splits: by name.

    Raises:
        UsageError: another ending, or the disk refuses the file.
    """
    require_format(path)
    present = {split: splits[split] for split in SPLITS if split in splits}
    with atomic_file(path) as partial:
        WRITERS[path.suffix.lower()](partial, present)


def _npz(path: Path, splits: Splits) -> None:
    arrays: dict[str, Any] = {}
    for split, rows in splits.items():
        arrays[f"X_{split}"], arrays[f"y_{split}"] = rows.embeddings, rows.labels
        arrays[f"classes_{split}"] = np.array(rows.class_names, dtype=str)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _safetensors(path: Path, splits: Splits) -> None:
    from safetensors.numpy import save_file

    arrays: dict[str, Any] = {}
    for split, rows in splits.items():
        arrays[f"X_{split}"], arrays[f"y_{split}"] = np.asarray(rows.embeddings), rows.labels
    names = {split: list(rows.class_names) for split, rows in splits.items()}
    save_file(arrays, path, metadata={"facts": json.dumps({"classes": names})})


def _parquet(path: Path, splits: Splits) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(dict.fromkeys(name for rows in splits.values() for name in rows.class_names))
    dim = next(iter(splits.values())).dim
    label = pa.dictionary(pa.int32(), pa.string())
    columns = {"split": pa.string(), "label": label, "embedding": pa.list_(pa.float32(), dim)}
    with pq.ParquetWriter(path, pa.schema(columns)) as writer:
        for split, rows in splits.items():
            places = np.array([names.index(name) for name in rows.class_names], np.int32)
            codes = places[rows.labels]
            flat = pa.array(np.asarray(rows.embeddings).ravel())
            table = {
                "split": pa.array([split] * len(rows)),
                "label": pa.DictionaryArray.from_arrays(codes, names),
                "embedding": pa.FixedSizeListArray.from_arrays(flat, dim),
            }
            writer.write_table(pa.table(table, schema=pa.schema(columns)))


def _pickle(path: Path, splits: Splits) -> None:
    """Write ``{split: {class: [vectors]}}``; in protocol 4, which the restricted reader takes."""
    found = {
        split: {
            name: np.array(rows.embeddings[start : start + count])
            for name, start, count in zip(
                rows.class_names, rows.class_offsets, rows.class_counts, strict=True
            )
        }
        for split, rows in splits.items()
    }
    with path.open("wb") as file:
        pickle.dump(found, file, protocol=4)


WRITERS: dict[str, Callable[[Path, Splits], None]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
    ".pkl": _pickle,
}

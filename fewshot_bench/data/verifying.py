"""All of a data set compared with what was written: rows, names, counts, mean and deviation."""

import hashlib
from pathlib import Path

import numpy as np

from fewshot_bench.data.content import split_header, total_checksum
from fewshot_bench.data.dataset import SPLITS, Dataset, ImageSplit, Split
from fewshot_bench.data.pixel_statistics import PixelStatistics
from fewshot_bench.errors import UsageError

_ROWS = 4096  # looked at at a time


def check_content(data: Dataset, folder: Path) -> None:
    """Compare a data set with its checksums.

    Args:
        data: as it is stored.
        folder: where, for messages.

    Raises:
        UsageError: a row, a name, a count or what the images are normalised by differs from what
            was written, or an embedding is not finite.
    """
    for split in data.splits.values():
        _check_split(split, folder)
    found = [data[s].checksum if s in data.splits else "" for s in SPLITS]
    if total_checksum(found) != data.checksum:
        raise UsageError(
            f"dataset.json of '{data.name}' is damaged; delete {folder} and get it again"
        )


def _check_split(split: Split, folder: Path) -> None:
    rows, again = split.rows, f"delete {folder} and get it again"
    pixels = PixelStatistics(rows.shape[-1]) if isinstance(split, ImageSplit) else None
    header = split_header(rows.shape[1:], split.class_names, split.class_counts.tolist())
    digest = hashlib.sha256(header)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        digest.update(part.data)
        if pixels and split.split == "train":
            pixels.update(part)
        if not pixels and not np.isfinite(part).all():
            raise UsageError(f"{split.where} holds embeddings that are not finite; {again}")
    if digest.hexdigest() != split.checksum:
        raise UsageError(
            f"the {split.split} split of '{split.dataset}' is damaged, its checksum differs; "
            f"{again}"
        )
    if isinstance(split, ImageSplit) and pixels and split.split == "train":
        told = [*split.mean, *split.std]
        if not np.allclose(told, [*pixels.mean, *pixels.std], rtol=1e-9, atol=1e-12):
            raise UsageError(
                f"dataset.json of '{split.dataset}' has another mean or std than its images; "
                f"{again}"
            )

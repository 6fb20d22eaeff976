"""Writing a data set: streamed, checked, and there as a whole or not at all."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_bench.data.content import ClassImages, Content, Images, split_header, total_checksum
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.errors import UsageError
from fewshot_bench.registry import canonical
from fewshot_bench.utilities.files import atomic_folder, home

FORMAT = 1


def dataset_folder(name: str) -> Path:
    """Return the folder of the data set `name`: ``{train,val,test}.npy`` and ``dataset.json``.

    Raises:
        UsageError: the name could not be a folder of its own.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", canonical(name)):
        raise UsageError(f"'{name}' cannot name a dataset; use letters, digits, '-' and '.'")
    return home() / "data" / canonical(name)


def write_dataset(
    name: str, content: Content, advance: Callable[[], object] = lambda: None
) -> None:
    """Write a data set, with no more than one class in memory.

    Args:
        name: under which it can be opened.
        content: the classes; each is read once, in order.
        advance: called after every class, for a progress bar.

    Raises:
        UsageError: a class is empty or in two places, or the disk is too small.
    """
    target = dataset_folder(name)
    _check_classes(target.name, content)
    with atomic_folder(target) as partial:
        _check_space(partial, content)
        pixels = _PixelStatistics(content.image_shape[2])
        splits = {
            split: _write_split(partial / f"{split}.npy", content, split, pixels, advance)
            for split in SPLITS
        }
        record = {
            "format": FORMAT,
            "name": target.name,
            "image_shape": list(content.image_shape),
            "mean": pixels.mean,
            "std": pixels.std,
            "splits": splits,
            "checksum": total_checksum([splits[s]["sha256"] for s in SPLITS]),
            "provenance": content.provenance,
        }
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (partial / "dataset.json").write_text(text, "utf-8")


class _PixelStatistics:
    """Mean and standard deviation of each channel of train, from exact counts of its values."""

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, 256), dtype=np.int64)

    def update(self, images: Images) -> None:
        for channel, counts in enumerate(self._counts):
            counts += np.bincount(images[..., channel].ravel(), minlength=256)

    @property
    def mean(self) -> list[float]:
        return [self._moment(counts, 1) / 255 for counts in self._counts]

    @property
    def std(self) -> list[float]:
        """Population standard deviation; 1 for a channel that never varies."""
        pairs = zip(self._counts, self.mean, strict=True)
        variances = [self._moment(counts, 2) / 255**2 - mean**2 for counts, mean in pairs]
        return [float(np.sqrt(v)) if v > 1e-12 else 1.0 for v in variances]

    @staticmethod
    def _moment(counts: np.ndarray[Any, np.dtype[np.int64]], power: int) -> float:
        total: int = sum(value**power * int(n) for value, n in enumerate(counts))
        return total / int(counts.sum())


def _write_split(
    path: Path,
    content: Content,
    split: str,
    pixels: _PixelStatistics,
    advance: Callable[[], object],
) -> dict[str, Any]:
    """Write one array by plain writes: a full disk is an error there, in a memory map a crash."""
    classes, shape = content.splits[split], content.image_shape
    names, counts = [c.name for c in classes], [c.count for c in classes]
    digest = hashlib.sha256(split_header(shape, names, counts))
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (sum(counts), *shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for images in _read(classes, shape):
            file.write(images.data)
            digest.update(images.data)
            if split == "train":
                pixels.update(images)
            advance()
    return {"sha256": digest.hexdigest(), "classes": list(zip(names, counts, strict=True))}


def _read(classes: Sequence[ClassImages], shape: tuple[int, int, int]) -> Iterator[Images]:
    for images in classes:
        pixels = np.ascontiguousarray(images.read())
        if pixels.dtype != np.uint8 or pixels.shape != (images.count, *shape):
            raise ValueError(f"class '{images.name}' gave {pixels.dtype} {pixels.shape}")
        yield pixels


def _check_classes(name: str, content: Content) -> None:
    seen: dict[str, str] = {}
    for split in SPLITS:
        if not content.splits[split]:
            raise UsageError(
                f"'{name}' would have no {split} classes; it needs {', '.join(SPLITS)}"
            )
        for images in content.splits[split]:
            if images.name in seen:
                raise UsageError(
                    f"class {images.name!r} is both in {seen[images.name]} and in {split}; "
                    "a class belongs to one split, once"
                )
            if not _is_text(images.name):
                raise UsageError(
                    f"class {images.name!r} of {split} has a name that is not UTF-8; rename it"
                )
            if images.count < 1:
                raise UsageError(f"class {images.name!r} of {split} has no images")
            seen[images.name] = split


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode("utf-8"))
    except UnicodeEncodeError:  # a file system's bytes in another encoding
        return False


def _check_space(folder: Path, content: Content) -> None:
    n = sum(images.count for split in SPLITS for images in content.splits[split])
    need, free = n * int(np.prod(content.image_shape)), shutil.disk_usage(folder).free
    if need > free:
        raise UsageError(
            f"{need / 1e9:.1f} GB are needed in {folder.parent}, which has {free / 1e9:.1f} GB "
            "free; make room, or set FSBENCH_HOME to a folder on a larger disk"
        )

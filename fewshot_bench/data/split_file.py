"""Lists by which a user says which class, or which image, is in which split."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.places import spelled
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import read_text

Row = tuple[str, str, str | None]  # split, class, and image if images are listed


@dataclass(frozen=True)
class SplitList:
    """Classes by split, in the order of the list.

    Attributes:
        name: of the file, for messages and the provenance.
        images: names of each class's images; None stands for all images in its folder.
    """

    name: str
    images: dict[str, dict[str, list[str] | None]]

    @property
    def has_images(self) -> bool:
        """Whether images are listed, not only their classes."""
        return any(files for classes in self.images.values() for files in classes.values())


def read_split_list(path: Path) -> SplitList:
    """Read which classes belong to which split.

    Args:
        path: JSON file ``{"train": [CLASS, ...], "val": [...], "test": [...]}``; CSV file with
            the columns ``class,split``, or ``filename,label,split``; or a folder with the files
            ``train.csv``, ``val.csv`` and ``test.csv`` of columns ``filename,label``, which is
            how Ravi and Larochelle (2017) list mini-ImageNet.

    Raises:
        UsageError: none of these, or a class is named twice.
    """
    if path.is_dir():
        files = [(split, path / f"{split}.csv") for split in SPLITS]
        rows = [row for split, file in files for row in _csv_rows(_text(file), str(file), split)]
    elif path.suffix.lower() == ".csv":
        rows = list(_csv_rows(_text(path), str(path)))
    else:
        rows = list(_json_rows(path))
    return SplitList(path.name, _by_split(path, rows))


def _by_split(path: Path, rows: Iterable[Row]) -> dict[str, dict[str, list[str] | None]]:
    found: dict[str, dict[str, list[str] | None]] = {split: {} for split in SPLITS}
    places: dict[str, str] = {}
    for split, name, image in rows:
        if (other := places.setdefault(name, split)) != split:
            raise UsageError(f"class {name!r} is both in {other} and in {split} of {path}")
        if image is None and name in found[split]:
            raise UsageError(f"'{split}' in {path} names a class twice: {name!r}")
        images = found[split].setdefault(name, None if image is None else [])
        if images is not None and image is not None:
            images.append(image)
    return found


def _text(path: Path) -> str:
    try:
        return read_text(path, "not a split file")
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not a split file; there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a split file; it cannot be read as UTF-8 text") from error


def _json_rows(path: Path) -> Iterator[Row]:
    text = _text(path)
    try:
        record = json.loads(text, object_pairs_hook=_once)
        lists = {split: record[split] for split in SPLITS}
        others = [key for key, value in record.items() if key not in SPLITS and _is_list(value)]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f'{path} is not a split file; it needs {{"train": [CLASS, ...], "val": ..., '
            f'"test": ...}} in JSON, each once, or the columns class,split in CSV'
        ) from error
    if others:
        raise UsageError(f"{others[0]!r} in {path} is none of the splits {', '.join(SPLITS)}")
    for split, classes in lists.items():
        if not _is_list(classes) or not all(isinstance(c, str) for c in classes):
            raise UsageError(f"'{split}' in {path} must be a list of class names")
        for name in classes:
            yield split, spelled(name), None


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Refuse what JSON allows: a key given twice, of which the last would count."""
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key is given twice")
    return record


def _csv_rows(text: str, where: str, split: str | None = None) -> Iterator[Row]:
    """Read the rows of a table; its columns say the split, unless it is of one split alone."""
    for number, row in enumerate(csv_records(text, where), 2):
        name, image = row.get("class") or row.get("label"), row.get("filename")
        place = split or row.get("split", "").strip()
        if not name or place not in SPLITS or image == "":
            raise UsageError(
                f"line {number} of {where} does not name a class and its split; it needs the "
                f"columns class,split (train, val or test), or a folder of train.csv, val.csv "
                "and test.csv with the columns filename,label"
            )
        yield place, spelled(name), image


def csv_records(text: str, where: str) -> list[dict[str, str]]:
    """Read a CSV table with a heading; a cell that is missing is empty.

    Raises:
        UsageError: the text is no CSV.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), restkey="", restval=""))
    except csv.Error as error:
        raise UsageError(f"{where} is not a CSV table ({error})") from error
    return [{key.strip(): str(value) for key, value in row.items()} for row in rows]

"""Import of embeddings that a user has, of any network and any kind of thing."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fewshot_bench.data.class_shares import read_shares, shared_out
from fewshot_bench.data.content import ClassVectors, EmbeddingContent, Vectors
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.embedding_files import READERS, in_one_line, read_embeddings
from fewshot_bench.data.embedding_tables import SPLIT_WORDS, UNSPLIT, Classes, ClassRows
from fewshot_bench.data.embeddings import floats_of
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular


@contextmanager
def embeddings_of_files(
    path: Path,
    labels: Path | None = None,
    split: str | None = None,
    split_seed: int | None = None,
    labels_per_split: bool = False,
    backbone_name: str | None = None,
) -> Iterator[EmbeddingContent]:
    """Read embeddings; without splits of the file or of the user, all classes are test classes.

    Args:
        path: a file, see `read_embeddings`; or a folder with a file for each split.
        labels: a file of labels, for ``.npy``.
        split: percentages of classes for train, val and test, ``60/20/20``.
        split_seed: of that split; 0 if it is not given.
        labels_per_split: the same label in two splits means two classes, as where whole numbers
            begin anew; the name of the split is then put before it.
        backbone_name: of the network that made them.

    Raises:
        UsageError: the files cannot be read, or the splits do not fit them.
    """
    if split_seed is not None and split is None:
        raise UsageError("--split-seed goes with --split 60/20/20")
    shares = None if split is None else read_shares(split)
    files = _files(path, labels)
    found, how = _splits(path, files, labels), "of the files"
    if shares and UNSPLIT not in found:
        raise UsageError(f"{path.name} says which split a class is in; leave --split out")
    if shares:
        found = shared_out(found[UNSPLIT], shares, split_seed or 0, path.name)
        how = f"{split} of the classes, dealt out by a hash of name and seed {split_seed or 0}"
    elif UNSPLIT in found:
        found, how = {"test": found[UNSPLIT]}, "none; all classes are test classes"
    elif labels_per_split:
        found = {
            part: {f"{part}/{name}": rows for name, rows in classes.items()}
            for part, classes in found.items()
        }
        how += ", in each of which labels begin anew"
    _require_apart(found)
    if backbone_name is not None and not re.fullmatch(r"[\w.+/-]+", backbone_name):
        raise UsageError(f"--backbone-name {backbone_name!r} has other signs than a name has")
    provenance: dict[str, object] = {
        "source": "the user's own embeddings",
        "files": {file.name: _digest(file) for file in files.values()},
        "split": how,
        "order": "of labels, or as listed",
    }
    if labels:
        provenance["labels"] = {labels.name: _digest(labels)}
    yield EmbeddingContent(_dim(found), _content(found), provenance, backbone_name)


def _files(path: Path, labels: Path | None) -> dict[str, Path]:
    """The files to read, by split; in a folder they are named after it."""
    if not path.is_dir():
        return {UNSPLIT: path}
    if labels is not None:
        raise UsageError("--labels goes with one .npy file; a folder holds files with labels")
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        split = SPLIT_WORDS.get(file.stem.lower().removesuffix("_features"))
        if split is None or file.suffix.lower() not in READERS:
            continue
        if split in found:
            raise UsageError(f"{path.name} has both {found[split].name} and {file.name}")
        found[split] = file
    if not found:
        raise UsageError(f"{path.name} holds no train, val or test with {', '.join(READERS)}")
    return found


def _splits(path: Path, files: Mapping[str, Path], labels: Path | None) -> dict[str, Classes]:
    if UNSPLIT in files:
        return read_embeddings(path, labels)
    found = {split: read_embeddings(file) for split, file in files.items()}
    for split, parts in found.items():
        if UNSPLIT not in parts:
            raise UsageError(f"{files[split].name} holds splits itself; import it alone")
    return {split: parts[UNSPLIT] for split, parts in found.items()}


def _digest(path: Path) -> str:
    with in_one_line(path), open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_apart(found: Mapping[str, Classes]) -> None:
    """Refuse a class in two splits, as in a split by rows; new labels may just begin anew."""
    seen: dict[str, str] = {}
    for split, classes in found.items():
        for name in classes:
            if name in seen:
                raise UsageError(
                    f"class {name!r} is both in {seen[name]} and in {split}, and few-shot splits "
                    "are by class; if these are two classes, as labels begin anew in each split, "
                    "add --labels-per-split"
                )
            seen[name] = split


def _dim(found: Mapping[str, Classes]) -> int:
    """The one length of all embeddings."""
    dims: dict[int, str] = {}
    for split, classes in found.items():
        for name, rows in classes.items():
            dims.setdefault(rows.dim, f"class {name!r} of {split}")
    if len(dims) > 1:
        (one, where), (other, elsewhere) = list(dims.items())[:2]
        raise UsageError(
            f"embeddings have the length {one} in {where} and {other} in {elsewhere}; give those "
            "of one network"
        )
    return next(iter(dims), 0)


def _content(found: Mapping[str, Classes]) -> dict[str, list[ClassVectors]]:
    def vectors(split: str, name: str, rows: ClassRows) -> ClassVectors:
        def read() -> Vectors:
            return floats_of(rows.read(), f"class {name!r} of {split}")

        return ClassVectors(name, rows.count, read)

    return {
        split: [vectors(split, name, rows) for name, rows in found[split].items()]
        for split in SPLITS
        if split in found
    }

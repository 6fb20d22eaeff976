"""Import of CIFAR-FS (Bertinetto et al. 2019) and FC100 (Oreshkin et al. 2018) from CIFAR-100."""

import gzip
import sys
import tarfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from fewshot_bench.data.archive import Bounded, Member, check_count, check_members, tar_member
from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.images import class_of_files, is_image, resized
from fewshot_bench.data.splits import class_split
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular

SIZE = 32
COUNTS = {"train": 500, "test": 100}  # images a class in the two halves of CIFAR-100
PICKLES = "cifar-100-python"  # folder inside the official archive, with the files of RECORDS
RECORDS = ("train", "test", "meta")
_MAX_RECORD = 160 * 2**20  # bytes; the train half of CIFAR-100 has 148 MiB
_TAR_ERRORS = (  # what tarfile and gzip raise for damage
    tarfile.TarError,
    EOFError,
    zlib.error,
    ValueError,
    OverflowError,
    RecursionError,  # headers that announce headers
)

Halves = Mapping[tuple[str, str], ClassImages]  # by (half, class)


@contextmanager
def cifar_fs(path: Path) -> Iterator[Content]:
    """Read CIFAR-FS: 64 / 16 / 20 classes of CIFAR-100, all 600 images of each.

    Args:
        path: ``cifar-100-python.tar.gz`` or what it extracts to, or a folder or zip archive of
            ``train/CLASS/*.png`` and ``test/CLASS/*.png`` under the published file names. All
            of them give the same checksum.

    Raises:
        UsageError: a class is missing or has not 600 images, or the file is damaged.
    """
    with _halves(path) as halves:
        yield _content(halves, "cifar-fs", path)


@contextmanager
def fc100(path: Path) -> Iterator[Content]:
    """Read FC100: 60 / 20 / 20 classes, every superclass of CIFAR-100 in one split only.

    Args:
        path: as for `cifar_fs`.

    Raises:
        UsageError: as `cifar_fs`.
    """
    with _halves(path) as halves:
        yield _content(halves, "fc100", path)


def _content(halves: Halves, split_name: str, path: Path) -> Content:
    splits = {
        split: [_whole_class(name, halves, path) for name in names]
        for split, names in class_split(split_name).items()
    }
    provenance: dict[str, object] = {
        "source": "CIFAR-100, Krizhevsky 2009",
        "split": split_name,
        "images": "32x32 RGB as published; of each class 500 of the train half, 100 of the test",
        "order": "of the published file names in each half",
    }
    return Content((SIZE, SIZE, 3), splits, provenance)


def _whole_class(name: str, halves: Halves, path: Path) -> ClassImages:
    parts = []
    for half, count in COUNTS.items():
        found = halves[half, name].count if (half, name) in halves else 0
        if found != count:
            raise UsageError(
                f"{path} has {found} images of '{name}' in the {half} half, CIFAR-100 has "
                f"{count}; get the archive again"
            )
        parts.append(halves[half, name])
    return ClassImages(
        name, sum(COUNTS.values()), lambda: np.concatenate([p.read() for p in parts])
    )


@contextmanager
def _halves(path: Path) -> Iterator[Halves]:
    if path.is_file() and path.name.endswith((".tar.gz", ".tgz", ".tar")):
        yield _from_tar(path)
        return
    folder = path / PICKLES if (path / PICKLES / "meta").is_file() else path
    if (folder / "meta").is_file():
        yield _from_folder(folder)
        return
    with open_tree(path) as tree:
        yield _from_images(tree)


def _from_images(tree: FileTree) -> Halves:
    """Group ``HALF/CLASS/*.png`` by place, not by name: a class is called ``train``."""
    files = defaultdict(list)
    for file in filter(is_image, tree.files):
        if len(parts := PurePosixPath(file).parts) >= 3:
            files[parts[-3], parts[-2]].append((tree, file))
    decode = resized(SIZE, "RGB")
    return {key: class_of_files(key[1], found, decode) for key, found in files.items()}


def _from_tar(path: Path) -> Halves:
    """Read the three members of the official archive in place."""
    try:
        records = _tar_records(path)
    except (*_TAR_ERRORS, OSError) as error:
        raise UsageError(f"{path} is not a whole {PICKLES}.tar.gz; get it again") from error
    return _from_records(records, str(path))


def _tar_records(path: Path) -> dict[str, Any]:
    """Check every member of a tar archive, gzipped or not, and read the ones of `RECORDS`."""
    found: dict[str, Any] = {}
    size = path.stat().st_size
    with open_regular(path) as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.open(file) if zipped else file as stream:
            bounded = Bounded(cast("IO[bytes]", stream))
            with tarfile.open(fileobj=cast("IO[bytes]", bounded), mode="r:") as archive:
                members = _taking(archive, bounded, found, (str(path), size))
                check_members(str(path), members, size)
    return found


def _taking(
    archive: tarfile.TarFile, bounded: Bounded, found: dict[str, Any], of: tuple[str, int]
) -> Iterator[Member]:
    """Describe each member, and once it is not refused, read it into `found` if it is wanted.

    Args:
        archive: to read.
        bounded: its stream.
        found: is given what the members hold.
        of: name of the archive, and its bytes.
    """
    wanted = {f"{PICKLES}/{name}": name for name in RECORDS}
    for number, info in enumerate(archive, 1):
        check_count(of[0], number, of[1])
        if not info.isdir():
            yield tar_member(info)
        if info.isreg() and (name := wanted.get(info.name)):
            if info.size > _MAX_RECORD:
                raise UsageError(f"{of[0]}: {info.name!r} is larger than {_MAX_RECORD} bytes")
            bounded.allow(sys.maxsize)
            with cast("IO[bytes]", archive.extractfile(info)) as member:
                found[name] = load_arrays(cast("BinaryIO", member), f"{of[0]}: {name}")
        bounded.allow()


def _from_folder(folder: Path) -> Halves:
    records = {}
    for name in RECORDS:
        try:
            with open_regular(folder / name) as file:
                records[name] = load_arrays(file, str(folder / name))
        except OSError as error:
            raise UsageError(f"{folder / name} cannot be read: {error.strerror}") from error
    return _from_records(records, str(folder))


def _from_records(records: Mapping[str, Any], where: str) -> Halves:
    """Group the rows of the two pickles by class, in the order of their file names."""
    halves = {}
    try:
        names = _texts(records["meta"]["fine_label_names"])
        for half in COUNTS:
            pixels, labels, order = _arrays(records[half])
            for label, name in enumerate(names):
                rows = order[labels[order] == label]
                halves[half, name] = _rows(name, pixels, rows)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(f"{where} does not hold CIFAR-100's arrays; get it again") from error
    return halves


def _arrays(record: Mapping[str, Any]) -> tuple[Images, NDArray[np.int64], NDArray[np.intp]]:
    """Take the images of a half, their labels, and the order of their file names.

    Nothing is converted that is not flat: lists in lists grow exponentially in an array.
    """
    pixels = record["data"]
    labels = np.fromiter(record["fine_labels"], dtype=np.int64)
    files = _texts(record["filenames"])
    if pixels.dtype != np.uint8 or not len(pixels) == len(labels) == len(files):
        raise ValueError(f"{len(pixels)} images, {len(labels)} labels, {len(files)} names")
    order = np.argsort(np.array(files), kind="stable")
    return pixels.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1), labels, order


def _texts(values: list[Any]) -> list[str]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("a list of names holds something else")
    return values


def _rows(name: str, pixels: Images, rows: NDArray[np.intp]) -> ClassImages:
    return ClassImages(name, len(rows), lambda: pixels[rows])

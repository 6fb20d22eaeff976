"""Import of a user's own images."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fewshot_bench.data.content import Content
from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.images import bad_images, class_of_files, is_image, read_image, resized
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.errors import UsageError

Files = Mapping[str, Mapping[str, list[str]]]  # by split and class
DEFAULT_SIZE = 84
SKIPPED = "skipped images"  # in the provenance, the files that were left out


@contextmanager
def folder_of_images(
    path: Path,
    size: int = DEFAULT_SIZE,
    split_file: Path | None = None,
    skip_bad_images: bool = False,
) -> Iterator[Content]:
    """Read a tree of images; grey if the first image of every class is.

    Args:
        path: folder or zip archive of ``train|val|test/CLASS/image``, or of ``CLASS/image``
            if there is a split file.
        size: side to which images are resized, whatever their aspect ratio.
        split_file: JSON file ``{"train": [CLASS, ...], "val": [...], "test": [...]}``.
        skip_bad_images: leave out images that cannot be read; the provenance lists them.

    Raises:
        UsageError: a split or a class is missing, or an image cannot be read.
    """
    with open_tree(path) as tree:
        files = _files_by_list(tree, split_file) if split_file else _files_by_place(tree)
        skipped = set(bad_images(tree, _all_files(files))) if skip_bad_images else set()
        files = _without(skipped, files, tree.where)
        mode = (
            "L" if all(_is_grey(tree, c[0]) for s in files.values() for c in s.values()) else "RGB"
        )
        decode = resized(size, mode)
        splits = {
            split: [
                class_of_files(name, [(tree, file) for file in found], decode)
                for name, found in files[split].items()
            ]
            for split in SPLITS
        }
        yield Content(
            (size, size, len(mode)),
            splits,
            {
                "source": "the user's own images",
                "split": split_file.name if split_file else "by folder",
                "images": f"{mode}, resized to {size}x{size}, aspect ratio not kept, bilinear "
                "with antialiasing",
                "order": "of file names",
                SKIPPED: sorted(skipped),
            },
        )


def _files_by_place(tree: FileTree) -> Files:
    files: dict[str, dict[str, list[str]]] = {split: defaultdict(list) for split in SPLITS}
    for file in filter(is_image, tree.files):
        parts = PurePosixPath(file).parts
        if len(parts) >= 3 and parts[-3] in files:
            files[parts[-3]][parts[-2]].append(file)
    missing = [split for split in SPLITS if not files[split]]
    if missing:
        raise UsageError(
            f"{tree.where} has no images in {missing[0]}/CLASS/; arrange it as "
            "train|val|test/CLASS/image, or say with --split-file which classes are which"
        )
    return files


def _files_by_list(tree: FileTree, split_file: Path) -> Files:
    classes = defaultdict(list)
    for file in filter(is_image, tree.files):
        classes[PurePosixPath(file).parent.name].append(file)
    names = _read_split_file(split_file)
    unknown = [n for split in SPLITS for n in names[split] if n not in classes]
    if unknown:
        raise UsageError(f"{tree.where} has no images of class '{unknown[0]}' of {split_file}")
    return {split: {n: classes[n] for n in names[split]} for split in SPLITS}


def _all_files(files: Files) -> list[str]:
    return [file for classes in files.values() for found in classes.values() for file in found]


def _without(skipped: Collection[str], files: Files, where: str) -> Files:
    """Leave out what is to be skipped, though never a whole class."""
    left = {
        split: {name: [f for f in found if f not in skipped] for name, found in classes.items()}
        for split, classes in files.items()
    }
    if empty := [name for classes in left.values() for name, found in classes.items() if not found]:
        raise UsageError(f"{where} has no image of class '{empty[0]}' that can be read")
    return left


def _read_split_file(path: Path) -> dict[str, list[str]]:
    try:
        record = json.loads(path.read_text("utf-8"))
        names = {split: record[split] for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f'{path} is not a split file; it needs {{"train": [CLASS, ...], "val": ..., '
            f'"test": ...}} in JSON'
        ) from error
    for split, classes in names.items():
        if not isinstance(classes, list) or not all(isinstance(c, str) for c in classes):
            raise UsageError(f"'{split}' in {path} must be a list of class names")
        if len(set(classes)) < len(classes):
            raise UsageError(f"'{split}' in {path} names a class twice")
    return names


def _is_grey(tree: FileTree, file: str) -> bool:
    return read_image(tree, file).mode in ("1", "L", "LA")

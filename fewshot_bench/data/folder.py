"""Import of a user's own images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fewshot_bench.data.class_shares import read_shares, shared_out
from fewshot_bench.data.content import Content
from fewshot_bench.data.images import bad_images, class_of_files, resized
from fewshot_bench.data.layout import Classes, by_list, by_place, flat, for_example
from fewshot_bench.data.left_out import BAD, LEFT_OUT, SMALL
from fewshot_bench.data.split_file import read_split_list
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.data.viewing import CHANGED, RULES, Viewer, is_coloured
from fewshot_bench.errors import UsageError

DEFAULT_SIZE = 84


@contextmanager
def folder_of_images(
    path: Path,
    size: int = DEFAULT_SIZE,
    split_file: Path | None = None,
    split: str | None = None,
    split_seed: int | None = None,
    min_images: int | None = None,
    skip_bad_images: bool = False,
) -> Iterator[Content]:
    """Read a tree of images as a viewer shows them; grey if all of them are.

    Args:
        path: folder or zip archive of ``train|val|test/CLASS/image``; of ``CLASS/image`` if
            there is `split`; of anything if there is a split file.
        size: side to which images are resized, whatever their aspect ratio.
        split_file: see `read_split_list`; classes are named by path or by an end of it.
        split: percentages of classes for train, val and test, ``60/20/20``.
        split_seed: of that split; 0 if it is not given.
        min_images: leave out classes with fewer images.
        skip_bad_images: leave out images that cannot be read.

    The provenance names all files that were left out, and says how images were changed.

    Raises:
        UsageError: a split is missing, a class has no image or an ambiguous name, or an image
            cannot be read.
    """
    if split is not None and split_file is not None:
        raise UsageError("give --split or --split-file, not both")
    if split_seed is not None and split is None:
        raise UsageError("--split-seed goes with --split 60/20/20")
    shares = None if split is None else read_shares(split)
    listed = None if split_file is None else read_split_list(split_file)
    with open_tree(path) as tree:
        files = {"": flat(tree)} if shares else by_list(tree, listed) if listed else by_place(tree)
        if skip_bad_images:
            files = _that_can_be_read(tree, files)
        files = _large_enough(tree, files, min_images)
        how = listed.name if listed else "by folder"
        if shares:
            files = shared_out(files[""], shares, split_seed or 0, tree.where)
            how = f"{split} of the classes, dealt out by a hash of name and seed {split_seed or 0}"
        yield _content(tree, files, size, {"split": how, "min_images": min_images or 1})


def _content(
    tree: FileTree, files: dict[str, Classes], size: int, facts: dict[str, object]
) -> Content:
    coloured = any(is_coloured(tree, file) for file in _all_files(files))
    mode, viewer = "RGB" if coloured else "L", Viewer()
    decode = resized(size, mode)
    splits = {
        split: [
            class_of_files(name, [(tree, file) for file in found], decode, viewer)
            for name, found in classes.items()
        ]
        for split, classes in files.items()
    }
    provenance = {
        "source": "the user's own images",
        **facts,
        "images": f"{mode}, {'as some images are in colour' if coloured else 'all are grey'}; "
        f"resized to {size}x{size}, aspect ratio not kept, bilinear with antialiasing",
        "seen": RULES,
        CHANGED: viewer.changed,  # counted while the images are read
        "order": "of file names, or as listed",
        LEFT_OUT: tree.left_out.record(),
    }
    return Content((size, size, len(mode)), splits, provenance)


def _all_files(files: dict[str, Classes]) -> Iterator[str]:
    return (file for classes in files.values() for found in classes.values() for file in found)


def _that_can_be_read(tree: FileTree, files: dict[str, Classes]) -> dict[str, Classes]:
    bad = set(bad_images(tree, list(_all_files(files)), Viewer()))
    for file in sorted(bad):
        tree.left_out.add(BAD, file)
    return {
        split: {name: [f for f in found if f not in bad] for name, found in classes.items()}
        for split, classes in files.items()
    }


def _large_enough(
    tree: FileTree, files: dict[str, Classes], min_images: int | None
) -> dict[str, Classes]:
    """Leave out small classes if that was asked for; a class without images is refused.

    Raises:
        UsageError: there is one.
    """
    kept: dict[str, Classes] = {split: {} for split in files}
    for split, classes in files.items():
        for name, found in classes.items():
            if len(found) >= (min_images or 1):
                kept[split][name] = found
            elif min_images:
                tree.left_out.add(SMALL, f"{split}/{name}/".lstrip("/"), len(found))
            else:
                raise UsageError(
                    f"{tree.where} has no image of class {name!r} that can be read"
                    f"{for_example(tree, name)}; mend the class, delete it, or leave such classes "
                    "out with --min-images 1"
                )
    return kept

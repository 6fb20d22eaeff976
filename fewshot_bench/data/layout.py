"""Which files of a tree are images of which class; whatever is none is named as left out."""

from collections import defaultdict
from collections.abc import Collection
from pathlib import PurePosixPath

from fewshot_bench.data.dataset import SPLITS
from fewshot_bench.data.images import is_image
from fewshot_bench.data.left_out import DEPTH, FORMAT, OUTSIDE, UNLISTED
from fewshot_bench.data.places import Places, spelled
from fewshot_bench.data.split_file import SplitList
from fewshot_bench.data.tree import FileTree
from fewshot_bench.errors import UsageError

Classes = dict[str, list[str]]  # files by class
Parts = tuple[str, ...]
_AROUND = 8  # folders that may lie around train, val and test


def by_place(tree: FileTree) -> dict[str, Classes]:
    """Take ``train|val|test/CLASS/image``, perhaps inside other folders.

    Classes without an image are among those returned.

    Raises:
        UsageError: a split has no image, or there are two such trees.
    """
    base = _base_of_splits(tree)
    folders = _class_folders(tree, {(*base, split) for split in SPLITS})
    splits = {
        split: _named(tree, {p: files for p, files in folders.items() if p[-2] == split})
        for split in SPLITS
    }
    missing = [split for split in SPLITS if not any(splits[split].values())]
    if missing:
        raise UsageError(
            f"{tree.where} has no images in {missing[0]}/CLASS/{for_example(tree, missing[0])}; "
            "arrange it as train|val|test/CLASS/image, say with --split-file which classes are "
            "which, or split CLASS/image with --split 60/20/20"
        )
    return splits


def flat(tree: FileTree) -> Classes:
    """Take ``CLASS/image``, perhaps inside other folders; also classes without an image.

    Raises:
        UsageError: there is no such folder, or there are folders of such folders.
    """
    images = [parts for parts in map(_parts, filter(is_image, tree.files)) if len(parts) > 1]
    if not images:
        raise UsageError(f"{tree.where} has no images in CLASS/; --split needs CLASS/image")
    depth = min(map(len, images)) - 1
    base, *others = sorted({parts[: depth - 1] for parts in images if len(parts) == depth + 1})
    if others:
        raise UsageError(
            f"{tree.where} has classes in {_folder(base)!r} and in {_folder(others[0])!r}; leave "
            "--split out if these are its splits, or name the classes by path in a --split-file"
        )
    return _named(tree, _class_folders(tree, {base}))


def by_list(tree: FileTree, split_list: SplitList) -> dict[str, Classes]:
    """Take what a list names: folders, or images wherever they lie.

    Raises:
        UsageError: something on the list is missing, ambiguous or named twice.
    """
    images = list(filter(is_image, tree.files))
    folders: dict[str, list[str]] = defaultdict(list)
    for file in images:
        folders[_folder(_parts(file)[:-1])].append(file)
    by_folder = Places(tree.where, folders)
    by_file = Places(tree.where, images if split_list.has_images else [])

    def files_of(name: str, listed: list[str] | None) -> list[str]:
        if listed is not None:
            return [_found(by_file, image, "image", tree, split_list) for image in listed]
        return folders[_found(by_folder, name, "images of class", tree, split_list)]

    splits = {
        split: {name: files_of(name, listed) for name, listed in classes.items()}
        for split, classes in split_list.images.items()
    }
    _leave_the_rest(tree, _taken(splits, split_list))
    return splits


def for_example(tree: FileTree, folder: str) -> str:
    """Name something in a folder that holds no image of a class, so that it can be mended."""
    file = next((file for file in tree.files if f"/{folder}/" in f"/{file}"), None)
    return f", though there is {file!r}" if file else ""


def _parts(name: str) -> Parts:
    return PurePosixPath(name).parts


def _folder(parts: Parts) -> str:
    return "/".join(parts) + "/"


def _base_of_splits(tree: FileTree) -> Parts:
    """Find the folder of train, val and test: the one with most of them, or the outermost."""
    found: dict[Parts, set[str]] = defaultdict(set)
    for folder in map(_parts, tree.folders):
        for i, part in enumerate(folder[:_AROUND]):
            if part in SPLITS:
                found[folder[:i]].add(part)
    ranks = {base: (-len(splits), len(base)) for base, splits in found.items()}
    best = [base for base in sorted(ranks) if ranks[base] == min(ranks.values())]
    if len(best) > 1 and len(found[best[0]]) == len(SPLITS):
        raise UsageError(
            f"{tree.where} has train, val and test in {_folder(best[0])!r} and in "
            f"{_folder(best[1])!r}; give one of them"
        )
    return best[0] if best else ()


def _class_folders(tree: FileTree, tops: set[Parts]) -> dict[Parts, list[str]]:
    """Group images by the folders right inside `tops`, all of one depth; leave out the others.

    Folders without an image come last, with no files.
    """
    found: dict[Parts, list[str]] = {}
    depth = len(min(tops)) + 1
    above = {top[:i] for top in tops for i in range(depth)}
    for file in tree.files:
        *folder, _ = parts = _parts(file)
        if (inside := parts[: depth - 1] in tops) and len(parts) == depth + 1 and is_image(file):
            found.setdefault(tuple(folder), []).append(file)
        elif not inside and tuple(folder) not in above:
            outermost = next(i for i in range(1, len(parts)) if parts[:i] not in above)
            tree.left_out.add(OUTSIDE, _folder(parts[:outermost]))
        elif not is_image(file):
            tree.left_out.add(FORMAT, file)
        else:
            tree.left_out.add(
                DEPTH, _folder(parts[: depth + 1]) if len(parts) > depth + 1 else file
            )
    for parts in map(_parts, tree.folders):
        if len(parts) >= depth and parts[: depth - 1] in tops:
            found.setdefault(parts[:depth], [])
    return found


def _named(tree: FileTree, folders: dict[Parts, list[str]]) -> Classes:
    """Call classes by their folders."""
    classes: Classes = {}
    for parts, files in folders.items():
        if (name := spelled(parts[-1])) in classes:
            raise UsageError(
                f"{tree.where} has two folders called {_folder(parts)!r}, with accents composed "
                "and apart; rename one"
            )
        classes[name] = files
    return classes


def _found(places: Places, name: str, what: str, tree: FileTree, split_list: SplitList) -> str:
    path = places.find(name)
    if path is None:
        raise UsageError(f"{tree.where} has no {what} {name!r} of {split_list.name}")
    return path


def _taken(splits: dict[str, Classes], split_list: SplitList) -> dict[str, str]:
    """Map each image to its class.

    Raises:
        UsageError: one is listed twice.
    """
    taken: dict[str, str] = {}
    for classes in splits.values():
        for name, files in classes.items():
            for file in files:
                if file in taken:
                    raise UsageError(
                        f"{split_list.name} names {file!r} twice, in {taken[file]!r} and {name!r}"
                    )
                taken[file] = name
    return taken


def _leave_the_rest(tree: FileTree, taken: Collection[str]) -> None:
    used = {_parts(file)[:-1] for file in taken}
    for file in tree.files:
        folder = _parts(file)[:-1]
        if not is_image(file):
            tree.left_out.add(FORMAT, file)
        elif file not in taken:
            tree.left_out.add(UNLISTED, _folder(folder) if folder and folder not in used else file)

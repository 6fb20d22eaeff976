"""Import of mini-ImageNet (Ravi and Larochelle 2017) and tiered-ImageNet (Ren et al. 2018)."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.images import class_of_files, is_image, name_of, resized
from fewshot_bench.data.left_out import FORMAT, LEFT_OUT
from fewshot_bench.data.places import Places
from fewshot_bench.data.split_file import csv_records
from fewshot_bench.data.splits import class_split
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular

Classes = Mapping[str, ClassImages]  # by WordNet id


@dataclass(frozen=True)
class Subset:
    """What makes a subset of ImageNet.

    Attributes:
        split: class names of train, val and test.
        fewest, most: bounds of the number of images a class.
        size: side of the images in pixels.
    """

    split: Mapping[str, list[str]]
    fewest: int
    most: int
    size: int = 84


@contextmanager
def mini_imagenet(path: Path) -> Iterator[Content]:
    """Read mini-ImageNet, 600 images of each of 64 / 16 / 20 classes.

    Args:
        path: see `read_subset`.
    """
    with read_subset(path, Subset(class_split("mini-imagenet"), 600, 600)) as content:
        yield content


@contextmanager
def tiered_imagenet(path: Path) -> Iterator[Content]:
    """Read tiered-ImageNet, all ImageNet images of 351 / 97 / 160 classes.

    Args:
        path: see `read_subset`. The smallest class of ImageNet has 732 images.
    """
    with read_subset(path, Subset(class_split("tiered-imagenet"), 732, 1300)) as content:
        yield content


@contextmanager
def read_subset(path: Path, subset: Subset) -> Iterator[Content]:
    """Read a subset of ImageNet in any of the layouts in which it is passed around.

    Args:
        path: folder or zip archive with (in this order of preference) the pickles
            ``*cache-{train,val,test}.pkl``; lists ``{train,val,test}.csv`` (filename, label);
            lists ``{base,val,novel}.json`` (label_names, image_names, image_labels); or one
            folder of images for each WordNet id. Lists say which images belong to a class,
            the split is always the published one.
        subset: what is expected.

    Raises:
        UsageError: a class is missing, or has too few or too many images.
    """
    with open_tree(path) as tree:
        layout, classes = _find_classes(tree, path, subset)
        splits = {
            split: [_expected(name, classes, subset, path) for name in names]
            for split, names in subset.split.items()
        }
        yield Content(
            (subset.size, subset.size, 3),
            splits,
            {
                "source": "ImageNet, Russakovsky et al. 2015",
                "layout": layout,
                "images": f"resized to {subset.size}x{subset.size}, aspect ratio not kept, "
                "bilinear with antialiasing",
                "order": "as listed, or of file names",
                LEFT_OUT: tree.left_out.record(),
            },
        )


def _find_classes(tree: FileTree, path: Path, subset: Subset) -> tuple[str, Classes]:
    caches = [f for f in tree.files if f.endswith(".pkl") and "cache-" in f]
    if caches:
        return "cache pickles", _from_caches(path, caches, subset.size)
    places = Places(tree.where, [f for f in tree.files if f.endswith((".csv", ".json"))])
    for kind, names, rows in (
        ("csv", ("train", "val", "test"), _csv_rows),
        ("json", ("base", "val", "novel"), _json_rows),
    ):
        files = [file for name in names if (file := places.find(f"{name}.{kind}"))]
        if len(files) == len(names):
            lists = [rows(tree, file) for file in files]
            return f"{kind} lists", _from_lists(tree, lists, subset.size)
    return "class folders", _from_folders(tree, subset)


def _expected(name: str, classes: Classes, subset: Subset, path: Path) -> ClassImages:
    count = classes[name].count if name in classes else 0
    if not subset.fewest <= count <= subset.most:
        bounds = f"{subset.fewest}" + (f" to {subset.most}" * (subset.most > subset.fewest))
        raise UsageError(
            f"{path} has {count} images of class {name}, not {bounds}; give the folder of "
            "cache pickles, of csv or json lists beside their images, or of class folders"
        )
    return classes[name]


def _from_folders(tree: FileTree, subset: Subset) -> Classes:
    """Take the folder of each class; what is no image in it is named as left out."""
    files: dict[str, list[str]] = defaultdict(list)
    for file in filter(is_image, tree.files):
        files[str(PurePosixPath(file).parent)].append(file)
    places, decode, classes = Places(tree.where, files), resized(subset.size, "RGB"), {}
    used = {name: places.find(name) for names in subset.split.values() for name in names}
    for name, folder in used.items():
        if folder is not None:
            sources = [(tree, file) for file in files[folder]]
            classes[name] = class_of_files(name, sources, decode)
    folders = set(used.values())
    for file in tree.files:
        if str(PurePosixPath(file).parent) in folders and not is_image(file):
            tree.left_out.add(FORMAT, file)
    return classes


def _from_lists(tree: FileTree, lists: Iterable[list[tuple[str, str]]], size: int) -> Classes:
    """Find listed images by their last name, since lists carry other machines' folders."""
    places = Places(tree.where, filter(is_image, tree.files))
    files = defaultdict(list)
    for rows in lists:
        for image, label in rows:
            name = PurePosixPath(image.replace("\\", "/")).name
            if (file := places.find(name)) is None:
                raise UsageError(f"{tree.where} lists {name!r} but has no such image")
            files[label].append((tree, file))
    decode = resized(size, "RGB")
    return {label: class_of_files(label, found, decode) for label, found in files.items()}


def _csv_rows(tree: FileTree, file: str) -> list[tuple[str, str]]:
    rows = csv_records(_text(tree, file), name_of(tree, file))
    if not rows or not {"filename", "label"} <= rows[0].keys():
        raise UsageError(f"{tree.where}: '{file}' needs the columns filename and label")
    return [(row["filename"], row["label"]) for row in rows]


def _json_rows(tree: FileTree, file: str) -> list[tuple[str, str]]:
    try:
        record = json.loads(_text(tree, file))
        labels = [record["label_names"][i] for i in record["image_labels"]]
        return [(str(n), str(c)) for n, c in zip(record["image_names"], labels, strict=True)]
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(
            f"{tree.where}: '{file}' needs label_names, image_names and image_labels"
        ) from error


def _text(tree: FileTree, file: str) -> str:
    try:
        return tree.read(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{tree.where}: '{file}' is not text") from error


def _from_caches(path: Path, caches: Iterable[str], size: int) -> Classes:
    if not path.is_dir():
        raise UsageError(f"extract {path} first, and give the folder of the cache pickles")
    classes: dict[str, ClassImages] = {}
    for cache in caches:
        with open_regular(path / cache) as file:
            record = load_arrays(file, str(path / cache))
        try:
            found = _cached_classes(record, size)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"{path / cache} does not hold image_data uint8 [N, {size}, {size}, 3] and "
                "a class_dict of its rows"
            ) from error
        if twice := sorted(classes.keys() & found.keys()):
            raise UsageError(f"{path} has class {twice[0]!r} in two of its cache pickles")
        classes |= found
    return classes


def _cached_classes(record: dict[str, Any], size: int) -> dict[str, ClassImages]:
    """Take the classes of ``image_data [N, size, size, 3]`` and ``class_dict`` name -> rows."""
    pixels: Images = record["image_data"]
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (size, size, 3):
        raise ValueError(f"image_data is {pixels.dtype} {pixels.shape}")
    classes = {}
    for name, rows in record["class_dict"].items():
        indices = np.fromiter(rows, dtype=np.int64)  # flat: nested lists grow exponentially
        if not ((indices >= 0) & (indices < len(pixels))).all():
            raise IndexError(name)
        classes[name] = ClassImages(name, len(indices), partial(np.take, pixels, indices, axis=0))
    return classes

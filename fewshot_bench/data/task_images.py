"""Images of one task in folders: labelled ones by class, and those that are asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from fewshot_bench.data.dataset import ImageSplit, Indices
from fewshot_bench.data.images import class_of_files, is_image, quiet_pillow, resized
from fewshot_bench.data.layout import flat
from fewshot_bench.data.left_out import FORMAT, LEFT_OUT, lines_left_out
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.data.viewing import CHANGED, Viewer, lines_changed
from fewshot_bench.errors import UsageError


@dataclass(frozen=True)
class TaskImages:
    """Image files in an order, read as an import reads them.

    Attributes:
        tree: where they lie.
        files: their names there.
        viewer: what reads them, and counts what it changed.
    """

    tree: FileTree
    files: list[str]
    viewer: Viewer

    def parts(self, like: ImageSplit) -> Iterator[ImageSplit]:
        """Read them, a few hundred at a time, in colour and as large as images of `like`.

        Raises:
            UsageError: one cannot be read.
        """
        decode = resized(max(like.image_shape[1:]), "RGB")
        sources = [(self.tree, file) for file in self.files]
        for images in class_of_files("", sources, decode, self.viewer).in_parts():
            yield ImageSplit(
                dataset=self.tree.where,
                split="test",
                class_names=("",),
                class_counts=np.array([len(images)]),
                checksum="",
                images=images,
                mean=like.mean,
                std=like.std,
            )

    def remarks(self) -> list[str]:
        """Say, a line each, what was left out and how images were changed."""
        facts = {LEFT_OUT: self.tree.left_out.record(), CHANGED: self.viewer.changed}
        return [f"{self.tree.where}: {x}" for x in lines_left_out(facts) + lines_changed(facts)]


@contextmanager
def labelled_images(path: Path) -> Iterator[tuple[TaskImages, tuple[str, ...], Indices]]:
    """Open a tree ``CLASS/image``; yields images, names of the classes, and labels ``[S]``.

    Raises:
        UsageError: it is no such tree, has a class without images, or fewer than 2 classes.
    """
    with quiet_pillow(), open_tree(path) as tree:
        try:
            classes = dict(sorted(flat(tree).items()))
        except UsageError:
            raise UsageError(
                f"{path} is no support: put the labelled images of each class right inside a "
                "folder of its name, all beside each other"
            ) from None
        for name, files in classes.items():
            if not files:
                raise UsageError(f"{path} has no image of class {name!r}; add one, or delete it")
        if len(classes) < 2:
            raise UsageError(f"{path} has only 1 class, {next(iter(classes))!r}; give at least 2")
        counts = [len(files) for files in classes.values()]
        images = TaskImages(tree, list(chain(*classes.values())), Viewer())
        yield images, tuple(classes), np.repeat(np.arange(len(classes)), counts)


@contextmanager
def asked_images(path: Path) -> Iterator[TaskImages]:
    """Open all images below a folder.

    Raises:
        UsageError: there is none.
    """
    with quiet_pillow(), open_tree(path) as tree:
        files = list(filter(is_image, tree.files))
        if not files:
            raise UsageError(f"{path} has no images; give a folder with those that are asked")
        for file in tree.files:
            if not is_image(file):
                tree.left_out.add(FORMAT, file)
        yield TaskImages(tree, files, Viewer())

"""Import of Omniglot (Lake, Salakhutdinov and Tenenbaum 2015)."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from fewshot_bench.data.content import ClassImages, Content, Images
from fewshot_bench.data.images import class_of_files, is_image
from fewshot_bench.data.splits import class_split
from fewshot_bench.data.tree import FileTree, open_tree
from fewshot_bench.errors import UsageError

ARCHIVES = ("images_background.zip", "images_evaluation.zip")
SIZE = 28
DRAWINGS = 20  # of every character


@contextmanager
def omniglot(path: Path) -> Iterator[Content]:
    """Read Omniglot in the split of Vinyals et al. 2016, each rotation a class of its own.

    Args:
        path: folder that holds the two official zip archives, or what they extract to.

    Raises:
        UsageError: a character of the split is missing or has not 20 drawings.
    """
    if path.is_file():
        raise UsageError(f"give the folder that holds {' and '.join(ARCHIVES)}, not {path}")
    archives = [path / name for name in ARCHIVES if (path / name).exists()]
    if len(archives) == 1:
        raise UsageError(f"{path} has {archives[0].name} only; it needs {' and '.join(ARCHIVES)}")
    with ExitStack() as stack:
        trees = [stack.enter_context(open_tree(p)) for p in archives or [path]]
        drawings = _drawings(trees)
        splits = {
            split: [turned for c in characters for turned in _rotations(c, drawings, path)]
            for split, characters in class_split("omniglot-vinyals").items()
        }
        yield Content((SIZE, SIZE, 1), splits, _PROVENANCE)


_PROVENANCE: dict[str, object] = {
    "source": "Omniglot, Lake, Salakhutdinov and Tenenbaum 2015 (MIT licence)",
    "split": "omniglot-vinyals; rotations by 0, 90, 180 and 270 degrees are classes",
    "images": "rotated, then 28x28 by nearest neighbour, as Pillow resizes 1-bit images in the "
    "code of ProtoNet and MAML; ink 255, background 0",
    "order": "of file names",
}


def _drawings(trees: list[FileTree]) -> dict[str, list[tuple[FileTree, str]]]:
    """Files of each character, by ``ALPHABET/characterNN``."""
    drawings = defaultdict(list)
    for tree in trees:
        for file in filter(is_image, tree.files):
            if len(parts := PurePosixPath(file).parts) >= 3:
                drawings["/".join(parts[-3:-1])].append((tree, file))
    return drawings


def _rotations(
    character: str, drawings: dict[str, list[tuple[FileTree, str]]], path: Path
) -> list[ClassImages]:
    """Make four classes of a character; its files are read once, when the first class is."""
    files = drawings.get(character, [])
    if len(files) != DRAWINGS:
        raise UsageError(
            f"{path} has {len(files)} drawings of '{character}', Omniglot has {DRAWINGS}; give "
            f"the folder that holds {' and '.join(ARCHIVES)}"
        )
    upright = lru_cache(1)(class_of_files(character, files, _decode).read)

    def turned(quarters: int) -> ClassImages:
        name = f"{character}/rot{90 * quarters:03d}"
        return ClassImages(name, DRAWINGS, lambda: np.rot90(upright(), quarters, axes=(1, 2)))

    return [turned(quarters) for quarters in range(4)]


def _decode(image: Image.Image) -> Images:
    """Take every 3.75th pixel; at this ratio that commutes with rotation by 90 degrees."""
    small = image.resize((SIZE, SIZE), Image.Resampling.NEAREST)
    return 255 - np.asarray(small.convert("L"), dtype=np.uint8)[..., None]

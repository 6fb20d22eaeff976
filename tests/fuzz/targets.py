"""What is fuzzed, by Hypothesis in the suite and by atheris with ``make fuzz``.

A target takes any bytes and returns, or raises what no user should see.
"""

import contextlib
import gzip
import io
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import Field

from fewshot_bench.data.cifar import cifar_fs
from fewshot_bench.data.folder import folder_of_images
from fewshot_bench.data.images import FORMATS, open_image, quiet_pillow, resized
from fewshot_bench.data.tree import open_tree
from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.data.viewing import Viewer
from fewshot_bench.errors import UsageError
from fewshot_bench.presets import PRESETS, build_recipe
from fewshot_bench.recipe import PretrainRecipe, Recipe, TrainRecipe
from tests.data.files import cifar_pickles, make_tar, make_zip, png
from tests.fuzz import exchanged, stored


class FuzzRecipe(Recipe):
    """Both sections, and a setting of each type."""

    pretrain: PretrainRecipe | None = PretrainRecipe()
    train: TrainRecipe | None = None
    n_steps: int = Field(3, ge=0)
    scale: float | None = Field(None, gt=0)


def config(data: bytes) -> None:
    """``--set`` texts, one a line, after the preset's line."""
    preset, *settings = data.decode("utf-8", "surrogateescape").split("\n")
    with contextlib.suppress(UsageError):
        recipe = build_recipe(FuzzRecipe, preset=preset, settings=settings)
        assert FuzzRecipe.model_validate_json(recipe.model_dump_json()) == recipe


def archive(data: bytes) -> None:
    """A zip archive, read whole."""
    with (
        _file(data, "x.zip") as path,
        contextlib.suppress(UsageError),
        open_tree(path) as tree,
    ):
        for file in tree.files:
            tree.read(file)


def folder_archive(data: bytes) -> None:
    """A zip archive of a user's own images."""
    with (
        _file(data, "x.zip") as path,
        contextlib.suppress(UsageError),
        folder_of_images(path, size=8, skip_bad_images=True) as content,
    ):
        for classes in content.splits.values():
            for images in classes:
                assert images.read().shape == (images.count, *content.image_shape)


def tar(data: bytes) -> None:
    """A tar archive, which should be CIFAR-100's."""
    with _file(data, "x.tar") as path, contextlib.suppress(UsageError), cifar_fs(path):
        pass


def unpickle(data: bytes) -> None:
    """A pickle, which should be of arrays."""
    with contextlib.suppress(UsageError):
        load_arrays(io.BytesIO(data), "x.pkl")


def image(data: bytes) -> None:
    """An image file, of a published data set or of a user."""
    for open_file in (open_image, Viewer()):
        with quiet_pillow(), contextlib.suppress(UsageError):
            assert resized(8, "RGB")(open_file(data, "x")).shape == (8, 8, 3)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(config, archive, folder_archive, tar, unpickle, image),
        *stored.TARGETS,
        *exchanged.TARGETS,
    )
}


def seeds(name: str) -> list[bytes]:
    """Good inputs of a target, from which bad ones are made."""
    made = {
        "config": [f"{p}\ntrain.lr=0.1\nmilestones=.5,.9\ntrain=none".encode() for p in PRESETS],
        "archive": [_packed(make_zip, {"a/x.png": png(0), "b.txt": b"text"})],
        "folder_archive": [
            _packed(make_zip, {f"{s}/{s}/x.png": png(0, mode="L") for s in SPLITS}),
        ],
        "tar": [zipped := _packed(make_tar, _CIFAR), gzip.decompress(zipped)],
        "unpickle": [pickle.dumps({"data": np.arange(4), "names": ["a"]}, p) for p in (0, 2, 4)],
        "image": [_image(form) for form in FORMATS],
    }
    if name in made:
        return made[name]
    if TARGETS[name] in exchanged.TARGETS:
        return exchanged.seeds(name)
    return stored.seeds(name)


SPLITS = ("train", "val", "test")
_HALVES = {half: np.zeros((2, 32, 32, 3), dtype=np.uint8) for half in ("train", "test")}
_CIFAR = cifar_pickles(_HALVES, ["apple"])


@contextlib.contextmanager
def _file(data: bytes, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def _packed(make: Callable[[Path, Mapping[str, bytes]], Path], files: dict[str, bytes]) -> bytes:
    with _file(b"", "x") as path:
        return make(path, files).read_bytes()


def _image(form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(file, form)
    return file.getvalue()

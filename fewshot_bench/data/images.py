"""From the bytes of an image file to pixels; everything unexpected is named, nothing guessed."""

import io
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.content import ClassImages
from fewshot_bench.data.tree import FileTree
from fewshot_bench.errors import UsageError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
MAX_PIXELS = 64_000_000  # no camera's picture is larger; a decompression bomb is
DAMAGE = (  # what Pillow's decoders raise for it
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

Decode = Callable[[Image.Image], NDArray[np.uint8]]


def is_image(file: str) -> bool:
    """Whether a file is an image by its name; hidden files are not."""
    name = PurePosixPath(file).name.lower()
    return name.endswith(SUFFIXES) and not name.startswith(".")


def open_image(data: bytes, where: str) -> Image.Image:
    """Decode an image file of any size up to `MAX_PIXELS`.

    Raises:
        UsageError: not an 8-bit image of a known format, truncated, or too large.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise UsageError(f"{where} has {image.width} x {image.height} pixels, too many")
        image.load()
    except DAMAGE as error:
        raise UsageError(f"{where} is not a whole {', '.join(FORMATS)} image") from error
    if image.mode.startswith(("I", "F")):
        raise UsageError(f"{where} has more than 8 bits a channel; convert it first")
    return image


def resized(size: int, mode: str) -> Decode:
    """Return a function that resizes to ``[size, size, C]``, bilinear with antialiasing.

    Args:
        size: side of the square in pixels; the aspect ratio is not kept.
        mode: ``L`` or ``RGB``.
    """

    def decode(image: Image.Image) -> NDArray[np.uint8]:
        image = image.convert(mode)
        if image.size != (size, size):
            image = image.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(image, dtype=np.uint8).reshape(size, size, -1)

    return decode


def class_of_files(
    name: str, sources: Sequence[tuple[FileTree, str]], decode: Decode
) -> ClassImages:
    """Return a class whose images are files, decoded by as many threads as there are cores.

    Args:
        name: of the class.
        sources: tree and file of each image, in order.
        decode: turns an image into uint8 ``[H, W, C]``.
    """

    def read() -> NDArray[np.uint8]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without the GIL
            return np.stack(list(pool.map(lambda s: decode(read_image(*s)), sources)))

    return ClassImages(name, len(sources), read)


def read_image(tree: FileTree, file: str) -> Image.Image:
    """Decode one of the files of a tree.

    Raises:
        UsageError: as `open_image`, and if the file cannot be read.
    """
    return open_image(tree.read(file), f"{tree.where}: '{file}'")


def bad_images(tree: FileTree, files: Sequence[str]) -> list[str]:
    """List those of `files` that `read_image` refuses."""

    def is_bad(file: str) -> bool:
        try:
            read_image(tree, file)
        except UsageError:
            return True
        return False

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [file for file, bad in zip(files, pool.map(is_bad, files), strict=True) if bad]

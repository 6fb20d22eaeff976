"""From the bytes of an image file to pixels; everything unexpected is named, nothing guessed."""

import ctypes
import io
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, _imaging

from fewshot_bench.data.content import ClassImages
from fewshot_bench.data.tree import FileTree
from fewshot_bench.errors import UsageError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff")
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

T = TypeVar("T")
Decode = Callable[[Image.Image], NDArray[np.uint8]]
Open = Callable[[bytes, str], Image.Image]  # of an image file's bytes, and its name for messages


def is_image(file: str) -> bool:
    """Whether a file is an image by its name."""
    return file.lower().endswith(SUFFIXES)


def use_image(data: bytes, where: str, use: Callable[[ImageFile.ImageFile], T]) -> T:
    """Open an image file of any size up to `MAX_PIXELS` and return what `use` makes of it.

    Raises:
        UsageError: not an image of a known format, truncated, or too large.
    """
    _quiet_libtiff()
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise UsageError(f"{where} has {image.width} x {image.height} pixels, too many")
        return use(image)
    except DAMAGE as error:
        raise UsageError(f"{where} is not a whole {', '.join(FORMATS)} image") from error


@cache
def _quiet_libtiff() -> None:
    """Keep libtiff from writing on stderr; what it could not read is an exception as well."""
    with suppress(OSError, AttributeError):  # a Pillow that is built otherwise goes on writing
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


def open_image(data: bytes, where: str) -> Image.Image:
    """Decode an image as it is stored, which is how published data sets were made.

    Raises:
        UsageError: as `use_image`, or it has more than 8 bits a channel.
    """

    def loaded(image: ImageFile.ImageFile) -> Image.Image:
        image.load()
        return image

    image = use_image(data, where, loaded)
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
    name: str,
    sources: Sequence[tuple[FileTree, str]],
    decode: Decode,
    open_file: Open = open_image,
) -> ClassImages:
    """Return a class whose images are files, decoded by as many threads as there are cores.

    Args:
        name: of the class.
        sources: tree and file of each image, in order.
        decode: turns an image into uint8 ``[H, W, C]``, the same for all.
        open_file: turns the bytes of a file into an image.
    """

    def pixels(source: tuple[FileTree, str]) -> NDArray[np.uint8]:
        return decode(read_image(*source, open_file))

    def read() -> NDArray[np.uint8]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow decodes without the GIL
            decoded = pool.map(pixels, sources)
            first = next(decoded)
            images = np.empty((len(sources), *first.shape), dtype=np.uint8)
            for i, image in enumerate(chain([first], decoded)):
                images[i] = image
        return images

    return ClassImages(name, len(sources), read)


def read_image(tree: FileTree, file: str, open_file: Open = open_image) -> Image.Image:
    """Decode one of the files of a tree.

    Raises:
        UsageError: as `open_file`, and if the file cannot be read.
    """
    return open_file(tree.read(file), name_of(tree, file))


def name_of(tree: FileTree, file: str) -> str:
    """Name a file of a tree in messages."""
    return f"{tree.where}: {file!r}"


def bad_images(tree: FileTree, files: Sequence[str], open_file: Open) -> list[str]:
    """List those of `files` that `read_image` refuses."""

    def is_bad(file: str) -> bool:
        try:
            read_image(tree, file, open_file)
        except UsageError:
            return True
        return False

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [file for file, bad in zip(files, pool.map(is_bad, files), strict=True) if bad]

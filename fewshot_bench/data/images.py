"""From the bytes of an image file to pixels; everything unexpected is named, nothing guessed."""

import ctypes
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, _imaging

from fewshot_bench.data.content import ClassImages
from fewshot_bench.data.tree import FileTree
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.memory import Budget, return_freed_memory

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff")
MAX_PIXELS = 64_000_000  # no camera's picture is larger; a decompression bomb is
MAX_SIDE = 2**16  # pixels; a line of more costs gigabytes to shrink, whatever the other side is
AT_ONCE = 32 * 2**20  # bytes of pixels that are handed on together
_MEMORY = Budget(640 * 2**20)  # for all that is decoded at the same time
_BYTES_A_PIXEL = 8  # while it is decoded, file included, measured with Pillow 12; some take more:
_MORE_BYTES = {"WEBP": 17, "TIFF": 13, "CMYK": 16, "transparent": 12}
_LARGE = 8 * 2**20  # bytes of a file that is read while no other is
_LARGE_PIXELS = 64 * 2**20  # bytes that decoding takes and gives back at once
_MOST_THREADS = 16
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


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's own warnings to itself: what is damaged, or too large, is an error here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def use_image(data: bytes, where: str, use: Callable[[ImageFile.ImageFile], T]) -> T:
    """Open an image file of any size up to `MAX_PIXELS` and return what `use` makes of it.

    Raises:
        UsageError: not an image of a known format, truncated, or too large.
    """
    _quiet_libtiff()
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        too_many = image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE
        if too_many or _cost(image) > _MEMORY.total:
            raise UsageError(
                f"{where} has {image.width} x {image.height} pixels, too many; make it smaller"
            )
        return use(image)
    except DAMAGE as error:
        raise UsageError(f"{where} is not a whole {', '.join(FORMATS)} image") from error


def _cost(image: ImageFile.ImageFile) -> int:
    """Bytes that decoding takes, by what the header says."""
    facts = (image.format, image.mode, "transparent" * image.has_transparency_data)
    most = max(_MORE_BYTES.get(str(fact), _BYTES_A_PIXEL) for fact in facts)
    return most * image.width * image.height


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
        if image.mode != mode:
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
        return use_file(*source, lambda data, where: decode(open_file(data, where)))

    def read() -> NDArray[np.uint8]:
        with ThreadPoolExecutor(_threads()) as pool:  # Pillow decodes without the GIL
            return _stacked(pool.map(pixels, sources), len(sources))

    def parts() -> Iterator[NDArray[np.uint8]]:
        with ThreadPoolExecutor(_threads()) as pool:
            first = pixels(sources[0])
            n = max(1, AT_ONCE // first.nbytes)
            yield _stacked(chain([first], pool.map(pixels, sources[1:n])), len(sources[:n]))
            for start in range(n, len(sources), n):
                part = sources[start : start + n]
                yield _stacked(pool.map(pixels, part), len(part))

    return ClassImages(name, len(sources), read, parts)


def _stacked(images: Iterator[NDArray[np.uint8]], count: int) -> NDArray[np.uint8]:
    """Put images of one shape into an array, with no second copy of it."""
    first = next(images)
    found = np.empty((count, *first.shape), dtype=np.uint8)
    for i, image in enumerate(chain([first], images)):
        found[i] = image
    return found


def _threads() -> int:
    return min(os.cpu_count() or 1, _MOST_THREADS)


def use_file(tree: FileTree, file: str, use: Callable[[bytes, str], T]) -> T:
    """Decode one of the files of a tree, once there is memory for it.

    Args:
        tree: that holds the file.
        file: name of the image.
        use: of its bytes, and its name for messages.

    Raises:
        UsageError: as `use_image`, and if the file cannot be read.
    """
    where, large = name_of(tree, file), tree.size(file) > _LARGE
    with _MEMORY.take(_MEMORY.total if large else 0):
        data = tree.read(file)
        cost = use_image(data, where, _cost)
        with _MEMORY.take(0 if large else cost):
            found = use(data, where)
            if cost > _LARGE_PIXELS:
                return_freed_memory()
            return found


def name_of(tree: FileTree, file: str) -> str:
    """Name a file of a tree in messages."""
    return f"{tree.where}: {file!r}"


def bad_images(tree: FileTree, files: Sequence[str], open_file: Open) -> list[str]:
    """List those of `files` that `open_file` refuses."""

    def is_bad(file: str) -> bool:
        try:
            use_file(tree, file, open_file)
        except UsageError:
            return True
        return False

    with ThreadPoolExecutor(_threads()) as pool:
        return [file for file, bad in zip(files, pool.map(is_bad, files), strict=True) if bad]

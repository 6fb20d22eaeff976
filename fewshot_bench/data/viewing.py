"""A user's image as a viewer shows it: upright, on white, 8 bits a channel, its first frame."""

from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeVar, cast

import numpy as np
from PIL import Image, ImageFile

from fewshot_bench.data.images import DAMAGE, name_of, use_image
from fewshot_bench.data.tree import FileTree
from fewshot_bench.errors import UsageError

CHANGED = "changed images"  # in the provenance, how many by what was done to them
TURNED = "turned as EXIF says"
ON_WHITE = "with transparency, put on white"
DEEP = "of more than 8 bits, scaled by their full range (upper 8 bits)"
DARK = "of more than 8 bits that use less than a sixteenth of their range, and come out dark"
FRAMES = "with several frames or pages, of which the first is taken"
RULES = (
    "EXIF orientation applied; transparency put on white; 16 bits scaled to 8 by their full range "
    "of 65535 (upper 8 bits); first frame of animations and of several pages; CMYK and palettes "
    "as Pillow converts them"
)

T = TypeVar("T")
_HEAD = 2**16  # bytes that say the colours of nearly every file
_ORIENTATION = 0x0112  # the tag of EXIF and TIFF
_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GREY = ("1", "L", "LA")
_KNOWN = (*_GREY, "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")


class Viewer:
    """Opens image files, from any thread, and counts what it had to change.

    Attributes:
        changed: number of images by what was done to them.
    """

    def __init__(self) -> None:
        self.changed: Counter[str] = Counter()
        self._lock = Lock()

    def __call__(self, data: bytes, where: str) -> Image.Image:
        """Decode an image file.

        Raises:
            UsageError: as `use_image`, or its kind of pixels is not known.
        """
        image, changes = use_image(data, where, lambda file: _seen(file, where))
        with self._lock:
            self.changed.update(changes)
        return image


def lines_changed(provenance: Mapping[str, object]) -> list[str]:
    """Write a line for each kind of change, with the number of images."""
    changed = cast("dict[str, int]", provenance.get(CHANGED, {}))
    return [f"{n} image{'s' * (n > 1)} {what}" for what, n in changed.items()]


def is_coloured(tree: FileTree, file: str) -> bool:
    """Whether a file may hold colours, by its header or palette alone.

    Raises:
        UsageError: it is no image.
    """
    where = name_of(tree, file)
    try:
        return use_image(tree.read(file, _HEAD), where, _in_colour)
    except UsageError:  # what is wanted may lie behind, as in TIFF
        return use_image(tree.read(file), where, _in_colour)


def _in_colour(file: ImageFile.ImageFile) -> bool:
    if file.mode not in ("P", "PA"):
        return file.mode not in _GREY and not file.mode.startswith(("I", "F"))
    red, green, blue = np.reshape(file.getpalette() or [], (-1, 3)).T
    return bool((red != green).any() or (green != blue).any())


def _seen(file: ImageFile.ImageFile, where: str) -> tuple[Image.Image, list[str]]:
    """Decode an image, and say what was changed."""
    several = _unless_damaged(lambda: getattr(file, "is_animated", False))
    raw, orientation = str(file.tile), _orientation(file)  # before loading, which forgets them
    file.load()
    image, changes = _eight_bits(file, raw, where)
    changes += [FRAMES] * bool(several)
    if orientation in _TURNS:
        changes.append(TURNED)
        if (left := _orientation(file)) in _TURNS:  # Pillow turns TIFF by itself
            image = image.transpose(_TURNS[left])
    if image.has_transparency_data:
        image, mixed = _on_white(image)
        changes += [ON_WHITE] * mixed
    return image, changes


def _orientation(file: Image.Image) -> int:
    return _unless_damaged(lambda: file.getexif().get(_ORIENTATION)) or 1


def _unless_damaged(ask: Callable[[], T]) -> T | None:
    """Ask what stands beside the pixels; they may be whole where this is not."""
    try:
        return ask()
    except DAMAGE:
        return None


def _eight_bits(file: ImageFile.ImageFile, raw: str, where: str) -> tuple[Image.Image, list[str]]:
    """Scale deeper pixels to 8 bits.

    Args:
        file: loaded.
        raw: how its pixels were packed, in Pillow's words.
        where: for messages.
    """
    deep = [DEEP] * (";16" in raw or ";12" in raw)
    if file.mode.startswith("I;16") or (file.mode == "I" and file.format == "PNG"):
        grey, dark = _upper_byte(file, 4 if ";12" in raw else 8)
        return grey, deep + [DARK] * dark
    if file.mode not in _KNOWN:
        raise UsageError(
            f"{where} has pixels of type {file.mode}, whose range is not known; convert it to 8 "
            "or 16 bits a channel first"
        )
    return file, deep  # Pillow has cut several channels of 16 bits to the upper 8 by itself


def _upper_byte(file: Image.Image, shift: int) -> tuple[Image.Image, bool]:
    """Scale grey of 16 bits, or 12, to 8; say whether most of their range is not used."""
    values = np.asarray(file)
    grey = Image.fromarray((values >> shift).astype(np.uint8))
    if isinstance(clear := file.info.get("transparency"), int):  # this value is transparent
        alpha = np.where(values == clear, 0, 255).astype(np.uint8)
        grey = Image.merge("LA", (grey, Image.fromarray(alpha)))
    return grey, int(values.max()) >> shift < 16


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """Put an image on white; say whether any of it was transparent."""
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, (0, 0), image)
    return white, image.getchannel("A").getextrema() != (255, 255)

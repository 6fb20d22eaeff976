"""Image files of kinds that cameras, scanners and drawing programs write, made by hand."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOUR_TYPES = {1: 0, 3: 2}  # of PNG, by channels


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as a file, by Pillow."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png16(values: NDArray[np.uint16], clear: int | None = None) -> bytes:
    """A PNG of 16 bits a channel, which Pillow writes for one channel only.

    Args:
        values: ``[H, W, C]``, with one channel or three.
        clear: grey value that is transparent.
    """
    height, width, channels = values.shape
    rows = values.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    if clear is not None:
        chunks.insert(1, (b"tRNS", struct.pack(">H", clear)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def tiff16(values: NDArray[np.uint16], order: str) -> bytes:
    """A grey TIFF of 16 bits, in little-endian (``<``) or big-endian (``>``) order."""
    height, width = values.shape
    fields = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 8, 277: 1, 278: height}
    fields[279] = 2 * values.size
    entries = b"".join(
        struct.pack(f"{order}HHIHxx", tag, 3, 1, value) for tag, value in fields.items()
    )
    pixels = values.astype(f"{order}u2").tobytes()
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(pixels))
    return start + pixels + struct.pack(f"{order}H", len(fields)) + entries + bytes(4)


def oriented(pixels: NDArray[np.uint8], orientation: int, form: str) -> bytes:
    """A file that a viewer shows as `pixels` ``[H, W, 3]``, stored turned and marked so.

    What each value of the tag means is taken from the EXIF standard: where the 0th row and the
    0th column of the stored pixels are in the visible picture.
    """
    stored = {
        1: pixels,  # top, left
        2: pixels[:, ::-1],  # top, right
        3: pixels[::-1, ::-1],  # bottom, right
        4: pixels[::-1],  # bottom, left
        5: pixels.transpose(1, 0, 2),  # left, top
        6: pixels.transpose(1, 0, 2)[::-1],  # right, top
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],  # right, bottom
        8: pixels.transpose(1, 0, 2)[:, ::-1],  # left, bottom
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    options |= {"lossless": True} if form == "WEBP" else {}
    return encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif, **options)

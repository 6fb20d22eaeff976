"""A user's image is taken as a viewer shows it, and every change is counted."""

import io
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.data.images import open_image
from fewshot_bench.data.viewing import DARK, DEEP, FRAMES, ON_WHITE, TURNED, Viewer
from fewshot_bench.errors import UsageError
from tests.data.odd_images import encoded, oriented, png16, tiff16

RNG = np.random.default_rng(0)
SMOOTH = np.linspace(0, 255, 16 * 24 * 3).astype(np.uint8).reshape(16, 24, 3)  # kind to JPEG


def seen(data: bytes, mode: str = "RGB") -> tuple[np.ndarray, dict[str, int]]:
    viewer = Viewer()
    image = viewer(data, "x")
    return np.asarray(image.convert(mode)), dict(viewer.changed)


@given(st.integers(1, 8), st.sampled_from(["PNG", "JPEG", "TIFF", "WEBP"]))
@settings(max_examples=60)
def test_images_are_upright(orientation: int, form: str) -> None:
    """Whatever the orientation, what is seen is the same; the reference is EXIF's own text."""
    pixels, changes = seen(oriented(SMOOTH, orientation, form))
    np.testing.assert_allclose(pixels.astype(int), SMOOTH, atol=4 if form == "JPEG" else 0)
    assert changes == ({TURNED: 1} if orientation != 1 else {})


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_is_none(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    pixels, changes = seen(encoded(Image.fromarray(SMOOTH), "PNG", exif=exif))
    np.testing.assert_array_equal(pixels, SMOOTH)
    assert changes == {}


def test_damaged_exif_does_not_cost_an_image() -> None:
    data = encoded(Image.fromarray(SMOOTH), "PNG", exif=b"Exif\0\0II*\0" + b"\xff" * 20)
    np.testing.assert_array_equal(seen(data)[0], SMOOTH)


def clear_corner(mode: str) -> bytes:
    """A PNG whose left half is transparent over hidden black, and whose right half is 100."""
    alpha = np.zeros((4, 4), dtype=np.uint8)
    alpha[:, 2:] = 255
    grey = Image.fromarray(np.where(alpha, 100, 0).astype(np.uint8))
    if mode in ("LA", "RGBA"):
        image = grey.convert(mode)
        image.putalpha(Image.fromarray(alpha))
        return encoded(image, "PNG")
    if mode == "I;16":
        return png16(np.where(alpha, 100 * 257, 0).astype(np.uint16)[..., None], clear=0)
    key = {"L": 0, "RGB": (0, 0, 0), "P": 0}[mode]
    image = grey if mode == "L" else grey.convert("RGB")
    if mode == "P":
        image = Image.frombytes("P", (4, 4), (alpha // 255).tobytes())
        image.putpalette([0, 0, 0, 100, 100, 100])
    return encoded(image, "PNG", transparency=key)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "L", "RGB", "P", "I;16"])
@pytest.mark.parametrize("wanted", ["L", "RGB"])
def test_transparency_is_put_on_white(mode: str, wanted: str) -> None:
    pixels, changes = seen(clear_corner(mode), wanted)
    np.testing.assert_array_equal(pixels[:, :2], 255)
    np.testing.assert_array_equal(pixels[:, 2:], 100)
    assert changes[ON_WHITE] == 1


@given(st.integers(0, 255), st.integers(0, 255))
def test_half_transparent_pixels_are_mixed(value: int, alpha: int) -> None:
    pixels, changes = seen(encoded(Image.new("RGBA", (2, 2), (value, 0, 255, alpha)), "PNG"))
    mixed = np.array([value, 0, 255]) * alpha / 255 + 255 - alpha
    np.testing.assert_allclose(pixels[0, 0], mixed, atol=1)
    assert changes == ({} if alpha == 255 else {ON_WHITE: 1})


FORMS: Mapping[str, Callable[[np.ndarray], bytes]] = {
    "grey png": lambda v: png16(v[..., None]),
    "colour png": lambda v: png16(np.repeat(v[..., None], 3, axis=2)),
    "tiff": lambda v: tiff16(v, "<"),
    "big-endian tiff": lambda v: tiff16(v, ">"),
}


@pytest.mark.parametrize("form", FORMS)
def test_sixteen_bits_are_scaled_by_their_full_range(form: str) -> None:
    values = np.array([[0, 255, 256, 257 * 100], [65535, 65279, 32768, 1]], dtype=np.uint16)
    pixels, changes = seen(FORMS[form](values), "L")
    np.testing.assert_array_equal(pixels, values // 256)
    assert changes == {DEEP: 1}


def test_dark_images_of_sixteen_bits_are_counted() -> None:
    """Twelve bits in sixteen, as many cameras write them, are nearly black once scaled."""
    assert seen(png16(np.full((2, 2, 1), 4095, dtype=np.uint16)))[1] == {DEEP: 1, DARK: 1}
    assert seen(png16(np.full((2, 2, 1), 4096, dtype=np.uint16)))[1] == {DEEP: 1}


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_known_range_are_refused(dtype: type) -> None:
    data = encoded(Image.fromarray(np.zeros((2, 2), dtype=dtype)), "TIFF")
    with pytest.raises(UsageError, match=r"^x has pixels of type [IF], whose range is not known"):
        Viewer()(data, "x")


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG", "WEBP"])
def test_the_first_frame_is_taken(form: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    exact = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **exact)
    pixels, changes = seen(data)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert changes == {FRAMES: 1}
    assert seen(encoded(frames[0], form, **exact))[1] == {}


@pytest.mark.parametrize(
    ("mode", "form"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "GIF"), ("P", "BMP"), ("1", "PNG")]
)
def test_other_colours_are_converted_as_pillow_does(mode: str, form: str) -> None:
    data = encoded(Image.fromarray(SMOOTH).convert(mode), form)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    pixels, changes = seen(data)
    np.testing.assert_array_equal(pixels, expected)
    assert changes == {}


def test_published_data_sets_are_read_as_they_are_stored() -> None:
    """Their pixels are compared with others' numbers, which were made without orientation."""
    turned = oriented(SMOOTH, 3, "PNG")
    np.testing.assert_array_equal(np.asarray(open_image(turned, "x")), SMOOTH[::-1, ::-1])


def test_a_damaged_tiff_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """Libtiff would write its own lines on stderr, from below Python."""
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = bytearray(encoded(noise, "TIFF", compression="tiff_adobe_deflate"))
    data[60:80] = b"\xff" * 20
    with pytest.raises(UsageError, match=r"^x is not a whole PNG, .*TIFF image$"):
        Viewer()(bytes(data), "x")
    assert capfd.readouterr().err == ""

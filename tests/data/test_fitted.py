"""Images made to fit another data set's network: against Pillow in floating point, and bounds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fewshot_bench.data.fitted import FittedSplit, change_of_shape, fit, fitted
from fewshot_bench.errors import UsageError
from tests.synthetic import make_split

LUMA = np.array([299, 587, 114]) / 1000  # ITU-R 601-2, as Pillow's documentation of convert()


def by_pillow(image: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """What ``[H, W, C]`` becomes, by Pillow's float images, not rounded; ``[C, H, W]``."""
    channels, height, width = shape
    values = image.astype(np.float64)
    if channels == 1 and values.shape[2] == 3:
        values = values @ LUMA[:, None]
    resized = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for plane in values.transpose(2, 0, 1)
    ]
    return np.broadcast_to(np.stack(resized), shape)


def noise(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def as_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


sides, channels = st.integers(1, 40), st.sampled_from([1, 3])
# torch 2.13 is wrong where the result is one pixel wide; no network takes such images.
wanted = st.integers(2, 40)


@given(st.tuples(sides, sides, channels), st.tuples(channels, wanted, wanted), st.integers(0, 9))
@example((2, 1, 1), (1, 3, 2), 0)
def test_images_become_what_pillow_makes_of_them(
    ours: tuple[int, int, int], theirs: tuple[int, int, int], seed: int
) -> None:
    images = noise(seed, 3, *ours)
    made = fit(as_tensor(images), theirs)
    assert made.dtype == torch.uint8
    assert made.shape == (3, *theirs)
    for one, image in zip(made, images, strict=True):
        # Rounded once, to the nearest whole number.
        assert np.abs(one.numpy() - by_pillow(image, theirs)).max() <= 0.5 + 1e-3


def test_grey_is_pillows_grey() -> None:
    images = noise(0, 4, 28, 28, 3)
    made = fit(as_tensor(images), (1, 28, 28))[:, 0].numpy().astype(int)
    theirs = np.stack([np.asarray(Image.fromarray(image).convert("L")) for image in images])
    assert np.abs(made - theirs).max() <= 1  # Pillow's weights have 16 bits
    assert (made == theirs).mean() > 0.99


@given(st.tuples(channels, sides, sides), st.integers(0, 9))
def test_images_of_the_right_shape_are_the_same_bytes(
    shape: tuple[int, int, int], seed: int
) -> None:
    pixels = torch.from_numpy(noise(seed, 2, *shape))
    assert torch.equal(fit(pixels, shape), pixels)


@given(st.integers(2, 60), st.integers(2, 60), st.sampled_from([(1, 3), (3, 1), (3, 3), (1, 1)]))
def test_what_an_image_becomes_does_not_depend_on_its_company(
    ours: int, theirs: int, channels: tuple[int, int]
) -> None:
    pixels = as_tensor(noise(ours, 5, ours, ours, channels[0]))
    shape = (channels[1], theirs, theirs)
    alone = torch.cat([fit(pixels[i : i + 1], shape) for i in range(5)])
    assert torch.equal(fit(pixels, shape), alone)


def test_a_fitted_split_is_seen_as_the_network_was_trained() -> None:
    grey = make_split(5, 3, split="test", dataset="grey")
    colour = make_split(5, 3, size=24, channels=3, dataset="colour")
    colour = replace(colour, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    fit = fitted(grey, colour)
    assert fit.image_shape == (3, 24, 24)
    assert len(fit) == len(grey)
    assert (fit.dataset, fit.split, fit.checksum) == ("grey", "test", grey.checksum)
    pixels = fit.pixels(slice(2, 5))
    assert pixels.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(pixels[:, 0], pixels[:, 2])
    expected = (pixels[:, 1].float() / 255 - 0.2) / 0.6
    torch.testing.assert_close(fit.tensor(slice(2, 5), "cpu")[:, 1], expected)
    assert change_of_shape(grey, colour) == "16x16x1 -> 24x24x3"


def test_where_shapes_agree_only_the_normalisation_is_the_others() -> None:
    split = make_split()
    other = replace(split, mean=(0.4,), dataset="other")
    fit = fitted(split, other)
    assert torch.equal(fit.pixels(slice(5)), split.pixels(slice(5)))
    assert fit.mean == (0.4,)
    assert change_of_shape(split, other) is None
    assert fitted(split, replace(split, dataset="other")) is split
    assert split.fitting == {}
    assert isinstance(fit, FittedSplit)
    assert fit.fitting["mean"] == [0.4]


@pytest.mark.parametrize(("ours", "theirs"), [(4, 3), (1, 4), (2, 1)])
def test_other_channels_are_refused(ours: int, theirs: int) -> None:
    split, like = (make_split(channels=n, dataset=f"d{n}") for n in (ours, theirs))
    says = rf"images of d{ours} have {ours} channels? .* d{theirs} {theirs} channels?; only grey"
    with pytest.raises(UsageError, match=says):
        fitted(split, like)


def test_equal_channels_of_any_number_are_resized() -> None:
    split, like = make_split(channels=4), make_split(channels=4, size=8)
    assert fitted(split, like).pixels(slice(2)).shape == (2, 4, 8, 8)

"""Images of one data set, made to fit a network that was trained on those of another."""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.data.augment import luma
from fewshot_bench.data.dataset import ImageSplit, Indices
from fewshot_bench.errors import UsageError

FITTING_VERSION = 1  # raise it when the same images would be made to fit otherwise


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedSplit(ImageSplit):
    """A split whose images are read in the shape of another data set's, see `fitted`.

    Attributes:
        images: as stored, ``[N, H, W, C]`` in a shape of their own.
        mean, std: of the data set that the network was trained on.
        shape: ``(C, H, W)`` of that data set's images.
    """

    shape: tuple[int, int, int]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` of one image as a network sees it."""
        return self.shape

    @property
    def fitting(self) -> dict[str, object]:
        """What is done to the images before a network sees them."""
        facts = {"shape": self.shape, "mean": self.mean, "std": self.std}
        return {"version": FITTING_VERSION, **{k: list(v) for k, v in facts.items()}}

    def pixels(self, indices: Indices | slice) -> Tensor:
        """Read images as a uint8 tensor ``[n, *shape]`` in channels-last memory."""
        return fit(super().pixels(indices), self.shape)


def fitted(split: ImageSplit, like: ImageSplit) -> ImageSplit:
    """Give a network that was trained on images like `like` those of `split`.

    They get the size of `like` and its channels, see `fit`, and are normalised with its mean and
    standard deviation, not with their own: a network is used as it was trained, and nothing of
    the data set that it is tested on is measured beforehand.

    Returns:
        `split` itself if nothing is to be done.

    Raises:
        UsageError: their channels differ and are not those of grey and RGB images.
    """
    ours, theirs = split.image_shape, like.image_shape
    if (ours, split.mean, split.std) == (theirs, like.mean, like.std):
        return split
    if ours[0] != theirs[0] and {ours[0], theirs[0]} != {1, 3}:
        raise UsageError(
            f"images of {split.dataset} have {_channels(ours)} and those of {like.dataset} "
            f"{_channels(theirs)}; only grey (1) and RGB (3) are made to fit each other"
        )
    values = {field.name: getattr(split, field.name) for field in fields(ImageSplit)}
    return FittedSplit(**{**values, "mean": like.mean, "std": like.std}, shape=theirs)


def fit(pixels: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Bring uint8 images ``[n, C, H, W]`` to `shape`; those that have it stay as they are.

    RGB becomes grey by its luma (ITU-R 601, as Pillow does), grey is given to all three channels.
    The size is changed by bilinear interpolation, with a triangle filter as wide as the reduction
    (Pillow's ``BILINEAR``); the sides of the picture follow `shape`, whatever they were. Rounded
    once, at the end.

    Args:
        pixels: the images.
        shape: ``(C, H, W)`` that they shall have.

    Returns:
        uint8 ``[n, *shape]`` in channels-last memory.
    """
    channels, *size = shape
    if pixels.shape[1:] == shape:
        return pixels
    images = pixels.float()
    if channels == 1:
        images = luma(images)
    if list(images.shape[2:]) != size:
        images = F.interpolate(images, size, mode="bilinear", antialias=True)
    whole = images.round().to(torch.uint8).expand(-1, channels, -1, -1)
    return whole.contiguous(memory_format=torch.channels_last)


def change_of_shape(split: ImageSplit, like: ImageSplit) -> str | None:
    """Say how images change to fit, as ``28x28x1 -> 32x32x3``; None if their shape does not."""
    ours, theirs = map(_times, (split.image_shape, like.image_shape))
    return None if ours == theirs else f"{ours} -> {theirs}"


def _channels(shape: tuple[int, int, int]) -> str:
    return f"{shape[0]} channel{'' if shape[0] == 1 else 's'}"


def _times(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, (*shape[1:], shape[0])))

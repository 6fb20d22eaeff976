"""Augmentation of whole batches of uint8 images; randomness comes from torch's global generator.

Each image of a batch gets its own draws. The colour jitter blends as PIL and torchvision do
(brightness with black, contrast with the mean grey, saturation with the grey image), in an
order that is random for the batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fewshot_bench.utilities.devices import constant

_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601 luma, as in PIL's convert("L")


def augment(pixels: Tensor, kind: str) -> Tensor:
    """Augment uint8 images ``[N, C, H, W]``; returns uint8 or float in 0 .. 255.

    Args:
        pixels: the images.
        kind: ``none``; ``shift``: random crop after padding by an eighth; ``shift-flip``: and a
            horizontal flip (BF3S); ``natural``: and a colour jitter of 0.4 (SIB
            ``main_feat.py``).
    """
    if kind == "none":
        return pixels
    padding = max(1, pixels.shape[-1] // 8)  # 4 at 32 pixels, 10 at 84
    cropped = random_crop(pixels, padding, flip=kind != "shift")
    return color_jitter(cropped) if kind == "natural" else cropped


def random_crop(pixels: Tensor, padding: int, flip: bool) -> Tensor:
    """Crop each image at a random place of its zero-padded self, and flip half of them."""
    n, _, height, width = pixels.shape
    padded = F.pad(pixels, (padding,) * 4).permute(0, 2, 3, 1)  # [N, H, W, C]
    device = pixels.device
    rows = torch.randint(2 * padding + 1, (n, 1), device=device) + torch.arange(
        height, device=device
    )
    columns = torch.randint(2 * padding + 1, (n, 1), device=device) + torch.arange(
        width, device=device
    )
    if flip:
        mirrored = torch.rand(n, 1, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    batch = torch.arange(n, device=device)[:, None, None]
    return padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def color_jitter(pixels: Tensor, strength: float = 0.4) -> Tensor:
    """Vary brightness, contrast and saturation of each image by factors of 1 ± `strength`."""
    images = pixels.float()
    factors = 1 + strength * (2 * torch.rand(3, len(images), 1, 1, 1, device=images.device) - 1)
    for which in torch.randperm(3).tolist():
        if which == 0:
            other: Tensor | float = 0.0
        elif which == 1:
            other = luma(images).mean((2, 3), keepdim=True)
        else:
            other = luma(images)
        images = (other + factors[which] * (images - other)).clamp_(0, 255)
    return images


def luma(images: Tensor) -> Tensor:
    """Turn float RGB ``[N, 3, H, W]`` into grey ``[N, 1, H, W]``; a single channel is its own."""
    if images.shape[1] == 1:
        return images
    weights = constant(_LUMA, images).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)

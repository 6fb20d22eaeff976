"""DropBlock (Ghiasi et al. 2018): dropout of whole squares of a feature map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DropBlock(nn.Module):
    """Sets squares of each channel to zero in training, and scales the rest up to make up for it.

    The fraction to drop rises linearly over the first training forwards, as in MetaOptNet's
    release (``models/ResNet12_embedding.py``), with two differences. The release counts every
    forward, evaluation included, and has two in a step, as it embeds support and query apart;
    here only training forwards count, usually one a step, so that the rise takes more than twice
    as many steps. And the count is a buffer, which checkpoints keep; the release starts anew.

    Args:
        block_size: side of a square, at most that of the map.
        drop_rate: fraction of a map to drop in the end, not counting overlaps of squares.
        ramp: training forwards until then.

    Attributes:
        n_forwards: training forwards so far, int64 scalar.
    """

    n_forwards: Tensor

    def __init__(self, block_size: int, drop_rate: float = 0.1, ramp: int = 40_000) -> None:
        super().__init__()
        self.block_size, self.drop_rate, self.ramp = block_size, drop_rate, ramp
        self.register_buffer("n_forwards", torch.zeros((), dtype=torch.int64))

    @property
    def current_rate(self) -> Tensor:
        """Fraction to drop at the present count; a scalar tensor, so that no GPU has to wait."""
        return self.drop_rate * (self.n_forwards / self.ramp).clamp(max=1.0)

    def forward(self, maps: Tensor) -> Tensor:
        """Drop squares of maps ``[N, C, H, W]``; nothing in evaluation mode."""
        if not self.training:
            return maps
        self.n_forwards.add_(1)
        kept = 1 - self._squares(maps)
        scale = kept.numel() / kept.sum().clamp(min=1.0)
        return maps * (kept * scale).to(maps.dtype)

    def _squares(self, maps: Tensor) -> Tensor:
        """Draw the squares: float32 ``[N, C, H, W]``, 1 where a value is dropped.

        Every place where a whole square fits is the corner of one with the same probability.
        """
        n, channels, height, width = maps.shape
        size = self.block_size
        rows, columns = height - size + 1, width - size + 1
        corner_rate = self.current_rate * (height * width) / (size**2 * rows * columns)
        corners = torch.rand(n, channels, rows, columns, device=maps.device) < corner_rate
        return F.max_pool2d(F.pad(corners.float(), [size - 1] * 4), size, stride=1)

"""What images are normalised by: mean and standard deviation of the pixels of train."""

from typing import Any

import numpy as np

from fewshot_bench.data.content import Images


class PixelStatistics:
    """Mean and standard deviation of each channel of train, from exact counts of its values."""

    def __init__(self, channels: int) -> None:
        self._counts = np.zeros((channels, 256), dtype=np.int64)

    def update(self, images: Images) -> None:
        """Count uint8 images ``[n, H, W, C]`` too."""
        for channel, counts in enumerate(self._counts):
            counts += np.bincount(images[..., channel].ravel(), minlength=256)

    @property
    def mean(self) -> list[float]:
        """Mean of each channel, in [0, 1]."""
        return [self._moment(counts, 1) / 255 for counts in self._counts]

    @property
    def std(self) -> list[float]:
        """Population standard deviation; 1 for a channel that never varies."""
        pairs = zip(self._counts, self.mean, strict=True)
        variances = [self._moment(counts, 2) / 255**2 - mean**2 for counts, mean in pairs]
        return [float(np.sqrt(v)) if v > 1e-12 else 1.0 for v in variances]

    @staticmethod
    def _moment(counts: np.ndarray[Any, np.dtype[np.int64]], power: int) -> float:
        total: int = sum(value**power * int(n) for value, n in enumerate(counts))
        return total / int(counts.sum())

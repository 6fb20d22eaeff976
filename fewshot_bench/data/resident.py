"""Images of a split where batches are made of them: on the device, if it has room."""

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.data.dataset import ImageSplit, Indices
from fewshot_bench.utilities.devices import to_device

_SHARE = 4  # images take at most this part of what memory a device has left


class Pixels:
    """The images of a split as batches of uint8 on a device.

    They are brought to a device once, where they fit, and else batch by batch; on a CPU they stay
    in their file.

    Args:
        split: of images.
        device: where batches are wanted.
    """

    def __init__(self, split: ImageSplit, device: torch.device) -> None:
        self.split, self.device = split, device
        self._resident: Tensor | None = None
        if _fit(split, device):
            self._resident = to_device(torch.from_numpy(np.array(split.images)), device)

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return images ``[n, C, H, W]`` in channels-last memory."""
        if self._resident is None:
            return to_device(self.split.pixels(indices), self.device)
        chosen = to_device(torch.from_numpy(indices), self.device)
        return self._resident.index_select(0, chosen).permute(0, 3, 1, 2)


def _fit(split: ImageSplit, device: torch.device) -> bool:
    if device.type in ("cpu", "mps"):
        return False
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return split.images.nbytes <= free // _SHARE

"""Embeddings of a whole split, computed once, and look-up of episodes in them."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from fewshot_bench.data.augment import augment
from fewshot_bench.data.dataset import ImageSplit, Split
from fewshot_bench.data.resident import Pixels
from fewshot_bench.episodes.episode import Indices
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.finite import require_finite_embeddings
from fewshot_bench.method import Method
from fewshot_bench.utilities.devices import to_device
from fewshot_bench.utilities.files import home, stable_hash
from fewshot_bench.utilities.locks import waiting_lock
from fewshot_bench.utilities.shared_store import bring, share
from fewshot_bench.utilities.tensors import load_tensors, save_tensors

# On a CPU small chunks stay in the caches, and below the size at which memory is given back.
_IMAGES_PER_CHUNK = {"cpu": 80}
_IMAGES_PER_CHUNK_GPU = 1024
_SAMPLE = 64  # rows that are embedded again to recognise embeddings without facts
_ROUNDING = 0.01  # of the largest number: half precision on a GPU differs by less


class Table(Protocol):
    """Inputs of all images of a split, looked up by index.

    Attributes:
        embedded: True for embeddings, False for images.
        width: numbers an image takes.
        device: where looked-up inputs lie.
    """

    embedded: bool
    width: int
    device: torch.device

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return the inputs of images ``[T, n]`` as ``[T, n, ...]``."""
        ...


class FeatureTable:
    """Embeddings ``[N, D]`` of a split."""

    embedded = True

    def __init__(self, features: Tensor) -> None:
        self.features, self.device = features, features.device
        self.width = features.shape[1]

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return embeddings ``[T, n, D]``."""
        chosen = to_device(torch.from_numpy(indices), self.device)
        # Ten times faster on a CPU than indexing with a tensor of two dimensions.
        rows = self.features.index_select(0, chosen.reshape(-1))
        return rows.reshape(*indices.shape, self.width)


class ImageTable:
    """Images of a split, normalised and, for training, augmented at every look-up."""

    embedded = False

    def __init__(self, split: ImageSplit, device: torch.device, augmentation: str = "none") -> None:
        self.split, self.device, self.augmentation = split, device, augmentation
        self.pixels = Pixels(split, device)
        channels, height, width = split.image_shape
        self.width = channels * height * width

    def __getitem__(self, indices: Indices) -> Tensor:
        """Return images ``[T, n, C, H, W]``."""
        pixels = augment(self.pixels[indices.ravel()], self.augmentation)
        images = self.split.normalise(pixels)
        return images.reshape(*indices.shape, *images.shape[1:])


@torch.no_grad()
def embed_split(method: Method, split: Split) -> Tensor:
    """Embed every row of a split, in the evaluation mode of the method's network: ``[N, D]``.

    Embeddings by stored weights are kept on disk with all facts that they depend on, for all
    methods and runs that share them, and lie in memory only as the system sees fit.

    Raises:
        UsageError: what is kept is damaged or other than its facts say, or what is computed is not
            finite.
    """
    method.eval()
    facts, path = _facts(method, split), features_path(method, split)
    if facts is None or path is None:
        return embed_rows(method, split)
    if not path.exists():
        lock = home() / "locks" / f"{path.stem}.lock"
        with waiting_lock(lock, f"waiting for another process that embeds {split.title}"):
            bring(path, replace=False)
            if not path.exists():
                _keep(path, embed_rows(method, split), facts)
                share(path, replace=False)
    return _load(path, method, split, facts).to(method.device)


def features_path(method: Method, split: Split) -> Path | None:
    """Where the embeddings of a split are kept, if they are, see `embed_split`."""
    facts = _facts(method, split)
    if facts is None:
        return None
    return home() / "features" / f"{split.dataset}-{split.split}-{stable_hash(facts)}.safetensors"


def _keep(path: Path, features: Tensor, facts: dict[str, Any]) -> None:
    save_tensors(path, {"features": features}, {**facts, **_form(features)})


def _form(features: Tensor) -> dict[str, Any]:
    return {"shape": list(features.shape), "dtype": str(features.dtype)}


def _load(path: Path, method: Method, split: Split, facts: dict[str, Any]) -> Tensor:
    tensors, told = load_tensors(path)
    features = tensors.get("features", torch.empty(0))
    fits = features.shape == (len(split), method.embedding_dim)
    if fits and not told:  # by an earlier version, which wrote no facts
        fits = _agrees(features, method, split)
        if fits:
            _keep(path, features, facts)
    elif told != {**facts, **_form(features)}:
        fits = False
    if not fits:
        raise UsageError(f"{path} does not fit {split.dataset}; delete it and run again")
    return features


def _agrees(features: Tensor, method: Method, split: Split) -> bool:
    """Whether rows from all over the split, embedded again, are what was kept but for rounding."""
    rows = np.unique(np.linspace(0, len(split) - 1, _SAMPLE).astype(np.int64))
    again = method.embed(split.tensor(rows, method.device)).cpu()
    kept = features[torch.from_numpy(rows)]
    if kept.dtype != again.dtype:
        return False
    return bool((kept - again).abs().max() <= _ROUNDING * again.abs().max())


@torch.no_grad()
def embed_rows(method: Method, split: Split) -> Tensor:
    """Embed every row of a split ``[N, D]``, and keep nothing; the method is in evaluation mode.

    Raises:
        UsageError: some are not finite.
    """
    device = method.device
    chunk = _IMAGES_PER_CHUNK.get(device.type, _IMAGES_PER_CHUNK_GPU)
    features = torch.empty(0)
    for start in range(0, len(split), chunk):
        part = method.embed(split.tensor(slice(start, start + chunk), device))
        require_finite_embeddings(method, part, split, start)
        if start == 0:
            features = part.new_empty(len(split), part.shape[1])
        features[start : start + chunk] = part
    return features


def _facts(method: Method, split: Split) -> dict[str, Any] | None:
    """What embeddings depend on; None if the weights are not stored, or the method differs."""
    weights = method.backbone.weights_key
    if weights is None or type(method).embed is not Method.embed:
        return None
    facts: dict[str, Any] = {
        "weights": weights,
        "checksum": split.checksum,
        "split": split.split,
        "maps": method.needs_maps and method.backbone.pooled,
        "device": method.device.type,  # devices round differently
    }
    if split.fitting:
        facts["fitting"] = split.fitting
    return facts

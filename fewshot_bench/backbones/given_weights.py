"""Weights that a user brings for a backbone: matched by name, kept by what they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, cast

from torch import Tensor

from fewshot_bench.backbones.base import Backbone, backbones
from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import home
from fewshot_bench.utilities.locks import waiting_lock
from fewshot_bench.utilities.progress import say
from fewshot_bench.utilities.state_dicts import read_state_dict
from fewshot_bench.utilities.tensors import Tensors, load_tensors, save_tensors, tensors_digest

# What training scripts wrap a network in, and our own wrapping of another library's.
PREFIXES = ("module.", "backbone.", "encoder.", "network.")
# What they call the classifier on top of it.
HEADS = (
    *("fc", "head", "heads", "head_dist", "classifier", "classifiers", "clf", "cls", "logits"),
    *("linear", "last_linear", "last_layer", "output"),
)
_NAMED = 3  # names that a message spells out


class _Pretrained(Protocol):
    """A maker of backbones that come with weights, which `bare` leaves out."""

    def bare(self, in_shape: tuple[int, int, int]) -> Backbone: ...


def keep_weights(path: Path, name: str, in_shape: tuple[int, int, int]) -> str:
    """Copy a file of weights into the home, once, and name what of it is a classifier's.

    Args:
        path: of the file.
        name: of the backbone that they are for.
        in_shape: ``(C, H, W)`` of its images.

    Returns:
        The digest of the tensors, which names the copy.

    Raises:
        UsageError: as `read_state_dict`, or they do not fit the backbone.
    """
    tensors = read_state_dict(path)
    if head := _load(bare_backbone(name, in_shape), tensors, name, str(path)):
        say(f"{path}: weights of a classifier are left out: {_named(head)}")
    digest = tensors_digest(tensors)
    place = kept_at(digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock(place.parent / "lock", f"waiting for another process that copies {path}"):
        if not place.exists():
            save_tensors(place, tensors, {"kind": "given", "digest": digest})
    return digest


def kept_at(digest: str) -> Path:
    """Where the copy of weights with a digest lies."""
    return home() / "weights" / f"given-{digest[:16]}" / "model.safetensors"


def with_given_weights(name: str, in_shape: tuple[int, int, int], digest: str) -> Backbone:
    """Make a backbone with weights that `keep_weights` copied; nothing is downloaded.

    Raises:
        UsageError: they are not in the home, or do not fit the backbone.
    """
    path = kept_at(digest)
    if not path.exists():
        raise UsageError(f"{path} is missing; give the weights anew, with --weights FILE")
    tensors, facts = load_tensors(path)
    if facts.get("digest") != digest:
        raise UsageError(f"{path} holds other weights; delete it and give them anew")
    backbone = bare_backbone(name, in_shape)
    _load(backbone, tensors, name, str(path))
    backbone.weights_key = digest
    return backbone


def bare_backbone(name: str, in_shape: tuple[int, int, int]) -> Backbone:
    """Make a backbone with weights that are drawn, for others to be loaded; nothing is downloaded.

    Args:
        name: registered.
        in_shape: ``(C, H, W)`` of the images.
    """
    make = backbones[name]
    return cast("_Pretrained", make).bare(in_shape) if hasattr(make, "bare") else make(in_shape)


def _load(backbone: Backbone, tensors: Tensors, name: str, where: str) -> list[str]:
    """Load what a file calls by the backbone's names; return what is a classifier's."""
    own, places = backbone.state_dict(), _places(backbone)
    found = {place: t for key, t in tensors.items() if (place := _place(key, places))}
    lacking = [k for k in own if k not in found and not k.endswith("num_batches_tracked")]
    if lacking:
        raise UsageError(f"{where} lacks {_named(lacking)} of {name}")
    others = [key for key in tensors if _place(key, places) is None]
    if strange := [key for key in others if not _is_head(key)]:
        raise UsageError(f"{where} has {_named(strange)}, which {name} has not")
    for place, tensor in found.items():
        _check(
            place, tensor, own[place], f"{name} for images of {_times(backbone.in_shape)}", where
        )
    backbone.load_state_dict({**own, **found})
    return others


def _check(place: str, tensor: Tensor, own: Tensor, whose: str, where: str) -> None:
    if tensor.shape != own.shape:
        raise UsageError(
            f"{where} has '{place}' of shape {tuple(tensor.shape)}, and {whose} has it of "
            f"{tuple(own.shape)}"
        )
    if tensor.is_complex() or tensor.is_floating_point() != own.is_floating_point():
        raise UsageError(f"{where} has '{place}' as {tensor.dtype}; save it as {own.dtype}")


def _places(backbone: Backbone) -> dict[str, str]:
    """The backbone's own names, by how a file may call them."""
    own = backbone.state_dict()
    return {**{name.removeprefix("network."): name for name in own}, **{name: name for name in own}}


def _place(name: str, places: Mapping[str, str]) -> str | None:
    """Find what a name in a file means, under whatever it was wrapped in."""
    while name not in places:
        prefix = next((p for p in PREFIXES if name.startswith(p)), None)
        if prefix is None:
            return None
        name = name.removeprefix(prefix)
    return places[name]


def _is_head(name: str) -> bool:
    parts = name.split(".")
    return next((p for p in parts if f"{p}." not in PREFIXES), parts[0]) in HEADS


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(f"'{name}'" for name in names[:_NAMED]) + more


def _times(shape: tuple[int, int, int]) -> str:
    return "x".join(map(str, (*shape[1:], shape[0])))

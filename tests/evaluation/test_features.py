"""Embeddings of a split: computed once by stored weights, and never by changed ones."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.fitted import fitted
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation import features
from fewshot_bench.evaluation.features import FeatureTable, ImageTable, embed_split
from fewshot_bench.method import Method
from fewshot_bench.utilities.tensors import load_tensors, save_tensors
from tests.synthetic import make_method, make_split


@pytest.fixture
def method(empty_home: Path) -> Method:
    made = make_method("proto-net").float()
    made.backbone.weights_key = "0123"
    return made


def kept(home: Path) -> list[Path]:
    return sorted((home / "features").glob("*.safetensors"))


def test_embeddings_by_stored_weights_are_kept(method: Method, empty_home: Path) -> None:
    split: ImageSplit = make_split()
    first = embed_split(method, split)
    torch.testing.assert_close(first[3:5], method.embed(split.tensor(slice(3, 5), "cpu")))
    (path,) = kept(empty_home)
    written = path.stat().st_mtime_ns
    assert torch.equal(embed_split(method, split), first)
    assert path.stat().st_mtime_ns == written
    assert load_tensors(path)[1] == {  # another name of one, and all that is kept is lost
        "weights": "0123",
        "checksum": split.checksum,
        "split": "train",
        "maps": False,
        "device": "cpu",
        "shape": [len(split), method.embedding_dim],
        "dtype": "torch.float32",
    }


def test_other_weights_images_or_maps_have_embeddings_of_their_own(
    method: Method, empty_home: Path
) -> None:
    embed_split(method, make_split())
    embed_split(method, make_split(seed=1))
    embed_split(method, make_split(split="val"))
    method.backbone.weights_key = "4567"
    embed_split(method, make_split())
    assert len(kept(empty_home)) == 4


def test_images_made_to_fit_have_embeddings_of_their_own(method: Method, empty_home: Path) -> None:
    split = make_split(split="test")
    plain = embed_split(method, split)
    larger = make_split(split="test", size=24)
    assert larger.checksum == split.checksum
    fit = embed_split(method, fitted(larger, split))
    dimmed = embed_split(method, fitted(split, replace(split, mean=(0.4,))))
    assert len(kept(empty_home)) == 3
    assert not torch.equal(fit, plain)
    torch.testing.assert_close(dimmed[:4], method.embed((split.pixels(slice(4)) / 255 - 0.4) / 0.3))


def test_weights_that_are_not_stored_leave_nothing(method: Method, empty_home: Path) -> None:
    method.backbone.weights_key = None
    embed_split(method, make_split())
    assert not kept(empty_home)


def test_a_method_with_an_embedding_of_its_own_leaves_nothing(
    method: Method, empty_home: Path
) -> None:
    plain = embed_split(method, make_split())
    own = {"embed": lambda self, images: 2 * self.backbone(images)}
    method.__class__ = type("Doubled", (type(method),), own)
    torch.testing.assert_close(embed_split(method, make_split()), 2 * plain)
    assert len(kept(empty_home)) == 1


def test_damaged_embeddings_are_named(method: Method, empty_home: Path) -> None:
    embed_split(method, make_split())
    kept(empty_home)[0].write_bytes(b"torn")
    with pytest.raises(UsageError, match=r"features.*damaged"):
        embed_split(method, make_split())


def test_chunks_of_images_are_embedded_in_their_places(
    method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    method.backbone.weights_key = None
    split = make_split(per_class=3)
    whole = embed_split(method, split)
    sizes: list[int] = []
    embed = method.embed

    def noted(images: Tensor) -> Tensor:
        sizes.append(len(images))
        return embed(images)

    monkeypatch.setattr(features, "_IMAGES_PER_CHUNK", {"cpu": 7})
    monkeypatch.setattr(method, "embed", noted)
    torch.testing.assert_close(embed_split(method, split), whole)
    assert sizes == [7, 7, 7, 3]


def test_tables_look_inputs_up_by_task() -> None:
    split, indices = make_split(size=4, channels=3), np.array([[5, 0, 7], [2, 2, 9]])
    images = ImageTable(split, torch.device("cpu"))
    assert (images.width, images.embedded) == (48, False)
    expected = (split.pixels(indices.ravel()) / 255 - 0.5) / 0.3
    torch.testing.assert_close(images[indices], expected.reshape(2, 3, 3, 4, 4))
    rows = torch.rand(len(split), 6)
    embeddings = FeatureTable(rows)
    assert (embeddings.width, embeddings.embedded) == (6, True)
    assert torch.equal(embeddings[indices], rows[torch.from_numpy(indices)])
    torch.manual_seed(0)
    assert not torch.equal(ImageTable(split, images.device, "shift")[indices], images[indices])


def spoilt(tensor: Tensor, value: float) -> Tensor:
    tensor[3, 1] = value
    return tensor


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "permuted": lambda rows: rows.flip(0),
    "two rows swapped": lambda rows: rows[[*range(100), 101, 100, *range(102, len(rows))]],
    "half precision": Tensor.half,
    "double": Tensor.double,
    "narrow": lambda rows: rows[:, :-1].contiguous(),
    "flat": lambda rows: rows.flatten(),
    "short": lambda rows: rows[:-1],
    "nan": lambda rows: spoilt(rows, float("nan")),
    "inf": lambda rows: spoilt(rows, float("inf")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("by", ["hand", "us"])
def test_changed_embeddings_are_refused_in_one_line(
    change: str, by: str, method: Method, empty_home: Path
) -> None:
    """By their digest; what is written with a right one, by their facts and numbers."""
    embed_split(method, make_split())
    (path,) = kept(empty_home)
    tensors, facts = load_tensors(path)
    features = CHANGES[change](tensors["features"].clone())
    if by == "us":
        save_tensors(path, {"features": features}, facts)
    else:
        metadata = {"facts": json.dumps(facts), "digest": digest_of(path)}
        save_file({"features": features}, path, metadata=metadata)
    if by == "us" and change in ("permuted", "two rows swapped"):
        return  # a forger who computes digests can compute embeddings
    with pytest.raises(UsageError, match="delete it and run again") as error:
        embed_split(method, make_split())
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def digest_of(path: Path) -> str:
    with safe_open(path, framework="pt") as file:
        return str(file.metadata()["digest"])


@pytest.mark.parametrize(
    "facts",
    [
        {"weights": "4567"},
        {"checksum": "x"},
        {"split": "test"},
        {"dtype": "torch.float64"},
        {"x": 1},
    ],
)
def test_embeddings_with_other_facts_are_refused(
    facts: dict[str, Any], method: Method, empty_home: Path
) -> None:
    embed_split(method, make_split())
    (path,) = kept(empty_home)
    tensors, told = load_tensors(path)
    save_tensors(path, tensors, {**told, **facts})
    with pytest.raises(UsageError, match="does not fit synthetic; delete it"):
        embed_split(method, make_split())


def test_embeddings_of_an_earlier_version_are_recognised_and_get_their_facts(
    method: Method, empty_home: Path
) -> None:
    first = embed_split(method, make_split())
    (path,) = kept(empty_home)
    facts = load_tensors(path)[1]
    assert facts["shape"] == list(first.shape)
    rounded = first * (1 + 1e-6)
    save_file({"features": rounded}, path, metadata={"facts": "{}"})
    assert torch.equal(embed_split(method, make_split()), rounded)  # not made anew
    assert load_tensors(path)[1] == facts
    for change in ("permuted", "narrow", "half precision", "short"):
        changed = CHANGES[change](first.clone())
        save_file({"features": changed.contiguous()}, path, metadata={"facts": "{}"})
        with pytest.raises(UsageError, match="does not fit"):
            embed_split(method, make_split())

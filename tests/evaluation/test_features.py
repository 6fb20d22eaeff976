"""Embeddings of a split: computed once by stored weights, and never by changed ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fewshot_bench.data.dataset import ImageSplit
from fewshot_bench.data.fitted import fitted
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation import features
from fewshot_bench.evaluation.features import FeatureTable, ImageTable, embed_split
from fewshot_bench.method import Method
from fewshot_bench.utilities.tensors import save_tensors
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


def test_kept_embeddings_of_another_shape_are_refused(method: Method, empty_home: Path) -> None:
    first = embed_split(method, make_split())
    (path,) = kept(empty_home)
    for odd in ({"features": first[:-1]}, {"features": first.flatten()}, {"other": first}):
        save_tensors(path, odd, {})
        with pytest.raises(UsageError):
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

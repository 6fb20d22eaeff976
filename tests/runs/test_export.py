"""Embeddings that are exported and imported again give what the images gave."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_bench.data.content import ClassImages, Content
from fewshot_bench.data.embedding_export import WRITERS
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.write import write_dataset
from fewshot_bench.errors import UsageError
from fewshot_bench.results import Result
from fewshot_bench.runs.export import export_embeddings
from fewshot_bench.runs.plan import make_plan
from fewshot_bench.runs.request import Request
from fewshot_bench.runs.runner import run
from tests.synthetic import make_split

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> "object":
    """A home with a data set of images, whose classes are not in the order of their names."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("export")
        patch.setenv("FSBENCH_HOME", str(folder / "home"))
        patch.chdir(folder)
        splits = {}
        for split in ("train", "val", "test"):
            images = make_split(6, 12, split=split, noise=1.0).images
            parts = np.split(images, 6)
            splits[split] = [
                ClassImages(f"{split} {9 - i}", len(part), lambda part=part: part)  # type: ignore[misc]
                for i, part in enumerate(parts)
            ]
        write_dataset("pictures", Content((16, 16, 1), splits, {}))
        yield folder


def measured(dataset: str) -> dict[str, Result]:
    names = ("simple-shot", "pt-map")
    asked = Request(
        methods=names, datasets=(dataset,), preset="smoke", n_query=5, shots=(1, 3), n_episodes=30
    )
    configs = make_plan(asked).configs
    return {f"{c.method} {c.n_shot}": run(c, CPU).result for c in configs}


@pytest.fixture(scope="module")
def of_images(place: object) -> dict[str, Result]:
    return measured("pictures")


def test_weights_that_are_not_there_are_asked_for(of_images: object) -> None:
    command = "fsbench run -m simple-shot --dataset pictures --backbone conv4-128 --preset smoke"
    texts = ("pretrain.epochs=3",)
    with pytest.raises(UsageError, match=f"{command} --seed 2 --set pretrain.epochs=3'$"):
        export_embeddings(
            "pictures",
            "conv4-128",
            Path("e.npz"),
            preset="smoke",
            seed=2,
            settings=texts,
            device=CPU,
        )
    assert not Path("e.npz").exists()


@pytest.mark.parametrize("ending", sorted(WRITERS))
def test_the_round_trip_changes_no_accuracy(ending: str, of_images: dict[str, Result]) -> None:
    file, name = Path(f"e{ending}"), f"again{ending}"
    export_embeddings("pictures", "conv4-64", file, preset="smoke", device=CPU)
    import_dataset("embeddings", file, as_name=name)
    for cell, result in measured(name).items():
        np.testing.assert_allclose(result.accuracies, of_images[cell].accuracies, atol=1e-6)
        assert result.episode_digest == of_images[cell].episode_digest
        assert len(set(result.accuracies)) > 3


def test_embeddings_are_exported_as_they_are(of_images: object) -> None:
    export_embeddings("pictures", None, Path("e.npz"), preset="smoke", device=CPU)
    first = import_dataset("embeddings", Path("e.npz"), as_name="first")
    export_embeddings("first", None, Path("again.parquet"), device=CPU)
    again = import_dataset("embeddings", Path("again.parquet"), as_name="again")
    assert first.checksum == again.checksum


def test_what_cannot_be_exported() -> None:
    with pytest.raises(UsageError, match=r"'e\.csv' names no format; let it end in \.npz"):
        export_embeddings("pictures", None, Path("e.csv"), device=CPU)
    with pytest.raises(UsageError, match="'metric=cosine' changes no embedding"):
        export_embeddings("pictures", None, Path("e.npz"), settings=("metric=cosine",), device=CPU)
    with pytest.raises(UsageError, match="without pretraining conv4-64 embeds nothing of use"):
        export_embeddings("pictures", None, Path("e.npz"), settings=("pretrain=none",), device=CPU)

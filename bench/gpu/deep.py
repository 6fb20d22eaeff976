"""The deep row: a network pretrained on CIFAR-FS, and its embeddings in parts that travel."""

import hashlib
import json
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.gpu.inputs import image_split
from bench.gpu.setup import Found, Rows, Setup, SkippedError
from bench.gpu.timing import seconds_of
from fewshot_bench.bases.nearest_cosine import NearestCosine
from fewshot_bench.data.dataset import SPLITS, Dataset
from fewshot_bench.data.embedding_export import write_embedding_file
from fewshot_bench.data.embeddings import EmbeddingSplit
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.store import open_dataset, stored_names
from fewshot_bench.episodes.source import EpisodeSource
from fewshot_bench.episodes.spec import EpisodeSpec
from fewshot_bench.errors import UsageError
from fewshot_bench.evaluation.evaluate import evaluate
from fewshot_bench.evaluation.features import embed_split
from fewshot_bench.recipe import PretrainRecipe, Recipe
from fewshot_bench.runs.configuration import make_config
from fewshot_bench.runs.runner import prepare
from fewshot_bench.statistics.intervals import confidence95
from fewshot_bench.training.pretraining import build_backbone, pretrain, pretraining
from fewshot_bench.utilities.files import atomic_file

NETWORKS = ("wrn-28-10", "resnet12-metaopt", "conv4-128")
LARGEST = 15_000_000  # bytes of a part
FACTS = "embeddings.json"


def rows(network: str, setup: Setup) -> Rows:
    """Import, pretraining, embeddings of each split, and SIB; each finds what was made before."""
    name = "conv4-64" if setup.toy else network
    yield "images", partial(_images, setup)
    yield "pretraining", partial(_pretrained, name, setup)
    for split in SPLITS[::-1]:
        yield f"embeddings of {split}", partial(_embedded, name, network, split, setup)
    for n_shot in (1, 5):
        yield f"ssl-meta on augmented images, {n_shot}-shot", partial(_sib, name, n_shot, setup)


def recipe_of(setup: Setup) -> PretrainRecipe:
    """One cycle in bfloat16, in batches that keep a GPU busy."""
    return PretrainRecipe(
        precision="bfloat16",
        epochs=setup.size(setup.epochs, 1),
        batch_size=setup.size(256, 32),
        lr=0.2,
        val_every=setup.size(5, 1),
        val_episodes=setup.size(1000, 20),
    )


def _dataset(setup: Setup) -> Dataset:
    if setup.toy:
        splits = {split: image_split(split, 8, 20) for split in SPLITS}
        return Dataset("bench", splits, "bench", {})
    if "cifar-fs" not in stored_names():
        if setup.data is None:
            raise SkippedError("cifar-fs is not imported; name its archive with --data")
        import_dataset("cifar-fs", setup.data)
    return open_dataset("cifar-fs")


def _images(setup: Setup) -> Found:
    n = sum(map(len, _dataset(setup).splits.values()))
    return Found(n, "images")


def _pretrained(name: str, setup: Setup) -> Found:
    dataset, recipe = _dataset(setup), recipe_of(setup)
    stored = pretraining(dataset, name, recipe, seed=0)
    backbone = build_backbone(name, dataset["train"], setup.device)
    facts = pretrain(stored, backbone, dataset, setup.device)
    note = f"{facts['seconds']:.0f} s for {recipe.epochs} epochs, validations included"
    return Found(100 * facts["val_acc"], "% val accuracy, nearest cosine prototype", note=note)


def _embedded(name: str, network: str, split: str, setup: Setup) -> Found:
    """Embed a split, and write it as float16 in parts with a description of all."""
    dataset, recipe = _dataset(setup), recipe_of(setup)
    stored = pretraining(dataset, name, recipe, seed=0)
    backbone = build_backbone(name, dataset["train"], setup.device)
    made = pretrain(stored, backbone, dataset, setup.device)
    method, images, found = NearestCosine(backbone, Recipe(), 5), dataset[split], []
    seconds = seconds_of(lambda: found.append(embed_split(method, images)), setup.device)
    folder = setup.out / network
    folder.mkdir(exist_ok=True)
    halves = found[0].cpu().numpy().astype(np.float16)
    facts = {
        "backbone": name,
        "dataset": dataset.name,
        "checksum": dataset.checksum,
        "recipe": recipe.model_dump(mode="json"),
        "val_acc": made["val_acc"],
        "weights": stored.key,
    }
    of_split = {
        "classes": list(images.class_names),
        "counts": images.class_counts.tolist(),
        "parts": write_parts(folder, split, halves),
    }
    with atomic_file(folder / f"{split}-{FACTS}") as partial_file:
        partial_file.write_text(json.dumps({**facts, **of_split}, indent=1))
    return Found(len(images) / seconds, "images/s", note=f"{halves.nbytes / 1e6:.0f} MB")


def _sib(name: str, n_shot: int, setup: Setup) -> Found:
    """Meta-train SIB as its authors did, every image augmented anew, which takes the network."""
    dataset = _dataset(setup)
    given = recipe_of(setup).model_dump(exclude_unset=True)
    asked = {f"pretrain.{key}": value for key, value in given.items()}
    asked |= {"train.augment": "natural", "train.steps": setup.size(6000, 4)}
    n_query = setup.size(15, 5)
    settings = [f"{key}={value}" for key, value in asked.items()]
    config = make_config(
        "ssl-meta", name, dataset, n_shot=n_shot, settings=settings, n_query=n_query
    )
    trained = prepare(config, dataset, setup.device)
    source = EpisodeSource(dataset["test"], EpisodeSpec(5, n_shot, n_query))
    found = evaluate(trained.method, source, setup.size(10_000, 4)).accuracies
    note = f"± {100 * confidence95(found):.2f}, trained for {trained.train_seconds:.0f} s"
    return Found(100 * fmean(found), "% test accuracy", note=note)


def write_parts(folder: Path, split: str, rows_: NDArray[np.float16]) -> dict[str, str]:
    """Write rows in parts that are small enough to travel; returns their digests by name."""
    n_parts = -(-rows_.nbytes // LARGEST)
    written = {}
    for i, part in enumerate(np.array_split(rows_, n_parts)):
        path = folder / f"{split}-{i}.npy"
        np.save(path, part)
        written[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return written


def join(folder: Path, to: Path) -> Path:
    """Put parts together again, on any machine, into a file that the harness imports.

    Args:
        folder: of the parts and their descriptions; splits that did not travel are left out.
        to: file to write; its ending names the format.

    Raises:
        UsageError: a part is missing or damaged.
    """
    splits, checksums = {}, set()
    for split in SPLITS:
        told = folder / f"{split}-{FACTS}"
        if told.exists():
            facts: dict[str, Any] = json.loads(told.read_text())
            parts = [_part(folder / name, digest) for name, digest in facts["parts"].items()]
            checksums.add((facts["weights"], facts["checksum"]))
            splits[split] = EmbeddingSplit(
                dataset=facts["dataset"],
                split=split,
                class_names=tuple(facts["classes"]),
                class_counts=np.array(facts["counts"]),
                checksum=facts["weights"],
                embeddings=np.concatenate(parts).astype(np.float32),
            )
    if not splits or len(checksums) > 1:
        raise UsageError(f"{folder} holds no embeddings, or those of several networks")
    write_embedding_file(to, splits)
    return to


def _part(path: Path, digest: str) -> NDArray[np.float16]:
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise UsageError(f"{path} is missing, or other than its description says")
    part: NDArray[np.float16] = np.load(path, allow_pickle=False)
    return part

"""Small image files, trees and archives for the tests of the importers."""

import io
import pickle
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from fewshot_bench.data.content import Content, Images


def png(seed: int, size: int = 8, mode: str = "RGB") -> bytes:
    """A PNG of random pixels."""
    channels = () if mode == "L" else (3,)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, *channels), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def decoded(data: bytes) -> Images:
    """The pixels of an image file."""
    return np.asarray(Image.open(io.BytesIO(data)))


def read_all(content: Content) -> dict[str, Images]:
    """The images of every class by its name."""
    return {c.name: c.read() for classes in content.splits.values() for c in classes}


def make_files(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def make_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def image_tree(classes: Mapping[str, Iterable[str]], per_class: int = 3) -> dict[str, bytes]:
    """Files ``SPLIT/CLASS/N.png`` of random images."""
    names = [f"{s}/{c}/{i}.png" for s, cs in classes.items() for c in cs for i in range(per_class)]
    return {name: png(seed) for seed, name in enumerate(names)}


def cifar_pickles(pixels: Mapping[str, np.ndarray], names: list[str]) -> dict[str, bytes]:
    """The three files of ``cifar-100-python`` from images ``[N, 32, 32, 3]`` in class order."""
    files = {"cifar-100-python/meta": pickle.dumps({"fine_label_names": names}, 2)}
    for half, images in pixels.items():
        per_class = len(images) // len(names)
        labels = np.repeat(np.arange(len(names)), per_class)
        shuffle = np.random.default_rng(0).permutation(len(images))
        record = {
            "data": images.transpose(0, 3, 1, 2).reshape(len(images), -1)[shuffle],
            "fine_labels": labels[shuffle].tolist(),
            "filenames": [f"{i:05d}.png" for i in shuffle],
        }
        files[f"cifar-100-python/{half}"] = pickle.dumps(record, 2)
    return files

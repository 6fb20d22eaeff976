"""A folder of a user's own images: colours, names, and what is said of them."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.data import images
from fewshot_bench.data.content import Images
from fewshot_bench.data.store import open_dataset, stored_names, verify
from fewshot_bench.data.tree import FolderTree
from fewshot_bench.data.viewing import CHANGED, FRAMES, ON_WHITE, RULES, TURNED
from fewshot_bench.errors import UsageError
from tests.data.files import make_files, make_zip, png
from tests.data.imports import PLAIN, classes_of, imported
from tests.data.names import ODD
from tests.data.odd_images import encoded, oriented, png16

GREY = {name: png(seed, mode="L") for seed, name in enumerate(PLAIN)}
RED, NEARLY_GREY = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), (9, 9, 9))


def palette(*colours: int) -> bytes:
    image = Image.new("P", (8, 8))
    image.putpalette(colours)
    return encoded(image, "PNG")


ODD_ONES = {
    "colour": (encoded(RED, "PNG"), 3),
    "grey as colour": (encoded(NEARLY_GREY, "PNG"), 3),  # what a file may hold decides
    "cmyk": (encoded(RED.convert("CMYK"), "JPEG"), 3),
    "tiff": (encoded(RED, "TIFF", compression="tiff_lzw"), 3),
    "coloured palette": (palette(0, 0, 0, 200, 0, 0), 3),
    "grey palette": (palette(0, 0, 0, 200, 200, 200), 1),
    "grey and alpha": (encoded(NEARLY_GREY.convert("LA"), "PNG"), 1),
    "black and white": (encoded(RED.convert("1"), "TIFF", compression="group4"), 1),
    "sixteen bits": (png16(np.full((8, 8, 1), 700, dtype=np.uint16)), 1),
    "long header": (encoded(RED, "PNG", exif=bytes(200_000)), 3),
}


@pytest.mark.parametrize("kind", ODD_ONES)
@pytest.mark.parametrize("at", [min(PLAIN), max(PLAIN)])
def test_one_image_in_colour_makes_all_of_them_so(
    kind: str, at: str, empty_home: Path, tmp_path: Path
) -> None:
    odd_one, channels = ODD_ONES[kind]
    data = imported(make_files(tmp_path / "x", GREY | {at: odd_one}))
    assert {data.images(split).image_shape for split in data.splits} == {(channels, 8, 8)}
    assert str(data.provenance["images"]).startswith("L, all" if channels == 1 else "RGB, as some")


@settings(max_examples=20)
@given(coloured=st.sets(st.sampled_from(sorted(PLAIN))))
def test_grey_images_are_the_same_in_either_case(
    coloured: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Beside images in colour, grey ones have their values in all channels."""
    files = GREY | {name: encoded(RED, "PNG") for name in coloured}
    grey = imported(make_files(tmp_path_factory.mktemp("t"), GREY))
    data = imported(make_files(tmp_path_factory.mktemp("t"), files))
    names = sorted(PLAIN)
    for split in data.splits:
        kept = [n not in coloured for n in names if n.startswith(split)]
        expected: Images = np.array(grey.images(split).images)[kept]
        assert (data.images(split).images[kept] == expected).all()


def test_every_file_is_read_once(
    empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, that is; whether all are grey is read off their beginnings."""
    path = make_files(tmp_path / "x", GREY)
    whole: list[str] = []
    read = FolderTree.read

    def counted(self: FolderTree, file: str, size: int | None = None) -> bytes:
        whole.extend([file] * (size is None))
        return read(self, file, size)

    monkeypatch.setattr(FolderTree, "read", counted)
    imported(path)
    assert sorted(whole) == sorted(GREY)


def test_what_was_changed_is_in_the_provenance(empty_home: Path, tmp_path: Path) -> None:
    square = np.zeros((8, 8, 3), dtype=np.uint8)
    square[:4] = 200
    files = {f"test/e/{k}.png": oriented(square, k, "PNG") for k in range(1, 9)}
    files["val/c/9.gif"] = encoded(RED, "GIF", save_all=True, append_images=[NEARLY_GREY])
    files["val/d/9.tif"] = encoded(Image.new("RGBA", (8, 8)), "TIFF")
    data = imported(make_files(tmp_path / "x", PLAIN | files))
    assert data.provenance["seen"] == RULES
    assert data.provenance[CHANGED] == {TURNED: 7, FRAMES: 1, ON_WHITE: 1}
    upright = data.images("test").images[
        2:8
    ]  # 0 and 1 of PLAIN are replaced by name, or before these
    assert (upright == square).all()
    assert (data.images("val").images[2] == [255, 0, 0]).all()
    assert (data.images("val").images[5] == 255).all()


@pytest.mark.parametrize("pack", [make_files, make_zip])
def test_class_names_are_kept_as_they_are(pack: object, empty_home: Path, tmp_path: Path) -> None:
    """In a folder all of them; an archive refuses what another system would take for a path."""
    names = [n for n in ODD if pack is make_files or not set(n) & set("\\\n\t")]
    files = {f"{s}/{n}{s}/0.png": png(1) for n in names for s in ("train", "val", "test")}
    data = imported(pack(tmp_path / "x.zip", files))  # type: ignore[operator]
    assert {split: set(found) for split, found in classes_of(data).items()} == {
        split: {name + split for name in names} for split in ("train", "val", "test")
    }
    assert verify("mine") == data.checksum
    assert classes_of(open_dataset("mine")) == classes_of(data)


def test_odd_names_in_a_split_file(empty_home: Path, tmp_path: Path) -> None:
    files = {f"{name}/0.png": png(1) for name in ODD}
    lists = {"train": ODD[:8], "val": ODD[8:16], "test": ODD[16:]}
    (tmp_path / "s.json").write_text(json.dumps(lists))
    data = imported(make_files(tmp_path / "x", files), split_file=tmp_path / "s.json")
    assert classes_of(data) == lists
    assert sum(
        len(c) for c in classes_of(imported(tmp_path / "x", split="60/20/20")).values()
    ) == len(ODD)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_in_a_message_is_one_line(name: str, empty_home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        imported(make_files(tmp_path / "x", PLAIN | {f"test/{name}/0.txt": b""}))
    assert "\n" not in str(error.value)
    assert repr(name) in str(error.value)
    assert stored_names() == []


def test_no_more_than_a_class_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of the images of a class, no second copy."""
    decode = images.resized(64, "RGB")
    data = encoded(Image.new("L", (4, 4)), "PNG")

    class Tree:
        where = "x"

        def read(self, file: str, size: int | None = None) -> bytes:
            return data

        def size(self, file: str) -> int:
            return len(data)

    found = images.class_of_files("a", [(Tree(), "x")] * 500, decode)  # type: ignore[list-item]
    tracemalloc.start()
    read = found.read()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * read.nbytes

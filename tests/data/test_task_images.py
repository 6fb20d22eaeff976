"""Folders of a task of the user's own, and arrays of one."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data.arrays import read_npz
from fewshot_bench.data.task_images import asked_images, labelled_images
from fewshot_bench.errors import UsageError
from tests.data.files import decoded, make_files, png
from tests.synthetic import make_split

LIKE = make_split(size=8, channels=3)


def test_labels_are_the_folders_in_their_order(tmp_path: Path) -> None:
    files = {f"x/{name}/{i}.png": png(i) for name, n in (("wren", 2), ("jay", 1)) for i in range(n)}
    make_files(tmp_path, {**files, "x/wren/notes.txt": b"", "x/wren/.DS_Store": b""})
    with labelled_images(tmp_path) as (images, names, labels):
        assert names == ("jay", "wren")
        assert labels.tolist() == [0, 1, 1]
        assert images.files == ["x/jay/0.png", "x/wren/0.png", "x/wren/1.png"]
        (split,) = images.parts(LIKE)
        assert np.array_equal(split.images[2], decoded(png(1)))
        assert (split.mean, split.std) == (LIKE.mean, LIKE.std)
        said = "\n".join(images.remarks())
    assert "notes.txt" in said
    assert ".DS_Store" in said


def test_queries_lie_at_any_depth_and_are_seen_as_a_viewer_shows_them(tmp_path: Path) -> None:
    make_files(tmp_path, {"a.png": png(0), "deep/er/b.png": png(1, mode="L"), "c.txt": b""})
    turned = Image.new("RGB", (4, 8))
    turned.paste("white", (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = 3
    turned.save(tmp_path / "z.png", exif=exif)
    with asked_images(tmp_path) as images:
        assert images.files == ["a.png", "deep/er/b.png", "z.png"]
        (split,) = images.parts(LIKE)
        said = images.remarks()
    assert split.images.shape == (3, 8, 8, 3)
    assert split.images[2, 0].max() < 50 < 200 < split.images[2, 7].min(), "upside down"
    assert any("1 image turned as EXIF says" in line for line in said)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "is no support: put the labelled images"),
        ({"a.png": png(0)}, "is no support"),
        ({"a/0.png": png(0)}, "has only 1 class, 'a'; give at least 2"),
        ({"a/0.png": png(0), "b/c.txt": b""}, "has no image of class 'b'"),
        ({"x/a/0.png": png(0), "y/b/0.png": png(0)}, "is no support"),
    ],
)
def test_no_support_is_one_line(tmp_path: Path, files: dict[str, bytes], says: str) -> None:
    with pytest.raises(UsageError, match=says), labelled_images(make_files(tmp_path, files)):
        pass


def test_no_query_and_a_broken_one_are_one_line(tmp_path: Path) -> None:
    make_files(tmp_path, {"no/a.txt": b"", "bad/x/a.png": png(0)[:40]})
    with pytest.raises(UsageError, match="has no images"), asked_images(tmp_path / "no"):
        pass
    with (
        asked_images(tmp_path / "bad") as images,
        pytest.raises(UsageError, match=r"'x/a\.png' is"),
    ):
        list(images.parts(LIKE))


def test_a_bomb_is_one_line(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "BMP")
    data = bytearray(file.getvalue())
    data[18:26] = struct.pack("<ii", 11_000, 11_000)
    make_files(tmp_path, {"a.bmp": bytes(data)})
    with (
        asked_images(tmp_path) as images,
        pytest.raises(UsageError, match=r"'a\.bmp' has 11000 x 11000 pixels, too many"),
    ):
        list(images.parts(LIKE))
    assert not recwarn.list, "Pillow warns of a decompression bomb"


def test_arrays_that_are_not_there_or_hold_objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=np.ones((2, 3)))
    assert read_npz(tmp_path / "x.npz", "X")["X"].shape == (2, 3)
    with pytest.raises(UsageError, match="has no array 'y' but X"):
        read_npz(tmp_path / "x.npz", "X", "y")
    np.savez(tmp_path / "o.npz", X=np.array([{}], dtype=object))
    with pytest.raises(UsageError, match="of plain arrays"):
        read_npz(tmp_path / "o.npz", "X")
    (tmp_path / "t.npz").write_text("text")
    with pytest.raises(UsageError, match="of plain arrays"):
        read_npz(tmp_path / "t.npz")
    with pytest.raises(UsageError, match="there is no file"):
        read_npz(tmp_path / "none.npz")

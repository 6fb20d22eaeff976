"""Archives are read in place, and hostile or damaged ones are refused in one line."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fewshot_bench.data import images
from fewshot_bench.data.archive import check_name
from fewshot_bench.data.images import open_image, resized
from fewshot_bench.data.tree import open_tree
from fewshot_bench.errors import UsageError
from tests.data.files import make_files, make_zip, png

PARTS = st.text("abc.é ", min_size=1).filter(lambda p: p not in (".", ".."))


@given(
    st.lists(PARTS, min_size=1, max_size=4), st.integers(0, 4), st.sampled_from(["..", "C:", "\\"])
)
def test_a_member_that_points_out_is_refused(parts: list[str], at: int, evil: str) -> None:
    check_name("a.zip", "/".join(parts))
    parts.insert(at, evil)
    with pytest.raises(UsageError, match="points out of the archive"):
        check_name("a.zip", "/".join(parts))
    with pytest.raises(UsageError):
        check_name("a.zip", "/" + "/".join(parts))


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/../../x.png"])
def test_a_traversing_zip_is_refused(name: str, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"ok.png": b"", name: b""})
    with pytest.raises(UsageError, match="points out"), open_tree(path):
        pass


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UsageError, match="is a link"), open_tree(tmp_path / "a.zip"):
        pass


@pytest.mark.parametrize("cut", [0, 10, -30])
def test_a_cut_archive_is_named(cut: int, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"x.png": png(0)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UsageError, match=r"a\.zip is not a whole zip archive"), open_tree(path):
        pass


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"x.png": png(0)})
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    with open_tree(path) as tree, pytest.raises(UsageError, match=r"'x\.png' is damaged"):
        tree.read("x.png")


def test_a_folder_and_its_zip_are_the_same_tree(tmp_path: Path) -> None:
    files = {"b/2.png": b"2", "a/1.png": b"1", "c.txt": b"3"}
    make_files(tmp_path / "folder", files)
    (tmp_path / "folder" / "a" / "loop").symlink_to(tmp_path / "folder")
    make_zip(tmp_path / "a.zip", files)
    with open_tree(tmp_path / "folder") as folder, open_tree(tmp_path / "a.zip") as archive:
        assert folder.files == archive.files == sorted(files)
        assert [folder.read(f) for f in folder.files] == [archive.read(f) for f in archive.files]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"), open_tree(tmp_path / "nowhere"):
        pass


@pytest.mark.parametrize("data", [b"", b"not an image", png(0)[:-30], b"GIF89a" + png(0)])
def test_a_bad_image_is_named(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"x\.png is not a whole"):
        open_image(data, "x.png")


def test_a_huge_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 63)
    with pytest.raises(UsageError, match=r"x\.png has 8 x 8 pixels, too many"):
        open_image(png(0), "x.png")


def test_sixteen_bits_are_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(file, "PNG")
    with pytest.raises(UsageError, match="more than 8 bits"):
        open_image(file.getvalue(), "x.png")


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_images_are_resized(mode: str, channels: int) -> None:
    assert resized(5, mode)(open_image(png(0), "x")).shape == (5, 5, channels)
    same = resized(8, "RGB")(open_image(png(0), "x"))
    np.testing.assert_array_equal(same, np.asarray(Image.open(io.BytesIO(png(0)))))

"""Hostile archives, zip and tar alike, are refused in one line before anything is written."""

import io
import os
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fewshot_bench.data import archive as limits
from fewshot_bench.data.archive import Member, check_members
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.errors import UsageError

Make = Callable[[Path, dict[str, int]], Path]


def zip_of(path: Path, sizes: dict[str, int]) -> Path:
    """A zip archive whose members are zeros."""
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            archive.writestr(name, bytes(size))
    return path.with_suffix(".zip")


def tar_of(path: Path, sizes: dict[str, int]) -> Path:
    """A gzipped tar archive whose members are zeros."""
    with tarfile.open(path.with_suffix(".tar.gz"), "w:gz") as archive:
        for name, size in sizes.items():
            member = tarfile.TarInfo(name)
            member.size = size
            archive.addfile(member, io.BytesIO(bytes(size)))
    return path.with_suffix(".tar.gz")


def refusal(path: Path, home: Path) -> str:
    """Import an archive as CIFAR-FS and return why not; nothing may have been written."""
    with pytest.raises(UsageError) as error:
        import_dataset("cifar-fs", path)
    assert not home.exists()
    assert "\n" not in str(error.value)
    return str(error.value)


both = pytest.mark.parametrize("make", [zip_of, tar_of])


@both
@pytest.mark.parametrize(
    "name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:x.png", "a\\..\\x.png", "a\nb.png"]
)
def test_names_that_point_out(make: Make, name: str, empty_home: Path, tmp_path: Path) -> None:
    assert "points out of the archive" in refusal(make(tmp_path / "a", {name: 1}), empty_home)


@both
@pytest.mark.parametrize(
    "names",
    [
        ("a/x.png", "a/X.PNG"),
        ("Cat/1.png", "cat/2.png"),
        ("é.png", unicodedata.normalize("NFD", "é.png")),
        ("straße.png", "STRASSE.png"),
        ("a/x.png", "./a//x.png"),
    ],
)
def test_names_that_collide(
    make: Make, names: tuple[str, ...], empty_home: Path, tmp_path: Path
) -> None:
    path = make(tmp_path / "a", dict.fromkeys(names, 1))
    assert "are one name twice" in refusal(path, empty_home)


@both
@pytest.mark.parametrize("names", [("a", "a/x.png"), ("a/b/x.png", "a/b")])
def test_a_file_that_is_a_folder(
    make: Make, names: tuple[str, ...], empty_home: Path, tmp_path: Path
) -> None:
    path = make(tmp_path / "a", dict.fromkeys(names, 1))
    assert "both a file and a folder" in refusal(path, empty_home)


@both
def test_a_bomb(
    make: Make, empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FREE_EXPANSION", 2**16)
    path = make(tmp_path / "a", {f"{i}.png": 2**20 for i in range(8)})
    assert "expands to more than 100 times its size" in refusal(path, empty_home)


KINDS = {
    "symlink": (tarfile.SYMTYPE, 0o120777),
    "hard link": (tarfile.LNKTYPE, None),
    "character device": (tarfile.CHRTYPE, 0o020666),
    "block device": (tarfile.BLKTYPE, 0o060666),
    "pipe": (tarfile.FIFOTYPE, 0o010666),
    "socket": (None, 0o140666),
}


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices(kind: str, empty_home: Path, tmp_path: Path) -> None:
    tar_type, mode = KINDS[kind]
    if tar_type is not None:
        with tarfile.open(tmp_path / "a.tar", "w") as archive:
            member = tarfile.TarInfo("cifar-100-python/train")
            member.type, member.linkname = tar_type, "/etc/passwd"
            archive.addfile(member)
        assert "is a link or a device" in refusal(tmp_path / "a.tar", empty_home)
    if mode is not None:
        info = zipfile.ZipInfo("train/apple/x.png")
        info.external_attr = mode << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
            zipped.writestr(info, "/etc/passwd")
        assert "is a link or a device" in refusal(tmp_path / "a.zip", empty_home)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_without_bounds(method: int, empty_home: Path, tmp_path: Path) -> None:
    """Some kilobytes of bzip2 expand to gigabytes at once, whatever is asked for."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("x.png", b"x")
    assert "otherwise than by deflate" in refusal(tmp_path / "a.zip", empty_home)


def test_a_member_that_lies_about_its_size(empty_home: Path, tmp_path: Path) -> None:
    """64 MiB that say they are 10 bytes are read as 10 bytes, and fail their checksum."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for split, length in (("train", 2**26), ("val", 1), ("test", 1)):
            # Of 1980, as ZipInfo has it: the time of day may be the very bytes counted below.
            member = zipfile.ZipInfo(f"{split}/of {split}/x.png")
            archive.writestr(member, bytes(length), zipfile.ZIP_DEFLATED)
    size = (2**26).to_bytes(4, "little")
    assert path.read_bytes().count(size) == 2
    path.write_bytes(path.read_bytes().replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(UsageError, match=r"'train/of train/x\.png' is damaged"):
        import_dataset("folder", path)


def test_a_header_of_gigabytes(empty_home: Path, tmp_path: Path) -> None:
    """A long name is read into memory, so its length is bounded."""
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**33
    (tmp_path / "a.tar").write_bytes(member.tobuf() + bytes(1024))
    assert "is not a whole cifar-100-python" in refusal(tmp_path / "a.tar", empty_home)


PARTS = st.text("aAéÉsß", min_size=1, max_size=2)
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@given(st.lists(NAMES, max_size=8))
def test_what_is_let_in_can_be_told_apart_by_any_file_system(names: list[str]) -> None:
    """Accepted if and only if as many files and folders are left where case is ignored."""

    def places(fold: Callable[[str], str]) -> set[tuple[str, bool]]:
        parents = {n.rsplit("/", k)[0] for n in names for k in range(1, n.count("/") + 1)}
        return {(fold(n), True) for n in names} | {(fold(p), False) for p in parents}

    exact, folded = places(str), places(str.casefold)
    clear = len({name for name, _ in folded}) == len(exact)
    clear = clear and sum(is_file for _, is_file in exact) == len(names)
    members = [Member(name, 1, True) for name in names]
    if clear:
        check_members("a.zip", members, 100)
    else:
        with pytest.raises(UsageError, match=r"one name twice|both a file and a folder"):
            check_members("a.zip", members, 100)


def test_a_pipe_in_a_folder_is_no_image(empty_home: Path, tmp_path: Path) -> None:
    """Reading one would wait for ever."""
    (tmp_path / "train" / "a").mkdir(parents=True)
    os.mkfifo(tmp_path / "train" / "a" / "x.png")
    with pytest.raises(UsageError, match="no images in train/CLASS/"):
        import_dataset("folder", tmp_path)


def test_a_member_without_a_name(empty_home: Path, tmp_path: Path) -> None:
    """Python 3.11's zipfile asks for the last character of its name."""
    path = zip_of(tmp_path / "a", {"x": 1})
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 28], data[entry + 32] = 0, 1  # no name, and a comment in its place
    path.write_bytes(data)
    assert "points out of the archive" in refusal(path, empty_home)

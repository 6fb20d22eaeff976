"""What comes in costs no more memory than it is worth: refused before it costs, or in parts."""

import gzip
import io
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fewshot_bench.data import archive as limits
from fewshot_bench.data import arrays, images
from fewshot_bench.data.archive import Member, check_members
from fewshot_bench.data.embedding_files import read_embeddings
from fewshot_bench.data.importing import import_dataset
from fewshot_bench.data.tree import open_tree
from fewshot_bench.data.unpickle import load_arrays
from fewshot_bench.errors import UsageError
from tests.data.files import make_zip
from tests.data.odd_images import encoded

PEAK = 2**30  # bytes, of an import of any archive below 100 MB


def gzipped(path: Path, blocks: Iterable[bytes]) -> Path:
    with gzip.open(path, "wb", 6) as file:
        for block in blocks:
            file.write(block)
    return path


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def deep(path: Path) -> Path:
    """A name of 60,000 folders in 252 bytes, which took 10 GB."""
    return gzipped(path, [header("a/" * 60_000 + "x")])


def folders(path: Path) -> Path:
    """More folders than any archive of this size is worth."""
    return gzipped(path, (header(f"d{i}", tarfile.DIRTYPE) for i in range(2000)))


def long_name(path: Path) -> Path:
    """A name of 200 MB in 200 kB."""
    blocks = [bytes(2**20)] * 200
    return gzipped(path, [header("x", tarfile.GNUTYPE_LONGNAME, 200 * 2**20), *blocks])


def chain(path: Path) -> Path:
    """A header that announces a header that announces ..."""
    link = header("x", tarfile.GNUTYPE_LONGNAME, 512) + b"a" * 512
    return gzipped(path, [link] * 5000)


def sparse(path: Path) -> Path:
    """A map of holes that does not end."""
    start = bytearray(header("x", tarfile.GNUTYPE_SPARSE))
    start[482], start[148:156] = 1, b" " * 8
    start[148:156] = b"%06o\0 " % sum(start)
    more = b"%011o\0" % 1 * 42 + b"\1" + bytes(7)
    return gzipped(path, [bytes(start), *[more] * 5000])


@pytest.mark.parametrize("make", [deep, folders, long_name, chain, sparse])
def test_a_tar_archive_is_refused_before_it_costs(
    make: Callable[[Path], Path], empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FREE_NAMES", 1000)
    path = make(tmp_path / "x.tar.gz")
    tracemalloc.start()
    with pytest.raises(UsageError, match=r"refused|is not a whole"):
        import_dataset("cifar-fs", path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_a_sparse_member_is_no_plain_file(empty_home: Path, tmp_path: Path) -> None:
    start = bytearray(header("x", tarfile.GNUTYPE_SPARSE))
    start[483:495], start[148:156] = b"%011o\0" % 2**32, b" " * 8
    start[148:156] = b"%06o\0 " % sum(start)
    with pytest.raises(UsageError, match="'x' is a link or a device, sparse"):
        import_dataset("cifar-fs", gzipped(tmp_path / "x.tar.gz", [bytes(start), bytes(1024)]))


def directory(path: Path, names: Iterable[str]) -> Path:
    """A zip archive of a list of members alone."""
    form = "<4s6H3I5H2I"  # as the format's description has it
    listed = b"".join(
        struct.pack(form, b"PK\1\2", *[0] * 9, len(name), *[0] * 6) + name.encode()
        for name in names
    )
    count = listed.count(b"PK\1\2")
    end = struct.pack("<4s4xHHII2x", b"PK\5\6", count & 0xFFFF, count & 0xFFFF, len(listed), 0)
    path.write_bytes(listed + end)
    return path


@pytest.mark.parametrize("names", [[f"{i}" for i in range(40)], ["a/" * 40 + "x"]])
def test_a_zip_archive_of_names(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FREE_NAMES", 30)
    path = directory(tmp_path / "x.zip", names)
    refusal = "names more than 30 files and folders"
    with pytest.raises(UsageError, match=refusal), open_tree(path):
        pass
    monkeypatch.setattr(limits, "_FREE_DIRECTORY", 100)
    with pytest.raises(UsageError, match="is not a whole zip"), open_tree(path):
        pass


def test_names_of_great_length_or_depth() -> None:
    with pytest.raises(UsageError, match="has a name of 5000 characters, and 4096 are the most"):
        check_members("x", [Member("x" * 5000, 1, True)], 1)
    tracemalloc.start()
    check_members("x", (Member(f"{i}" + "/a" * 2000, 1, True) for i in range(20)), 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 2**20  # 40,000 folders; their paths in full would take 80 MB


@pytest.mark.parametrize("size", [(1, 63_000_000), (63_000_000, 1)])
def test_an_image_of_extreme_shape(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("1", (8, 8)).save(file, "BMP")
    data = bytearray(file.getvalue())
    data[18:26] = struct.pack("<ii", *size)
    wanted = f"{size[0]} x {size[1]} pixels, too many; make it smaller"
    with pytest.raises(UsageError, match=wanted):
        images.open_image(bytes(data), "x")


def test_images_are_blown_up_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "AT_ONCE", 2**20)
    one = encoded(Image.new("RGB", (2, 2)), "PNG")
    path = make_zip(tmp_path / "x.zip", {f"{i}.png": one for i in range(200)})
    with open_tree(path) as tree:
        sources = [(tree, file) for file in tree.files]
        found = images.class_of_files("x", sources, images.resized(128, "RGB"))
        tracemalloc.start()
        sizes = [part.nbytes for part in found.in_parts()]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sum(sizes) == 200 * 128 * 128 * 3
    assert peak < 0.5 * sum(sizes)


def test_a_pickle_of_many_small_objects() -> None:
    with pytest.raises(UsageError, match="is not a whole pickle"):
        load_arrays(io.BytesIO(b"\x80\x02" + b"}" * 2_000_000 + b"."), "x")
    rows = {str(i): [np.zeros(8, np.float32) for _ in range(20)] for i in range(200)}
    assert len(load_arrays(io.BytesIO(pickle.dumps(rows, 2)), "x")) == 200


def test_compressed_embeddings_that_expand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_FREE_EXPANSION", 2**10)
    np.savez_compressed(tmp_path / "x.npz", X=np.zeros((100, 100)), y=np.zeros(100, int))
    with pytest.raises(UsageError, match="expands to more than 4 times its size"):
        read_embeddings(tmp_path / "x.npz")


def bombs(path: Path) -> Path:
    """Six images as large as one may be, of the kind that takes most, in a few kilobytes."""
    side = int((images._MEMORY.total / 17) ** 0.5)
    data = encoded(Image.new("RGBA", (side, side)), "WEBP", lossless=True, method=0, quality=0)
    names = [f"{s}/{s}/{i}.webp" for s in ("train", "val", "test") for i in (0, 1)]
    return make_zip(path, dict.fromkeys(names, data))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak there")
def test_the_peak_of_an_import(tmp_path: Path) -> None:
    path = bombs(tmp_path / "x.zip")
    assert path.stat().st_size < 10_000
    command = f"from fewshot_bench.cli import main; main({['data', 'import', 'folder', str(path)]})"
    script = (
        "import atexit, pathlib, re\n"
        # Not getrusage, whose maximum a process takes over from the one that started it.
        "told = lambda: pathlib.Path('/proc/self/status').read_text()\n"
        "atexit.register(lambda: print(re.search(r'VmHWM:\\s+(\\d+)', told())[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script + command],
        env={"FSBENCH_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2 images" in done.stdout
    peak = re.findall(r"^\d+$", done.stdout, re.M)
    assert int(peak[0]) * 2**10 < PEAK

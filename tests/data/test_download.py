"""Downloads from a server of our own: resumed, checked, refused."""

from pathlib import Path

import pytest

from fewshot_bench.data.download import Download, fetch
from fewshot_bench.errors import UsageError
from tests.data.file_server import DATA, MD5, Server


def test_a_file_is_downloaded_once(file_server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    for _ in range(2):
        path = fetch(Download(file_server.url, MD5), tmp_path, lambda *step: steps.append(step))
        assert path == tmp_path / "file.zip"
        assert path.read_bytes() == DATA
    assert file_server.asked == [None]
    assert steps[-1] == (len(DATA), len(DATA))


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_goes_on(ranges: bool, file_server: Server, tmp_path: Path) -> None:
    file_server.cut, file_server.ranges = 300_000, ranges
    with pytest.raises(UsageError, match=r"ended after 300000 of 1024000 bytes.*try again"):
        fetch(Download(file_server.url, MD5), tmp_path)
    assert not (tmp_path / "file.zip").exists()
    file_server.cut = None
    assert fetch(Download(file_server.url, MD5), tmp_path).read_bytes() == DATA
    assert file_server.asked == [None, "bytes=300000-"]


def test_a_whole_part_is_not_asked_for_again(file_server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(DATA)
    assert fetch(Download(file_server.url, MD5), tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("left_over", [b"", b"another file", DATA + b"more"])
def test_a_wrong_checksum_deletes_the_file(
    left_over: bytes, file_server: Server, tmp_path: Path
) -> None:
    if left_over:
        (tmp_path / "file.zip.part").write_bytes(left_over)
    wanted = MD5 if left_over else "0" * 32
    with pytest.raises(UsageError, match="another checksum"):
        fetch(Download(file_server.url, wanted), tmp_path)
    assert not list(tmp_path.glob("file.zip*"))


def test_a_web_page_is_not_the_file(file_server: Server, tmp_path: Path) -> None:
    file_server.kind = "text/html; charset=utf-8"
    with pytest.raises(UsageError, match="a web page came instead"):
        fetch(Download(file_server.url, MD5), tmp_path)
    assert not list(tmp_path.glob("file.zip*"))


def test_no_such_file_and_no_server(file_server: Server, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="404"):
        fetch(Download(file_server.url.replace("file.zip", "missing"), MD5), tmp_path)
    with pytest.raises(UsageError, match="cannot be downloaded"):
        fetch(Download("http://127.0.0.1:1/file.zip", MD5), tmp_path)

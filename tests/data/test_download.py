"""Downloads from a server of our own: resumed, checked, refused."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fewshot_bench.data.download import Download, fetch
from fewshot_bench.data.importing import download_files
from fewshot_bench.errors import UsageError

DATA = bytes(range(256)) * 4000  # a megabyte, so that several chunks arrive
MD5 = hashlib.md5(DATA).hexdigest()


@dataclass
class Server:
    """What the server does, and what it was asked.

    Attributes:
        cut: how many bytes are sent before the connection ends, or None.
        ranges: whether it can continue.
        kind: the content type.
        asked: the Range header of every request.
    """

    cut: int | None = None
    ranges: bool = True
    kind: str = "application/zip"
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    def __init__(self, server: Server, *arguments: object) -> None:
        self.plan = server
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.plan.asked.append(asked)
        start = int(asked[6:-1]) if asked and self.plan.ranges else 0
        if self.path == "/missing":
            self.send_error(404)
            return
        if start >= len(DATA):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", self.plan.kind)
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        self.wfile.write(DATA[start : self.plan.cut])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    plan = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, plan)) as http:
        plan.url = f"http://127.0.0.1:{http.server_port}/file.zip"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield plan
        http.shutdown()
        thread.join()


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    for _ in range(2):
        path = fetch(Download(server.url, MD5), tmp_path, lambda *step: steps.append(step))
        assert path == tmp_path / "file.zip"
        assert path.read_bytes() == DATA
    assert server.asked == [None]
    assert steps[-1] == (len(DATA), len(DATA))


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_download_goes_on(ranges: bool, server: Server, tmp_path: Path) -> None:
    server.cut, server.ranges = 300_000, ranges
    with pytest.raises(UsageError, match=r"ended after 300000 of 1024000 bytes.*try again"):
        fetch(Download(server.url, MD5), tmp_path)
    assert not (tmp_path / "file.zip").exists()
    server.cut = None
    assert fetch(Download(server.url, MD5), tmp_path).read_bytes() == DATA
    assert server.asked == [None, "bytes=300000-"]


def test_a_whole_part_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.zip.part").write_bytes(DATA)
    assert fetch(Download(server.url, MD5), tmp_path).read_bytes() == DATA


@pytest.mark.parametrize("left_over", [b"", b"another file", DATA + b"more"])
def test_a_wrong_checksum_deletes_the_file(
    left_over: bytes, server: Server, tmp_path: Path
) -> None:
    if left_over:
        (tmp_path / "file.zip.part").write_bytes(left_over)
    wanted = MD5 if left_over else "0" * 32
    with pytest.raises(UsageError, match="another checksum"):
        fetch(Download(server.url, wanted), tmp_path)
    assert not list(tmp_path.glob("file.zip*"))


def test_a_web_page_is_not_the_file(server: Server, tmp_path: Path) -> None:
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(UsageError, match="a web page came instead"):
        fetch(Download(server.url, MD5), tmp_path)
    assert not list(tmp_path.glob("file.zip*"))


def test_no_such_file_and_no_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="404"):
        fetch(Download(server.url.replace("file.zip", "missing"), MD5), tmp_path)
    with pytest.raises(UsageError, match="cannot be downloaded"):
        fetch(Download("http://127.0.0.1:1/file.zip", MD5), tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mini-imagenet", "fsbench data import mini-imagenet PATH"),
        ("folder", "fsbench data import folder PATH"),
        ("glyphs", "nothing to download"),
    ],
)
def test_what_cannot_be_downloaded_says_so(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        download_files(name, lambda _done, _all: None)

"""A server of one file, which can cut, refuse to continue and lie about the type."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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


@contextmanager
def serving() -> Iterator[Server]:
    """Serve ``file.zip`` on loopback while the block lasts."""
    plan = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, plan)) as http:
        plan.url = f"http://127.0.0.1:{http.server_port}/file.zip"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield plan
        http.shutdown()
        thread.join()

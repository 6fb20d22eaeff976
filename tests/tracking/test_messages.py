"""A server may answer whatever it likes: what it says is one line of text, and ends no run."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fewshot_bench.cli import main
from fewshot_bench.tracking import Tracker
from fewshot_bench.tracking.owed import deliver
from tests.tracking.records import make_record

MESSAGE = "[/x] [link=http://evil]here[/link] :smile: \x1b[2J\u202e\r"


class Rude(BaseHTTPRequestHandler):
    """Refuses every request with markup and control characters, in MLflow's form of an error."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"error_code": "BAD_REQUEST", "message": MESSAGE}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def rude() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.usefixtures("empty_home")
def test_what_a_server_says_is_text(rude: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not deliver(Tracker(rude), make_record())
    with pytest.raises(SystemExit) as stop:
        main(["table", "--tracking-uri", rude])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    refused, kept, table = err.removesuffix("\n").split("\n")
    assert "the result is kept here" in kept
    for line in (refused, table):
        assert r"[/x] [link=http://evil]here[/link] :smile: \x1b[2J\u202e" in line
    assert out == ""
    assert err.replace("\n", "").isprintable()

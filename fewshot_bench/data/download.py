"""Downloads that resume where they were cut, and are trusted by checksum only."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from filelock import FileLock

from fewshot_bench.errors import UsageError
from fewshot_bench.utilities.files import open_regular, require_regular

_CHUNK = 2**18
_TIMEOUT = 60.0  # seconds without a byte
BytesProgress = Callable[[int, int], object]  # bytes so far, bytes in all (0: not known)


@dataclass(frozen=True)
class Download:
    """A published file: its address and the md5 checksum that is stated for it."""

    url: str
    md5: str

    @property
    def file_name(self) -> str:
        """Last part of the address."""
        return self.url.rsplit("/", 1)[1]


def fetch(
    download: Download, folder: Path, progress: BytesProgress = lambda _done, _all: None
) -> Path:
    """Return the file in `folder`, downloaded unless it is there already.

    What arrives is kept in a ``.part`` file; a later call asks for the rest only.

    Raises:
        UsageError: no connection, it was cut, or the checksum differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / download.file_name
    part = target.with_name(target.name + ".part")
    with FileLock(target.with_name(f".{target.name}.lock")):
        if target.exists() and _md5(target) == download.md5:
            return target
        if part.exists():
            require_regular(part)
        try:
            _continue(download.url, part, progress)
        except (OSError, HTTPException) as error:
            raise UsageError(
                f"{download.url} cannot be downloaded ({error}); try again, what has arrived is "
                f"kept, or put the file into {folder} yourself"
            ) from error
        if _md5(part) != download.md5:
            part.unlink()
            raise UsageError(
                f"{download.url} gave a file with another checksum than {download.md5}; it was "
                "deleted, try again or get the file elsewhere and import it"
            )
        return part.replace(target)


def _continue(url: str, part: Path, progress: BytesProgress) -> None:
    """Append to `part` what is missing, or start anew if the server cannot continue."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing is left to send; the checksum decides
            return
        raise
    with response:
        if response.headers.get_content_type() == "text/html":
            raise OSError("a web page came instead of the file")
        if response.status != 206:
            done = 0
        _save(response, part, done, progress)


def _save(response: HTTPResponse, part: Path, done: int, progress: BytesProgress) -> None:
    length = int(response.headers.get("Content-Length", 0))
    total = done + length if length else 0
    with part.open("ab" if done else "wb") as file:
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
    if done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _md5(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(
            file,
            lambda: hashlib.md5(usedforsecurity=False),  # as published, against damage
        ).hexdigest()

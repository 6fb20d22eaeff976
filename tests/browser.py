"""A headless Chromium, driven by the WebDriver protocol, where there is one."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from tests.processes import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
AVAILABLE = CHROMIUM is not None and DRIVER is not None


class Browser:
    """A page in a browser.

    Args:
        address: of the session.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def open(self, url: str) -> None:
        """Load a page."""
        ask(f"{self.address}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function; it may return a promise."""
        known = {"script": f"return (async () => {{ {script} }})()", "args": arguments}
        return ask(f"{self.address}/execute/sync", known)

    def command(self, name: str, **facts: Any) -> Any:
        """Send a command of Chrome's own protocol."""
        return ask(f"{self.address}/goog/cdp/execute", {"cmd": name, "params": facts})

    def look(self, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Give the window a size, and the system a colour scheme."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)

    def complaints(self) -> list[str]:
        """What the console was told since it was last asked."""
        return [each["message"] for each in ask(f"{self.address}/se/log", {"type": "browser"})]

    def picture(self, file: Path, whole: bool = False) -> None:
        """Write a PNG of what is seen, or of the whole page."""
        taken = self.command("Page.captureScreenshot", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(taken["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Start a browser that keeps its files in a folder, and end it."""
    port = free_port()
    driver = subprocess.Popen(
        [str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        server = f"http://127.0.0.1:{port}"
        wait_for(f"{server}/status")
        found = ask(f"{server}/session", {"capabilities": {"alwaysMatch": _wishes(folder)}})
        session = f"{server}/session/{found['sessionId']}"
        try:
            ask(f"{session}/timeouts", {"script": 300_000})
            yield Browser(session)
        finally:
            ask(session, method="DELETE")
    finally:
        driver.terminate()
        driver.wait()


def _wishes(folder: Path) -> dict[str, Any]:
    options = ["--headless=new", "--disable-gpu", "--no-proxy-server", f"--user-data-dir={folder}"]
    options += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": CHROMIUM, "args": options},
        "goog:loggingPrefs": {"browser": "ALL"},
    }


def wait_for(url: str) -> None:
    """Wait until a driver says that it is ready."""
    import time

    for _ in range(300):
        try:
            if ask(url)["ready"]:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def ask(url: str, facts: Any = None, method: str | None = None) -> Any:
    """Ask the driver, past any proxy."""
    data = None if facts is None else json.dumps(facts).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with build_opener(ProxyHandler({})).open(request, timeout=300) as answer:
        return json.load(answer)["value"]

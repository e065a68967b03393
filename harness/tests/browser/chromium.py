"""A headless Chromium, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 120.0
A4 = {"paperWidth": 8.27, "paperHeight": 11.69}


def executable() -> str | None:
    """Where one is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page of the browser; `said` is what it wrote to its console, errors and refusals included."""

    def __init__(self, url: str) -> None:
        self._ended = contextlib.ExitStack()
        self._socket = self._ended.enter_context(connect(url, max_size=64 << 20, open_timeout=PATIENCE))
        self._numbers = itertools.count(1)
        self.said: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the protocol's method answers."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=PATIENCE))
        if message.get("method") == "Log.entryAdded":
            self.said.append(message["params"]["entry"]["text"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.said.append(str(message["params"]["exceptionDetails"]))
        return message

    def open(self, url: str) -> None:
        """Load a page to its end."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression in the page is true."""
        end = time.monotonic() + PATIENCE
        while not self.run(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.02)

    def wide(self, pixels: int, *, dark: bool = False, phone: bool = False) -> None:
        """Lay the page out for a window of this width."""
        size = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def key(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text="")

    def type(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def printed(self) -> bytes:
        """The page on A4, as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, **A4)["data"])

    def close(self) -> None:
        self._ended.close()


class Chromium:
    """The browser, with a profile of its own in `folder`."""

    def __init__(self, path: str, folder: Path) -> None:
        # As root there is no sandbox; the pages are our own.
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
        self._process = subprocess.Popen(
            [path, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", *root, *quiet,
             "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._told = folder / "DevToolsActivePort"

    def tab(self) -> Tab:
        """A new page."""
        end = time.monotonic() + PATIENCE
        while not (self._told.exists() and self._told.read_text()):
            assert self._process.poll() is None, "chromium ended at its start"
            assert time.monotonic() < end, "chromium did not start"
            time.sleep(0.05)
        port = self._told.read_text().split("\n")[0]
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return Tab(json.load(answer)["webSocketDebuggerUrl"])

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def running(path: str, folder: Path) -> Iterator[Chromium]:
    """A browser that ends with the block."""
    browser = Chromium(path, folder)
    try:
        yield browser
    finally:
        browser.close()

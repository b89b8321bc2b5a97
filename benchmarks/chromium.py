"""Chromium as a person's browser is: driven by a few words, and told of nothing that it hears.

Playwright is told of every message of a socket, which takes browser and driver about as long as the
page takes to draw it. Here a page is opened, asked and clicked at, and nothing else is reported.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

#: Seconds within which a browser starts and a page is there.
PATIENCE = 60


class Page:
    """A tab, with a script that runs in each of its documents first."""

    def __init__(self, socket: ClientConnection, script: str) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._ask("Page.enable")
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=script)

    def go(self, url: str) -> None:
        """Open an address in a document of its own."""
        self._ask("Page.navigate", url="about:blank")
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        told = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"]["description"])
        return told["result"].get("value")

    def until(self, expression: str) -> Any:
        """Its value once that is true."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if value := self.evaluate(expression):
                return value
            time.sleep(0.02)
        raise TimeoutError(f"not within {PATIENCE} s: {expression}")

    def _ask(self, method: str, **given: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": given}))
        while True:
            told = json.loads(self._socket.recv(PATIENCE))
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return dict(told["result"])


class Chromium:
    """A browser that runs."""

    def __init__(self, port: int) -> None:
        self._address = f"127.0.0.1:{port}"

    @contextlib.contextmanager
    def page(self, script: str) -> Iterator[Page]:
        """A new tab, closed afterwards."""
        made = urllib.request.Request(f"http://{self._address}/json/new", method="PUT")
        with urllib.request.urlopen(made) as answer:
            target = json.load(answer)
        with connect(target["webSocketDebuggerUrl"], max_size=None) as socket:
            yield Page(socket, script)
        with urllib.request.urlopen(f"http://{self._address}/json/close/{target['id']}"):
            pass


@contextlib.contextmanager
def chromium(width: int = 1360, height: int = 860) -> Iterator[Chromium]:
    """A browser with a profile of its own, gone afterwards."""
    program = shutil.which("chromium")
    if program is None:
        raise FileNotFoundError("Chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program,
            "--headless=new",
            "--no-sandbox",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            "about:blank",
        ]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
        try:
            named, deadline = Path(profile, "DevToolsActivePort"), time.monotonic() + PATIENCE
            while not named.exists() or not named.read_text().strip():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("Chromium did not start.")
                time.sleep(0.05)
            yield Chromium(int(named.read_text().split()[0]))
        finally:
            process.terminate()
            process.wait(PATIENCE)

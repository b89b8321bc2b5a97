"""Takes README's picture of the playground, from the page as it is built.

`python tools/page_picture.py` writes ``docs/playground.png``. It needs Playwright (the extra `web`)
and Debian's Chromium.
"""

from __future__ import annotations

import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "src" / "deltarule" / "playground" / "static"
PICTURE = ROOT / "docs" / "playground.png"
STATE = "set=circle&hidden=6,4&theme=light"
EPOCHS = 300


class Quiet(SimpleHTTPRequestHandler):
    """Gives out a folder without a word."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> int:
    """Train in the network room, and take the picture."""
    handler = partial(Quiet, directory=STATIC)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        path = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1360, "height": 800})
        page.goto(f"http://127.0.0.1:{server.server_port}/#{STATE}")
        page.get_by_role("button", name="Train").click()
        while int(page.locator(".counters dd").first.text_content().replace(",", "")) < EPOCHS:
            page.wait_for_timeout(100)
        page.get_by_role("button", name="Pause").click()
        page.wait_for_timeout(500)
        page.screenshot(path=PICTURE)
        browser.close()
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())

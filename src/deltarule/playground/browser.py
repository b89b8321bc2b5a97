"""Opens a link in the browser of whoever sits at this machine, and neither waits nor speaks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

__all__ = ["has_screen", "open_browser"]


def has_screen() -> bool:
    """Whether a browser would find a screen: else one of text would take over the terminal."""
    if sys.platform in ("darwin", "win32") or "BROWSER" in os.environ:
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_browser(url: str) -> bool:
    """Open a link where there is a screen; whether it was tried."""
    if not has_screen():
        return False
    # In a process of its own: some browsers are waited for, and some write to the terminal.
    process = subprocess.Popen(
        [sys.executable, "-m", "webbrowser", url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Its end is heard by someone, or it would stay among the processes of this machine.
    threading.Thread(target=process.wait, name="deltarule browser", daemon=True).start()
    return True

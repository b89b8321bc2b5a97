"""Runs a command that may take a while, and never leaves the reader without a word.

One sentence says what is being done. Below it stands the command's latest line with the
seconds spent: rewritten in place on a terminal, as a new line every two seconds elsewhere.
All output goes to a log; its end is shown when the command fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HEARTBEAT = 1.8  # seconds without a word: below two, with room for a slow machine
LINES_SHOWN_ON_FAILURE = 40


class CommandFailedError(Exception):
    """A narrated command ended with another status than 0."""


class _LatestLine:
    """Copies a stream to the log and remembers its last line that is not empty."""

    def __init__(self, log: Path) -> None:
        self.text = ""
        self._log = log

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with self._log.open("ab") as log:
            for line in process.stdout:
                log.write(line)
                text = line.decode(errors="replace").strip()
                if text:
                    self.text = text


def narrate(sentence: str, command: list[str], log: Path, env: dict[str, str]) -> None:
    """Run `command` under `sentence`; raise CommandFailedError, with the log's end on screen."""
    on_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    begin = time.monotonic()
    print(sentence, flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(f"\n== {sentence}\n{command}\n".encode())
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
    )
    latest = _LatestLine(log)
    reader = threading.Thread(target=latest.follow, args=(process,), daemon=True)
    reader.start()
    try:
        reader.join(HEARTBEAT)
        while reader.is_alive():
            _say(f"{time.monotonic() - begin:6.0f} s  {latest.text}", on_terminal)
            reader.join(0.25 if on_terminal else HEARTBEAT)
    finally:
        if on_terminal:
            print("\r\033[K", end="", flush=True)
    if process.wait() != 0:
        lines = log.read_text(errors="replace").splitlines()
        print("\n".join(lines[-LINES_SHOWN_ON_FAILURE:]), flush=True)
        raise CommandFailedError(f"{sentence}: failed; the whole log is in {log}")
    print(f"{time.monotonic() - begin:6.0f} s  done", flush=True)


def _say(text: str, on_terminal: bool) -> None:
    width = shutil.get_terminal_size((100, 24)).columns - 1
    text = text.expandtabs()[:width]
    print(f"\r\033[K{text}" if on_terminal else text, end="" if on_terminal else "\n", flush=True)

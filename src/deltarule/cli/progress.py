"""Progress that is never silent for more than two seconds, whatever the work is doing.

A thread looks at what is being done and says so. The work itself only leaves a note of where it
stands, so that neither a long epoch nor a linear model by another library is a silence.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TextIO

#: Seconds between two lines, on a terminal (where a line is rewritten) and elsewhere, where work
#: that is done before anyone wonders is not mentioned.
LIVE_SECONDS, PLAIN_SECONDS = 0.2, 1.5


class Progress:
    """A context in which standard error shows what is being done, and for how long.

    Parameters
    ----------
    wanted : bool
        Whether to show anything.
    stream : TextIO, optional
        Standard error where left out.
    """

    def __init__(self, wanted: bool = True, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._wanted = wanted
        self._live = self._stream.isatty()
        self._what, self._where = "", ""
        self._began = time.perf_counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        # Of the kind that its holder may take again: what is said aside may clear the line.
        self._lock = threading.RLock()
        self._written = False
        self._said = self._began

    def __enter__(self) -> Progress:
        if self._wanted:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._wanted:
            self._thread.join()
        self.clear()

    def doing(self, what: str) -> None:
        """A new piece of work begins."""
        with self._lock:
            self.clear()
            self._what, self._where, self._began = what, "", time.perf_counter()

    def at(self, where: str) -> None:
        """Where the work stands."""
        self._where = where

    def clear(self) -> None:
        """Take the rewritten line away, so that a lasting line can be written."""
        with self._lock:
            if self._live and self._written:
                self._stream.write("\r\x1b[K")
                self._stream.flush()
                self._written = False

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """A context in which a lasting line can be written: no progress is, meanwhile."""
        with self._lock:
            self.clear()
            yield
            self._said = time.perf_counter()

    def _tell(self) -> None:
        while not self._ended.wait(LIVE_SECONDS):
            with self._lock:
                now = time.perf_counter()
                seconds = now - self._began
                due = self._live or (now - self._said >= PLAIN_SECONDS and seconds >= LIVE_SECONDS)
                if not self._what or not due:
                    continue
                parts = (self._what, self._where, f"{seconds:.1f} s")
                text = "  ".join(part for part in parts if part)
                self._stream.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
                self._stream.flush()
                self._written, self._said = True, now


def epoch_observer(progress: Progress, epochs: int, score_name: str) -> Any:
    """What notes, after each epoch of a training, where it stands."""

    def note(report: Any) -> None:
        text = f"epoch {report.epoch}/{epochs}  loss {report.loss:.4f}"
        if report.validation_score is not None:
            text += f"  validation {score_name} {report.validation_score:.4f}"
        progress.at(text)

    return note

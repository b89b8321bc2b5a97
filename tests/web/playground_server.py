"""The server of the page for its tests: the library's own, with its guard and its headers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from deltarule.playground.meeting import Meeting
from deltarule.playground.serve import Server, serve
from deltarule.playground.shown import Shown


@contextlib.contextmanager
def served() -> Iterator[Server]:
    """The server while it lasts."""
    with serve(Meeting(Shown())) as server:
        yield server

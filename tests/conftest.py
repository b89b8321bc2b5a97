"""Shared by all tests; standing here, it also puts tests/ on the path, for tests/conformance."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def interrupts_are_heard() -> Iterator[None]:
    """A shell without job control starts what it puts in the background with SIGINT ignored.

    The tests of Ctrl-C, and the processes they start, would then wait for ever.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)

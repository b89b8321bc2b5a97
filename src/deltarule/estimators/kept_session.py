"""Predictions of a fitted estimator, through an engine's session that is kept between calls.

A session is never pickled or copied; what is kept is rebuilt from the network when it is missing.
Threads that predict at the same time each get a session of their own.
"""

from __future__ import annotations

from threading import Lock
from typing import Any

from deltarule import engines
from deltarule.definitions import Array
from deltarule.engines import Session
from deltarule.network import Network


class KeptSession:
    """Opens a session for a network when it is first needed, and loads numbers that changed."""

    def __init__(self, network: Network, engine: str, n_threads: int | None) -> None:
        self._network, self._engine, self._n_threads = network, engine, n_threads
        self._lock = Lock()
        self._session: Session | None = None
        self._loaded: tuple[Array, Array] | None = None

    def outputs(self, vector: Array, buffers: Array, X: Any) -> Array:
        """d̂ of every row, shape (rows, outputs)."""
        if not self._lock.acquire(blocking=False):
            session = self._open(vector)
            session.load(vector, buffers=buffers)
            return session.predict(X)
        try:
            known = self._loaded
            if self._session is None or known is None or known[0].dtype != vector.dtype:
                self._session, known = self._open(vector), None
            # Comparing costs less than converting to an engine's own layout.
            if known is None or not (known[0] == vector).all() or not (known[1] == buffers).all():
                self._loaded = vector.copy(), buffers.copy()
                self._session.load(self._loaded[0], buffers=self._loaded[1])
            return self._session.predict(X)
        finally:
            self._lock.release()

    def _open(self, vector: Array) -> Session:
        chosen = engines.choose(self._engine, self._network, None, vector.dtype)
        threads = engines.thread_count(self._n_threads)
        return chosen.open(self._network, vector.dtype, threads)

    def __reduce__(self) -> Any:
        return KeptSession, (self._network, self._engine, self._n_threads)

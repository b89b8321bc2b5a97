"""Connections whose other end is slow.

uvicorn waits for the beginning of a request as long as a byte comes now and then. Here path and
headers of each request must be there within a time, also after an earlier request on the same
connection; bodies are the guard's affair. And where the opening of a WebSocket cannot be read,
uvicorn 0.54 neither answers nor ends the connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from deltarule.playground import libraries  # noqa: F401 - says what is missing

# isort: split
import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["OpeningConnection", "TimedConnection"]


class TimedConnection(H11Protocol):
    """uvicorn's HTTP/1.1 in plain Python, with a time for the headers.

    Attributes
    ----------
    header_seconds : float
        From the opening of a connection, or the end of an answer, until the headers are there.
    """

    header_seconds = 10.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        """Time runs while the headers of a request are not there; bytes do not stop it."""
        switched = self.transport.get_protocol() is not self
        if switched or self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class OpeningConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also ends where its opening cannot be read."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The whole opening comes at once, from the HTTP connection that read it before.
        if not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

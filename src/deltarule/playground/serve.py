"""A socket, the guard, the routes and uvicorn put together: the playground's server.

The socket is bound and listens before anything else, so that the link is known, and holds, from
the beginning. The server runs in the foreground until Ctrl-C, or in a thread of its own with a loop
of its own, beside whatever runs already (in a notebook there is a loop). It prints nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Self

from deltarule.playground import libraries  # noqa: F401 - says what is missing

# isort: split
import uvicorn
from websockets.exceptions import InvalidState

from deltarule.exceptions import InvalidParameterError
from deltarule.playground.addresses import check_address
from deltarule.playground.app import application
from deltarule.playground.assets import STATIC
from deltarule.playground.connection import OpeningConnection, TimedConnection
from deltarule.playground.guard import LIMITS, Guard, Guarded, Limits
from deltarule.playground.room import Room

__all__ = ["Server", "serve"]

#: Of all kinds together; requests beyond are answered "503".
MOST_CONNECTIONS = 128
#: Seconds for rooms to see that their page is gone, when the server ends.
FAREWELL = 1


def serve(
    room: Room,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    token: str | None = None,
    allow_hosts: Collection[str] = (),
    static: Path = STATIC,
    limits: Limits = LIMITS,
) -> Server:
    """A server whose socket is bound; `Server.run` or `Server.start` sets it to work.

    Parameters
    ----------
    room : Room
        What the pages meet.
    host : str, default="127.0.0.1"
        Where to listen: an IP address or ``localhost``. One that other machines reach needs
        `token` and `allow_hosts`.
    port : int, default=0
        0 takes a free one.
    token : str, optional
        The token of the first link; a random one where left out.
    allow_hosts : collection of str, default=()
        Names of the server besides those of this machine, as browsers show them.
    static : Path, default=STATIC
        The folder with the files of the page.
    limits : Limits, default=LIMITS

    Raises
    ------
    InvalidParameterError
        If a setting is not what it must be, the port is taken or not ours to take, `host` is not of
        this machine, or the page is not there.
    """
    check_address(host, token, allow_hosts)
    listener = _bind(host, port)
    try:
        guard = Guard(
            host, listener.getsockname()[1], token=token, allow_hosts=allow_hosts, limits=limits
        )
        return Server(application(room, guard, static), listener)
    except BaseException:
        listener.close()
        raise


class Server:
    """A server that listens; made by `serve`, it runs once.

    ``with serve(room) as server:`` runs it in a thread for as long as the block takes.

    Parameters
    ----------
    app : Guarded
    listener : socket.socket

    Attributes
    ----------
    host : str
    port : int
    url : str
        The first link. It opens once; the page that it opened stays in by its cookie.
    """

    def __init__(self, app: Guarded, listener: socket.socket) -> None:
        self._guard = app.guard
        self._listener = listener
        self._thread: threading.Thread | None = None
        self._server = uvicorn.Server(_settings(app))
        self._begun = False
        self.host, self.port = listener.getsockname()[:2]
        self.url = self._guard.first_link

    def new_url(self) -> str:
        """A link for one more browser; it opens once, too."""
        return self._guard.new_link()

    def run(self) -> None:
        """Serve in the foreground until Ctrl-C.

        Raises
        ------
        RuntimeError
            If the server ran before, or an event loop runs in this thread already.
        """
        if _loop_runs():
            raise RuntimeError(
                "run() must be called where no event loop runs (got one, as in a notebook). Use "
                "start() and close()."
            )
        self._begin()
        # What Ctrl-C asks for has been done when uvicorn says it again.
        with contextlib.suppress(KeyboardInterrupt):
            self._serve()

    def start(self) -> Self:
        """Serve in a thread; returns at once.

        Raises
        ------
        RuntimeError
            If the server ran before.
        """
        self._begin()
        self._thread = threading.Thread(
            target=self._serve,
            name="deltarule playground",
            daemon=True,
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """End the server, and the sockets of all pages; a second time does nothing."""
        self._begun = True
        self._server.should_exit = True
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._listener.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        # To a page that leaves in this very moment, nothing can be said any more.
        with contextlib.suppress(InvalidState):
            self._server.run(sockets=[self._listener])

    def _begin(self) -> None:
        if self._begun:
            raise RuntimeError("A server must run once (got a second start). Use serve() again.")
        self._begun = True


def _settings(app: Guarded) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=TimedConnection,
        ws=OpeningConnection,
        loop="asyncio",
        interface="asgi3",
        lifespan="on",
        workers=1,
        # uvicorn's own words are none of the caller's; the guard tells of defects.
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        # A header does not say who is calling, whoever sends it.
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=app.guard.limits.header_bytes,
        timeout_graceful_shutdown=FAREWELL,
        ws_max_size=app.guard.limits.message_bytes,
        # Compressing pictures took three quarters of the frames.
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=60.0,
    )


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens, or a sentence why there is none."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise InvalidParameterError(
            f"port must be an integer from 0 to 65535 (got {port!r}). Leave it out for a free one."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = "127.0.0.1" if host == "localhost" else host
    listener = None
    try:
        listener = socket.socket(family)
        if os.name == "posix":  # elsewhere it would let two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket.getaddrinfo(place, port, family, socket.SOCK_STREAM)[0][4])
        # Not later: until a socket listens, another one may take the same port.
        listener.listen(MOST_CONNECTIONS)
    except OSError as problem:
        if listener is not None:
            listener.close()
        raise _refused(host, port, problem) from None
    return listener


def _refused(host: str, port: int, problem: OSError) -> InvalidParameterError:
    if problem.errno == errno.EADDRINUSE:
        return InvalidParameterError(
            f"port must be free (got {port}, which another program uses). Choose another one, or "
            "leave it out for a free one."
        )
    if problem.errno == errno.EACCES:
        return InvalidParameterError(
            f"port must be one that this user may take (got {port}). Choose one from 1024 on, or "
            "leave it out for a free one."
        )
    return InvalidParameterError(
        f"host must be an address of this machine (got {host!r}: {problem.strerror}). Use "
        "127.0.0.1, or one of those that the system lists."
    )

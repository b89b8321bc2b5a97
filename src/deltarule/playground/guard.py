"""The guard: one layer around all routes, over every scope, that refuses by default.

A program that listens on this machine can be asked by every page in every browser on it, and by
every other program. So nothing passes that is not known:

============  =================================================================================
Host          exactly one of the server's addresses (`addresses.py`)
Origin        exactly that address's own; needed for sockets and POST, no other one anywhere
method        GET and POST; a socket is a kind of its own
path          plain segments: no dots to climb by, nothing empty, nothing escaped
key           a session (`keys.py`) in the cookie, but for the few ``open_to_all``: the page itself,
              which holds no secret, and the exchange of a token for a session
size          headers, bodies, messages and the number of sockets are limited; a body is read before
              a route sees it, within a time, and is JSON
============  =================================================================================

A route that is added later has all that by itself, and without being named open it has no caller
without a key. What the routes answer gets the headers of `headers.py`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, NamedTuple

from deltarule.dataclass import dataclass
from deltarule.playground.addresses import addresses, check_address
from deltarule.playground.headers import completed
from deltarule.playground.keys import Keys

__all__ = ["LIMITS", "Guard", "Guarded", "Limits", "is_plain"]

logger = logging.getLogger("deltarule.playground")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
#: A method and a path.
Door = tuple[str, str]

METHODS = ("GET", "POST")
_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_PLAIN = re.compile(f"/(?:{_SEGMENT}(?:/{_SEGMENT})*)?")


def is_plain(path: str) -> bool:
    """Whether a path means the same to everyone who reads it.

    Examples
    --------
    >>> is_plain("/assets/page-1f.js"), is_plain("/assets/../socket"), is_plain("//socket")
    (True, False, False)
    """
    return _PLAIN.fullmatch(path) is not None


@dataclass(frozen=True)
class Limits:
    """What one caller can ask for.

    Attributes
    ----------
    header_bytes : int, default=16384
        Of path, query and all headers together.
    body_bytes : int, default=4096
        Of a POST; nothing else has a body.
    body_seconds : float, default=5.0
        Until the body must be there.
    message_bytes : int, default=50331648
        Of a message of a socket: a table of 32 MB fits.
    sockets : int, default=16
        Open at the same time.
    """

    header_bytes: int = 16 * 1024
    body_bytes: int = 4 * 1024
    body_seconds: float = 5.0
    message_bytes: int = 48 * 1024 * 1024
    sockets: int = 16


LIMITS = Limits()


class Refusal(NamedTuple):
    """An answer of the guard itself: a status of HTTP and a sentence."""

    status: int
    sentence: str


_HOST = Refusal(403, "The address must be one of this server's. Open the link that it printed.")
_ORIGIN = Refusal(403, "Only the server's own page may ask this. Open the link that it printed.")
_KEY = Refusal(403, "This browser has no key. Open the link that the server printed.")
_PATH = Refusal(404, "There is nothing here. Open the link that the server printed.")
_METHOD = Refusal(405, "The method must be GET or POST. Open the link that the server printed.")
_SLOW = Refusal(408, "The body must be there in time. Send it at once.")
_LARGE = Refusal(413, "The body must be smaller, and only a POST has one. Send less.")
_JSON = Refusal(415, "The body must be application/json. Say so in Content-Type.")
_HEADERS = Refusal(431, "Path and headers must be shorter. Delete cookies of this machine.")
_DEFECT = Refusal(500, "The server met a defect. What went wrong stands where it was started.")

# Codes of a socket's end (RFC 6455, section 7.4).
_WRONG_KIND, _TOO_LARGE, _CRASHED, _TOO_MANY = 1003, 1009, 1011, 1013


class Guard:
    """Who may come in, and with how much.

    Parameters
    ----------
    host : str
        Where the server listens.
    port : int
        The port at which it listens.
    token : str, optional
        The first token; a random one where left out.
    allow_hosts : collection of str, default=()
        Further names of the server, as in `check_address`.
    limits : Limits, default=LIMITS

    Attributes
    ----------
    addresses : tuple of Address
    limits : Limits
    cookie : str
        The name of the cookie. Browsers give cookies to all ports of a host, so it names the port.

    Raises
    ------
    InvalidParameterError
        As `check_address` does.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        token: str | None = None,
        allow_hosts: Collection[str] = (),
        limits: Limits = LIMITS,
    ) -> None:
        check_address(host, token, allow_hosts)
        self.addresses = addresses(host, port, allow_hosts)
        self.limits = limits
        self.cookie = f"deltarule-{port}"
        self._keys = Keys(token)
        self._links = {(address.host, address.origin) for address in self.addresses}
        self._hosts = {address.host for address in self.addresses}

    @property
    def first_link(self) -> str:
        """The link with the first token, which opens once."""
        return self._link(self._keys.first_token)

    def new_link(self) -> str:
        """A link with a new token, for one more browser."""
        return self._link(self.new_token())

    def new_token(self) -> str:
        """One more token, to be exchanged once."""
        return self._keys.new_token()

    def exchange(self, token: str) -> str | None:
        """A new session for a token, or None: it is none, or was exchanged before."""
        return self._keys.exchange(token)

    def around(self, app: Application, open_to_all: Collection[Door]) -> Guarded:
        """The application behind this guard.

        Parameters
        ----------
        app : ASGI application
        open_to_all : collection of (method, path)
            What callers without a key may ask for, too.
        """
        return Guarded(app, self, frozenset(open_to_all))

    def refusal(self, scope: Scope, open_to_all: Collection[Door]) -> Refusal | None:
        """Why a scope is refused, or None. Bodies and messages are not looked at."""
        return (
            self._size_refusal(scope)
            or self._origin_refusal(scope)
            or self._path_refusal(scope)
            or self._key_refusal(scope, open_to_all)
            or self._body_refusal(scope)
        )

    def _size_refusal(self, scope: Scope) -> Refusal | None:
        # A colon, a space and the end of the line count, too.
        pairs = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        size = pairs + len(scope["path"]) + len(scope["query_string"])
        return _HEADERS if size > self.limits.header_bytes else None

    def _origin_refusal(self, scope: Scope) -> Refusal | None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return _HOST
        if not origins:
            return _ORIGIN if scope["type"] == "websocket" or scope["method"] == "POST" else None
        return None if len(origins) == 1 and (hosts[0], origins[0]) in self._links else _ORIGIN

    def _path_refusal(self, scope: Scope) -> Refusal | None:
        if scope["type"] == "http" and scope["method"] not in METHODS:
            return _METHOD
        return None if is_plain(scope["path"]) else _PATH

    def _key_refusal(self, scope: Scope, open_to_all: Collection[Door]) -> Refusal | None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) in open_to_all:
            return None
        # A page on another port may have set one of the same name: any that fits will do.
        return None if any(map(self._keys.knows, _cookies(scope, self.cookie))) else _KEY

    def _body_refusal(self, scope: Scope) -> Refusal | None:
        if scope["type"] == "http" and scope["method"] == "POST":
            kinds = [kind.partition(";")[0].strip() for kind in _values(scope, b"content-type")]
            return None if kinds == ["application/json"] else _JSON
        return None

    def _link(self, token: str) -> str:
        # Browsers keep what follows # to themselves.
        return f"{self.addresses[0].origin}/#token={token}"


class Guarded:
    """An ASGI application behind a guard; made by `Guard.around`.

    Parameters
    ----------
    app : ASGI application
    guard : Guard
    open_to_all : frozenset of (method, path)

    Attributes
    ----------
    sockets : int
        Open now.
    """

    def __init__(self, app: Application, guard: Guard, open_to_all: frozenset[Door]) -> None:
        self.app, self.guard, self.open_to_all = app, guard, open_to_all
        self.sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer_request(scope, receive, _Sender(send))
        elif scope["type"] == "websocket":
            await self._open_socket(scope, receive, _Sender(send))
        elif scope["type"] == "lifespan":  # the server itself: no one from outside can send it
            await self.app(scope, receive, send)
        else:
            raise NotImplementedError(f"scope type must be one of ASGI's (got {scope['type']!r}).")

    async def _answer_request(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        refusal = self.guard.refusal(scope, self.open_to_all)
        body = b"" if refusal is not None else await self._read_body(scope, receive)
        if body is None:
            return
        if isinstance(body, Refusal):
            refusal = body
        if refusal is not None:
            await _refuse(send, refusal)
            return
        try:
            await self.app(scope, _Replay({"type": "http.request", "body": body}, receive), send)
        except Exception:
            logger.exception("A route of the playground met a defect.")
            if not send.began:
                await _refuse(send, _DEFECT)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes | Refusal | None:
        """The whole body, or why not; None where the caller has gone."""
        most = self.guard.limits.body_bytes if scope["method"] == "POST" else 0
        body = b""
        try:
            async with asyncio.timeout(self.guard.limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += bytes(message.get("body", b""))
                    if len(body) > most:
                        return _LARGE
                    if not message.get("more_body", False):
                        return body
        except TimeoutError:
            return _SLOW

    async def _open_socket(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        try:
            async with asyncio.timeout(self.guard.limits.body_seconds):
                connect = await receive()
        except TimeoutError:
            refusal: Refusal | None = _SLOW
        else:
            refusal = self.guard.refusal(scope, self.open_to_all)
        if refusal is not None:
            await _deny(scope, send, refusal)
        elif self.sockets >= self.guard.limits.sockets:
            # Pages see the code of a socket that was open, and can say it.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": _TOO_MANY, "reason": "too many pages"})
        else:
            self.sockets += 1
            try:
                await self._hand_over(scope, _Replay(connect, receive), send)
            finally:
                self.sockets -= 1

    async def _hand_over(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        async def receive_within_limits() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive" or send.closed:
                return message
            content = message.get("bytes")
            if content is not None and len(content) <= self.guard.limits.message_bytes:
                return message
            code = _WRONG_KIND if content is None else _TOO_LARGE
            await send({"type": "websocket.close", "code": code})
            return {"type": "websocket.disconnect", "code": code}

        async def send_in_words(message: Message) -> None:
            if message["type"] == "websocket.close" and not send.began:
                await _deny(scope, send, _PATH)  # no route has opened it
            else:
                await send(message)

        try:
            await self.app(scope, receive_within_limits, send_in_words)
        except Exception:
            logger.exception("A room of the playground met a defect.")
            if not send.began:
                await _deny(scope, send, _DEFECT)
            elif not send.closed:
                await send({"type": "websocket.close", "code": _CRASHED})


class _Replay:
    """A `receive` with a message put back in front."""

    def __init__(self, first: Message, then: Receive) -> None:
        self._first: Message | None = first
        self._then = then

    async def __call__(self) -> Message:
        if self._first is None:
            return await self._then()
        first, self._first = self._first, None
        return first


class _Sender:
    """A `send` that completes the headers and knows how far the answer is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.began = self.closed = False

    async def __call__(self, message: Message) -> None:
        if self.closed:
            raise OSError("the socket is closed")  # what ASGI servers raise then
        self.began = True
        self.closed = message["type"] == "websocket.close"
        if message["type"] in _WITH_HEADERS:
            message = {**message, "headers": completed(message.get("headers", ()))}
        await self._send(message)


_WITH_HEADERS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


async def _refuse(send: Send, refusal: Refusal, prefix: str = "") -> None:
    """Answer with a sentence. What the caller may still be sending is not waited for."""
    body = refusal.sentence.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if refusal.status == 405:
        headers.append((b"allow", ", ".join(METHODS).encode()))
    start = {"type": f"{prefix}http.response.start", "status": refusal.status, "headers": headers}
    await send(start)
    await send({"type": f"{prefix}http.response.body", "body": body})


async def _deny(scope: Scope, send: Send, refusal: Refusal) -> None:
    """Refuse a socket before it is open, in words where the server can send them."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await _refuse(send, refusal, "websocket.")
    else:
        await send({"type": "websocket.close", "code": 1008})


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _cookies(scope: Scope, name: str) -> list[str]:
    pairs = (pair.partition("=") for line in _values(scope, b"cookie") for pair in line.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]

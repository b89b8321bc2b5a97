"""The routes of the playground's server.

==========================  =======================================================================
``GET /``                   the page; it holds no secret, and gets in by the token of its link
``GET`` of other assets     its scripts, styles, pictures and WebAssembly
``GET /engine.json``        tells the page that its engine is behind the socket
``POST /enter``             ``{"token": …}`` is exchanged for a session, which comes as a cookie
``/socket``, a WebSocket    everything else: messages of bytes, handed to the `Room`
==========================  =======================================================================

All of them stand behind the guard, which `guard.py` explains.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

from deltarule.playground import libraries  # noqa: F401 - says what is missing

# isort: split
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from deltarule.playground.assets import STATIC, Asset, asset, read_assets
from deltarule.playground.guard import Guard, Guarded
from deltarule.playground.room import Disconnected, Room

__all__ = ["application"]

#: In the folder, which any static host may give out, it names the engine of WebAssembly.
ENGINE = asset(b'{"engine": "socket"}', ".json")

Endpoint = Callable[[Request], Awaitable[Response]]


def application(room: Room, guard: Guard, static: Path = STATIC) -> Guarded:
    """The page, the way in and the socket, behind the guard.

    Parameters
    ----------
    room : Room
        What the pages meet.
    guard : Guard
        Who may come in.
    static : Path, default=STATIC
        The folder with the files of the page.

    Raises
    ------
    InvalidParameterError
        If `static` does not hold a page.
    """
    assets = {**read_assets(static), "/engine.json": ENGINE}
    app = Starlette(
        routes=[
            *(Route(path, _shown(shown), methods=["GET"]) for path, shown in assets.items()),
            Route("/enter", _entrance(guard), methods=["POST"]),
            WebSocketRoute("/socket", _meeting(room)),
        ]
    )
    app.router.redirect_slashes = False
    return guard.around(app, {("POST", "/enter"), *(("GET", path) for path in assets)})


def _shown(shown: Asset) -> Endpoint:
    headers = {"cache-control": "no-cache", "etag": shown.etag}

    async def show(request: Request) -> Response:
        known = request.headers.get("if-none-match", "").split(",")
        if shown.etag in (etag.strip().removeprefix("W/") for etag in known):
            return Response(status_code=304, headers=headers)
        # As it stands in the table of media types, to which Starlette would add a charset.
        return Response(shown.content, headers={**headers, "content-type": shown.media_type})

    return show


def _entrance(guard: Guard) -> Endpoint:
    async def enter(request: Request) -> Response:
        token = _token_in(await request.body())
        if token is None:
            sentence = 'The body must be {"token": "…"}. Open the link that the server printed.'
            return PlainTextResponse(sentence, 400)
        session = guard.exchange(token)
        if session is None:
            sentence = "This link was used before, or is of an earlier server. Ask for a new one."
            return PlainTextResponse(sentence, 403)
        answer = Response(status_code=204)
        # The guard has seen that this is the origin of an address of ours.
        secure = request.headers["origin"].startswith("https:")
        answer.set_cookie(
            guard.cookie, session, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return answer

    return enter


def _token_in(body: bytes) -> str | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    token = content.get("token") if isinstance(content, dict) and len(content) == 1 else None
    return token if isinstance(token, str) else None


def _meeting(room: Room) -> Callable[[WebSocket], Awaitable[None]]:
    async def meet(websocket: WebSocket) -> None:
        await websocket.accept()
        socket = _Socket(websocket)
        with contextlib.suppress(Disconnected):
            await room.meet(socket)
            await socket.close()

    return meet


class _Socket:
    """What a room sees of a WebSocket; the page that is gone stays gone."""

    disconnected: ClassVar[type[Exception]] = Disconnected

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._gone = False

    async def receive(self) -> bytes:
        return bytes(await self._unless_gone(self._websocket.receive_bytes))

    async def send(self, message: bytes) -> None:
        await self._unless_gone(self._websocket.send_bytes, message)

    async def close(self) -> None:
        await self._unless_gone(self._websocket.close)

    async def _unless_gone(self, do: Callable[..., Awaitable[Any]], *given: Any) -> Any:
        if self._gone:
            raise Disconnected
        try:
            return await do(*given)
        except WebSocketDisconnect:
            self._gone = True
            raise Disconnected from None

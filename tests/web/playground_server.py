"""The server of the page for its tests."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocketDisconnect

import deltarule.playground
from deltarule.playground.answers import Answers
from deltarule.playground.desk import Desk


async def _meet(socket: Any) -> None:
    await socket.accept()
    loop = asyncio.get_running_loop()
    unsent: asyncio.Queue[bytes] = asyncio.Queue()
    desk = Desk(lambda data: loop.call_soon_threadsafe(unsent.put_nowait, data), Answers())

    async def send() -> None:
        while True:
            await socket.send_bytes(await unsent.get())

    task = asyncio.create_task(send())
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            desk.receive(await socket.receive_bytes())
    task.cancel()
    await asyncio.to_thread(desk.close)


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The page's address while it lasts."""
    static = f"{deltarule.playground.__path__[0]}/static"
    application = Starlette(
        routes=[
            Route("/engine.json", lambda request: JSONResponse({"engine": "socket"})),
            WebSocketRoute("/socket", _meet),
            Mount("/", StaticFiles(directory=static, html=True)),
        ]
    )
    settings = uvicorn.Config(
        application, port=0, log_level="error", ws="websockets-sansio", ws_per_message_deflate=False
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()

"""The server of the page for its tests: the library's own, with its guard and its headers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from deltarule.playground.answers import Answers
from deltarule.playground.desk import Desk
from deltarule.playground.serve import Server, serve


class Rooms:
    """A desk for every page."""

    async def meet(self, socket: Any) -> None:
        loop = asyncio.get_running_loop()
        unsent: asyncio.Queue[bytes] = asyncio.Queue()
        desk = Desk(lambda data: loop.call_soon_threadsafe(unsent.put_nowait, data), Answers())

        async def send() -> None:
            while True:
                await socket.send(await unsent.get())

        task = asyncio.create_task(send())
        try:
            with contextlib.suppress(socket.disconnected):
                while True:
                    desk.receive(await socket.receive())
        finally:
            task.cancel()
            await asyncio.to_thread(desk.close)


@contextlib.contextmanager
def served() -> Iterator[Server]:
    """The server while it lasts."""
    with serve(Rooms()) as server:
        yield server

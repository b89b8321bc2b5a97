"""Pages and desks: what comes from a socket goes to a `Desk`, and back what the desk sends.

A page that asks faster than it is answered, or reads slower, is not read for a while: no more than
some asks wait, and some answers. Of frames there is one under way at a time, because the desk makes
the next one when the page says that it is ready. When the page goes, its training ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from threading import Lock

from deltarule.network import Parameters
from deltarule.playground.answers import Answers
from deltarule.playground.desk import Desk
from deltarule.playground.room import Socket
from deltarule.playground.shown import Shown

#: Asks that wait for a desk, and messages for a page, before no more is read from it.
MOST_ASKS, MOST_UNSENT = 32, 4

#: Seconds between two looks at whether there is room again.
PAUSE = 0.005


class Meeting:
    """The room in which pages meet the library: a desk for each.

    Parameters
    ----------
    shown : Shown
        What all of them are shown.
    """

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self._lock = Lock()
        #: The one that was asked last stands last.
        self._desks: list[Desk] = []
        #: What the last page that went had made of the model.
        self._left: Parameters | None = None

    async def meet(self, socket: Socket) -> None:
        """Talk with a page until it goes."""
        loop = asyncio.get_running_loop()
        unsent: asyncio.Queue[bytes] = asyncio.Queue()

        def send(message: bytes) -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(unsent.put_nowait, message)

        async def deliver() -> None:
            with contextlib.suppress(socket.disconnected):
                while True:
                    await socket.send(await unsent.get())

        desk = Desk(send, Answers(self.shown))
        self._enter(desk)
        delivery = asyncio.create_task(deliver())
        try:
            while True:
                message = await socket.receive()
                self._enter(desk)
                desk.receive(message)
                while desk.asks > MOST_ASKS or unsent.qsize() > MOST_UNSENT:
                    if delivery.done():
                        raise socket.disconnected
                    await asyncio.sleep(PAUSE)
        finally:
            delivery.cancel()
            await asyncio.to_thread(self._leave, desk)

    def model_parameters(self) -> Parameters | None:
        """The numbers that a page has made of the model, the page that was asked last; or None."""
        with self._lock:
            desks = list(self._desks)
        for desk in reversed(desks):
            found = desk.parameters()
            if found is not None and self.shown.has(found.network):
                return found
        return self._left

    def _enter(self, desk: Desk) -> None:
        with self._lock:
            if self._desks[-1:] != [desk]:
                self._desks = [*(other for other in self._desks if other is not desk), desk]
            self.shown.viewers.add(desk)

    def _leave(self, desk: Desk) -> None:
        """End a desk; on a thread where it may take as long as a slice of training."""
        self.shown.viewers.discard(desk)
        desk.close()
        found = desk.parameters()
        with self._lock:
            self._desks.remove(desk)
            if found is not None and self.shown.has(found.network):
                self._left = found

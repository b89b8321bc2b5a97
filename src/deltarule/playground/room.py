"""What happens behind an open socket, as a promise between the server and the playground's rooms.

The server opens a socket only for pages that came in with a key, and gives it to a `Room`. All
messages are bytes; what they mean is the room's affair.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

__all__ = ["Disconnected", "Room", "Socket"]


class Disconnected(Exception):
    """The page is gone, or is being sent away: no message comes or goes any more."""


class Socket(Protocol):
    """A connection to one page.

    Attributes
    ----------
    disconnected : type
        What `receive` and `send` raise once the page is gone: `Disconnected`.
    """

    disconnected: ClassVar[type[Exception]]

    async def receive(self) -> bytes:
        """The next message of the page.

        Nothing of this page is read meanwhile, so a room that is busy for longer than a minute
        without asking for a message counts as gone.
        """

    async def send(self, message: bytes) -> None:
        """Send a message; returns when it is on its way, later where the page takes them slowly."""


class Room(Protocol):
    """What pages meet: one object for all of them."""

    async def meet(self, socket: Socket) -> None:
        """Talk with a page until one of the two has enough.

        When it returns, the socket is closed. `Disconnected` may go through it; any other error
        is a defect, which closes this socket and leaves the others alone.
        """

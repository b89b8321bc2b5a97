"""What the page says to the library's server, and a server that says something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deltarule.playground import wire


class Asks:
    """The asks that a page has sent since it was loaded anew under these ears."""

    def __init__(self, page: Any) -> None:
        self.all: list[dict[str, Any]] = []
        page.on("websocket", lambda socket: socket.on("framesent", self._hear))
        page.reload()
        page.locator(".transport").wait_for()

    def _hear(self, frame: Any) -> None:
        self.all.append(wire.decode(frame))

    def count(self, name: str) -> int:
        """How often something was asked."""
        return sum(ask["ask"] == name for ask in self.all)

    def last(self, name: str) -> dict[str, Any]:
        """What was given with the last ask of a name."""
        return [ask["given"] for ask in self.all if ask["ask"] == name][-1]


def pretend(page: Any, told: dict[str, Any], answers: dict[str, Callable[..., Any]]) -> None:
    """A server whose hello says `told` besides, and that has answers of its own."""

    def between(socket: Any) -> None:
        server = socket.connect_to_server()
        hellos = set()

        def asked(data: bytes) -> None:
            message = wire.decode(data)
            if message["ask"] in answers:
                answer = answers[message["ask"]](message["given"])
                socket.send(wire.encode({"id": message["id"], "answer": answer}))
                return
            if message["ask"] == "hello":
                hellos.add(message["id"])
            server.send(data)

        def answered(data: bytes) -> None:
            message = wire.decode(data)
            if message.get("id") in hellos:
                data = wire.encode({**message, "answer": {**message["answer"], **told}})
            socket.send(data)

        socket.on_message(asked)
        server.on_message(answered)

    page.route_web_socket("**/socket", between)
    page.reload()
    page.locator(".transport").wait_for()

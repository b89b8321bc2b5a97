"""Callers of the playground's server for the tests: in ASGI's own words, without a network."""

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deltarule.playground.app import application
from deltarule.playground.guard import Guard, Guarded, Limits
from deltarule.playground.room import Disconnected, Socket

PORT = 8000
OWN_HOST = f"127.0.0.1:{PORT}"
OWN_ORIGIN = f"http://{OWN_HOST}"
FILES = {
    "index.html": b"<!doctype html><title>playground</title>",
    "engine.json": b'{"engine": "wasm"}',
    "favicon.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "assets/page-0a1b.js": b"export {};",
    "assets/page-0a1b.css": b"body { margin: 0 }",
    "assets/core.wasm": b"\0asm\1\0\0\0",
}
#: What the server gives out under each path: as a folder the page has another engine.
PAGE = {
    **{f"/{name}": content for name, content in FILES.items() if name != "index.html"},
    "/": FILES["index.html"],
    "/engine.json": b'{"engine": "socket"}',
}
#: Never delivered: a caller that waits.
NEVER = {"type": "never"}
CONNECT = {"type": "websocket.connect"}


class EchoRoom:
    """Sends back what comes, and remembers it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.visits = 0
        self.farewells = 0

    async def meet(self, socket: Socket) -> None:
        self.visits += 1
        try:
            while True:
                message = await socket.receive()
                self.heard.append(message)
                await socket.send(message)
        except Disconnected:
            self.farewells += 1
            raise


def write_page(folder: Path) -> Path:
    """The files of a page in a folder."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@dataclass
class House:
    """A guarded application with all that a test looks at."""

    app: Guarded
    guard: Guard
    room: EchoRoom
    token: str
    session: str

    def state(self) -> tuple[Any, ...]:
        """What nobody may change who has no key."""
        keys = self.guard._keys
        room = self.room
        return (
            set(keys._tokens), set(keys._sessions), room.visits, len(room.heard), self.app.sockets
        )  # fmt: skip


def build(folder: Path, room: Any = None, **limits: Any) -> House:
    """A house with one session and one token that is not used yet."""
    limits = {"body_seconds": 0.02, "message_bytes": 1000, **limits}
    guard = Guard("127.0.0.1", PORT, limits=Limits(**limits))
    session = guard.exchange(guard.first_link.partition("#token=")[2])
    assert session is not None
    room = EchoRoom() if room is None else room
    app = application(room, guard, write_page(folder))
    return House(app, guard, room, guard.new_token(), session)


@dataclass(frozen=True)
class Call:
    """What a caller sends: a request, or a socket where the method is None."""

    method: str | None
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    messages: tuple[dict[str, Any], ...] = ()
    query: bytes = b""
    extensions: bool = True

    def with_header(self, name: str, *values: str) -> "Call":
        """The same call with a header once, not at all or several times."""
        kept = tuple(pair for pair in self.headers if pair[0] != name)
        return replace(self, headers=(*kept, *((name, value) for value in values)))

    def scope(self) -> dict[str, Any]:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers]
        common = {
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "path": self.path,
            "raw_path": self.path.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "query_string": self.query,
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", PORT),
        }
        if self.method is not None:
            return {**common, "type": "http", "method": self.method, "scheme": "http"}
        known = {"extensions": {"websocket.http.response": {}}} if self.extensions else {}
        return {**common, "type": "websocket", "scheme": "ws", "subprotocols": [], **known}


def request(method: str, path: str, body: bytes = b"", **headers: str) -> Call:
    """A request as the server's own page sends it, with more headers."""
    own = {"host": OWN_HOST, "origin": OWN_ORIGIN}
    if method == "POST":
        own["content-type"] = "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    message = {"type": "http.request", "body": body, "more_body": False}
    return Call(method, path, tuple({**own, **named}.items()), (message,))


def socket(path: str, *messages: Any, **headers: str) -> Call:
    """A socket as the server's own page opens it, with the messages that it sends."""
    own = {"host": OWN_HOST, "origin": OWN_ORIGIN, **headers}
    sent = ({"type": "websocket.receive", "bytes": message} for message in messages)
    return Call(None, path, tuple(own.items()), (CONNECT, *sent))


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    accepted: bool = False
    messages: list[bytes] = field(default_factory=list)
    code: int | None = None

    def header(self, name: str) -> str | None:
        found = [value.decode() for key, value in self.headers if key == name.encode()]
        return found[0] if found else None

    def heed(self, message: dict[str, Any]) -> None:
        kind = message["type"].removeprefix("websocket.")
        self.headers += message.get("headers", [])
        if kind == "http.response.start":
            assert self.status == 0
            self.status = message["status"]
        elif kind == "http.response.body":
            self.body += message["body"]
        elif kind == "accept":
            self.accepted = True
        elif kind == "send":
            self.messages.append(message["bytes"])
        else:
            assert kind == "close", message
            self.code = message.get("code", 1000)


async def ask(app: Any, call: Call) -> Answer:
    """Call an ASGI application, and answer it as an ASGI server would."""
    answer, waiting = Answer(), list(call.messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            kind = "http" if call.method is not None else "websocket"
            return {"type": f"{kind}.disconnect", "code": 1005}
        if waiting[0] is NEVER:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: dict[str, Any]) -> None:
        answer.heed(message)

    await app(call.scope(), receive, send)
    return answer


def answer_to(app: Any, call: Call) -> Answer:
    """`ask` with a loop of its own."""
    return asyncio.run(ask(app, call))

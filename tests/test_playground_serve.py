"""The server as it is reached over a network: uvicorn, the guard and the routes on 127.0.0.1."""

import asyncio
import errno
import http.client
import json
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from playground_callers import EchoRoom, write_page
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from deltarule.exceptions import InvalidParameterError
from deltarule.playground import serve as serve_module
from deltarule.playground.connection import TimedConnection
from deltarule.playground.guard import Limits
from deltarule.playground.serve import serve

#: Seconds after which a test that waits for the server has failed.
LONG = 30


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("static"))


@pytest.fixture(scope="module")
def long_running(static):
    """A server for many tests, and its room."""
    room = EchoRoom()
    limits = Limits(body_seconds=0.2, message_bytes=10_000)
    with serve(room, static=static, limits=limits) as server:
        yield server, room


@pytest.fixture
def server(long_running):
    return long_running[0]


@pytest.fixture
def room(long_running):
    """The room, as if nobody had been there."""
    long_running[1].heard, long_running[1].visits = [], 0
    return long_running[1]


def origin_of(server):
    return f"http://127.0.0.1:{server.port}"


def fetch(server, method, path, body=None, **headers):
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=LONG)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def enter(server, url=None):
    """The cookie that the link is exchanged for; of a new link where none is given."""
    url = server.new_url() if url is None else url
    body = json.dumps({"token": url.partition("#token=")[2]})
    headers = {"Origin": origin_of(server), "Content-Type": "application/json"}
    status, headers, _ = fetch(server, "POST", "/enter", body, **headers)
    assert status == 204
    return headers["set-cookie"].partition(";")[0]


@contextmanager
def open_socket(server, cookie, origin=None, **options):
    with connect(
        f"ws://127.0.0.1:{server.port}/socket",
        origin=origin_of(server) if origin is None else origin,
        additional_headers={"Cookie": cookie},
        open_timeout=LONG,
        **options,
    ) as page:
        yield page


@contextmanager
def raw(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=LONG) as connection:
        yield connection


def everything_from(connection):
    """What comes until the other end closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


# ---------------------------------------------------------------- from the link to the socket


def test_a_page_gets_in_by_its_link(server, room):
    assert server.url.startswith(f"{origin_of(server)}/#token=")
    status, headers, body = fetch(server, "GET", "/")
    assert (status, body) == (200, b"<!doctype html><title>playground</title>")
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    cookie = enter(server, server.url)
    for message in (b"one", b"two"):  # the second time as after a reload
        with open_socket(server, cookie) as page:
            page.send(message)
            assert page.recv(LONG) == message
            headers = page.response.headers
            assert "Sec-WebSocket-Extensions" not in headers  # no compression, though offered
            assert "Server" not in headers
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert room.heard == [b"one", b"two"]
    with open_socket(server, enter(server)) as page:
        page.send(b"of another browser")
        assert page.recv(LONG) == b"of another browser"


def test_no_answer_names_the_server(server):
    for path in ("/", "/socket", "/nowhere"):
        assert "server" not in {name.lower() for name in fetch(server, "GET", path)[1]}


def test_a_message_that_is_too_large_closes_the_socket(server, room):
    cookie = enter(server)
    for message, code in ((bytes(10_001), 1009), ("text", 1003)):
        with open_socket(server, cookie) as page:
            page.send(bytes(10_000))
            assert page.recv(LONG) == bytes(10_000)
            page.send(message)
            with pytest.raises(ConnectionClosed) as caught:
                page.recv(LONG)
            assert caught.value.rcvd.code == code
    assert room.heard == [bytes(10_000)] * 2


def test_a_table_of_32_megabytes_fits_in_a_message(room, static):
    with serve(room, static=static) as server:
        table = bytes(32_000_000)
        with open_socket(server, enter(server), max_size=None) as page:
            page.send(table)
            assert page.recv(LONG) == table


# ---------------------------------------------------------------- refused on the wire

#: Headers instead of those of our own page.
STRANGERS = {
    "no token": {"Cookie": None},
    "wrong token": {"Cookie": "deltarule-{port}=guess"},
    "foreign Origin": {"Origin": "http://evil.example"},
    "null Origin": {"Origin": "null"},
    "prefix Origin": {"Origin": "http://127.0.0.1:{port}.evil.example"},
    "suffix Origin": {"Origin": "http://evil.example/127.0.0.1:{port}"},
    "rebinding Host": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "decimal Host": {"Host": "2130706433:{port}", "Origin": "http://2130706433:{port}"},
    "IPv6 Host": {"Host": "[::1]:{port}", "Origin": "http://[::1]:{port}"},
    "WebSocket without Origin": {"Origin": None},
    "oversize": {"X-More": "x" * 9000},
    "oversize altogether": {f"X-{i}": "x" * 2000 for i in range(9)},
}


@pytest.mark.parametrize("attack", STRANGERS)
def test_strangers_are_refused_on_the_wire(server, room, attack):
    headers = {
        "Host": "127.0.0.1:{port}",
        "Origin": "http://127.0.0.1:{port}",
        "Cookie": enter(server),
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **STRANGERS[attack],
    }
    lines = [
        f"{name}: {value.format(port=server.port)}" for name, value in headers.items() if value
    ]
    with raw(server) as connection:
        connection.sendall("\r\n".join(["GET /socket HTTP/1.1", *lines, "", ""]).encode())
        answer = everything_from(connection)
    status = int(answer.split()[1])
    assert status in ((400, 431) if attack.startswith("oversize") else (403,)), answer
    assert room.visits == 0


def test_a_denial_carries_words_and_headers(server):
    with pytest.raises(InvalidStatus) as caught, open_socket(server, "deltarule=x"):
        pass
    answer = caught.value.response
    assert answer.status_code == 403
    assert answer.body == b"This browser has no key. Open the link that the server printed."
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


LONG_ONES = {
    "path": b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"x" * 40_000),
    "header": b"GET / HTTP/1.1\r\nHost: x\r\nX-More: %s\r\n\r\n" % (b"x" * 40_000),
    "headers": b"GET / HTTP/1.1\r\nHost: x\r\n%s\r\n" % (b"X: y\r\n" * 8_000),
    "endless line": b"G" * 200_000,
}


@pytest.mark.parametrize("name", LONG_ONES)
def test_long_requests_are_refused(server, name):
    with raw(server) as connection:
        connection.sendall(LONG_ONES[name])
        answer = everything_from(connection)
    assert answer == b"" or int(answer.split()[1]) in (400, 431)
    assert fetch(server, "GET", "/")[0] == 200


HALF_A_BODY = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{"
)


@pytest.mark.parametrize(
    ("path", "length", "status"), [("/enter", 100, 408), ("/socket", 100, 403)]
)
def test_a_slow_body_is_cut_off(server, path, length, status):
    with raw(server) as connection:
        request = HALF_A_BODY.format(path=path, port=server.port, length=length)
        connection.sendall(request.encode())
        # It ends by itself, though the body never does.
        assert int(everything_from(connection).split()[1]) == status


def test_a_large_body_is_cut_off(server):
    with raw(server) as connection:
        request = HALF_A_BODY.format(path="/enter", port=server.port, length=10**9)
        connection.sendall(request.encode() + b" " * 5000)
        assert int(everything_from(connection).split()[1]) == 413


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(TimedConnection, "header_seconds", 0.2)


BEGINNINGS = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half the headers": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "after an answer": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_slow_headers_are_cut_off(impatient, server, name):
    with raw(server) as connection:
        connection.sendall(BEGINNINGS[name])
        stop = threading.Event()

        def drip():  # a byte now and then does not help
            while not stop.wait(0.02):
                try:
                    connection.send(b"X")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        everything_from(connection)
        stop.set()
        dripping.join()


def test_an_open_socket_is_not_cut_off(impatient, server):
    with open_socket(server, enter(server)) as page:
        with pytest.raises(TimeoutError):
            page.recv(0.5)
        page.send(b"still there")
        assert page.recv(LONG) == b"still there"


def check_bytes_at_random(server, room, number, seed):
    """Whatever comes over the wire, the server lives and nobody comes in."""
    chance = random.Random(seed)
    cookie = enter(server)
    upgrade = (
        f"GET /socket HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        f"Origin: {origin_of(server)}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    entrance = HALF_A_BODY.format(path="/enter", port=server.port, length=1).encode()
    for _ in range(number):
        sent = bytearray(chance.choice((upgrade, entrance, b"", upgrade[:-2])))
        for _ in range(chance.choice((0, 0, 1, 3)) if sent else 0):
            sent[chance.randrange(len(sent))] = chance.randrange(256)
        sent += chance.choice((b"", b"\x82\x03abc", chance.randbytes(chance.randrange(300))))
        with raw(server) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = everything_from(connection) if chance.random() < 0.5 else b""
        assert b" 101 " not in answer.partition(b"\r\n")[0]
        assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert room.visits == 0
    assert fetch(server, "GET", "/")[0] == 200
    with open_socket(server, cookie) as page:
        page.send(b"still there")
        assert page.recv(LONG) == b"still there"


def test_bytes_at_random(server, room):
    check_bytes_at_random(server, room, 200, seed=1)


@pytest.mark.long
def test_many_bytes_at_random(server, room):
    check_bytes_at_random(server, room, 5_000, seed=2)


def test_connections_are_counted(static, monkeypatch):
    monkeypatch.setattr(serve_module, "MOST_CONNECTIONS", 4)
    with serve(EchoRoom(), static=static) as server:
        with raw(server), raw(server), raw(server):
            assert fetch(server, "GET", "/")[0] == 503
        assert fetch(server, "GET", "/")[0] == 200


# ---------------------------------------------------------------- beginning and end


def test_a_taken_port_is_said(server, static):
    with pytest.raises(InvalidParameterError) as caught:
        serve(EchoRoom(), port=server.port, static=static)
    assert str(caught.value) == (
        f"port must be free (got {server.port}, which another program uses). Choose another one, "
        "or leave it out for a free one."
    )


def test_the_port_is_taken_from_the_beginning(static):
    first = serve(EchoRoom(), static=static)  # neither started nor run
    with pytest.raises(InvalidParameterError, match=r"^port must be free"):
        serve(EchoRoom(), port=first.port, static=static)
    first.close()
    first.close()
    serve(EchoRoom(), port=first.port, static=static).close()


@pytest.mark.parametrize("port", [-1, 65536, 1.0, "80", True, None])
def test_a_port_is_a_number(static, port):
    with pytest.raises(InvalidParameterError) as caught:
        serve(EchoRoom(), port=port, static=static)
    assert str(caught.value) == (
        f"port must be an integer from 0 to 65535 (got {port!r}). Leave it out for a free one."
    )


def test_what_the_system_refuses_is_said():
    said = serve_module._refused("127.0.0.1", 80, OSError(errno.EACCES, "Permission denied"))
    assert str(said) == (
        "port must be one that this user may take (got 80). Choose one from 1024 on, or leave it "
        "out for a free one."
    )
    with pytest.raises(InvalidParameterError) as caught:
        serve(None, "192.0.2.7", token="0123456789abcdef", allow_hosts=["lab"])
    assert re.fullmatch(
        r"host must be an address of this machine \(got '192\.0\.2\.7': .+\)\. Use 127\.0\.0\.1, "
        r"or one of those that the system lists\.",
        str(caught.value),
    )


def test_what_is_not_safe_is_not_bound(static):
    with pytest.raises(InvalidParameterError, match=r"^host must be of this machine alone"):
        serve(EchoRoom(), "0.0.0.0", static=static)
    with pytest.raises(InvalidParameterError, match=r"^static must be a folder"):
        serve(EchoRoom(), static=static / "assets")


def test_a_public_server_has_the_owners_token_and_names(static):
    token = "the-token-of-the-owner"
    with serve(EchoRoom(), "0.0.0.0", token=token, allow_hosts=["lab"], static=static) as server:
        assert server.url == f"http://lab:{server.port}/#token={token}"
        assert fetch(server, "GET", "/", Host=f"lab:{server.port}")[0] == 200
        assert fetch(server, "GET", "/", Host=f"0.0.0.0:{server.port}")[0] == 403


def test_another_address_family(static):
    try:
        server = serve(EchoRoom(), "::1", static=static)
    except InvalidParameterError as problem:
        pytest.skip(str(problem))
    with server:
        assert server.url.startswith(f"http://[::1]:{server.port}/#token=")
        connection = http.client.HTTPConnection("::1", server.port, timeout=LONG)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()


def test_close_says_goodbye_to_pages(static):
    room, before = EchoRoom(), threading.enumerate()
    server = serve(room, static=static).start()
    with open_socket(server, enter(server)) as page:
        page.send(b"one")
        page.recv(LONG)
        server.close()
        with pytest.raises(ConnectionClosed) as caught:
            page.recv(LONG)
        assert caught.value.rcvd.code == 1012
    assert room.farewells == 1
    assert threading.enumerate() == before
    serve(EchoRoom(), port=server.port, static=static).close()


class Deaf:
    """A room that does not see that its page is gone."""

    async def meet(self, socket):
        await socket.send(b"good day")
        await asyncio.Event().wait()


def test_a_room_that_does_not_end_is_ended(static):
    server = serve(Deaf(), static=static).start()
    with open_socket(server, enter(server)) as page:
        assert page.recv(LONG) == b"good day"
        server.close()


def test_it_runs_beside_another_loop(static):
    """As in a notebook, where a loop runs already."""

    async def cell():
        with (
            pytest.raises(RuntimeError) as caught,
            closing(serve(EchoRoom(), static=static)) as server,
        ):
            server.run()
        assert str(caught.value) == (
            "run() must be called where no event loop runs (got one, as in a notebook). Use "
            "start() and close()."
        )
        with serve(EchoRoom(), static=static) as server:
            status, _, _ = await asyncio.to_thread(fetch, server, "GET", "/")
        return status

    assert asyncio.run(cell()) == 200


def test_a_server_runs_once(static):
    server = serve(EchoRoom(), static=static).start()
    sentence = "A server must run once (got a second start). Use serve() again."
    for again in (server.start, server.run):
        with pytest.raises(RuntimeError) as caught:
            again()
        assert str(caught.value) == sentence
    server.close()
    with pytest.raises(RuntimeError):
        server.start()


def test_nothing_is_printed(server, capfd):
    enter(server)
    with raw(server) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        everything_from(connection)
    with pytest.raises(InvalidStatus), open_socket(server, ""):
        pass
    assert capfd.readouterr() == ("", "")


FOREGROUND = """
import pathlib, sys
from playground_callers import EchoRoom
from deltarule.playground.serve import serve
server = serve(EchoRoom(), static=pathlib.Path(sys.argv[1]))
print(server.port, server.url, flush=True)
server.run()
print("done", flush=True)
"""


@pytest.fixture
def foreground(static):
    program = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(static)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    port, url = program.stdout.readline().split()

    yield SimpleNamespace(port=int(port), url=url, program=program)
    program.kill()
    program.communicate()


@pytest.mark.parametrize("with_a_page", [False, True])
@pytest.mark.parametrize(
    ("sent", "code", "said"), [(signal.SIGINT, 0, "done\n"), (signal.SIGTERM, -signal.SIGTERM, "")]
)
def test_in_the_foreground_until_it_is_told(foreground, with_a_page, sent, code, said):
    cookie = enter(foreground, foreground.url)
    if with_a_page:
        with open_socket(foreground, cookie) as page:
            page.send(b"one")
            page.recv(LONG)
            foreground.program.send_signal(sent)
            with pytest.raises(ConnectionClosed):
                page.recv(LONG)
    else:
        foreground.program.send_signal(sent)
    assert foreground.program.communicate(timeout=LONG) == (said, "")
    assert foreground.program.returncode == code


# ---------------------------------------------------------------- without the extra


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "websockets"])
@pytest.mark.parametrize("module", ["app", "connection", "serve"])
def test_what_is_missing_is_said(missing, module):
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"try:\n    import deltarule.playground.{module}\n"
        "except ImportError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "The playground's server needs starlette, uvicorn and websockets (got "
        f"'import of {missing} halted; None in sys.modules'). Install them with pip install "
        "'deltarule[play]'.\n"
    )


def test_what_is_not_the_server_needs_none_of_it():
    code = (
        "import sys\n"
        "from deltarule.playground import addresses, assets, guard, headers, keys, room\n"
        "print([name for name in ('starlette', 'uvicorn', 'websockets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""The guard: every route × every method × every attack, by enumeration; and calls at random.

The attacks are made from a caller to whom everything is open: its own address, its own origin, a
session, a token that was not used yet. Each spoils one of these, so that nothing else refuses it.
What is enumerated are the application's routes themselves: one that is added is covered by that.
"""

import asyncio
import json
import random
from dataclasses import replace

import pytest
from playground_callers import (
    CONNECT,
    NEVER,
    OWN_HOST,
    OWN_ORIGIN,
    PAGE,
    PORT,
    Call,
    answer_to,
    ask,
    build,
    request,
    socket,
)
from starlette.routing import Route, WebSocketRoute

from deltarule.playground import guard as guard_module
from deltarule.playground.guard import Guard

METHODS = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW",
]  # fmt: skip
SOCKET = None


@pytest.fixture
def house(tmp_path):
    return build(tmp_path)


def honest(house, method, path):
    """A caller to whom everything is open."""
    cookie = f"{house.guard.cookie}={house.session}"
    if method is SOCKET:
        return socket(path, b"hello", cookie=cookie)
    body = json.dumps({"token": house.token}).encode() if method == "POST" else b""
    return request(method, path, body, cookie=cookie)


def without_key(call, cookie, token):
    call = call.with_header("cookie", *cookie)
    if call.method != "POST":
        return call
    body = json.dumps({"token": token} if token else {}).encode()
    return replace(call, messages=({**call.messages[0], "body": body},))


def with_origin(origin):
    return lambda house, call: [call.with_header("origin", origin)]


def with_host(*hosts):
    """As a browser says it whose address bar names that host."""
    return lambda house, call: [
        call.with_header("host", host).with_header("origin", origin)
        for host in hosts
        for origin in (f"http://{host}", OWN_ORIGIN)
    ]


def oversize(house, call):
    if call.method is SOCKET:
        large = {"type": "websocket.receive", "bytes": bytes(1001)}
        yield replace(call, messages=(CONNECT, large))
    else:
        most = 4096 if call.method == "POST" else 0
        parts = [bytes(most), b"1"]
        for cut in ([b"".join(parts)], parts, [b"1"] * (most + 1)):
            sent = [{"type": "http.request", "body": part, "more_body": True} for part in cut]
            yield replace(call, messages=(*sent, {**sent[0], "body": b"", "more_body": False}))
    yield call.with_header("x-more", "x" * 17000)
    yield replace(call, query=b"x" * 17000)


def slow(house, call):
    if call.method is SOCKET:
        yield replace(call, messages=(NEVER,))
    else:
        # All of the body, so that only its end is missing.
        yield replace(call, messages=({**call.messages[0], "more_body": True}, NEVER))


def as_a_form(house, call):
    if call.method == "POST":
        for kind in (
            "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
            "text/plain; application/json", "application/jsonp", "",
        ):  # fmt: skip
            yield call.with_header("content-type", kind)
        yield call.with_header("content-type")
        yield call.with_header("content-type", "application/json", "text/plain")


#: Each makes calls of an honest one, of which every single one must be refused.
ATTACKS = {
    "no token": lambda house, call: [without_key(call, [], None)],
    "wrong token": lambda house, call: [
        without_key(call, [f"{house.guard.cookie}={guess}"], guess)
        for guess in ("x" * len(house.session), house.session[:-1], "é", "None", house.guard.cookie)
    ],
    "foreign Origin": with_origin("http://evil.example"),
    "null Origin": with_origin("null"),
    "prefix Origin": lambda house, call: [
        call.with_header("origin", OWN_ORIGIN + more) for more in (".evil.example", "0", "/", "@x")
    ],
    "suffix Origin": lambda house, call: [
        call.with_header("origin", origin)
        for origin in (f"http://evil-{OWN_HOST}", f"http://evil.example/{OWN_ORIGIN}", OWN_HOST)
    ],
    "rebinding Host": with_host(f"evil.example:{PORT}", f"{OWN_HOST}.evil.example", "evil.example"),
    "decimal Host": with_host(
        f"2130706433:{PORT}", f"0x7f000001:{PORT}", f"0177.0.0.1:{PORT}", f"127.1:{PORT}"
    ),
    "IPv6 Host": with_host(
        f"[::1]:{PORT}", f"[::ffff:127.0.0.1]:{PORT}", f"[::ffff:7f00:1]:{PORT}"
    ),
    "WebSocket without Origin": lambda house, call: [
        replace(honest(house, SOCKET, call.path).with_header("origin"))
    ],
    "oversize": oversize,
    "slow body": slow,
    "body of a form": as_a_form,
    "another of our own origins": with_origin(f"http://localhost:{PORT}"),
    "Origin twice": lambda house, call: [call.with_header("origin", OWN_ORIGIN, OWN_ORIGIN)],
    "Host twice": lambda house, call: [call.with_header("host", OWN_HOST, OWN_HOST)],
    "no Host": lambda house, call: [call.with_header("host"), call.with_header("host", "")],
    "Host almost": with_host(
        "127.0.0.1", f"127.0.0.1:{PORT + 1}", f"127.0.0.1.:{PORT}", f"localhost.:{PORT}",
        f"LOCALHOST:{PORT}", f"{OWN_HOST} ", f"x@{OWN_HOST}", f"127.0.0.1:0{PORT}",
    ),
}  # fmt: skip


def routes(house):
    return [route.path for route in house.app.app.routes]


#: Seconds after which a caller who waits has made the server wait, too.
HUNG = 1.0


def breaches(house, app, paths):
    """(path, method, attack) of all that was not refused, or changed anything."""
    found = []

    async def attack_all():
        for path in paths:
            for method in [*METHODS, SOCKET]:
                for name, spoil in ATTACKS.items():
                    for call in spoil(house, honest(house, method, path)):
                        before = house.state()
                        try:
                            answer = await asyncio.wait_for(ask(app, call), HUNG)
                        except TimeoutError:
                            found.append((path, method, name))
                            continue
                        # Of an open socket a message is refused, not the socket.
                        shut = method is SOCKET and not answer.accepted
                        refused = shut or answer.status >= 400 or answer.code == 1009
                        same = house.state() == before or answer.code == 1009
                        if not refused or not same or answer.header("set-cookie"):
                            found.append((path, method, name))

    asyncio.run(attack_all())
    return found


def test_every_route_refuses_every_attack_by_every_method(house):
    assert routes(house) == [
        "/assets/core.wasm", "/assets/page-0a1b.css", "/assets/page-0a1b.js", "/engine.json",
        "/favicon.svg", "/", "/enter", "/socket",
    ]  # fmt: skip
    found = breaches(house, house.app, routes(house))
    # The page is shown to callers without a key, and to those with a wrong one.
    shown = {path for path in routes(house) if path not in ("/enter", "/socket")}
    assert set(found) == {
        (path, "GET", attack) for path in shown for attack in ("no token", "wrong token")
    }
    assert house.room.heard == []
    assert house.app.sockets == 0


def test_the_page_holds_no_secret(house):
    for path, content in PAGE.items():
        answer = answer_to(house.app, request("GET", path).with_header("origin"))
        assert answer.status == 200
        assert answer.body == content
        assert answer.header("set-cookie") is None


def test_honest_callers_come_in(house):
    assert answer_to(house.app, honest(house, "GET", "/")).status == 200
    answer = answer_to(house.app, honest(house, SOCKET, "/socket"))
    assert answer.accepted
    assert answer.messages == house.room.heard == [b"hello"]
    assert answer_to(house.app, honest(house, "POST", "/enter")).status == 204


class Planted:
    """An endpoint that someone adds one day: every method, no check of its own."""

    def __init__(self):
        self.calls = []

    async def __call__(self, scope, receive, send):
        self.calls.append((scope["type"], scope.get("method"), scope["path"]))
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept", "headers": [(b"server", b"planted")]})
            message = await receive()
            while message["type"] == "websocket.receive":
                message = await receive()
            return
        headers = [(b"access-control-allow-origin", b"*"), (b"referrer-policy", b"unsafe-url")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"planted"})


@pytest.fixture
def planted(house):
    """A route and a socket more, with parameters in their paths."""
    endpoint = Planted()
    house.app.app.routes.append(Route("/planted/{what}", endpoint))
    house.app.app.routes.append(WebSocketRoute("/planted/{what}", endpoint))
    house.planted = endpoint
    return house


PLANTED = ["/planted/this"]


def test_a_new_route_is_covered_by_itself(planted):
    assert breaches(planted, planted.app, PLANTED) == []
    # Only the sockets whose message was too large were opened; nobody else came so far.
    assert {kind for kind, _, _ in planted.planted.calls} == {"websocket"}
    planted.planted.calls.clear()
    for method in METHODS:
        answer = answer_to(planted.app, honest(planted, method, "/planted/this"))
        assert answer.status == (200 if method in ("GET", "POST") else 405), method
    assert [method for _, method, _ in planted.planted.calls] == ["GET", "POST"]
    assert answer_to(planted.app, honest(planted, SOCKET, "/planted/this")).accepted


def test_without_the_guard_the_new_route_is_found_open(planted):
    """The control: the same attacks reach the route by every method as soon as nobody guards it."""
    found = set(breaches(planted, planted.app.app, PLANTED))
    everywhere = set(ATTACKS) - {"body of a form"}
    assert found == {
        *((PLANTED[0], method, attack) for method in [*METHODS, SOCKET] for attack in everywhere),
        (PLANTED[0], "POST", "body of a form"),
    }  # fmt: skip


#: A check of the guard that is left out → attacks that come through then.
LEFT_OUT = {
    "_size_refusal": {"oversize"},
    "_origin_refusal": {
        "foreign Origin", "null Origin", "prefix Origin", "suffix Origin", "rebinding Host",
        "decimal Host", "IPv6 Host", "WebSocket without Origin", "another of our own origins",
        "Origin twice", "Host twice", "no Host", "Host almost",
    },
    "_key_refusal": {"no token", "wrong token"},
    "_body_refusal": {"body of a form"},
}  # fmt: skip


@pytest.mark.parametrize("check", LEFT_OUT)
def test_every_check_is_needed(planted, monkeypatch, check):
    monkeypatch.setattr(Guard, check, lambda *_: None)
    found = breaches(planted, planted.app, PLANTED)
    assert {attack for _, _, attack in found} == LEFT_OUT[check]
    # The attack by a socket takes no notice of the method.
    met = {method for _, method, attack in found if attack != "WebSocket without Origin"}
    assert met <= {"GET", "POST", SOCKET}


def test_every_method_but_two_is_refused_by_the_guard(planted, monkeypatch):
    for method in METHODS:
        answer = answer_to(planted.app, honest(planted, method, "/planted/this"))
        assert (answer.status, answer.header("allow")) == (
            (200, None) if method in ("GET", "POST") else (405, "GET, POST")
        )
    monkeypatch.setattr(Guard, "_path_refusal", lambda *_: None)
    assert answer_to(planted.app, honest(planted, "BREW", "/planted/this")).status == 200


PATHS = [
    "", "x", "*", "//", "//socket", "/socket/", "/assets/", "/assets//page-0a1b.js", "/.",
    "/assets/../socket", "/assets/..", "/..", "/.git/config", "/assets\\..\\socket", "/socket\0",
    "/socket;x", "/socket%2f", "/söcket", "/socket\n", "http://evil.example/socket", "/a b",
    "/planted/../socket",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_means_one_thing(planted, path):
    for method in ("GET", "POST", SOCKET):
        answer = answer_to(planted.app, honest(planted, method, path))
        assert answer.status == 404
        assert not answer.accepted
    assert planted.planted.calls == []


def test_only_known_scopes_pass(house):
    with pytest.raises(NotImplementedError) as caught:
        asyncio.run(house.app({"type": "webtransport"}, None, None))
    assert str(caught.value) == "scope type must be one of ASGI's (got 'webtransport')."


def test_lifespan_reaches_the_application(house):
    call = replace(Call(None, "/"), messages=tuple(
        {"type": f"lifespan.{part}"} for part in ("startup", "shutdown")
    ))  # fmt: skip
    said = []

    async def live():
        waiting = list(call.messages)

        async def receive():
            return waiting.pop(0)

        async def send(message):
            said.append(message["type"])

        await house.app({"type": "lifespan", "state": {}}, receive, send)

    asyncio.run(live())
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_every_answer_carries_the_headers(planted):
    answers = [
        answer_to(planted.app, call)
        for path in [*routes(planted)[:-2], *PLANTED]
        for method in [*METHODS, SOCKET]
        for call in (
            honest(planted, method, path),
            honest(planted, method, path).with_header("cookie"),
            honest(planted, method, path).with_header("origin", "http://evil.example"),
        )
    ]
    assert {answer.status for answer in answers} >= {0, 200, 204, 403, 404, 405}
    for answer in answers:
        given = dict(answer.headers)
        assert given[b"content-security-policy"].decode() == POLICY
        assert given[b"x-content-type-options"] == b"nosniff"
        assert given[b"referrer-policy"] == b"no-referrer"
        assert given[b"cross-origin-opener-policy"] == b"same-origin"
        assert given[b"cross-origin-resource-policy"] == b"same-origin"
        assert b"camera=()" in given[b"permissions-policy"]
        assert given[b"cache-control"] in (b"no-store", b"no-cache")
        assert not [name for name in given if name.startswith(b"access-control-")]
        names = [name for name, _ in answer.headers]
        assert len(names) == len(set(names))


REFUSALS = [
    ("GET", {"host": "evil.example"}, 403,
     "The address must be one of this server's. Open the link that it printed."),
    ("GET", {"origin": "null"}, 403,
     "Only the server's own page may ask this. Open the link that it printed."),
    ("GET", {"cookie": ""}, 403,
     "This browser has no key. Open the link that the server printed."),
    ("PUT", {}, 405,
     "The method must be GET or POST. Open the link that the server printed."),
    ("POST", {"content-type": "text/plain"}, 415,
     "The body must be application/json. Say so in Content-Type."),
    ("GET", {"x": "x" * 20000}, 431,
     "Path and headers must be shorter. Delete cookies of this machine."),
]  # fmt: skip


@pytest.mark.parametrize(("method", "headers", "status", "sentence"), REFUSALS)
def test_a_refusal_is_a_sentence(house, method, headers, status, sentence):
    call = honest(house, method, "/enter")
    for name, value in headers.items():
        call = call.with_header(name, value)
    answer = answer_to(house.app, call)
    assert (answer.status, answer.body.decode()) == (status, sentence)
    assert answer.header("content-type") == "text/plain; charset=utf-8"
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("connection") == "close"  # what is still being sent is not waited for


def test_bodies_are_refused_in_a_sentence(house):
    call = honest(house, "POST", "/enter")
    sentences = {
        413: "The body must be smaller, and only a POST has one. Send less.",
        408: "The body must be there in time. Send it at once.",
    }
    for attack, status in ((oversize, 413), (slow, 408)):
        answer = answer_to(house.app, next(iter(attack(house, call))))
        assert (answer.status, answer.body.decode()) == (status, sentences[status])


def test_a_socket_is_refused_in_the_servers_way(house):
    call = honest(house, SOCKET, "/socket").with_header("cookie")
    answer = answer_to(house.app, call)
    assert (answer.status, answer.accepted, answer.code) == (403, False, None)
    answer = answer_to(house.app, replace(call, extensions=False))
    assert (answer.status, answer.accepted, answer.code) == (0, False, 1008)


def test_a_caller_who_goes_is_not_answered(house):
    call = replace(honest(house, "POST", "/enter"), messages=({"type": "http.disconnect"},))
    assert answer_to(house.app, call).status == 0


def test_messages_of_a_socket_have_a_limit_and_are_bytes(house):
    for message, code in (
        ({"bytes": bytes(1000)}, None), ({"bytes": bytes(1001)}, 1009), ({"text": "hello"}, 1003),
        ({"bytes": None, "text": "hello"}, 1003),
    ):  # fmt: skip
        call = honest(house, SOCKET, "/socket")
        sent = {"type": "websocket.receive", **message}
        answer = answer_to(house.app, replace(call, messages=(*call.messages, sent, sent)))
        assert answer.code == code
        assert house.room.heard.pop(0) == b"hello"
        assert house.room.heard == ([] if code else [bytes(1000)] * 2)
        house.room.heard.clear()
    assert house.room.farewells == house.room.visits == 4


def test_sockets_are_counted(tmp_path):
    house = build(tmp_path, sockets=2)

    async def crowd():
        call = replace(honest(house, SOCKET, "/socket"), messages=(CONNECT, NEVER))
        staying = [asyncio.create_task(ask(house.app, call)) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert house.app.sockets == 2
        third = await ask(house.app, call)
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, return_exceptions=True)
        return third, await ask(house.app, honest(house, SOCKET, "/socket"))

    third, later = asyncio.run(crowd())
    assert (third.accepted, third.code, house.room.visits) == (True, 1013, 3)
    assert later.messages == [b"hello"]
    assert house.app.sockets == 0


class Falling:
    async def meet(self, socket):
        await socket.receive()
        raise ZeroDivisionError("a planted defect")


def test_a_defect_closes_one_socket_and_is_told(tmp_path, caplog):
    house = build(tmp_path, Falling())
    answer = answer_to(house.app, replace(honest(house, SOCKET, "/socket")))
    assert (answer.accepted, answer.code) == (True, 1011)
    assert "A room of the playground met a defect." in caplog.text
    assert "a planted defect" in caplog.text
    assert house.app.sockets == 0


class Broken:
    """An endpoint that raises before it answers."""

    async def __call__(self, scope, receive, send):
        raise ZeroDivisionError("a planted defect")


def test_a_defect_of_a_route_is_told_in_words(house, caplog):
    house.app.app = Broken()
    sentence = "The server met a defect. What went wrong stands where it was started."
    for method in ("GET", SOCKET):
        answer = answer_to(house.app, honest(house, method, "/socket"))
        assert (answer.status, answer.body.decode()) == (500, sentence)
    assert [str(record.exc_info[1]) for record in caplog.records] == ["a planted defect"] * 2


# ---------------------------------------------------------------- at random


def any_text(chance):
    letters = "".join(chr(chance.choice((chance.randrange(256), chance.randrange(32, 127))))
                      for _ in range(chance.randrange(40)))  # fmt: skip
    return chance.choice((letters, OWN_HOST, OWN_ORIGIN, "null", "", "localhost", "x" * 9000))


def any_body(chance, house):
    guess = chance.choice(("", house.token[:-1], house.token[::-1], "\ud800", "é" * 40))
    return chance.choice((
        json.dumps({"token": guess}).encode(), json.dumps({"token": [guess]}).encode(),
        b"[" * 4096, b'{"token":' * 400, b"\xff\xfe", b"null", b"1e999", b"", b"NaN", b"{}",
        chance.randbytes(chance.randrange(5000)),
    ))  # fmt: skip


def any_call(chance, house):
    """A call without the token: most of it as it should be, and the rest anything."""
    known = chance.choice((*routes(house), "/enter"))
    path = chance.choice((known, known, chance.choice(PATHS), f"/{any_text(chance)}"))
    other = chance.choice((chance.choice(METHODS), any_text(chance)))
    method = chance.choice(("GET", "POST", "POST", "POST", SOCKET, SOCKET, other))
    call = honest(house, method, path)
    call = without_key(call, [f"{house.guard.cookie}={any_text(chance)}", any_text(chance)], "x")
    for name in ("host", "origin", "content-type", "cookie", "if-none-match"):
        if chance.random() < 0.1:
            call = call.with_header(name, *(any_text(chance) for _ in range(chance.randrange(3))))
    if method is not SOCKET:
        parts = [any_body(chance, house) for _ in range(chance.choice((1, 1, 1, 2, 5)))]
        sent = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        sent[-1]["more_body"] = False
        end = chance.choice(([], [], [{"type": "http.disconnect"}]))
        call = replace(call, messages=tuple(end or sent))
    query = chance.choice((b"", f"token={house.token}".encode(), chance.randbytes(20)))
    return replace(call, query=query, extensions=chance.random() < 0.9)


def check_calls_at_random(house, number, seed):
    chance, before = random.Random(seed), house.state()
    statuses = {}

    async def call_all():
        for _ in range(number):
            call = any_call(chance, house)
            answer = await ask(house.app, call)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            assert answer.status != 500, call
            assert not answer.accepted, call
            assert answer.header("set-cookie") is None, call
            assert house.state() == before, call

    asyncio.run(call_all())
    assert {0, 200, 400, 403, 404, 405, 413, 415, 431} <= set(statuses), statuses
    # After all of that, what is right still works.
    assert answer_to(house.app, honest(house, "POST", "/enter")).status == 204


def test_calls_at_random_change_nothing(house):
    check_calls_at_random(house, 2000, seed=1)


@pytest.mark.long
def test_twenty_thousand_calls_at_random_change_nothing(house):
    check_calls_at_random(house, 20_000, seed=2)


def test_calls_at_random_would_find_an_open_door(house, monkeypatch):
    monkeypatch.setattr(guard_module.Keys, "knows", lambda self, session: True)
    with pytest.raises(AssertionError):
        check_calls_at_random(house, 2000, seed=1)
    assert house.room.visits == 1

"""The routes behind the guard: the page, the exchange of a token, the socket."""

import json
from dataclasses import replace

import pytest
from playground_callers import (
    OWN_ORIGIN,
    PAGE,
    answer_to,
    build,
    request,
    socket,
    write_page,
)

from deltarule.exceptions import InvalidParameterError
from deltarule.playground.app import application
from deltarule.playground.guard import Guard


@pytest.fixture
def house(tmp_path):
    return build(tmp_path)


# ---------------------------------------------------------------- the page

MEDIA_TYPES = {
    "/": "text/html; charset=utf-8",
    "/engine.json": "application/json",
    "/favicon.svg": "image/svg+xml",
    "/assets/page-0a1b.js": "text/javascript; charset=utf-8",
    "/assets/page-0a1b.css": "text/css; charset=utf-8",
    "/assets/core.wasm": "application/wasm",
}


@pytest.mark.parametrize("path", MEDIA_TYPES)
def test_assets(house, path):
    answer = answer_to(house.app, request("GET", path))
    assert answer.status == 200
    assert answer.body == PAGE[path]
    assert answer.header("content-type") == MEDIA_TYPES[path]
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("cache-control") == "no-cache"
    etag = answer.header("etag")
    assert len(etag) == 34
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = answer_to(house.app, request("GET", path, if_none_match=known))
        assert (again.status, again.body, again.header("etag")) == (304, b"", etag)
    changed = answer_to(house.app, request("GET", path, if_none_match='"other"'))
    assert (changed.status, changed.body) == (200, answer.body)


def test_what_is_not_an_asset_is_not_found(house):
    cookie = f"{house.guard.cookie}={house.session}"
    for path in ("/index.html", "/assets", "/assets/page.js", "/app.py", "/Favicon.svg"):
        assert answer_to(house.app, request("GET", path, cookie=cookie)).status == 404, path
        assert answer_to(house.app, request("GET", path)).status == 403, path


def test_hidden_files_are_no_assets(tmp_path):
    for name in (".DS_Store", "assets/.page.js.swp", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    paths = {route.path for route in build(tmp_path).app.app.routes}
    assert paths == {*MEDIA_TYPES, "/enter", "/socket"}


def test_a_folder_without_a_page_is_refused(tmp_path):
    guard = Guard("127.0.0.1", 8000)
    with pytest.raises(InvalidParameterError) as caught:
        application(None, guard, tmp_path / "nowhere")
    assert str(caught.value) == (
        f"static must be a folder with an index.html (got '{tmp_path}/nowhere' without one). Build "
        "the page with make web, or install deltarule anew."
    )


@pytest.mark.parametrize("name", ["page.exe", "page", "a page.js", "pagé.js", "page.JS"])
def test_a_file_that_no_browser_could_ask_for_is_refused(tmp_path, name):
    (write_page(tmp_path) / "assets" / name).write_bytes(b"")
    with pytest.raises(InvalidParameterError) as caught:
        application(None, Guard("127.0.0.1", 8000), tmp_path)
    assert str(caught.value) == (
        "static must hold files with plain names that end with one of .css, .html, .ico, .js, "
        ".json, .map, .mjs, .png, .svg, .txt, .wasm, .webmanifest, .woff2 (got "
        f"'/assets/{name}'). Take it out, or give the ending its media type in assets.py."
    )


# ---------------------------------------------------------------- the way in


def enter(house, token, **headers):
    body = json.dumps({"token": token}).encode()
    return answer_to(house.app, request("POST", "/enter", body, **headers))


def test_a_token_is_exchanged_once(house):
    answer = enter(house, house.token)
    assert (answer.status, answer.body) == (204, b"")
    name, _, rest = answer.header("set-cookie").partition("=")
    session, *settings = rest.split("; ")
    assert name == "deltarule-8000"
    assert sorted(settings) == ["HttpOnly", "Path=/", "SameSite=strict"]
    assert len(session) == 43
    assert house.token not in answer.header("set-cookie")
    cookie = f"theme=dark; {name}={session}"
    assert answer_to(house.app, socket("/socket", b"1", cookie=cookie)).messages == [b"1"]
    again = enter(house, house.token, cookie=cookie)
    assert (again.status, again.body.decode()) == (
        403, "This link was used before, or is of an earlier server. Ask for a new one.",
    )  # fmt: skip
    assert again.header("set-cookie") is None
    # The page loaded again: its cookie is enough.
    assert answer_to(house.app, socket("/socket", b"2", cookie=cookie)).messages == [b"2"]


def test_a_second_browser_comes_in_by_a_second_token(house):
    tokens = [house.guard.new_token() for _ in range(3)]
    sessions = {enter(house, token).header("set-cookie") for token in (*tokens, house.token)}
    assert len(sessions) == 4
    link = house.guard.new_link()
    assert link.startswith(f"{OWN_ORIGIN}/#token=")
    assert enter(house, link.partition("=")[2]).status == 204


def test_a_session_is_no_token_and_a_token_no_session(house):
    assert enter(house, house.session).status == 403
    for value in (house.token, f'"{house.session}"', ""):
        cookie = f"{house.guard.cookie}={value}"
        assert answer_to(house.app, socket("/socket", cookie=cookie)).status == 403
    for name in ("deltarule", "deltarule-8001", "x-deltarule-8000"):
        assert (
            answer_to(house.app, socket("/socket", cookie=f"{name}={house.session}")).status == 403
        )


def test_any_cookie_of_the_name_will_do(house):
    """A page on another port of this host can set one of the same name, and cannot keep us out."""
    name = house.guard.cookie
    call = socket("/socket", b"1", cookie=f"{name}=x;{name}={house.session} ; {name}=é")
    assert answer_to(house.app, call).messages == [b"1"]
    call = socket("/socket", b"1").with_header("cookie", f"{name}=x", f"{name}={house.session}")
    assert answer_to(house.app, call).messages == [b"1"]


def test_behind_a_proxy_the_cookie_is_for_https_alone(tmp_path):
    guard = Guard("127.0.0.1", 8000, allow_hosts=["https://lab.example.org"])
    app = application(None, guard, write_page(tmp_path))
    assert guard.first_link.startswith("https://lab.example.org/#token=")
    for host, origin, secure in (
        ("lab.example.org", "https://lab.example.org", True),
        ("localhost:8000", "http://localhost:8000", False),
    ):
        body = json.dumps({"token": guard.new_token()}).encode()
        answer = answer_to(app, request("POST", "/enter", body, host=host, origin=origin))
        assert ("Secure" in answer.header("set-cookie").split("; ")) is secure
    for host, origin in (
        ("lab.example.org", "http://lab.example.org"), ("lab.example.org", "http://localhost:8000"),
        ("localhost:8000", "https://lab.example.org"), ("lab.example.org:8000", None),
    ):  # fmt: skip
        call = request("POST", "/enter", body, host=host, origin=origin or f"http://{host}")
        assert answer_to(app, call).status == 403


NO_TOKENS = [
    b"", b"{", b"[]", b"null", b'"token"', b"{}", b'{"token": null}', b'{"token": ["x"]}',
    b'{"token": "x", "more": 1}', b'{"Token": "x"}', b"\xff", b"[" * 4096, b'{"a":' * 800,
]  # fmt: skip


@pytest.mark.parametrize("body", NO_TOKENS)
def test_the_body_holds_a_token(house, body):
    answer = answer_to(house.app, request("POST", "/enter", body))
    assert (answer.status, answer.body.decode()) == (
        400, 'The body must be {"token": "…"}. Open the link that the server printed.',
    )  # fmt: skip
    assert enter(house, house.token).status == 204


@pytest.mark.parametrize("token", ["", "x", "\ud800", "é" * 43, "\0"])
def test_any_text_is_compared(house, token):
    assert enter(house, token).status == 403


def test_the_body_may_come_in_parts_with_a_charset(house):
    body = json.dumps({"token": house.token}).encode()
    call = request("POST", "/enter", content_type="application/json; charset=utf-8")
    parts = [{"type": "http.request", "body": body[i : i + 9], "more_body": True}
             for i in range(0, len(body), 9)]  # fmt: skip
    end = {"type": "http.request", "body": b"", "more_body": False}
    assert answer_to(house.app, replace(call, messages=(*parts, end))).status == 204


# ---------------------------------------------------------------- the socket


class Leaving:
    """Says a word and has enough."""

    async def meet(self, socket):
        await socket.send(b"good day")


def test_when_the_room_has_enough_the_socket_is_closed(tmp_path):
    house = build(tmp_path, Leaving())
    cookie = f"{house.guard.cookie}={house.session}"
    answer = answer_to(house.app, socket("/socket", cookie=cookie))
    assert (answer.messages, answer.code) == ([b"good day"], 1000)


class Persistent:
    """Goes on receiving and sending when the page is gone."""

    def __init__(self):
        self.told = []

    async def meet(self, socket):
        for _ in range(3):
            try:
                await socket.receive()
            except socket.disconnected:
                self.told.append("receive")
            try:
                await socket.send(b"still there?")
            except socket.disconnected:
                self.told.append("send")


def test_a_page_that_is_gone_stays_gone(tmp_path):
    room = Persistent()
    house = build(tmp_path, room)
    cookie = f"{house.guard.cookie}={house.session}"
    # A server says by OSError that it can send no more; the guard does after it closed a socket.
    answer = answer_to(house.app, socket("/socket", bytes(1001), cookie=cookie))
    assert (answer.messages, answer.code) == ([], 1009)
    assert room.told == ["receive", "send"] * 3

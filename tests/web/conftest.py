"""The page in a real browser: on the library's server, and as a static folder.

Run by `make test-web`. Debian's Chromium drives the page that `make web` built; without it, or
without Playwright, these tests are left out with a sentence.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

STATIC = Path(__file__).resolve().parents[2] / "src" / "deltarule" / "playground" / "static"
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium")


#: What `make test-web` drives: of every part of the page some, on the engines that are named. The
#: others take a quarter of an hour more and are long.
EVERYDAY = {
    "test_xor_is_trained_and_taken_back": ("server", "static"),
    "test_layers_and_units_are_added_and_removed": ("server",),
    "test_a_training_that_runs_away_is_taken_back": ("static",),
    "test_weights_and_losses_are_the_librarys": ("server",),
    "test_the_numbers_are_the_engines_bit_for_bit": ("server-units0",),
    "test_a_step_leads_to_the_weights_that_were_shown": ("server", "static"),
    "test_the_lines_are_walked_by_buttons_and_by_arrows": ("static",),
    "test_xor_with_two_hidden_units_shows_its_local_minima": ("static",),
    "test_a_table_is_pasted_looked_at_and_used": ("server",),
    "test_names_in_html_are_text": ("static",),
    "test_points_are_placed_by_pointer_and_by_keys": ("static",),
    "test_a_lesson_is_done_with_the_keyboard_alone": ("static",),
    "test_choices_are_in_the_address_and_rooms_in_the_history": ("server",),
    "test_a_model_is_opened_moved_and_taken": ("",),
    "test_a_model_of_a_table_is_shown_in_its_own_units": ("",),
    "test_a_page_saves_what_it_trains_as_one_file": ("static",),
    "test_it_is_walked_forward_and_back": ("",),
    "test_what_cannot_be_read_is_told_in_one_sentence": ("static",),
    "test_what_is_chosen_while_the_page_begins_is_taken": ("hello", "open"),
    "test_a_slice_through_two_weights_holds_the_objective": ("server",),
    "test_what_a_task_says_is_in_sight": ("static-420",),
    "test_a_training_goes_on_after_a_reload_to_the_last_bit": ("static",),
    "test_nothing_is_lost_with_a_server": ("this",),
    "test_no_room_keeps_people_out": ("server-light", "static-dark"),
    "test_no_room_is_wider_than_the_screen": ("static-400",),
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as long what is not of every day."""
    for item in items:
        name, _, case = item.name.partition("[")
        if not any(case.startswith(begin) for begin in EVERYDAY.get(name, ())):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Gives out a folder without a word."""

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def static_url() -> Iterator[Callable[[], str]]:
    """The folder from a plain static host: the engine is WebAssembly."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=STATIC))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield lambda: f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def server_url() -> Iterator[Callable[[], str]]:
    """The library's own server: a link for each browser that is opened."""
    from playground_server import served

    with served() as server:
        yield server.new_url


@pytest.fixture(params=["server", "static"])
def open_page(request: Any, browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page at an address' state; afterwards nothing may have gone wrong on it."""
    link = request.getfixturevalue(f"{request.param}_url")
    base = link().partition("#")[0]
    contexts, troubles, foreign = [], [], []

    def watched(page: Any) -> Any:
        page.on("console", lambda m: m.type in ("error", "warning") and troubles.append(m.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda r: (
                r.url.startswith((base, "data:", "blob:", base.replace("http", "ws")))
                or foreign.append(r.url)
            ),
        )
        return page

    def opened(state: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 860}, **options})
        contexts.append(context)
        page = watched(context.new_page())
        address, _, token = link().partition("#")
        page.goto(f"{address}#{'&'.join(filter(None, (token, state)))}")
        page.locator(".transport").wait_for()
        # It has begun: there are numbers.
        page.locator(".counters dd").first.wait_for(state="attached")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []
    assert foreign == []


def serious_findings(page: Any) -> list[str]:
    """What axe-core finds that keeps people out: serious and critical."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; window.axe = axe;")
    found = page.evaluate("axe.run()")["violations"]
    return [
        f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:120]})"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]

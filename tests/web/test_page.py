"""Every room: for every person, in light and dark, on wide screens and narrow ones."""

from __future__ import annotations

import pytest
from conftest import STATIC, serious_findings

ROOMS = ["network", "step", "landscape", "data", "lessons"]
WIDTHS = [1360, 800, 400]


def enter(page, room: str) -> None:
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name=room.title()).click()
    page.locator("main").wait_for()
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_room_keeps_people_out(open_page, theme):
    page = open_page(color_scheme=theme)
    for room in ROOMS:
        enter(page, room)
        assert serious_findings(page) == [], room


@pytest.mark.parametrize("width", WIDTHS)
def test_no_room_is_wider_than_the_screen(open_page, width):
    page = open_page(viewport={"width": width, "height": 800})
    for room in ROOMS:
        enter(page, room)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{room}: {wide} at {width}"


def test_every_control_has_a_name_and_is_reached_by_keyboard(open_page):
    page = open_page()
    for room in ROOMS:
        enter(page, room)
        unreached = page.evaluate(
            """() => [...document.querySelectorAll('button, a[href], input, select, textarea')]
                .filter((node) => node.offsetParent && !node.disabled && node.tabIndex < 0)
                .map((node) => node.outerHTML.slice(0, 100))"""
        )
        assert unreached == [], room


@pytest.mark.parametrize("width", [420, 360])
def test_the_bar_that_moves_the_training_leaves_room_on_a_telephone(open_page, width):
    page = open_page("batch_size=2&held=0.25", viewport={"width": width, "height": 850})
    page.locator(".counters").wait_for()
    bar = page.get_by_role("group", name="Training")
    assert bar.bounding_box()["height"] <= 90
    main = bar.get_by_role("button").all_text_contents()
    assert main[:4] == ["▶ Train", "One mini-batch", "One epoch", "↶ Back"]
    cut = "nodes => nodes.map(node => node.scrollWidth - node.clientWidth)"
    assert max(bar.locator(".moves button").evaluate_all(cut)) <= 0
    more = bar.get_by_role("button", name="Pace, seeds and keys")
    more.press("Enter")
    for name in ("↺ Same seed again", "Another seed", "Keys and help"):
        assert bar.get_by_role("button", name=name).is_visible()
    assert bar.get_by_role("slider", name="pace").is_visible()
    assert more.get_attribute("aria-expanded") == "true"
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    more.press("Enter")
    assert not bar.get_by_role("button", name="Another seed").is_visible()


def test_a_theme_of_the_address_is_that_of_pictures_too(open_page):
    page = open_page("theme=light", color_scheme="light")
    page.locator(".counters").wait_for()
    enter(page, "data")
    # On an empty canvas the last colour is that of the words.
    colours = """() => [getComputedStyle(document.documentElement).backgroundColor,
        document.querySelector('canvas.data-points').getContext('2d').fillStyle]"""
    assert page.evaluate(colours) == ["rgb(246, 245, 242)", "#5b616e"]
    page.evaluate("() => { location.hash = 'theme=dark&room=data' }")
    page.locator("html[data-theme=dark]").wait_for()
    page.wait_for_timeout(100)
    assert page.evaluate(colours) == ["rgb(20, 22, 26)", "#a3a8b3"]


def test_a_page_that_cannot_begin_says_what_it_needs(browser):
    page = browser.new_page()
    page.goto((STATIC / "index.html").as_uri())
    page.get_by_text("This page has not begun. It needs a host of static files").wait_for()
    page.get_by_text("python -m http.server --bind 127.0.0.1").wait_for()
    page.close()


def test_a_refusal_of_a_number_is_gone_once_a_good_one_stands_there(open_page):
    page = open_page()
    field = page.get_by_label("step size α₀, as a number")
    field.fill("many")
    field.press("Enter")
    page.get_by_text("step size α₀ must be a number from").wait_for()
    field.fill("0.5")
    page.locator(".field-problem").wait_for(state="detached")
    field.fill("none")
    field.press("Enter")
    page.locator(".field-problem").wait_for()
    # The number changes elsewhere.
    page.get_by_label("step size α₀", exact=True).press("ArrowRight")
    page.locator(".field-problem").wait_for(state="detached")

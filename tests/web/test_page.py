"""Every room: for every person, in light and dark, on wide screens and narrow ones."""

from __future__ import annotations

import pytest
from conftest import serious_findings

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

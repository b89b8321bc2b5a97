"""The network room, driven as a person would."""

from __future__ import annotations


def test_xor_is_trained_and_taken_back(open_page):
    page = open_page()
    page.get_by_role("button", name="One epoch").click()
    page.get_by_role("button", name="Back").click()
    counters = page.locator(".transport dd")
    page.wait_for_function("document.querySelector('.counters dd').textContent === '0'")
    page.get_by_role("button", name="Train").click()
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Pause").click()
    assert counters.nth(0).text_content() != "0"

"""The step room's picture: no number in it touches another thing, whatever the width."""

from __future__ import annotations

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

# Texts whose letters touch each other or a unit, that stick out of their unit, or that are cut off.
CLASHES = """() => {
  const svg = document.querySelector(".step-picture svg");
  const frame = svg.getBoundingClientRect();
  const area = (node, less) => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return { node, left, right, top: top + less, bottom: bottom - less };
  };
  const meet = (a, b) =>
    a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom && b.top < a.bottom;
  const texts = [...svg.querySelectorAll("text")].map((node) => area(node, 3));
  const units = [...svg.querySelectorAll(".step-unit rect")].map((node) => area(node, 1));
  const name = ({ node }) => node.textContent || node.parentNode.getAttribute("aria-label");
  const found = [];
  for (const one of [...texts, ...units])
    if (one.left < frame.left || one.right > frame.right
        || one.top < frame.top || one.bottom > frame.bottom) found.push(`cut: ${name(one)}`);
  texts.forEach((text, index) => {
    for (const other of texts.slice(index + 1))
      if (meet(text, other)) found.push(`${name(text)} × ${name(other)}`);
    for (const unit of units) {
      const inside = unit.node.parentNode.contains(text.node)
        && !text.node.matches(".step-delta, .step-bias");
      if (inside && (text.left < unit.left || text.right > unit.right))
        found.push(`${name(text)} is wider than its unit`);
      if (!inside && meet(text, unit)) found.push(`${name(text)} × unit of ${name(unit)}`);
    }
  });
  return found;
}"""

STATES = (
    "",
    "hidden=8,8&set=circle",
    "set=iris&hidden=4,16&loss=log_loss",
    "hidden=4,3&optimizer=adam&activation=tanh",
    "hidden=6,6,6,6,6,6",
    "hidden=64,64,64,64,64,64&activation=tanh",
)
WIDTHS = (420, 800, 1280, 1920)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state or "2-3-1")
def test_nothing_in_the_picture_touches_another_thing(open_page, state):
    page = open_page("&".join(filter(None, ("v=1&room=step", state))))
    page.locator(".step-card").wait_for()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 860})
        for phase in ("Forward", "Backward", "Update"):
            page.locator(".step-phase h2 button", has_text=phase).click()
            page.locator(f".step-phase h2 button[aria-pressed=true]:has-text('{phase}')").wait_for()
            assert page.evaluate(CLASHES) == [], f"{width} wide, {phase}"
        page.keyboard.press("End")
        page.locator(".step-card button:has-text('Next line')[disabled]").wait_for()
        assert page.evaluate(CLASHES) == [], f"{width} wide, the end"


def test_a_number_of_many_digits_is_rounded_until_it_is_changed(open_page):
    page = open_page("v=1&room=step&set=circle")
    field = page.get_by_label("x₂", exact=True)
    field.wait_for()
    assert field.input_value() == "−0.6097"
    whole = field.get_attribute("title")
    assert field.evaluate("field => field.scrollWidth <= field.clientWidth")
    field.focus()
    assert field.input_value() == whole == "−0.609702908065"
    page.keyboard.press("Tab")
    assert field.input_value() == "−0.6097"
    assert page.get_by_label("sample", exact=True).input_value() == "drawn"
    field.fill("0.25")
    page.keyboard.press("Enter")
    page.get_by_text("sample of your own").wait_for()
    expect(field).to_have_value("0.25")

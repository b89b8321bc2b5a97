"""The landscape room, driven as a person would; its numbers are those of the library."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import serious_findings

import deltarule as dr

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
PARITY = np.array([[0.0], [1.0], [1.0], [0.0]])

#: The page's first seed, and the epochs that its schedules count on.
SEED, HORIZON = 3, 1000
LONG = 60_000


def network_of(hidden: int) -> dr.Network:
    return dr.Network(units=(2, hidden, 1), activations="logistic")


def trained(hidden: int, seeds: range, epochs: int, **changes) -> list[dr.Parameters]:
    """The page's restarts, by the library."""
    network = network_of(hidden)
    plan = {"learning_rate_init": 1.0, "batch_size": 1, "sampling": "replacement", **changes}
    states = [
        dr.TrainingState(dr.initialize(network, seed), np.zeros((0, network.size)), horizon=HORIZON)
        for seed in seeds
    ]
    plans = [dr.TrainingPlan(**plan, max_epochs=epochs, patience=None, key=key) for key in seeds]
    return [end.parameters for end in dr.train_many(network, states, XOR, PARITY, plans)]


def objective(parameters: dr.Parameters) -> float:
    return dr.objective(parameters.network, parameters, XOR, PARITY)


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", "").replace("∞", "inf"))


def numbers(text: str) -> list[float]:
    """All numbers of a sentence, without the point that ends it."""
    found = re.findall(r"−?\d[\d,]*(?:\.\d+)?(?:e−?\d+)?", text)
    return [number(each) for each in found]


def close(shown: float, wanted: float) -> bool:
    """As near as three digits tell."""
    return abs(shown - wanted) <= 0.006 * abs(wanted)


def enter(page, view: str = "Restarts") -> None:
    rooms = page.get_by_role("navigation", name="Rooms")
    rooms.get_by_role("link", name="Landscape").click()
    page.get_by_role("navigation", name="Views of the landscape").get_by_text(view).click()


def fill(page, label: str, value: float) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")


def press(page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def finished(page) -> None:
    """Until nothing is under way any more."""
    page.locator(".landscape-progress").wait_for(state="detached", timeout=LONG)
    page.locator(".landscape-result").wait_for(timeout=LONG)


def restart(page, count: int, epochs: int) -> str:
    fill(page, "restarts", count)
    fill(page, "epochs", epochs)
    press(page, f"Train {count} restarts")
    said = page.locator(".landscape-result", has_text="The best reached")
    said.or_(page.locator(".landscape-result", has_text="diverged")).wait_for(timeout=LONG)
    return page.locator(".landscape-result").text_content()


def counter(page, name: str) -> float:
    entry = page.locator(".counters div", has_text=name)
    return number(entry.locator("dd").text_content().split(" ")[0])


def test_xor_with_two_hidden_units_shows_its_local_minima(open_page):
    page = open_page()
    enter(page)
    press(page, "2 hidden units")
    said = page.locator(".landscape-result", has_text="ended in a worse place")
    said.wait_for(timeout=LONG)
    ends = np.array([objective(end) for end in trained(2, range(SEED, SEED + 100), 2000)])
    begun = [objective(dr.initialize(network_of(2), seed)) for seed in range(SEED, SEED + 100)]
    limit = ends.min() + 0.1 * (sorted(begun)[49] - ends.min())
    worse, count, at, epochs, best, middle = numbers(said.text_content())
    assert (worse, count, epochs) == ((ends > limit).sum(), 100, 2000)
    assert worse > 10
    assert close(at, limit)
    assert close(best, ends.min())
    assert close(middle, sorted(ends)[49])
    page.get_by_text("All restarts as a table").click()
    cells = page.locator(".landscape-table tbody tr").all_inner_texts()
    shown = {int(row.split("\t")[2]): number(row.split("\t")[4]) for row in cells}
    assert all(close(shown[SEED + index], end) for index, end in enumerate(ends))


def test_a_restart_is_taken_up_where_it_ended_and_watched_from_its_first_step(open_page):
    page = open_page()
    enter(page)
    restart(page, 6, 400)
    page.get_by_role("list", name="Decision maps").get_by_role("button").last.click()
    chosen = page.get_by_role("group", name="The restart that is chosen")
    seed, last, _, first = numbers(chosen.text_content().split("seed")[1])
    press(page, "Train on from here")
    page.get_by_text("The training now has the weights of restart").wait_for()
    assert counter(page, "objective J") == last
    press(page, "Watch it from its first step")
    page.get_by_text("at its first weights: press Train").wait_for()
    assert counter(page, "objective J") == first
    assert close(first, objective(dr.initialize(network_of(3), int(seed))))


def test_a_long_work_says_how_far_it_is_and_the_page_stays_usable(open_page):
    page = open_page()
    enter(page)
    fill(page, "restarts", 50)
    fill(page, "epochs", 1_000_000)
    press(page, "Train 50 restarts")
    page.get_by_role("progressbar").wait_for(timeout=2000)
    page.get_by_text(re.compile(r"\d+ s left")).wait_for(timeout=LONG)
    press(page, "One epoch")
    page.locator(".counters dd", has_text=re.compile("^1$")).wait_for(timeout=LONG)
    press(page, "Stop")
    page.locator(".landscape-progress").wait_for(state="detached")
    page.locator(".landscape-result", has_text="of 50 restarts").wait_for()
    assert page.get_by_role("list", name="Decision maps").is_visible()


def test_restarts_that_diverge_are_said_to(open_page):
    page = open_page("room=landscape&set=plane&learning_rate_init=100")
    assert restart(page, 4, 20) == (
        "All 4 restarts diverged: their numbers ran away. Lower the step size."
    )
    page.get_by_text("All restarts as a table").click()
    rows = page.locator(".landscape-table tbody tr").all_inner_texts()
    assert all("∞" in row and "diverged" in row for row in rows)


def test_a_slice_through_two_weights_holds_the_objective(open_page):
    page = open_page()
    enter(page, "Surface")
    press(page, "Draw the surface")
    finished(page)
    network = network_of(3)
    start = dr.initialize(network, SEED)
    first, second = 0, network.layout[2].start
    table = page.locator(".landscape-surface table")
    rows = [row.split("\t")[1:] for row in table.locator("tbody tr").all_inner_texts()]
    grid = np.linspace(-6, 6, 5)
    for up, row in zip(grid[::-1], rows, strict=True):
        for right, shown in zip(grid, row, strict=True):
            vector = start.vector.copy()
            vector[first] += right
            vector[second] += up
            assert close(number(shown), objective(start.replace(vector=vector)))


def test_the_slice_follows_the_training_and_the_weights_can_be_put_anywhere_on_it(open_page):
    page = open_page()
    enter(page, "Surface")
    press(page, "Draw the surface")
    finished(page)
    press(page, "One epoch")
    page.get_by_text("Slice through epoch 1:").wait_for(timeout=LONG)
    finished(page)
    surface = page.get_by_role("group", name="The surface: arrow keys move a point over it")
    surface.focus()
    for _ in range(3):
        surface.press("Shift+ArrowRight")
    chosen = page.get_by_role("group", name="The point that is chosen")
    chosen.get_by_text(re.compile(r"J = \d")).wait_for()
    right, _, wanted = numbers(re.sub(r"W.\[\d,\d\]", "", chosen.text_content()))
    press(page, "Put the weights here")
    page.get_by_text("The training now stands at the point that you chose").wait_for()
    assert counter(page, "objective J") == wanted
    start = dr.initialize(network_of(3), SEED)
    assert right > start.vector[0] + 3


def test_the_line_between_two_minima_says_how_high_the_wall_is(open_page):
    page = open_page()
    enter(page)
    press(page, "2 hidden units")
    page.locator(".landscape-result", has_text="The best reached").wait_for(timeout=LONG)
    restart(page, 8, 1200)
    enter(page, "Surface")
    page.get_by_label("slice", exact=True).select_option("line")
    press(page, "Draw the surface")
    finished(page)
    ends = sorted(trained(2, range(SEED, SEED + 8), 1200), key=objective)
    a, b = ends[0].vector, ends[-1].vector
    line = [objective(ends[0].replace(vector=a + s * (b - a))) for s in np.linspace(0, 1, 251)]
    at_a, at_b, top, share, wall = numbers(page.locator(".landscape-result").text_content())
    assert close(at_a, line[0])
    assert close(at_b, line[-1])
    assert close(top, max(line))
    assert abs(share / 100 - np.argmax(line) / 250) < 0.03
    assert abs(wall - (max(line) - max(line[0], line[-1]))) < 0.01


def test_a_plane_goes_through_restarts_and_the_first_weights(open_page):
    page = open_page()
    enter(page, "Surface")
    page.get_by_label("slice", exact=True).select_option("plane")
    press(page, "Draw the surface")
    page.get_by_text("There are no restarts yet to go between: train some first.").wait_for()
    enter(page)
    restart(page, 5, 300)
    enter(page, "Surface")
    press(page, "Draw the surface")
    finished(page)
    places = page.get_by_role("list", name="Decision maps at the places")
    assert places.get_by_role("listitem").count() == 4
    page.get_by_label("place C", exact=True).select_option("0")
    page.get_by_text("The three places lie on one line: choose another one.").wait_for()


def test_two_trainings_from_the_same_first_weights_are_measured(open_page):
    page = open_page()
    enter(page, "Side by side")
    fill(page, "epochs", 600)
    press(page, "per sample | mini-batch of 2")
    finished(page)
    said = page.locator(".landscape-result").text_content()
    assert said.startswith("After 600 epochs A (per sample) ends at J = ")
    network = network_of(3)
    state = dr.TrainingState(
        dr.initialize(network, SEED), np.zeros((0, network.size)), horizon=HORIZON
    )
    wanted = []
    for batch_size in (1, 2):
        plan = dr.TrainingPlan(
            learning_rate_init=1.0,
            batch_size=batch_size,
            sampling="replacement",
            max_epochs=600,
            patience=None,
            key=SEED,
        )
        wanted.append(objective(dr.train(network, state, XOR, PARITY, plan).parameters))
    ends = [number(text) for text in re.findall(r"ends at J = ([\d.e−]*\d)", said)]
    assert all(close(end, one) for end, one in zip(ends, wanted, strict=True))
    row = page.locator(".landscape-ends tr", has_text="steps").inner_text()
    assert row.split("\t")[1:] == ["2,400", "1,200"]
    assert page.get_by_role("img", name=re.compile("^Surface of J")).is_visible()


def test_standardised_inputs_have_no_surface_in_common_with_others(open_page):
    page = open_page()
    enter(page, "Side by side")
    fill(page, "epochs", 200)
    press(page, "inputs as they are | standardised")
    finished(page)
    page.get_by_text("the two have no surface in common").wait_for()
    scaled = (XOR - 0.5) / 0.5
    start = dr.initialize(network_of(3), SEED)
    row = page.locator(".landscape-ends tr", has_text="J at first").inner_text()
    first = [number(cell) for cell in row.split("\t")[1:]]
    assert close(first[0], objective(start))
    assert close(first[1], dr.objective(start.network, start, scaled, PARITY))


def test_a_side_is_chosen_freely_and_one_that_diverges_is_said_to(open_page):
    page = open_page("room=landscape&view=beside&set=plane&learning_rate_init=0.01")
    fill(page, "epochs", 50)
    page.get_by_text("choose both sides freely").click()
    side = page.get_by_role("group", name="Side B")
    side.get_by_label("step size α₀").fill("100")
    side.get_by_label("step size α₀").press("Enter")
    side.get_by_label("rows a step").fill("1")
    side.get_by_label("rows a step").press("Enter")
    press(page, "Train both")
    finished(page)
    said = page.locator(".landscape-result").text_content()
    assert "B (α₀ = 100) diverged in epoch 0: its numbers ran away" in said
    assert "A (α₀ = 0.0100) ends at J = 0.0" in said


def test_the_colours_of_the_surface_only_ever_grow_lighter(open_page):
    page = open_page()
    enter(page, "Surface")
    press(page, "Draw the surface")
    finished(page)
    light = page.evaluate(
        """() => {
            const canvas = document.querySelector('.landscape-legend canvas');
            const { data } = canvas.getContext('2d').getImageData(0, 2, canvas.width, 1);
            const line = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            return Array.from({ length: canvas.width }, (_, i) =>
                0.2126 * line(data[4 * i]) + 0.7152 * line(data[4 * i + 1])
                + 0.0722 * line(data[4 * i + 2]));
        }"""
    )
    assert light[0] < 0.03
    assert light[-1] > 0.8
    assert (np.diff(light) > -1e-3).all()


@pytest.mark.parametrize(("theme", "width"), [("light", 1360), ("dark", 400)])
def test_every_view_with_its_results_keeps_nobody_out(open_page, theme, width):
    page = open_page(color_scheme=theme, viewport={"width": width, "height": 860})
    enter(page)
    restart(page, 9, 200)
    page.get_by_role("list", name="Decision maps").get_by_role("button").first.click()
    page.get_by_text("All restarts as a table").click()
    views = {"Restarts": None, "weights": "Surface", "line": "Surface", "plane": "Surface"}
    for kind, view in {**views, "beside": "Side by side"}.items():
        if view is not None:
            enter(page, view)
        if view == "Surface":
            page.get_by_label("slice", exact=True).select_option(kind)
            press(page, "Draw the surface")
            finished(page)
        if view == "Side by side":
            page.get_by_text("choose both sides freely").click()
            press(page, "per sample | mini-batch of 2")
            finished(page)
        assert serious_findings(page) == [], kind
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, kind

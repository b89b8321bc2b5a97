"""A recording: one file from the disk, without a server and without a request."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from conftest import serious_findings

import deltarule as dr
from deltarule.playground.record import record
from deltarule.playground.shown import Shown
from deltarule.playground.sources import source_of

expect = pytest.importorskip("playwright.sync_api").expect

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
PARITY = np.array([0, 1, 1, 0])
STEPS = 30


@pytest.fixture(scope="module")
def model() -> dr.MLPClassifier:
    settings = {"solver": "sgd", "momentum": 0.0, "batch_size": 1, "learning_rate_init": 0.5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dr.MLPClassifier((3,), activation="logistic", max_iter=20, random_state=0)
        return found.set_params(**settings).fit(XOR, PARITY)


@pytest.fixture(params=["light", "dark"])
def recorded(request, browser, model, tmp_path):
    """The page of a recording, and afterwards that nothing was asked for or went wrong."""
    path = tmp_path / "xor.html"
    record(Shown(source_of(model, XOR, PARITY)), path, STEPS)
    context = browser.new_context(
        viewport={"width": 1360, "height": 860}, color_scheme=request.param
    )
    page, troubles, requests = context.new_page(), [], []
    page.on("console", lambda m: m.type in ("error", "warning") and troubles.append(m.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda asked: requests.append(asked.url))
    page.goto(path.as_uri())
    page.locator(".counters").wait_for()
    yield page
    context.close()
    assert troubles == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]


def counter(page, name: str) -> str:
    return page.locator(".counters div", has_text=name).locator("dd").text_content()


def wait_for_step(page, epoch: int, into: int) -> None:
    first, second = (page.locator(".counters dd").nth(place) for place in (0, 1))
    expect(first).to_have_text(str(epoch))
    expect(second).to_have_text(f"{into} of 4")


def test_it_is_walked_forward_and_back(recorded, model):
    page = recorded
    assert page.get_by_text("MLPClassifier 2-3-1").first.is_visible()
    assert page.get_by_text(f"walk through {STEPS} steps of training").is_visible()
    wait_for_step(page, 20, 0)
    first = counter(page, "objective")
    page.get_by_role("button", name="One sample").click()
    wait_for_step(page, 20, 1)
    assert counter(page, "objective") != first
    page.get_by_role("button", name="One epoch").click()
    wait_for_step(page, 21, 0)
    page.get_by_role("button", name="Back").click()
    wait_for_step(page, 20, 1)
    page.get_by_role("button", name="Same seed again").click()
    wait_for_step(page, 20, 0)
    assert counter(page, "objective") == first
    page.get_by_role("button", name="Train").click()
    page.get_by_text("The recording ends with this step. Go back, or begin again.").wait_for()
    wait_for_step(page, 27, 2)
    assert serious_findings(page) == []


def test_what_a_recording_cannot_do_is_said(recorded):
    page = recorded
    wait_for_step(page, 20, 0)
    sentence = re.compile("This page is a recording: .* Open the model with deltarule play")
    rooms = page.get_by_role("navigation", name="Rooms").get_by_role("link")
    assert rooms.all_text_contents() == ["Network", "Step"]
    assert page.get_by_label("activation", exact=True).count() == 0
    page.get_by_role("button", name="Another seed").click()
    page.get_by_text(sentence).wait_for()
    page.get_by_role("button", name="One sample").click()
    wait_for_step(page, 20, 1)


def test_the_maps_and_the_diagnosis_are_there(recorded, model):
    page = recorded
    wait_for_step(page, 20, 0)
    found = dr.diagnose(model, XOR, PARITY).findings
    panel = page.get_by_role("region", name="Diagnosis")
    panel.get_by_role("button", name="Diagnose again").wait_for()
    shown = [name.lower().replace(" ", "_") for name in panel.locator("h3").all_text_contents()]
    assert shown == [finding.code for finding in found]
    # The output's map is no empty picture: it has more than one colour.
    colours = page.evaluate(
        """() => {
            const canvas = document.querySelector(".network-map-stage canvas");
            const context = canvas.getContext("2d");
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )
    assert colours > 10


@pytest.fixture
def saved(browser, tmp_path):
    """Saves a page as one file and opens that; afterwards nothing was asked for or went wrong."""
    contexts, troubles, requests, path = [], [], [], tmp_path / "saved.html"

    def save(page, steps: int):
        page.get_by_role("link", name="Data").click()
        field = page.locator(".data-card", has_text="Take it along").get_by_label("steps")
        field.fill(str(steps))
        field.press("Enter")
        with page.expect_download(timeout=60_000) as download:
            page.get_by_role("button", name="Save as one HTML file").click()
        download.value.save_as(path)
        contexts.append(browser.new_context(viewport={"width": 1360, "height": 860}))
        found = contexts[0].new_page()
        found.on("console", lambda m: m.type in ("error", "warning") and troubles.append(m.text))
        found.on("pageerror", lambda error: troubles.append(str(error)))
        found.on("request", lambda asked: requests.append(asked.url))
        found.goto(path.as_uri())
        found.locator(".counters").wait_for()
        return found

    yield save
    for context in contexts:
        context.close()
    assert troubles == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]


def test_a_page_saves_what_it_trains_as_one_file(open_page, saved):
    page = open_page("set=iris&loss=log_loss&hidden=4&standardize=yes&held=0.2&batch_size=30")
    page.get_by_role("button", name="One epoch").click()
    expect(page.locator(".counters dd").first).to_have_text("1")
    file = saved(page, 5)
    # What this engine cannot hand out is explained in its place.
    told = "Model files are written and read by deltarule on your own machine"
    explained = page.get_by_text(told)
    assert page.get_by_role("button", name="⤓ Model file").count() + explained.count() == 1
    assert file.get_by_text("walk through 5 steps of training").is_visible()
    expect(file.locator(".counters dd").first).to_have_text("1")
    for _ in range(4):
        for one in (page, file):
            one.get_by_role("button", name="One mini-batch").click()
    for one in (page, file):
        expect(one.locator(".counters dd").first).to_have_text("2")
    # What was trained on show stayed where it was, and goes the same way.
    assert counter(file, "objective") == counter(page, "objective")
    file.get_by_role("link", name="Step").click()
    page.get_by_role("link", name="Step").click()
    lines = [one.locator(".step-list").inner_text() for one in (page, file)]
    assert lines[0] == lines[1]
    file.get_by_role("link", name="Network").click()
    file.get_by_text("Predictions of all rows").click()
    file.get_by_text(re.compile("of 120 right")).wait_for()

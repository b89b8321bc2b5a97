"""The network room, driven as a person would."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import serious_findings
from playwright.sync_api import expect

import deltarule as dr

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
PARITY = np.array([[0.0], [1.0], [1.0], [0.0]])


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def stage(page):
    return page.get_by_role("application")


def fold_out(page, title):
    page.get_by_text(title, exact=True).click()


def counter(page, name):
    """What stands below a name in the bar."""
    return page.locator(".counters div").filter(has_text=re.compile(f"^{name}")).locator("dd")


def stands_at(page, epoch):
    expect(counter(page, "epoch")).to_have_text(str(epoch))


def cells(page, title):
    """The rows of a table that is folded out, as texts."""
    fold_out(page, title)
    rows = page.get_by_role("region", name=title).locator("tbody tr")
    rows.first.wait_for()
    return [row.locator("th, td").all_text_contents() for row in rows.all()]


def number(text):
    return float(text.replace("−", "-"))


def trained(epochs, **options):
    network = dr.Network(units=(2, 3, 1), activations="logistic")
    plan = dr.TrainingPlan(
        learning_rate_init=1.0, sampling="replacement", max_epochs=epochs, key=3, **options
    )
    return dr.train(network, dr.initialize(network, 3), XOR, PARITY, plan).parameters


def test_xor_is_trained_and_taken_back(open_page):
    page = open_page()
    button(page, "One epoch").click()
    stands_at(page, 1)
    button(page, "↶ Back").click()
    stands_at(page, 0)
    page.get_by_role("button", name="Train").click()
    expect(counter(page, "epoch")).to_have_text(re.compile("[0-9]{2,}"), timeout=20_000)
    page.get_by_role("button", name="Pause").click()
    assert counter(page, "epoch").text_content() != "0"


def test_weights_and_losses_are_the_librarys(open_page):
    page = open_page()
    for _ in range(3):
        button(page, "One epoch").click()
    stands_at(page, 3)
    parameters = trained(3)
    rows = cells(page, "Weights into hidden layer 1")
    shown = np.array([[number(cell) for cell in row[1:]] for row in rows])
    wanted = np.vstack([parameters.weights[0].T, parameters.biases[0]])
    np.testing.assert_allclose(shown, wanted, rtol=1e-3)
    objective = dr.objective(parameters.network, parameters, XOR, PARITY)
    assert number(counter(page, "objective J").text_content()) == pytest.approx(objective, rel=5e-3)


def test_the_same_seed_again_and_another(open_page):
    page = open_page()
    before = cells(page, "Weights into the output")
    button(page, "One epoch").click()
    stands_at(page, 1)
    button(page, "↺ Same seed again").click()
    stands_at(page, 0)
    rows = page.get_by_role("region", name="Weights into the output").locator("tbody tr")
    assert [row.locator("th, td").all_text_contents() for row in rows.all()] == before
    button(page, "Another seed").click()
    expect(rows.first).not_to_have_text("".join(before[0]))


def test_layers_and_units_are_added_and_removed(open_page):
    page = open_page()
    button(page, "Add a hidden layer").click()
    page.get_by_text("2 hidden layers").wait_for()
    button(page, "Remove a unit from hidden layer 2").click()
    page.get_by_role("group", name="Units of hidden layer 2").get_by_text("2 units").wait_for()
    assert "2, 3, 2, 1 units" in stage(page).get_attribute("aria-label")
    for layers in (3, 4, 5, 6):
        button(page, "Add a hidden layer").click()
        page.get_by_text(f"{layers} hidden layers").wait_for()
    assert button(page, "Add a hidden layer").is_disabled()
    for _ in range(6):
        button(page, "Remove the last hidden layer").click()
    page.get_by_text("0 hidden layers").wait_for()
    assert "2, 1 units" in stage(page).get_attribute("aria-label")
    # An activation of hidden layers is none of a network without.
    activation = page.get_by_label("activation", exact=True)
    assert activation.is_disabled()
    assert activation.locator("option:checked").text_content() == "no hidden layer"
    page.get_by_role("link", name="Landscape").click()
    page.get_by_text("2-1 logistic · sgd").wait_for()
    page.get_by_role("link", name="Network").click()
    button(page, "Add a hidden layer").click()
    page.get_by_text("1 hidden layer", exact=True).wait_for()
    assert activation.input_value() == "logistic"


def test_the_picture_is_gone_through_by_keys(open_page):
    page = open_page()
    stage(page).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    looked = page.get_by_role("region", name="What is looked at")
    looked.get_by_text("Hidden unit h₂").wait_for()
    page.keyboard.press("+")
    page.get_by_text("4 units").wait_for()
    page.keyboard.press("Escape")
    looked.get_by_text("Point at a unit").wait_for()


def test_a_weight_is_changed_and_the_ranges_follow(open_page):
    page = open_page()
    stage(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    looked = page.get_by_role("region", name="What is looked at")
    looked.get_by_text("Output d̂").first.wait_for()
    for name in ("weight from h₁ to d̂", "weight from h₂ to d̂", "weight from h₃ to d̂"):
        looked.get_by_label(name).fill("0")
        looked.get_by_label(name).press("Enter")
    looked.get_by_label("bias of d̂").fill("1,5")
    looked.get_by_label("bias of d̂").press("Enter")
    # σ(1.5) for every row.
    looked.get_by_text("z goes from 1.50 to 1.50, and d̂ from 0.818 to 0.818").wait_for()
    looked.get_by_label("bias of d̂").fill("much")
    looked.get_by_label("bias of d̂").press("Enter")
    assert looked.get_by_label("bias of d̂").get_attribute("aria-invalid") == "true"


def test_weights_that_are_changed_at_once_are_all_changed(open_page):
    page = open_page()
    stage(page).focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    looked = page.get_by_role("region", name="What is looked at")
    fields = looked.locator(".network-weights input")
    fields.nth(3).wait_for()
    fields.evaluate_all(
        """inputs => inputs.forEach((input, place) => {
            input.value = String(place + 2);
            input.dispatchEvent(new Event("change", { bubbles: true }));
        })"""
    )
    for place in range(4):
        expect(fields.nth(place)).to_have_value(f"{place + 2}.000")


# label, what is chosen, the sentence that refuses it
REFUSED = [
    (
        "of the output",
        "tanh",
        "loss",
        "log_loss",
        "loss 'log_loss' is defined for the output activations logistic, softmax (got 'tanh'). ",
    ),
]


@pytest.mark.parametrize(("first", "one", "second", "other", "sentence"), REFUSED)
def test_what_the_library_refuses_is_not_chosen(open_page, first, one, second, other, sentence):
    page = open_page()
    button(page, "One epoch").click()
    stands_at(page, 1)
    fold_out(page, "More of the network")
    page.get_by_label(first, exact=True).select_option(one)
    stands_at(page, 0)
    button(page, "One epoch").click()
    stands_at(page, 1)
    page.get_by_label(second, exact=True).select_option(other)
    page.get_by_text(sentence).wait_for()
    assert page.get_by_label(second, exact=True).input_value() == "squared_error"
    # Nothing is lost: the training stands where it stood.
    assert counter(page, "epoch").text_content() == "1"


def test_a_field_that_is_refused_is_as_it_was(open_page):
    page = open_page("optimizer=momentum")
    fold_out(page, "More of the training")
    field = page.get_by_label("momentum", exact=True)
    field.fill("1.5")
    field.press("Enter")
    page.get_by_text("momentum must be").first.wait_for()
    assert field.input_value() == "0.9"


def test_a_schedule_has_its_picture(open_page):
    page = open_page()
    fold_out(page, "More of the training")
    page.get_by_label("schedule", exact=True).select_option("cosine")
    page.get_by_role("img", name="The factor of the step size, from 1 at epoch 0").wait_for()


def test_a_training_that_runs_away_is_taken_back(open_page):
    page = open_page("set=plane&hidden=none&learning_rate_init=10000")
    page.get_by_role("button", name="Train").click()
    page.get_by_text("The numbers ran away in epoch").wait_for()
    page.get_by_role("button", name="Back to the last finite state").click()
    page.get_by_text("The numbers ran away in epoch").wait_for(state="detached")
    assert np.isfinite(number(counter(page, "objective J").text_content()))


def test_keys_move_the_training(open_page):
    page = open_page()
    page.keyboard.press("e")
    stands_at(page, 1)
    page.keyboard.press("ArrowRight")
    counter(page, "step").get_by_text("1 of 4").wait_for()
    page.keyboard.press("ArrowLeft")
    counter(page, "step").get_by_text("0 of 4").wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.get_by_label("use these keys").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("e")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").count() == 0
    assert counter(page, "epoch").text_content() == "1"


def test_the_pace_goes_from_one_step_a_second_to_full_speed(open_page):
    page = open_page()
    pace = page.get_by_label("pace", exact=True)
    pace.focus()
    page.keyboard.press("Home")
    page.get_by_text("1 step a second").wait_for()
    page.keyboard.press("End")
    page.get_by_text("full speed").wait_for()
    page.get_by_role("button", name="Train").click()
    expect(counter(page, "epoch")).to_have_text(re.compile("[0-9]{2},"), timeout=20_000)


def test_several_classes_have_a_map_curves_and_a_count(open_page):
    page = open_page("set=iris&loss=log_loss&hidden=5&activation=tanh&standardize=yes&held=0.2")
    page.get_by_role("img", name="Map: The class of the largest output").wait_for()
    page.get_by_role("group", name="Inputs of the maps").get_by_label("across").select_option("2")
    page.get_by_role("img", name=re.compile("over petal length")).first.wait_for()
    page.get_by_role("img", name=re.compile("^Mean prediction as")).first.wait_for()
    button(page, "One epoch").click()
    stands_at(page, 1)
    fold_out(page, "Predictions of all rows")
    page.get_by_text(re.compile(r"of 120 right")).wait_for()
    counts = page.locator(".network-confusion tbody td").all_text_contents()
    assert sum(map(int, counts)) == 120
    rows = page.get_by_role("region", name="Predictions").locator("tbody tr")
    losses = [number(row.locator("td").first.text_content()) for row in rows.all()[:30]]
    assert losses == sorted(losses, reverse=True)
    page.get_by_label("rows", exact=True).last.select_option("held")
    page.get_by_text(re.compile(r"of 30 right")).wait_for()


def test_a_number_that_is_none_is_refused_by_its_name(open_page):
    page = open_page()
    field = page.get_by_label("step size α₀, as a number")
    field.fill("fast")
    field.press("Enter")
    page.get_by_text(
        re.compile(r"^step size α₀ must be a number from .* \(got fast\)\.$")
    ).wait_for()


def test_many_inputs_are_counted_and_a_constant_one_is_told(open_page):
    page = open_page("set=digits&loss=log_loss&hidden=4&batch_size=32")
    panel = page.get_by_role("region", name="Partial dependence")
    panel.get_by_text("4 of 64 inputs chosen, at most 6 at once.").wait_for()
    # Those that change are looked at first.
    panel.get_by_role(
        "img", name=re.compile("^Mean prediction as pixel 1,2 goes from 0 to 8")
    ).wait_for()
    inputs = panel.get_by_role("group", name="Inputs")
    assert inputs.get_by_role("checkbox").count() == 64
    inputs.get_by_label("pixel 1,1 constant", exact=True).check()
    panel.get_by_text("is 0 in every row: there is nothing that changes.").wait_for()
    assert panel.get_by_role("img", name=re.compile("^Mean prediction")).count() == 4
    panel.get_by_text("These curves as a table").click()
    assert panel.locator("tbody tr").first.locator("td").first.text_content() == "0 in every row"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_that_is_folded_out_keeps_nobody_out(open_page, theme):
    page = open_page("set=iris&hidden=3&held=0.2", color_scheme=theme)
    for title in (
        "More of the data",
        "More of the network",
        "More of the training",
        "Predictions of all rows",
        "The curve as a table",
        "The maps in numbers",
    ):
        fold_out(page, title)
    stage(page).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile("right")).first.wait_for()
    assert serious_findings(page) == []


#: Counts the lines that are drawn with dashes, and all lines.
DASHES = """() => {
  window.drawn = { dashed: 0, all: 0 };
  const plain = CanvasRenderingContext2D.prototype.bezierCurveTo;
  CanvasRenderingContext2D.prototype.bezierCurveTo = function (...given) {
    window.drawn.all += 1;
    window.drawn.dashed += Number(this.getLineDash().length > 0);
    return plain.apply(this, given);
  };
}"""


# what the address says, and whether weights below 0 are dashed: of many lines that is too slow
SIGNS = [("hidden=3", True), ("hidden=8,4", True), ("hidden=8,8", False)]


@pytest.mark.parametrize(("state", "dashed"), SIGNS)
def test_the_sign_of_a_weight_is_told_by_dashes_too(open_page, state, dashed):
    page = open_page(f"v=1&{state}")
    hidden = [int(width) for width in state.partition("=")[2].split(",")]
    network = dr.Network((2, *hidden, 1))
    # The smallest are not drawn: less than a twentieth of the layer's largest, or of 1.
    shares = [w.ravel() / max(abs(w).max(), 1) for w in dr.initialize(network, 3).weights]
    weights = np.concatenate([share[abs(share) >= 0.05] for share in shares])
    page.locator(".network-lines").wait_for()
    page.evaluate(DASHES)
    page.set_viewport_size({"width": 1240, "height": 860})  # drawn anew
    for _ in range(100):
        drawn = page.evaluate("window.drawn")
        if drawn["all"]:
            break
        page.wait_for_timeout(20)
    assert drawn["all"] % len(weights) == 0
    share = (weights < 0).mean() if dashed else 0
    assert drawn["dashed"] == pytest.approx(share * drawn["all"])
    assert (page.locator(".network-dashed").count() == 1) is dashed

"""The page's state in its address: links that carry it, nonsense that breaks nothing."""

from __future__ import annotations

import base64
import random
import re
import struct
from typing import Any

import numpy as np
import pytest
from conftest import serious_findings

import deltarule as dr

#: An address in which everything is another thing than the page's own.
EVERYTHING = (
    "v=1&room=step&set=circle&rows=50&noise=0.25&set_seed=7&hidden=4,3&activation=tanh"
    "&output_activation=logistic&loss=log_loss&bias=no&seed=11&learning_rate_init=0.05"
    "&batch_size=5&sampling=shuffle&l2=0.5&l1=0.25&standardize=yes&held=0.2&max_epochs=77&pace=10"
    "&view=surface&restarts=12&epochs=300"
    "&hide=training,data_room&theme=dark&initializer=uniform&initializer.low=-1"
    "&optimizer=adam&optimizer.beta_1=0.8&schedule=step&schedule.every=3"
)

POINTS = "points=0,1,1;1,0.5,0;-1,0.25,1;0.3333,2,0&points_classes=2"


def weights(*values: float) -> str:
    packed = struct.pack(f"<{len(values)}d", *values)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def go(page: Any, state: str) -> None:
    """Edits the address bar, and waits until the page has gone there."""
    page.evaluate("state => { location.hash = state }", state)
    page.wait_for_timeout(200)


def sentences(page: Any) -> list[str]:
    return page.locator(".notice span").all_text_contents()


def parts(state: str) -> set[str]:
    return set(state.split("&"))


def copied(page: Any) -> str:
    """What *Copy link* copies, behind the "#"."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text(re.compile("The link is copied[:.] (whoever|It) opens .*")).wait_for()
    page.locator(".links-said").get_by_role("button", name="Dismiss").click()
    return page.evaluate("() => navigator.clipboard.readText()").partition("#")[2]


def objective(page: Any) -> str:
    return page.locator(".counters dd").nth(2).text_content()


# Round trips


@pytest.mark.parametrize(
    "state",
    [
        EVERYTHING,
        f"v=1&set=own&{POINTS}",
        "v=1&set=own&points=0,1,1.5;1,0.5,-2&points_classes=0",
        f"v=1&hidden=none&bias=no&w={weights(0.1, -7.25)}",
        "v=1&hidden=none",
        "v=1&hidden=100,65&schedule=cosine&schedule.total_epochs=30",
        "v=1&lesson=xor&hidden=3",
        "v=1&lesson=delta&w=none",
        "v=1",
    ],
)
def test_what_a_link_says_is_what_a_copy_of_it_says(open_page, state):
    page = open_page(state)
    assert sentences(page) == []
    assert parts(copied(page)) == parts(state)


def test_a_link_is_read_whatever_the_order_of_its_parts(open_page):
    shuffled = EVERYTHING.split("&")
    random.Random(3).shuffle(shuffled)
    page = open_page("&".join(shuffled))
    assert sentences(page) == []
    assert parts(copied(page)) == parts(EVERYTHING)


def test_choices_are_in_the_address_and_rooms_in_the_history(open_page):
    page = open_page()
    length = page.evaluate("history.length")
    page.get_by_label("activation", exact=True).select_option("tanh")
    page.wait_for_function("() => location.hash === '#v=1&activation=tanh'")
    page.get_by_label("loss", exact=True).select_option("log_loss")
    page.wait_for_function("() => location.hash.includes('loss=log_loss')")
    assert page.evaluate("history.length") == length
    page.get_by_role("link", name="Lessons").click()
    page.wait_for_function("() => location.hash.includes('room=lessons')")
    assert page.evaluate("history.length") == length + 1
    page.go_back()
    page.get_by_role("link", name="Network").and_(page.locator("[aria-current]")).wait_for()
    assert page.get_by_label("activation", exact=True).input_value() == "tanh"
    page.go_forward()
    page.get_by_role("heading", name="Lessons that follow the notes").wait_for()


def test_a_way_back_to_a_room_leaves_the_training_where_it_is(open_page):
    page = open_page()
    page.get_by_role("button", name="One epoch").click()
    page.get_by_role("link", name="Lessons").click()
    page.go_back()
    page.get_by_role("link", name="Network").and_(page.locator("[aria-current]")).wait_for()
    assert page.locator(".counters dd").first.text_content() == "1"


def test_weights_of_a_link_are_those_that_the_training_begins_with(open_page):
    network = dr.Network((2, 2, 1), bias=False)
    vector = np.array([1, 0.5, -1, 0.5, 2, -1])
    corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    parameters = dr.initialize(network).replace(vector=vector)
    expected = dr.objective(network, parameters, corners, np.array([[0.0], [1], [1], [0]]))
    page = open_page(f"hidden=2&bias=no&w={weights(*vector)}")
    assert objective(page) == f"{expected:#.3g}"
    page.get_by_role("button", name="One epoch").click()
    page.wait_for_function("() => document.querySelector('.counters dd').textContent === '1'")
    assert objective(page) != f"{expected:#.3g}"
    page.get_by_role("button", name="Same seed again").click()
    page.wait_for_function("() => document.querySelector('.counters dd').textContent === '0'")
    assert objective(page) == f"{expected:#.3g}"
    # Another seed is another guess: the link's weights are gone, from the address too.
    go(page, "hidden=2&bias=no&seed=5")
    assert objective(page) != f"{expected:#.3g}"
    assert "w=" not in copied(page)


def test_points_of_a_link_are_rows_to_train_on(open_page):
    X = np.array([[0.0, 1], [1, 0.5], [-1, 0.25], [0.3333, 2]])
    D = np.array([[1.0], [0], [1], [0]])
    network = dr.Network((2, 1), bias=False)
    parameters = dr.initialize(network).replace(vector=np.array([0.3, -0.8]))
    expected = dr.objective(network, parameters, X, D)
    page = open_page(f"{POINTS}&hidden=none&bias=no&w={weights(0.3, -0.8)}")
    assert objective(page) == f"{expected:#.3g}"


#: While the page's engine is asked this for the first time, that is done.
MEANWHILE = """(() => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message.ask !== 'WHEN' || window.met) return post.call(this, message, ...rest);
        window.met = true;
        setTimeout(() => { DO; setTimeout(() => post.call(this, message, ...rest), 200) }, 50);
    };
})()"""


@pytest.mark.parametrize("open_page", ["static"], indirect=True)
@pytest.mark.parametrize("when", ["hello", "open"])
def test_what_is_chosen_while_the_page_begins_is_taken(open_page, when):
    def begun(what: str) -> Any:
        page = open_page()
        page.context.add_init_script(MEANWHILE.replace("WHEN", when).replace("DO", what))
        page.reload()
        page.locator(".counters").wait_for()
        return page

    page = begun("location.hash = 'seed=8&hidden=5'")
    page.get_by_text("5 units", exact=True).wait_for()
    assert parts(copied(page)) == {"v=1", "seed=8", "hidden=5"}
    page = begun("document.querySelector('a[href=\"#room=landscape\"]').click()")
    page.get_by_role("link", name="Landscape").and_(page.locator("[aria-current]")).wait_for()
    page.get_by_role("button", name="Train 100 restarts").wait_for()
    assert "room=landscape" in page.url


@pytest.mark.parametrize("open_page", ["static"], indirect=True)
def test_the_room_of_a_link_is_there_before_its_engine(open_page):
    page = open_page()
    page.context.add_init_script("Worker.prototype.postMessage = () => {}")
    page.evaluate("() => { location.hash = 'room=lessons&theme=dark' }")
    page.reload()
    page.get_by_role("heading", name="Lessons that follow the notes").wait_for()
    assert page.locator("html").get_attribute("data-theme") == "dark"


# Nonsense

SETS = "xor, quadrants, circle, gauss, spiral, plane, hills, iris, digits, own"
LESSONS = "neuron, forward, delta, xor, steps, layers"
WEIGHTS = "w, which must be 1 to 64 finite numbers as base64 of float64"
LAYERS = "none, or units of at most 100 layers, each from 1 to 1000000, as in 8,4"
PICTURE = "<img src=x onerror=alert(1)>"

WRONG = [
    ("v=2", "v, which must be 1, the version of this page (got 2)"),
    ("rows=abc", "rows, which must be a whole number from 4 to 5000 (got abc)"),
    ("rows=0x10", "rows, which must be a whole number from 4 to 5000 (got 0x10)"),
    ("noise=", "noise, which must be a number from 0 to 1 (got nothing)"),
    ("hidden=3,0", f"hidden, which must be {LAYERS} (got 3,0)"),
    ("bias=true", "bias, which must be yes or no (got true)"),
    ("view=cellar", "view, which must be one of restarts, surface, beside (got cellar)"),
    ("optimizer.momentum=0.5", "optimizer.momentum, which is no setting"),
    (
        "optimizer=momentum&optimizer.momentum=x",
        "optimizer.momentum, which must be a number from -1000000 to 1000000 (got x)",
    ),
    ("__proto__=1", "__proto__, which is no setting"),
    ("set=own", "its own table, which is not in it"),
    (
        "points=1,2",
        "points, which must be 2 to 50 points as in 0,1,1;1,1,0 (x₁, x₂, target) (got 1,2)",
    ),
    (
        "points=1,2,3;1,2,0",
        "points, which must be points whose third number is a class from 0 to 1 (got 1,2,3;1,2,0)",
    ),
    ("w=AAAA", f"{WEIGHTS} (got AAAA)"),
    ("w=AAAAAAAA8H8", f"{WEIGHTS} (got AAAAAAAA8H8)"),
    ("lesson=algebra", f"lesson, which must be one of {LESSONS} (got algebra)"),
    (f"set={PICTURE}", f"set, which must be one of {SETS} (got {PICTURE[:24]}…)"),
    (
        "a=1&b=2&c=3&d=4",
        "a, which is no setting; b, which is no setting; c, which is no setting; and 1 more",
    ),
]


def test_what_cannot_be_read_is_told_in_one_sentence(open_page):
    page = open_page()
    for seed, (state, said) in enumerate(WRONG, start=10):
        page.evaluate("state => { location.hash = state }", f"{state}&seed={seed}&activation=tanh")
        page.get_by_text(
            f"The page could not read from its address: {said}. The rest was taken.", exact=True
        ).wait_for()
        assert len(sentences(page)) == 1
        assert {f"seed={seed}", "activation=tanh"} <= parts(copied(page))
    assert page.locator("img").count() == 0


TOOK = "The page took what it could of its address."
POISSON = (
    "loss 'poisson' is defined for the output activations exp, logistic, softmax, softplus "
    f"(got 'tanh'). Choose one of them. {TOOK}"
)
REFUSED = [
    ("loss=poisson&output_activation=tanh&seed=5", POISSON, {"loss=poisson", "seed=5"}),
    ("optimizer=adam&optimizer.beta_1=7&seed=5", TOOK, {"optimizer=adam", "seed=5"}),
]


@pytest.mark.parametrize(("state", "said", "kept"), REFUSED)
def test_what_the_engine_refuses_is_left_out(open_page, state, said, kept):
    page = open_page(state)
    page.locator(".notice").wait_for()
    assert len(sentences(page)) == 1
    assert sentences(page)[0].endswith(said)
    assert kept <= parts(copied(page))
    page.get_by_role("button", name="One epoch").click()
    page.wait_for_function("() => document.querySelector('.counters dd').textContent === '1'")


def test_a_refused_choice_is_taken_back(open_page):
    page = open_page("loss=log_loss&output_activation=logistic")
    page.get_by_label("loss", exact=True).select_option("perceptron")
    page.locator(".notice").wait_for()
    assert page.get_by_label("loss", exact=True).input_value() == "log_loss"
    go(page, "loss=poisson&output_activation=tanh")
    assert page.get_by_label("loss", exact=True).input_value() == "log_loss"
    assert parts(page.evaluate("location.hash").lstrip("#")) >= {"loss=log_loss"}


NAMES = """
    room set rows noise set_seed hidden activation output_activation loss bias initializer seed
    optimizer learning_rate_init schedule batch_size sampling l2 l1 standardize held max_epochs
    pace lesson hide theme v w points points_classes view restarts epochs optimizer.momentum
    schedule.per initializer.value __proto__ constructor toString
"""
TEXTS = """
    1 0 -1 3 8,8 none auto yes no own xor circle plane spiral tanh relu sign softmax log_loss
    perceptron poisson squared_error adam momentum constant cosine 1e3 1e-300 NaN Infinity 0x1F
    1e999 constructor __proto__ lessons step replacement neuron delta %00 %E0%A4 %zz + %20 ; , = #
    & ? rooms data,network dark uniform normal 0,1,1;1,0,0 0,1; 1,2,3,4 -0 1_000 ٣ AAAAAAAA8D8
"""
HOSTILE = ("<b>x</b>", PICTURE, "javascript:alert(1)", "💥", "a" * 3000, "x" * 25_000)
WORDS, VALUES = NAMES.split(), [*TEXTS.split(), *HOSTILE]


def nonsense(draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.1:
        return "".join(chr(draw.randrange(32, 0x2FF)) for _ in range(draw.randrange(60)))
    if kind < 0.2:
        changed = list(EVERYTHING)
        for _ in range(draw.randrange(1, 12)):
            changed[draw.randrange(len(changed))] = chr(draw.randrange(33, 127))
        return "".join(changed)
    count = draw.randrange(1, 9)
    return "&".join(f"{draw.choice(WORDS)}={draw.choice(VALUES)}" for _ in range(count))


def test_no_nonsense_breaks_the_page(open_page):
    page = open_page()
    draw = random.Random(20)
    states = [nonsense(draw) for _ in range(2000)]
    for first in range(0, len(states), 100):
        page.evaluate(
            """async (states) => {
                for (const state of states) {
                    location.hash = state;
                    await new Promise((resolve) => setTimeout(resolve, 8));
                }
            }""",
            states[first : first + 100],
        )
    go(page, "v=1&theme=light")
    page.get_by_role("button", name="One epoch").click()
    page.wait_for_function("() => document.querySelector('.counters dd').textContent === '1'")
    assert page.locator("main b, main img").count() == 0


def test_no_nonsense_keeps_the_page_from_beginning(open_page):
    page = open_page()
    base = page.url.partition("#")[0]
    draw = random.Random(21)
    for _ in range(40):
        page.goto("about:blank")
        page.goto(f"{base}#{nonsense(draw)}")
        page.locator(".counters dd").first.wait_for()


# Links for a class


def test_a_class_sees_what_its_teacher_ticked(open_page):
    page = open_page("activation=tanh")
    page.get_by_role("button", name="Link for a class").click()
    dialog = page.get_by_role("dialog", name="Link for a class")
    unseen = ("choices of the training", "the way to the data room", "the buttons that copy links")
    for label in unseen:
        dialog.get_by_label(label).uncheck()
    assert serious_findings(page) == []
    link = dialog.get_by_label("Link for the class").input_value()
    assert parts(link.partition("#")[2]) == {
        "v=1",
        "activation=tanh",
        "hide=training,data_room,links",
    }
    go(page, link.partition("#")[2])
    assert page.get_by_label("activation", exact=True).count() == 1
    assert page.get_by_label("step size α₀").count() == 0
    assert page.get_by_role("link", name="Data").count() == 0
    assert page.get_by_role("link", name="Step").count() == 1
    assert page.get_by_role("button", name="Copy link").count() == 0


def test_a_class_link_can_carry_the_weights_of_now(open_page):
    page = open_page("hidden=2")
    page.get_by_role("button", name="One epoch").click()
    page.wait_for_function("() => document.querySelector('.counters dd').textContent === '1'")
    reached = objective(page)
    page.get_by_role("button", name="Link for a class").click()
    dialog = page.get_by_role("dialog", name="Link for a class")
    dialog.get_by_label("the weights as they are now").check()
    link = dialog.get_by_label("Link for the class").input_value()
    page.get_by_role("button", name="Close").click()
    go(page, "hidden=none")
    go(page, link.partition("#")[2])
    assert page.locator(".counters dd").first.text_content() == "0"
    assert objective(page) == reached


def test_a_class_link_can_begin_with_a_lesson(open_page):
    page = open_page()
    page.get_by_role("button", name="Link for a class").click()
    dialog = page.get_by_role("dialog", name="Link for a class")
    dialog.get_by_label("lesson", exact=True).select_option("xor")
    dialog.get_by_label("the list of rooms").uncheck()
    link = dialog.get_by_label("Link for the class").input_value()
    assert parts(link.partition("#")[2]) == {"v=1", "lesson=xor", "hide=rooms"}


def test_a_large_network_has_no_weights_for_a_link(open_page):
    page = open_page("hidden=16,16")
    page.get_by_role("button", name="Link for a class").click()
    tick = page.get_by_label("the weights as they are now (for networks of at most 64 parameters)")
    assert tick.is_disabled()


def test_where_the_browser_copies_nothing_the_link_is_shown(open_page):
    page = open_page("hidden=2")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()) }")
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("This browser does not let the page copy: copy the link here.").wait_for()
    assert page.get_by_label("Link to this page").input_value().endswith("#v=1&hidden=2")

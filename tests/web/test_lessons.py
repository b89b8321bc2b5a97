"""Every task of every lesson, done through the page as a student would do it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import serious_findings

import deltarule as dr

expect = pytest.importorskip("playwright.sync_api").expect

LESSONS = Path(__file__).resolve().parents[2] / "web" / "src" / "lessons"
ORDER = ("neuron", "forward", "delta", "xor", "steps", "layers")

#: Milliseconds that the longest training of a lesson may take on a slow machine.
LONG = 120_000

#: Lesson 2's network and its first sample, as the lesson has them.
NETWORK = dr.Network((2, 2, 1), bias=False)
START = dr.initialize(NETWORK).replace(vector=np.array([1, 0.5, -1, 0.5, 2, -1]))
TRACE = dr.trace_step(NETWORK, START, np.array([1.0, 2.0]), np.array([1.0]), learning_rate=4)


@dataclass
class Student:
    """Someone at the page, with one lesson open."""

    page: Any
    number: int = 1

    @property
    def panel(self) -> Any:
        return self.page.get_by_role("complementary", name="Lesson")

    def is_done(self) -> bool:
        return self.panel.get_by_text(f"Task {self.number} is done.").count() == 1

    def wait_until_done(self) -> None:
        self.panel.get_by_text(f"Task {self.number} is done.").wait_for(timeout=LONG)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def settle(self) -> None:
        """What was pressed has been answered by the engine."""
        self.page.wait_for_timeout(150)


Solve = Callable[[Student], None]


def samples(count: int) -> Solve:
    def solve(student: Student) -> None:
        for _ in range(count):
            student.press("One sample")
            student.settle()

    return solve


def epochs(count: int) -> Solve:
    def solve(student: Student) -> None:
        for _ in range(count):
            student.press("One epoch")
            student.settle()

    return solve


def presses(*names: str) -> Solve:
    def solve(student: Student) -> None:
        for name in names:
            student.press(name)
            student.settle()

    return solve


def trains(student: Student) -> None:
    """Trains until the task says that it is done."""
    student.press("▶ Train")
    student.wait_until_done()
    pause = student.page.get_by_role("button", name="❚❚ Pause")
    if pause.count():
        pause.click()
    student.settle()


def trains_until(objective: float) -> Solve:
    def solve(student: Student) -> None:
        student.press("▶ Train")
        student.page.wait_for_function(
            "most => Number(document.querySelectorAll('.counters dd')[2].textContent) < most",
            arg=objective,
            timeout=LONG,
        )
        student.press("❚❚ Pause")
        student.settle()

    return solve


def answers(right: str) -> Solve:
    """First each wrong choice, which explains itself and ends nothing; then the right one."""

    def solve(student: Student) -> None:
        choices = student.panel.locator(".lesson-question li button")
        names = choices.all_text_contents()
        assert sum(right in name for name in names) == 1
        for index, name in enumerate(names):
            if right not in name:
                choices.nth(index).click()
                student.panel.get_by_text("Not so.").wait_for()
                assert not student.is_done()
        choices.nth([right in name for name in names].index(True)).click()

    return solve


def types(value: float, wrong: str) -> Solve:
    """First a word and a number that is a likely slip; then the right number."""

    def solve(student: Student) -> None:
        field = student.panel.get_by_role("textbox")
        for text, said in (
            ("much", "Type a number, as in 0.25 or −1.5 (got much)."),
            (wrong, f"Not so: {wrong} is too far away. Check each factor and its sign."),
        ):
            field.fill(text)
            student.press("Check")
            student.panel.get_by_text(said).wait_for()
            assert not student.is_done()
        field.fill(f"{value:.4f}")
        student.press("Check")

    return solve


SOLUTIONS: dict[str, list[list[Solve]]] = {
    "neuron": [
        [samples(10), trains],
        [answers("X'w = 0")],
        [presses("XOR: four clouds"), trains],
        [presses("σ = logistic"), trains],
        [answers("changes a little when w changes")],
        [types(1 / (1 + np.exp(-1.5)), wrong="1.5")],
    ],
    "forward": [
        [types(TRACE.pre_activations[0][0], wrong="3")],
        [types(TRACE.outputs[1][0], wrong="0.73")],
        [types(TRACE.prediction[0], wrong="0.57")],
        [answers("1/(1 + e")],
        [samples(3)],
        [presses("with biases"), samples(3)],
    ],
    "delta": [
        [types(TRACE.deltas[1][0], wrong="0.14")],
        [types(TRACE.deltas[0][0], wrong="-0.0590")],
        [samples(1)],
        [trains],
        [answers("is nearly 0 when d̂")],
        [presses("log loss"), trains],
    ],
    "xor": [
        [trains],
        [answers("Every line that comes nearer")],
        [trains],
        [trains],
        [presses("Another guess"), trains],
        [
            trains_until(0.01),
            presses("Another guess"),
            trains_until(0.01),
            presses("Another guess"),
            trains,
        ],
    ],
    "steps": [
        [presses("α = 10"), trains],
        [presses("α = 0.1"), epochs(3)],
        [types((1 - 1 / 60) ** 60, wrong="0")],
        [epochs(4), presses("batch of 20"), trains],
        [presses("standardised inputs"), trains],
        [presses("λ = 1"), trains],
    ],
    "layers": [
        [answers("Nothing")],
        [trains],
        [trains],
        [answers("V has")],
        [trains_until(0.1), epochs(100), presses("3 units"), trains],
        [presses("8 and 8"), trains],
    ],
}


def file_of(name: str) -> dict[str, Any]:
    return json.loads((LESSONS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ORDER)
def test_every_task_is_done_as_it_is_written_and_not_before(open_page, name):
    student = Student(open_page(f"lesson={name}"))
    tasks = file_of(name)["tasks"]
    assert len(tasks) == len(SOLUTIONS[name])
    for number, (task, solution) in enumerate(zip(tasks, SOLUTIONS[name], strict=True), start=1):
        student.number = number
        student.panel.get_by_role("heading", name=task["title"], exact=True).wait_for()
        student.settle()
        student.settle()
        assert not student.is_done(), f"task {number} is done before it has begun"
        for part in solution:
            assert not student.is_done(), f"task {number} is done too early"
            part(student)
        student.wait_until_done()
        if number < len(tasks):
            student.press("Next task")
    places = student.panel.get_by_role("list", name="Tasks").get_by_role("button")
    assert [", done: " in (p.get_attribute("aria-label") or "") for p in places.all()] == [
        True
    ] * len(tasks)


# Lessons of one's own

OWN = {
    "format": "deltarule lesson",
    "version": 1,
    "title": "A lesson of mine",
    "minutes": 5,
    "notes": "Of no page.",
    "text": ["Only <b>text</b>: no $W_{11}$ is ever <img src=x onerror=alert(1)>."],
    "state": "set=circle&hidden=5&hide=training",
    "tasks": [
        {
            "title": "Go",
            "text": ["Visit the step room."],
            "check": {"room": "step"},
            "hints": ["First hint.", "Second hint."],
            "done": ["You were there."],
        },
        {
            "title": "Ask",
            "text": ["A question."],
            "question": {
                "text": "One?",
                "choices": [
                    {"text": "Yes", "right": True, "because": "It is."},
                    {"text": "No", "right": False, "because": "It is not."},
                ],
            },
            "done": ["End."],
        },
    ],
}


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**OWN, **changes}.items() if value is not None}


def with_task(**changes: Any) -> dict[str, Any]:
    task = {name: v for name, v in {**OWN["tasks"][0], **changes}.items() if v is not None}
    return changed(tasks=[task])


DOCS = "docs/playground-lessons.md says what a lesson holds."

REFUSED: list[tuple[Any, str]] = [
    (b"\xff\xfe\x00PNG", "lesson.json is no JSON file: "),
    (b"[1, 2]", f"lesson.json: The lesson must be a record (got [1,2]). {DOCS}"),
    (b"x" * 200_001, "lesson.json has 200001 bytes; a lesson has at most 200000. "),
    (changed(format="other"), f'format must be one of deltarule lesson (got "other"). {DOCS}'),
    (changed(version=2), f"version must be 1 (got 2). {DOCS}"),
    (changed(title=None), f"title must be a text of 1 to 120 letters (got nothing). {DOCS}"),
    (changed(tasks=[]), f"tasks must be a list of 1 to 20 records (got []). {DOCS}"),
    (changed(extra=1), f'The lesson has a field "extra" that lessons do not know. {DOCS}'),
    (
        changed(state="hidden=0"),
        (
            "state must be a state as addresses have it, and this cannot be read: hidden, which "
            "must be none, or units of at most 100 layers, each from 1 to 1000000, as in 8,4 "
            f"(got 0). {DOCS}"
        ),
    ),
    (with_task(chek={}), f'tasks[0] has a field "chek" that lessons do not know. {DOCS}'),
    (
        with_task(check=None),
        f"tasks[0] must be a task with one of check, question, number (got []). {DOCS}",
    ),
    (
        with_task(check={"measure": "beauty", "above": 1}),
        (
            "tasks[0].check.measure must be one of objective, held_loss, epoch, layers, "
            'largest_weight, weight, loss, rate, x, z, a, delta, largest_delta (got "beauty").'
        ),
    ),
    (
        with_task(check={"measure": "objective"}),
        f"tasks[0].check.below must be a number, or above (got nothing). {DOCS}",
    ),
    (
        with_task(check={"setting": "colour", "is": "red"}),
        (
            "tasks[0].check.setting must be a setting's name as addresses have it "
            f'(got "colour"). {DOCS}'
        ),
    ),
    (
        with_task(check={"all": [{"room": "attic"}]}),
        (
            "tasks[0].check.all[0].room must be one of network, step, landscape, data, lessons "
            f'(got "attic"). {DOCS}'
        ),
    ),
]


def choose_file(page: Any, content: Any) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    page.get_by_label("Open the file of a lesson").set_input_files(
        {"name": "lesson.json", "mimeType": "application/json", "buffer": data}
    )


def test_a_lesson_of_ones_own_is_opened_from_its_file(open_page):
    student = Student(open_page("room=lessons"))
    page = student.page
    choose_file(page, OWN)
    student.panel.get_by_role("heading", name="A lesson of mine").wait_for()
    assert "Only <b>text</b>: no W11 is ever <img" in student.panel.text_content()
    assert student.panel.locator("img").count() == 0
    assert student.panel.locator("sub").text_content() == "11"
    page.get_by_label("step size α₀").wait_for(state="detached")
    assert not student.is_done()
    student.press("A hint")
    student.panel.get_by_text("First hint.").wait_for()
    student.press("Another hint")
    student.panel.get_by_text("Second hint.").wait_for()
    page.get_by_role("link", name="Step").click()
    student.wait_until_done()
    student.press("Next task")
    student.number = 2
    answers("Yes")(student)
    student.wait_until_done()
    student.press("Close")
    student.panel.wait_for(state="detached")


def test_a_file_that_is_no_lesson_is_refused_with_a_sentence(open_page):
    page = open_page("room=lessons")
    for content, said in REFUSED:
        choose_file(page, content)
        page.get_by_role("alert").get_by_text(said).wait_for()
        assert page.get_by_role("complementary", name="Lesson").count() == 0
    choose_file(page, OWN)
    page.get_by_role("heading", name="A lesson of mine").wait_for()


# For every person

#: The name of the control that the keyboard is at.
FOCUSED = """() => {
    const { activeElement: at } = document;
    if (!at.matches('button, a, input, select')) return '';
    return at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;
}"""


def test_a_lesson_is_done_with_the_keyboard_alone(open_page):
    """Lesson 3's first tasks: from the list of lessons on, the mouse is not touched."""
    page = open_page("room=lessons")
    page.get_by_role("heading", name="Lessons that follow the notes").wait_for()
    student = Student(page)

    def tab_to(name: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if name in page.evaluate(FOCUSED):
                return
        raise AssertionError(f"no Tab leads to {name}")

    tab_to("Begin lesson 3")
    page.keyboard.press("Enter")
    student.panel.wait_for()
    student.settle()
    expect(page.locator("*:focus")).to_have_text("The delta rule: which V, and who learns")
    tab_to("What is δ of the output unit?")
    page.keyboard.type(f"{TRACE.deltas[1][0]:.4f}")
    page.keyboard.press("Enter")
    student.wait_until_done()
    tab_to("Next task")
    page.keyboard.press("Enter")
    student.number = 2
    student.panel.get_by_role("heading", name="Old V or new V?").wait_for()
    expect(page.locator("*:focus")).to_have_text("Old V or new V?")
    tab_to("What is δ1 of the hidden layer?")
    page.keyboard.type(f"{TRACE.deltas[0][0]:.4f}".replace("-", "−"))
    page.keyboard.press("Enter")
    student.wait_until_done()
    tab_to("Next task")
    page.keyboard.press("Enter")
    student.number = 3
    student.panel.get_by_role("heading", name="Now all updates").wait_for()
    tab_to("One sample")
    page.keyboard.press("Enter")
    student.wait_until_done()
    tab_to("Task 5")
    page.keyboard.press("Enter")
    student.number = 5
    tab_to("Because d̂ (1 − d̂) is nearly 0")
    page.keyboard.press("Enter")
    student.wait_until_done()
    tab_to("Close")
    page.keyboard.press("Enter")
    student.panel.wait_for(state="detached")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 1024, 420])
def test_a_lesson_keeps_nobody_out(open_page, theme, width):
    page = open_page("lesson=delta", color_scheme=theme, viewport={"width": width, "height": 800})
    student = Student(page)
    student.panel.wait_for()
    assert serious_findings(page) == []
    student.press("Task 5: Why does it not learn?")
    answers("is nearly 0 when d̂")(student)
    student.number = 5
    student.wait_until_done()
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_panel_can_lie_below_the_room(open_page):
    student = Student(open_page("lesson=xor"))
    beside = student.panel.bounding_box()
    student.press("Dock below")
    below = student.panel.bounding_box()
    assert below["width"] > 2 * beside["width"]
    student.press("Dock beside")
    assert student.panel.bounding_box()["width"] == beside["width"]


def test_what_is_done_stays_done_and_a_task_can_be_set_up_again(open_page):
    student = Student(open_page("lesson=delta"))
    page = student.page
    student.press("Task 3: Now all updates")
    student.number = 3
    student.settle()
    assert not student.is_done()
    student.press("One sample")
    student.wait_until_done()
    student.press("Set up this task again")
    page.locator(".counters").get_by_text("0 of 4").wait_for()
    student.press("Task 1: δ of the output")
    student.press("Task 3, done: Now all updates")
    assert student.is_done()
    # Another lesson begins with nothing done.
    page.get_by_role("link", name="Lessons").click()
    page.get_by_role("button", name="Begin lesson 2: Forward: sums and σ").click()
    student.panel.get_by_text("Lesson 2 of 6").wait_for()
    assert page.get_by_role("button", name=", done: ").count() == 0


#: How far what a task says, and the way on, stand inside the screen; below 0: not.
INSIDE = """() => ['.lesson-done', '.lesson-onwards button'].map((name) => {
    const { top, bottom } = document.querySelector(name).getBoundingClientRect();
    return Math.min(top - document.querySelector('.lesson-panel').getBoundingClientRect().top,
        innerHeight - bottom);
})"""


@pytest.mark.parametrize("size", [(420, 850), (800, 860), (1280, 800)], ids=lambda s: str(s[0]))
def test_what_a_task_says_is_in_sight(open_page, size):
    width, height = size
    page = open_page("room=lessons", viewport={"width": width, "height": height})
    student = Student(page)
    page.get_by_role("heading", name="Lessons that follow the notes").wait_for()
    page.evaluate("scrollTo(0, 9999)")
    page.get_by_role("button", name="Begin lesson 6").click()
    student.panel.wait_for()
    assert page.evaluate("scrollY") == 0
    for number, solution in enumerate(SOLUTIONS["layers"][:2], start=1):
        student.number = number
        student.settle()
        student.settle()
        for part in solution:
            part(student)
        student.wait_until_done()
        student.settle()
        assert min(page.evaluate(INSIDE)) >= 0, number
        assert page.evaluate("scrollY") == 0, number
        student.press("Next task")

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

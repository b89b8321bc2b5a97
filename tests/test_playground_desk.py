"""The desk: frames while it plays, and nothing of before after an answer."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playground_asks import opening, rows

import deltarule as dr
from deltarule.playground import wire
from deltarule.playground.answers import Answers
from deltarule.playground.desk import Desk


class Page:
    """Asks a desk and keeps what it hears, in order."""

    def __init__(self) -> None:
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.frames: list[dict[str, Any]] = []
        self.desk = Desk(lambda data: self.heard.put(wire.decode(data)), Answers())

    def tell(self, ask: str, **given: Any) -> None:
        self.desk.receive(wire.encode({"id": 1, "ask": ask, "given": given}))

    def ask(self, ask: str, **given: Any) -> dict[str, Any]:
        self.tell(ask, **given)
        while True:
            message = self.heard.get(timeout=20)
            if "event" not in message:
                assert "problem" not in message
                return message["answer"]
            self.frames.append(message["told"])
            self.tell("ready")

    def next_frame(self) -> dict[str, Any]:
        message = self.heard.get(timeout=20)
        self.tell("ready")
        return message["told"]


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    network, plan = dr.Network(units=(4, 5, 2)), dr.TrainingPlan(learning_rate_init=1e-3)
    made.ask("open", **opening(network, plan, rows(20, 4, 2)))
    made.ask("watch", X=np.zeros(40), layers=True)
    yield made
    made.desk.close()


@pytest.mark.parametrize("pace", [None, 2000.0])
def test_frames_come_while_it_plays(page, pace):
    page.ask("play", steps_per_second=pace)
    steps = [page.next_frame()["state"]["step"] for _ in range(5)]
    assert sorted(set(steps)) == steps
    assert page.ask("pause")["state"]["step"] >= steps[-1]


def test_frames_wait_for_the_page_to_be_ready(page):
    page.ask("play", steps_per_second=None)
    page.heard.get(timeout=20)
    page.tell("ranges")
    # Without a word that it is ready the page hears its answer alone, however long it plays.
    assert "answer" in page.heard.get(timeout=20)
    page.tell("ready")
    assert page.heard.get(timeout=20)["event"] == "frame"


def test_after_an_answer_comes_no_frame_of_before(page):
    for _ in range(30):
        page.ask("play", steps_per_second=None)
        page.next_frame()
        page.ask("pause")
        assert page.heard.empty()


def test_a_frame_with_the_end_tells_the_losses(page):
    network = dr.Network(units=(4, 2), activations="identity")
    plan = dr.TrainingPlan(learning_rate_init=1e9)
    page.ask("open", **opening(network, plan, rows(20, 4, 2)))
    page.ask("play", steps_per_second=None)
    frame = next(frame for frame in iter(page.next_frame, None) if frame["stopped"])
    assert frame["stopped"]["reason"] == "non_finite"
    assert not np.isfinite(frame["measures"]["objective"])


def test_losses_are_told_of_a_training_that_takes_long_too(page):
    network = dr.Network(units=(60, 300, 10), activations="tanh")
    page.ask("open", **opening(network, dr.TrainingPlan(), rows(2000, 60, 10)))
    page.ask("play", steps_per_second=None)
    first, told = page.next_frame(), page.next_frame()
    while not np.isfinite(told["measures"]["objective"]):
        told = page.next_frame()
    assert told["measures"]["objective"] != first["measures"]["objective"]


def test_losses_that_take_long_are_told_seldom():
    class Slow:
        def measures(self, place):
            time.sleep(0.02)

    desk = Desk(lambda data: None, Answers())
    before = time.perf_counter()
    desk._measures(Slow(), None)
    # They take a twentieth of the time at most.
    assert desk._measure_due >= before + 21 * 0.02
    desk.close()


def test_a_defect_is_said_and_ends_nothing(monkeypatch, caplog):
    heard = queue.SimpleQueue()
    answers = Answers()
    desk = Desk(heard.put, answers)

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(answers, "answer", broken)
    desk.receive(wire.encode({"id": 1, "ask": "hello", "given": {}}))
    said = wire.decode(heard.get(timeout=10))
    assert said == {
        "id": 1,
        "problem": (
            "Something went wrong that should not have (ZeroDivisionError); where the training "
            "stands is kept. Please report it, with what you did last."
        ),
    }
    monkeypatch.undo()
    desk.receive(wire.encode({"id": 2, "ask": "hello", "given": {}}))
    assert wire.decode(heard.get(timeout=10))["answer"]["engine"] == "server"
    desk.close()
    assert "a defect of the playground" in caplog.text

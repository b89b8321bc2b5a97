"""Pages and desks: a fit that is watched, asks in order, a page that goes, weights handed back."""

from __future__ import annotations

import asyncio
import queue
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import numpy as np
import pytest

import deltarule as dr
from deltarule.exceptions import InvalidParameterError
from deltarule.loop import watched_by
from deltarule.playground import handle, wire
from deltarule.playground.meeting import MOST_ASKS, MOST_UNSENT, Meeting
from deltarule.playground.room import Disconnected
from deltarule.playground.shown import Moment, Shown
from deltarule.playground.sources import source_of

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
PARITY = np.array([0, 1, 1, 0])
DRAW = np.random.default_rng(0)
MANY = DRAW.normal(size=(300, 5))
CLASSES = (MANY[:, 0] * MANY[:, 1] > 0).astype(int)

#: Seconds after which a test that waits has failed.
PATIENCE = 300


class Page:
    """The other end of a socket: what a room sees of it, and what a page does with it."""

    disconnected: ClassVar[type[Exception]] = Disconnected

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.asked: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.reads = threading.Event()
        self.reads.set()
        self.received = 0
        self.count = 0

    # The room's side

    async def receive(self) -> bytes:
        message = await self.asked.get()
        if message is None:
            raise Disconnected
        self.received += 1
        return message

    async def send(self, message: bytes) -> None:
        while not self.reads.is_set():
            await asyncio.sleep(0.001)
        self.told.put(wire.decode(message))

    # The page's side

    def ask(self, name: str, **given: Any) -> int:
        self.count += 1
        message = wire.encode({"id": self.count, "ask": name, "given": given})
        self.loop.call_soon_threadsafe(self.asked.put_nowait, message)
        return self.count

    def answer(self, name: str, **given: Any) -> dict[str, Any]:
        """What comes for this ask; events before it are left out."""
        number = self.ask(name, **given)
        while True:
            told = self.told.get(timeout=PATIENCE)
            if told.get("id") == number:
                return told
            if told.get("event") == "live":
                self.ask("ready")  # as the page does with every frame

    def event(self, name: str) -> dict[str, Any]:
        while True:
            told = self.told.get(timeout=PATIENCE)
            if told.get("event") == name:
                return told["told"]

    def open_subject(self) -> dict[str, Any]:
        subject = self.answer("hello")["answer"]["subject"]
        self.answer("open", **subject["open"])
        return subject


@contextmanager
def meeting_of(meeting: Meeting) -> Iterator[Page]:
    """A page that meets the room while it lasts."""
    page = Page()

    async def meet() -> None:
        with suppress(Disconnected):
            await meeting.meet(page)

    thread = threading.Thread(target=page.loop.run_until_complete, args=(meet(),))
    thread.start()
    yield page
    page.loop.call_soon_threadsafe(page.asked.put_nowait, None)
    page.reads.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    page.loop.close()


def quiet_fit(model, X=MANY, y=CLASSES):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


def desks() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("deltarule-")]


# ------------------------------------------------------------ a watcher of the training

# settings of the estimator: each kind of road that a training may take
ROADS = {
    "one row, in registers": {"solver": "sgd", "momentum": 0.0, "batch_size": 1},
    "one row, looking ahead": {
        "solver": "sgd",
        "momentum": 0.5,
        "batch_size": 1,
        "hidden_layer_sizes": (60,),
    },
    "one row, one pass": {"solver": "adam", "batch_size": 1},
    "mini-batches": {"solver": "adam", "batch_size": 32},
    "validated": {"batch_size": 32, "early_stopping": True, "n_iter_no_change": 1000},
    "lbfgs": {"solver": "lbfgs"},
    "reference": {"solver": "adam", "batch_size": 32, "engine": "reference"},
}


@pytest.mark.parametrize("road", ROADS)
def test_a_watched_fit_has_the_same_bits(road, monkeypatch):
    # Short slices, so that numbers are read inside epochs too.
    monkeypatch.setattr("deltarule.engines.base.SLICE_SECONDS", 1e-5)
    monkeypatch.setattr("deltarule.engines.compiled.SLICE_STEPS", 7)
    settings = {"hidden_layer_sizes": (8,), "max_iter": 8, "tol": 0.0, "random_state": 0}
    model = dr.MLPClassifier(**{**settings, **ROADS[road]})
    plain = quiet_fit(model)._vector.copy()
    looks, inside = [], []

    def look(loop) -> None:
        looks.append(loop.numbers()[0].copy())
        inside.append(loop.progress.step)

    with watched_by(look):
        quiet_fit(model)
    np.testing.assert_array_equal(model._vector, plain)
    assert len(looks) >= 2
    assert any(inside) or road == "lbfgs"
    seen = len(looks)
    quiet_fit(model)
    assert len(looks) == seen  # nobody watches behind the block


def test_a_watcher_cuts_no_epochs():
    looks = 0

    def look(loop) -> None:
        nonlocal looks
        looks += 1

    settings = {"solver": "sgd", "momentum": 0.0, "batch_size": 1, "max_iter": 20_000, "tol": 0.0}
    model = dr.MLPClassifier((3,), n_iter_no_change=10**6, random_state=0, **settings)
    with watched_by(look):
        quiet_fit(model, XOR, PARITY)
    assert model.n_iter_ == 20_000
    assert 1 <= looks < 2_000


def test_numbers_are_taken_only_for_a_page_that_waits():
    class Viewer:
        waits = False
        shown = 0

        def show(self, moment: Moment) -> None:
            self.shown += 1

        def tell_subject(self, subject: dict[str, Any]) -> None:
            pass

    class Loop:
        def numbers(self):
            raise AssertionError("nobody waits for numbers")

    shown = Shown(source_of(quiet_fit(dr.MLPClassifier((3,), max_iter=2)), MANY, CLASSES))
    shown.fitting = True
    shown.look(Loop())
    viewer = Viewer()
    shown.viewers.add(viewer)
    shown._due = 0.0
    shown.look(Loop())
    assert viewer.shown == 0


def test_a_fit_is_shown_live_and_open_when_it_ends():
    enough = threading.Event()
    # Ended by what the page has seen.
    model = dr.MLPClassifier((8,), batch_size=32, max_iter=10**6, tol=0.0, random_state=0)
    model.set_params(n_iter_no_change=10**6)
    model._observer = lambda report: enough.is_set()
    shown = Shown()
    meeting = Meeting(shown)
    with meeting_of(meeting) as page:
        assert page.answer("hello")["answer"]["subject"] is None
        shown.begin_fit(lambda: source_of(model, MANY, CLASSES))
        assert "live" in page.answer("hello")["answer"]["can"]
        problems = []

        def use() -> None:
            subject = page.event("subject")
            assert subject["fitting"] is True
            page.answer("open", **subject["open"])
            page.answer("watch", X=MANY.ravel(), layers=True)
            frames = []
            for _ in range(3):
                frames.append(page.event("live"))
                page.ask("ready")
            for ask, given in (
                ("advance", {"unit": "epoch", "count": 1}),
                ("play", {"steps_per_second": None}),
                ("back", {}),
                ("set", {"vector": frames[0]["state"]["vector"]}),
            ):
                problems.append(page.answer(ask, **given).get("problem"))
            problems.append(page.answer("diagnose").get("problem"))
            traced = page.answer("trace", x=None, d=None, numeric=False)["answer"]
            frames.append(traced["before"])
            seen.extend(frames)
            enough.set()

        seen: list[Any] = []
        user = threading.Thread(target=use)
        user.start()
        with watched_by(shown.look):
            quiet_fit(model)
        user.join(PATIENCE)
        shown.end_fit(source_of(model, MANY, CLASSES))
        last = page.event("subject")
    epochs = [frame["state"]["epoch"] for frame in seen[:3]]
    assert epochs == sorted(epochs)
    for frame in seen[:3]:
        epoch, loss = frame["curve"]["epoch"], frame["curve"]["loss"]
        np.testing.assert_array_equal(loss, np.array(model.loss_curve_)[epoch.astype(int) - 1])
        assert frame["maps"]["levels"].size == 9 * len(MANY)
    # Losses over all rows are told now and then.
    assert np.isfinite(seen[0]["measures"]["objective"])
    # What is looked at meanwhile is the network of the fit, and not the one it began with.
    assert not np.array_equal(seen[3], seen[0]["state"]["vector"])
    assert problems == [
        *4
        * [
            (
                "The model is being fitted elsewhere and shown as it goes: it cannot be moved from "
                "here. Wait until the fit ends, or open another set."
            )
        ],
        (
            "A model is diagnosed when its fit has ended (got one that is being fitted). Wait for "
            "the end."
        ),
    ]
    assert last["fitting"] is False
    np.testing.assert_array_equal(last["open"]["start"]["vector"], model._vector)


# ------------------------------------------------------------ pages and desks


def test_what_a_page_that_goes_was_training_ends():
    shown = Shown(source_of(quiet_fit(dr.MLPClassifier((8,), max_iter=2)), MANY, CLASSES))
    with meeting_of(Meeting(shown)) as page:
        page.open_subject()
        page.answer("play", steps_per_second=None)
        page.event("frame")
        assert desks()
    assert not desks()


def test_an_ask_that_takes_long_ends_with_its_page():
    shown = Shown(source_of(quiet_fit(dr.MLPClassifier((8,), max_iter=2)), MANY, CLASSES))
    with meeting_of(Meeting(shown)) as page:
        page.open_subject()
        page.ask("advance", unit="epoch", count=100_000)
        for _ in range(3):
            page.ask("advance", unit="epoch", count=100_000)
    assert not desks()


def test_a_page_that_reads_nothing_is_not_read_either():
    meeting = Meeting(Shown())
    with meeting_of(meeting) as page:
        page.answer("hello")
        page.reads.clear()
        asks = [page.ask("hello") for _ in range(10 * MOST_ASKS)]
        most = MOST_ASKS + MOST_UNSENT + 4
        waited = threading.Event()
        waited.wait(0.3)
        assert page.received <= most
        page.reads.set()
        answers = [page.told.get(timeout=PATIENCE)["id"] for _ in asks]
    assert answers == asks


def test_weights_are_taken_from_the_page_that_was_used_last():
    model = quiet_fit(dr.MLPClassifier((8,), max_iter=2, random_state=0))
    before = model._vector.copy()
    shown = Shown(source_of(model, MANY, CLASSES))
    meeting = Meeting(shown)
    assert meeting.model_parameters() is None
    with meeting_of(meeting) as first, meeting_of(meeting) as second:
        first.open_subject()
        second.open_subject()
        moved = first.answer("advance", unit="epoch", count=1)["answer"]["state"]["vector"]
        np.testing.assert_array_equal(meeting.model_parameters().vector, moved)
        second.answer("hello")
        np.testing.assert_array_equal(meeting.model_parameters().vector, before)
        first.answer("hello")
    # Pages that went have left what they made of it.
    assert meeting.model_parameters() is not None
    np.testing.assert_array_equal(model._vector, before)


# ------------------------------------------------------------ dr.play


def test_play_opens_a_fitted_model_and_leaves_it_alone():
    model = quiet_fit(dr.MLPClassifier((8,), max_iter=2, random_state=0))
    before = model._vector.copy()
    with dr.play(model, MANY, CLASSES, browser=False) as page:
        links = {page.url, page.url}
        assert len(links) == 2
        assert all(link.startswith("http://127.0.0.1:") for link in links)
        assert repr(page).startswith("<play of MLPClassifier: http://127.0.0.1:")
        assert page._repr_html_().startswith('<a href="http://127.0.0.1:')
        with pytest.raises(InvalidParameterError) as caught:
            page.take()
        assert str(caught.value) == (
            "A page must have the model open for its weights to be taken (got none). Open the "
            "link of this handle in a browser."
        )
        with meeting_of(page._meeting) as used:
            used.open_subject()
            moved = used.answer("advance", unit="epoch", count=3)["answer"]["state"]["vector"]
        np.testing.assert_array_equal(model._vector, before)
        assert page.take() is model
        np.testing.assert_array_equal(model._current_vector(model._network), moved)
    page.close()
    assert repr(page) == "<play of MLPClassifier, closed>"
    assert page._repr_html_() == "The page of this MLPClassifier is closed."


def test_play_fits_what_is_not_fitted():
    model = dr.MLPClassifier((8,), max_iter=3, random_state=0)
    plain = quiet_fit(dr.MLPClassifier((8,), max_iter=3, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = dr.play(model, MANY, CLASSES, browser=False)
    with page, meeting_of(page._meeting) as used:
        subject = used.open_subject()
    np.testing.assert_array_equal(model._vector, plain._vector)
    assert subject["fitting"] is False
    np.testing.assert_array_equal(subject["open"]["start"]["vector"], plain._vector)


def test_a_fit_that_fails_closes_the_page():
    threads = threading.active_count()
    with pytest.raises(ValueError, match="NaN"):
        dr.play(dr.MLPClassifier(), MANY * np.nan, CLASSES, browser=False)
    assert threading.active_count() == threads


def test_play_needs_rows_to_fit():
    with pytest.raises(InvalidParameterError) as caught:
        dr.play(dr.MLPRegressor(), browser=False)
    assert str(caught.value) == (
        "X must be given to fit an MLPRegressor (got None). Pass the rows and their target, or a "
        "fitted estimator."
    )


def test_the_browser_is_opened_where_there_is_a_screen(monkeypatch):
    from deltarule.playground import browser

    started = []

    class Process:
        def __init__(self, command: list[str], **how: Any) -> None:
            started.append(command)

        def wait(self) -> None:
            pass

    monkeypatch.setattr(browser.subprocess, "Popen", Process)
    monkeypatch.setattr(browser.sys, "platform", "linux")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    model = quiet_fit(dr.MLPClassifier((8,), max_iter=2))
    with dr.play(model, MANY, CLASSES):
        assert started == []
    monkeypatch.setenv("DISPLAY", ":0")
    with dr.play(model, MANY, CLASSES):
        (command,) = started
        assert command[1:3] == ["-m", "webbrowser"]
        assert command[3].startswith("http://127.0.0.1:")
    with dr.play(model, MANY, CLASSES, browser=False):
        assert len(started) == 1
    assert handle.open_browser is browser.open_browser

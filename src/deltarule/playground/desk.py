"""One person's desk: asks are answered in order, and between them the training goes on.

A thread of its own works through the asks and, while the training plays, runs slices of some
milliseconds between them. Frames are painted and packed by a second thread from numbers that the
first has handed over, one at a time and only when the page is ready for one, so that painting
costs the training no step. A fit elsewhere is shown by the same painter, in the same way.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from deltarule.exceptions import DeltaruleError
from deltarule.network import Parameters
from deltarule.playground import wire
from deltarule.playground.answers import Answers
from deltarule.playground.lab import Lab, Snapshot
from deltarule.playground.maps import Painter
from deltarule.playground.shown import Moment

logger = logging.getLogger("deltarule.playground")

#: Seconds of a slice of training, at least and at most: it ends about when a frame is due.
SLICE = (0.003, 0.012)

#: Seconds between two frames at least, and where their maps have more bytes than that.
FRAME, LARGE_FRAME, LARGE = 1 / 61, 1 / 31, 100_000

#: Seconds after which an ask begins to say how far it is, and between two such words.
SILENT, WORDS = 0.25, 0.1

#: Of the time between two frames the painter takes at most this share, so that it can keep up
#: beside a training and a browser on a machine of two cores.
PAINTING = 0.25

#: Seconds between two frames that tell the losses over all rows, at least, and the largest number
#: of products for which they are computed anew while it plays: a second or so.
MEASURING, MEASURED = 0.1, 4_000_000_000

#: How many times longer than losses take they are not computed anew, and than it takes to paint a
#: frame of a fit elsewhere there is none: they take no more than this share of a processor.
RARER = 20


class _Ended(Exception):
    """Leaves an ask that takes long when its page is gone."""


def _reported(defect: Exception) -> str:
    """Log an error that is nobody's but ours; what the page says of it."""
    logger.error("a defect of the playground", exc_info=defect)
    return (
        f"Something went wrong that should not have ({type(defect).__name__}); where the training "
        "stands is kept. Please report it, with what you did last."
    )


class Desk:
    """Answers one page.

    Parameters
    ----------
    send : callable
        Takes the bytes of an answer or an event, from any thread.
    answers : Answers
        What the desk can do.
    """

    def __init__(self, send: Callable[[bytes], None], answers: Answers) -> None:
        self._send, self._answers = send, answers
        self._inbox: queue.SimpleQueue[bytes | Future[Parameters | None] | None]
        self._inbox = queue.SimpleQueue()
        self._ended, self._closing = False, threading.Lock()
        #: Epochs of a fit elsewhere that the page has seen, and when it may be shown again.
        self._seen, self._rested = 0, 0.0
        self._painter = ThreadPoolExecutor(1, thread_name_prefix="deltarule-frames")
        self._word_due, self._spoke = 0.0, False
        #: Whether the page waits for a frame; when the next one may be painted, when the next step
        #: of a pace is due, and when losses are told again.
        self._ready, self._frame_due, self._due, self._measure_due = True, 0.0, 0.0, 0.0
        self._least_spacing, self._maps = FRAME, Painter()
        #: The step that the last frame showed.
        self._shown = -1
        #: Seconds of a processor that the last frame took to be painted.
        self._painting = 0.0
        self._frame: Future[None] | None = None
        self._thread = threading.Thread(target=self._work, name="deltarule-desk", daemon=True)
        self._thread.start()

    def receive(self, message: bytes) -> None:
        """Take an ask; its answer goes through `send`."""
        self._inbox.put(message)

    @property
    def asks(self) -> int:
        """How many wait to be answered."""
        return self._inbox.qsize()

    def parameters(self) -> Parameters | None:
        """The numbers of what the page has open, after all that it asked for; from any thread."""
        found: Future[Parameters | None] = Future()
        with self._closing:
            if self._ended:
                return self._numbers()
            self._inbox.put(found)
        return found.result()

    def _numbers(self) -> Parameters | None:
        lab = self._answers.lab
        return None if lab is None else lab.parameters

    def close(self) -> None:
        """End the training and the threads."""
        with self._closing:
            self._ended = True
            self._inbox.put(None)
        lab = self._answers.lab
        if lab is not None:
            lab.end()
        self._thread.join()
        self._painter.shutdown(cancel_futures=True)

    # A fit elsewhere; from its thread

    @property
    def waits(self) -> bool:
        """Whether the page has the model open and has drawn the last frame."""
        rested = time.perf_counter() >= self._rested
        return self._ready and rested and self._answers.shows_fit

    def show(self, moment: Moment) -> None:
        """Paint where the fit stands, and send it."""
        self._ready = False
        self._answers.follow(moment)
        self._painter.submit(self._safely, lambda: self._paint_moment(moment))

    def tell_subject(self, subject: dict[str, Any]) -> None:
        """Say that another model is open now."""
        self._seen = 0
        self._send(wire.encode({"event": "subject", "told": subject}))

    def _paint_moment(self, moment: Moment) -> None:
        began = time.thread_time()
        lab, watched = self._answers.lab, self._answers.watched
        layers = self._answers.watched_layers
        if lab is None or lab.network != moment.parameters.network:
            self._ready = True
            return
        told: dict[str, Any] = {
            "state": moment.state(),
            "measures": {"objective": float("nan"), "held_loss": None},
            "curve": moment.curve(self._seen),
            "stopped": None,
            "behind": 0,
            "maps": None,
        }
        if watched is not None:
            told["maps"] = vars(self._maps.paint(moment.parameters, watched, layers))
        self._seen = moment.place.epoch - moment.epoch_before
        painting = time.thread_time() - began
        if self._is_to_measure(lab):
            told["measures"] = self._measures(lab, moment.place)
        message = wire.encode({"event": "live", "told": told})
        self._rested = time.perf_counter() + RARER * painting
        self._send(message)

    # Losses over all rows

    def _is_to_measure(self, lab: Lab) -> bool:
        few = lab.network.size * len(lab.train.X) <= MEASURED
        return few and time.perf_counter() >= self._measure_due

    def _measures(self, lab: Lab, place: Snapshot) -> dict[str, float | None]:
        began = time.perf_counter()
        found = lab.measures(place)
        now = time.perf_counter()
        self._measure_due = now + max(MEASURING, RARER * (now - began))
        return found

    # The desk's own thread

    def _work(self) -> None:
        while True:
            message = self._next()
            if message is None:
                return
            if isinstance(message, Future):
                message.set_result(self._numbers())
            elif self._ended:
                continue
            elif message:
                with contextlib.suppress(_Ended):
                    self._answer(message)
            else:
                self._go_on_or_say()

    def _go_on_or_say(self) -> None:
        try:
            self._go_on()
        except Exception as defect:
            self._answers.playing = False
            self._send(wire.encode({"event": "trouble", "told": {"sentence": _reported(defect)}}))

    def _next(self) -> bytes | Future[Parameters | None] | None:
        """The next ask; empty where none waits and there is training to do."""
        answers = self._answers
        if not answers.playing:
            return self._inbox.get()
        seconds = 0.0
        if answers.pace is not None:
            seconds = max(0.0, min(self._due - time.perf_counter(), FRAME))
        with contextlib.suppress(queue.Empty):
            return self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
        return b""

    def _answer(self, message: bytes) -> None:
        number, answer = None, dict[str, Any]()
        self._word_due, self._spoke = time.perf_counter() + SILENT, False
        try:
            asked = wire.decode(message)
            number = asked.get("id")
            if not isinstance(number, int) or isinstance(number, bool):
                number = None
            if asked.get("ask") == "ready":
                self._ready = True
                return
            if self._frame is not None:
                # What the page hears after an answer has happened after it.
                wait([self._frame])
            playing = self._answers.playing
            answer = {"answer": self._answers.answer(asked, self._progress)}
            if self._answers.playing and not playing:
                self._due, self._ready = time.perf_counter(), True
        except DeltaruleError as problem:
            answer = {"problem": str(problem)}
        except MemoryError:
            answer = {"problem": "There is not enough memory for that. Ask for less."}
        except _Ended:
            raise
        except Exception as defect:
            answer = {"problem": _reported(defect)}
        self._send(wire.encode({"id": number, **answer}))

    def _progress(self, done: float) -> None:
        """Say how far an ask is that takes long, and that it is done if that was said."""
        if self._ended:
            raise _Ended
        now = time.perf_counter()
        if now < self._word_due and not (done >= 1 and self._spoke):
            return
        self._word_due, self._spoke = now + WORDS, True
        self._send(wire.encode({"event": "progress", "told": {"done": done}}))

    def _go_on(self) -> None:
        """One slice of training, and a frame where the page waits for one."""
        answers, now = self._answers, time.perf_counter()
        lab, pace = answers.lab, answers.pace
        assert lab is not None
        if pace is None:
            lab.run(min(max(self._frame_due - now, SLICE[0]), SLICE[1]))
        elif now >= self._due:
            late = min(now - self._due, FRAME)
            # Of a fast pace some steps at once: looking at the clock between all costs more.
            count = max(1, int((late + SLICE[0]) * pace))
            lab.run_steps(count)
            # A pace that cannot be kept is not made up for later.
            self._due = max(self._due + count / pace, now - FRAME)
        if lab.stopped is not None:
            answers.playing = False
        now = time.perf_counter()
        # At a slow pace there is nothing new for many a frame.
        is_due = self._ready and now >= self._frame_due and lab.step != self._shown
        if lab.stopped is not None or is_due:
            spacing = max(self._least_spacing, self._painting / PAINTING)
            # On time on average: a frame that a slice has made late makes the next one no later.
            self._frame_due = max(self._frame_due + spacing, now + spacing / 2)
            self._ready = False
            self._hand_over(lab)

    def _hand_over(self, lab: Lab) -> None:
        """Give the numbers to the painter."""
        self._shown = lab.step
        watched, layers = self._answers.watched, self._answers.watched_layers
        place = lab.snapshot()
        told = self._answers.moved(maps=False, measures=False)
        parameters = Parameters(lab.network, place.numbers[0], place.numbers[2])
        measured = lab.stopped is not None or self._is_to_measure(lab)

        def paint_and_send() -> None:
            began = time.thread_time()
            if watched is not None:
                painted = self._maps.paint(parameters, watched, layers)
                told["maps"] = vars(painted)
                self._least_spacing = LARGE_FRAME if painted.levels.size > LARGE else FRAME
            self._painting = time.thread_time() - began
            if measured:
                told["measures"] = self._measures(lab, place)
            self._send(wire.encode({"event": "frame", "told": told}))

        self._frame = self._painter.submit(self._safely, paint_and_send)

    def _safely(self, paints: Callable[[], None]) -> None:
        """Paint; a frame that cannot be painted is left out, and the page waits for the next."""
        try:
            paints()
        except Exception as defect:
            _reported(defect)
            self._ready = True

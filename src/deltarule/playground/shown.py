"""What all pages of a server are shown: a model that was opened, or one that is being fitted.

A fit is looked at between the slices of its training (`loop.watched_by`), by `Shown.look`. It takes
the numbers only where a page waits for a frame, and not more often than costs next to nothing; the
frame is painted elsewhere. So frames are left out, and never steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.loop import Loop
from deltarule.network import Network, Parameters
from deltarule.playground.lab import CURVE_POINTS, Snapshot
from deltarule.playground.sources import Source
from deltarule.playground.subject import subject_at, subject_of

#: Seconds between two frames of a fit at least, and how many times longer than to take the numbers.
FRAME, RARER = 1 / 20, 100


@dataclass(frozen=True, eq=False)
class Moment:
    """Where a fit stands.

    Parameters
    ----------
    parameters : Parameters
        In float64.
    place : Snapshot
    step : int
        Steps since the start.
    epoch_before : int
        Whole epochs before this fit.
    losses, held_losses : list of float
        Of each epoch of this fit. They grow while it goes on, and are only read.
    """

    parameters: Parameters
    place: Snapshot
    step: int
    epoch_before: int
    losses: list[float]
    held_losses: list[float]

    def state(self) -> dict[str, Any]:
        """As the page's protocol has it."""
        return self.place.record(self.step)

    def curve(self, since: int) -> dict[str, Array]:
        """The epochs from number `since` of this fit on, evenly thinned."""
        until = self.place.epoch - self.epoch_before
        stride = max(1, -(-(until - since) // CURVE_POINTS))
        numbers = np.arange(since, until, stride)
        return {
            "epoch": self.epoch_before + 1.0 + numbers,
            "loss": np.array(self.losses[since:until:stride], dtype=np.float64),
            "held_loss": np.array(self.held_losses[since:until:stride], dtype=np.float64),
        }


class Viewer(Protocol):
    """A page's desk, as a fit sees it."""

    @property
    def waits(self) -> bool:
        """Whether the page has drawn the last frame."""

    def show(self, moment: Moment) -> None:
        """Paint and send a frame, elsewhere."""

    def tell_subject(self, subject: dict[str, Any]) -> None:
        """Say that another model is open."""


class Shown:
    """The model of a server.

    Parameters
    ----------
    source : Source, optional
        What is open from the beginning.
    title : str, optional
        Names it.

    Attributes
    ----------
    source : Source or None
    subject : dict or None
        What pages are told of it.
    fitting : bool
        Whether it is being fitted now.
    viewers : set
        The desks of all pages.
    """

    def __init__(self, source: Source | None = None, title: str | None = None) -> None:
        self.source, self._title = source, title
        self.subject = None if source is None else subject_of(source, title)
        self.fitting = False
        self.viewers: set[Viewer] = set()
        self._network = None if source is None else source.estimator._network
        self._read: Callable[[], Source] | None = None
        self._due = 0.0

    def has(self, network: Network) -> bool:
        """Whether this is the network of the model that is open."""
        return self.subject is not None and self._network == network

    def begin_fit(self, read: Callable[[], Source]) -> None:
        """A fit begins; ``read()`` gives what is fitted, once its network is there."""
        self._read, self.fitting = read, True

    def end_fit(self, source: Source) -> None:
        """The fit has ended: what it made is open now."""
        self.fitting, self.source = False, source
        self._network = source.estimator._network
        self._tell(subject_of(source, self._title))

    def look(self, loop: Loop) -> None:
        """See where the training of a fit stands: a watcher, called between its slices."""
        now = time.perf_counter()
        if now < self._due:
            return
        self._due = now + FRAME
        if self.subject is None and self._read is not None:
            self.source, self._network = self._read(), loop.network
            self._tell(subject_at(self.source, Parameters(loop.network, loop.numbers()[0])))
            return
        waiting = [viewer for viewer in tuple(self.viewers) if viewer.waits]
        if not waiting:
            return
        # The processor's time: that of others who wait for it is no cost of ours.
        began = time.thread_time()
        moment = _moment(loop)
        for viewer in waiting:
            viewer.show(moment)
        self._due = max(self._due, now + RARER * (time.thread_time() - began))

    def _tell(self, subject: dict[str, Any]) -> None:
        self.subject = subject
        for viewer in tuple(self.viewers):
            viewer.tell_subject(subject)


def _moment(loop: Loop) -> Moment:
    vector, moments, buffers = (part.astype(np.float64) for part in loop.numbers())
    p = loop.progress
    place = Snapshot((vector, moments, buffers), p.epoch, p.step, p.carried, p.standing)
    return Moment(
        Parameters(loop.network, vector, buffers),
        place,
        loop.offset + p.epoch * loop.steps_per_epoch + p.step,
        loop.state.epoch,
        p.loss,
        p.validation_loss,
    )

"""A learner made of a session's epochs: the meaning of `RowLearner`, written out.

Each row is an epoch of its own with one step, so that a learner has the bits of a training that is
called for every row anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.engines.base import RowLearner, RowPredictor, Session
from deltarule.engines.work import Progress, Stood, Walk
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Network
from deltarule.stopping import StopReason


class SessionLearner(RowLearner):
    """A learner made of a session's epochs, one call for each.

    Parameters
    ----------
    session : Session
        With parameters and moments loaded; nobody else has it run.
    walk : Walk
    progress : Progress
        Where the training stands; it is left as it is.
    open_predictor : callable
        Makes a predictor of a network, a parameter vector and buffers.
    """

    def __init__(
        self,
        session: Session,
        walk: Walk,
        progress: Progress,
        open_predictor: Callable[[Network, Array, Array], RowPredictor],
    ) -> None:
        self._session, self._walk, self._open_predictor = session, walk, open_predictor
        self._at = Progress(progress.epoch, replace(progress.standing))
        self._steps, self._objectives = 0, 0.0
        self._reason: StopReason | None = None
        self._busy = False

    def step(self, x: Any, target: Any, weight: Any) -> float | None:
        """Takes nothing as it is given."""
        return None

    def step_on(self, X: Array, D: Array, weight: float) -> float:
        """One epoch of one row."""
        if self._busy:
            raise InvalidParameterError(
                "the learner is at work in another call. Open a learner for each thread."
            )
        self._busy = True
        try:
            return self._step(X, D, weight)
        finally:
            self._busy = False

    def _step(self, X: Array, D: Array, weight: float) -> float:
        standing = replace(self._at.standing)
        if self._reason is not None:  # as a warm start does: a stream goes on
            standing.stalled = 0
        if self._reason is StopReason.STEP_TOO_SMALL:
            standing.rate_factor = 1.0
        progress = Progress(self._at.epoch, standing, whole=self._at.whole)
        self._session.bind(X, D, None if weight == 1 else np.array([weight], dtype=D.dtype))
        try:
            reason = self._session.run_epochs(self._walk, progress, 1)
        except BaseException:
            self._session.go_back(self._at if self._at.whole is not None else progress)
            raise
        if reason is StopReason.NON_FINITE:
            self._session.go_back(progress)
            return float("nan")
        self._at, self._reason, self._steps = progress, reason, self._steps + 1
        self._objectives += progress.loss[0]
        return progress.loss[0]

    def stood(self) -> Stood:
        """Where it stands."""
        standing = replace(self._at.standing)
        return Stood(self._steps, self._objectives, standing, self._reason)

    def predictor(self, network: Network) -> RowPredictor:
        """Made anew by the engine after each step."""
        return _Following(lambda: self._steps, lambda: self._open(network))

    def _open(self, network: Network) -> RowPredictor:
        return self._open_predictor(network, *self._session.published())


class _Following(RowPredictor):
    """A `RowPredictor` whose numbers are those of the last step."""

    def __init__(self, steps: Callable[[], int], make: Callable[[], RowPredictor]) -> None:
        self._steps, self._make = steps, make
        self._at, self._rows = steps(), make()

    def _now(self) -> RowPredictor:
        if self._at != self._steps():
            self._at, self._rows = self._steps(), self._make()
        return self._rows

    def outputs(self, X: Any, out: Array | None = None) -> Array | None:
        return self._now().outputs(X, out)

    def first(self, X: Any, out: Array | None = None) -> Any:
        return self._now().first(X, out)

    def choose(self, X: Any, middle: float) -> Any:
        return self._now().choose(X, middle)

"""What an engine promises.

An engine turns a network, a plan and arrays into numbers. It opens a `Session`, which owns its own
layout of the parameters across many runs and converts once on entry (`Session.load`) and once on
exit (`Session.vector`, `Session.moments`, `Session.buffers`). A session is never pickled or copied;
the training state is.

Promises that hold for every engine, tested in ``tests/conformance``:

- Arrays are exact: the session's dtype, C-contiguous, X ``(N, inputs)`` dense or CSR, D
  ``(N, outputs)``. Nothing is converted silently and no argument is written to.
- Step ``s`` of an epoch takes the positions ``[s B, min((s + 1) B, N))`` of the epoch's order, so
  that cutting a run into several changes no bit, neither of the parameters nor of the loss.
- Losses are those met before each update, summed in float64.
- Epochs may be run in any number of calls. An engine may end `Session.run_epochs` and
  `Session.run_epoch` at any step, by the clock; the next call goes on, and no bit changes.
- Which units drop out is a function of key, layer, step clock and row in the batch
  (`random.kept_units`); outside of steps none does.
- Batch normalisation takes mean and variance of a step's rows, each once whatever its weight, and
  the running statistics, which are buffers, follow. A single row that is left at an epoch's end is
  normalised by them, and they stay; so is every row outside of steps.
- Where there are several heads, one whose target is NaN adds no loss and no delta for that row.
- What is published, and judged, is the optimiser's average where it keeps one, else the parameters;
  the buffers beside it are those of the steps.
- Two engines agree after one step to 1e-12 (float64) or 1e-5 (float32), relative to the largest
  entry.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from deltarule import backprop
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.engines.work import (
    Epoch,
    Judged,
    Numbers,
    Place,
    Progress,
    RowCode,
    Rule,
    Stood,
    Walk,
    Work,
)
from deltarule.network import Network, Parameters
from deltarule.optimizers import Optimizer
from deltarule.random import order
from deltarule.stopping import StopReason

__all__ = [
    "Engine",
    "Epoch",
    "Judged",
    "Numbers",
    "Progress",
    "Report",
    "Rule",
    "Session",
    "Walk",
    "Work",
]

#: A slice of a training ends after so many seconds, at the next step.
SLICE_SECONDS = 0.025


@dataclass(frozen=True, eq=False)
class Report:
    """What a run returns.

    Parameters
    ----------
    steps : int
        Steps done; fewer than asked where a loss became non-finite, the bad step included.
    losses : float64 array
        Σ w_i f^i as met, one entry for every epoch that the run touched, in order; the first
        includes what was carried.
    finite : bool
        Whether all losses were finite.
    """

    steps: int
    losses: Array
    finite: bool


@dataclass(frozen=True, eq=False)
class Trace:
    """What steps of one row met: one array ``(steps, units)`` for every layer.

    Parameters
    ----------
    report : Report
    pre_activations, outputs : tuple of arrays
        z and a of each layer.
    deltas : tuple of arrays
        ∂(w f)/∂z times N/n of equation (9), with the weights before the step.
    """

    report: Report
    pre_activations: tuple[Array, ...]
    outputs: tuple[Array, ...]
    deltas: tuple[Array, ...]


def met(
    parameters: Parameters,
    X: Any,
    D: Array,
    sample_weight: Array | None,
    scale: float,
    step: backprop.Step | None = None,
) -> tuple[tuple[Array, ...], tuple[Array, ...], tuple[Array, ...]]:
    """z, a and δ of every layer for one row, equations (1) to (6) in NumPy, as in a `Trace`."""
    with np.errstate(all="ignore"):
        passed = backprop.forward(parameters.network, parameters, X, step)
        factor = scale * (1.0 if sample_weight is None else float(sample_weight[0]))
        deltas = backprop.deltas(parameters.network, parameters, passed, D)
        return passed.pre_activations, passed.outputs[1:], tuple(d * factor for d in deltas)


class Session(ABC):
    """One network in one dtype on one engine; see the module's promises.

    The methods for epochs are written out here in terms of the others: that is their meaning. An
    engine that does many epochs in one go has its own for all three.
    """

    _network: Network
    _bound: tuple[Any, Array, Array | None]  # X, D and weights of the rows to train on

    @abstractmethod
    def load(
        self, vector: Array, moments: Array | None = None, buffers: Array | None = None
    ) -> None:
        """Take over parameters, the optimiser's moments ``(count, size)``, and buffers.

        Without moments they are zeros. Without buffers those of the session stay, which are the
        layers' own start at first.
        """

    @abstractmethod
    def bind(self, X: Any, D: Array, sample_weight: Array | None = None) -> None:
        """Name the training rows for the next runs; they are referred to, not copied."""

    @abstractmethod
    def run(self, work: Work, first_step: int, rates: Array, carried: float = 0.0) -> Report:
        """Do ``len(rates)`` steps from step ``first_step`` of the order, with these step sizes.

        ``carried`` is what earlier runs have summed up for the epoch of ``first_step``; the sum
        goes on from it, so that cutting an epoch into runs changes no bit of its loss either.
        """

    def trace(self, work: Work, first_step: int, rates: Array) -> Trace:
        """Do what `run` does, bit for bit, with steps of one row, and keep what they met.

        Written out here: each row is looked at in NumPy before its step.
        """
        work = replace(work, batch_size=1)
        X, D, weight = self._bound
        positions = D.shape[0] if isinstance(work.order, Rule) else len(work.order)
        steps, losses = 0, np.zeros(1)
        seen: list[tuple[tuple[Array, ...], ...]] = []
        report = Report(0, losses, True)
        while steps < len(rates) and report.finite:
            epoch, place = divmod(first_step + steps, positions)
            row = self._rows(work.order, epoch)[place : place + 1]
            parameters = Parameters(self._network, self.vector(), self.buffers())
            clock = first_step + steps + work.step_offset
            weights = None if weight is None else weight[row]
            step = backprop.Step(work.key, clock)
            seen.append(met(parameters, X[row], D[row], weights, work.scale, step))
            if place == 0 and steps:
                losses = np.append(losses, 0.0)
            report = self.run(work, first_step + steps, rates[steps : steps + 1], losses[-1])
            losses[-1] = report.losses[0]
            steps += 1
        z, a, delta = (
            tuple(np.concatenate(layer) for layer in zip(*kind, strict=True))
            for kind in zip(*seen, strict=True)
        )
        return Trace(Report(steps, losses, report.finite), z, a, delta)

    def _rows(self, source: Rule | Array, epoch: int) -> Array:
        """The order of one epoch."""
        if not isinstance(source, Rule):
            return source
        return order(source.kind, source.key, epoch, self._bound[1].shape[0])

    def run_epochs(self, walk: Walk, progress: Progress, most: int) -> StopReason | None:
        """Run up to `most` epochs, at least one step: record each and ask the stop rules.

        Returns
        -------
        StopReason or None
            None where the rules let the training go on. After a number that is not finite,
            parameters are what they became: `go_back` makes them those of the last whole epoch.
        """
        ends = time.perf_counter() + SLICE_SECONDS
        for _ in range(most):
            epoch = self.run_epoch(walk, progress)
            if epoch is None or not epoch.finite:
                return None if epoch is None else StopReason.NON_FINITE
            reason = progress.note(walk.rules, epoch, self.published)
            if reason is not None or time.perf_counter() >= ends:
                return reason
        return None

    def run_epoch(self, walk: Walk, progress: Progress) -> Epoch | None:
        """Run to the end of the epoch at hand and judge it; to record it is left to the caller.

        Returns
        -------
        Epoch or None
            None where the call ended before.
        """
        numbers = self.numbers()
        if progress.whole is None:
            progress.whole = numbers
        count, ends = walk.steps_per_epoch, time.perf_counter() + SLICE_SECONDS
        while progress.step < count:
            progress.place = Place(progress.epoch, progress.step, progress.carried, numbers)
            report = self._some(walk, progress)
            numbers = self.numbers()
            if not report.finite:
                return Epoch(float(report.losses[0]) / walk.n, finite=False)
            if progress.step < count and time.perf_counter() >= ends:
                progress.place = Place(progress.epoch, progress.step, progress.carried, numbers)
                return None
        progress.place = Place(progress.epoch, progress.step, progress.carried, numbers)
        vector = numbers[0]
        penalty = float(backprop.penalty_value(walk.network, vector, walk.penalty))
        loss = (progress.carried + penalty) / walk.n
        finite = np.isfinite(vector).all() and np.isfinite(numbers[2]).all()
        if not (np.isfinite(loss) and finite):
            return Epoch(loss, finite=False)
        progress.whole = numbers
        return Epoch(loss, *self.judge(walk.judged))

    def _some(self, walk: Walk, progress: Progress) -> Report:
        """Some steps of the epoch at hand, as many as take a part of a slice."""
        count = walk.steps_per_epoch
        some, began = min(progress.at_once, count - progress.step), time.perf_counter()
        first = progress.epoch * count + progress.step
        report = self.run(walk.work, first, walk.rates(progress, some), progress.carried)
        progress.step, progress.carried = progress.step + report.steps, float(report.losses[0])
        seconds = time.perf_counter() - began
        if some == progress.at_once and seconds < SLICE_SECONDS / 8:
            progress.at_once = 2 * some
        elif seconds > SLICE_SECONDS / 2:
            progress.at_once = max(some // 2, 1)
        return report

    def settle(self, progress: Progress) -> None:
        """After an interrupt: undo steps that are half done, so that numbers and place agree."""
        place = progress.place
        if place is not None and place.epoch == progress.epoch:
            self.load(*place.numbers)
            progress.step, progress.carried = place.step, place.carried

    def goes_on_inside(self, work: Work) -> bool:
        """Whether parameters and moments that are read inside an epoch are all that it goes on by.

        Where they are not, a session that takes them over rounds otherwise: an epoch that another
        session is to end is then done again from its begin.
        """
        return True

    def release(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back the memory that only a training under way needs; the numbers stay."""

    def go_back(self, progress: Progress) -> None:
        """Numbers as they were when the last whole epoch ended, or where the training began."""
        if progress.whole is not None:
            self.load(*progress.whole)

    @abstractmethod
    def as_published(self) -> AbstractContextManager[None]:
        """While it lasts the session predicts with the numbers that a training would publish now.

        They are the parameters, or their average where the optimiser keeps one.
        """

    def published(self) -> tuple[Array, Array]:
        """The parameters that a training would publish now, and the buffers."""
        with self.as_published():
            return self.vector(), self.buffers()

    def judge(self, rows: Judged | None) -> tuple[float | None, float | None]:
        """Mean loss and score of the rows that are judged, as published."""
        if rows is None:
            return None, None
        with self.as_published():
            loss = self.loss(rows.X, rows.D, rows.sample_weight) / rows.n
            if rows.score is None:
                return loss, -loss
            return loss, rows.score.value(self.predict(rows.X), rows.D, rows.sample_weight)

    @abstractmethod
    def learner(self, walk: Walk, progress: Progress, code: RowCode) -> RowLearner:
        """Steps from here on, one row each: an epoch of the walk has one.

        One row of zeros is bound. The session is then the learner's, but for `vector`, `moments`
        and `road`.
        """

    @abstractmethod
    def road(self, work: Work) -> str:
        """Which code runs, and why not a faster one: the text of ``TrainingResult.road``."""

    @abstractmethod
    def vector(self) -> Array:
        """The parameters now, as a new array."""

    @abstractmethod
    def moments(self) -> Array:
        """The optimiser's moments now, ``(count, size)``, as a new array."""

    @abstractmethod
    def buffers(self) -> Array:
        """The layers' untrained numbers now, ``(buffer_size,)``, as a new array."""

    def numbers(self) -> Numbers:
        """Parameters, moments and buffers now."""
        return self.vector(), self.moments(), self.buffers()

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """d̂ = a^L for every row, ``(rows, outputs)``."""

    @abstractmethod
    def loss(self, X: Any, D: Array, sample_weight: Array | None = None) -> float:
        """Σ w_i f^i in float64, the penalty left out."""

    @abstractmethod
    def loss_gradient(
        self, X: Any, D: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """(Σ w_i f^i, its gradient as a vector), as outside of a step: nothing drops out."""


class RowPredictor(ABC):
    """A network with its numbers, frozen, for rows one by one and from any number of threads.

    ``X`` is a row, ``(inputs,)``, or an array of them, ``(rows, inputs)``, in float32 or float64;
    the compiled engine also takes a list or tuple of numbers as a row. The answer is None where
    ``X`` or ``out`` is anything else: whoever asked converts it, or says what is wrong.
    """

    @abstractmethod
    def outputs(self, X: Any, out: Array | None = None) -> Array | None:
        """a^L in the dtype of the parameters: ``(outputs,)`` or ``(rows, outputs)``.

        ``out`` is filled and returned; it is writeable, C-contiguous, of this dtype and shape,
        and shares no memory with ``X``.
        """

    @abstractmethod
    def first(self, X: Any, out: Array | None = None) -> Any:
        """The first output: a float, or ``(rows,)`` in the dtype of the parameters."""

    @abstractmethod
    def choose(self, X: Any, middle: float) -> Any:
        """The number of the class: an int, or ``(rows,)`` as int64.

        With one output it is 1 above ``middle``, else 0; with several the place of the largest.
        """


class RowLearner(ABC):
    """Steps of one row each, for one caller at a time.

    Each row is an epoch of its own with one step, so that a learner has the bits of a training
    that is called for every row anew.
    """

    @abstractmethod
    def step(self, x: Any, target: Any, weight: Any) -> float | None:
        """One step on a row and a target as a user gives them.

        Returns
        -------
        float or None
            As `step_on`; None where they are not taken as they are: nothing was done, and whoever
            asked converts them for `step_on`, or says what is wrong.
        """

    @abstractmethod
    def step_on(self, X: Array, D: Array, weight: float) -> float:
        """One step on X ``(1, inputs)`` and D ``(1, outputs)`` as the network sees them.

        Returns
        -------
        float
            The objective: w f as met, and the penalty after the step. NaN where it, or a
            parameter, became non-finite: then all is as it was before.
        """

    @abstractmethod
    def stood(self) -> Stood:
        """Where it stands."""

    @abstractmethod
    def predictor(self, network: Network) -> RowPredictor:
        """Predictions by the parameters as they are when asked.

        ``network`` is the learner's, or one that differs in its output activation.
        """


class Engine(ABC):
    """What computes: ``name`` is what `engine=` and ``engine_`` say."""

    name: ClassVar[str]

    @abstractmethod
    def refusal(self, network: Network, optimizer: Optimizer | None, dtype: Any) -> str | None:
        """A sentence why this engine cannot do the work, or None where it can."""

    @abstractmethod
    def open(self, network: Network, dtype: Any, n_threads: int = 1) -> Session:
        """A new session."""

    @abstractmethod
    def predictor(
        self,
        network: Network,
        vector: Array,
        center: Array | None,
        scale: Array | None,
        buffers: Array | None = None,
    ) -> RowPredictor:
        """A `RowPredictor` that keeps a copy of the numbers.

        With ``scale`` an input x becomes (x − center) / scale, computed in float64; ``center``
        None stands for zeros.
        """

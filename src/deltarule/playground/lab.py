"""One network under training, as a page looks at it: moves, traces, maps, surfaces.

A `Lab` steps with the library's own engine session and its own walk over epochs, so that every
number is that of a training by `train`, bit for bit; what is looked at on the side (a trace, a
surface) is computed by sessions of its own and moves nothing. Each move first keeps where it
began: `back` goes there. Only one thread uses a lab at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.backprop import Step, penalty_value
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.engines.base import Numbers, Rule, Session, Work
from deltarule.exceptions import InvalidParameterError
from deltarule.inspection import check_gradients, has_rule_for_slope
from deltarule.loop import Loop
from deltarule.network import Parameters
from deltarule.plans import BegunEpoch, TrainingPlan, TrainingState, Validation
from deltarule.playground.asks import Opening
from deltarule.playground.inner import Inner, has_more, inside
from deltarule.playground.records import state_record
from deltarule.random import order
from deltarule.stopping import ENDED, Standing, StopReason

#: Bytes of the states that `back` can go to, and their number at most.
KEPT_BYTES, KEPT_STATES = 64_000_000, 1000

#: Points of a curve that one answer holds at most.
CURVE_POINTS = 256

#: Parameters of a network whose gradient is checked weight by weight.
MOST_CHECKED = 5000


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Where a training stands: numbers of the session, and the walk's own."""

    numbers: Numbers
    epoch: int
    into: int
    carried: float
    standing: Standing

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in self.numbers)

    def record(self, step: int) -> dict[str, Any]:
        """As the page's protocol has it, after `step` steps."""
        return state_record(self.numbers, self.standing, step, self.epoch, self.into, self.carried)


@dataclass(frozen=True, eq=False)
class Traced:
    """One step of one row with every number; the fields are those of the page's protocol."""

    row: int
    step: int
    x: Array
    d: Array
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    delta: tuple[Array, ...]
    loss: float
    rate: float
    before: Array
    gradient: Array
    after: Array
    moments_before: Array
    moments_after: Array
    l1: float
    l2: float
    numeric: Array | None
    inner: tuple[Inner, ...]


class Lab:
    """A training that is moved by hand or by the clock.

    Parameters
    ----------
    opening : Opening
    """

    def __init__(self, opening: Opening) -> None:
        self.network, self.train, self.held = opening.network, opening.train, opening.held
        self.engine = engines.choose("auto", self.network, opening.plan.optimizer, np.float64)
        self.session = self._session()
        self.session.bind(self.train.X, self.train.D)
        self.stopped: tuple[StopReason, str] | None = None
        self._behind: list[Snapshot] = []
        self._kept = 0
        self._begin(opening.plan, opening.state)
        self.loop.load()

    def _session(self) -> Session:
        return self.engine.open(self.network, np.dtype(np.float64))

    def _begin(self, plan: TrainingPlan, state: TrainingState) -> None:
        held = None if self.held is None else Validation(self.held.X, self.held.D)
        self.plan = plan
        rows = len(self.train.X)
        self.loop = Loop(self.network, plan, state, self.session, held, None, rows, None)
        self.progress = self.loop.progress
        #: Of each epoch since the last look: its number, loss, and loss of the rows held out.
        self._epochs: list[tuple[int, float, float | None]] = []
        #: About what a step takes at full speed.
        self._step_seconds = 1e-4

    # Where it stands

    @property
    def work(self) -> Work:
        """What a step does."""
        return self.loop.walk.work

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch."""
        return self.loop.steps_per_epoch

    @property
    def step(self) -> int:
        """Steps since the start."""
        return self.loop.offset + self.progress.epoch * self.steps_per_epoch + self.progress.step

    @property
    def parameters(self) -> Parameters:
        """The numbers now."""
        return Parameters(self.network, self.session.vector(), self.session.buffers())

    def snapshot(self) -> Snapshot:
        """Where it stands, to come back to."""
        p = self.progress
        return Snapshot(self.session.numbers(), p.epoch, p.step, p.carried, replace(p.standing))

    @property
    def behind(self) -> int:
        """How many moves can be taken back."""
        return len(self._behind)

    def state(self) -> dict[str, Any]:
        """Where it stands, as the page's protocol has it."""
        return self.snapshot().record(self.step)

    def curve(self) -> dict[str, Array]:
        """The epochs that ended since the last call, evenly thinned."""
        epochs, self._epochs = self._epochs, []
        if len(epochs) > CURVE_POINTS:
            places = np.linspace(0, len(epochs) - 1, CURVE_POINTS).astype(int)
            epochs = [epochs[place] for place in places]
        held = [loss for _, _, loss in epochs if loss is not None]
        return {
            "epoch": np.array([number for number, _, _ in epochs], dtype=np.float64),
            "loss": np.array([loss for _, loss, _ in epochs], dtype=np.float64),
            "held_loss": np.array(held, dtype=np.float64),
        }

    # Moves

    def keep(self) -> None:
        """Remember this place: `back` comes here, unless its numbers ran away."""
        if self.stopped is None or self.stopped[0] is not StopReason.NON_FINITE:
            self._push(self.snapshot())

    def _push(self, place: Snapshot) -> None:
        self._behind.append(place)
        self._kept += place.size
        while len(self._behind) > 1 and (
            self._kept > KEPT_BYTES or len(self._behind) > KEPT_STATES
        ):
            self._kept -= self._behind.pop(0).size

    def back(self) -> None:
        """Go to where the last move began."""
        if not self._behind:
            raise InvalidParameterError(
                "There is nothing to go back to: this is where the training began. "
                "Take a step first."
            )
        place = self._behind.pop()
        self._kept -= place.size
        self.stand(place)

    def end(self) -> None:
        """From any thread: what it does at the moment ends after its slice, and nothing more."""
        self.stopped = (StopReason.INTERRUPTED, StopReason.INTERRUPTED.value)

    def stand(self, place: Snapshot) -> None:
        """Go to a place of the training."""
        self.session.load(*place.numbers)
        p = self.progress
        p.epoch, p.step, p.carried = place.epoch, place.into, place.carried
        p.standing = replace(place.standing)
        self.stopped = None
        self._epochs = []

    def set(self, vector: Array, buffers: Array | None = None) -> None:
        """Other parameters, at the same place of the training; None: its running statistics."""
        self.keep()
        _, moments, own = self.session.numbers()
        self.session.load(vector.copy(), moments, own if buffers is None else buffers.copy())
        self.stopped = None

    def replan(self, plan: TrainingPlan) -> None:
        """Another plan from here on; steps and epochs go on being counted.

        What a stop rule has ended goes on with another plan, as a fit goes on that it ended.
        Numbers that ran away are no better for one: `back` is their way on.
        """
        self.keep()
        ended = self.stopped[0] if self.stopped else None
        goes_on = ended in ENDED and plan != self.plan
        vector, moments, buffers = self.session.numbers()
        p, begun = self.progress, None
        if p.step and plan.batch_size == self.plan.batch_size:
            begun = BegunEpoch(p.step, p.carried, len(self.train.X), self.loop.batch_size)
        if len(moments) != plan.optimizer.moments:
            moments = np.zeros((0, self.network.size))
        state = TrainingState(
            Parameters(self.network, vector, buffers),
            moments,
            step=self.step,
            epoch=p.epoch,
            rate_factor=p.standing.rate_factor,
            best_loss=p.standing.best_loss,
            stalled=p.standing.stalled,
            horizon=plan.max_epochs,
            begun=begun,
        )
        if ended is not None and goes_on:
            state, self.stopped = state.after(ended), None
        self._begin(plan, state)
        self.loop.load()

    def advance_steps(self, count: int) -> None:
        """So many steps, each as a trace of it shows it."""
        self.keep()
        for _ in range(count):
            if self.stopped is not None:
                return
            # A step from numbers that are read, as those of the page are, has no bit from before.
            self.session.load(*self.session.numbers())
            self._steps(1)

    def advance_epochs(self, count: int) -> None:
        """To the end of the epoch at hand, and of so many but one after it."""
        self.keep()
        last = self.progress.epoch + count
        while self.progress.epoch < last and self.stopped is None:
            self._epochs_of_a_call(last - self.progress.epoch)

    def run(self, seconds: float) -> None:
        """As many steps as take about so long, at full speed: whole epochs where they are short."""
        if self.stopped is not None:
            return
        place, first, began = self.snapshot(), self.step, time.perf_counter()
        count = max(1, int(seconds / self._step_seconds))
        if count < self.steps_per_epoch:
            self._steps(min(count, self.steps_per_epoch - self.progress.step))
        else:
            self._epochs_of_a_call(count // self.steps_per_epoch)
        passed = (time.perf_counter() - began) / max(1, self.step - first)
        # A call that was held up, or was of few steps, says little of the next.
        self._step_seconds = min(max(passed, self._step_seconds / 2), self._step_seconds * 2)
        self._unless_finite(place)

    def run_steps(self, count: int) -> None:
        """So many steps on the way, none of them to be gone back to."""
        place = self.snapshot()
        while count and self.stopped is None:
            some = min(count, self.steps_per_epoch - self.progress.step)
            self._steps(some)
            count -= some
        self._unless_finite(place)

    def _unless_finite(self, place: Snapshot) -> None:
        if self.stopped is not None and self.stopped[0] is StopReason.NON_FINITE:
            self._push(place)  # the last one with finite numbers

    def _steps(self, count: int) -> None:
        """Steps inside the epoch at hand; judges it where they end it."""
        walk, p = self.loop.walk, self.progress
        first = p.epoch * self.steps_per_epoch + p.step
        report = self.session.run(walk.work, first, walk.rates(p, count), p.carried)
        p.step, p.carried = p.step + report.steps, float(report.losses[0])
        if not report.finite:
            self._stop(StopReason.NON_FINITE)
            return
        if p.step < self.steps_per_epoch:
            return
        epoch = self.session.run_epoch(walk, p)
        if epoch is None or not epoch.finite:
            self._stop(StopReason.NON_FINITE)
            return
        reason = p.note(walk.rules, epoch, self.session.published)
        self._take_lists()
        if reason is not None:
            self._stop(reason)

    def _epochs_of_a_call(self, most: int) -> None:
        reason = self.session.run_epochs(self.loop.walk, self.progress, most)
        self._take_lists()
        if reason is not None:
            self._stop(reason)

    def _take_lists(self) -> None:
        """Move what the epochs were like from the walk's lists, which would grow for ever."""
        p = self.progress
        count = len(p.loss)
        # Of very many epochs only some are looked at, the last one among them.
        step = 1 + count // CURVE_POINTS
        kept = slice((count - 1) % step if count else 0, None, step)
        held: list[float | None] = [*p.validation_loss[kept]] or [None] * len(p.loss[kept])
        numbers = range(p.epoch - count + 1, p.epoch + 1)[kept]
        self._epochs += zip(numbers, p.loss[kept], held, strict=True)
        for entries in (p.loss, p.validation_loss, p.score, p.seconds):
            entries.clear()
        if len(self._epochs) > 2 * CURVE_POINTS:
            step = len(self._epochs) // CURVE_POINTS
            self._epochs = self._epochs[::-1][::step][::-1]  # the last one stays

    def _stop(self, reason: StopReason) -> None:
        if reason is StopReason.NON_FINITE:
            sentence = (
                f"The numbers ran away in epoch {self.progress.epoch}: a loss or a weight is "
                "no finite number any more. Go back to the last finite state, and lower the step "
                "size or standardize the inputs."
            )
        else:
            sentence = reason.value
        self.stopped = (reason, sentence)

    # Looks

    def trace(self, x: Array | None, d: Array | None, numeric: bool) -> Traced:
        """The next step with every number, of one row; nothing moves.

        Parameters
        ----------
        x, d : array of shape (inputs,) and (outputs,), optional
            A sample of one's own; without it the row that is drawn for the next step.
        numeric : bool
            Whether to put a central difference beside each entry of the gradient.
        """
        row = -1
        if x is None or d is None:
            row = self.next_row()
            x, d = self.train.X[row], self.train.D[row]
        X, D = np.ascontiguousarray(x[np.newaxis]), np.ascontiguousarray(d[np.newaxis])
        vector, moments, buffers = self.session.numbers()
        p = self.progress
        rates = np.ascontiguousarray(self.loop.walk.rates(p, 1))
        first = p.epoch * self.steps_per_epoch + p.step
        clock = first + self.work.step_offset
        aside = self._session()
        aside.load(vector, moments, buffers)
        _, gradient = aside.loss_gradient(X, D)
        if row >= 0 and self.loop.batch_size == 1:
            # At its place of the epoch: there are roads on which the last bit depends on it.
            aside.bind(self.train.X, self.train.D)
            met = aside.trace(self.work, first, rates)
        else:
            aside.bind(X, D)
            only = np.zeros(1, dtype=np.int64)
            work = replace(self.work, order=only, batch_size=1, step_offset=clock)
            met = aside.trace(work, 0, rates)
        parameters, step = Parameters(self.network, vector, buffers), Step(self.work.key, clock)
        inner: tuple[Inner, ...] = (None,) * len(self.network.layers)
        if has_more(self.network):
            # Of the step itself: outside of steps nothing is dropped.
            inner, gradient = inside(parameters, X, D, step)
        return Traced(
            row,
            clock,
            X[0],
            D[0],
            tuple(z[0] for z in met.pre_activations),
            tuple(a[0] for a in met.outputs),
            tuple(delta[0] for delta in met.deltas),
            float(met.report.losses[0]),
            float(rates[0]),
            vector,
            gradient,
            aside.vector(),
            moments.ravel(),
            aside.moments().ravel(),
            self.work.l1,
            self.work.l2,
            self._numeric(parameters, X, D, step) if numeric else None,
            inner,
        )

    def next_row(self) -> int:
        """The row with which the next step begins: the i_t that is drawn."""
        rule, p = self.work.order, self.progress
        assert isinstance(rule, Rule)
        into, epoch = p.step, p.epoch
        place = into * self.loop.batch_size
        return int(order(rule.kind, rule.key, epoch, len(self.train.X))[place])

    def _numeric(self, parameters: Parameters, X: Array, D: Array, step: Step) -> Array:
        if self.network.size > MOST_CHECKED:
            raise InvalidParameterError(
                f"The gradient is checked weight by weight up to {MOST_CHECKED:,} of them "
                f"(got {self.network.size:,}). Choose a smaller network."
            )
        if has_rule_for_slope(self.network):
            return np.full(self.network.size, np.nan)  # flat almost everywhere: a rule, no slope
        report = check_gradients(self.network, parameters, X, D, during=step)
        return np.where(report.crossed, np.nan, report.numeric)

    def factors(self, points: int) -> tuple[Array, Array]:
        """Epochs, evenly from the first to the last planned, and the schedule's factor at each.

        What an adaptive schedule has done to the step size stands in the state, not here.
        """
        epochs = np.unique(np.linspace(0, self.plan.max_epochs - 1, points).astype(int))
        of = self.loop.walk.factors
        if of is None:
            return epochs.astype(np.float64), np.ones(len(epochs))
        return epochs.astype(np.float64), np.array([of(int(epoch), 0, 1)[0] for epoch in epochs])

    def surface(
        self,
        origin: Array,
        first: Array,
        second: Array | None,
        u: Array,
        v: Array,
        told: Callable[[float], None],
    ) -> Array:
        """J at origin + u first + v second, ``(len(u), len(v))`` flat."""
        found = np.empty((len(u), len(v)))
        aside = self._session()
        buffers, penalty = self.session.buffers(), self.plan.penalty
        for i, along in enumerate(u):
            for j, across in enumerate(v):
                vector = origin + along * first
                if second is not None:
                    vector += across * second
                found[i, j] = self._objective(aside, vector, buffers, penalty)
            told((i + 1) / len(u))
        return found.ravel()

    def _objective(self, aside: Session, vector: Array, buffers: Array, penalty: Any) -> float:
        aside.load(vector, None, buffers)
        total = aside.loss(self.train.X, self.train.D)
        return (total + float(penalty_value(self.network, vector, penalty))) / self.loop.n

    def measures(self, place: Snapshot | None = None) -> dict[str, float | None]:
        """J over the rows to train on and the mean loss of those held out, as they are now."""
        vector, _, buffers = self.session.numbers() if place is None else place.numbers
        aside = self._session()
        objective = self._objective(aside, vector, buffers, self.plan.penalty)
        held = None
        if self.held is not None:
            held = aside.loss(self.held.X, self.held.D) / len(self.held.X)
        return {"objective": objective, "held_loss": held}

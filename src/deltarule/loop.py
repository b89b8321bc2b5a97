"""The walk over epochs: what is asked of the session, and what is kept if it goes wrong.

A session runs many epochs a call (`Session.run_epochs`): losses, validation, stop rules and the
best parameters are its own matter, and a call ends after at most about 50 ms, so that Python sees
what goes on. Where an observer looks, or a Python function scores, calls end with each epoch and
the rules are asked here. Whoever only wants to see where a training stands is a watcher: it is
called between the calls, as long or short as they are, and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import numpy as np

from deltarule.backprop import penalty_value, total_weight
from deltarule.definitions import Array
from deltarule.engines.base import Epoch, Judged, Numbers, Progress, Rule, Session, Walk, Work
from deltarule.network import Network, Parameters, Slot
from deltarule.plans import (
    BegunEpoch,
    EpochReport,
    History,
    Judge,
    Observer,
    TrainingPlan,
    TrainingResult,
    TrainingState,
    Validation,
)
from deltarule.schedules import SCHEDULES, Adaptive
from deltarule.scores import Score
from deltarule.stopping import Standing, StopReason, StopRules

#: What `Progress` has an entry of for each epoch.
LISTS = ("loss", "validation_loss", "score", "seconds")

Watcher = Callable[["Loop"], None]

#: Who watches the trainings of this thread.
_WATCHER: ContextVar[Watcher | None] = ContextVar("deltarule_watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """While it lasts, `watcher` sees each training of this thread between two slices of its work.

    A slice is as long as without it, and no bit changes. Trainings in lanes and in other threads
    (`train_many`, several starts) are not seen.

    Parameters
    ----------
    watcher : callable
        Called with the `Loop`: its ``session`` has the numbers now, its ``progress`` says where it
        stands. It reads, and is quick.
    """
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


class Loop:
    """The walk over epochs: session, stop rules, history."""

    def __init__(
        self,
        network: Network,
        plan: TrainingPlan,
        state: TrainingState,
        session: Session,
        validation: Validation | None,
        history: History | None,
        rows: int,
        sample_weight: Array | None,
    ) -> None:
        self.network, self.plan, self.session, self.validation = network, plan, session, validation
        self.n = float(rows) if plan.incremental else total_weight(sample_weight, rows)
        # No batch has more rows than there are. Two at least: a batch of one is another road.
        batch_size = min(int(plan.batch_size), max(rows, 2))
        self.steps_per_epoch = -(-rows // batch_size)
        self.batch_size = batch_size
        begun = state.begun
        made_of = None if begun is None else (begun.rows, begun.batch_size)
        if plan.incremental or made_of != (rows, batch_size):
            state = replace(state, begun=None)
        if not state.horizon and not plan.incremental:
            state = replace(state, horizon=state.epoch + plan.max_epochs)
        # Where earlier calls had epochs of another length, the optimiser's clock runs ahead of the
        # order's.
        self.offset = state.offset(self.steps_per_epoch)
        self.state, self.rows = state, rows
        self.history = History() if history is None else history.copy()
        self.progress = _progress(state, self.history)
        #: Of the lists that grow with each epoch, what they had before.
        self.lengths = {name: len(getattr(self.progress, name)) for name in LISTS}
        self.work = self._work(batch_size)
        self.walk = self._walk()
        #: Parameters, moments and buffers where the session does not have them.
        self.reached: Numbers | None = None
        self._watcher = _WATCHER.get()
        #: Since when the time counts, and steps that are done a second time before it does.
        self.since = self.progress.began
        self.again = 0 if state.begun is None or state.begun.start is None else state.begun.steps

    def _work(self, batch_size: int) -> Work:
        plan = self.plan
        return Work(
            Rule(plan.sampling, plan.key),
            batch_size,
            plan.optimizer,
            l1=plan.penalty.l1 / self.n if plan.penalty else 0.0,
            l2=plan.penalty.l2 / self.n if plan.penalty else 0.0,
            scale=self.rows / self.n,
            step_offset=self.offset,
            key=plan.key,
        )

    def _walk(self) -> Walk:
        schedule = self.plan.schedule
        known = type(schedule) in SCHEDULES.table.values()
        return Walk(
            self.network,
            self.work,
            self.steps_per_epoch,
            self.n,
            self.plan.penalty,
            _rules(self.plan),
            _judged(self.validation),
            None if known and schedule.steady else self._factors,
            # A function of the user's is asked for the steps that are done.
            by_epoch=not known,
        )

    def _factors(self, epoch: int, step: int, count: int) -> Array:
        schedule = self.plan.schedule
        clock = self.state.clock(schedule, self.steps_per_epoch, self.rows, epoch, step)
        return schedule.factors(clock, count)

    def run(
        self, observer: Observer | None, ended: Callable[[], bool] | None = None
    ) -> tuple[StopReason, str | None]:
        """Epoch after epoch until a rule or the time ends it, or ``ended()``.

        The last two are asked between slices, the time from the second on.
        """
        progress, last = self.progress, self.state.epoch + self.plan.max_epochs
        step = self._by_hand(observer)
        try:
            while progress.epoch < last:
                if ended is not None and ended():
                    raise KeyboardInterrupt
                reason = step(last - progress.epoch)
                if reason is StopReason.NON_FINITE:
                    return reason, self._trouble()
                if self._watcher is not None:
                    self._watcher(self)
                if reason is None and progress.epoch < last and self.is_late():
                    self._stand_inside()
                    reason = StopReason.TIME
                if reason is not None:
                    return reason, None
        except KeyboardInterrupt:
            return self._settle() or StopReason.INTERRUPTED, None
        return StopReason.MAX_EPOCHS, None

    def numbers(self) -> Numbers:
        """Parameters, moments and buffers where the training stands."""
        return self.reached or self.session.numbers()

    def load(self) -> None:
        """Give the session the numbers from which this training goes on."""
        state, begun = self.state, self.state.begun
        if begun is not None and begun.start is not None:
            self.session.load(*begun.start)
            return
        moments = state.moments if len(state.moments) else None
        self.session.load(state.parameters.vector, moments, state.parameters.buffers)

    def is_late(self) -> bool:
        """Whether the time that the plan allows is over."""
        seconds, progress = self.plan.max_seconds, self.progress
        if self.again:
            if progress.epoch == self.state.epoch and progress.step <= self.again:
                return False
            self.since, self.again = time.perf_counter(), 0
        return seconds is not None and time.perf_counter() - self.since >= seconds

    def _stand_inside(self) -> None:
        """Where numbers inside an epoch are not all that it goes on by, those at its begin too."""
        if self.progress.step and not self.session.goes_on_inside(self.work):
            self.reached = self.session.numbers()
            self.session.go_back(self.progress)

    def _settle(self) -> StopReason | None:
        """After an interrupt: numbers, counters and lists that belong together.

        Returns the reason of a rule that ended the training just before.
        """
        progress = self.progress
        self.session.settle(progress)
        epochs = progress.epoch - self.state.epoch
        for name, before in self.lengths.items():
            entries = getattr(progress, name)
            judged = name in ("loss", "seconds") or self.validation is not None
            del entries[before + (epochs if judged else 0) :]
        if not (np.isfinite(self.session.vector()).all() and np.isfinite(progress.carried)):
            self._go_back()
        self._stand_inside()
        over = epochs > 0 and progress.step == 0
        return self.walk.rules.plateau(replace(progress.standing)) if over else None

    def _go_back(self) -> None:
        """To the last whole epoch, or to where this training began."""
        progress, begun = self.progress, self.state.begun
        self.session.go_back(progress)
        progress.step, progress.carried = 0, 0.0
        if begun is not None and begun.start is None and progress.epoch == self.state.epoch:
            progress.step, progress.carried = begun.steps, begun.carried

    def _by_hand(self, observer: Observer | None) -> Callable[[int], StopReason | None]:
        """What runs a slice: many epochs at once, or one where Python has a word in each."""
        if observer is None and self._scorer is None:
            return lambda most: self.session.run_epochs(self.walk, self.progress, most)

        def one(most: int) -> StopReason | None:
            epoch = self.session.run_epoch(self.walk, self.progress)
            if epoch is None or not epoch.finite:
                return None if epoch is None else StopReason.NON_FINITE
            return self._end(epoch, self.session.published, observer)

        return one

    @property
    def _scorer(self) -> Judge | Callable[[Array], float] | None:
        score = None if self.validation is None else self.validation.score
        return None if isinstance(score, Score) else score

    def judge(self, losses: float, vector: Array, observer: Observer | None) -> StopReason | None:
        """Record an epoch that was run elsewhere, ask observer and stop rules."""
        loss = (losses + float(penalty_value(self.network, vector, self.plan.penalty))) / self.n
        epoch = Epoch(loss, *self.session.judge(self.walk.judged))
        reason = self._end(epoch, lambda: (vector, self.session.buffers()), observer)
        if self._watcher is not None:
            self._watcher(self)
        return reason

    def _end(
        self, epoch: Epoch, numbers: Callable[[], tuple[Array, Array]], observer: Observer | None
    ) -> StopReason | None:
        """Record an epoch, ask stop rules and observer."""
        factor = self.progress.standing.rate_factor
        if self._scorer is not None and self.validation is not None:
            # It may take long and be interrupted: counters and lists change together after it.
            with self.session.as_published():
                outputs = self.session.predict(self.validation.X)
            if isinstance(self._scorer, Judge):
                score = float(self._scorer.value(outputs, self._parameters(*numbers())))
            else:
                score = float(self._scorer(outputs))
            epoch = replace(epoch, score=score)
        reason = self.progress.note(self.walk.rules, epoch, numbers)
        if observer is not None:
            seen = EpochReport(
                self.progress.epoch,
                epoch.loss,
                epoch.validation_loss,
                epoch.score,
                lambda: self._parameters(*numbers()),
                factor,
            )
            if observer(seen):
                return StopReason.OBSERVER
        return reason

    def _trouble(self) -> str:
        """Where numbers first went wrong: the epoch, and the layer nearest to the input.

        The session goes back to its last whole epoch.
        """
        vector = self.session.vector()
        self._go_back()
        where = f"epoch {self.progress.epoch + 1}"
        for slot in self.network.layout:
            if not np.isfinite(slot.view(vector)).all():
                return f"{where}, {self._place(slot)}"
        grown = [np.abs(slot.view(vector)).max() for slot in self.network.layout]
        slot = self.network.layout[int(np.argmax(grown))]
        return f"{where}, {self._place(slot)}"

    def _place(self, slot: Slot) -> str:
        """A block as users count layers: those of weights, with what stands beside each."""
        return f"layer {self.network.position(slot.layer)} ({slot.block.name})"

    def _parameters(self, vector: Array, buffers: Array) -> Parameters:
        return self.state.parameters.replace(vector=vector, buffers=buffers)

    def result(
        self, reason: StopReason, trouble: str | None, engine: str, road: str
    ) -> TrainingResult:
        """The result, with the state where the training stands."""
        start = self.session.numbers()
        vector, moments, buffers = self.reached or start
        progress, standing = self.progress, self.progress.standing
        epochs = progress.epoch - self.state.epoch
        step = self.offset + progress.epoch * self.steps_per_epoch + progress.step
        if self.plan.optimizer.name == "lbfgs":  # an iteration counts as a step
            step = self.state.step + epochs
        best, begun = self.state.best_parameters, None
        if progress.best is not None:
            best = self._parameters(*progress.best)
        if progress.step and not self.plan.incremental:
            place = progress.step, progress.carried, self.rows, self.batch_size
            begun = BegunEpoch(*place, None if self.reached is None else start)
        state = replace(
            self.state,
            parameters=self._parameters(vector, buffers),
            moments=moments,
            step=step,
            epoch=progress.epoch,
            begun=begun,
            rate_factor=standing.rate_factor,
            best_loss=standing.best_loss,
            best_score=standing.best_score,
            best_parameters=best,
            stalled=standing.stalled,
        )
        kept = best if self.plan.early_stopping is not None else None
        if kept is None and self.plan.optimizer.averages and state.step:
            kept = state.parameters.replace(vector=moments[-1])
        return TrainingResult(
            kept or state.parameters, state, self.history, reason, epochs, engine, road, trouble
        )


def _progress(state: TrainingState, history: History) -> Progress:
    """Where the state stands; the history's lists grow with it."""
    standing = Standing(state.rate_factor, state.best_loss, state.best_score, state.stalled)
    begun = state.begun
    step, carried = (0, 0.0) if begun is None or begun.start else (begun.steps, begun.carried)
    return Progress(
        state.epoch,
        standing,
        step=step,
        carried=carried,
        loss=history.loss,
        validation_loss=history.validation_loss,
        score=history.validation_score,
        seconds=history.seconds,
    )


def _rules(plan: TrainingPlan) -> StopRules:
    stopping, schedule = plan.early_stopping, plan.schedule
    rules = StopRules(plan.learning_rate_init, plan.tolerance, plan.patience)
    if stopping is not None:
        rules = replace(rules, least=stopping.min_delta, patience=stopping.patience, by_score=True)
        rules = replace(rules, last_of_ties=stopping.ties == "last")
    if isinstance(schedule, Adaptive):
        rules = replace(rules, divisor=schedule.divisor, smallest=schedule.smallest)
    return rules


def _judged(rows: Validation | None) -> Judged | None:
    if rows is None:
        return None
    n = total_weight(rows.sample_weight, rows.D.shape[0])
    score = rows.score if isinstance(rows.score, Score) else None
    return Judged(rows.X, rows.D, rows.sample_weight, n, score)

"""The walk over epochs: slices, losses, validation, stop rules, and what is kept if it goes wrong.

An epoch is run in slices of at most about 50 ms, whose length follows the measured speed. Inside a
slice the engine's session runs alone; the compiled one asks Python about every 50 ms whether a
signal came, so that a step that takes long is left too. After each epoch the loop records the loss,
judges the validation rows, and asks the observer and the stop rules.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.backprop import penalty_value, total_weight
from deltarule.definitions import Array
from deltarule.engines.base import Report, Rule, Session, Work
from deltarule.network import Network, Parameters
from deltarule.plans import (
    EpochReport,
    History,
    Observer,
    TrainingPlan,
    TrainingResult,
    TrainingState,
    Validation,
)
from deltarule.schedules import Adaptive, Clock
from deltarule.stopping import StopReason

SLICE_SECONDS = 0.05

#: Rows times parameters of an epoch's first slice, when no speed is measured yet.
FIRST_SLICE = 100_000_000


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
        self.state = state
        self.history = History() if history is None else history.copy()
        self.first_epoch = state.epoch
        self.n = float(rows) if plan.incremental else total_weight(sample_weight, rows)
        self.rows = rows
        # No batch has more rows than there are. Two at least: a batch of one is another road.
        batch_size = min(int(plan.batch_size), max(rows, 2))
        self.steps_per_epoch = -(-rows // batch_size)
        # Where earlier calls had epochs of another length, the optimiser's clock runs ahead of the
        # order's.
        self.offset = state.step - state.epoch * self.steps_per_epoch
        penalty = plan.penalty
        self.work = Work(
            Rule(plan.sampling, plan.key),
            batch_size,
            plan.optimizer,
            l1=penalty.l1 / self.n if penalty else 0.0,
            l2=penalty.l2 / self.n if penalty else 0.0,
            scale=rows / self.n,
            step_offset=self.offset,
        )
        self.safe = (state.parameters.vector, state.moments)
        self.slice_steps = max(1, min(256, FIRST_SLICE // (batch_size * network.size)))
        self.began = time.perf_counter()
        if state.horizon is None:
            self.update(horizon=state.step + plan.max_epochs * self.steps_per_epoch)

    def update(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)

    def run(self, observer: Observer | None) -> tuple[StopReason, str | None]:
        """Epoch after epoch until a rule ends it."""
        try:
            for _ in range(self.plan.max_epochs):
                losses, finite = self._epoch()
                vector = self.session.vector()
                if not (finite and np.isfinite(vector).all()):
                    return StopReason.NON_FINITE, self._trouble(vector)
                self.safe = (vector, self.safe[1][:0].copy())  # old moments go first
                self.safe = (vector, self.session.moments())
                reason = self.judge(losses, vector, self.steps_per_epoch, observer)
                if reason is not None:
                    return reason, None
        except KeyboardInterrupt:
            self._keep_interrupted()
            return StopReason.INTERRUPTED, None
        return StopReason.MAX_EPOCHS, None

    def _epoch(self) -> tuple[float, bool]:
        """One epoch in slices; the slice's length follows the measured speed."""
        done, total = 0, 0.0
        while done < self.steps_per_epoch:
            count = min(self.slice_steps, self.steps_per_epoch - done)
            began = time.perf_counter()
            report = self._slice(self.state.step + done, count, total)
            elapsed = max(time.perf_counter() - began, 1e-7)
            self.slice_steps = max(1, min(int(count * SLICE_SECONDS / elapsed), 4 * count))
            total = float(report.losses[0])
            done += report.steps
            if not report.finite:
                return total, False
        return total, True

    def _slice(self, first_step: int, count: int, carried: float) -> Report:
        plan = self.plan
        epoch = (first_step - self.offset) // self.steps_per_epoch
        clock = Clock(first_step, epoch, self.steps_per_epoch, self.rows, self.state.horizon or 0)
        factors = plan.schedule.factors(clock, count)
        rates = np.ascontiguousarray(factors, dtype=np.float64) * (
            plan.learning_rate_init * self.state.rate_factor
        )
        return self.session.run(self.work, first_step - self.offset, rates, carried)

    def _keep_interrupted(self) -> None:
        vector = self.session.vector()
        if np.isfinite(vector).all():
            self.safe = (vector, self.session.moments())

    def judge(
        self, losses: float, vector: Array, steps: int, observer: Observer | None
    ) -> StopReason | None:
        """Count and record the epoch, ask observer and stop rules."""
        loss = (losses + float(penalty_value(self.network, vector, self.plan.penalty))) / self.n
        # Validation may take long and be interrupted: counters and lists change together after it.
        validation_loss, score = self._validate()
        self.update(step=self.state.step + steps, epoch=self.state.epoch + 1)
        self.history.loss.append(loss)
        if validation_loss is not None and score is not None:
            self.history.validation_loss.append(validation_loss)
            self.history.validation_score.append(score)
        self.history.seconds.append(time.perf_counter() - self.began)
        improved = self._note_best(loss, score, vector)
        if observer is not None:
            seen = EpochReport(
                self.state.epoch,
                loss,
                validation_loss,
                score,
                lambda: self._parameters(vector),
                self.state.rate_factor,
            )
            if observer(seen):
                return StopReason.OBSERVER
        return None if improved else self._stalled()

    def _validate(self) -> tuple[float | None, float | None]:
        rows = self.validation
        if rows is None:
            return None, None
        weight = rows.sample_weight
        loss = self.session.loss(rows.X, rows.D, weight) / total_weight(weight, rows.D.shape[0])
        score = -loss if rows.score is None else float(rows.score(self.session.predict(rows.X)))
        return loss, score

    def _note_best(self, loss: float, score: float | None, vector: Array) -> bool:
        """Keep the best; True where the epoch improved by more than the tolerance."""
        state, stopping = self.state, self.plan.early_stopping
        if stopping is not None:
            assert score is not None
            improved = score >= state.best_score + stopping.min_delta
            if score > state.best_score:
                self.update(best_score=score, best_parameters=self._parameters(vector))
        else:
            improved = loss <= state.best_loss - self.plan.tolerance
        self.update(
            best_loss=min(loss, state.best_loss), stalled=0 if improved else state.stalled + 1
        )
        return improved

    def _stalled(self) -> StopReason | None:
        stopping = self.plan.early_stopping
        patience = self.plan.patience if stopping is None else stopping.patience
        if patience is None or self.state.stalled <= patience:
            return None
        schedule = self.plan.schedule
        if isinstance(schedule, Adaptive):
            rate = self.plan.learning_rate_init * self.state.rate_factor
            if rate <= schedule.smallest:
                return StopReason.STEP_TOO_SMALL
            self.update(rate_factor=self.state.rate_factor / schedule.divisor, stalled=0)
            return None
        return StopReason.CONVERGED if stopping is None else StopReason.NO_IMPROVEMENT

    def _trouble(self, vector: Array) -> str:
        """Where numbers first went wrong: the epoch, and the layer nearest to the input."""
        where = f"epoch {self.state.epoch + 1}"
        for slot in self.network.layout:
            if not np.isfinite(slot.view(vector)).all():
                return f"{where}, layer {slot.layer} ({slot.block.name})"
        grown = [np.abs(slot.view(vector)).max() for slot in self.network.layout]
        slot = self.network.layout[int(np.argmax(grown))]
        return f"{where}, layer {slot.layer} ({slot.block.name})"

    def _parameters(self, vector: Array) -> Parameters:
        return self.state.parameters.replace(vector=vector)

    def result(
        self, reason: StopReason, trouble: str | None, engine: str, road: str
    ) -> TrainingResult:
        """The result, with the state at the last safe epoch."""
        vector, moments = self.safe
        self.update(parameters=self._parameters(vector), moments=moments)
        best = self.state.best_parameters if self.plan.early_stopping is not None else None
        return TrainingResult(
            best or self.state.parameters,
            self.state,
            self.history,
            reason,
            self.state.epoch - self.first_epoch,
            engine,
            road,
            trouble,
        )

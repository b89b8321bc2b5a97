"""Training: a plan in, a result out.

`train` walks epochs in slices of at most about 50 ms. Inside a slice an engine's session runs
alone; between slices Python sees signals, deadlines and observers. After each epoch the loop
records the loss, judges the validation rows, and asks the stop rules. Everything a later call
needs to go on stands in the `TrainingState` of the result.

``history.loss[e]`` is the mean of the sample losses as met in epoch e (before each update), plus
the penalty at the epoch's end: what scikit-learn calls ``loss_curve_``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.backprop import penalty_value, total_weight
from deltarule.definitions import Array, Family, choose
from deltarule.engines.base import Report, Rule, Session, Work
from deltarule.exceptions import InvalidParameterError
from deltarule.functional import arrays, objective
from deltarule.network import Network, Parameters, initialize
from deltarule.optimizers import OPTIMIZERS, SGD, Optimizer
from deltarule.penalties import PENALTIES, Penalty
from deltarule.random import SAMPLINGS, Stream, derive
from deltarule.schedules import SCHEDULES, Adaptive, Clock, Constant, Schedule
from deltarule.stopping import EarlyStopping, StopReason

SLICE_SECONDS = 0.05


@dataclass(frozen=True)
class TrainingPlan:
    """How to train, without a word on what and on which rows.

    Parameters
    ----------
    optimizer : Optimizer or str, default=SGD()
    learning_rate_init : float, default=0.01
        The step size α_0 > 0; the schedule's factor multiplies it.
    schedule : Schedule, str or callable, default=Constant()
    batch_size : int, default=1
        Rows of one step; 1 is the notes' per-sample descent.
    max_epochs : int, default=100
    sampling : {"replacement", "shuffle", "sequential"}, default="replacement"
        How the rows of an epoch are drawn; the notes draw i_t with replacement.
    penalty : Penalty, str or None, default=None
    tolerance : float, default=1e-4
        The least improvement of the training loss that counts.
    patience : int or None, default=None
        Epochs without such an improvement that end the training; None never ends it.
    early_stopping : EarlyStopping or None, default=None
        Judge the validation rows instead of the training loss and return the best parameters.
    key : int, default=0
        The key of the order of the rows.
    incremental : bool, default=False
        The rows are a part of a stream, not a training set: N/n := 1 in equation (9), and the
        penalty is divided by the number of rows of the call.

    Examples
    --------
    >>> import deltarule as dr
    >>> plan = dr.TrainingPlan(optimizer=dr.Adam(), learning_rate_init=0.01, batch_size=32)
    >>> plan.sampling
    'replacement'
    """

    optimizer: Optimizer = field(default_factory=SGD)
    learning_rate_init: float = 0.01
    schedule: Schedule = field(default_factory=Constant)
    batch_size: int = 1
    max_epochs: int = 100
    sampling: str = "replacement"
    penalty: Penalty | None = None
    tolerance: float = 1e-4
    patience: int | None = None
    early_stopping: EarlyStopping | None = None
    key: int = 0
    incremental: bool = False

    def __post_init__(self) -> None:
        families: tuple[tuple[str, Family[Any]], ...] = (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("penalty", PENALTIES),
        )
        for name, family in families:
            given = getattr(self, name)
            if given is not None or name != "penalty":
                object.__setattr__(self, name, choose(given, family, name))
        if self.sampling not in SAMPLINGS:
            raise InvalidParameterError(
                f"sampling must be one of {', '.join(map(repr, SAMPLINGS))} "
                f"(got {self.sampling!r}). 'replacement' is the notes' way."
            )
        for name, least in (("batch_size", 1), ("max_epochs", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise InvalidParameterError(
                    f"{name} must be an integer of at least {least} (got {value!r}). "
                    "Give the number of "
                    + ("rows of one step." if name == "batch_size" else "passes over the rows.")
                )
        if not np.isfinite(self.learning_rate_init) or self.learning_rate_init <= 0:
            raise InvalidParameterError(
                f"learning_rate_init must be a positive number (got {self.learning_rate_init!r}). "
                "Start with 0.001 for Adam or 0.1 for plain SGD."
            )


@dataclass(frozen=True, eq=False)
class Validation:
    """Rows that are judged after each epoch and never trained on.

    Parameters
    ----------
    X : array or CSR of shape (rows, inputs)
    D : array of shape (rows, outputs)
    sample_weight : array of shape (rows,), optional
    score : callable, optional
        From the predictions ``(rows, outputs)`` to a number where more is better; without it the
        score is minus the validation loss.
    """

    X: Any
    D: Array
    sample_weight: Array | None = None
    score: Callable[[Array], float] | None = None


@dataclass
class History:
    """One entry per epoch, over all calls that continued the same state.

    Parameters
    ----------
    loss, validation_loss, validation_score : list of float
        The last two are empty without validation rows.
    seconds : list of float
        Wall time at each epoch's end, counted from the start of its call.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def copy(self) -> History:
        """An independent copy."""
        return History(*(list(getattr(self, name)) for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a training stands; `train` goes on from it bit for bit.

    Parameters
    ----------
    parameters : Parameters
        The last ones.
    moments : array of shape (count, size)
        The optimiser's state vectors.
    step, epoch : int
        Steps and epochs done since the start.
    rate_factor : float
        What the adaptive schedule has made of the step size.
    best_loss, best_score : float
        The best training loss and validation score so far.
    best_parameters : Parameters or None
        Those with the best validation score.
    stalled : int
        Epochs without improvement.
    horizon : int or None
        Total steps that schedules with a horizon count on.
    """

    parameters: Parameters
    moments: Array
    step: int = 0
    epoch: int = 0
    rate_factor: float = 1.0
    best_loss: float = np.inf
    best_score: float = -np.inf
    best_parameters: Parameters | None = None
    stalled: int = 0
    horizon: int | None = None


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What `train` returns.

    Parameters
    ----------
    parameters : Parameters
        The best with early stopping, else the last; after a non-finite loss the last finite ones.
    state : TrainingState
    history : History
    stop_reason : StopReason
        Its text is a sentence with a remedy.
    epochs : int
        Epochs of this call.
    engine : str
        What computed: ``"compiled"`` or ``"reference"``.
    road : str
        Which code ran, and why not a faster one.
    trouble : str or None
        After a non-finite loss: epoch and layer in which it was noticed.
    """

    parameters: Parameters
    state: TrainingState
    history: History
    stop_reason: StopReason
    epochs: int
    engine: str
    road: str
    trouble: str | None = None


@dataclass(frozen=True, eq=False)
class EpochReport:
    """What an observer sees after each epoch; it returns True to end the training.

    ``parameters()`` gives the numbers now, at the price of a copy; ``rate_factor`` is what the
    adaptive schedule had made of the step size during the epoch.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    parameters: Callable[[], Parameters]
    rate_factor: float = 1.0


Observer = Callable[[EpochReport], bool | None]


def train(
    network: Network,
    start: Parameters | TrainingState,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    *,
    sample_weight: Array | None = None,
    validation: Validation | None = None,
    observer: Observer | None = None,
    history: History | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
) -> TrainingResult:
    """Train a network by a plan.

    Parameters
    ----------
    network : Network
    start : Parameters or TrainingState
        The guess W^0, or the state of an earlier result to go on from.
    X : array of shape (rows, inputs) or CSR matrix
        In the dtype of the parameters; not copied where it is C-contiguous.
    D : array of shape (rows, outputs)
    plan : TrainingPlan
    sample_weight : array of shape (rows,), optional
    validation : Validation, optional
        Needed by ``plan.early_stopping``.
    observer : callable, optional
        Called with an `EpochReport` after each epoch; returning True ends the training.
    history : History, optional
        The history of the earlier result, to be continued.
    engine : {"auto", "compiled", "reference"}
    n_threads : int, optional

    Returns
    -------
    TrainingResult

    Raises
    ------
    InvalidShapeError
        If arrays do not fit the network or each other, or the loss is not defined for a target.
    InvalidParameterError
        If ``plan.early_stopping`` has no validation rows.
    EngineError
        If ``engine="compiled"`` cannot do the plan.

    Notes
    -----
    KeyboardInterrupt ends the training at the next slice; the partial result is returned with
    ``StopReason.INTERRUPTED``.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    >>> D = np.array([[0.], [1.], [1.], [0.]])
    >>> network = dr.Network(units=(2, 3, 1), activations="logistic")
    >>> plan = dr.TrainingPlan(learning_rate_init=2.0, max_epochs=4000, sampling="shuffle")
    >>> result = dr.train(network, dr.initialize(network, seed=3), X, D, plan)
    >>> dr.forward(network, result.parameters, X).prediction.round().ravel()
    array([0., 1., 1., 0.])
    """
    if plan.early_stopping is not None and validation is None:
        raise InvalidParameterError(
            "plan.early_stopping needs validation rows (got validation=None). "
            "Pass validation=Validation(X, D)."
        )
    state = start if isinstance(start, TrainingState) else fresh_state(start)
    X, D, sample_weight = arrays(
        network, state.parameters, X, D, sample_weight, weightless=plan.incremental
    )
    if validation is not None:
        rows = (validation.X, validation.D, validation.sample_weight)
        validation = Validation(*arrays(network, state.parameters, *rows), validation.score)
    chosen = engines.choose(engine, network, plan.optimizer, state.parameters.dtype)
    session = chosen.open(network, state.parameters.dtype, engines.thread_count(n_threads))
    loop = Loop(network, plan, state, session, validation, history, D.shape[0], sample_weight)
    session.load(
        state.parameters.vector,
        state.moments if len(state.moments) else None,
        state.parameters.buffers,
    )
    session.bind(X, D, sample_weight)
    if plan.optimizer.name == "lbfgs":
        from deltarule.lbfgs import descend

        reason, trouble = descend(loop, X, D, sample_weight, observer)
    else:
        reason, trouble = loop.run(observer)
    return loop.result(
        reason, trouble, chosen.name, chosen.road(network, loop.work, state.parameters.dtype)
    )


def fresh_state(start: Parameters) -> TrainingState:
    """The state before the first step."""
    return TrainingState(start, np.zeros((0, start.network.size), dtype=start.dtype))


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
        self.steps_per_epoch = -(-rows // plan.batch_size)
        # Where earlier calls had epochs of another length, the optimiser's clock runs ahead of the
        # order's.
        self.offset = state.step - state.epoch * self.steps_per_epoch
        penalty = plan.penalty
        self.work = Work(
            Rule(plan.sampling, plan.key),
            plan.batch_size,
            plan.optimizer,
            l1=penalty.l1 / self.n if penalty else 0.0,
            l2=penalty.l2 / self.n if penalty else 0.0,
            scale=rows / self.n,
            step_offset=self.offset,
        )
        self.safe = (state.parameters.vector, state.moments)
        self.slice_steps = min(self.steps_per_epoch, 256)
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
                self.safe = (vector, self.session.moments())
                self.update(step=self.state.step + self.steps_per_epoch, epoch=self.state.epoch + 1)
                reason = self.judge(losses, vector, observer)
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

    def judge(self, losses: float, vector: Array, observer: Observer | None) -> StopReason | None:
        """Record the epoch, ask observer and stop rules."""
        loss = (losses + float(penalty_value(self.network, vector, self.plan.penalty))) / self.n
        self.history.loss.append(loss)
        validation_loss, score = self._validate()
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
        self.history.validation_loss.append(loss)
        self.history.validation_score.append(score)
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


def restart(
    network: Network,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    n_init: int,
    *,
    key: int,
    initializer: Any = "auto",
    dtype: Any = np.float64,
    **options: Any,
) -> tuple[TrainingResult, Array]:
    """Train from ``n_init`` starts and keep the one with the lowest objective.

    Loss functions of networks are not convex; the notes warn of local minima, and several starts
    are the plain remedy.

    Parameters
    ----------
    network, X, D, plan
        As for `train`.
    n_init : int
        Number of starts.
    key : int
        Each start draws its own key from this one; the first start uses ``key`` itself.
    initializer, dtype
        As for `initialize`.
    **options
        As for `train`.

    Returns
    -------
    result : TrainingResult
        The best.
    objectives : float64 array of shape (n_init,)
        The objective that each start ended in; with early stopping minus the best score. A start
        that became non-finite has inf.
    """
    best: TrainingResult | None = None
    objectives = np.full(n_init, np.inf)
    for index in range(n_init):
        own = key if index == 0 else derive(key, Stream.RESTART, index)
        start = initialize(network, own, initializer, dtype)
        result = train(network, start, X, D, replace(plan, key=own), **options)
        objectives[index] = _final(network, result, X, D, plan, options)
        if best is None or objectives[index] < np.nanmin(objectives[:index]):
            best = result
        if result.stop_reason is StopReason.INTERRUPTED:
            # An earlier start may be the best; that the work was cut short is said all the same.
            best = replace(best, stop_reason=StopReason.INTERRUPTED)
            break
    assert best is not None
    return best, objectives


def _final(
    network: Network,
    result: TrainingResult,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    options: dict[str, Any],
) -> float:
    if result.stop_reason is StopReason.NON_FINITE:
        return np.inf
    if plan.early_stopping is not None:
        return -result.state.best_score
    # Not the last entry of the history: those losses were met while the weights still moved.
    weight, engine = options.get("sample_weight"), options.get("engine", "auto")
    return objective(network, result.parameters, X, D, weight, plan.penalty, engine)

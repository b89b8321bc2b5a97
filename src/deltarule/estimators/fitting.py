"""One training of an estimator: from its parameters to a network, a plan and a result."""

from __future__ import annotations

import hashlib
import math
import sys
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing, check_random_state

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators import options
from deltarule.estimators.checks import is_sparse
from deltarule.exceptions import (
    InvalidParameterError,
    InvalidShapeError,
    NonFiniteError,
    TrainingStoppedWarning,
    warn,
)
from deltarule.network import Network, Parameters
from deltarule.optimizers import Optimizer
from deltarule.plans import (
    EpochReport,
    History,
    Observer,
    TrainingPlan,
    TrainingResult,
    TrainingState,
    Validation,
)
from deltarule.random import Stream, derive
from deltarule.schedules import Clock, no_end
from deltarule.stopping import ENDED, EarlyStopping, StopReason


class Rows(NamedTuple):
    """Inputs, targets and sample weights (or None) of the same rows.

    ``frame`` holds the inputs as they came, where their columns have names and a scorer is to see
    them.
    """

    X: Any
    y: Any
    weight: Any
    frame: Any = None

    def take(self, index: Array, name: str) -> Rows:
        """Some of the rows; ``name`` is what they are for."""
        weight = None if self.weight is None else self.weight[index]
        if weight is not None and not weight.any():
            raise InvalidShapeError(
                f"sample_weight must not be 0 for all {name} rows of the early-stopping split "
                "(got only zeros). Drop the rows without weight before fit."
            )
        frame = None if self.frame is None else _safe_indexing(self.frame, index)
        return Rows(_safe_indexing(self.X, index), _safe_indexing(self.y, index), weight, frame)


@dataclass(frozen=True, eq=False)
class Memory:
    """What a fit leaves behind for a warm start or the next `partial_fit`.

    Parameters
    ----------
    state : TrainingState
    history : History
    key : int
        The key of all random numbers, drawn once from ``random_state``; the order of the rows may
        have one of its own in the state.
    optimizer : Optimizer
        The moments in the state belong to it.
    published : Parameters
        What ``coefs_`` and the others held when the fit ended, running statistics among them.
    reason : StopReason
    judges : str, optional
        What tells the rows and the score, that the best score in the state was measured with,
        from others; None where nothing has judged, or where that is not known.
    """

    state: TrainingState
    history: History
    key: int
    optimizer: Optimizer
    published: Parameters
    reason: StopReason
    judges: str | None = None

    def assigned(self, shown: Parameters) -> Memory:
        """The memory of an estimator whose numbers were assigned: those it goes on from.

        They make what was best before incomparable, and begin an epoch.
        """
        state = self.state
        dtype = state.parameters.dtype
        vector = shown.vector.astype(dtype, copy=False)
        if self.optimizer.averages and len(state.moments):  # the average begins with them too
            moments = np.concatenate((state.moments[:-1], vector[np.newaxis]))
            state = replace(state, moments=moments)
        buffers = shown.buffers.astype(dtype, copy=False)
        state = _without_best(state, state.parameters.replace(vector=vector, buffers=buffers))
        return replace(self, state=state, published=shown)

    def judged_by(self, judges: str) -> Memory:
        """The memory for a fit with these judges: a score by others is no score to beat."""
        if judges == self.judges:
            return self
        state = replace(self.state, best_score=-np.inf, best_parameters=None, stalled=0)
        return replace(self, state=state)

    @property
    def order_key(self) -> int:
        """The key of the order of the rows: that of the start which was kept."""
        return self.key if self.state.key is None else self.state.key


#: Seeded anew for each number, for to make one takes hundreds of times as long. Whoever draws takes
#: one out: a lock would never open to a signal's handler that fits, nor after a fork.
_SEEDED: list[np.random.RandomState] = []


def draw_key(random_state: Any) -> int:
    """The key of a training, drawn from what scikit-learn accepts as ``random_state``."""
    if not isinstance(random_state, int | np.integer):
        return _key_from(check_random_state(random_state))
    try:
        numbers = _SEEDED.pop()
    except IndexError:
        numbers = np.random.RandomState()
    numbers.seed(random_state)
    key = _key_from(numbers)
    _SEEDED.append(numbers)
    return key


def _key_from(numbers: np.random.RandomState) -> int:
    return int(numbers.randint(0, 2**63 - 1, dtype=np.int64))


def stopping_rule(estimator: Any, *, incremental: bool) -> EarlyStopping | None:
    """The early stopping of this fit; lbfgs has none, and `partial_fit` refuses it."""
    options.check_solver(estimator)
    stopping = options.stopping_of(estimator)
    if stopping is None:
        return None
    if incremental:
        raise InvalidParameterError(
            "partial_fit does not support early_stopping=True: it sees no validation rows (got "
            f"early_stopping={estimator.early_stopping!r}). Set early_stopping=False."
        )
    return None if options.optimizer_of(estimator).name == "lbfgs" else stopping


def build_plan(
    estimator: Any, rows: int, key: int, stopping: EarlyStopping | None, *, incremental: bool
) -> TrainingPlan:
    """The plan that an estimator's parameters describe, for so many training rows."""
    return TrainingPlan(
        optimizer=options.optimizer_of(estimator),
        learning_rate_init=float(estimator.learning_rate_init),
        schedule=options.schedule_of(estimator),
        batch_size=_batch_size(estimator.batch_size, rows),
        max_epochs=1 if incremental else int(estimator.max_iter),
        sampling=estimator.sampling or ("shuffle" if estimator.shuffle else "sequential"),
        penalty=options.penalty_of(estimator),
        tolerance=float(estimator.tol),
        patience=options.patience_of(estimator),
        early_stopping=stopping,
        key=key,
        incremental=incremental,
        max_seconds=None if incremental else estimator.max_seconds,
    )


def _batch_size(batch_size: Any, rows: int) -> int:
    if batch_size == "auto":
        return min(200, rows)
    if batch_size > rows:
        warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
        )
    return int(min(batch_size, rows))


def split(
    stopping: EarlyStopping, rows: int, key: int, groups: Array | None
) -> tuple[Array, Array]:
    """The rows to train on and the rows to judge on, the same for every fit with this key.

    Parameters
    ----------
    groups : array of shape (rows,), optional
        Classes whose shares both parts keep.
    """
    from sklearn.model_selection import train_test_split  # a tenth of scikit-learn's import

    count = math.ceil(stopping.validation_fraction * rows)
    if groups is not None:
        count = max(count, len(np.unique(groups)))  # one row of every class at least
    try:
        kept, held = train_test_split(
            np.arange(rows),
            test_size=min(count, rows),
            stratify=groups,
            random_state=derive(key, Stream.SPLIT, 0) % 2**32,
        )
    except ValueError as problem:
        what = "rows" if groups is None else "rows of every class"
        raise InvalidParameterError(
            f"{str(problem).rstrip('.')}. early_stopping holds {what} back (got "
            f"n_samples={rows}). Give more rows, another validation_fraction, or "
            "early_stopping=False."
        ) from None
    if len(held) < 2:
        raise InvalidParameterError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset. Two rows are needed (got {len(held)})."
        )
    return np.sort(kept), np.sort(held)


def fingerprint(validation: Validation, scorer: Any) -> str:
    """What tells the judges of one fit from those of another: rows, and how they are judged."""
    X, weight = validation.X, validation.sample_weight
    parts = [X.indptr, X.indices, X.data] if is_sparse(X) else [X]
    found = hashlib.blake2b(digest_size=16)
    for part in (*parts, validation.D, *(() if weight is None else (weight,))):
        found.update(f"{part.dtype}{part.shape}".encode())
        found.update(np.ascontiguousarray(part).data)
    judge = repr(validation.score) if scorer is None else _definition(scorer)
    found.update(judge.encode())
    return found.hexdigest()


def _definition(scorer: Any) -> str:
    """What a scorer is called: the same in another process, if it can be found there again."""
    metric = getattr(scorer, "_score_func", None)
    if metric is not None:  # a scorer of scikit-learn's; it shows its metric without its module
        return f"{scorer!r} of {_definition(metric)}"
    name = getattr(scorer, "__qualname__", None)
    if name is None or "<" in name:  # of functions inside others many have the same name
        return repr(scorer)
    return f"{scorer.__module__}.{name}"


def starting_state(
    memory: Memory, network: Network, shown: Parameters, plan: TrainingPlan
) -> TrainingState:
    """Where a warm start begins: the kept state.

    ``coefs_`` may show others than the last, the best; that n fits of one epoch are one fit of n
    does not depend on it. Another optimiser begins without moments at its step 0, another
    activation or loss without what was best before.
    """
    state = memory.state.after(memory.reason)
    known = state.parameters.network
    if known is not network and known != network:
        last = state.parameters
        state = _without_best(state, Parameters(network, last.vector, last.buffers))
    if memory.optimizer != plan.optimizer:
        empty = np.zeros((0, shown.vector.size), dtype=shown.dtype)
        state = replace(state, moments=empty, step=0, begun=None)
    _tell_if_it_stands(plan, state)
    return state


def same_numbers(one: Parameters, other: Parameters) -> bool:
    """Whether weights and running statistics are equal."""
    return np.array_equal(one.vector, other.vector) and np.array_equal(one.buffers, other.buffers)


def _without_best(state: TrainingState, parameters: Parameters) -> TrainingState:
    return replace(
        state,
        parameters=parameters,
        best_score=-np.inf,
        best_loss=np.inf,
        best_parameters=None,
        stalled=0,
        begun=None,
    )


def check_end(plan: TrainingPlan, horizon: int | None) -> None:
    """Refuse a schedule that counts on an end in a stream where neither it nor a `fit` says one."""
    schedule = plan.schedule
    if plan.incremental and schedule.needs_horizon and not (schedule.total_epochs or horizon):
        raise no_end(schedule.name)


def _is_at_its_end(plan: TrainingPlan, state: TrainingState) -> bool:
    """Whether the schedule counts on an end of the training and this is it, or behind it."""
    return plan.schedule.needs_horizon and 0 < state.total_epochs(plan.schedule) <= state.epoch


def _tell_if_it_stands(plan: TrainingPlan, state: TrainingState) -> None:
    """Warn of a schedule that is past its end, where its step size is 0."""
    schedule, total = plan.schedule, state.total_epochs(plan.schedule)
    if not _is_at_its_end(plan, state):
        return
    if schedule.factors(Clock(1, 1, 1, 1, 1), 1)[0] == 0:
        warn(
            f"The schedule {schedule.name!r} came to its end, a step size of 0, after {total} "
            "epochs: the weights stay as they are. Give it total_epochs, the epochs of all fits "
            "together, or an end above 0.",
            TrainingStoppedWarning,
        )


def observe(*observers: Observer | None) -> Observer | None:
    """Several observers as one; None where there is none."""
    present = [observer for observer in observers if observer is not None]
    if len(present) < 2:
        return present[0] if present else None

    def tell_all(report: EpochReport) -> bool:
        answers = [observer(report) for observer in present]
        return any(answers)

    return tell_all


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def printer(estimator: Any, early_stopping: bool, judged: bool, starts: int) -> Observer | None:
    """What ``verbose`` prints after each epoch, in scikit-learn's words."""
    if not estimator.verbose:
        return None
    count, factor, start = 0, None, 1

    def print_epoch(report: EpochReport) -> None:
        nonlocal count, factor, start
        if report.start != start:
            count, factor, start = 0, None, report.start
        count += 1
        if factor is not None and report.rate_factor < factor:
            rate = estimator.learning_rate_init * report.rate_factor
            _say(f"{_stalled(estimator, early_stopping)} Setting learning rate to {rate:f}")
        factor = report.rate_factor
        which = f"Start {start} of {starts}, iteration" if starts > 1 else "Iteration"
        _say(f"{which} {count}, loss = {report.loss:.8f}")
        if judged:
            _say(f"Validation score: {report.validation_score:f}")

    return print_epoch


def _stalled(estimator: Any, early_stopping: bool) -> str:
    stopping, what = options.stopping_of(estimator), "Training loss"
    least, epochs = estimator.tol, estimator.n_iter_no_change
    if early_stopping and stopping is not None:
        what, least, epochs = "Validation score", stopping.min_delta, stopping.patience
    return f"{what} did not improve more than tol={least:f} for {epochs} consecutive epochs."


def tell_kept(estimator: Any, objectives: Array) -> None:
    """Print which of several starts was kept."""
    if estimator.verbose:
        best = int(np.nan_to_num(objectives, nan=np.inf).argmin())
        _say(f"Start {best + 1} of {len(objectives)} is kept.")


def tell_end(estimator: Any, result: TrainingResult, plan: TrainingPlan) -> None:
    """Print, warn or raise what the end of a training asks for; the numbers are kept already."""
    reason = result.stop_reason
    if reason is StopReason.NON_FINITE:
        _tell_non_finite(estimator, result)
    elif reason is StopReason.INTERRUPTED:
        warn(
            f"Training interrupted by user. The weights after {_epochs(result)} are kept; "
            "warm_start=True goes on from here.",
            TrainingStoppedWarning,
        )
    elif reason is StopReason.TIME:
        warn(
            f"Training stopped after max_seconds={estimator.max_seconds:g}. The weights after "
            f"{_epochs(result)} are kept; warm_start=True goes on from here.",
            TrainingStoppedWarning,
        )
    elif reason is StopReason.SOLVER or (reason is StopReason.MAX_EPOCHS and result.trouble):
        warn(f"{result.trouble}", ConvergenceWarning)
    elif reason is StopReason.MAX_EPOCHS and not plan.incremental:
        if not (_is_at_its_end(plan, result.state) or _trains_on(plan)):  # as was planned
            warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
            )
    elif reason in ENDED and estimator.verbose:
        judged = result.state.best_parameters is not None
        small = " Learning rate too small." if reason is StopReason.STEP_TOO_SMALL else ""
        _say(f"{_stalled(estimator, judged)}{small} Stopping.")
    if reason is not StopReason.NON_FINITE:
        _tell_if_it_rose(estimator, result.history.loss[-result.epochs :] if result.epochs else [])


def _trains_on(plan: TrainingPlan) -> bool:
    """Whether all epochs are trained whatever the score, and the best is kept."""
    return plan.early_stopping is not None and plan.early_stopping.patience is None


def _epochs(result: TrainingResult) -> str:
    return f"{result.epochs} epoch{'' if result.epochs == 1 else 's'}"


#: A training loss that ends so many times above its first has met too large steps.
RISEN = 1000.0


def or_standardize(estimator: Any, comma: str = "") -> str:
    """The other remedy beside a smaller step, where it was not taken already."""
    if estimator.standardize is not None:
        return ""
    return f"{comma} or standardize the inputs with standardize='inputs'"


def _tell_if_it_rose(estimator: Any, losses: list[float]) -> None:
    if len(losses) > 1 and losses[-1] > RISEN * max(losses[0], np.finfo(float).tiny):
        warn(
            f"The training loss rose from {losses[0]:.3g} to {losses[-1]:.3g}: the step size is "
            f"too large. Lower learning_rate_init{or_standardize(estimator)}.",
            ConvergenceWarning,
        )


def _tell_non_finite(estimator: Any, result: TrainingResult) -> None:
    where = f"It happened in {result.trouble}"
    if options.optimizer_of(estimator).name == "lbfgs":
        remedy = "Scale the inputs"
        if estimator.standardize is not None:
            remedy = "Choose another solver, for example 'adam'"
    else:
        where += f" with learning_rate_init={estimator.learning_rate_init:g}"
        remedy = "Lower learning_rate_init"
    remedy += f"{or_standardize(estimator, ',')}."
    if result.state.best_parameters is not None:
        warn(
            f"The objective became non-finite. {where}; the weights of the best validation score "
            f"are returned. {remedy}",
            TrainingStoppedWarning,
        )
        return
    raise NonFiniteError(
        "Solver produced non-finite parameter weights. The input data may contain large values "
        f"and need to be preprocessed. {where}; the last finite weights are kept in coefs_ and "
        f"intercepts_. {remedy}"
    )

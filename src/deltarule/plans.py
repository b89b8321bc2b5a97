"""What training is given and what it returns, as plain records: no work is done here.

A `TrainingPlan` says how, `Validation` which rows are judged, a `TrainingState` where a training
stands, and a `TrainingResult` how it went.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Family, choose
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Parameters
from deltarule.optimizers import OPTIMIZERS, SGD, Optimizer
from deltarule.penalties import PENALTIES, Penalty
from deltarule.random import SAMPLINGS
from deltarule.schedules import SCHEDULES, Clock, Constant, Schedule
from deltarule.scores import Score
from deltarule.stopping import ENDED, EarlyStopping, StopReason


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
    max_seconds : float or None, default=None
        Seconds after which the training ends with `StopReason.TIME`, above 0; it may do so inside
        an epoch. The clock is looked at about every 50 ms, and not before some steps are done, so
        that every call gets on. None sets no limit.

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
    max_seconds: float | None = None

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
            if not _is_whole(value) or value < least:
                raise InvalidParameterError(
                    f"{name} must be an integer of at least {least} (got {value!r}). "
                    "Give the number of "
                    + ("rows of one step." if name == "batch_size" else "passes over the rows.")
                )
        patience, key = self.patience, self.key
        if patience is not None and not (_is_whole(patience) and patience >= 0):
            raise InvalidParameterError(
                f"patience must be None or an integer of at least 0 (got {patience!r}). Give the "
                "number of epochs without improvement that are borne; None bears any number."
            )
        if not (_is_whole(key) and 0 <= key < 2**64):
            raise InvalidParameterError(
                f"key must be an integer from 0 to 2**64 - 1 (got {key!r}). Choose any of them."
            )
        if not np.isfinite(self.learning_rate_init) or self.learning_rate_init <= 0:
            raise InvalidParameterError(
                f"learning_rate_init must be a positive number (got {self.learning_rate_init!r}). "
                "Start with 0.001 for Adam or 0.1 for plain SGD."
            )
        seconds = self.max_seconds
        if seconds is not None and not (_is_real(seconds) and seconds > 0):
            raise InvalidParameterError(
                f"max_seconds must be None or a number above 0 (got {seconds!r}). Give the seconds "
                "that the training may take; None sets no limit."
            )


def _is_real(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


class Judge(ABC):
    """A score for which the predictions of the rows that judge are not enough."""

    @abstractmethod
    def value(self, prediction: Array, parameters: Parameters) -> float:
        """The score of an epoch; more is better.

        Parameters
        ----------
        prediction : array of shape (rows, outputs)
        parameters : Parameters
            Those that predict so.
        """


@dataclass(frozen=True, eq=False)
class Validation:
    """Rows that are judged after each epoch and never trained on.

    Parameters
    ----------
    X : array or CSR of shape (rows, inputs)
    D : array of shape (rows, outputs)
    sample_weight : array of shape (rows,), optional
    score : Score or callable, optional
        `deltarule.scores.Accuracy` or `R2`, which the engines compute themselves; or a function
        from the predictions ``(rows, outputs)`` to a number where more is better, which Python is
        asked for after every epoch. Without it the score is minus the validation loss.
    """

    X: Any
    D: Array
    sample_weight: Array | None = None
    score: Score | Judge | Callable[[Array], float] | None = None


@dataclass
class History:
    """One entry per epoch, over all calls that continued the same state.

    Parameters
    ----------
    loss, validation_loss, validation_score : list of float
        The last two are empty without validation rows.
    seconds : list of float
        Wall time at each epoch's end, counted from the start of its call; epochs that take less
        than a look at the clock may share one.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def copy(self) -> History:
        """An independent copy."""
        return History(*(list(getattr(self, name)) for name in self.__dataclass_fields__))

    def extend(self, later: History) -> None:
        """Add the epochs of a later call in place, at the price of those epochs alone."""
        for name in self.__dataclass_fields__:
            getattr(self, name).extend(getattr(later, name))


@dataclass(frozen=True, eq=False)
class BegunEpoch:
    """An epoch inside of which a training ended, by time or by an interrupt.

    There is none in a stream (``plan.incremental``), whose every call begins with its own rows.

    Parameters
    ----------
    steps : int
        Those of the epoch that are done, at least 1; all of them where only its rows were not yet
        judged.
    carried : float
        Their sum of w f.
    rows, batch_size : int
        What the epoch is made of. A training that goes on with others begins the epoch anew.
    start : tuple of arrays or None
        Parameters, moments and buffers at its begin, where an engine has left some of the weights
        steps behind (``TrainingResult.road`` looks ahead): to be the same bit for bit, a training
        that goes on does these steps again, beyond its ``max_seconds``.
    """

    steps: int
    carried: float
    rows: int
    batch_size: int
    start: tuple[Array, Array, Array] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps of the whole epoch."""
        return -(-self.rows // self.batch_size)


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
        Steps and whole epochs done since the start; steps of a begun epoch count.
    rate_factor : float
        What the adaptive schedule has made of the step size.
    best_loss, best_score : float
        The best training loss and validation score so far.
    best_parameters : Parameters or None
        Those with the best validation score.
    stalled : int
        Epochs without improvement.
    horizon : int or None
        Epochs that schedules with a horizon count on where they do not say so themselves: the
        ``max_epochs`` of the first call.
    key : int or None
        The key of the order where it is a start's own (`restart`) and not that of the first plan:
        a plan that goes on from here takes it.
    begun : BegunEpoch or None
        The epoch that is not at its end. It is one of the next call's: of its ``max_epochs`` and of
        the epochs that it reports.
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
    key: int | None = None
    begun: BegunEpoch | None = None

    def offset(self, steps_per_epoch: int) -> int:
        """What the steps are ahead of so many per epoch: not 0 where epochs had another length."""
        into = 0 if self.begun is None else self.begun.steps
        return self.step - into - self.epoch * steps_per_epoch

    def after(self, reason: StopReason) -> TrainingState:
        """Where a training goes on that ended so: where a stop rule ended it, with a new count."""
        if reason not in ENDED:
            return self
        factor = 1.0 if reason is StopReason.STEP_TOO_SMALL else self.rate_factor
        return replace(self, stalled=0, rate_factor=factor)

    def total_epochs(self, schedule: Schedule) -> int:
        """The epochs that a schedule counts on; 0 where nobody knows."""
        return schedule.total_epochs or self.horizon or 0

    def clock(
        self, schedule: Schedule, steps_per_epoch: int, rows: int, epoch: int, into: int
    ) -> Clock:
        """What a schedule is told before a step of this training: `into` steps of `epoch` are done.

        Epochs from the state's on have so many steps; earlier ones may have had others.
        """
        offset = self.offset(steps_per_epoch)
        total = offset + self.total_epochs(schedule) * steps_per_epoch
        step = offset + epoch * steps_per_epoch + into
        return Clock(step, epoch, steps_per_epoch, rows, total, into=into)


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
        Epochs that ended in this call.
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
    adaptive schedule had made of the step size during the epoch; ``start`` is the number of the
    start, from 1, where there are several.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    parameters: Callable[[], Parameters]
    rate_factor: float = 1.0
    start: int = 1


Observer = Callable[[EpochReport], bool | None]


def check_stopping(plan: TrainingPlan, validation: Validation | None, name: str = "plan") -> None:
    """Refuse early stopping without rows to judge, or with a scorer, which needs an estimator."""
    stopping = plan.early_stopping
    if stopping is None:
        return
    if stopping.scorer is not None:
        raise InvalidParameterError(
            f"{name}.early_stopping.scorer is for estimators (got {stopping.scorer!r}). Give "
            "validation=Validation(X, D, score=…)."
        )
    if validation is None:
        raise InvalidParameterError(
            f"{name}.early_stopping needs validation rows (got validation=None). "
            "Pass validation=Validation(X, D)."
        )


def fresh_state(start: Parameters) -> TrainingState:
    """The state before the first step."""
    return TrainingState(start, np.zeros((0, start.network.size), dtype=start.dtype))

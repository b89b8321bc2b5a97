"""Schedules: the factor of the step size at each step.

The step size at step t is ``learning_rate_init · factor(t)``; a schedule knows the factor only.
Steps are counted from 0 over the whole training, also over repeated calls; an epoch is
``steps_per_epoch`` steps. `Schedule.factors` gives the factors of many consecutive steps at once,
float64 of shape (count,), because an engine runs many steps in one call.

By name, ``constant``, ``invscaling`` and ``adaptive`` keep scikit-learn's timing, which changes the
step size between epochs only; as objects, ``InvScaling()`` works per step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import (
    Array,
    Definition,
    Family,
    in_range,
    non_negative,
    one_of,
    positive_integer,
    settle,
)
from deltarule.exceptions import InvalidParameterError

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "Clock",
    "Constant",
    "Cosine",
    "CyclicCosine",
    "Function",
    "InvScaling",
    "OneCycle",
    "Schedule",
    "Step",
]


@dataclass(frozen=True)
class Clock:
    """Where a training stands.

    Parameters
    ----------
    step : int
        Steps done so far, over the whole training.
    epoch : int
        The epoch of that step, from 0.
    steps_per_epoch : int
        Steps in an epoch, at least 1.
    rows : int
        Rows of the training set.
    total_steps : int
        The step at which the training will end if its epochs go on to have `steps_per_epoch`; 0
        where nobody knows.
    into : int, optional
        Steps of the epoch that are done; None works it out from `step` and `epoch`, as if all
        epochs had had the same length.
    """

    step: int
    epoch: int
    steps_per_epoch: int
    rows: int
    total_steps: int
    into: int | None = None

    def epochs(self, count: int) -> Array:
        """The epochs of the next `count` steps, shape (count,)."""
        done = self.into
        if done is None:
            done = self.step - self.epoch * self.steps_per_epoch
            if not 0 <= done < self.steps_per_epoch:
                done = 0  # earlier calls had epochs of another length: this call begins one
        return self.epoch + (done + np.arange(count)) // self.steps_per_epoch

    def progress(self, count: int, name: str) -> Array:
        """The share of the training that is done before each of the next `count` steps, 0 … 1.

        Earlier epochs of another length count as those of now: it is the epochs that are shared
        out.
        """
        done = self.step - self._ahead + np.arange(count)
        return np.minimum(done / self.total(name), 1.0)

    def total(self, name: str) -> int:
        """The steps of the whole training, if all its epochs were as long as those of now."""
        total = self.total_steps - self._ahead
        if total <= 0:
            raise no_end(name)
        return total

    @property
    def _ahead(self) -> int:
        """Steps beyond those that epochs of this length would have had."""
        if self.into is None:
            return 0
        return self.step - self.epoch * self.steps_per_epoch - self.into


def no_end(name: str) -> InvalidParameterError:
    """What is raised where a schedule counts on an end of the training and there is none."""
    return InvalidParameterError(
        f"schedule {name!r} must know how many epochs the training has (got no end). Give it "
        "total_epochs, or use it with fit, whose max_iter is the end."
    )


class Schedule(Definition):
    """Base of all schedules.

    Attributes
    ----------
    needs_horizon : bool
        Whether the factor depends on ``total_steps``.
    steady : bool
        Whether the factor is 1 at every step.
    total_epochs : int or None
        Epochs after which a schedule that needs a horizon is at its end; None leaves it to the
        training, whose first call's epochs it is then.
    """

    word: ClassVar[str] = "schedule"
    needs_horizon: ClassVar[bool] = False
    steady: ClassVar[bool] = False
    total_epochs: int | None = None

    def factors(self, clock: Clock, count: int) -> Array:
        """The factors of steps ``clock.step`` … ``clock.step + count − 1``.

        Parameters
        ----------
        clock : Clock
            Where the training stands before the first of these steps.
        count : int
            How many steps, at least 0; they may cross ends of epochs.

        Returns
        -------
        float64 array of shape (count,)

        Raises
        ------
        InvalidParameterError
            If the schedule needs the end of the training and the clock does not know it.
        """
        raise NotImplementedError


class Constant(Schedule):
    """factor = 1.

    Examples
    --------
    >>> Constant().factors(Clock(0, 0, 10, 10, 0), 3)
    array([1., 1., 1.])
    """

    name = "constant"
    steady = True

    def factors(self, clock: Clock, count: int) -> Array:
        return np.ones(count)


@dataclass(frozen=True)
class InvScaling(Schedule):
    """factor = 1 / (t + 1)^power, t = steps done, or samples seen at the epoch's start.

    Parameters
    ----------
    power : float, default=0.5
        At least 0. Convergence theory for SGD asks for a power in (½, 1].
    per : {"step", "epoch"}, default="step"
        What t counts: ``"step"`` steps; ``"epoch"`` samples seen before the epoch
        (``rows · epoch``), so the factor changes between epochs only. The latter is scikit-learn's
        timing and what the name ``"invscaling"`` stands for.

    Raises
    ------
    InvalidParameterError
        If `power` is negative or not finite, or `per` another word.

    Notes
    -----
    Source: Robbins and Monro (1951), https://doi.org/10.1214/aoms/1177729586; scikit-learn's
    ``power_t``.

    Examples
    --------
    >>> InvScaling(power=0.5).factors(Clock(0, 0, 10, 10, 0), 4).round(4)
    array([1.    , 0.7071, 0.5774, 0.5   ])
    """

    name = "invscaling"

    power: float = 0.5
    per: str = "step"

    def __post_init__(self) -> None:
        settle(
            self,
            power=non_negative(self.power, "power"),
            per=one_of(self.per, "per", ("step", "epoch")),
        )

    def factors(self, clock: Clock, count: int) -> Array:
        if self.per == "step":
            done = clock.step + np.arange(count)
        else:
            done = clock.rows * clock.epochs(count)
        return (done + 1.0) ** -self.power


@dataclass(frozen=True)
class Adaptive(Schedule):
    """factor = 1, divided by `divisor` at each plateau.

    A plateau is the place where the training would end for lack of improvement: more than
    ``n_iter_no_change`` epochs in a row without an improvement by ``tol``. Instead of ending it,
    the training loop divides the step size and counts from 0 again; when the step size is at most
    `smallest` already, the training ends. `factors` is 1: the divisions are kept in the state.

    Parameters
    ----------
    divisor : float, default=5.0
        Above 1.
    smallest : float, default=1e-6
        The step size (not the factor) at or below which a plateau ends the training; at least 0.

    Raises
    ------
    InvalidParameterError
        If `divisor` is not above 1, or `smallest` is negative; or one of them not finite.

    Notes
    -----
    Source: scikit-learn's ``learning_rate="adaptive"``, which has these two numbers fixed.

    Examples
    --------
    >>> Adaptive()
    Adaptive(divisor=5.0, smallest=1e-06)
    """

    name = "adaptive"
    steady = True

    divisor: float = 5.0
    smallest: float = 1e-6

    def __post_init__(self) -> None:
        settle(
            self,
            divisor=in_range(self.divisor, "divisor", 1, math.inf, "()"),
            smallest=non_negative(self.smallest, "smallest"),
        )

    def factors(self, clock: Clock, count: int) -> Array:
        return np.ones(count)


@dataclass(frozen=True)
class Step(Schedule):
    """factor = factor^⌊epoch / every⌋: a drop every so many epochs.

    Parameters
    ----------
    every : int, default=10
        Epochs between drops, at least 1.
    factor : float, default=0.5
        What the step size is multiplied with at each drop; in (0, 1].

    Raises
    ------
    InvalidParameterError
        If `every` is no positive integer or `factor` is outside (0, 1].

    Notes
    -----
    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html

    Examples
    --------
    >>> Step(every=2, factor=0.1).factors(Clock(0, 0, 1, 10, 0), 4)
    array([1. , 1. , 0.1, 0.1])
    """

    name = "step"

    every: int = 10
    factor: float = 0.5

    def __post_init__(self) -> None:
        settle(
            self,
            every=positive_integer(self.every, "every"),
            factor=in_range(self.factor, "factor", 0, 1, "(]"),
        )

    def factors(self, clock: Clock, count: int) -> Array:
        drops: Array = self.factor ** (clock.epochs(count) // self.every)
        return drops


@dataclass(frozen=True)
class Cosine(Schedule):
    """A linear rise to 1 over the warm-up, then half a cosine down to `end`.

    With T = total_steps and W = warmup · T: factor = (t + 1) / W, at most 1, for t < W, and
    end + (1 − end) · ½ (1 + cos(π (t − W) / (T − W))) from there; `end` itself after step T.

    Parameters
    ----------
    warmup : float, default=0.0
        Share of the training that the rise takes, in [0, 1).
    end : float, default=0.0
        Factor at the end and after it, in [0, 1].
    total_epochs : int or None, default=None
        T in epochs, over all calls that go on from each other, at least 1; `partial_fit` counts a
        call as an epoch. None takes the epochs asked for by the first call (``max_iter`` of the
        first ``fit``).

    Raises
    ------
    InvalidParameterError
        If a value is outside its range; and by `factors`, if the end of the training is unknown.

    Notes
    -----
    Loshchilov and Hutter (2017), https://arxiv.org/abs/1608.03983, without restarts.

    The rules that end a training are in force under it: one whose loss does not improve by ``tol``
    for a while ends before the schedule does. ``n_iter_no_change=inf`` leaves it its time. To
    come to the planned end is no failure to converge, and `fit` does not warn of it.

    Examples
    --------
    >>> Cosine().factors(Clock(0, 0, 4, 4, 4), 5).round(4)
    array([1.    , 0.8536, 0.5   , 0.1464, 0.    ])
    """

    name = "cosine"
    needs_horizon = True

    warmup: float = 0.0
    end: float = 0.0
    total_epochs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _settle_total(self)
        settle(
            self,
            warmup=in_range(self.warmup, "warmup", 0, 1, "[)"),
            end=in_range(self.end, "end", 0, 1),
        )

    def factors(self, clock: Clock, count: int) -> Array:
        done = clock.progress(count, self.name)
        fall = _fall(1.0, self.end, (done - self.warmup) / (1.0 - self.warmup))
        if self.warmup == 0:
            return fall
        rise = np.minimum((done + 1.0 / clock.total(self.name)) / self.warmup, 1.0)
        return np.where(done < self.warmup, rise, fall)


@dataclass(frozen=True)
class CyclicCosine(Schedule):
    """Up from 0 to 1 and down to 0 again, in cycles of which each is twice as long as the last.

    factor = ½ (1 − cos(2π log₂(1 + (2^cycles − 1) t))), with t the share of the training that is
    done; 0 after its end. It is 0 where t = (2^k − 1) / (2^cycles − 1), k = 0 … cycles: there the
    weights have come to rest, and are worth judging.

    Parameters
    ----------
    cycles : int, default=4
        In 1 … 50.
    total_epochs : int or None, default=None
        Epochs of the whole training, as for `Cosine`.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range; and by `factors`, if the end of the training is unknown.

    Notes
    -----
    Holzmüller, Grinsztajn and Steinwart (2024), https://arxiv.org/abs/2407.04491, where four cycles
    are called coslog4. The first step has the size 0. What ends a training before the schedule does
    is said of `Cosine`.

    Examples
    --------
    >>> CyclicCosine(cycles=2).factors(Clock(0, 0, 6, 6, 6), 7).round(4)
    array([0.    , 0.9304, 0.    , 0.7184, 0.9304, 0.3237, 0.    ])
    """

    name = "cyclic_cosine"
    needs_horizon = True

    cycles: int = 4
    total_epochs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _settle_total(self)
        settle(self, cycles=positive_integer(self.cycles, "cycles"))
        if self.cycles > _MOST_CYCLES:
            raise InvalidParameterError(
                f"cycles must be at most {_MOST_CYCLES} (got {self.cycles}), as each is twice as "
                "long as the one before it. Choose fewer."
            )

    def factors(self, clock: Clock, count: int) -> Array:
        done = clock.progress(count, self.name)
        cycle = np.log2(1.0 + (2.0**self.cycles - 1.0) * done)
        rise: Array = 0.5 * (1.0 - np.cos(2.0 * np.pi * cycle))
        return rise


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from `start` to 1 by half a cosine, then down to `end` by another.

    The factor is `start` at step 0, 1 when the share `peak_at` of the training is done, and `end`
    after the last step.

    Parameters
    ----------
    peak_at : float, default=0.3
        Share of the training that is done at the peak, in (0, 1).
    start : float, default=0.04
        Factor at the beginning, in [0, 1].
    end : float, default=1e-4
        Factor at the end and after it, in [0, 1].
    total_epochs : int or None, default=None
        Epochs of the whole training, as for `Cosine`.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range; and by `factors`, if the end of the training is unknown.

    Notes
    -----
    Smith and Topin (2018), https://arxiv.org/abs/1708.07120. PyTorch's OneCycleLR gives its end
    as a share of the start, and cycles the momentum too; here the end is a share of the peak and
    the momentum stays. What ends a training before the schedule does is said of `Cosine`.

    Examples
    --------
    >>> OneCycle(peak_at=0.5, start=0.0, end=0.0).factors(Clock(0, 0, 4, 4, 4), 5).round(4)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """

    name = "one_cycle"
    needs_horizon = True

    peak_at: float = 0.3
    start: float = 0.04
    end: float = 1e-4
    total_epochs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _settle_total(self)
        settle(
            self,
            peak_at=in_range(self.peak_at, "peak_at", 0, 1, "()"),
            start=in_range(self.start, "start", 0, 1),
            end=in_range(self.end, "end", 0, 1),
        )

    def factors(self, clock: Clock, count: int) -> Array:
        done = clock.progress(count, self.name)
        up = _fall(self.start, 1.0, done / self.peak_at)
        down = _fall(1.0, self.end, (done - self.peak_at) / (1.0 - self.peak_at))
        return np.where(done < self.peak_at, up, down)


@dataclass(frozen=True)
class Function(Schedule):
    """A user's own schedule: a Python function from t, the steps done, to the factor.

    Parameters
    ----------
    function : callable
        ``function(t)`` for one whole number t; it returns a finite number of at least 0.

    Raises
    ------
    InvalidParameterError
        If `function` cannot be called; by `factors`, if it returns something else; and by
        `record`, since no file holds code.

    Examples
    --------
    >>> Function(lambda t: 0.9**t).factors(Clock(0, 0, 10, 10, 0), 3).round(2)
    array([1.  , 0.9 , 0.81])
    """

    name = "function"

    function: Callable[[int], float]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidParameterError(
                f"function of a schedule must be a function of the step (got {self.function!r}). "
                "Give a Python function of one whole number."
            )

    def factors(self, clock: Clock, count: int) -> Array:
        steps = range(clock.step, clock.step + count)
        return np.array(
            [non_negative(self.function(t), f"the schedule's factor at step {t}") for t in steps],
            dtype=np.float64,
        )


#: The first of so many cycles is over before any step is done.
_MOST_CYCLES = 50


def _settle_total(schedule: Schedule) -> None:
    if schedule.total_epochs is not None:
        settle(schedule, total_epochs=positive_integer(schedule.total_epochs, "total_epochs"))


def _fall(top: float, bottom: float, share: Array) -> Array:
    """Half a cosine from `top` to `bottom` over shares 0 … 1."""
    return bottom + (top - bottom) * 0.5 * (1.0 + np.cos(np.pi * np.clip(share, 0.0, 1.0)))


SCHEDULES: Family[Schedule] = Family(
    base=Schedule,
    table={
        cls.name: cls
        for cls in (Constant, InvScaling, Adaptive, Step, Cosine, CyclicCosine, OneCycle)
    },
    word="schedule",
    by_name={"invscaling": {"per": "epoch"}},
    elsewhere={
        "plateau": "adaptive",
        "reduce_on_plateau": "adaptive",
        "inverse_scaling": "invscaling",
        "cosine_annealing": "cosine",
        "coslog4": "cyclic_cosine",
        "1cycle": "one_cycle",
    },
    wrap=Function,
)

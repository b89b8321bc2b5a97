"""What a session is asked to do, and where a training stands: plain records.

`Work` is one step and its order, `Walk` what a training does from epoch to epoch, `Progress` where
it stands, with a `Place` to which it can go back. `RowCode` is what the rows of a stream mean,
`Stood` where a learner stands in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.network import Network
from deltarule.optimizers import SGD, Optimizer
from deltarule.penalties import Penalty
from deltarule.scores import Score
from deltarule.stopping import Standing, StopReason, StopRules

#: Parameters, moments and buffers of a session.
Numbers = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Rule:
    """An order of rows that is computed, not stored.

    Parameters
    ----------
    kind : {"replacement", "shuffle", "sequential"}
    key : int
        Key of the random numbers; the epoch is the other half of the rule.
    """

    kind: str
    key: int


@dataclass(frozen=True, eq=False)
class Work:
    """What every step of a run does.

    Parameters
    ----------
    order : Rule or int64 array
        A rule has epochs of N positions; an array is one single epoch of its own length.
    batch_size : int
    optimizer : Optimizer
    l1, l2 : float
        Strengths of the penalties divided by n, as in equation (9).
    scale : float
        N/n of equation (9).
    step_offset : int
        What the optimiser's clock (Adam's t) is ahead of the order's: not 0 where earlier calls
        had epochs of another length.
    key : int
        Key of what a step draws beside its rows: the units that dropout keeps.
    """

    order: Rule | Array
    batch_size: int = 1
    optimizer: Optimizer = SGD()
    l1: float = 0.0
    l2: float = 0.0
    scale: float = 1.0
    step_offset: int = 0
    key: int = 0


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows that are judged after each epoch.

    Parameters
    ----------
    X, D, sample_weight :
        As for `Session.loss`.
    n : float
        The sum of the weights.
    score : Score, optional
        Without one it is minus the loss.
    """

    X: Any
    D: Array
    sample_weight: Array | None
    n: float
    score: Score | None = None


@dataclass(frozen=True, eq=False)
class Walk:
    """What a training does from epoch to epoch.

    Parameters
    ----------
    network : Network
    work : Work
        Its order is a rule.
    steps_per_epoch : int
    n : float
        What the sum of the losses and the penalty are divided by, equation (8).
    penalty : Penalty or None
    rules : StopRules
        When it ends; ``rules.rate`` is the step size at the start.
    judged : Judged, optional
    factors : callable, optional
        ``factors(epoch, step, count)``: those of the step size for `count` steps from step `step`
        of an epoch on. Without it they are 1.
    by_epoch : bool
        Whether factors may not be asked for beyond the epoch at hand.
    """

    network: Network
    work: Work
    steps_per_epoch: int
    n: float
    penalty: Penalty | None
    rules: StopRules
    judged: Judged | None = None
    factors: Callable[[int, int, int], Array] | None = None
    by_epoch: bool = False

    def rates(self, progress: Progress, count: int) -> Array:
        """The step sizes of the next `count` steps."""
        rate = self.rules.rate * progress.standing.rate_factor
        if self.factors is None:
            return np.full(count, rate)
        return rate * self.factors(progress.epoch, progress.step, count)


@dataclass(frozen=True)
class Epoch:
    """The numbers of one epoch.

    Parameters
    ----------
    loss : float
        The mean of the sample losses as met, plus the penalty at the epoch's end, over n.
    validation_loss, score : float, optional
        Of the rows that are judged.
    finite : bool
        Whether loss and parameters are numbers still.
    """

    loss: float
    validation_loss: float | None = None
    score: float | None = None
    finite: bool = True


@dataclass(frozen=True, eq=False)
class Place:
    """A step of an epoch, what was carried to there, and a session's numbers before it."""

    epoch: int
    step: int
    carried: float
    numbers: Numbers


@dataclass(eq=False)
class Progress:
    """Where a training stands; a session's runs of epochs change it in place.

    Parameters
    ----------
    epoch : int
        Whole epochs since the start.
    standing : Standing
    step : int
        Steps of the epoch at hand.
    carried : float
        Their sum of w f.
    best : pair of arrays, optional
        Parameters and buffers with the best score, where this training met one.
    whole : Numbers, optional
        Those at the end of the last whole epoch, where an engine keeps them here.
    place : Place, optional
        Where steps were last begun that an interrupt would leave half done.
    told : object
        The engine's report that was entered last.
    at_once : int
        Steps that an engine in Python does between two looks at the clock.
    loss, validation_loss, score, seconds : list of float
        One entry per epoch is added to each; to the middle two where rows are judged.
    began : float
        When the training began, on `time.perf_counter`.
    """

    epoch: int
    standing: Standing
    step: int = 0
    carried: float = 0.0
    best: tuple[Array, Array] | None = None
    whole: Numbers | None = None
    place: Place | None = None
    told: Any = None
    at_once: int = 1
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)

    def note(
        self, rules: StopRules, epoch: Epoch, best: Callable[[], tuple[Array, Array]]
    ) -> StopReason | None:
        """Record an epoch, and parameters and buffers where they are the best; ask the rules."""
        standing = replace(self.standing)
        improved, is_best = rules.note(standing, epoch.loss, epoch.score)
        reason = None if improved else rules.plateau(standing)
        self.loss.append(epoch.loss)
        if epoch.validation_loss is not None and epoch.score is not None:
            self.validation_loss.append(epoch.validation_loss)
            self.score.append(epoch.score)
        self.seconds.append(time.perf_counter() - self.began)
        after: dict[str, Any] = {"epoch": self.epoch + 1, "step": 0, "carried": 0.0}
        after["standing"] = standing
        if is_best:
            after["best"] = best()
        vars(self).update(after)  # at once: an interrupt finds all of it or nothing
        return reason


@dataclass(frozen=True, eq=False)
class RowCode:
    """What the numbers of a row and its target mean.

    Parameters
    ----------
    center, scale : float64 array of shape (inputs,), optional
        An input x becomes (x − center) / scale; center None stands for zeros.
    target_center, target_scale : float64 array of shape (outputs,), optional
        The same for the target.
    repeats : int
        Outputs side by side that have one number of the target.
    classes : dict, optional
        From a class to its row of ``table``: a target is a class.
    table : array of shape (classes, outputs), optional
        The targets of the classes.
    labels : pair of float, optional
        The targets of a label that is not there, and of one that is: a target is 0 and 1.
    weights : float64 array, optional
        Of shape (classes,), or (2, outputs) for labels that are not there, and that are: what a
        row's weight is multiplied with, label by label.
    """

    center: Array | None = None
    scale: Array | None = None
    target_center: Array | None = None
    target_scale: Array | None = None
    repeats: int = 1
    classes: dict[Any, int] | None = None
    table: Array | None = None
    labels: tuple[float, float] | None = None
    weights: Array | None = None


@dataclass(frozen=True, eq=False)
class Stood:
    """Where a learner stands.

    Parameters
    ----------
    steps : int
        Those that it has done.
    objectives : float
        The sum of what they returned.
    standing : Standing
    reason : StopReason or None
        What would have ended a training at the last step.
    """

    steps: int
    objectives: float
    standing: Standing
    reason: StopReason | None

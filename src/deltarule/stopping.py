"""Why a training ends: the rule for early stopping, and the reasons as values.

`StopRules` is the rule of one training in numbers, `Standing` what it remembers from epoch to
epoch; their compiled meaning, of the same bits, is ``stopping.hpp``.

`StopReason` is an outcome, not an exception: ``result.stop_reason.value`` is a sentence that says
what happened and what to do if that was not wanted.

Patience counts as in scikit-learn: an epoch that does not improve on the best by ``min_delta``
adds one to the count, any other sets it to 0, and training ends when the count is above
`patience`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from enum import Enum
from typing import Any, ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import (
    Definition,
    in_range,
    non_negative,
    one_of,
    positive_integer,
    settle,
)
from deltarule.exceptions import InvalidParameterError

__all__ = [
    "ENDED",
    "FOR_EVER",
    "EarlyStopping",
    "Standing",
    "StopReason",
    "StopRules",
    "patience_number",
]


#: A count that no training reaches, and that the core can hold: what scikit-learn writes as
#: ``n_iter_no_change=inf``.
FOR_EVER = 1 << 62


@dataclass(frozen=True)
class EarlyStopping(Definition):
    """Hold rows back, judge the network on them after each epoch, and keep the best parameters.

    Parameters
    ----------
    validation_fraction : float, default=0.1
        Share of the training rows that is held back, in (0, 1); unused where validation rows are
        given.
    patience : int or None, default=10
        Training ends after more than this many epochs in a row without improvement; at least 1.
        None never ends it: all epochs are trained, and the best parameters are kept.
    min_delta : float, default=1e-4
        The least change of the score that counts as an improvement, at least 0.
    scorer : str or callable, default=None
        What judges: a name of scikit-learn's scorers or a function ``(estimator, X, y)``; more is
        better. The estimator has the weights of the epoch and may predict other rows too; X is a
        frame where one came, with the held-back rows as they were in it, and else an array or a
        sparse matrix.
        ``"loss"`` is minus the loss that is trained. None takes accuracy for classes, R² for
        numbers, and minus the loss for quantiles and for several problems at once. For
        estimators: `train` has ``Validation(X, D, score=…)``.
    ties : {"first", "last"}, default="first"
        Which of the epochs with the best score is kept. The last has seen more steps, and under a
        schedule smaller ones; a score that counts right answers ties often.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range; and by `record`, if the scorer is a function.

    Notes
    -----
    Prechelt (1998), https://doi.org/10.1007/3-540-49430-8_3.

    Examples
    --------
    >>> EarlyStopping(patience=20)
    EarlyStopping(validation_fraction=0.1, patience=20, min_delta=0.0001, scorer=None)
    >>> EarlyStopping(patience=None, ties="last").record()["patience"] is None
    True
    """

    name = "early_stopping"
    word: ClassVar[str] = "rule"

    validation_fraction: float = 0.1
    patience: int | None = 10
    min_delta: float = 1e-4
    scorer: str | Callable[..., Any] | None = None
    ties: str = field(default="first", kw_only=True)

    def __post_init__(self) -> None:
        settle(
            self,
            validation_fraction=in_range(
                self.validation_fraction, "validation_fraction", 0, 1, "()"
            ),
            min_delta=non_negative(self.min_delta, "min_delta"),
            ties=one_of(self.ties, "ties", ("first", "last")),
        )
        if self.patience is not None:
            settle(self, patience=positive_integer(self.patience, "patience"))
        if self.scorer is not None and not isinstance(self.scorer, str | Callable):
            raise InvalidParameterError(
                "scorer must be the name of a scorer, a function of (estimator, X, y) or None "
                f"(got {self.scorer!r}). Choose a name such as 'accuracy'."
            )


class StopReason(Enum):
    """Why a training ended; the value is a sentence with a remedy.

    Examples
    --------
    >>> StopReason.MAX_EPOCHS.value
    'The last epoch asked for was reached. Raise max_iter if the loss has not settled, or, where \
no schedule has come to its end, go on from here with warm_start.'
    """

    CONVERGED = (
        "The training loss no longer improved by tol. "
        "Lower tol or raise n_iter_no_change to train for longer."
    )
    NO_IMPROVEMENT = (
        "The validation score no longer improved by min_delta; the best parameters are kept. "
        "Raise patience to train for longer."
    )
    MAX_EPOCHS = (
        "The last epoch asked for was reached. Raise max_iter if the loss has not settled, or, "
        "where no schedule has come to its end, go on from here with warm_start."
    )
    NON_FINITE = (
        "The objective became infinite or NaN; the last finite parameters are kept. "
        "Lower learning_rate_init or standardize the inputs."
    )
    INTERRUPTED = (
        "The training was interrupted; the parameters reached so far are kept. "
        "Go on from here with warm_start."
    )
    TIME = (
        "The time allowed for the training was used up; the parameters reached so far are kept. "
        "Raise max_seconds, or go on from here with warm_start."
    )
    STEP_TOO_SMALL = (
        "The adaptive schedule made the step size as small as it may become. "
        "Raise learning_rate_init if the loss is still too high."
    )
    SOLVER = (
        "The lbfgs solver stopped before it converged. "
        "Raise max_iter or max_fun, or standardize the inputs."
    )
    OBSERVER = (
        "A callback asked for the end of the training. "
        "Remove it, or go on from here with warm_start, to train for longer."
    )


#: The reasons that stop rules give: what goes on after one begins a new count of epochs without
#: improvement.
ENDED = (StopReason.CONVERGED, StopReason.NO_IMPROVEMENT, StopReason.STEP_TOO_SMALL)


@dataclass
class Standing:
    """What the stop rules remember from epoch to epoch.

    Parameters
    ----------
    rate_factor : float
        What the adaptive schedule has made of the step size.
    best_loss, best_score : float
        The best training loss and validation score so far.
    stalled : int
        Epochs without improvement.
    """

    rate_factor: float = 1.0
    best_loss: float = np.inf
    best_score: float = -np.inf
    stalled: int = 0


@dataclass(frozen=True)
class StopRules:
    """When a training ends for lack of improvement.

    Parameters
    ----------
    rate : float
        The step size that ``rate_factor`` multiplies.
    least : float
        The least change that counts as an improvement.
    patience : int or None
        Epochs in a row without one that are borne; None bears any number.
    by_score : bool
        Judge the validation score, and end with `StopReason.NO_IMPROVEMENT`; else the training
        loss, and end with `StopReason.CONVERGED`.
    divisor, smallest : float
        A plateau divides the step size and the training goes on, as long as the step size is above
        the smallest; a divisor of 1 ends it at the first plateau.
    last_of_ties : bool
        A score that equals the best so far takes its place.

    Examples
    --------
    >>> rules, standing = StopRules(rate=0.1, least=0.5, patience=0), Standing()
    >>> rules.note(standing, 1.0, None), rules.note(standing, 0.9, None)
    ((True, False), (False, False))
    >>> rules.plateau(standing).name
    'CONVERGED'
    """

    rate: float
    least: float
    patience: int | None
    by_score: bool = False
    divisor: float = 1.0
    smallest: float = 0.0
    last_of_ties: bool = False

    def note(self, standing: Standing, loss: float, score: float | None) -> tuple[bool, bool]:
        """Count an epoch; whether it improved, and whether its score is the best so far."""
        improved, best = loss <= standing.best_loss - self.least, False
        if self.by_score:
            assert score is not None
            improved = score >= standing.best_score + self.least
            best = score > standing.best_score or (
                self.last_of_ties and score == standing.best_score
            )
            if best:
                standing.best_score = score
        standing.best_loss = min(loss, standing.best_loss)
        standing.stalled = 0 if improved else standing.stalled + 1
        return improved, best

    def plateau(self, standing: Standing) -> StopReason | None:
        """To be asked after an epoch without improvement: whether the training ends."""
        if self.patience is None or standing.stalled <= self.patience:
            return None
        if self.divisor == 1.0:
            return StopReason.NO_IMPROVEMENT if self.by_score else StopReason.CONVERGED
        if self.rate * standing.rate_factor <= self.smallest:
            return StopReason.STEP_TOO_SMALL
        standing.rate_factor /= self.divisor
        standing.stalled = 0
        return None


def patience_number(patience: int | None) -> int:
    """A patience as the core counts it: below 0 there is no end."""
    return -1 if patience is None else min(max(int(patience), 0), FOR_EVER)

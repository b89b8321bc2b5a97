"""Scores of predictions against targets, more is better: what judges rows after each epoch.

`Accuracy` and `R2` have a compiled meaning of the same bits (``scores.hpp``), so that the run loop
of the core judges without asking Python: sums run over the rows one after the other, in float64. A
prediction that is not finite makes a score NaN, which is no improvement on any other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, one_of

__all__ = ["R2", "Accuracy", "Score"]

DECISIONS = ("threshold", "largest", "votes")


class Score(ABC):
    """Base of the built-in scores.

    Attributes
    ----------
    name : str
        What the compiled core calls it.
    middle : float
        The middle of the class targets; 0 where there are no classes.
    """

    middle: float = 0.0

    @property
    @abstractmethod
    def name(self) -> str: ...

    def value(self, prediction: Array, target: Array, sample_weight: Array | None = None) -> float:
        """The score of all rows.

        Parameters
        ----------
        prediction, target : arrays of shape (rows, outputs)
        sample_weight : array of shape (rows,), optional

        Returns
        -------
        float
            NaN where a prediction is not finite.
        """
        if not np.isfinite(prediction).all():
            return float("nan")
        weight = np.ones(len(target)) if sample_weight is None else sample_weight.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return float(self._of(prediction, target, weight))

    @abstractmethod
    def _of(self, prediction: Array, target: Array, weight: Array) -> float: ...


@dataclass(frozen=True)
class Accuracy(Score):
    """The share of the rows that are right.

    Parameters
    ----------
    decision : {"threshold", "largest", "votes"}, default="largest"
        What makes a row right. ``"threshold"``: every output lies on its target's side of the
        middle, as for two classes in one column and for several labels. ``"largest"``: the first
        of the largest outputs belongs to the row's class. ``"votes"``: all of the largest outputs
        share the vote, as sign units do that say +1 together.
    middle : float, default=0.5
        Outputs and targets above it say yes.

    Examples
    --------
    >>> import numpy as np
    >>> target = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> Accuracy("largest").value(np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5]]), target)
    0.6666666666666666
    """

    decision: str = "largest"
    middle: float = 0.5

    def __post_init__(self) -> None:
        one_of(self.decision, "decision", DECISIONS)

    @property
    def name(self) -> str:
        return self.decision

    def _of(self, prediction: Array, target: Array, weight: Array) -> float:
        return _sum(weight * self._right(prediction, target)) / _sum(weight)

    def _right(self, prediction: Array, target: Array) -> Array:
        """How right every row is, 0 to 1."""
        wanted = target > self.middle
        right: Array
        if self.decision == "threshold":
            right = ((prediction > self.middle) == wanted).all(axis=1)
        elif self.decision == "largest":
            right = wanted[np.arange(len(wanted)), prediction.argmax(axis=1)]
        else:
            top = prediction == prediction.max(axis=1, keepdims=True)
            right = np.where((top & wanted).any(axis=1), 1.0 / top.sum(axis=1), 0.0)
        return right


@dataclass(frozen=True)
class R2(Score):
    """1 − (mean squared error) / (variance of the target), the mean over the columns.

    A column without variance counts as 1 where it is met exactly, else as 0.

    Examples
    --------
    >>> import numpy as np
    >>> R2().value(np.array([[1.0], [2.0], [2.0]]), np.array([[1.0], [2.0], [3.0]]))
    0.5
    """

    name: ClassVar[str] = "r2"

    def _of(self, prediction: Array, target: Array, weight: Array) -> float:
        target = target.astype(np.float64)
        weight, total = weight[:, np.newaxis], _sum(weight)
        mean = _sums(weight * target) / total
        spread = _sums(weight * (target - mean) ** 2) / total
        left = _sums(weight * (prediction - target) ** 2) / total
        explained = np.where(spread == 0, left == 0, 1 - left / np.where(spread == 0, 1, spread))
        return _sum(explained) / len(explained)


def _sums(terms: Array) -> Array:
    """Σ over the rows, one after the other: the order of the compiled core."""
    total: Array = np.cumsum(terms, axis=0, dtype=np.float64)[-1]
    return total


def _sum(terms: Array) -> float:
    return float(_sums(terms))

"""Classes as numbers for a network, and a network's numbers as classes.

=============  =====================================  =============================
kind           output columns                         decided by
=============  =====================================  =============================
binary         one; two behind a softmax              above the middle of the targets
multiclass     one per class                          the largest output
multilabel     one per label                          each above the middle
=============  =====================================  =============================

A single class is binary with that class only. The targets are 0 and 1, or −1 and +1 where the
loss or the output activation asks for them (`Loss.class_targets`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, as_plain_array
from deltarule.estimators.checks import is_sparse
from deltarule.exceptions import InvalidParameterError, InvalidShapeError


@dataclass(frozen=True, eq=False)
class ClassCode:
    """How classes stand in the columns of a target.

    Parameters
    ----------
    classes : array of shape (n_classes,)
        Sorted; for multilabel the label numbers 0 … n_labels − 1.
    multilabel : bool
    columns : int
        Width of the target.
    low, high : float
        Targets of a class that a row is not in, and of the one that it is in.
    """

    classes: Array
    multilabel: bool
    columns: int
    low: float
    high: float

    @property
    def middle(self) -> float:
        """Outputs above it say yes."""
        return 0.5 * (self.low + self.high)

    def encode(self, y: Any, dtype: Any) -> Array:
        """The target of every row, shape (rows, columns)."""
        hot = self.indicator(y)
        target = np.where(hot, self.high, self.low)
        return as_plain_array(target, dtype)

    def smoothed(self, target: Array, smoothing: float) -> Array:
        """(1 − ε) d + ε / K: a share of each row's target goes to all its K possible classes.

        K is 2 for one column and for every label of several.
        """
        classes = 2 if self.multilabel or self.columns == 1 else self.columns
        found: Array = target * (1 - smoothing) + smoothing / classes
        return found

    def indicator(self, y: Any) -> Array:
        """True where a row's class or label has the column."""
        if self.multilabel:
            dense = np.asarray(y.toarray() if is_sparse(y) else y)
            has: Array = dense != 0
            return has
        index = np.searchsorted(self.classes, y)[:, np.newaxis]
        hot: Array = index == (1 if self.columns == 1 else np.arange(self.columns))
        return hot

    def decode(self, outputs: Array) -> Array:
        """The class of every row, or its label indicators."""
        if self.multilabel:
            return (outputs > self.middle).astype(int)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(outputs))
        if self.columns == 1:
            index = (outputs[:, 0] > self.middle).astype(int)
        else:
            index = outputs.argmax(axis=1)
        return np.take(self.classes, index)

    def probabilities(self, outputs: Array, shares: bool) -> Array:
        """The probability of every class, shape (rows, n_classes).

        With ``shares``, outputs that judge each class by itself are made to sum to 1.
        """
        if self.multilabel:
            return outputs
        if len(self.classes) == 1:
            return np.ones((len(outputs), 1), dtype=outputs.dtype)
        if self.columns == 1:
            return np.hstack([1 - outputs, outputs])
        if not shares:
            return outputs
        total = outputs.sum(axis=1, keepdims=True)
        # Where all have underflowed, none is more probable than another.
        found: Array = np.where(
            total > 0, outputs / np.where(total > 0, total, 1), 1 / self.columns
        )
        return found

    def decision(self, outputs: Array) -> Array:
        """Signed distances from the decision: (rows,) for two classes, else (rows, columns)."""
        scores: Array = outputs - np.asarray(self.middle, dtype=outputs.dtype)
        if self.columns == 1 and not self.multilabel:
            return scores.ravel()
        if self.columns == 2 and not self.multilabel:
            return np.subtract(scores[:, 1], scores[:, 0])
        return scores


def are_known(classes: Array, known: Array) -> bool:
    """Whether all of some classes are among those that are known.

    By Python's sets: NumPy's take longer for a few classes than a network for its step.
    """
    return set(classes.tolist()).issubset(known.tolist())


def check_announced(classes: Any, count: int) -> None:
    """Refuse classes that are announced beside a matrix of so many labels and are none of it."""
    given = None if classes is None else np.unique(np.asarray(classes))
    if given is None or any(np.array_equal(given, np.arange(n)) for n in (2, count)):
        return
    raise InvalidParameterError(
        f"classes must be the label numbers 0 to {count - 1}, or 0 and 1, for a matrix of {count} "
        f"labels (got {classes!r}). Leave classes out: the columns of y say how many there are."
    )


def check_kind(code: ClassCode, y: Any, multilabel: bool) -> None:
    """Refuse a target of another kind, or of another number of labels, than the first one."""
    if multilabel == code.multilabel and (not multilabel or y.shape[1] == code.columns):
        return
    wanted = f"a matrix of {code.columns} labels" if code.multilabel else "one column of classes"
    got = f"a matrix of {y.shape[1]} labels" if multilabel else "one column of classes"
    raise InvalidShapeError(
        f"y must be {wanted}, as it was in the first call (got {got}). Fit a clone to a target of "
        "another kind."
    )


def labels_of(y: Any) -> tuple[Array, bool]:
    """The sorted classes of a target, and whether it is multilabel.

    Raises
    ------
    InvalidParameterError
        If the target has several columns of classes, which one network cannot have.
    ValueError
        If it holds no classes but continuous numbers.
    """
    if isinstance(y, np.ndarray) and not y.dtype.isnative:  # classes are the machine's own numbers
        y = y.astype(y.dtype.newbyteorder("="))
    if _are_plain_classes(y):  # where scikit-learn would take three looks at the same
        return np.unique(y), False
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        return np.arange(y.shape[1]), True
    if kind in ("binary", "multiclass"):
        plain = y.dtype != object  # mixed kinds of labels get scikit-learn's words
        return (np.unique(y) if plain else unique_labels(y)), False
    if kind.startswith("multiclass-multioutput"):
        raise InvalidParameterError(
            "Multioutput target data is not supported with label binarization: y must be one "
            f"column of classes or a matrix of 0 and 1 (got shape {np.shape(y)}). Use one "
            "estimator per column, as MultiOutputClassifier does."
        )
    check_classification_targets(y)
    return unique_labels(y), False


def _are_plain_classes(y: Any) -> bool:
    """Whether a checked target is one column of words or whole numbers."""
    if type(y) is not np.ndarray or y.ndim != 1:
        return False
    if y.dtype.kind != "f":
        return y.dtype.kind in "biuU"
    with np.errstate(invalid="ignore"):
        return bool((y.astype(np.int64) == y).all())

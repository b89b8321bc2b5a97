"""Weights of classes: what `class_weight` makes of the sample weights.

The meaning is that of `sklearn.utils.class_weight.compute_sample_weight`: a row's weight is
multiplied by that of its class; with several labels by one factor for each of them. Where rows
have weights, "balanced" balances these: a row of weight 2 is the same row twice.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError


def check(class_weight: Any, *, stream: str | None, name: str = "class_weight") -> None:
    """Refuse what can be seen to be wrong without a target; messages call it ``name``.

    ``stream`` is the method that learns from rows as they come; None for `fit`.

    Raises
    ------
    InvalidParameterError
        If a weight is negative, no number or not finite, or if classes are to be balanced in a
        stream.
    """
    if class_weight == "balanced":
        if stream is not None:
            raise InvalidParameterError(
                f"{name} 'balanced' is not supported for {stream}. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
                "In place of y you can use a large enough sample of the full training set target "
                "to properly estimate the class frequency distributions. Pass the resulting "
                f"weights as the class_weight parameter (got {name}='balanced'). Make it a "
                "dict: dict(zip(classes, weights))."
            )
        return
    many = isinstance(class_weight, list)
    for index, weights in enumerate(class_weight if many else [class_weight]):
        place = f"{name}[{index}]" if many else name
        if not isinstance(weights, dict):
            raise InvalidParameterError(
                f"{place} must be a dict from class to weight (got {weights!r}). Write "
                "{0: 1, 1: 5} for each label."
            )
        for label, value in weights.items():
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not number or not np.isfinite(float(value)) or value < 0:
                raise InvalidParameterError(
                    f"{place}[{label!r}] must be a finite number of at least 0 (got {value!r}). "
                    "Give the weight of a row of this class."
                )


def of_rows(
    class_weight: Any, code: ClassCode, y: Any, sample_weight: Array | None = None
) -> Array:
    """The factor of every row, float64 of shape (rows,).

    Raises
    ------
    InvalidParameterError
        If a class has no weight while the dict names one that is not there, or if dicts and
        target do not go together.
    """
    hot = code.indicator(y)
    if not code.multilabel:
        if isinstance(class_weight, list):
            raise InvalidParameterError(
                "class_weight must be a dict or 'balanced' for one column of classes (got a list "
                f"of {len(class_weight)}). Give its dict without the list."
            )
        index = hot.argmax(axis=1) if hot.shape[1] > 1 else hot[:, 0].astype(int)
        each: Array = of_classes(class_weight, code.classes, index, sample_weight)[index]
        return each
    if isinstance(class_weight, dict):
        raise InvalidParameterError(
            "For multi-output, class_weight should be a list of dicts, or the string 'balanced' "
            f"(got one dict for {code.columns} labels). Write [{{0: 1, 1: 5}}, …], a dict for "
            "each label."
        )
    if isinstance(class_weight, list) and len(class_weight) != code.columns:
        raise InvalidParameterError(
            "For multi-output, number of elements in class_weight should match number of outputs. "
            f"Got {len(class_weight)} element(s) while having {code.columns} outputs. Give one "
            "dict for each label."
        )
    found = np.ones(len(hot))
    for label, column in enumerate(hot.T):
        weights = class_weight if class_weight == "balanced" else class_weight[label]
        place = f"class_weight[{label}]"
        there = column.astype(int)
        found *= of_classes(weights, np.arange(2), there, sample_weight, place)[there]
    return found


def by_class(class_weight: Any, code: ClassCode) -> Array:
    """The factors of single rows: (classes,), or (2, labels) of labels that are not there, or are.

    A factor of a row is that of its class, or the product of those of its labels.
    """
    if not code.multilabel:
        return of_rows(class_weight, code, code.classes)
    of_rows(class_weight, code, np.zeros((1, code.columns)))  # refuses what does not fit
    labels = enumerate(class_weight)
    both = [of_classes(weights, np.arange(2), np.arange(2), None, f"{k}") for k, weights in labels]
    return np.array(both).T.copy()


def of_classes(
    weights: Any,
    classes: Array,
    index: Array,
    sample_weight: Array | None = None,
    name: str = "class_weight",
) -> Array:
    """The factor of every class, float64 of shape (classes,).

    Parameters
    ----------
    weights : dict or "balanced"
    classes : array of shape (classes,)
    index : int array of shape (rows,)
        Where the class of each row stands; only "balanced" asks.
    sample_weight : array of shape (rows,), optional
    name : str
        What messages call the weights.

    Raises
    ------
    InvalidParameterError
        If a class has no weight while the dict names one that is not there.
    """
    if isinstance(weights, str):  # balanced
        counts = np.bincount(index, sample_weight, minlength=len(classes))
        there = counts > 0
        each: Array = counts.sum() / (there.sum() * np.where(there, counts, 1))
        return each
    known = classes.tolist()
    without = [label for label in known if label not in weights]
    if without and len(known) - len(without) != len(weights):
        strange = [label for label in weights if label not in known]
        raise InvalidParameterError(
            f"The classes, {without}, are not in class_weight: {name} must name classes of y "
            f"(got {strange}, which y has not). Correct their names, or give every class a "
            "weight."
        )
    return np.array([float(weights.get(label, 1.0)) for label in known])

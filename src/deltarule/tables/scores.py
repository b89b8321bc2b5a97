"""How good predictions of a table are, and what the naive and the linear model reach on it.

A score means little alone. The naive model answers with the most frequent class or the mean; the
linear model is scikit-learn's LogisticRegression or Ridge on the inputs of the network,
standardized and with numbers that are not bent.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deltarule.definitions import Array
from deltarule.tables.targets import TargetPlan


def score(target: TargetPlan, actual: Array, predicted: Array) -> float:
    """Accuracy, or R² (for several targets their mean); more is better, 1 is perfect.

    R² of fewer than two rows is not defined: NaN.
    """
    if target.task == "classification":
        return float(accuracy_score(actual, predicted))
    if len(actual) < 2:
        return float("nan")
    return float(r2_score(actual, predicted.reshape(actual.shape)))


def all_scores(
    target: TargetPlan,
    actual: Array,
    predicted: Array,
    probabilities: Array | None = None,
    classes: Array | None = None,
) -> dict[str, Any]:
    """Every score of a prediction by name; for regression also one of each by target column."""
    if target.task == "classification":
        found: dict[str, Any] = {"accuracy": score(target, actual, predicted)}
        if probabilities is None or classes is None or len(classes) < 2:
            return found
        # A class that the model does not know has no probability to be judged by.
        if set(actual.tolist()) <= set(classes.tolist()):
            likely = np.clip(probabilities.astype(np.float64), 1e-15, 1)
            likely /= likely.sum(axis=1, keepdims=True)
            found["log_loss"] = float(log_loss(actual, likely, labels=classes))
        return found
    predicted = predicted.reshape(actual.shape)
    found = {"r2": score(target, actual, predicted)}
    found["mean_absolute_error"] = float(mean_absolute_error(actual, predicted))
    found["root_mean_squared_error"] = float(root_mean_squared_error(actual, predicted))
    if len(target.names) > 1:
        found["r2_by_target"] = {
            name: float(r2_score(actual[:, i], predicted[:, i])) if len(actual) > 1 else None
            for i, name in enumerate(target.names)
        }
    return found


def naive_prediction(target: TargetPlan, learned: Array, rows: int) -> Array:
    """What the naive model says for every row, given the targets it learned from."""
    if target.task == "classification":
        classes, counts = np.unique(learned, return_counts=True)
        return np.repeat(classes[counts.argmax()], rows)
    return np.tile(learned.mean(axis=0), (rows, 1))


def linear_prediction(target: TargetPlan, X: Array, y: Array, X_test: Array) -> Array:
    """What scikit-learn's linear model says for ``X_test``, in the target's own units."""
    if target.task == "regression":
        told = make_pipeline(StandardScaler(), Ridge()).fit(X, y).predict(X_test)
        return target.in_own_units(told)
    if len(np.unique(y)) == 1:
        return np.repeat(y[:1], len(X_test))
    with warnings.catch_warnings():
        # A linear model that is not quite converged is a fair measure all the same.
        warnings.simplefilter("ignore")
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, tol=1e-3))
        return np.asarray(model.fit(X, y).predict(X_test))


def confusion(actual: Array, predicted: Array) -> tuple[Array, Array]:
    """The classes that occur, and how often each actual one (row) was predicted as each."""
    classes = np.unique(np.concatenate([actual, predicted]))
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (np.searchsorted(classes, actual), np.searchsorted(classes, predicted)), 1)
    return classes, counts

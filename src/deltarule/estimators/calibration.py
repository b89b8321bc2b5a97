"""Probabilities that are as often right as they say: one temperature for all pre-activations.

After training, the outputs are softmax(z / T) or logistic(z / T) instead of those of z. T > 0 is
the one that minimises the log loss of rows that were not trained on; it changes no class, for it
keeps the order of the z. Source: Guo et al. (2017), https://arxiv.org/abs/1706.04599.

As z = W a + b is linear in the last layer's numbers, z / T comes from the same network with these
divided by T, on any engine.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Network

#: The least and the greatest temperature that are looked at.
COLDEST, HOTTEST = 1e-2, 1e2


def check_rows(*, judged: bool, stream: str | None, lbfgs: bool) -> None:
    """Refuse to calibrate where there are no rows for it; ``stream`` is what learns from a stream.

    Raises
    ------
    InvalidParameterError
        In a stream, and where nothing is held back or given to judge.
    """
    if stream is not None:
        raise InvalidParameterError(
            f"{stream} does not support calibrate=True: it sees no validation rows (got "
            "calibrate=True). Set calibrate=False, or call fit."
        )
    if not judged:
        raise InvalidParameterError(
            "calibrate=True needs validation rows, which are not trained on (got none). Give "
            "fit X_val and y_val"
            + (", for lbfgs holds no rows back." if lbfgs else ", or set early_stopping=True.")
        )


def cooled(network: Network, vector: Array, temperature: Any) -> Array:
    """The parameters with which the last layer's z becomes z / temperature, new.

    The temperature is one number, or an array with one for each output.
    """
    vector = vector.copy()
    for slot in network.slots(len(network.layers) - 1):
        slot.view(vector)[...] /= temperature
    return vector


def log_loss(code: ClassCode, z: Array, hot: Array, shares: bool) -> Array:
    """−log of the probability that is told of what is right, row by row.

    Parameters
    ----------
    z : float64 array of shape (rows, columns)
    hot : bool array of shape (rows, columns)
        `ClassCode.indicator` of the true classes.
    shares : bool
        Whether the outputs are logistic, and of several classes made to sum to 1.
    """
    if code.multilabel or code.columns == 1:
        each: Array = np.logaddexp(0, np.where(hot, -z, z)).sum(axis=1)
        return each
    logarithms = -np.logaddexp(0, -z) if shares else z
    total = np.logaddexp.reduce(logarithms, axis=1)
    told: Array = total - logarithms[hot]
    return told


def temperature(code: ClassCode, z: Array, hot: Array, weight: Array | None, shares: bool) -> float:
    """The temperature with the least weighted log loss.

    It is 1 where the loss only falls towards T = 0: all rows are right then, and none says how
    sure is too sure.
    """
    z = z.astype(np.float64)
    there = slice(None) if weight is None else weight > 0
    if _right(code, z, hot)[there].all():
        return 1.0

    from scipy.optimize import minimize_scalar  # here: it is large, and few ask for it

    def loss(logarithm: float) -> float:
        return float(
            np.average(log_loss(code, z * np.exp(-logarithm), hot, shares), weights=weight)
        )

    ends = np.log(COLDEST), np.log(HOTTEST)
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def _right(code: ClassCode, z: Array, hot: Array) -> Array:
    """Whether all that is told of a row has its largest share at what is right."""
    if not code.multilabel and len(code.classes) == 1:
        return np.ones(len(z), dtype=bool)
    if code.multilabel or code.columns == 1:
        right: Array = ((z > 0) == hot).all(axis=1)
        return right
    return np.take_along_axis(hot, z.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]

"""How much is believed of the networks, and how much of a straight line.

An ensemble stands beside a linear model of the same inputs. Both were asked about rows that they
had not learned from, and by these answers it is decided what is told:

* of classes, z = a · z_network + b · z_linear with a, b ≥ 0, the two that have the least log loss.
  One over a is a temperature (`deltarule.estimators.calibration`), so that probabilities are as
  often right as they say;
* of numbers, w · network + (1 − w) · linear with 0 ≤ w ≤ 1, by least squares, for every target.

The straight line takes part only where that makes no more rows wrong than chance would, by one
standard error, or where it is the better judge of probabilities; and where the networks say nothing
that it does not, it stands alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators import calibration
from deltarule.estimators.targets import ClassCode

#: The largest factor of a pre-activation.
STEEPEST = 10.0


def of_classes(
    code: ClassCode, networks: Array, linear: Array, hot: Array, weight: Array | None
) -> tuple[float, float]:
    """The factors a and b of the pre-activations z of networks and linear model.

    Parameters
    ----------
    code : ClassCode
    networks, linear : arrays of shape (rows, columns)
        z for rows that neither has learned from.
    hot : bool array of shape (rows, columns)
        What is right.
    weight : array of shape (rows,), optional
    """
    networks, linear = networks.astype(np.float64), linear.astype(np.float64)
    if not code.multilabel and len(code.classes) == 1:
        return 1.0, 0.0

    def z(factors: Any) -> Array:
        told: Array = factors[0] * networks + factors[1] * linear
        return told

    def loss(factors: Any) -> float:
        told = calibration.log_loss(code, z(factors), hot, False)
        return float(np.average(told, weights=weight))

    # Where all rows are right the loss only falls towards certainty: no temperature is found then.
    temperature = calibration.temperature(code, networks, hot, weight, False)
    alone = (min(1.0 / temperature, STEEPEST), 0.0)
    candidates = [alone]
    for other in (_least(loss, (alone[0], 0.1)), (0.0, 1.0)):
        gained = _right(code, z(other), hot) - _right(code, z(alone), hot)
        as_right = np.average(gained, weights=weight) >= -_noise(gained)
        if as_right or loss(alone) > loss((0.0, 1.0)):
            candidates.append(other)
    return min(candidates, key=loss)


def _noise(gained: Array) -> float:
    """The standard error of a mean."""
    return float(np.sqrt(np.mean(gained**2) / len(gained)))


def _least(loss: Any, start: tuple[float, float]) -> tuple[float, float]:
    """The two factors of least loss; the loss is convex in them."""
    from scipy.optimize import minimize  # here: it is large, and `import deltarule` is quick

    found = minimize(loss, start, method="L-BFGS-B", bounds=[(0.0, STEEPEST)] * 2)
    return float(found.x[0]), float(found.x[1])


def _right(code: ClassCode, z: Array, hot: Array) -> Array:
    """1 for the rows that z has right; of several labels the share that is."""
    if code.multilabel or code.columns == 1:
        each: Array = ((z > 0) == hot).mean(axis=1)
        return each
    found: Array = np.take_along_axis(hot, z.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    return found.astype(np.float64)


def of_numbers(networks: Array, linear: Array, target: Array, weight: Array | None) -> Array:
    """The share w of the networks in each target, shape (targets,).

    Parameters
    ----------
    networks, linear, target : arrays of shape (rows, targets)
        Predictions for rows that neither has learned from, and what is right.
    weight : array of shape (rows,), optional
    """
    networks, linear = networks.astype(np.float64), linear.astype(np.float64)
    each = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=np.float64)
    apart = networks - linear
    along = each @ (apart * (target - linear))
    length = each @ apart**2
    # Where both say the same there is nothing to choose.
    share: Array = np.where(length > 0, along / np.where(length > 0, length, 1.0), 1.0)
    return np.clip(share, 0.0, 1.0)


def offsets(predicted: Array, target: Array, levels: Array, weight: Array | None) -> Array:
    """What to add to each quantile so that its share of the targets lies below it.

    Parameters
    ----------
    predicted, target : arrays of shape (rows, columns)
        Quantiles for rows that were not learned from, and the targets of these.
    levels : array of shape (columns,)
        The share that each column stands for.
    weight : array of shape (rows,), optional
    """
    apart = target.astype(np.float64) - predicted
    if weight is None:
        return np.array(
            [np.quantile(column, level) for column, level in zip(apart.T, levels, strict=True)]
        )
    return np.array(
        [
            np.quantile(column, level, weights=weight, method="inverted_cdf")
            for column, level in zip(apart.T, levels, strict=True)
        ]
    )

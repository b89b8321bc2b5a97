"""How much is believed of the networks, and how much of a straight line.

An ensemble stands beside a linear model of the same inputs. Both were asked about rows that they
had not learned from, and by these answers it is decided what is told:

* of classes, z = a · z_network + b · z_linear with a, b ≥ 0, the two that have the least log loss.
  One over a is a temperature, so that probabilities are as often right as they say. A row of n is
  taken to have another class by a chance of 1 / (n + 2), as Platt (1999) does;
* of numbers, w · network + (1 − w) · linear with 0 ≤ w ≤ 1, for every target the w that has the
  least loss.

The straight line takes part where that makes no more rows wrong than chance would, by one standard
error, or where it is the better judge of probabilities. It stands alone, by two standard errors of
the rows that it makes wrong, where all that networks add to it is less than two standard errors of
what they add; with a temperature of its own where that is better by as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators import calibration
from deltarule.estimators.targets import ClassCode
from deltarule.losses import Loss

#: The largest factor of a pre-activation.
STEEPEST = 10.0
#: Standard errors by which networks have to be better than a straight line: the rows that say so
#: have also chosen their epochs.
SURE = 2.0
#: How often the stretch in which a share lies is halved.
HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Held:
    """What was said of rows that had not been learned from.

    Parameters
    ----------
    networks : array of shape (rows, outputs)
    linear : array of shape (rows, outputs)
        What the straight line says.
    target : array of shape (rows, outputs)
        What is right.
    weight : array of shape (rows,) or None
    """

    networks: Array
    linear: Array
    target: Array
    weight: Array | None


def joined(parts: Sequence[Held]) -> Held:
    """The rows of several folds, one after another."""

    def of_all(name: str) -> Any:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else np.concatenate(found)

    return Held(**{name: of_all(name) for name in Held.__dataclass_fields__})


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

    # As if each row had, by a small chance, another class than it has: so no few rows make certain.
    doubt = 1.0 / (len(hot) + 2.0)

    def z(factors: Any) -> Array:
        told: Array = factors[0] * networks + factors[1] * linear
        return told

    def losses(factors: Any) -> Array:
        told = z(factors)
        right = calibration.log_loss(code, told, hot, False)
        return (1 - doubt) * right + doubt * _loss_of_others(code, told, hot)

    def loss(factors: Any) -> float:
        return float(np.average(losses(factors), weights=weight))

    def surely_better(told: Any, than: Any) -> bool:
        mean, noise = _mean_and_noise(losses(than) - losses(told), weight)
        return mean >= SURE * noise

    straight = (0.0, _least(lambda own: loss((0.0, own[0])), (1.0,))[0])
    if not surely_better(straight, (0.0, 1.0)):
        straight = (0.0, 1.0)  # few rows say little of a temperature
    alone = (_least(lambda own: loss((own[0], 0.0)), (1.0,))[0], 0.0)
    candidates = [alone]
    for other in (_least(loss, (alone[0], 0.1)), straight):
        gained = _right(code, z(other), hot) - _right(code, z(alone), hot)
        mean, noise = _mean_and_noise(gained, weight)
        sure = SURE if other == straight else 1.0
        if mean >= -sure * noise or loss(alone) > loss(straight):
            candidates.append(other)
    best = min(candidates, key=loss)
    if straight in candidates and not surely_better(best, straight):
        return straight
    return best


def _loss_of_others(code: ClassCode, z: Array, hot: Array) -> Array:
    """The log loss of a row if it had any class, or each label the other way round."""
    if code.multilabel or code.columns == 1:
        return calibration.log_loss(code, z, ~hot, False)
    found: Array = np.logaddexp.reduce(z, axis=1) - z.mean(axis=1)
    return found


def surely_positive(gained: Array, weight: Array | None) -> bool:
    """Whether the mean of what was gained in every row is more than chance."""
    mean, noise = _mean_and_noise(gained, weight)
    return mean > SURE * noise


def _mean_and_noise(gained: Array, weight: Array | None) -> tuple[float, float]:
    """A weighted mean, and its standard error: that of the rows that count."""
    each = np.ones(len(gained)) if weight is None else weight.astype(np.float64)
    mean = float(np.average(gained, weights=each))
    return mean, float(np.sqrt(np.sum((each * (gained - mean)) ** 2)) / each.sum())


def _least(loss: Any, start: tuple[float, ...]) -> tuple[Any, ...]:
    """The factors of least loss; the loss is convex in them."""
    from scipy.optimize import minimize  # here: it is large, and `import deltarule` is quick

    bounds = [(0.0, STEEPEST)] * len(start)
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return tuple(map(float, found.x))


def _right(code: ClassCode, z: Array, hot: Array) -> Array:
    """1 for the rows that z has right; of several labels the share that is."""
    if code.multilabel or code.columns == 1:
        each: Array = ((z > 0) == hot).mean(axis=1)
        return each
    found: Array = np.take_along_axis(hot, z.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    return found.astype(np.float64)


def of_numbers(loss: Loss, held: Held) -> Array:
    """The share w of the networks in each target, shape (outputs,).

    Parameters
    ----------
    loss : Loss
        What is made small; convex in the prediction, so in w.
    held : Held
    """
    networks, linear = held.networks.astype(np.float64), held.linear.astype(np.float64)
    target, apart = held.target.astype(np.float64), networks - linear
    each = np.ones(len(target)) if held.weight is None else held.weight.astype(np.float64)

    def slope(share: Array) -> Array:
        """Of the loss in w."""
        found: Array = each @ (loss.derivative(linear + share * apart, target) * apart)
        return found

    low, high = np.zeros(target.shape[1]), np.ones(target.shape[1])
    # At an end where the loss falls towards it; where both say the same there is nothing to choose.
    low[slope(high) <= 0] = 1.0
    high[slope(low) > 0] = 0.0
    high = np.maximum(low, high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        falls = slope(middle) <= 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    share: Array = high
    gained = loss.value(linear, target) - loss.value(linear + share * apart, target)
    for column in range(target.shape[1]):
        mean, noise = _mean_and_noise(gained[:, column], held.weight)
        if mean < SURE * noise:
            share[column] = 0.0
    return share


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
            [
                # n rows leave n + 1 places for a new one, which lies below by the chance `level`.
                np.quantile(column, level, method="weibull")
                for column, level in zip(apart.T, levels, strict=True)
            ]
        )
    return np.array(
        [
            np.quantile(column, level, weights=weight, method="inverted_cdf")
            for column, level in zip(apart.T, levels, strict=True)
        ]
    )

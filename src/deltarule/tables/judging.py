"""What decides which epoch of a network is kept: the log loss it would have at its own temperature.

Late epochs of a classifier put the classes in the better order and are too sure of it. The plain
log loss punishes the sureness, which one number mends afterwards, and stops too early; accuracy
takes no notice of how near a row was. So each epoch is judged by the log loss that is left when the
one temperature that suits it best has been taken: refine first, then calibrate (Berta, Holzmüller,
Jordan and Bach 2025, https://arxiv.org/abs/2501.19195). Numbers are judged by their loss.
"""

from __future__ import annotations

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.targets import ClassCode

#: Newton's steps towards the temperature; the loss is convex in its inverse and nearly parabolic.
STEPS = 6
#: The smallest share that a logarithm is taken of: float32 rounds smaller ones to 0.
LEAST = 1e-12
#: The least and the greatest inverse of a temperature.
BOUNDS = (0.05, 20.0)


class RefinedLoss:
    """The score of an epoch: minus the log loss at the best temperature; more is better.

    Parameters
    ----------
    code : ClassCode
    hot : bool array of shape (rows, columns)
        What is right in the held rows.
    weight : array of shape (rows,), optional

    Examples
    --------
    Twice as sure of the same order is as good:

    >>> code = ClassCode(np.array(["no", "yes"]), False, 1, 0.0, 1.0)
    >>> judge = RefinedLoss(code, np.array([[True], [True], [False]]), None)
    >>> z = np.array([[1.0], [-0.5], [-1.0]])
    >>> shares = [1 / (1 + np.exp(-factor * z)) for factor in (1.0, 2.0)]
    >>> bool(abs(judge(shares[0]) - judge(shares[1])) < 1e-6)
    True
    """

    def __init__(self, code: ClassCode, hot: Array, weight: Array | None) -> None:
        self._signed = code.multilabel or code.columns == 1
        self._hot, self._weight = hot, weight
        self._inverse = 1.0

    def __call__(self, prediction: Array) -> float:
        """The score of the network's shares, shape (rows, columns); NaN where one is not finite."""
        if not np.isfinite(prediction).all():
            return float("nan")
        shares = np.clip(prediction.astype(np.float64), LEAST, 1.0)
        if self._signed:
            z = np.log(shares) - np.log(np.maximum(1.0 - shares, LEAST))
            losses = _of_signed(np.where(self._hot, z, -z))
        else:
            z = np.log(shares)
            losses = _of_choices(z - z[self._hot][:, np.newaxis])
        inverse = self._inverse  # of the epoch before: the next one is near
        for _ in range(STEPS):
            _, slope, bend = losses(inverse, self._weight)
            step = slope / bend if bend > 0 else 0.0
            inverse = min(max(inverse - step, inverse / 3, BOUNDS[0]), inverse * 3, BOUNDS[1])
            if abs(step) < 1e-4 * inverse:
                break
        self._inverse = inverse
        return -float(losses(inverse, self._weight)[0])


def _of_signed(margin: Array):  # type: ignore[no-untyped-def]
    """log(1 + e^(−a m)) of all labels, with its first two derivatives in a."""

    def losses(a: float, weight: Array | None) -> tuple[float, float, float]:
        away = 1.0 / (1.0 + np.exp(np.clip(a * margin, -500, 500)))
        parts = (
            np.logaddexp(0.0, -a * margin),
            -away * margin,
            away * (1.0 - away) * margin**2,
        )
        return tuple(float(np.average(part.sum(axis=1), weights=weight)) for part in parts)  # type: ignore[return-value]

    return losses


def _of_choices(z: Array):  # type: ignore[no-untyped-def]
    """log Σ e^(a z) with z = 0 at what is right, with its first two derivatives in a."""

    def losses(a: float, weight: Array | None) -> tuple[float, float, float]:
        scaled = a * z
        top = scaled.max(axis=1, keepdims=True)
        shares = np.exp(scaled - top)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        mean = (shares * z).sum(axis=1)
        parts = (
            np.log(total[:, 0]) + top[:, 0],
            mean,
            (shares * z**2).sum(axis=1) - mean**2,
        )
        return tuple(float(np.average(part, weights=weight)) for part in parts)  # type: ignore[return-value]

    return losses

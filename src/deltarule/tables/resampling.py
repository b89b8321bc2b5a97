"""How far a score on some rows is to be believed: its spread when the rows are drawn anew.

The bootstrap (Efron 1979, https://doi.org/10.1214/aos/1176344552): from n rows n are drawn with
replacement, `DRAWS` times, and each draw is scored; the standard deviation of these scores is what
the score would differ by, had other rows been held out. It says nothing of how a training on other
rows would have ended.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deltarule.definitions import Array
from deltarule.tables.targets import TargetPlan

DRAWS = 200


def spread(
    target: TargetPlan, actual: Array, predictions: Mapping[str, Array], seed: int
) -> dict[str, float]:
    """The standard deviation of each prediction's score over draws of the rows.

    All predictions are judged on the same draws.

    Parameters
    ----------
    target : TargetPlan
    actual : array of shape (rows,), or (rows, targets)
    predictions : mapping of str to array
        Of the shape of `actual`, by the name of who made them.
    seed : int

    Returns
    -------
    dict of str to float
        0 where all draws score the same, NaN where a score is not defined.

    Examples
    --------
    >>> target = TargetPlan(("kind",), "classification")
    >>> actual = np.array(["a", "b"] * 50)
    >>> told = spread(target, actual, {"right": actual, "half": np.array(["a"] * 100)}, 0)
    >>> told["right"], round(told["half"], 2)
    (0.0, 0.05)
    """
    generator = np.random.default_rng(seed)
    rows = len(actual)
    judge = _shares_right if target.task == "classification" else _r2
    parts = {who: judge(actual, said) for who, said in predictions.items()}
    drawn: dict[str, list[float]] = {who: [] for who in predictions}
    for _ in range(DRAWS):
        counts = np.bincount(generator.integers(rows, size=rows), minlength=rows)
        for who, score in parts.items():
            drawn[who].append(score(counts))
    return {who: _deviation(np.array(scores)) for who, scores in drawn.items()}


def _deviation(scores: Array) -> float:
    known = scores[np.isfinite(scores)]
    return float(known.std(ddof=1)) if len(known) > 1 else float("nan")


def _shares_right(actual: Array, said: Array):  # type: ignore[no-untyped-def]
    right = (actual == said).astype(np.float64)
    return lambda counts: float(counts @ right / len(right))


def _r2(actual: Array, said: Array):  # type: ignore[no-untyped-def]
    """R² of a draw, the mean over targets."""
    centred = actual - actual.mean(axis=0)
    square, missed = centred**2, (actual - said.reshape(actual.shape)) ** 2

    def score(counts: Array) -> float:
        total = counts @ square - (counts @ centred) ** 2 / len(actual)
        left = counts @ missed
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.mean(1 - left / total))

    return score

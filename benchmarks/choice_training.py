"""One training of a study of docs/how-to-choose.md: its rows, the fit, what is measured of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

HELD_BACK = 0.25

Rows = tuple[Any, Any, Any, Any]


def train(task: tuple[str, str, dict[str, Any], int]) -> Any:
    """One training: what the measure says of it, or None where it ran away."""
    import deltarule as dr

    name, measured, settings, repetition = task
    X, X_held, y, y_held = rows(name, repetition)
    kind = dr.MLPRegressor if regression(name) else dr.MLPClassifier
    model = kind(**{"random_state": repetition, "n_threads": 1} | settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y)
        except dr.exceptions.NonFiniteError:
            return None
        return MEASURES[measured](model, X_held, y_held)


def error(model: Any, X: Any, y: Any) -> float:
    """Wrong rows, or the share of the variance that is not explained, in %; 100 at most."""
    return float(min(100.0, 100.0 * (1.0 - model.score(X, y))))


def log_loss(model: Any, X: Any, y: Any) -> float:
    """Mean of −log of the probability given to the right class."""
    from sklearn.metrics import log_loss

    return float(log_loss(y, model.predict_proba(X), labels=model.classes_))


def objectives(model: Any, X: Any, y: Any) -> list[float]:
    """Where each start ended."""
    return [float(value) for value in model.restarts_]


MEASURES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "error": error,
    "log_loss": log_loss,
    "objectives": objectives,
}


def regression(name: str) -> bool:
    """Whether the targets are numbers."""
    return name.split(",")[0] in ("diabetes", "friedman1")


@cache
def table(name: str) -> tuple[Any, Any]:
    """All rows of a data set."""
    from sklearn import datasets

    if name == "moons":
        return datasets.make_moons(400, noise=0.25, random_state=0)  # type: ignore[no-any-return]
    if name == "friedman1":
        return datasets.make_friedman1(600, noise=1.0, random_state=0)  # type: ignore[no-any-return]
    return getattr(datasets, f"load_{name.replace(' ', '_')}")(return_X_y=True)  # type: ignore[no-any-return]


def rows(name: str, repetition: int) -> Rows:
    """A quarter held back; ``"digits-200"`` trains on 200 rows of the rest.

    ``"diabetes, 10 % gross errors"``: so many training targets are put ten standard deviations too
    high.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    kind, _, remark = name.partition(", ")
    kind, _, many = kind.partition("-")
    X, y = table(kind)
    classes = None if regression(name) else y
    X, X_held, y, y_held = train_test_split(
        X, y, test_size=HELD_BACK, random_state=repetition, stratify=classes
    )
    if many:
        X, _, y, _ = train_test_split(X, y, train_size=int(many), random_state=0, stratify=y)
    if remark:
        share = float(remark.removesuffix(" % gross errors")) / 100
        wrong = np.random.default_rng(repetition).permutation(len(y))[: round(share * len(y))]
        y = y.astype(float)
        y[wrong] += 10 * y.std()
    return X, X_held, y, y_held

"""The workloads: one call of each side on the same rows, dtype, batch, epochs and penalty.

A workload is timed as a person meets it: the whole `fit` call of an estimator, or one `predict`.
Where a step count is known, the time per step is the call divided by its steps, so a fixed cost
of the call counts against whoever has it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris

import deltarule


@dataclass(frozen=True)
class Outcome:
    """One timed call: seconds, the training loss at its end, and the steps it did."""

    seconds: float
    loss: float | None
    steps: int


@dataclass(frozen=True)
class Workload:
    """One row of the benchmark."""

    id: str
    title: str
    quick: bool
    call: Callable[[str], Outcome]
    wanted: float | None = None


SIDES = ("deltarule", "scikit-learn")


def _class(side: str, name: str) -> Any:
    return getattr(deltarule if side == "deltarule" else sklearn.neural_network, name)


def _scaled(loader: Callable[..., Any], dtype: str, rows: int | None = None) -> tuple[Any, Any]:
    X, y = loader(return_X_y=True)
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    if rows is not None:
        drawn = np.random.default_rng(0).integers(0, len(X), rows)
        X, y = X[drawn], y[drawn]
    return np.ascontiguousarray(X, dtype=dtype), y


def _fit(side: str, name: str, X: Any, y: Any, **settings: Any) -> Outcome:
    estimator = _class(side, name)(random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        began = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - began
    batch = settings.get("batch_size", min(200, len(X)))
    return Outcome(seconds, float(estimator.loss_), estimator.n_iter_ * -(-len(X) // batch))


def _fixed_epochs(epochs: int) -> dict[str, Any]:
    return {"max_iter": epochs, "n_iter_no_change": epochs + 1, "alpha": 0.0}


def _per_sample(
    loader: Callable[..., Any], hidden: int, rows: int, dtype: str
) -> Callable[[str], Outcome]:
    def call(side: str) -> Outcome:
        X, y = _scaled(loader, dtype, rows)
        return _fit(
            side, "MLPClassifier", X, y, hidden_layer_sizes=(hidden,), activation="logistic",
            solver="sgd", momentum=0.0, nesterovs_momentum=False, batch_size=1,
            learning_rate_init=0.01, **_fixed_epochs(1),
        )  # fmt: skip

    return call


def _mini_batch(dtype: str, epochs: int) -> Callable[[str], Outcome]:
    def call(side: str) -> Outcome:
        X, y = _scaled(load_digits, dtype, 20000)
        return _fit(
            side, "MLPClassifier", X, y, hidden_layer_sizes=(100,), activation="relu",
            solver="adam", batch_size=200, **_fixed_epochs(epochs),
        )  # fmt: skip

    return call


def _defaults(name: str, loader: Callable[..., Any], epochs: int) -> Callable[[str], Outcome]:
    def call(side: str) -> Outcome:
        X, y = _scaled(loader, "float64")
        return _fit(side, name, X, y, max_iter=epochs, n_iter_no_change=epochs + 1)

    return call


def _lbfgs(side: str) -> Outcome:
    X, y = _scaled(load_digits, "float64")
    return _fit(side, "MLPClassifier", X, y, solver="lbfgs", max_iter=30, tol=0.0, alpha=0.0)


def _predict(side: str) -> Outcome:
    X, y = _scaled(load_iris, "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = _class(side, "MLPClassifier")(hidden_layer_sizes=(16,), max_iter=5).fit(X, y)
    row = X[:1]
    calls = 300
    began = time.perf_counter()
    for _ in range(calls):
        estimator.predict(row)
    return Outcome(time.perf_counter() - began, None, calls)


#: `wanted` is the least ratio that a change must keep.
WORKLOADS = (
    Workload("S1", "per sample, 4-16-3 logistic, SGD, float32", True,
             _per_sample(load_iris, 16, 20000, "float32"), 100.0),
    Workload("S2", "per sample, 64-100-10 logistic, SGD, float32", True,
             _per_sample(load_digits, 100, 20000, "float32"), 100.0),
    Workload("S3", "batch 200, 64-100-10 relu, Adam, float32", True,
             _mini_batch("float32", 10), 3.0),
    Workload("S4", "per sample, 64-100-10 logistic, SGD, float64", False,
             _per_sample(load_digits, 100, 20000, "float64")),
    Workload("S5", "batch 200, 64-100-10 relu, Adam, float64", False,
             _mini_batch("float64", 10)),
    Workload("S6", "all defaults, iris, 100 epochs", True,
             _defaults("MLPClassifier", load_iris, 100)),
    Workload("S7", "all defaults, digits, 50 epochs", False,
             _defaults("MLPClassifier", load_digits, 50)),
    Workload("S8", "all defaults, breast cancer, 100 epochs", False,
             _defaults("MLPClassifier", load_breast_cancer, 100)),
    Workload("S9", "all defaults, diabetes regression, 100 epochs", False,
             _defaults("MLPRegressor", load_diabetes, 100)),
    Workload("S10", "lbfgs, digits, 30 iterations", False, _lbfgs),
    Workload("S11", "predict one row, 4-16-3", True, _predict),
)  # fmt: skip

"""Estimators with parameters drawn over all that the constructors take, for the estimator checks.

`TABLE` is the one place where a parameter is added: its name, and the values that are drawn, the
default left out. A set is a function of its number alone. What the estimators refuse by design is
drawn again, and `sampled` says how often.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

import deltarule as dr
from deltarule.activations import Function, LeakyReLU
from deltarule.exceptions import EngineError, InvalidParameterError, InvalidShapeError

#: A setting that makes no sense, a plan that the named engine cannot do, targets that the loss
#: cannot have.
REFUSALS = (InvalidParameterError, EngineError, InvalidShapeError)
#: How likely a parameter leaves its default.
SHARE = 0.35


def _cube(z: Any) -> Any:
    return z**3 / (1 + z * z)


def _slope_of_cube(z: Any) -> Any:
    return (3 * z**2 + z**4) / (1 + z * z) ** 2


def _fading(step: int) -> float:
    return 1.0 / (1.0 + 0.1 * step)


HIDDEN = ["identity", "logistic", "tanh", "leaky_relu", "softplus", "selu", "gelu", "silu", "mish"]
CLASSES = ["squared_error", "perceptron", "absolute_error", "huber", "quantile", "poisson"]
# Targets of the checks are any numbers: not what poisson, log_loss and perceptron are for.
NUMBERS = [
    *("absolute_error", "huber", "quantile", dr.losses.Huber(0.5), dr.losses.Quantile(0.9)),
    dr.losses.Quantile((0.1, 0.5, 0.9)),
]
#: Of classifiers alone. calibrate=True is left out: the checks call partial_fit, which refuses it.
OF_CLASSES: dict[str, list[Any]] = {"label_smoothing": [0.1, 0.9]}

TABLE: dict[str, list[Any]] = {
    "hidden_layer_sizes": [(), (3,), 4, (5, 3), [4, 3, 3], dr.Hidden(2, 4, 0.5)],
    "activation": [
        *HIDDEN,
        LeakyReLU(0.2),
        "sign",
        ["tanh", "relu"],
        Function(_cube, _slope_of_cube),
    ],
    "solver": [
        *("sgd", "momentum", "nesterov", "adamw", "rmsprop", "lbfgs"),
        *(dr.SGD(), dr.Nesterov(0.8), dr.AdamW(weight_decay=0.1), dr.RMSprop()),
        *(dr.Adam(clip_norm=0.5), dr.Momentum(average=0.9)),
        dr.LBFGS(memory=3),
    ],
    "alpha": [0.0, 0.01, dr.L1(0.001), dr.L2(0.1), dr.L1L2(0.001, 0.01)],
    "batch_size": [1, 2, 7, 50],
    "learning_rate": [
        *("invscaling", "adaptive", "step", "cosine", "cyclic_cosine", "one_cycle", _fading),
        *(dr.Cosine(warmup=0.2), dr.InvScaling(0.6), dr.Adaptive(3.0)),
    ],
    "learning_rate_init": [1e-4, 1e-3, 3e-3],
    "power_t": [0.3],
    "shuffle": [False],
    "tol": [0.0, 1e-2],
    "warm_start": [True],
    "momentum": [0.0, 0.5],
    "nesterovs_momentum": [False],
    "early_stopping": [True, dr.EarlyStopping(0.25, patience=3)],
    "validation_fraction": [0.3],
    "beta_1": [0.5],
    "beta_2": [0.9],
    "epsilon": [1e-4],
    "n_iter_no_change": [1, np.inf],
    "max_fun": [20],
    "output_activation": ["identity", "logistic", "tanh", "softmax", "softplus", "exp", "sign"],
    "sampling": ["shuffle", "sequential", "replacement"],
    "fit_intercept": [False],
    "standardize": ["inputs", "both"],
    "n_init": [2, 5],
    "initializer": ["glorot_normal", "he_uniform", "lecun_normal", "uniform", "normal"],
    "dropout": [0.1, 0.5],
    "normalization": ["batch", "layer"],
    "max_seconds": [60.0],
    # loss and engine: below, for they depend on the kind and on what is there
    "n_threads": [1, 2],
}
#: Few epochs: the checks ask for manners, not for quality (see `poor_score` below).
MAX_ITER = 3


class SampledClassifier(dr.MLPClassifier):  # type: ignore[misc]
    """Ours, for checks that do not ask how well drawn parameters do."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SampledRegressor(dr.MLPRegressor):  # type: ignore[misc]
    """Ours, for checks that do not ask how well drawn parameters do."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


def sampled(number: int, engines: tuple[str, ...]) -> tuple[Any, int]:
    """The estimator of a number, even ones for classes, and how many draws were refused.

    ``engines`` are those that may be asked for by name.
    """
    rng = np.random.default_rng(number)
    kind = SampledRegressor if number % 2 else SampledClassifier
    own = {"loss": NUMBERS} if number % 2 else {"loss": CLASSES, **OF_CLASSES}
    table = {**TABLE, **own, "engine": list(engines)}
    for refused in range(1000):
        chosen = {
            name: values[rng.integers(len(values))]
            for name, values in table.items()
            if rng.random() < SHARE
        }
        model = kind(max_iter=MAX_ITER, **chosen)
        if _is_accepted(clone(model)):
            return model, refused
    raise AssertionError(f"a thousand draws for set {number} were refused")


def _is_accepted(model: Any) -> bool:
    """Whether the estimators take such a set, on targets as the checks have them."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    targets = {
        SampledClassifier: [np.arange(40) % 2, np.arange(40) % 3, (X[:, :2] > 0).astype(int)],
        SampledRegressor: [X[:, 0] * 3, X[:, :2]],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for y in targets[type(model)]:
                model.set_params(warm_start=False).fit(X, y)
        except REFUSALS:
            return False
    return True

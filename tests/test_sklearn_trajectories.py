"""Step for step with scikit-learn's multilayer perceptron, where both descend the same objective.

Both start from the same weights and take the rows in the same order, so every weight must be the
same but for rounding. What has to be converted stands in `_ours`: here the penalty is divided by
the n rows of the training set, there by the B rows of a step, so our alpha is its alpha · n / B.
Sample weights are left out, but for full batches, where both give them the same meaning.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import sklearn.neural_network

import deltarule as dr
from deltarule.engines import compiled_available

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, BATCH, STEPS, ALPHA = 24, 8, 20, 0.3
RNG = np.random.default_rng(7)
X = RNG.normal(size=(ROWS, 3))
WEIGHT = np.geomspace(0.2, 5, ROWS)


class Problem(NamedTuple):
    kind: str
    y: Any
    settings: dict[str, Any]
    outputs: int = 1  # over which scikit-learn takes the mean of the loss; here it is the sum


PROBLEMS = {
    "binary": Problem("MLPClassifier", np.arange(ROWS) % 2, {}),
    "multiclass": Problem("MLPClassifier", np.arange(ROWS) % 4, {}),
    "multilabel": Problem("MLPClassifier", RNG.integers(0, 2, (ROWS, 3)), {}),
    "one output": Problem("MLPRegressor", RNG.normal(size=ROWS), {}),
    "several outputs": Problem("MLPRegressor", RNG.normal(size=(ROWS, 4)), {}, 4),
    "poisson": Problem("MLPRegressor", RNG.poisson(2.0, (ROWS, 2)), {"loss": "poisson"}),
}
SOLVERS: dict[str, dict[str, Any]] = {
    "plain": {"solver": "sgd", "momentum": 0.0},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd"},
    "adam": {"solver": "adam"},
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "invscaling": {"learning_rate": "invscaling", "power_t": 0.3},
    # Every second epoch is a plateau that divides the step size.
    "adaptive": {"learning_rate": "adaptive", "tol": 1e6, "n_iter_no_change": 1},
}
COMMON = {
    "hidden_layer_sizes": (5, 4),
    "learning_rate_init": 0.01,
    "shuffle": False,
    "tol": 0.0,
    "n_iter_no_change": 1000,
    "random_state": 3,
}
engines = pytest.mark.parametrize(
    "engine",
    [
        "reference",
        pytest.param(
            "compiled",
            marks=pytest.mark.skipif(not compiled_available(), reason="the core is not loaded"),
        ),
    ],
)


def _epochs(batch: int) -> int:
    """Epochs of at least 20 steps."""
    return -(-STEPS // (ROWS // batch))


def _theirs(name: str, batch: int, weight: Any = None, **settings: Any) -> Any:
    problem = PROBLEMS[name]
    model = getattr(sklearn.neural_network, problem.kind)(
        **{**COMMON, "batch_size": batch, "max_iter": _epochs(batch)},
    ).set_params(**problem.settings, **settings)
    return model.fit(X, problem.y, **({} if weight is None else {"sample_weight": weight}))


@cache
def _start(problem: str, activation: str) -> Any:
    """scikit-learn's start weights: those after an epoch whose steps are too short to be one."""
    settings = {"activation": activation, "learning_rate_init": 1e-300, "max_iter": 1}
    return _theirs(problem, ROWS, **settings)


def _ours(name: str, batch: int, weight: Any = None, **settings: Any) -> Any:
    problem, start = PROBLEMS[name], _start(name, settings.get("activation", "relu"))
    model = getattr(dr, problem.kind)(
        **{**COMMON, "batch_size": batch, "max_iter": _epochs(batch), "warm_start": True},
    ).set_params(**problem.settings, **settings)
    model.alpha *= ROWS / batch
    model.coefs_ = [coef.copy() for coef in start.coefs_]
    model.intercepts_ = [intercept.copy() for intercept in start.intercepts_]
    return model.fit(X, problem.y, sample_weight=weight)


def _assert_same_weights(ours: Any, theirs: Any) -> None:
    for one, other in zip(
        (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=0)


@cache
def _reached(problem: str, activation: str, solver: str, batch: int) -> Any:
    """What scikit-learn's class reaches, once for both engines."""
    return _theirs(problem, batch, activation=activation, alpha=ALPHA, **SOLVERS[solver])


@engines
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("activation", "batch"),
    [*((name, BATCH) for name in ("identity", "logistic", "tanh", "relu")), ("tanh", 1)],
)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_twenty_steps_are_the_same(
    problem: str, activation: str, solver: str, batch: int, engine: str
) -> None:
    theirs = _reached(problem, activation, solver, batch)
    settings = {"activation": activation, "alpha": ALPHA, **SOLVERS[solver]}
    ours = _ours(problem, batch, engine=engine, **settings)
    _assert_same_weights(ours, theirs)
    assert ours.engine_ == engine
    assert ours.t_ == theirs.t_ >= STEPS * batch
    moved = theirs.coefs_[0] - _start(problem, activation).coefs_[0]
    assert np.abs(moved).max() > 1e-3  # else nothing has been compared


@engines
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("problem", ["multiclass", "several outputs"])
def test_schedules_are_the_same(problem: str, solver: str, schedule: str, engine: str) -> None:
    """With Adam, too, where both leave them without effect."""
    settings = {"alpha": ALPHA, "max_iter": 11, **SOLVERS[solver], **SCHEDULES[schedule]}
    theirs = _theirs(problem, BATCH, **settings)
    ours = _ours(problem, BATCH, engine=engine, **settings)
    _assert_same_weights(ours, theirs)
    assert ours.n_iter_ == theirs.n_iter_
    if solver != "adam":
        steady = _theirs(problem, BATCH, alpha=ALPHA, max_iter=11, **SOLVERS[solver])
        assert not np.allclose(steady.coefs_[0], theirs.coefs_[0], rtol=1e-4)


@engines
@pytest.mark.parametrize(
    ("solver", "weight"),
    [*((solver, None) for solver in SOLVERS), ("nesterov", WEIGHT)],
    ids=[*SOLVERS, "weighted"],
)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_full_batches_are_the_same_with_the_same_alpha(
    problem: str, solver: str, weight: Any, engine: str
) -> None:
    settings = {"activation": "tanh", "alpha": ALPHA, **SOLVERS[solver]}
    theirs = _theirs(problem, ROWS, weight, **settings)
    ours = _ours(problem, ROWS, weight, engine=engine, **settings)
    assert ours.alpha == theirs.alpha
    _assert_same_weights(ours, theirs)


@engines
@pytest.mark.parametrize("batch", [1, BATCH])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_loss_curves_are_the_same_without_a_penalty(problem: str, batch: int, engine: str) -> None:
    """But for the number of outputs of the squared error: the mean there, the sum here."""
    theirs = _theirs(problem, batch, alpha=0.0)
    ours = _ours(problem, batch, alpha=0.0, engine=engine)
    expected = np.multiply(theirs.loss_curve_, PROBLEMS[problem].outputs)
    np.testing.assert_allclose(ours.loss_curve_, expected, rtol=1e-10)


@engines
@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_penalty_of_an_epoch_is_that_at_its_end(problem: str, engine: str) -> None:
    """There it is that before each step; both are alpha / (2 n) ‖W‖² at full batch."""
    settings = {"alpha": ALPHA, "solver": "sgd", "engine": engine}
    shown = {name: value for name, value in settings.items() if name != "engine"}
    fits = [_ours(problem, ROWS, max_iter=count, **settings) for count in (1, 2, 3)]
    weights = [_start(problem, "relu").coefs_, *(fit.coefs_ for fit in fits)]
    penalties = [ALPHA / (2 * ROWS) * sum((W**2).sum() for W in coefs) for coefs in weights]
    theirs = np.array(_theirs(problem, ROWS, max_iter=3, **shown).loss_curve_)
    expected = (theirs - penalties[:-1]) * PROBLEMS[problem].outputs + penalties[1:]
    np.testing.assert_allclose(fits[-1].loss_curve_, expected, rtol=1e-10)

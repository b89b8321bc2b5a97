"""Twelve things that are open in scikit-learn's multilayer perceptron, and how they are here.

S1 … S12, with the reports of scikit-learn's users where there are any. All were seen on its release
1.9.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

import deltarule as dr
from deltarule.exceptions import NonFiniteError, TrainingStoppedWarning

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
X_SMALL = RNG.normal(size=(12, 3))
Y_SMALL = RNG.normal(size=(12, 4))

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet

PLAIN = {"solver": "sgd", "momentum": 0, "alpha": 0.0}


def _loss_at(model: Any, X: Any, y: Any, coefs: list[Any], **fit: Any) -> float:
    """The loss that a fit reports for given weights: that of the one full-batch step."""
    probe = clone(model).set_params(warm_start=True, max_iter=1, batch_size=len(X))
    probe.coefs_, probe.intercepts_ = coefs, [b.copy() for b in model.intercepts_]
    return float(probe.fit(X, y, **fit).loss_)


def _numeric_gradient(model: Any, X: Any, y: Any, **fit: Any) -> list[Any]:
    gradients = [np.zeros_like(coef) for coef in model.coefs_]
    for layer, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            ends = []
            for side in (1e-6, -1e-6):
                moved = [coef.copy() for coef in model.coefs_]
                moved[layer][place] += side
                ends.append(_loss_at(model, X, y, moved, **fit))
            gradient[place] = (ends[0] - ends[1]) / 2e-6
    return gradients


def _started(model: Any, X: Any, y: Any) -> Any:
    """A model with start weights and a fitted face: one epoch with a step size of nearly 0."""
    return clone(model).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)


def test_s1_gradient_of_several_outputs_is_that_of_the_reported_loss() -> None:
    """scikit-learn #8349: there the gradient is Q times that of the loss."""
    rate = 1e-3
    model = dr.MLPRegressor(
        hidden_layer_sizes=(5,),
        activation="tanh",
        batch_size=len(X_SMALL),
        learning_rate_init=rate,
        max_iter=1,
        random_state=0,
        **PLAIN,
    )
    start = _started(model, X_SMALL, Y_SMALL)
    numeric = _numeric_gradient(start, X_SMALL, Y_SMALL)
    stepped = model.fit(X_SMALL, Y_SMALL)
    for before, after, slope in zip(start.coefs_, stepped.coefs_, numeric, strict=True):
        np.testing.assert_allclose((before - after) / rate, slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("batch_size", [1, 10, 100])
def test_s2_decay_of_a_step_does_not_depend_on_the_batch_size(batch_size: int) -> None:
    """Rows of zeros have no gradient in the first layer: only the penalty moves it."""
    X, y = np.zeros((100, 3)), np.arange(100.0)
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "batch_size": batch_size}
    model = dr.MLPRegressor(solver="sgd", momentum=0, alpha=5.0, **settings)
    start = _started(model, X, y).coefs_[0]
    rate, steps = 0.01, 100 // batch_size
    model.set_params(learning_rate_init=rate, max_iter=1).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], start * (1 - rate * 5.0 / 100) ** steps, rtol=1e-12)


def test_s3_a_warm_start_after_convergence_trains_on() -> None:
    model = dr.MLPClassifier((8,), learning_rate_init=0.05, warm_start=True, random_state=0)
    epochs = [model.fit(X_IRIS, Y_IRIS).n_iter_ for _ in range(4)]
    assert model.stop_reason_ is dr.StopReason.CONVERGED
    assert min(epochs) > model.n_iter_no_change


def test_s4_early_stopping_with_warm_start_returns_the_best_weights() -> None:
    model = dr.MLPClassifier(
        (8,), learning_rate_init=0.05, warm_start=True, early_stopping=True, random_state=0
    )
    model.fit(X_IRIS, Y_IRIS)
    for _ in range(5):
        best, weights = model.best_validation_score_, [coef.copy() for coef in model.coefs_]
        model.fit(X_IRIS, Y_IRIS)
        assert model.best_validation_score_ >= best
        if model.best_validation_score_ == best:
            for now, before in zip(model.coefs_, weights, strict=True):
                np.testing.assert_array_equal(now, before)
    assert model.best_validation_score_ == max(model.validation_scores_)
    # The best and the last are two things: training goes on from the last.
    assert not np.array_equal(model._memory.state.parameters.vector, model._memory.published)


@pytest.mark.parametrize("shares", [(60, 30, 10), (50, 50), (40, 30, 20, 10)])
def test_s5_the_split_keeps_the_shares_of_all_classes(shares: tuple[int, ...]) -> None:
    y = np.repeat(np.arange(len(shares)), shares)
    X = RNG.normal(size=(len(y), 2))
    seen: list[Any] = []

    def scorer(estimator: Any, X: Any, y: Any) -> float:
        seen.append(y)
        return 0.0

    stopping = dr.EarlyStopping(validation_fraction=0.2, scorer=scorer)
    dr.MLPClassifier((2,), early_stopping=stopping, max_iter=1, random_state=0).fit(X, y)
    assert np.bincount(seen[0]).tolist() == [share // 5 for share in shares]


@pytest.mark.parametrize("solver", ["lbfgs", dr.LBFGS()])
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_s6_lbfgs_has_no_partial_fit(kind: Any, solver: Any) -> None:
    assert not hasattr(kind(solver=solver), "partial_fit")
    assert hasattr(kind(solver="adam"), "partial_fit")


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e6, "n_iter_no_change": 2},
        {"solver": dr.RMSprop(), "early_stopping": True},
        {"solver": "sgd", "batch_size": 1, "sampling": "replacement"},
    ],
    ids=["adam", "invscaling", "adaptive", "early-stopping", "replacement"],
)
def test_s7_n_fits_of_one_epoch_equal_one_fit_of_n(settings: dict[str, Any]) -> None:
    """scikit-learn #6091, #13656: there every warm fit forgets the optimiser's moments."""
    whole = dr.MLPClassifier((6,), random_state=0, max_iter=7, batch_size=32).set_params(**settings)
    parts = clone(whole).set_params(max_iter=1, warm_start=True)
    whole.fit(X_IRIS, Y_IRIS)
    for _ in range(7):
        parts.fit(X_IRIS, Y_IRIS)
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.loss_curve_ == parts.loss_curve_
    assert whole.t_ == parts.t_


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "rmsprop"])
def test_s8_schedules_change_the_rate_at_every_step_of_every_optimiser(solver: str) -> None:
    """150 rows in batches of 30 are 5 steps an epoch; the rate is 0 from step 3 on."""
    stopping = dr.MLPClassifier(
        (6,),
        solver=solver,
        momentum=0,
        batch_size=30,
        alpha=0,
        random_state=0,
        shuffle=False,
        learning_rate=lambda step: 1.0 if step < 3 else 0.0,
        max_iter=1,
    ).fit(X_IRIS, Y_IRIS)
    # The 90 rows of the first three steps hold two classes only; partial_fit is told of the third.
    three = clone(stopping).set_params(learning_rate="constant")
    three.partial_fit(X_IRIS[:90], Y_IRIS[:90], classes=[0, 1, 2])
    for one, other in zip(stopping.coefs_, three.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_s9_a_non_finite_objective_ends_the_training_where_it_appears() -> None:
    """scikit-learn #29504: there it is noticed after the last epoch, and the weights are lost."""
    model = dr.MLPRegressor(
        hidden_layer_sizes=(50,),
        activation="identity",
        solver="sgd",
        learning_rate_init=1.0,
        max_iter=10_000,
        random_state=0,
    )
    with pytest.raises(NonFiniteError, match=r"It happened in epoch \d+, layer \d"):
        model.fit(X_IRIS, Y_IRIS)
    assert model.n_iter_ < 50
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert np.isfinite(model.loss_curve_).all()

    with pytest.warns(TrainingStoppedWarning, match="weights of the best validation score"):
        model.set_params(early_stopping=True).fit(X_IRIS, Y_IRIS)
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_)
    assert np.isfinite(model.predict(X_IRIS)).all()


def test_s10_batches_of_weight_zero_are_no_special_case() -> None:
    weight = np.arange(len(X_IRIS)) % 3
    full = dr.MLPClassifier(
        (6,), batch_size=1, sampling="sequential", random_state=0, max_iter=3, **PLAIN
    )
    part = clone(full)
    full.fit(X_IRIS, Y_IRIS, sample_weight=weight)
    kept = weight > 0
    # The same steps without the idle ones; N / n of equation (9) goes into the step size.
    part.set_params(learning_rate_init=full.learning_rate_init * len(weight) / kept.sum())
    part.fit(X_IRIS[kept], Y_IRIS[kept], sample_weight=weight[kept])
    for one, other in zip(full.coefs_, part.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_s11_the_numbers_do_not_depend_on_the_number_of_threads(dtype: Any) -> None:
    """scikit-learn #15266, #27518: there they follow the threads of the BLAS."""
    X, y = load_digits(return_X_y=True)
    model = dr.MLPClassifier((100,), max_iter=3, random_state=0)
    one = clone(model).set_params(n_threads=1).fit(X.astype(dtype), y)
    two = clone(model).set_params(n_threads=2).fit(X.astype(dtype), y)
    for a, b in zip(one.coefs_, two.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


def test_s12_sample_weights_act_in_steps_of_one_row() -> None:
    """The mean of the steps of an epoch is the gradient of the weighted objective."""
    weight, rate = np.geomspace(0.1, 50, len(X_SMALL)), 1e-9
    model = dr.MLPRegressor(
        hidden_layer_sizes=(5,),
        activation="tanh",
        batch_size=1,
        learning_rate_init=rate,
        max_iter=1,
        random_state=0,
        **PLAIN,
    )
    start = _started(model, X_SMALL, Y_SMALL)
    numeric = _numeric_gradient(start, X_SMALL, Y_SMALL, sample_weight=weight)
    model.fit(X_SMALL, Y_SMALL, sample_weight=weight)
    for before, after, slope in zip(start.coefs_, model.coefs_, numeric, strict=True):
        moved = (before - after) / (rate * len(X_SMALL))
        np.testing.assert_allclose(moved, slope, rtol=1e-4, atol=1e-5)

"""Centre and scale of columns of any size, also where float64 cannot hold their squares."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import deltarule as dr
from deltarule import engines
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import NonFiniteError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal([0.0, 1.0, -2.0], size=(60, 3))
Y = X @ [1.0, 2.0, 3.0]
SIZES = [2.0**-1040, 2.0**-700, 2.0**-500, 2.0**-3, 2.0**100, 2.0**600, 2.0**1000]
ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]


@pytest.fixture(autouse=True)
def _silent() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Stochastic Optimizer")
        yield


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_a_column_of_any_size_is_measured_as_a_usual_one(size: float, weighted: bool) -> None:
    weight = RANDOM.random(60) if weighted else None
    plain, found = (Standardizer.measure(X * [1, by, 1], weight) for by in (1.0, size))
    assert plain.center is not None
    assert found.center is not None
    digits = 1e-15 if size > 2.0**-1000 else 1e-9
    np.testing.assert_allclose(found.scale, plain.scale * [1, size, 1], rtol=digits)
    np.testing.assert_allclose(found.center, plain.center * [1, size, 1], rtol=digits)
    scaled = found.apply(X * [1, size, 1])
    np.testing.assert_allclose(scaled, plain.apply(X), rtol=digits, atol=digits)
    for column in (0, 2):  # others are not touched by it
        assert found.scale[column] == plain.scale[column]
        assert found.center[column] == plain.center[column]


@pytest.mark.parametrize("size", SIZES)
def test_sparse_columns_of_any_size_are_scaled(size: float) -> None:
    thin = X * (RANDOM.random(X.shape) < 0.5)
    plain, found = (Standardizer.measure(sparse.csr_array(thin * [1, by, 1])) for by in (1.0, size))
    assert found.center is None
    digits = 1e-14 if size > 2.0**-1000 else 1e-9
    np.testing.assert_allclose(found.scale, plain.scale * [1, size, 1], rtol=digits)
    scaled = found.apply(sparse.csr_array(thin * [1, size, 1])).toarray()
    np.testing.assert_allclose(scaled, thin / plain.scale, rtol=digits)


def test_sparse_rows_of_float32_whose_scale_has_no_inverse_there() -> None:
    rows = sparse.csr_array((X * [1, 1e-40, 5e37]).astype(np.float32))
    scaled = Standardizer.measure(rows).apply(rows)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.toarray().std(axis=0), 1, rtol=1e-5)


def test_weights_whose_sums_overflow() -> None:
    weight = RANDOM.random(60)
    plain = Standardizer.measure(X, weight)
    found = Standardizer.measure(X, weight * 2.0**1023)
    np.testing.assert_allclose(found.scale, plain.scale, rtol=1e-15)
    np.testing.assert_allclose(found.center, plain.center, rtol=1e-14)


def test_a_constant_column_of_any_size_has_the_scale_1() -> None:
    values = np.array([0.0, 1e-320, -1e-200, 0.1, 1e10, 1e200, -1.7e308])
    found = Standardizer.measure(np.tile(values, (60, 1)))
    np.testing.assert_array_equal(found.scale, 1)
    np.testing.assert_allclose(found.center, values, rtol=1e-3, atol=0)


def test_distances_that_float64_cannot_hold_are_refused_by_column() -> None:
    far = X.copy()
    far[:, 1] = -1.7e308
    far[0, 1] = 1.7e308
    words = (
        "{} must have no number further from the mean of its column than float64 can hold, to be "
        "standardized (got 1.7e+308{}). Divide the column by 10 first."
    )
    model = dr.MLPRegressor(hidden_layer_sizes=(3,), standardize="both", max_iter=2)
    cases = [(far, Y, "X", " in column 1"), (far[:, 1:2], Y, "X", ""), (X, far[:, 1], "y", "")]
    for rows, target, name, where in cases:
        with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as caught:
            model.fit(rows, target)
        assert str(caught.value) == words.format(name, where)
    assert Standardizer.measure(sparse.csr_array(far)).scale[1] > 1e307  # nothing is centred


@pytest.mark.parametrize("engine", ENGINES)
def test_predictor_and_learner_scale_large_rows_as_the_estimator_does(engine: str) -> None:
    rows, target = X * [1.0, 1e200, 1e-200], Y * 1e200
    model = dr.MLPRegressor(hidden_layer_sizes=(4,), standardize="both", engine=engine)
    model.set_params(max_iter=3, random_state=0).fit(rows, target)
    wanted = model.predict(rows)
    assert np.isfinite(wanted).all()
    learner = model.learner()
    for predict in (model.predictor(), learner.predict):
        np.testing.assert_allclose(predict(rows), wanted, rtol=1e-12)
        assert predict(rows[0]) == pytest.approx(wanted[0], rel=1e-12)
    assert learner.step(rows[0], target[0]) == model.partial_fit(rows[:1], target[:1]).loss_


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"solver": "sgd", "learning_rate_init": 1e200}, "Lower learning_rate_init."),
        ({"solver": "lbfgs"}, "Choose another solver, for example 'adam'."),
    ],
)
def test_a_remedy_that_was_taken_is_not_advised(settings: Any, remedy: str) -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(3,), standardize="inputs", **settings)
    with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as caught:
        model.fit(X, Y * 1e300)
    assert str(caught.value).endswith(f"are kept in coefs_ and intercepts_. {remedy}")

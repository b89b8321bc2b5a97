"""What a user brings along from Python, all in one fit; and every schedule for every optimiser."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

import deltarule as dr
from deltarule.exceptions import EngineError, InvalidParameterError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
Y_DIABETES = Y_DIABETES / 100

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---------------------------------------------------------------- the user's own


def softsign(z: Any) -> Any:
    return z / (1 + np.abs(z))


def softsign_slope(z: Any) -> Any:
    return 1 / (1 + np.abs(z)) ** 2


def log_cosh(prediction: Any, target: Any) -> Any:
    return np.log(np.cosh(prediction - target))


def log_cosh_slope(prediction: Any, target: Any) -> Any:
    return np.tanh(prediction - target)


def middle_error(estimator: Any, X: Any, y: Any) -> float:
    return -float(np.median(np.abs(estimator.predict(X) - y)))


def inverse_root(step: int) -> float:
    return 1 / np.sqrt(1 + step)


ACTIVATION = dr.activations.Function(softsign, softsign_slope, name="softsign")
LOSS = dr.losses.Function(log_cosh, log_cosh_slope, name="log_cosh")
STOPPING = dr.EarlyStopping(0.2, patience=5, scorer=middle_error)


def own(**settings: Any) -> dr.MLPRegressor:
    """A network of which activation, loss, metric and schedule are the user's."""
    model = dr.MLPRegressor(LOSS, (6,), ACTIVATION, early_stopping=STOPPING, max_iter=15)
    model.set_params(learning_rate=inverse_root, learning_rate_init=0.05, standardize="inputs")
    return model.set_params(random_state=0, **settings)


def test_all_four_in_one_fit() -> None:
    model = own().fit(X_DIABETES, Y_DIABETES)
    assert model.engine_ == "reference"
    assert model.road_ == "reference: NumPy, equation by equation"
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.validation_scores_[-1] > model.validation_scores_[0]
    assert model.score(X_DIABETES, Y_DIABETES) > 0.15
    hidden = (X_DIABETES - model.input_center_) / model.input_scale_ @ model.coefs_[0]
    hidden = softsign(hidden + model.intercepts_[0])
    expected = (hidden @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict(X_DIABETES), expected)


def test_their_gradient_is_descended() -> None:
    """One step over all rows, by hand."""
    settings: dict[str, Any] = {"early_stopping": False, "max_iter": 1, "batch_size": 442}
    model = own(solver=dr.SGD(), alpha=0, standardize=None, warm_start=True, **settings)
    model.initialize(X_DIABETES, Y_DIABETES)
    W, V = (coef.copy() for coef in model.coefs_)
    b, c = (intercept.copy() for intercept in model.intercepts_)
    z = X_DIABETES @ W + b
    delta = np.tanh(softsign(z) @ V + c - Y_DIABETES[:, None])
    below = delta @ V.T * softsign_slope(z)
    model.fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_allclose(model.coefs_[1], V - 0.05 * softsign(z).T @ delta / 442)
    np.testing.assert_allclose(model.coefs_[0], W - 0.05 * X_DIABETES.T @ below / 442)


def test_each_alone_and_what_it_costs() -> None:
    """Only activation and loss need the reference engine."""
    plain = dr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=3)
    usual = clone(plain).fit(X_DIABETES, Y_DIABETES).engine_
    for settings, engine in (
        ({"activation": ACTIVATION}, "reference"),
        ({"loss": LOSS}, "reference"),
        ({"early_stopping": STOPPING}, usual),
        ({"learning_rate": inverse_root}, usual),
    ):
        model = clone(plain).set_params(**settings).fit(X_DIABETES, Y_DIABETES)
        assert model.engine_ == engine


def test_the_compiled_engine_refuses_them() -> None:
    with pytest.raises(EngineError, match=r"engine='reference'|engine='auto'"):
        own(engine="compiled").fit(X_DIABETES, Y_DIABETES)


def test_a_pickle_goes_on() -> None:
    model = own(warm_start=True).fit(X_DIABETES, Y_DIABETES)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X_DIABETES), model.predict(X_DIABETES))
    for one in (model, again):
        one.fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])


NAMED: dict[str, Any] = {"activation": "tanh", "loss": "huber", "early_stopping": False}


@pytest.mark.parametrize(
    ("owns", "words"),
    [
        (
            {"activation": ACTIVATION},
            (
                "activation 'softsign' must hold plain numbers and words to be saved (got a Python "
                "function in value). Use one of the named activation objects, or save the "
                "parameters alone and give the function again."
            ),
        ),
        (
            {"loss": LOSS},
            (
                "loss 'log_cosh' must hold plain numbers and words to be saved (got a Python "
                "function in value). Use one of the named loss objects, or save the parameters "
                "alone and give the function again."
            ),
        ),
        (
            {"early_stopping": STOPPING},
            (
                "rule 'early_stopping' must hold plain numbers and words to be saved (got a Python "
                "function in scorer). Use one of the named rule objects, or save the parameters "
                "alone and give the function again."
            ),
        ),
        (
            {"learning_rate": inverse_root},
            (
                "learning_rate must hold plain numbers, words and deltarule's own option objects "
                f"to be saved (got {inverse_root!r}). Set it to a named option before saving."
            ),
        ),
    ],
)
def test_no_file_holds_code(owns: Any, words: str, tmp_path: Any) -> None:
    model = own(**{**NAMED, "learning_rate": "constant", **owns}).fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(model, tmp_path / "model.safetensors")
    assert str(caught.value) == words
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- schedules

SCHEDULES = {
    "constant": dr.Constant(),
    "invscaling": dr.InvScaling(power=0.5),
    "adaptive": dr.Adaptive(divisor=4.0),
    "step": dr.schedules.Step(every=3, factor=0.5),
    "cosine": dr.Cosine(),
    "cyclic_cosine": dr.CyclicCosine(2),
    "one_cycle": dr.OneCycle(),
}


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "constant"])
@pytest.mark.parametrize(
    "solver",
    [dr.SGD(), dr.Momentum(), dr.Nesterov(), dr.Adam(), dr.AdamW(), dr.RMSprop()],
    ids=lambda solver: solver.name,
)
def test_every_schedule_changes_the_steps_of_every_optimiser(
    solver: Any, name: str, engine: str
) -> None:
    """And that as its factors say: the epoch before the first change is that of no schedule."""
    model = dr.MLPClassifier((4,), solver=solver, learning_rate=SCHEDULES[name], engine=engine)
    model.set_params(batch_size=25, max_iter=6, random_state=0, learning_rate_init=0.01)
    if name == "adaptive":  # every epoch is a plateau from the second on
        model.set_params(tol=10.0, n_iter_no_change=1, max_iter=8)
    steady = clone(model).set_params(learning_rate=SCHEDULES["constant"])
    if name == "adaptive":
        steady.set_params(n_iter_no_change=np.inf)
    model.fit(X_IRIS, Y_IRIS)
    steady.fit(X_IRIS, Y_IRIS)
    moved, free = (np.abs(one.coefs_[0] - start) for one, start in _starts(model, steady))
    assert not np.allclose(moved, free, rtol=1e-3)
    if name in ("invscaling", "step", "cosine"):
        assert moved.sum() < free.sum()
    if name == "adaptive":
        assert model.n_iter_ == steady.n_iter_ == 8
        assert model._memory.state.rate_factor < 1
        assert model.loss_curve_[:2] == steady.loss_curve_[:2]


def _starts(*models: Any) -> Any:
    for model in models:
        yield model, clone(model).initialize(X_IRIS, Y_IRIS).coefs_[0]

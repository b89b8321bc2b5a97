"""dropout and normalization of the estimators: what is published, learned and refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

import deltarule as dr
from deltarule import engines
from deltarule.exceptions import InvalidParameterError

X, Y = load_iris(return_X_y=True)
ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet


def model(**given):
    settings = {"random_state": 0, "max_iter": 40, "learning_rate_init": 0.01, "batch_size": 30}
    return dr.MLPClassifier(**{"hidden_layer_sizes": (8, 5), **settings, **given})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_predictions_by_hand_from_what_is_published(engine, activation):
    fitted = model(normalization="batch", dropout=0.3, engine=engine, activation=activation)
    fitted.fit(X, Y)
    assert fitted.engine_ == engine
    assert fitted.n_layers_ == 4
    a = X
    for layer in range(2):
        z = a @ fitted.coefs_[layer]  # without biases: the shift is one
        assert not fitted.intercepts_[layer].any()
        scale = np.sqrt(fitted.running_variances_[layer] + 1e-5)
        z = (z - fitted.running_means_[layer]) / scale
        z = fitted.gains_[layer] * z + fitted.shifts_[layer]
        a = np.tanh(z) if activation == "tanh" else np.maximum(z, 0)
        np.testing.assert_allclose(fitted.hidden_activations(X, layer), a, rtol=1e-9, atol=1e-12)
    z = a @ fitted.coefs_[2] + fitted.intercepts_[2]
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fitted.predict_proba(X), shares, rtol=1e-9)
    np.testing.assert_allclose(fitted.predictor().proba(X), shares, rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_what_is_published_can_be_changed_and_counts(engine, normalization):
    fitted = model(normalization=normalization, dropout=[0.2, 0], engine=engine).fit(X, Y)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(other.predict_proba(X), fitted.predict_proba(X))
    if normalization is None:
        assert not hasattr(fitted, "gains_")
        return
    before = fitted.predict_proba(X)
    fitted.gains_[0][...] = 0.0
    assert np.ptp(fitted.hidden_activations(X, 0), axis=0).max() == 0
    assert not np.array_equal(fitted.predict_proba(X), before)
    fitted.shifts_ = [np.full_like(part, -1.0) for part in fitted.shifts_]
    assert not fitted.hidden_activations(X, 0).any()  # relu of -1


@pytest.mark.parametrize("engine", ENGINES)
def test_sparse_rows_are_as_dense_ones(engine):
    settings = {"normalization": "layer", "dropout": 0.2, "engine": engine}
    dense, sparse = model(**settings).fit(X, Y), model(**settings).fit(sp.csr_matrix(X), Y)
    np.testing.assert_allclose(sparse.coefs_[0], dense.coefs_[0], rtol=1e-6)
    network = dr.Network(layers=[dr.layers.LayerNormalization(4, 4), dr.Dense(4, 1)])
    start = dr.initialize(network)
    of_csr = dr.forward(network, start, sp.csr_matrix(X)).prediction
    np.testing.assert_array_equal(of_csr, dr.forward(network, start, X).prediction)


def test_a_search_reaches_them_and_start_weights_stay():
    grid = {"dropout": [0.0, 0.3], "normalization": [None, "layer"], "solver__clip_norm": [0.5]}
    found = GridSearchCV(model(max_iter=5), grid, cv=2).fit(X, Y)
    assert set(found.best_params_) == set(grid)
    starts = [model(**given).initialize(X, Y).coefs_ for given in ({}, {"dropout": 0.5})]
    for one, other in zip(*starts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ascending_outputs_do_not_go_in_lanes():
    """Their groups are no elementwise activation, which is all that lanes have."""
    network = dr.Network((4, 5, 3), ["relu", "ascending"], "quantile")
    starts = [dr.initialize(network, seed=seed) for seed in range(8)]
    plan = dr.TrainingPlan(dr.Adam(), batch_size=10, max_epochs=3)
    D = np.eye(3)[Y]
    for start, found in zip(starts, dr.train_many(network, starts, X, D, plan), strict=True):
        alone = dr.train(network, start, X, D, plan)
        np.testing.assert_array_equal(found.parameters.vector, alone.parameters.vector)


REFUSALS = [
    (
        lambda: model(hidden_layer_sizes=(), dropout=0.5).fit(X, Y),
        (
            "dropout must be 0 without hidden layers, whose units it drops (got 0.5). Set "
            "dropout=0, or give hidden_layer_sizes."
        ),
    ),
    (
        lambda: model(dropout=[0.5]).fit(X, Y),
        (
            "dropout must have one entry for each of the 2 hidden layers (got 1). Adjust its "
            "length, or give one number for all layers."
        ),
    ),
    (
        lambda: model(dropout=[0.5, 1.0]).fit(X, Y),
        (
            "dropout[1] must be a number in [0, 1) (got 1.0). Choose a value in that range; 0 "
            "drops nothing."
        ),
    ),
    (
        lambda: model(hidden_layer_sizes=(), normalization="layer").fit(X, Y),
        (
            "normalization must be None without hidden layers, which it normalizes (got "
            "'layer'). Set normalization=None, or give hidden_layer_sizes."
        ),
    ),
    (
        lambda: model(solver="lbfgs", dropout=0.5).fit(X, Y),
        (
            "dropout must be 0 beside solver='lbfgs', which judges all rows at every step and "
            "chooses the step itself (got dropout=0.5). Leave it at its default, or choose "
            "another solver, for example 'adam'."
        ),
    ),
    (
        lambda: model(solver="lbfgs", normalization="batch").fit(X, Y),
        (
            "normalization must be None or 'layer' beside solver='lbfgs', which judges all rows "
            "at every step and chooses the step itself (got normalization='batch'). Leave it at "
            "its default, or choose another solver, for example 'adam'."
        ),
    ),
    (
        lambda: model(normalization="batch").fit(X, Y).learner(),
        (
            "layers[1]: batch normalization needs at least 2 rows in a step, for it divides by "
            "their spread (got steps of one sample). Raise batch_size, give more rows, or use "
            "layer normalization."
        ),
    ),
    (
        lambda: (
            model(normalization="layer", fit_intercept=False, warm_start=True)
            .fit(X, Y)
            .set_params(normalization="batch")
            .fit(X, Y)
        ),
        (
            "the network must keep its widths (4, 8, 5, 3), its biases and its normalization "
            "between fits with warm_start or partial_fit (got (4, 8, 5, 3) with "
            "fit_intercept=False, normalization='batch'). Set warm_start=False, or start from a "
            "clone."
        ),
    ),
]


@pytest.mark.parametrize(("act", "words"), REFUSALS)
def test_refusals_word_for_word(act, words):
    with pytest.raises(InvalidParameterError) as caught:
        act()
    assert str(caught.value) == words


@pytest.mark.parametrize("value", [1.0, -0.1, "half", None])
def test_numbers_that_are_no_rate(value):
    with pytest.raises(ValueError, match="The 'dropout' parameter of MLPClassifier must be"):
        model(dropout=value).fit(X, Y)


def test_depth_and_width_as_two_numbers(tmp_path):
    grid = {"hidden_layer_sizes__layers": [1, 2], "hidden_layer_sizes__units": [4]}
    found = GridSearchCV(model(hidden_layer_sizes=dr.Hidden(), max_iter=3), grid, cv=2).fit(X, Y)
    best = found.best_estimator_
    assert [coef.shape[1] for coef in best.coefs_[:-1]] == best.hidden_layer_sizes.sizes
    plain = model(hidden_layer_sizes=[4] * best.hidden_layer_sizes.layers, max_iter=3).fit(X, Y)
    np.testing.assert_array_equal(plain.coefs_[0], best.coefs_[0])
    dr.save(best, tmp_path / "m.dr")
    assert dr.load(tmp_path / "m.dr").hidden_layer_sizes == best.hidden_layer_sizes
    assert dr.Hidden(3, 10, 0.1).sizes == [10, 1, 1]
    both = model().set_params(hidden_layer_sizes=7, hidden_layer_sizes__layers=3)
    assert both.hidden_layer_sizes == dr.Hidden(3, 7)
    linear = model(hidden_layer_sizes=dr.Hidden(0), max_iter=3).fit(X, Y)
    assert linear.n_layers_ == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: dr.Hidden(layers=-1),
            (
                "layers must be an integer from 0 to 1000 (got -1). Choose one in that range; 0 is "
                "a linear model."
            ),
        ),
        (
            lambda: dr.Hidden(units=0),
            "units must be a positive integer (got 0). Choose 1 or more.",
        ),
        (
            lambda: model(hidden_layer_sizes=(8, 5)).set_params(hidden_layer_sizes__layers=3),
            (
                "hidden_layer_sizes must be an option object to have a field 'layers' (got "
                "hidden_layer_sizes=(8, 5)). Set hidden_layer_sizes to an object first."
            ),
        ),
    ],
)
def test_what_is_no_depth_or_width(make, words):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == words


def test_a_warm_fit_does_not_begin_or_cease_to_standardize():
    fitted = model(warm_start=True, max_iter=2).fit(X, Y)
    with pytest.raises(InvalidParameterError) as caught:
        fitted.set_params(standardize="inputs").fit(X, Y)
    assert str(caught.value) == (
        "standardize must be as at the first fit between fits with warm_start or partial_fit, "
        "where inputs were not standardized (got standardize='inputs'). Set it back, or start "
        "from a clone."
    )

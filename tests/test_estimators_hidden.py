"""Hidden activations: the method and the transformer."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import deltarule as dr
from deltarule.exceptions import InvalidParameterError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)

SETTINGS: dict[str, Any] = {"max_iter": 5, "random_state": 0}


# ---------------------------------------------------------------- the method


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_they_are_what_the_equations_say(engine: str, dtype: Any) -> None:
    X = X_IRIS.astype(dtype)
    model = dr.MLPClassifier((6, 5), ["tanh", "relu"], standardize="inputs", **SETTINGS)
    model.set_params(engine=engine).fit(X, Y_IRIS)
    a = (X_IRIS - model.input_center_) / model.input_scale_
    for layer, activation in enumerate([np.tanh, lambda z: np.maximum(z, 0)]):
        a = activation(a @ model.coefs_[layer] + model.intercepts_[layer])
        for number in (layer, layer - 2):
            found = model.hidden_activations(X, layer=number)
            assert found.dtype == dtype
            np.testing.assert_allclose(found, a, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.hidden_activations(X), found)


def test_they_lead_to_the_prediction_of_assigned_weights() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(4,), fit_intercept=False, **SETTINGS)
    model.fit(X_DIABETES, Y_DIABETES)
    model.coefs_[0][:] = np.arange(40).reshape(10, 4)
    hidden = model.hidden_activations(X_DIABETES)
    np.testing.assert_allclose(hidden, np.maximum(X_DIABETES @ model.coefs_[0], 0), atol=1e-12)
    np.testing.assert_allclose(hidden @ model.coefs_[1][:, 0], model.predict(X_DIABETES))


@pytest.mark.parametrize("standardize", [None, "inputs"])
def test_sparse_rows(standardize: str | None) -> None:
    model = dr.MLPClassifier((6,), standardize=standardize, **SETTINGS).fit(X_IRIS, Y_IRIS)
    found = model.hidden_activations(sparse.csr_array(X_IRIS))
    np.testing.assert_allclose(found, model.hidden_activations(X_IRIS), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("widths", "layer", "words"),
    [
        ((6, 5), 2, "from -2 to 1 (got 2)"),
        ((6, 5), -3, "from -2 to 1 (got -3)"),
        ((6, 5), 0.0, "from -2 to 1 (got 0.0)"),
        ((6, 5), True, "from -2 to 1 (got True)"),
        ((), -1, "of which there is none (got -1)"),
    ],
)
def test_a_layer_that_is_not_there(widths: Any, layer: Any, words: str) -> None:
    model = dr.MLPClassifier(widths, **SETTINGS).fit(X_IRIS, Y_IRIS)
    transformer = dr.HiddenActivations(model, layer=layer)
    for call in (
        lambda: model.hidden_activations(X_IRIS, layer=layer),
        lambda: transformer.fit(X_IRIS, Y_IRIS),
    ):
        with pytest.raises(InvalidParameterError) as caught:
            call()
        assert str(caught.value) == (
            f"layer must be the number of a hidden layer, {words}. The hidden layers are those of "
            "hidden_layer_sizes."
        )


# ---------------------------------------------------------------- the transformer


@parametrize_with_checks(
    [
        dr.HiddenActivations(dr.MLPClassifier((5,), **SETTINGS)),
        dr.HiddenActivations(dr.MLPRegressor(hidden_layer_sizes=(5, 3), **SETTINGS), layer=0),
    ]
)
def test_estimator_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_the_estimator_is_cloned() -> None:
    network = dr.MLPClassifier((6, 5), **SETTINGS)
    transformer = dr.HiddenActivations(network, layer=0)
    found = transformer.fit_transform(X_IRIS, Y_IRIS)
    assert not hasattr(network, "coefs_")
    expected = clone(network).fit(X_IRIS, Y_IRIS).hidden_activations(X_IRIS, layer=0)
    np.testing.assert_array_equal(found, expected)
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(X_IRIS), expected)


def test_a_frozen_network_is_used_as_it_is() -> None:
    network = dr.MLPClassifier((6,), **SETTINGS).fit(X_IRIS, Y_IRIS)
    transformer = dr.HiddenActivations(FrozenEstimator(network)).fit(X_IRIS[:2], Y_IRIS[:2])
    assert transformer.estimator_.coefs_[0] is network.coefs_[0]
    np.testing.assert_array_equal(transformer.transform(X_IRIS), network.hidden_activations(X_IRIS))


def test_names_and_data_frames() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X_IRIS, columns=list("abcd"))
    transformer = dr.HiddenActivations(dr.MLPClassifier((3, 2), **SETTINGS), layer=-2)
    transformer.set_output(transform="pandas").fit(frame, Y_IRIS)
    names = [f"hiddenactivations0_{unit}" for unit in range(3)]
    assert transformer.get_feature_names_out().tolist() == names
    assert transformer.transform(frame).columns.tolist() == names
    assert transformer.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        transformer.get_feature_names_out(list("abce"))


def test_in_a_pipeline_with_weights() -> None:
    weight = np.where(Y_IRIS == 2, 5.0, 1.0)
    network = dr.MLPClassifier((4,), solver="lbfgs", max_iter=100, random_state=0)
    model = make_pipeline(StandardScaler(), dr.HiddenActivations(network), LogisticRegression())
    model.fit(X_IRIS, Y_IRIS, hiddenactivations__sample_weight=weight)
    assert model.score(X_IRIS, Y_IRIS) > 0.95
    alone = clone(network).fit(StandardScaler().fit_transform(X_IRIS), Y_IRIS, weight)
    np.testing.assert_array_equal(model[1].estimator_.coefs_[0], alone.coefs_[0])


def test_metadata_is_routed() -> None:
    from sklearn import config_context

    weight = np.linspace(0.1, 2, 150)
    with config_context(enable_metadata_routing=True):
        network = dr.MLPClassifier((4,), **SETTINGS).set_fit_request(sample_weight=True)
        transformer = dr.HiddenActivations(network).fit(X_IRIS, Y_IRIS, sample_weight=weight)
        alone = clone(network).fit(X_IRIS, Y_IRIS, weight)
    np.testing.assert_array_equal(transformer.estimator_.coefs_[0], alone.coefs_[0])


def test_an_estimator_without_hidden_activations() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.HiddenActivations(LogisticRegression()).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        "estimator must have hidden activations, as MLPClassifier and MLPRegressor have (got "
        "LogisticRegression). Put what comes before the network in front of HiddenActivations, in "
        "a pipeline."
    )

"""``dr.save`` and ``dr.load``: a loaded estimator is the saved one, bit for bit."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, ModelFileError, OutputPathError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, CANCER, DIABETES = load_iris(), load_breast_cancer(), load_diabetes()
TWO = np.column_stack([DIABETES.target, DIABETES.target**2])
LABELS = np.column_stack([IRIS.target == 0, IRIS.target > 0, IRIS.target == 2]).astype(int)
SHORT = {"max_iter": 3, "random_state": 0}

CASES = {
    "classes of text": (dr.MLPClassifier(**SHORT), IRIS.data, IRIS.target_names[IRIS.target]),
    "classes of int": (dr.MLPClassifier(**SHORT), IRIS.data, IRIS.target),
    "classes of int8": (dr.MLPClassifier(**SHORT), IRIS.data, IRIS.target.astype(np.int8)),
    "classes of float": (dr.MLPClassifier(**SHORT), IRIS.data, IRIS.target * 1.0),
    "classes of bool": (dr.MLPClassifier(**SHORT), CANCER.data, CANCER.target == 1),
    "classes of objects": (
        dr.MLPClassifier(**SHORT),
        IRIS.data,
        IRIS.target_names[IRIS.target].astype(object),
    ),
    "binary": (dr.MLPClassifier(**SHORT), CANCER.data, CANCER.target),
    "one class": (dr.MLPClassifier(**SHORT), IRIS.data, np.repeat("only", 150)),
    "multilabel": (dr.MLPClassifier(**SHORT), IRIS.data, LABELS),
    "float32": (dr.MLPClassifier(**SHORT), IRIS.data.astype(np.float32), IRIS.target),
    "early stopping": (
        dr.MLPClassifier(early_stopping=dr.EarlyStopping(patience=2), **SHORT),
        IRIS.data,
        IRIS.target,
    ),
    "perceptron": (
        dr.MLPClassifier((), loss="perceptron", **SHORT),
        CANCER.data,
        CANCER.target,
    ),
    "softmax for two": (
        dr.MLPClassifier(output_activation="softmax", **SHORT),
        CANCER.data,
        CANCER.target,
    ),
    "options": (
        dr.MLPClassifier(
            (8, 4),
            ["tanh", dr.activations.LeakyReLU(0.1)],
            solver=dr.AdamW(weight_decay=0.1),
            learning_rate=dr.Cosine(warmup=0.1),
            alpha=dr.L1(0.1),
            initializer=dr.initializers.HeNormal(),
            n_iter_no_change=np.inf,
            n_init=2,
            fit_intercept=False,
            standardize="inputs",
            **SHORT,
        ),
        IRIS.data,
        IRIS.target,
    ),
    "lbfgs": (dr.MLPClassifier(solver="lbfgs", **SHORT), IRIS.data, IRIS.target),
    "regression": (dr.MLPRegressor(**SHORT), DIABETES.data, DIABETES.target),
    "two outputs": (dr.MLPRegressor(**SHORT), DIABETES.data, TWO),
    "standardised": (dr.MLPRegressor(standardize="both", **SHORT), DIABETES.data, TWO),
    "huber": (dr.MLPRegressor(loss=dr.losses.Huber(3.0), **SHORT), DIABETES.data, DIABETES.target),
    "poisson": (dr.MLPRegressor(loss="poisson", **SHORT), DIABETES.data, DIABETES.target),
    "frame": (
        dr.MLPRegressor(**SHORT),
        pd.DataFrame(DIABETES.data, columns=DIABETES.feature_names),
        DIABETES.target,
    ),
}


def saved_and_loaded(estimator, tmp_path):
    dr.save(estimator, tmp_path / "model.safetensors")
    return dr.load(tmp_path / "model.safetensors")


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_estimator_answers_the_same_bits(tmp_path, name):
    estimator, X, y = CASES[name]
    estimator.fit(X, y)
    again = saved_and_loaded(estimator, tmp_path)
    assert type(again) is type(estimator)
    expected, found = estimator.predict(X), again.predict(X)
    assert np.array_equal(found, expected)
    assert found.dtype.kind == expected.dtype.kind
    for method in ("predict_proba", "decision_function"):
        if hasattr(estimator, method):
            assert np.array_equal(getattr(again, method)(X), getattr(estimator, method)(X))
    assert again.score(X, y) == estimator.score(X, y)


@pytest.mark.parametrize("name", CASES)
def test_parameters_and_attributes_come_back(tmp_path, name):
    estimator, X, y = CASES[name]
    estimator.fit(X, y)
    again = saved_and_loaded(estimator, tmp_path)
    assert again.get_params() == estimator.get_params()
    public = {key for key in vars(estimator) if key.endswith("_") and not key.startswith("_")}
    assert public <= set(vars(again))
    for key in public:
        expected, found = getattr(estimator, key), getattr(again, key)
        if isinstance(expected, list) and key in ("coefs_", "intercepts_"):
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
            assert [part.dtype for part in found] == [part.dtype for part in expected]
        elif isinstance(expected, np.ndarray):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype.kind == expected.dtype.kind
        else:
            assert found == expected or (found != found and expected != expected), key


def test_training_goes_on_from_a_loaded_estimator(tmp_path):
    estimator = dr.MLPClassifier(warm_start=True, **SHORT).fit(IRIS.data, IRIS.target)
    again = saved_and_loaded(estimator, tmp_path)
    before = again.loss_
    again.set_params(max_iter=20).fit(IRIS.data, IRIS.target)
    assert again.loss_ < before


def test_weights_that_a_user_assigned_are_what_is_saved(tmp_path):
    estimator = dr.MLPRegressor(**SHORT).fit(DIABETES.data, DIABETES.target)
    estimator.coefs_[0][:] = 0.0
    estimator.intercepts_[1] = np.array([7.0])
    again = saved_and_loaded(estimator, tmp_path)
    assert not again.coefs_[0].any()
    assert again.intercepts_[1].tolist() == [7.0]
    assert np.array_equal(again.predict(DIABETES.data), estimator.predict(DIABETES.data))


def test_a_generator_as_random_state_is_kept_as_none(tmp_path):
    estimator = dr.MLPRegressor(max_iter=1, random_state=np.random.RandomState(0))
    estimator.fit(DIABETES.data, DIABETES.target)
    assert saved_and_loaded(estimator, tmp_path).random_state is None


def test_bare_parameters(tmp_path):
    parameters = dr.initialize(dr.Network(units=(3, 5, 2)), seed=0)
    again = saved_and_loaded(parameters, tmp_path)
    assert again.network == parameters.network
    assert np.array_equal(again.vector, parameters.vector)


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(NotFittedError):
        dr.save(dr.MLPClassifier(), path)
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(LogisticRegression(), path)
    assert str(caught.value) == (
        "save takes an estimator of deltarule or its Parameters (got LogisticRegression). Save "
        "the estimator inside it."
    )
    square = dr.activations.Function(np.square, lambda z: 2 * z, name="square")
    estimator = dr.MLPRegressor(activation=square, engine="reference", **SHORT)
    estimator.fit(DIABETES.data, DIABETES.target)
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(estimator, path)
    assert str(caught.value) == (
        "activation 'square' must hold plain numbers and words to be saved (got a Python function "
        "in value). Use one of the named activation objects, or save the parameters alone and "
        "give the function again."
    )
    with pytest.raises(OutputPathError):
        dr.save(dr.MLPRegressor(**SHORT).fit(DIABETES.data, DIABETES.target), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"hidden_layer_sizes": (7,)},
            (
                "hidden_layer_sizes must be as it was at fit to be saved ((100,) then, (7,) now). "
                "Call fit again, or set it back."
            ),
        ),
        ({"loss": "huber"}, "loss must be as it was at fit"),
        ({"activation": "tanh"}, "activation must be as it was at fit"),
        ({"fit_intercept": False}, "fit_intercept must be as it was at fit"),
    ],
)
def test_settings_of_another_network_are_not_saved(tmp_path, changed, sentence):
    estimator = dr.MLPRegressor(**SHORT).fit(DIABETES.data, DIABETES.target)
    estimator.set_params(**changed)
    with pytest.raises(InvalidParameterError) as caught:
        dr.save(estimator, tmp_path / "model.safetensors")
    assert str(caught.value).startswith(sentence)


def test_a_fresh_process_knows_every_kind(tmp_path):
    """Nothing but ``dr.load`` brings the room of the table's model in."""
    from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

    table = Table.of({"a": [0, 1] * 9, "y": ["no", "yes"] * 9})
    columns, target = ColumnPlan.fit(table.without(["y"])), TargetPlan.fit(table, ("y",))
    estimator = dr.MLPClassifier((), solver="lbfgs")
    estimator.fit(columns.transform(table), target.encode(table))
    dr.save(TableModel(columns, target, estimator), tmp_path / "model")
    code = (
        f"import deltarule as dr; print(dr.load({str(tmp_path / 'model')!r}).predict({{'a': [1]}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "['yes']\n", done.stderr


def test_a_file_of_another_class_says_so(tmp_path):
    with pytest.raises(ModelFileError, match=r"no such file\. Check the path\.$"):
        dr.load(tmp_path / "model.safetensors")


def test_loading_never_imports_pickle_for_a_model(tmp_path):
    path = tmp_path / "model.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        dr.save(dr.MLPClassifier(**SHORT).fit(IRIS.data, IRIS.target), path)
    code = (
        "import pickle, sys, deltarule as dr\n"
        "def refuse(*a, **k): raise SystemExit('pickle was used')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        f"print(dr.load({str(path)!r}).predict([[5.0, 3.0, 1.0, 0.2]]).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(1,)\n", done.stderr

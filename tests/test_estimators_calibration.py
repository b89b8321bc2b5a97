"""`calibrate`: a temperature for the probabilities, and nothing else."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import log_loss

import deltarule as dr
from deltarule.estimators import calibration
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError, InvalidShapeError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_ALL, Y_ALL = make_classification(600, 8, n_informative=4, n_classes=3, flip_y=0.3, random_state=0)
X, Y, X_VAL, Y_VAL = X_ALL[:200], Y_ALL[:200], X_ALL[200:400], Y_ALL[200:400]
X_NEW, Y_NEW = X_ALL[400:], Y_ALL[400:]
LABELS = make_multilabel_classification(400, 8, n_classes=3, random_state=0)
SOME = np.linspace(0.1, 2, 200)

#: Much too sure of itself.
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (40,),
    "learning_rate_init": 0.02,
    "max_iter": 60,
    "random_state": 0,
}


def pre_activations(model: Any, X: Any) -> Any:
    a = X
    for layer, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        z = a @ W + b
        a = np.maximum(z, 0) if layer < len(model.coefs_) - 1 else z
    return a


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_z_over_t(classes: int, dtype: Any, engine: str) -> None:
    y, y_val = np.minimum(Y, classes - 1), np.minimum(Y_VAL, classes - 1)
    plain = dr.MLPClassifier(engine=engine, **SETTINGS)
    model = clone(plain).set_params(calibrate=True)
    given = {"X_val": X_VAL.astype(dtype), "y_val": y_val}
    plain.fit(X.astype(dtype), y, **given)
    model.fit(X.astype(dtype), y, **given)
    T, rows = model.temperature_, X_NEW.astype(dtype)
    assert 1.2 < T < 20
    z = pre_activations(model, X_NEW) / T
    expected = softmax(z, axis=1) if classes == 3 else np.hstack([expit(-z), expit(z)])
    close = {"rtol": 1e-10 if dtype == np.float64 else 1e-4, "atol": 1e-7}
    found = model.predict_proba(rows)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, **close)
    np.testing.assert_allclose(model.predict_log_proba(rows), np.log(expected), **close)
    np.testing.assert_array_equal(model.predict(rows), plain.predict(rows))
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    assert not np.allclose(plain.predict_proba(rows), expected, rtol=0.1)
    predict = model.predictor()
    for one in (predict, pickle.loads(pickle.dumps(predict))):
        np.testing.assert_allclose(one.proba(rows), expected, **close)
        np.testing.assert_allclose(one.proba(rows[0]), expected[0], **close)
        np.testing.assert_array_equal(one(rows), model.predict(rows))
    raw = plain.predict_proba(rows)
    outputs = predict.outputs(rows)
    np.testing.assert_allclose(
        outputs if classes == 3 else outputs[:, 0],
        raw[:, -1] if classes == 2 else raw,
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "settings",
    [{}, {"output_activation": "logistic"}, {"early_stopping": True}, {"standardize": "inputs"}],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_log_loss_is_at_its_least(settings: Any, weighted: bool) -> None:
    model = dr.MLPClassifier(calibrate=True, **settings, **SETTINGS)
    weight = SOME if weighted else None
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weight)

    def loss(factor: float) -> float:
        other = pickle.loads(pickle.dumps(model))
        other.temperature_ *= factor
        return log_loss(Y_VAL, other.predict_proba(X_VAL), sample_weight=weight)

    assert loss(1.0) < min(loss(0.98), loss(1.02))
    assert loss(1.0) == pytest.approx(loss(1 + 1e-5), rel=1e-8)


def test_new_rows_are_told_better() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    calibrated = log_loss(Y_NEW, model.predict_proba(X_NEW))
    model.temperature_ = 1.0
    assert calibrated < 0.8 * log_loss(Y_NEW, model.predict_proba(X_NEW))


def test_to_tell_them_changes_nothing() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    names = set(vars(model))
    model.predict_proba(X_NEW)
    assert set(vars(model)) == names
    assert model._probable_session is not model._session  # predict need not load its numbers anew


def test_held_back_rows_calibrate() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS)
    model.set_params(early_stopping=dr.EarlyStopping(0.3, patience=50)).fit(X, Y)
    assert model.temperature_ > 1
    assert model.predict_proba(X_NEW).shape == (200, 3)


def test_one_temperature_for_all_labels() -> None:
    X, labels = LABELS
    model = dr.MLPClassifier(calibrate=True, **SETTINGS)
    model.fit(X[:100], labels[:100], X_val=X[100:], y_val=labels[100:])
    z = pre_activations(model, X[100:]) / model.temperature_
    np.testing.assert_allclose(model.predict_proba(X[100:]), expit(z), rtol=1e-9)
    np.testing.assert_allclose(model.predictor().proba(X[100:]), expit(z), rtol=1e-9)
    loss = [np.logaddexp(0, np.where(labels[100:], -z, z) * f).sum() for f in (0.98, 1, 1.02)]
    assert loss[1] < min(loss[0], loss[2])


def test_by_hand() -> None:
    """z = ±1 and three of four rows right: logistic(1 / T) = 3/4, so T = 1 / log 3."""
    code = ClassCode(np.arange(2), False, 1, 0.0, 1.0)
    z, hot = np.array([[1.0], [1.0], [1.0], [-1.0]]), np.ones((4, 1), dtype=bool)
    assert calibration.temperature(code, z, hot, None, True) == pytest.approx(1 / np.log(3))
    weight = np.array([1.0, 1.0, 1.0, 1.5])  # now 2/3
    assert calibration.temperature(code, z, hot, weight, True) == pytest.approx(1 / np.log(2))
    two = ClassCode(np.arange(2), False, 2, 0.0, 1.0)
    both, right = np.hstack([0 * z, z]), np.hstack([~hot, hot])
    assert calibration.temperature(two, both, right, None, False) == pytest.approx(1 / np.log(3))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_rows_that_are_all_right_tell_nothing(scale: float) -> None:
    code = ClassCode(np.arange(2), False, 1, 0.0, 1.0)
    z = scale * np.array([[1.0], [2.0], [-3.0]])
    assert calibration.temperature(code, z, z > 0, None, True) == 1.0


def test_a_single_class() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS)
    model.fit(X, np.zeros(200), X_val=X_VAL, y_val=np.zeros(200))
    assert model.temperature_ == 1.0
    assert (model.predict_proba(X_NEW) == 1).all()


def test_other_weights_have_no_temperature() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    raw = clone(model).set_params(calibrate=False).fit(X, Y)
    model.set_weights(raw.coefs_, raw.intercepts_)
    assert not hasattr(model, "temperature_")
    np.testing.assert_array_equal(model.predict_proba(X_NEW), raw.predict_proba(X_NEW))
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    assert model.temperature_ > 1
    model.set_params(calibrate=False).partial_fit(X, Y)
    assert not hasattr(model, "temperature_")


def test_a_call_that_is_refused_leaves_the_temperature() -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    temperature, told = model.temperature_, model.predict_proba(X_NEW)
    for call in (model.partial_fit, model.fit, lambda X, y: model.set_weights([], [])):
        with pytest.raises((InvalidParameterError, InvalidShapeError)):
            call(X, Y)
        assert model.temperature_ == temperature
        np.testing.assert_array_equal(model.predict_proba(X_NEW), told)
    model.set_params(warm_start=True)
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :3], Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_array_equal(model.predict_proba(X_NEW), told)


def test_scorers_see_what_is_not_calibrated() -> None:
    """Else the temperature of one warm fit would judge the epochs of the next."""
    stopping = dr.EarlyStopping(patience=60, scorer="neg_log_loss")
    model = dr.MLPClassifier(calibrate=True, early_stopping=stopping, warm_start=True, **SETTINGS)
    model.set_params(max_iter=10)
    for _ in range(2):
        model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    np.testing.assert_allclose(
        model.validation_scores_, [-loss for loss in model.validation_loss_curve_]
    )


def test_files_and_pickles_keep_it(tmp_path: Any) -> None:
    model = dr.MLPClassifier(calibrate=True, **SETTINGS).fit(X, Y, X_val=X_VAL, y_val=Y_VAL)
    dr.save(model, tmp_path / "model.safetensors")
    for again in (dr.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
        assert again.temperature_ == model.temperature_
        assert again.calibrate
        np.testing.assert_array_equal(again.predict_proba(X_NEW), model.predict_proba(X_NEW))


@pytest.mark.parametrize(
    ("settings", "call", "words"),
    [
        (
            {},
            "fit",
            (
                "calibrate=True needs validation rows, which are not trained on (got none). Give "
                "fit X_val and y_val, or set early_stopping=True."
            ),
        ),
        (
            {"solver": "lbfgs", "early_stopping": True},
            "fit",
            (
                "calibrate=True needs validation rows, which are not trained on (got none). Give "
                "fit X_val and y_val, for lbfgs holds no rows back."
            ),
        ),
        (
            {},
            "partial_fit",
            (
                "partial_fit does not support calibrate=True: it sees no validation rows (got "
                "calibrate=True). Set calibrate=False, or call fit."
            ),
        ),
        (
            {"loss": "squared_error", "early_stopping": True},
            "fit",
            (
                "calibrate=True needs loss='log_loss', whose outputs are probabilities (got loss "
                "'squared_error'). Set calibrate=False, or take that loss."
            ),
        ),
    ],
)
def test_what_cannot_be_calibrated(settings: Any, call: str, words: str) -> None:
    model = dr.MLPClassifier(calibrate=True, **settings)
    with pytest.raises(InvalidParameterError) as caught:
        getattr(model, call)(X, Y, **({"classes": [0, 1, 2]} if call == "partial_fit" else {}))
    assert str(caught.value) == words
    assert not hasattr(model, "coefs_")


def test_it_is_yes_or_no() -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier(calibrate="temperature").fit(X, Y)
    assert str(caught.value).startswith(
        "The 'calibrate' parameter of MLPClassifier must be an instance of 'bool' or an instance "
        "of 'numpy.bool'"
    )

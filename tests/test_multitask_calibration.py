"""A temperature for each head of classes, held against `MLPClassifier`."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import deltarule as dr
from deltarule.engines import compiled_available
from deltarule.exceptions import InvalidParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ENGINES = ["reference", *(["compiled"] if compiled_available() else [])]
RNG = np.random.default_rng(4)
X = RNG.normal(size=(300, 4))
SCORE = X @ [1.0, -1.0, 0.5, 0.0] + RNG.normal(size=300)
Y = pd.DataFrame(
    {"size": 5 + SCORE, "kind": np.array(["a", "b", "c"])[np.digitize(SCORE, [-1, 1])]}
)
Y["up"] = SCORE > 0
CLASSES = {"kind": ["a", "b", "c"], "up": [False, True]}
TRAIN, REST = slice(None, 150), slice(150, None)
#: As overfit as it takes for probabilities that are too sure.
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (40,), "random_state": 0, "alpha": 0.0}


def fitted(engine: str = "auto", y: Any = Y, **more: Any) -> Any:
    settings = {**SETTINGS, "solver": "lbfgs", "max_iter": 60, "calibrate": True, **more}
    model = dr.MultiTaskMLP(engine=engine, **settings)
    return model.fit(X[TRAIN], y[TRAIN], X_val=X[REST], y_val=y[REST])


def loss_of(model: Any, name: str) -> float:
    told = model.predict_proba(X[REST])[name]
    classes = next(head.classes for head in model.heads_ if head.name == name)
    index = np.searchsorted(classes, Y[name][REST].to_numpy())
    return float(-np.log(told[np.arange(len(index)), index]).mean())


@pytest.mark.parametrize("engine", ENGINES)
def test_each_head_of_classes_has_the_temperature_with_the_least_loss(engine: str) -> None:
    model = fitted(engine)
    assert set(model.temperature_) == {"kind", "up"}
    assert min(model.temperature_.values()) > 1.5
    before = model.predict(X)
    for name in ("kind", "up"):
        best, found = loss_of(model, name), dict(model.temperature_)
        for factor in (0.9, 1.1):
            model.temperature_ = {**found, name: factor * found[name]}
            assert loss_of(model, name) > best
        model.temperature_ = found
    del model.temperature_
    np.testing.assert_array_equal(before, model.predict(X))


@pytest.mark.parametrize("kind", ["kind", "up"])
def test_a_head_alone_is_the_classifier(kind: str) -> None:
    y = Y[[kind]]
    settings = {**SETTINGS, "standardize": None, "max_iter": 40, "warm_start": True}
    many = dr.MultiTaskMLP(**settings, calibrate=True).initialize(X[TRAIN], y[TRAIN])
    one = dr.MLPClassifier(**settings, calibrate=True).initialize(X[TRAIN], y[kind][TRAIN])
    one.set_weights(many.coefs_, many.intercepts_)
    many.fit(X[TRAIN], y[TRAIN], X_val=X[REST], y_val=y[REST])
    one.fit(X[TRAIN], y[kind][TRAIN], X_val=X[REST], y_val=y[kind][REST])
    assert many.temperature_[kind] == pytest.approx(one.temperature_, rel=1e-5)
    found = many.predict_proba(X)[kind]
    np.testing.assert_allclose(found, one.predict_proba(X), atol=1e-6)


def test_only_known_targets_and_their_weights_count() -> None:
    y = Y.astype({"kind": object})
    y.loc[150:250, "kind"] = None
    weight = np.linspace(0, 1, 150)
    model = dr.MultiTaskMLP(**SETTINGS, solver="lbfgs", max_iter=60, calibrate=True)
    rows = {"X_val": X[REST], "y_val": y[REST], "sample_weight_val": weight}
    some = model.fit(X[TRAIN], y[TRAIN], **rows).temperature_
    rows = {"X_val": X[251:], "y_val": y[251:], "sample_weight_val": weight[101:]}
    fewer = model.fit(X[TRAIN], y[TRAIN], **rows).temperature_
    assert some["kind"] == pytest.approx(fewer["kind"])
    assert some["up"] != pytest.approx(fewer["up"])
    y.loc[150:, "kind"] = None
    assert fitted(y=y).temperature_["kind"] == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_predictors_files_and_pickles_say_the_same(engine: str, dtype: Any, tmp_path: Any) -> None:
    rows = X.astype(dtype)
    model = dr.MultiTaskMLP(**SETTINGS, engine=engine, early_stopping=True, calibrate=True)
    model.set_params(max_iter=30, learning_rate_init=0.05).fit(rows, Y)
    assert model.temperature_["up"] != 1
    wanted = model.predict_proba(rows)
    dr.save(model, tmp_path / "m.safetensors")
    for again in (dr.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        assert again.temperature_ == model.temperature_
        for name, part in again.predict_proba(rows).items():
            np.testing.assert_array_equal(part, wanted[name])
    predict = pickle.loads(pickle.dumps(model.predictor()))
    close = {"rtol": 0, "atol": 1e-5 if dtype == np.float32 else 1e-12}
    for name, part in predict.proba(rows).items():
        np.testing.assert_allclose(part, wanted[name], **close)
        np.testing.assert_allclose(predict.proba(rows[7])[name], wanted[name][7], **close)
    model.set_weights([part * 1.5 for part in model.coefs_])
    assert not hasattr(model, "temperature_")


def test_a_predictor_without_temperature_or_classes() -> None:
    model = dr.MultiTaskMLP(**SETTINGS, max_iter=3).fit(X, Y)
    found, wanted = model.predictor().proba(X), model.predict_proba(X)
    assert list(found) == ["kind", "up"]
    for name, part in found.items():
        np.testing.assert_allclose(part, wanted[name], atol=1e-12)
    numbers = dr.MultiTaskMLP(**SETTINGS, max_iter=3).fit(X, Y[["size"]]).predictor()
    with pytest.raises(AttributeError, match="probabilities are those of classes: all heads are"):
        numbers.proba(X)


def test_probabilities_of_a_learner_are_the_networks_own() -> None:
    model = dr.MultiTaskMLP(**SETTINGS, max_iter=3, early_stopping=True, calibrate=True).fit(X, Y)
    learner = model.set_params(early_stopping=False, calibrate=False).learner()
    learner.step(X[0], Y.iloc[0].tolist())
    found = learner.predict.proba(X[:5])
    assert not hasattr(learner.sync(), "temperature_")
    for name, part in model.predict_proba(X[:5]).items():
        np.testing.assert_allclose(found[name], part, atol=1e-12)


def test_epochs_that_go_on_are_calibrated_anew_and_end_the_same(tmp_path: Any) -> None:
    settings = {**SETTINGS, "early_stopping": True, "calibrate": True, "tol": 0.0}
    whole = dr.MultiTaskMLP(**settings, max_iter=8).fit(X, Y)
    half = dr.MultiTaskMLP(**settings, max_iter=4, warm_start=True).fit(X, Y)
    dr.save(half, tmp_path / "half.safetensors")
    again = dr.load(tmp_path / "half.safetensors").fit(X, Y)
    assert again.temperature_ == whole.temperature_ != half.temperature_
    assert clone(whole).calibrate


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no rows": (
        lambda: dr.MultiTaskMLP(calibrate=True).fit(X, Y),
        (
            "calibrate=True needs validation rows, which are not trained on (got none). Give fit "
            "X_val and y_val, or set early_stopping=True."
        ),
    ),
    "a stream": (
        lambda: dr.MultiTaskMLP(calibrate=True).partial_fit(X, Y, classes=CLASSES),
        (
            "partial_fit does not support calibrate=True: it sees no validation rows (got "
            "calibrate=True). Set calibrate=False, or call fit."
        ),
    ),
    "numbers only": (
        lambda: fitted(y=Y[["size"]]),
        (
            "calibrate=True needs a head of classes (got 'size', all regressions). Set "
            "calibrate=False."
        ),
    ),
    "another loss": (
        lambda: fitted(heads={"up": dr.Task(loss="squared_error")}),
        (
            "calibrate=True needs loss='log_loss', whose outputs are probabilities (got loss "
            "'squared_error' of the head 'up'). Set calibrate=False, or take that loss."
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    work, words = REFUSED[case]
    with pytest.raises(InvalidParameterError, match=re.escape(words) + "$"):
        work()

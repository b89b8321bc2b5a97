"""`initialize` without a fit, and `set_weights`: where a training starts."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
LABELS = np.column_stack([Y_IRIS == 0, Y_IRIS > 0]).astype(int)
SOME = np.linspace(0.1, 2, 150)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 6, "random_state": 0}


def same_weights(one: Any, other: Any) -> bool:
    parts = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return all(np.array_equal(a, b) for a, b in parts)


# ---------------------------------------------------------------- initialize


@pytest.mark.parametrize("early_stopping", [False, True])
def test_what_is_initialized_has_one_start(early_stopping: bool) -> None:
    """Whatever n_init says; restarts_ tells what became of it."""
    settings = {**SETTINGS, "early_stopping": early_stopping, "warm_start": True}
    model = dr.MLPClassifier(n_init=3, **settings).initialize(X_IRIS, Y_IRIS)
    assert model.restarts_.tolist() == [model.loss_]
    single = dr.MLPClassifier(**settings)
    for _ in range(2):  # both go on, from that one start
        model.fit(X_IRIS, Y_IRIS)
        single.fit(X_IRIS, Y_IRIS)
        assert same_weights(model, single)
        ended = -model.best_validation_score_ if early_stopping else model.loss_
        assert model.restarts_.tolist() == single.restarts_.tolist() == [ended]


def test_several_starts_are_told_also_after_going_on() -> None:
    model = dr.MLPClassifier(n_init=3, warm_start=True, **SETTINGS).fit(X_IRIS, Y_IRIS)
    ended = model.restarts_.tolist()
    assert len(set(ended)) == 3
    assert model.fit(X_IRIS, Y_IRIS).restarts_.tolist() == ended


@pytest.mark.parametrize(
    ("kind", "y", "settings", "weight"),
    [
        (dr.MLPClassifier, Y_IRIS, {}, None),
        (dr.MLPClassifier, NAMES, {"standardize": "inputs"}, SOME),
        (dr.MLPClassifier, LABELS, {"solver": "sgd", "learning_rate": "cosine"}, None),
        (dr.MLPClassifier, Y_IRIS, {"early_stopping": True, "standardize": "inputs"}, SOME),
        (dr.MLPClassifier, Y_IRIS, {"class_weight": "balanced", "standardize": "inputs"}, None),
        (dr.MLPClassifier, Y_IRIS, {"early_stopping": True, "calibrate": True}, None),
        (dr.MLPClassifier, Y_IRIS, {"solver": "lbfgs", "initializer": "he_normal"}, None),
        (dr.MLPClassifier, Y_IRIS, {"engine": "reference"}, None),
        (dr.MLPRegressor, SOME, {"standardize": "both"}, None),
        (dr.MLPRegressor, np.column_stack([SOME, SOME**2]), {"early_stopping": True}, SOME),
        (dr.MLPRegressor, SOME, {"solver": dr.RMSprop(), "learning_rate": dr.OneCycle()}, None),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_warm_fit_is_the_plain_fit(
    kind: Any, y: Any, settings: Any, weight: Any, dtype: Any
) -> None:
    X = X_IRIS.astype(dtype)
    plain = kind(**settings, **SETTINGS).fit(X, y, weight)
    model = clone(plain).set_params(warm_start=True)
    assert model.initialize(X, y, weight) is model
    assert model.loss_curve_ == []
    assert (model.n_iter_, model.t_) == (0, 0)
    start = dr.initialize(model._network, model._memory.key, model.initializer, dtype)
    np.testing.assert_array_equal(model._vector, start.vector)
    assert model.predict(X).shape == y.shape
    model.fit(X, y, weight)
    assert same_weights(model, plain)
    assert model.loss_curve_ == plain.loss_curve_
    assert model.t_ == plain.t_
    assert model.validation_scores_ == plain.validation_scores_


@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"class_weight": {0: -1}},
            (
                "class_weight[0] must be a finite number of at least 0 (got -1). Give the weight "
                "of a row of this class."
            ),
        ),
        (
            {"calibrate": True, "loss": "squared_error"},
            (
                "calibrate=True needs loss='log_loss', whose outputs are probabilities (got loss "
                "'squared_error'). Set calibrate=False, or take that loss."
            ),
        ),
    ],
)
def test_what_fit_refuses_is_refused_before_it(settings: Any, words: str, classes: Any) -> None:
    model = dr.MLPClassifier(**settings, **SETTINGS)
    with pytest.raises(InvalidParameterError) as caught:
        model.initialize(X_IRIS, Y_IRIS, classes=classes)
    assert str(caught.value) == words
    assert not hasattr(model, "classes_")


def test_of_sparse_rows_and_frames() -> None:
    pd = pytest.importorskip("pandas")
    model = dr.MLPClassifier(standardize="inputs", **SETTINGS)
    model.initialize(sparse.csr_array(X_IRIS), Y_IRIS)
    assert model.input_center_ is None
    frame = pd.DataFrame(X_IRIS, columns=list("abcd"))
    assert model.initialize(frame, Y_IRIS).feature_names_in_.tolist() == list("abcd")
    np.testing.assert_allclose(model.input_center_, X_IRIS.mean(axis=0))


def test_it_makes_a_fitted_estimator_new() -> None:
    model = dr.MLPClassifier(warm_start=True, **SETTINGS).fit(X_IRIS, Y_IRIS)
    model.initialize(X_IRIS[:, :2], LABELS)
    assert (model.n_features_in_, model.classes_.tolist(), model.loss_curve_) == (2, [0, 1], [])


def test_without_warm_start_a_fit_begins_anew() -> None:
    model = dr.MLPRegressor(**SETTINGS).initialize(X_IRIS[:9], SOME[:9])
    model.set_weights([coef + 1 for coef in model.coefs_])
    assert same_weights(model.fit(X_IRIS, SOME), dr.MLPRegressor(**SETTINGS).fit(X_IRIS, SOME))


def test_a_stream_begins_from_it_and_keeps_its_measures() -> None:
    model = dr.MLPClassifier(standardize="inputs", **SETTINGS)
    model.initialize(X_IRIS, Y_IRIS)
    center = model.input_center_.copy()
    twin = pickle.loads(pickle.dumps(model))
    for one in (model, twin):
        one.partial_fit(X_IRIS[:5], Y_IRIS[:5])
    np.testing.assert_array_equal(model.input_center_, center)
    assert same_weights(model, twin)
    assert len(model.loss_curve_) == 1


@pytest.mark.parametrize("warm_start", [False, True])
def test_classes_may_be_announced(warm_start: bool) -> None:
    model = dr.MLPClassifier(warm_start=warm_start, **SETTINGS)
    model.initialize(X_IRIS[:50], NAMES[:50], classes=np.unique(NAMES))
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.coefs_[-1].shape == (5, 3)
    first = dr.MLPClassifier(**SETTINGS)
    first.partial_fit(X_IRIS, NAMES, classes=np.unique(NAMES))
    assert same_weights(model.partial_fit(X_IRIS, NAMES), first)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        dr.MLPClassifier(**SETTINGS).initialize(X_IRIS, NAMES, classes=["setosa", "virginica"])


def test_parameters_are_checked() -> None:
    with pytest.raises(InvalidParameterError, match="The 'max_iter' parameter of MLPRegressor"):
        dr.MLPRegressor(max_iter=0).initialize(X_IRIS, SOME)


def test_several_starts_go_on_from_the_first() -> None:
    model = dr.MLPRegressor(n_init=4, warm_start=True, **SETTINGS).initialize(X_IRIS, SOME)
    one = dr.MLPRegressor(**SETTINGS).fit(X_IRIS, SOME)
    assert same_weights(model.fit(X_IRIS, SOME), one)


def test_a_file_keeps_the_start(tmp_path: Any) -> None:
    model = dr.MLPClassifier(**SETTINGS).initialize(X_IRIS, Y_IRIS)
    dr.save(model, tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    assert same_weights(again, model)
    assert again.loss_curve_ == []


# ---------------------------------------------------------------- set_weights


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_are_copied_and_predictions_use_them(dtype: Any) -> None:
    X = X_DIABETES.astype(dtype)
    model = dr.MLPRegressor(hidden_layer_sizes=(), max_iter=2).fit(X, Y_DIABETES)
    bias = model.intercepts_[0].copy()
    given = np.arange(10).reshape(10, 1)
    assert model.set_weights([given]) is model
    given[:] = 7
    assert model.coefs_[0].dtype == dtype
    np.testing.assert_array_equal(model.coefs_[0].ravel(), np.arange(10))
    np.testing.assert_array_equal(model.intercepts_[0], bias)
    np.testing.assert_allclose(model.predict(X), X @ np.arange(10) + bias, atol=1e-5)
    model.set_weights(((given * 0.5),), ([3],))
    np.testing.assert_allclose(model.predict(X), 3.5 * X.sum(axis=1) + 3, rtol=1e-4, atol=1e-5)
    assert model.predictor()(X[0]) == pytest.approx(float(model.predict(X[:1])[0]), rel=1e-5)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_starts_from_them(call: str) -> None:
    rng = np.random.default_rng(0)
    coefs, intercepts = [rng.normal(size=(4, 5)), rng.normal(size=(5, 3))], [np.ones(5), np.ones(3)]
    model = dr.MLPClassifier(warm_start=True, **SETTINGS).initialize(X_IRIS, Y_IRIS)
    model.set_weights(coefs, intercepts)
    before = model._vector.copy()
    plan = dr.TrainingPlan(
        optimizer=dr.Adam(),
        learning_rate_init=0.001,
        batch_size=150,
        max_epochs=6 if call == "fit" else 1,
        sampling="shuffle",
        penalty=dr.L2(1e-4),
        key=model._memory.key,
        incremental=call == "partial_fit",
    )
    start = dr.Parameters(model._network, before)
    expected = dr.train(model._network, start, X_IRIS, np.eye(3)[Y_IRIS], plan)
    getattr(model, call)(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(model._vector, expected.parameters.vector)


def test_assigned_attributes_do_the_same() -> None:
    models = [dr.MLPRegressor(warm_start=True, **SETTINGS).fit(X_IRIS, SOME) for _ in range(2)]
    coefs = [coef * 0.5 for coef in models[0].coefs_]
    models[0].set_weights(coefs)
    models[1].coefs_ = coefs
    assert same_weights(*(model.fit(X_IRIS, SOME) for model in models))


SHAPE = " It is what the widths of the layers ask for."


@pytest.mark.parametrize(
    ("coefs", "intercepts", "kind", "words"),
    [
        (
            [np.ones((4, 5))],
            None,
            InvalidShapeError,
            (
                "coefs must hold 2 arrays, one for each layer of weights (got 1). They are laid "
                "out as in coefs_."
            ),
        ),
        (
            None,
            None,
            InvalidShapeError,
            (
                "coefs must hold 2 arrays, one for each layer of weights (got None). They are laid "
                "out as in coefs_."
            ),
        ),
        (
            [np.ones((4, 5)), np.ones((5, 3))],
            [np.ones(5)],
            InvalidShapeError,
            (
                "intercepts must hold 2 arrays, one for each layer of weights (got 1). They are "
                "laid out as in intercepts_."
            ),
        ),
        (
            [np.ones((4, 5)), np.ones((3, 5))],
            None,
            InvalidShapeError,
            "coefs[1] must have shape (5, 3) (got (3, 5))." + SHAPE,
        ),
        (
            [np.ones((4, 5)), np.ones((5, 3))],
            [np.ones((5, 1)), np.ones(3)],
            InvalidShapeError,
            "intercepts[0] must have shape (5,) (got (5, 1))." + SHAPE,
        ),
        (
            [np.ones((4, 5)), np.full((5, 3), "a")],
            None,
            InvalidShapeError,
            (
                "coefs[1] must be an array of real numbers (got <U1). Give it the shape and the "
                "kind of numbers of the fitted one."
            ),
        ),
        (
            [[[1, 2], [3]], np.ones((5, 3))],
            None,
            InvalidShapeError,
            (
                "coefs[0] must be an array of real numbers (got object). Give it the shape and the "
                "kind of numbers of the fitted one."
            ),
        ),
        (
            [np.ones((4, 5)), np.full((5, 3), np.inf)],
            None,
            NonFiniteError,
            "coefs[1] must be finite in float32 (got inf at (0, 0)). Give finite numbers.",
        ),
        (
            [np.ones((4, 5)), np.full((5, 3), 1e300)],
            None,
            NonFiniteError,
            "coefs[1] must be finite in float32 (got 1e+300 at (0, 0)). Give finite numbers.",
        ),
    ],
)
def test_weights_that_do_not_fit(coefs: Any, intercepts: Any, kind: Any, words: str) -> None:
    model = dr.MLPClassifier(**SETTINGS).fit(X_IRIS.astype(np.float32), Y_IRIS)
    before = model._vector.copy()
    with pytest.raises(kind) as caught:
        model.set_weights(coefs, intercepts)
    assert str(caught.value) == words
    np.testing.assert_array_equal(model._vector, before)


def test_biases_of_a_network_without() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(), fit_intercept=False).fit(X_IRIS, SOME)
    model.set_weights([np.ones((4, 1))], [np.zeros(1)])
    np.testing.assert_allclose(model.predict(X_IRIS), X_IRIS.sum(axis=1))
    with pytest.raises(InvalidParameterError) as caught:
        model.set_weights([np.ones((4, 1))], [np.ones(1)])
    assert str(caught.value) == (
        "intercepts[0] must be zeros with fit_intercept=False (got [1.]). Assign zeros, or fit "
        "with fit_intercept=True."
    )


def test_before_there_are_weights() -> None:
    with pytest.raises(NotFittedError):
        dr.MLPRegressor().set_weights([np.ones((4, 1))])

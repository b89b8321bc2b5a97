"""`class_weight` and `label_smoothing` of `MLPClassifier`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

import deltarule as dr
from deltarule.estimators import base, class_weights
from deltarule.estimators.targets import ClassCode
from deltarule.exceptions import InvalidParameterError, NonFiniteError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS, Y_IRIS = X_IRIS[:120], Y_IRIS[:120]  # 50, 50 and 20 rows
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
LABELS = np.column_stack([Y_IRIS == 0, Y_IRIS > 0, Y_IRIS == 2]).astype(int)
SOME = np.linspace(0.1, 2, 120)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 6, "random_state": 0}


def same_weights(one: Any, other: Any) -> bool:
    parts = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return all(np.array_equal(a, b) for a, b in parts)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The target, sample weights and validation rows of every training to come."""
    seen: list[Any] = []

    def train(network: Any, start: Any, X: Any, D: Any, plan: Any, **settings: Any) -> Any:
        seen.append((D, settings["sample_weight"], settings["validation"]))
        return dr.train(network, start, X, D, plan, **settings)

    monkeypatch.setattr(base, "train", train)
    return seen


# ---------------------------------------------------------------- class_weight


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (Y_IRIS, "balanced"),
        (NAMES, "balanced"),
        (NAMES.astype(object), "balanced"),
        (Y_IRIS, {0: 1, 1: 0.5, 2: 7}),
        (Y_IRIS, {2: 7}),
        (Y_IRIS, {0: 1.0, 1: 2.0, 2: 3.0, 9: 5.0}),
        (NAMES, {"virginica": 7.0}),
        (Y_IRIS == 2, "balanced"),
        (Y_IRIS == 2, {True: 3}),
        (Y_IRIS * 1.0, {2.0: 4.0}),
        (np.zeros(120, dtype=int), "balanced"),
        (Y_IRIS, {}),
        (LABELS, "balanced"),
        (LABELS, [{0: 1, 1: 5}, {1: 2}, {0: 0.5}]),
        (sparse.csr_array(LABELS), "balanced"),
    ],
)
def test_weights_are_those_of_compute_sample_weight(
    y: Any, class_weight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch)
    model = dr.MLPClassifier(class_weight=class_weight, **SETTINGS)
    expected = compute_sample_weight(class_weight, y)
    model.fit(X_IRIS, y)
    np.testing.assert_allclose(seen[0][1], expected, rtol=1e-15)
    if class_weight != "balanced":
        model.fit(X_IRIS, y, sample_weight=SOME)
        np.testing.assert_allclose(seen[1][1], expected * SOME, rtol=1e-15)


@pytest.mark.parametrize("y", [Y_IRIS, LABELS])
def test_balance_counts_a_row_of_weight_two_twice(y: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watched(monkeypatch)
    weight = np.arange(120) % 3
    dr.MLPClassifier(class_weight="balanced", **SETTINGS).fit(X_IRIS, y, weight)
    repeated = compute_sample_weight("balanced", np.repeat(y, weight, axis=0))
    found = np.repeat(seen[0][1] / np.maximum(weight, 1), weight)
    np.testing.assert_allclose(found, repeated, rtol=1e-15)


def test_half_a_class_is_no_other_class() -> None:
    """scikit-learn takes the class 0.5 for the class 0."""
    code = ClassCode(np.array([0.0, 0.5]), False, 1, 0.0, 1.0)
    found = class_weights.of_rows({0.0: 1.0, 0.5: 3.0}, code, np.array([0.0, 0.5, 0.5]))
    assert found.tolist() == [1.0, 3.0, 3.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_fit_is_that_with_the_same_sample_weights(dtype: Any) -> None:
    X = X_IRIS.astype(dtype)
    weights = {0: 1.0, 1: 0.25, 2: 4.0}
    by_class = dr.MLPClassifier(class_weight=weights, standardize="inputs", **SETTINGS)
    by_row = clone(by_class).set_params(class_weight=None)
    by_class.fit(X, Y_IRIS)
    by_row.fit(X, Y_IRIS, sample_weight=compute_sample_weight(weights, Y_IRIS))
    assert same_weights(by_class, by_row)
    assert by_class.coefs_[0].dtype == dtype
    assert not same_weights(by_class, clone(by_row).fit(X, Y_IRIS))


def test_partial_fit_takes_a_dict() -> None:
    weights = {0: 1.0, 1: 0.0, 2: 4.0}
    by_class = dr.MLPClassifier(class_weight=weights, **SETTINGS)
    by_row = clone(by_class).set_params(class_weight=None)
    for rows in (slice(60), slice(60, 61), slice(61, 120)):
        X, y = X_IRIS[rows], Y_IRIS[rows]
        by_class.partial_fit(X, y, classes=[0, 1, 2])
        by_row.partial_fit(X, y, compute_sample_weight(weights, y), classes=[0, 1, 2])
    assert same_weights(by_class, by_row)


def test_rows_that_are_held_back_are_weighted_and_given_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in scikit-learn's HistGradientBoostingClassifier."""
    seen = watched(monkeypatch)
    weights = {0: 2.0, 1: 3.0, 2: 5.0}
    model = dr.MLPClassifier(class_weight=weights, early_stopping=True, **SETTINGS)
    model.fit(X_IRIS, Y_IRIS)
    rows = seen[0][2]
    np.testing.assert_array_equal(rows.sample_weight, rows.D @ [2.0, 3.0, 5.0])
    model.fit(X_IRIS, Y_IRIS, X_val=X_IRIS[::7], y_val=Y_IRIS[::7])
    assert seen[1][2].sample_weight is None
    weight = SOME[::7]
    model.fit(X_IRIS, Y_IRIS, X_val=X_IRIS[::7], y_val=Y_IRIS[::7], sample_weight_val=weight)
    np.testing.assert_array_equal(seen[2][2].sample_weight, weight)


def test_the_rare_class_is_found() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(0, 1, (950, 2)), rng.normal(1, 1, (50, 2))])
    y = np.repeat([0, 1], [950, 50])
    model = dr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
    assert model.predict(X)[950:].mean() < 0.2
    assert model.set_params(class_weight="balanced").fit(X, y).predict(X)[950:].mean() > 0.6


@pytest.mark.parametrize(
    ("y", "class_weight", "words"),
    [
        (
            Y_IRIS,
            {0: 1, 3: 5},
            (
                "The classes, [1, 2], are not in class_weight: class_weight must name classes of y "
                "(got [3], which y has not). Correct their names, or give every class a weight."
            ),
        ),
        (
            Y_IRIS,
            {1: -1},
            (
                "class_weight[1] must be a finite number of at least 0 (got -1). Give the weight "
                "of a row of this class."
            ),
        ),
        (
            Y_IRIS,
            {1: "5"},
            (
                "class_weight[1] must be a finite number of at least 0 (got '5'). Give the weight "
                "of a row of this class."
            ),
        ),
        (
            Y_IRIS,
            {0: 0, 1: 0, 2: 0},
            (
                "class_weight must leave a row with a weight above 0 (got {0: 0, 1: 0, 2: 0}, "
                "which makes them all 0). Give a class of these rows a weight above 0."
            ),
        ),
        (
            Y_IRIS[:50],
            {0: 0, 1: 5},
            (
                "class_weight must leave a row with a weight above 0 (got {0: 0, 1: 5}, which "
                "makes them all 0). Give a class of these rows a weight above 0."
            ),
        ),
        (
            Y_IRIS,
            [{0: 1}],
            (
                "class_weight must be a dict or 'balanced' for one column of classes (got a list "
                "of 1). Give its dict without the list."
            ),
        ),
        (
            LABELS,
            {0: 1, 1: 5},
            (
                "For multi-output, class_weight should be a list of dicts, or the string "
                "'balanced' (got one dict for 3 labels). Write [{0: 1, 1: 5}, …], a dict for each "
                "label."
            ),
        ),
        (
            LABELS,
            [{0: 1, 1: 5}],
            (
                "For multi-output, number of elements in class_weight should match number of "
                "outputs. Got 1 element(s) while having 3 outputs. Give one dict for each label."
            ),
        ),
        (
            LABELS,
            [{0: 1}, {1: float("inf")}, {}],
            (
                "class_weight[1][1] must be a finite number of at least 0 (got inf). Give the "
                "weight of a row of this class."
            ),
        ),
        (
            LABELS,
            [{0: 1}, 3, {}],
            (
                "class_weight[1] must be a dict from class to weight (got 3). Write {0: 1, 1: 5} "
                "for each label."
            ),
        ),
        (
            LABELS,
            [{0: 1}, {2: 3}, {}],
            (
                "The classes, [0, 1], are not in class_weight: class_weight[1] must name classes "
                "of y (got [2], which y has not). Correct their names, or give every class a "
                "weight."
            ),
        ),
    ],
)
def test_class_weights_that_make_no_sense(y: Any, class_weight: Any, words: str) -> None:
    model = dr.MLPClassifier(class_weight=class_weight, **SETTINGS)
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(X_IRIS[: len(y)], y)
    assert str(caught.value) == words
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(
    ("dtype", "weight", "largest"), [(np.float64, 1e308, "1e+308"), (np.float32, 1e39, "1e+39")]
)
def test_class_weights_that_cannot_be_added_up(dtype: Any, weight: float, largest: str) -> None:
    model = dr.MLPClassifier(class_weight={0: weight, 1: 1, 2: 1}, **SETTINGS)
    with pytest.raises(NonFiniteError) as caught:
        model.fit(X_IRIS.astype(dtype), Y_IRIS)
    assert str(caught.value) == (
        f"class_weight must give weights whose sum is finite in {dtype.__name__} (got weights up "
        f"to {largest}). Divide them all by the largest."
    )
    assert not hasattr(model, "coefs_")


def test_balanced_classes_in_a_stream() -> None:
    """With the remedy that it names."""
    model = dr.MLPClassifier(class_weight="balanced", **SETTINGS)
    with pytest.raises(InvalidParameterError) as caught:
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert str(caught.value) == (
        "class_weight 'balanced' is not supported for partial_fit. In order to use 'balanced' "
        "weights, use compute_class_weight('balanced', classes=classes, y=y). In place of y you "
        "can use a large enough sample of the full training set target to properly estimate the "
        "class frequency distributions. Pass the resulting weights as the class_weight parameter "
        "(got class_weight='balanced'). Make it a dict: dict(zip(classes, weights))."
    )
    classes = np.arange(3)
    weights = compute_class_weight("balanced", classes=classes, y=Y_IRIS)
    model.set_params(class_weight=dict(zip(classes, weights, strict=True)))
    model.partial_fit(X_IRIS, Y_IRIS, classes=classes)
    assert model.t_ == 120


# ---------------------------------------------------------------- label_smoothing


@pytest.mark.parametrize(
    ("y", "settings", "off", "on"),
    [
        (Y_IRIS, {}, 0.1, 0.8),  # K = 3
        (Y_IRIS == 2, {}, 0.15, 0.85),  # one logistic unit
        (Y_IRIS == 2, {"output_activation": "softmax"}, 0.15, 0.85),
        (LABELS, {}, 0.15, 0.85),
        (Y_IRIS, {"loss": "squared_error"}, 0.1, 0.8),
        (Y_IRIS, {"output_activation": "logistic"}, 0.1, 0.8),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_training_targets_are_smoothed_and_those_that_judge_are_not(
    y: Any, settings: Any, off: float, on: float, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch)
    model = dr.MLPClassifier(label_smoothing=0.3, **settings, **SETTINGS)
    X = X_IRIS.astype(dtype)
    model.fit(X, y, X_val=X[::5], y_val=y[::5])
    D, _, validation = seen[0]
    hard = model._code.encode(y, dtype)
    assert D.dtype == dtype
    np.testing.assert_allclose(D, np.where(hard == 1, on, off), rtol=1e-6)
    np.testing.assert_array_equal(validation.D, hard[::5])
    model.partial_fit(X, y)
    np.testing.assert_array_equal(seen[1][0], D)


def test_none_is_no_smoothing_bit_for_bit() -> None:
    plain, none = (dr.MLPClassifier(**more, **SETTINGS) for more in ({}, {"label_smoothing": 0}))
    assert same_weights(plain.fit(X_IRIS, Y_IRIS), none.fit(X_IRIS, Y_IRIS))


def test_scores_and_classes_are_right_for_any_share() -> None:
    """With 0.9 of the target given away, 10 classes have targets of 0.19 and 0.09."""
    centres = 4 * np.random.default_rng(0).normal(size=(10, 6))
    y = np.repeat(np.arange(10), 20)
    X = centres[y] + np.random.default_rng(1).normal(size=(200, 6))
    model = dr.MLPClassifier((16,), label_smoothing=0.9, learning_rate_init=0.02, random_state=0)
    model.set_params(early_stopping=dr.EarlyStopping(0.2, patience=30)).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.best_validation_score_ > 0.9
    assert model.predict_proba(X).max(axis=1).mean() == pytest.approx(0.19, abs=0.02)
    two = dr.MLPClassifier((), solver="lbfgs", alpha=0, label_smoothing=0.9, random_state=0)
    two.fit(X, y > 4, X_val=X, y_val=y > 4)
    assert two.score(X, y > 4) == two.validation_scores_[-1] > 0.6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "perceptron"}, "loss 'perceptron' with output activation 'sign'"),
        (
            {"loss": "squared_error", "output_activation": "tanh"},
            "loss 'squared_error' with output activation 'tanh'",
        ),
        (
            {"loss": dr.losses.Huber(), "output_activation": dr.activations.Sign()},
            "loss 'huber' with output activation 'sign'",
        ),
    ],
)
def test_smoothing_without_shares(settings: Any, words: str) -> None:
    model = dr.MLPClassifier((), label_smoothing=0.1, **settings)
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        f"label_smoothing must be 0 where the targets of classes are -1 and 1, as for {words} (got "
        "label_smoothing=0.1): there is no share of a class to give away. Take loss='log_loss'."
    )
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("value", [1.0, -0.1, "0.1", None, float("nan")])
def test_shares_out_of_range(value: Any) -> None:
    remedy = "in that range" if isinstance(value, float) else "of that kind"
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier(label_smoothing=value).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        "The 'label_smoothing' parameter of MLPClassifier must be a float in the range [0.0, 1.0). "
        f"Got {value!r} instead. Choose a value {remedy}."
    )


# ---------------------------------------------------------------- in a file


@pytest.mark.parametrize(
    ("y", "class_weight"),
    [
        (Y_IRIS, {0: 1, 1: 2.5}),
        (NAMES, {"setosa": 3.0}),
        (Y_IRIS, "balanced"),
        (LABELS, [{0: 1, 1: 5}, {1: 2}, {}]),
    ],
)
def test_a_file_keeps_them(y: Any, class_weight: Any, tmp_path: Any) -> None:
    model = dr.MLPClassifier(class_weight=class_weight, label_smoothing=0.2, **SETTINGS)
    dr.save(model.fit(X_IRIS, y), tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    assert again.get_params() == model.get_params()
    assert same_weights(again.fit(X_IRIS, y), model)


def test_a_class_of_weight_0_is_as_if_its_rows_were_not_there() -> None:
    X, y = X_IRIS, np.where(Y_IRIS == 2, "c", np.where(Y_IRIS == 1, "b", "a"))
    settings: dict[str, Any] = {"max_iter": 3, "random_state": 0, "batch_size": len(X)}
    left_out = dr.MLPClassifier((4,), class_weight={"a": 0}, **settings).fit(X, y)
    weighed = dr.MLPClassifier((4,), **settings).fit(X, y, np.where(y == "a", 0.0, 1.0))
    np.testing.assert_array_equal(left_out.coefs_[0], weighed.coefs_[0])

"""Scorers as judges: what does not suit is refused before the work, or told in words after it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

import deltarule as dr
from deltarule.exceptions import InvalidParameterError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("answer", [np.nan, -np.inf, None, np.zeros(2)])
def test_a_scorer_that_gives_no_number_is_named(answer: Any) -> None:
    rule = dr.EarlyStopping(scorer=lambda estimator, X, y: answer)
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier((3,), early_stopping=rule, max_iter=3).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        f"the scorer of early_stopping must return a finite number (got {answer!r} for finite "
        "predictions). Return one number, where more is better."
    )


UNSUITABLE = (
    "the scorer {!r} of early_stopping must suit the target and what is predicted of it (got from "
    "it: {}). Choose another, or None for the usual one."
)
WORDS = np.array(["a", "b"])[(X_IRIS[:, 2] > 3).astype(int)]
SCORERS = [
    (dr.MLPClassifier, WORDS, "r2", "could not convert string to float: "),
    (dr.MLPClassifier, WORDS, "f1", "pos_label=1 is not a valid label"),
    (dr.MLPClassifier, Y_IRIS, "roc_auc", "multi_class must be in ('ovo', 'ovr')"),
    (dr.MLPClassifier, Y_IRIS, "f1", "Target is multiclass but average='binary'"),
    (dr.MLPRegressor, X_IRIS[:, 0], "accuracy", "continuous is not supported"),
    (dr.MLPRegressor, Y_IRIS, "accuracy", "Classification metrics can't handle"),
    (
        dr.MLPRegressor,
        X_IRIS[:, 0],
        "neg_log_loss",
        "MLPRegressor has none of the following attributes: predict_proba",
    ),
]


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(("kind", "y", "name", "says"), SCORERS)
def test_a_scorer_that_does_not_suit_is_refused_before_the_first_epoch(
    kind: Any, y: Any, name: str, says: str, given: bool
) -> None:
    seen: list[Any] = []
    model = kind(early_stopping=dr.EarlyStopping(0.3, scorer=name), max_iter=3, random_state=0)
    model.set_params(hidden_layer_sizes=(3,))
    model._observer = seen.append
    rows = {"X_val": X_IRIS, "y_val": y} if given else {}
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(X_IRIS, y, **rows)
    front, back = UNSUITABLE.format(name, "|").split("|")
    assert str(caught.value).startswith(front + says)
    assert str(caught.value).endswith(back)
    assert not seen
    assert not hasattr(model, "coefs_")


def test_a_scorer_that_predictions_do_not_suit_is_named_after_their_epoch() -> None:
    rule = dr.EarlyStopping(scorer="neg_mean_poisson_deviance")
    model = dr.MLPRegressor("poisson", (), early_stopping=rule, max_iter=3, random_state=0)
    assert len(model.fit(X_IRIS, X_IRIS[:, 0]).validation_scores_) == 3
    model.set_params(loss="squared_error", learning_rate_init=10.0, solver="sgd", momentum=0)
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(-X_IRIS, np.r_[1.0, np.zeros(149)])
    assert str(caught.value) == UNSUITABLE.format(
        rule.scorer,
        "Mean Tweedie deviance error with power=1 can only be used on non-negative y and strictly "
        "positive y_pred",
    )


def test_a_scorer_of_classes_judges_a_regressor_with_signs() -> None:
    rule = dr.EarlyStopping(0.3, scorer="accuracy")
    model = dr.MLPRegressor("perceptron", (), early_stopping=rule, max_iter=3, random_state=0)
    signs = np.where(WORDS == "a", -1, 1)
    assert len(model.fit(X_IRIS, signs).validation_scores_) == 3


def test_a_named_scorer_without_a_number_is_told_as_one_that_does_not_suit() -> None:
    rule = dr.EarlyStopping(scorer="roc_auc")
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier((3,), early_stopping=rule, max_iter=3).fit(
            X_IRIS, WORDS, X_val=X_IRIS[:5], y_val=WORDS[:5]
        )
    assert str(caught.value) == UNSUITABLE.format("roc_auc", "nan")


def test_a_name_that_is_no_scorer() -> None:
    rule = dr.EarlyStopping(scorer="nonsense")
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier((3,), early_stopping=rule, max_iter=3).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        "'nonsense' is not a valid scoring value. Use sklearn.metrics.get_scorer_names() to get "
        "valid options. scorer of early_stopping must be one of these names, 'loss', a function "
        "or None (got 'nonsense'). None takes the usual one."
    )


FRAME = pd.DataFrame(X_IRIS, columns=list("abcd"), index=np.arange(150) * 10)
BOTH_COLUMNS = pd.DataFrame({"kind": WORDS, "length": X_IRIS[:, 0]}, index=FRAME.index)
KINDS = [
    (dr.MLPClassifier, Y_IRIS),
    (dr.MLPRegressor, X_IRIS[:, 0]),
    (dr.MultiTaskMLP, BOTH_COLUMNS.mask(np.tile(np.arange(150)[:, np.newaxis] % 7 == 0, 2))),
]


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_a_scorer_sees_the_frame_that_came(kind: Any, y: Any, given: bool) -> None:
    """Its rows, with their names and index, and may ask for the whole of it."""
    seen: list[Any] = []

    def scorer(estimator: Any, X: Any, y_held: Any) -> float:
        pd.testing.assert_frame_equal(X, FRAME.loc[X.index])
        if kind is dr.MultiTaskMLP:
            assert X.index.equals(y_held.index)
            assert isinstance(estimator.predict(X), pd.DataFrame)
        else:
            np.testing.assert_array_equal(y_held, pd.Series(y, FRAME.index).loc[X.index])
        estimator.hidden_activations(X)
        seen.append(np.asarray(estimator.predict(X.copy()) == estimator.predict(X)))
        return float(estimator.score(FRAME, y))

    model = kind(early_stopping=dr.EarlyStopping(0.3, scorer=scorer), max_iter=3, random_state=0)
    rows = {"X_val": FRAME, "y_val": y} if given else {}
    model.fit(FRAME, y, **rows)
    assert len(seen) == 3
    assert np.all(seen)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_scorer_sees_arrays_and_frames_of_others_as_they_are() -> None:
    kinds: list[Any] = []

    def scorer(estimator: Any, X: Any, y: Any) -> float:
        kinds.append(type(X))
        return float(estimator.score(X, y))

    rule = dr.EarlyStopping(0.3, scorer=scorer)
    for X in (X_IRIS, sparse.csr_array(X_IRIS), pl.DataFrame(X_IRIS, schema=list("abcd"))):
        dr.MLPClassifier((3,), early_stopping=rule, max_iter=1).fit(X, Y_IRIS)
        assert kinds.pop() is type(X)


@pytest.mark.parametrize("named", [False, True])
def test_a_scorer_is_not_warned_again_of_what_fit_was_warned_of(named: bool) -> None:
    """Of rows that judge, and have names where those to train on have none."""
    rule = dr.EarlyStopping(scorer="accuracy")
    model = dr.MLPClassifier((3,), early_stopping=rule, loss="perceptron", max_iter=5)
    X, X_val = (FRAME, X_IRIS) if named else (X_IRIS, FRAME)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, Y_IRIS, X_val=X_val, y_val=Y_IRIS)
    assert sum("feature names" in str(warning.message) for warning in told) == 1

"""Trained to the end, the best epoch kept: ``EarlyStopping(patience=None, ties="last")``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

import deltarule as dr

X, Y = load_iris(return_X_y=True)
ODD = np.arange(150) % 3 == 1
GIVEN: dict[str, Any] = {"X_val": X[ODD], "y_val": Y[ODD]}
#: Its accuracy has the same highest value in several epochs.
MODEL = dr.MLPClassifier((5,), learning_rate_init=0.02, max_iter=20, random_state=0)
RULES = {ties: dr.EarlyStopping(patience=None, ties=ties) for ties in ("first", "last")}


def fitted(model: Any) -> Any:
    return model.fit(X[~ODD], Y[~ODD], **GIVEN)


def places(scores: list[float]) -> dict[str, int]:
    best = np.flatnonzero(np.array(scores) == max(scores))
    assert len(best) > 1
    return {"first": int(best[0]), "last": int(best[-1])}


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("ties", RULES)
def test_all_epochs_are_trained_and_the_best_is_kept(ties: str, engine: str) -> None:
    model = clone(MODEL).set_params(early_stopping=RULES[ties], engine=engine)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # it ends as it was planned
        fitted(model)
    assert model.n_iter_ == 20
    assert model.stop_reason_ is dr.StopReason.MAX_EPOCHS
    assert model.best_epoch_ == places(model.validation_scores_)[ties] < 19
    short = clone(model).set_params(max_iter=model.best_epoch_ + 1, early_stopping=False)
    with pytest.warns(ConvergenceWarning):
        fitted(short)
    for got, expected in zip(model.coefs_, short.coefs_, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("ties", RULES)
def test_a_file_and_single_epochs_keep_the_same(ties: str, tmp_path: Any) -> None:
    whole = fitted(clone(MODEL).set_params(early_stopping=RULES[ties]))
    parts = clone(whole).set_params(warm_start=True, max_iter=1)
    for _ in range(20):
        dr.save(fitted(parts), tmp_path / "model")
        parts = dr.load(tmp_path / "model")
    assert parts.early_stopping == RULES[ties]
    assert parts.best_epoch_ == whole.best_epoch_
    for got, expected in zip(parts.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_fields_are_parameters_of_the_estimator() -> None:
    model = clone(MODEL).set_params(early_stopping=True, early_stopping__ties="last")
    model.set_params(early_stopping__patience=None)
    assert model.early_stopping == RULES["last"]
    assert model.get_params()["early_stopping__ties"] == "last"
    # scikit-learn's word for the same patience is no contradiction.
    fitted(model.set_params(n_iter_no_change=np.inf, max_iter=2))
    with pytest.raises(dr.exceptions.InvalidParameterError, match="n_iter_no_change=3"):
        fitted(model.set_params(n_iter_no_change=3))


def test_endless_patience_by_scikit_learns_name_is_the_same() -> None:
    flat = clone(MODEL).set_params(early_stopping=True, n_iter_no_change=np.inf)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fitted(flat)
    assert flat.best_epoch_ == places(flat.validation_scores_)["first"]

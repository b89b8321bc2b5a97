"""scikit-learn's estimator checks for parameters drawn over the whole space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampled_parameters import OF_CLASSES, TABLE, sampled
from sklearn.utils.estimator_checks import check_estimator

import deltarule as dr
from deltarule.definitions import choose
from deltarule.engines import compiled_available
from deltarule.exceptions import NonFiniteError
from deltarule.schedules import SCHEDULES

ENGINES = ("reference", "compiled") if compiled_available() else ("reference",)

pytestmark = pytest.mark.filterwarnings("ignore")  # what drawn parameters deserve

WEIGHTS = [f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")]
SECOND_FITS = ["check_supervised_y_2d", "check_classifiers_multilabel_representation_invariance"]
STREAMS = [
    "check_estimators_partial_fit_n_features",
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
]
FEW_ROWS = [
    "check_classifiers_one_label",
    "check_estimators_nan_inf",
    "check_fit2d_1feature",
    "check_regressors_no_decision_function",
]


def expected(model: Any) -> dict[str, str]:
    """Checks that such parameters cannot pass, with the reason.

    Those of ``warm_start`` and ``early_stopping`` fail with scikit-learn's own classes too.
    """
    reasons: dict[str, str] = {}
    if model.warm_start:
        reasons |= dict.fromkeys(SECOND_FITS, "a second fit goes on from the first")
    if model.early_stopping:
        reasons |= dict.fromkeys(STREAMS, "partial_fit has no rows to hold back")
        reasons |= dict.fromkeys(FEW_ROWS, "of ten rows there are too few to hold back")
        reasons |= dict.fromkeys(WEIGHTS, "rows are held back, not weights")
    if choose(model.learning_rate, SCHEDULES, "learning_rate").needs_horizon:
        reasons |= dict.fromkeys(STREAMS, "a stream has no end that the schedule could count on")
    if model.batch_size != "auto":
        reasons |= dict.fromkeys(WEIGHTS, "small batches meet a doubled row in two steps")
    if model.sampling == "replacement":
        reasons |= dict.fromkeys(WEIGHTS, "rows are drawn, not weights")
    if isinstance(model.early_stopping, dr.EarlyStopping):
        reason = "the check sets n_iter_no_change, which the object has a setting of its own for"
        reasons["check_class_weight_classifiers"] = reason
    if model.learning_rate == "invscaling":
        reasons |= dict.fromkeys(WEIGHTS, "scikit-learn's step size goes by the rows that were met")
    if np.any(model.dropout):
        reasons |= dict.fromkeys(WEIGHTS, "units drop out row by row")
    if model.normalization == "batch":
        reasons |= dict.fromkeys(WEIGHTS, "the statistics of a batch count rows, not weights")
        reasons |= dict.fromkeys(STREAMS, "a stream of single rows has no batch to normalize by")
    return reasons


def _failures(number: int) -> dict[str, str]:
    model, _ = sampled(number, ENGINES)
    results = check_estimator(
        model, on_fail=None, on_skip=None, expected_failed_checks=expected(model)
    )
    assert len(results) > 50
    return {
        result["check_name"]: repr(result["exception"])[:500]
        for result in results
        if result["status"] == "failed" and not _diverged(model, result["exception"])
    }


def _diverged(model: Any, problem: Exception) -> bool:
    """Rows and targets of some checks lie around 100: unscaled, steps diverge, and it is said."""
    return model.standardize != "both" and isinstance(problem, NonFiniteError)


@pytest.mark.parametrize("number", range(10))
def test_estimator_checks(number: int) -> None:
    assert _failures(number) == {}


@pytest.mark.long
@pytest.mark.parametrize("number", range(10, 200))
def test_more_estimator_checks(number: int) -> None:
    assert _failures(number) == {}


def test_the_table_names_every_parameter() -> None:
    """A new parameter is drawn too, or says here why not."""
    # In the sampler, which knows the kind; by dicts of the checks' own classes; beside rows to
    # judge, which partial_fit has not.
    elsewhere = {"loss", "engine", *OF_CLASSES, "class_weight", "calibrate"}
    fixed = {"max_iter", "random_state", "verbose"}  # for speed, by the checks, for silence
    for kind in (dr.MLPClassifier, dr.MLPRegressor):
        assert set(kind().get_params()) <= set(TABLE) | elsewhere | fixed
    assert set(TABLE) <= set(dr.MLPClassifier().get_params()) | set(dr.MLPRegressor().get_params())


def test_the_sets_are_those_of_their_numbers_and_seldom_refused() -> None:
    draws = [sampled(number, ENGINES) for number in range(6)]
    again = [sampled(number, ENGINES) for number in range(6)]
    assert [repr(model) for model, _ in draws] == [repr(model) for model, _ in again]
    assert len({repr(model) for model, _ in draws}) == 6
    assert sum(refused for _, refused in draws) < 6  # one of three or four is

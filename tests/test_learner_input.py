"""Learners: rows, targets, weights and estimators that they refuse, word for word."""

import copy
import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from test_learner import ENGINES, LABELS, SCORE, THREE, X, assert_same, started, stream

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError

A_ROW = (
    "x must be a row of 4 numbers (got {}). Give the columns that fit had, in their order; "
    "partial_fit takes many rows."
)
REAL = (
    "{} must hold real numbers (got words). Encode words and dates as numbers, as the rows of fit "
    "were."
)
FINITE = (
    "{} must be finite, as float64 and standardized where the model does so (got {}). Leave the "
    "row out, or fill the hole first."
)
SPARSE = (
    "a learner takes dense rows (got a sparse csr_array). Use the estimator's partial_fit for "
    "sparse rows."
)
NONE = "{} must hold real numbers (got None among them). Fill the hole first, or leave the row out."
ONE = "target must be a number (got {}). Give one row of what fit was given as y."
POISSON = (
    "loss 'poisson' needs targets of at least 0 (got -1). Use 'squared_error' for targets of "
    "either sign."
)
REFUSED = [
    ([1.0, 2.0], 1.0, A_ROW.format("shape (2,)")),
    (X[:1], 1.0, A_ROW.format("shape (1, 4)")),
    ([1.0, [2.0], 3.0, 4.0], 1.0, A_ROW.format("rows of different lengths")),
    (None, 1.0, A_ROW.format("None")),
    (3.0, 1.0, A_ROW.format("shape ()")),
    ([0.0, None, 1.0, 2.0], 1.0, NONE.format("x")),
    (["a", "b", "c", "d"], 1.0, REAL.format("x")),
    (csr_array(X[:1]), 1.0, SPARSE),
    ([0.0, 1.0, np.nan, 2.0], 1.0, FINITE.format("x", "nan in column 2")),
    (np.array([0.0, -np.inf, 1.0, 2.0]), 1.0, FINITE.format("x", "-inf in column 1")),
    (X[0], np.nan, FINITE.format("target", "nan")),
    (X[0], "high", REAL.format("target")),
    (X[0], [1.0, 2.0], ONE.format("shape (2,)")),
    (X[0], None, ONE.format("None")),
    (X[0], [None], NONE.format("target")),
    (X[0], -1.0, POISSON),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("x", "target", "message"), REFUSED)
def test_bad_rows_are_refused_and_nothing_is_lost(x, target, message, engine):
    y = np.floor(np.abs(SCORE))
    model = started(dr.MLPRegressor, {"loss": "poisson"}, y, engine)
    learner, other = model.learner(), copy.deepcopy(model).learner()
    learner.step(X[0], 1.0)
    with pytest.raises((InvalidShapeError, NonFiniteError)) as caught:
        learner.step(x, target)
    assert str(caught.value) == message
    losses = [other.step(X[row], y[row]) if row else other.step(X[0], 1.0) for row in range(3)]
    assert [learner.step(X[row], y[row]) for row in (1, 2)] == losses[1:]
    assert_same(other.sync(), learner.sync())


A_CLASS = (
    "target must be one of the classes [0 1 2] (got {}). All classes are announced to the first "
    "fit, or by classes= to the first partial_fit."
)
ITS_LABELS = (
    "target must be a 0 or 1 for each of the 3 labels (got {}). Give the row of the matrix that "
    "partial_fit takes."
)
CLASS_TARGETS = [
    (THREE, 7, A_CLASS.format("7")),
    (THREE, [1], A_CLASS.format("[1]")),
    (THREE, np.nan, A_CLASS.format("nan")),
    (LABELS, [0, 1, 2], ITS_LABELS.format("[0, 1, 2]")),
    (LABELS, [0, 1], ITS_LABELS.format("[0, 1]")),
    (THREE, None, A_CLASS.format("None")),
    (LABELS, None, ITS_LABELS.format("None")),
    (LABELS, [0, None, 1], NONE.format("target")),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("y", "target", "message"), CLASS_TARGETS)
def test_targets_that_are_no_classes(y, target, message, engine):
    learner = stream(dr.MLPClassifier, {}, y, engine).learner()
    with pytest.raises((InvalidShapeError, InvalidParameterError)) as caught:
        learner.step(X[0], target)
    assert str(caught.value) == message


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "2", None])
def test_weights_that_are_none(weight):
    learner = started(dr.MLPRegressor, {}, SCORE).learner()
    with pytest.raises(InvalidParameterError) as caught:
        learner.step(X[0], 1.0, weight)
    assert str(caught.value) == (
        f"weight must be a finite number of at least 0 (got {weight!r}). 1 is a row's usual weight."
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_what_float32_cannot_hold_is_not_finite(engine):
    settings = {"standardize": None}
    learner = started(dr.MLPRegressor, settings, SCORE, engine, np.float32).learner()
    with pytest.raises(NonFiniteError, match=r"x must be finite, as float32 .* \(got 1e\+300 in"):
        learner.step([0.0, 1e300, 0.0, 0.0], 1.0)
    with pytest.raises(NonFiniteError, match=r"target must be finite, as float32 .*got -1e\+60\)"):
        learner.step(X[0], -1e60)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("solver", ["sgd", "adam", "momentum"])
def test_a_step_into_infinity_is_not_done(solver, engine):
    settings = {"solver": solver, "standardize": None, "alpha": 0.0}
    model = started(dr.MLPRegressor, settings, SCORE, engine)
    learner, other = model.learner(), copy.deepcopy(model).learner()
    for row in range(5):
        learner.step(X[row], SCORE[row])
        other.step(X[row], SCORE[row])
    with pytest.raises(NonFiniteError) as caught:
        learner.step([1e200] * 4, 1e200)
    assert str(caught.value) == (
        "step 6 of the learner made the loss or a weight non-finite. It was not done; the learner "
        "is as it was before it. Lower learning_rate_init (got 0.01), or standardize the inputs "
        "with standardize='inputs'."
    )
    losses = [other.step(X[row], SCORE[row]) for row in range(5, 30)]
    assert [learner.step(X[row], SCORE[row]) for row in range(5, 30)] == losses
    assert_same(other.sync(), learner.sync())


def test_estimators_that_have_no_learner():
    with pytest.raises(NotFittedError, match="This MLPRegressor instance is not fitted yet"):
        dr.MLPRegressor().learner()
    with pytest.raises(AttributeError) as caught:
        started(dr.MLPRegressor, {}, SCORE).set_params(solver="lbfgs").learner  # noqa: B018
    assert str(caught.value.__cause__) == (
        "learner is only available for stochastic optimizers. lbfgs is not stochastic."
    )
    model = started(dr.MLPRegressor, {}, SCORE).set_params(early_stopping=True)
    with pytest.raises(InvalidParameterError) as caught:
        model.learner()
    assert str(caught.value) == (
        "learner does not support early_stopping=True: it sees no validation rows (got "
        "early_stopping=True). Set early_stopping=False."
    )
    classes = started(dr.MLPClassifier, {}, THREE).set_params(class_weight="balanced")
    with pytest.raises(ValueError, match=r"class_weight 'balanced' is not supported for learner\."):
        classes.learner()
    with pytest.raises(ValueError, match=r"^learner does not support calibrate=True: it sees no"):
        classes.set_params(class_weight=None, calibrate=True).learner()
    with pytest.raises(InvalidParameterError, match="The 'alpha' parameter of MLPRegressor must"):
        model.set_params(early_stopping=False, alpha=-1.0).learner()


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_learners_are_neither_pickled_nor_copied(act):
    learner = started(dr.MLPRegressor, {}, SCORE).learner()
    assert repr(learner).startswith("Learner(4-5-1, float64, Adam(beta_1=0.9,")
    with pytest.raises(TypeError) as caught:
        act(learner)
    assert str(caught.value) == (
        "a Learner cannot be pickled or copied. Call sync(), and pickle or copy the estimator."
    )
    with pytest.raises(TypeError, match="the predictor of a learner cannot be pickled or copied"):
        act(learner.predict._frozen)

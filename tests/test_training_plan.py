"""Plans and rows that do not fit, word for word; and names for objects."""

import math

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.plans import TrainingPlan, Validation

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
NETWORK = dr.Network((3, 5, 2), ("tanh", "logistic"))
START = dr.initialize(NETWORK, seed=1)
X, D = np.ones((14, 3)), np.zeros((14, 2))
PLAN = TrainingPlan(max_epochs=1)

ERRORS = [
    (
        {"sampling": "random"},
        (
            "sampling must be one of 'replacement', 'shuffle', 'sequential' (got 'random'). "
            "'replacement' is the notes' way."
        ),
    ),
    (
        {"batch_size": 0},
        "batch_size must be an integer of at least 1 (got 0). Give the number of rows of one step.",
    ),
    (
        {"batch_size": 2.0},
        (
            "batch_size must be an integer of at least 1 (got 2.0). "
            "Give the number of rows of one step."
        ),
    ),
    (
        {"max_epochs": -1},
        (
            "max_epochs must be an integer of at least 0 (got -1). "
            "Give the number of passes over the rows."
        ),
    ),
    (
        {"learning_rate_init": 0.0},
        (
            "learning_rate_init must be a positive number (got 0.0). "
            "Start with 0.001 for Adam or 0.1 for plain SGD."
        ),
    ),
    (
        {"learning_rate_init": math.inf},
        (
            "learning_rate_init must be a positive number (got inf). "
            "Start with 0.001 for Adam or 0.1 for plain SGD."
        ),
    ),
    *(
        (
            {"patience": value},
            (
                f"patience must be None or an integer of at least 0 (got {value!r}). Give the "
                "number of epochs without improvement that are borne; None bears any number."
            ),
        )
        for value in (-1, 2.0, True)
    ),
    *(
        (
            {"key": value},
            f"key must be an integer from 0 to 2**64 - 1 (got {value!r}). Choose any of them.",
        )
        for value in (-1, 2**64, 1.0, None)
    ),
]


@pytest.mark.parametrize(("changes", "message"), ERRORS)
def test_errors_word_for_word(changes, message):
    with pytest.raises(InvalidParameterError) as caught:
        TrainingPlan(**changes)
    assert str(caught.value) == message


def test_names_stand_for_objects():
    named = TrainingPlan(optimizer="adam", schedule="cosine", penalty="l2")
    assert named == TrainingPlan(optimizer=dr.Adam(), schedule=dr.Cosine(), penalty=dr.L2())
    function = TrainingPlan(schedule=lambda t: 0.5**t).schedule
    assert function.factors(dr.schedules.Clock(1, 0, 5, 5, 0), 2).tolist() == [0.5, 0.25]


@pytest.mark.parametrize("name", ["optimizer", "schedule", "penalty"])
def test_unknown_names_say_where_they_came(name):
    with pytest.raises(InvalidParameterError, match=f"^{name} must be one of "):
        TrainingPlan(**{name: "fast"})


ROWS = [
    (X[:, :2], D, None, ("X must have shape (rows, 3) (got (14, 2)). "
     "Its width is the network's inputs.")),
    (X, D[:, :1], None, ("D must have shape (rows, 2) (got (14, 1)). "
     "Its width is the network's outputs.")),
    (X[:5], D, None, ("X and D must have the same number of rows, at least one (got 5 and 14). "
     "Give one target row per input row.")),
    (X, D, np.ones(3), ("sample_weight must hold 14 finite numbers of at least 0, not all 0 "
     "(got shape (3,)). Give one weight per row.")),
    (X.astype(np.float32), D, None, ("X must have the dtype of the parameters, float64 "
     "(got float32). Convert it with X.astype(float64).")),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("rows", "targets", "weight", "message"), ROWS)
def test_rows_that_do_not_fit(rows, targets, weight, message, engine):
    with pytest.raises(InvalidShapeError) as caught:
        dr.train(NETWORK, START, rows, targets, PLAN, sample_weight=weight, engine=engine)
    assert str(caught.value) == message
    if len(rows) == len(targets):
        judged = Validation(rows, targets, weight)
        with pytest.raises(InvalidShapeError) as caught:
            dr.train(NETWORK, START, X, D, PLAN, validation=judged, engine=engine)
        assert str(caught.value) == message


def test_early_stopping_needs_rows():
    with pytest.raises(InvalidParameterError) as caught:
        dr.train(NETWORK, START, X, D, TrainingPlan(early_stopping=dr.EarlyStopping()))
    assert str(caught.value) == (
        "plan.early_stopping needs validation rows (got validation=None). "
        "Pass validation=Validation(X, D)."
    )


def test_a_scorer_is_for_estimators():
    plan = TrainingPlan(early_stopping=dr.EarlyStopping(scorer="accuracy"))
    said = "early_stopping.scorer is for estimators (got 'accuracy'). Give "
    for call, name in (
        (lambda **rows: dr.train(NETWORK, START, X, D, plan, **rows), "plan."),
        (lambda **rows: dr.train_many(NETWORK, [START], X, D, plan, **rows), "plans[0]."),
    ):
        with pytest.raises(InvalidParameterError) as caught:
            call(validation=Validation(X, D))
        assert str(caught.value) == f"{name}{said}validation=Validation(X, D, score=…)."

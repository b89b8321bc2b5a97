"""Early stopping's settings, and reasons that say what happened and what to do."""

import pickle

import pytest

from deltarule.exceptions import InvalidParameterError
from deltarule.stopping import EarlyStopping, Standing, StopReason, StopRules


def judge(estimator, X, y):
    return 0.0


def test_defaults_are_scikit_learns():
    rule = EarlyStopping()
    assert (rule.validation_fraction, rule.patience, rule.min_delta) == (0.1, 10, 1e-4)
    assert rule.scorer is None
    assert rule.ties == "first"


@pytest.mark.parametrize("scorer", [None, "accuracy", judge])
def test_it_is_a_value(scorer):
    rule = EarlyStopping(scorer=scorer)
    assert rule == EarlyStopping(scorer=scorer)
    assert hash(rule) == hash(EarlyStopping(scorer=scorer))
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_a_record_of_an_earlier_release_has_no_ties():
    """And what has the default writes none, so that such a release reads it."""
    rule = EarlyStopping(patience=None)
    assert "ties" not in rule.record()
    assert rule.record()["patience"] is None
    assert EarlyStopping(ties="last").record()["ties"] == "last"


@pytest.mark.parametrize(("last", "bests"), [(False, [1, 0, 0, 1, 0]), (True, [1, 1, 0, 1, 1])])
def test_an_epoch_that_ties_with_the_best_takes_its_place_or_not(last, bests):
    rules = StopRules(rate=0.1, least=0.0, patience=None, by_score=True, last_of_ties=last)
    standing = Standing()
    found = [rules.note(standing, 1.0, score)[1] for score in (0.5, 0.5, 0.25, 0.75, 0.75)]
    assert found == list(map(bool, bests))
    assert not rules.note(standing, 1.0, float("nan"))[1]
    assert standing.best_score == 0.75


def test_a_function_as_scorer_cannot_be_saved():
    with pytest.raises(InvalidParameterError) as caught:
        EarlyStopping(scorer=judge).record()
    assert str(caught.value) == (
        "rule 'early_stopping' must hold plain numbers and words to be saved (got a Python "
        "function in scorer). Use one of the named rule objects, or save the parameters alone "
        "and give the function again."
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"validation_fraction": 1},
            "validation_fraction must be a number in (0, 1) (got 1). Choose a value in that range.",
        ),
        ({"patience": 0}, "patience must be a positive integer (got 0). Choose 1 or more."),
        (
            {"ties": "both"},
            "ties must be one of 'first', 'last' (got 'both'). Choose one of these words.",
        ),
        (
            {"min_delta": -1.0},
            "min_delta must be a finite number of at least 0 (got -1.0). Choose 0 or more.",
        ),
        (
            {"scorer": 3},
            (
                "scorer must be the name of a scorer, a function of (estimator, X, y) or None (got "
                "3). Choose a name such as 'accuracy'."
            ),
        ),
    ],
)
def test_settings_out_of_range(settings, expected):
    with pytest.raises(InvalidParameterError) as caught:
        EarlyStopping(**settings)
    assert str(caught.value) == expected


def test_the_reasons():
    assert [reason.name for reason in StopReason] == [
        "CONVERGED",
        "NO_IMPROVEMENT",
        "MAX_EPOCHS",
        "NON_FINITE",
        "INTERRUPTED",
        "TIME",
        "STEP_TOO_SMALL",
        "SOLVER",
        "OBSERVER",
    ]


@pytest.mark.parametrize("reason", StopReason, ids=lambda reason: reason.name)
def test_a_reason_says_what_happened_and_what_to_do(reason):
    happened, remedy = reason.value.split(". ")
    assert happened.startswith(("The ", "A "))
    assert remedy.split()[0] in {"Lower", "Raise", "Go", "Allow", "Remove"}
    assert remedy.endswith(".")
    assert pickle.loads(pickle.dumps(reason)) is reason
    assert StopReason(reason.value) is reason

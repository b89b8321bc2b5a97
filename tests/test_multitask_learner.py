"""Learners of a `MultiTaskMLP`: rows with holes, held against `partial_fit`, bit for bit."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import deltarule as dr
from deltarule.engines import compiled_available
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.losses import Function, Huber

ENGINES = ["reference", *(["compiled"] if compiled_available() else [])]
RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 3)) * [1, 10, 0.1] + [0, 20, 0]
SCORE = (X - X.mean(axis=0)) / X.std(axis=0) @ [1.0, -1.0, 0.5]
#: Rows that begin the stream, and those that go on with it.
FIRST, ROWS = 12, range(12, 40)
CLASSES = {"kind": ["a", "b", "c"], "up": [False, True], "level": [1, 2, 5]}
HEADS = {"size": "regression", "count": dr.Task("regression", "poisson", 0.5)}


def targets() -> pd.DataFrame:
    """Two regressions, texts, booleans and whole numbers; all with holes, none of them empty."""
    bands = np.digitize(SCORE, [-0.8, 0.8])
    y = pd.DataFrame({"size": 1000 + 30 * SCORE, "count": np.floor(np.abs(3 * SCORE))})
    y["kind"] = np.array(["a", "b", "c"], dtype=object)[bands]
    y["up"] = pd.Series(SCORE > 0, dtype=object)
    y["level"] = np.array([1, 2, 5])[bands]
    y["level"] = y["level"].astype(object)
    for row in range(2, 60):
        y.iloc[row, RNG.permutation(5)[: RNG.integers(0, 5)]] = None
    return y


Y = targets()


def started(engine: str = "auto", dtype: Any = np.float64, **settings: Any) -> Any:
    model = dr.MultiTaskMLP(HEADS, (5,), engine=engine, random_state=3, learning_rate_init=0.01)
    model.set_params(**settings)
    rows, y = X[:FIRST].astype(dtype), Y[:FIRST]
    names = model.heads or {}
    classes = {name: known for name, known in CLASSES.items() if name not in names}
    return model.partial_fit(rows, y, classes=classes)


def cells(row: int) -> list[Any]:
    return Y.iloc[row].tolist()


def assert_same(wanted: Any, found: Any) -> None:
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(wanted, name), getattr(found, name), strict=True):
            np.testing.assert_array_equal(other, one)
    one, other = wanted._memory.state, found._memory.state
    np.testing.assert_array_equal(other.moments, one.moments)
    for name in ("step", "epoch", "rate_factor", "best_loss", "stalled", "key"):
        assert getattr(other, name) == getattr(one, name), name
    assert (found.t_, found.engine_, found.road_) == (wanted.t_, wanted.engine_, wanted.road_)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"solver": "sgd", "alpha": 0.1},
    {"solver": dr.AdamW(weight_decay=0.01, clip_norm=0.5), "standardize": "inputs"},
    {"solver": "rmsprop", "standardize": None, "activation": "tanh"},
    {"normalization": "layer", "dropout": 0.2},
    {"learning_rate": dr.schedules.Step(15)},
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.long)])
@pytest.mark.parametrize("settings", SETTINGS)
def test_steps_are_partial_fits(settings: dict[str, Any], dtype: Any, engine: str) -> None:
    model = started(engine, dtype, **settings)
    other, learner = copy.deepcopy(model), model.learner()
    rows = X.astype(dtype)
    for row in ROWS:
        weight = float(row % 3)
        other.partial_fit(rows[row : row + 1], Y[row : row + 1], [weight])
        assert learner.step(rows[row], cells(row), weight) == other.loss_
    assert_same(other, learner.sync())
    for one in (other, model):
        one.partial_fit(rows, Y)
    assert_same(other, model)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "task",
    [
        dr.Task("regression"),
        dr.Task("regression", Huber(0.5), 2.0),
        dr.Task("regression", "poisson"),
        dr.Task("regression", Function(lambda p, d: abs(p - d), lambda p, d: np.sign(p - d))),
        dr.Task("binary"),
        dr.Task("binary", "squared_error"),
        dr.Task("multiclass"),
    ],
)
def test_a_single_head_too(task: dr.Task, engine: str) -> None:
    """Under a plain head the core has a learner of its own."""
    if engine == "compiled" and isinstance(task.loss, Function):
        engine = "auto"
    y = (SCORE > 0).astype(float).reshape(-1, 1)
    model = dr.MultiTaskMLP({0: task}, (5,), random_state=0, engine=engine)
    classes = {} if task.kind == "regression" else {0: [0, 1]}
    model.partial_fit(X[:FIRST], y[:FIRST], classes=classes)
    other, learner = copy.deepcopy(model), model.learner()
    for row in ROWS:
        other.partial_fit(X[row : row + 1], y[row : row + 1])
        assert learner.step(X[row], y[row]) == other.loss_
    assert_same(other, learner.sync())
    with pytest.raises(InvalidShapeError, match="target must have an entry for each of the 1 head"):
        learner.step(X[0], 1.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_are_those_of_now(engine: str) -> None:
    model = started(engine)
    learner = model.learner()
    for row in ROWS:
        learner.step(X[row], cells(row))
    found = learner.predict(X[0])
    predict = learner.sync().predictor()
    assert found == predict(X[0])
    assert set(found) == set(Y)
    np.testing.assert_array_equal(learner.predict.outputs(X[:5]), predict.outputs(X[:5]))
    assert learner.step(X[0], cells(0)) > 0
    assert learner.predict(X[0]) != found


def test_a_row_may_come_in_many_forms() -> None:
    row = 1000.5, 3, "b", True, 2
    wanted = started().learner().step(X[20], row)
    forms: list[Any] = [
        list(row),
        np.array(row, dtype=object),
        pd.Series(row, dtype=object),
        [np.float64(1000.5), np.int8(3), np.str_("b"), np.True_, 2.0],
    ]
    for target in forms:
        assert started().learner().step(X[20].tolist(), target) == wanted
    holes = started().learner().step(X[20], [None, None, "b", None, None])
    for hole in (float("nan"), pd.NA, np.datetime64("NaT")):
        assert started().learner().step(X[20], [hole, hole, "b", hole, hole]) == holes


def test_losses_and_weights_that_were_set_since_are_the_learners_until_sync() -> None:
    model = started()
    heads = {**HEADS, "size": dr.Task("regression", Huber(0.5), 3.0)}
    other = copy.deepcopy(model).set_params(heads=heads)
    learner = model.set_params(heads=heads).learner()
    assert model.heads_[0].weight == 1
    for row in ROWS:
        other.partial_fit(X[row : row + 1], Y[row : row + 1])
        assert learner.step(X[row], cells(row)) == other.loss_
    assert model.heads_[0].weight == 1
    learner.sync()
    assert (model.heads_[0].weight, model.heads_[0].loss) == (3, Huber(0.5))
    for one, two in zip(model.coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_learner_of_a_loaded_model(tmp_path: Any) -> None:
    model = started()
    dr.save(model, tmp_path / "model")
    learner, again = dr.load(tmp_path / "model").learner(), dr.load(tmp_path / "model")
    for row in ROWS:
        learner.step(X[row], cells(row))
        again.partial_fit(X[row : row + 1], Y[row : row + 1])
    for one, two in zip(learner.sync().coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(one, two)


NAMES = "['size', 'count', 'kind', 'up', 'level']"
ENTRIES = (
    f"target must have an entry for each of the 5 heads {NAMES} (got {{}}). Give one row of what "
    "fit was given as y, None for what is not known."
)
CLASS = (
    "column {!r} of target must hold the classes {} of the first fit only (got also {}). Leave "
    "these rows out, make the cells missing, or fit a clone on all classes."
)
NUMBER = (
    "column 'size' of target must hold numbers for a 'regression' head (got {} in row 0). Convert "
    "it to numbers, or name it 'multiclass' or 'binary' in heads."
)
REFUSED: dict[str, tuple[Any, str]] = {
    "too few": ([1.0, 2], ENTRIES.format("2 entries")),
    "a number": (1.0, ENTRIES.format("1.0")),
    "a text": ("abcde", ENTRIES.format("'abcde'")),
    "a dict": ({"size": 1.0}, ENTRIES.format("{'size': 1.0}")),
    "nothing": (None, ENTRIES.format("None")),
    "a matrix": (np.ones((1, 5)), ENTRIES.format("a ndarray of shape (1, 5)")),
    "a frame": (Y.iloc[:1], ENTRIES.format("a DataFrame of shape (1, 5)")),
    "a row in another order": (
        Y.iloc[0][::-1],
        ENTRIES.format("entries for ['level', 'up', 'kind', 'count', 'size']"),
    ),
    "a set": ({1.0}, ENTRIES.format("{1.0}")),
    "all missing": (
        [None, np.nan, pd.NA, None, None],
        "target must have a known entry for some head (got 5 missing ones). Leave the row out.",
    ),
    "an unknown class": ([None, 1, "d", None, None], CLASS.format("kind", ["a", "b", "c"], "'d'")),
    "1 for True": ([1.0, 1, "a", 1, None], CLASS.format("up", [False, True], "1")),
    "True for 1": ([1.0, 1, "a", None, True], CLASS.format("level", [1, 2, 5], "True")),
    "a list": (
        [1.0, 1, ["a"], None, None],
        (
            "column 'kind' of target must hold numbers, texts or booleans, of one kind (got "
            "list). Convert its cells."
        ),
    ),
    "a text for a number": (["x", 1, "a", None, None], NUMBER.format("texts, 'x'")),
    "a boolean for a number": ([True, 1, "a", None, None], NUMBER.format("booleans, True")),
    "infinity": (
        [-np.inf, 1, "a", None, None],
        (
            "column 'size' of target must be finite (got infinity in row 0). Correct the cell, or "
            "make it NaN, which says that it is not known."
        ),
    ),
    "less than no events": (
        [1.0, -1, "a", None, None],
        (
            "loss 'poisson' needs targets of at least 0 (got -1). Use 'squared_error' for targets "
            "of either sign."
        ),
    ),
}


def test_a_row_of_a_frame_is_a_target() -> None:
    learner, other = started().learner(), started().learner()
    assert learner.step(X[0], Y.iloc[0]) == other.step(X[0], cells(0))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", REFUSED)
def test_bad_targets_are_refused_and_nothing_is_lost(case: str, engine: str) -> None:
    target, words = REFUSED[case]
    learner, other = started(engine).learner(), started(engine).learner()
    with pytest.raises((InvalidShapeError, InvalidParameterError, NonFiniteError)) as caught:
        learner.step(X[0], target)
    assert str(caught.value) == words
    assert learner.step(X[0], cells(0)) == other.step(X[0], cells(0))
    assert_same(other.sync(), learner.sync())


def test_what_float32_cannot_hold_is_not_finite() -> None:
    learner = started(dtype=np.float32).learner()
    words = (
        "column 'size' of target must be finite, as float32 and standardized where the model does "
        "so (got "
    )
    with pytest.raises(NonFiniteError, match=re.escape(words)):
        learner.step(X[0], [1e60, 1, "a", None, None])


def test_early_stopping_has_no_stream() -> None:
    with pytest.raises(InvalidParameterError, match="learner does not support early_stopping=True"):
        started().set_params(early_stopping=True).learner()

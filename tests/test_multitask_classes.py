"""Heads of classes: weights of classes and smoothed labels, held against `MLPClassifier`."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.class_weight import compute_class_weight

import deltarule as dr
from deltarule import backprop, functional
from deltarule.engines import compiled_available
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Head, Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ENGINES = ["reference", *(["compiled"] if compiled_available() else [])]
RNG = np.random.default_rng(2)
X = RNG.normal(size=(90, 3))
SCORE = X @ [1.0, -1.0, 0.5]
KIND = np.array(["a", "b", "c"])[np.digitize(SCORE, [0.5, 1.8])]
UP = SCORE > 1
Y = pd.DataFrame({"kind": KIND, "up": UP, "size": 5 + SCORE})
SHORT: dict[str, Any] = {"hidden_layer_sizes": (5,), "max_iter": 15, "random_state": 0}
WEIGHTS = {"a": 0.5, "b": 1.0, "c": 4.0}


def holes() -> pd.DataFrame:
    y = Y.astype({"kind": object, "up": object})
    y.loc[::4, "kind"] = None
    y.loc[1::5, "up"] = None
    y.loc[2::3, "size"] = np.nan
    return y


# ---------------------------------------------------------------- the objective


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_class_weights_multiply_the_loss_of_their_head_alone(engine: str, dtype: Any) -> None:
    y, weight = holes(), np.linspace(0.5, 2, 90).astype(dtype)
    heads = {
        "kind": dr.Task(weight=2.0, class_weight=WEIGHTS),
        "up": dr.Task("binary", "squared_error", class_weight={True: 3.0}),
    }
    model = dr.MultiTaskMLP(heads, engine=engine, **SHORT).initialize(X.astype(dtype), y)
    assert model.heads_[0].class_weights == (0.5, 1.0, 4.0)
    assert model.heads_[1].class_weights == (1.0, 3.0)
    network, start = model._network, model._current(model._network)
    rows, D = model._inputs(X.astype(dtype), dtype), model._target(y, dtype)
    plain = Network(
        layers=network.layers,
        heads=[Head(h.columns, h.loss, h.weight, h.activation) for h in network.heads],
    )
    passed = functional.forward(plain, start, rows)
    parts = [backprop.head_losses(plain, head, passed, D) for head in plain.heads]
    factors = [y["kind"].map(WEIGHTS).fillna(0), y["up"].map({True: 3.0, False: 1.0}).fillna(0)]
    sums = sum(f.to_numpy(dtype=float) * part for f, part in zip(factors, parts[:2], strict=True))
    wanted = np.average(sums + parts[2], weights=weight)
    found = dr.objective(network, start, rows, D, weight, engine=engine)
    assert found == pytest.approx(wanted, rel=1e-12 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradient_is_that_of_the_objective(engine: str) -> None:
    heads = {
        "kind": dr.Task(class_weight=WEIGHTS, label_smoothing=0.2),
        "up": dr.Task(class_weight={True: 3.0, False: 0.25}, label_smoothing=0.1),
    }
    model = dr.MultiTaskMLP(heads, **{**SHORT, "activation": "tanh"}).initialize(X, holes())
    network, start = model._network, model._current(model._network)
    rows, D = model._inputs(X, np.float64), model._training_target(holes(), np.float64)
    found = dr.gradient(network, start, rows, D, engine=engine).vector
    for index in range(network.size):
        values = []
        for sign in (-1, 1):
            vector = start.vector.copy()
            vector[index] += sign * 1e-6
            moved = start.replace(vector=vector)
            values.append(dr.objective(network, moved, rows, D, engine=engine))
        assert abs((values[1] - values[0]) / 2e-6 - found[index]) < 1e-7


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_engines_agree(solver: str) -> None:
    if not compiled_available():
        pytest.skip("no compiled core")
    heads = {"kind": dr.Task(class_weight="balanced", label_smoothing=0.1)}
    one, two = (
        dr.MultiTaskMLP(heads, solver=solver, engine=engine, **SHORT).fit(X, holes())
        for engine in ENGINES
    )
    for a, b in zip(one.coefs_, two.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("kind", ["kind", "up"])
def test_a_head_alone_is_the_classifier(kind: str, solver: str) -> None:
    """Balanced weights have the mean 1, so that even the penalty weighs the same."""
    y = Y[[kind]]
    task = dr.Task(class_weight="balanced", label_smoothing=0.15)
    settings = {**SHORT, "solver": solver, "alpha": 0.1, "standardize": None, "max_iter": 200}
    many = dr.MultiTaskMLP({kind: task}, **settings, warm_start=True).initialize(X, y)
    one = dr.MLPClassifier(
        **settings, class_weight="balanced", label_smoothing=0.15, warm_start=True
    ).initialize(X, y[kind])
    one.set_weights(many.coefs_, many.intercepts_)
    many.fit(X, y)
    one.fit(X, y[kind])
    atol = 1e-2 if solver == "lbfgs" else 1e-6  # where lbfgs ends depends on rounding
    np.testing.assert_allclose(many.predict_proba(X)[kind], one.predict_proba(X), atol=atol)
    assert many.loss_ == pytest.approx(one.loss_, rel=1e-5)


def test_balanced_weights_go_by_known_targets_and_their_weights() -> None:
    y, weight = holes(), np.tile([1.0, 2.0, 3.0], 30)
    model = dr.MultiTaskMLP({"kind": dr.Task(class_weight="balanced")}, **SHORT).fit(X, y)
    known = y["kind"].notna()
    wanted = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=y["kind"][known])
    assert model.heads_[0].class_weights == pytest.approx(tuple(wanted))
    assert [head.class_weights for head in model.heads_[1:]] == [(), ()]
    often = np.repeat(y["kind"][known].to_numpy(), weight[known].astype(int))
    wanted = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=often)
    assert model.fit(X, y, weight).heads_[0].class_weights == pytest.approx(tuple(wanted))


def test_rare_classes_gain_recall() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 2))
    rare = rows[:, 0] + rng.normal(size=1000) > 2.2
    y = pd.DataFrame({"rare": rare, "size": rows[:, 1]})
    recalls = []
    for weight in (None, "balanced"):
        heads = {"rare": dr.Task(class_weight=weight)}
        model = dr.MultiTaskMLP(heads, (8,), solver="lbfgs", alpha=1.0, random_state=0)
        recalls.append(model.fit(rows, y).predict(rows)[rare, 0].mean())
        assert model.scores(rows, y)["size"] > 0.95
    assert recalls[0] < 0.6 < 0.8 < recalls[1]


def test_smoothed_labels_are_those_that_are_trained_on() -> None:
    heads = {"kind": dr.Task(label_smoothing=0.3), "up": dr.Task(label_smoothing=0.5)}
    model = dr.MultiTaskMLP(heads, **SHORT).fit(X, holes(), X_val=X, y_val=holes())
    D, plain = model._training_target(holes(), np.float64), model._target(holes(), np.float64)
    kind, up = plain[:, :3], plain[:, 3]
    np.testing.assert_allclose(D[:, :3], 0.7 * kind + 0.1)
    np.testing.assert_allclose(D[:, 3], 0.5 * up + 0.25)
    np.testing.assert_array_equal(D[:, 4], plain[:, 4])
    some = holes().notna().any(axis=1)
    rows, last = model._inputs(X[some], float), model._memory.state.parameters
    wanted = dr.objective(model._network, last, rows, plain[some])
    assert model.validation_loss_curve_[-1] == pytest.approx(wanted)


# ---------------------------------------------------------------- streams, going on, files

HEADS = {"kind": dr.Task(class_weight=WEIGHTS, label_smoothing=0.1), "size": dr.Task(weight=0.5)}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("heads", [HEADS, {"kind": dr.Task(class_weight=WEIGHTS)}])
def test_steps_of_a_learner_are_partial_fits(heads: Any, engine: str) -> None:
    y = holes() if len(heads) > 1 else Y[["kind"]]
    classes = {"kind": ["a", "b", "c"], **({"up": [False, True]} if len(heads) > 1 else {})}
    model = dr.MultiTaskMLP(heads, engine=engine, **SHORT).partial_fit(
        X[:9], y[:9], classes=classes
    )
    other, learner = copy.deepcopy(model), model.learner()
    for row in range(9, 40):
        if y.iloc[row].isna().all():
            continue
        other.partial_fit(X[row : row + 1], y[row : row + 1])
        assert learner.step(X[row], y.iloc[row].tolist()) == other.loss_
    for one, two in zip(learner.sync().coefs_, other.coefs_, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("weight", [WEIGHTS, "balanced"])
def test_some_epochs_and_some_more_are_all_of_them(weight: Any, tmp_path: Any) -> None:
    heads = {"kind": dr.Task(class_weight=weight, label_smoothing=0.1)}
    whole = dr.MultiTaskMLP(heads, **{**SHORT, "max_iter": 6}).fit(X, holes())
    half = dr.MultiTaskMLP(heads, **{**SHORT, "max_iter": 3}, warm_start=True).fit(X, holes())
    dr.save(half, tmp_path / "half.safetensors")
    again = dr.load(tmp_path / "half.safetensors")
    assert again.heads == heads
    assert again.heads_[0].class_weights == half.heads_[0].class_weights
    assert again._network == half._network
    for model in (again, pickle.loads(pickle.dumps(half))):
        model.fit(X, holes())
        for one, other in zip(whole.coefs_, model.coefs_, strict=True):
            np.testing.assert_array_equal(one, other)


def test_classes_of_every_kind_keep_their_weights_in_a_file(tmp_path: Any) -> None:
    y = pd.DataFrame({"a": UP, "b": np.where(UP, 1.5, 2.5), "c": np.where(UP, 7, 3)})
    heads = {
        "a": dr.Task(class_weight={True: 2, np.False_: 3}),
        "b": dr.Task(class_weight={1.5: 2, np.float64(2.5): np.float32(0.5)}),
        "c": dr.Task(class_weight={7: 2}),
    }
    model = dr.MultiTaskMLP(heads, **SHORT).fit(X, y)
    assert [head.class_weights for head in model.heads_] == [(3, 2), (2, 0.5), (1, 2)]
    dr.save(model, tmp_path / "m.safetensors")
    again = dr.load(tmp_path / "m.safetensors")
    assert again.heads == heads
    assert [list(map(type, t.class_weight)) for t in again.heads.values()] == [
        [bool, bool],
        [float, float],
        [int],
    ]
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_another_weight_of_classes_has_to_be_trained_before_it_is_saved(tmp_path: Any) -> None:
    model = dr.MultiTaskMLP({"kind": dr.Task(class_weight=WEIGHTS)}, **SHORT).fit(X, Y)
    model.set_params(heads={"kind": dr.Task(class_weight={"a": 9})})
    with pytest.raises(InvalidParameterError, match="heads must be as it was at fit to be saved"):
        dr.save(model, tmp_path / "m.safetensors")
    model.set_params(warm_start=True).fit(X, Y)
    assert model.heads_[0].class_weights == (9, 1, 1)


def test_parameters_are_values() -> None:
    model = dr.MultiTaskMLP(HEADS, **SHORT)
    assert clone(model).get_params()["heads"] == HEADS
    given = {"a": 2}
    task = dr.Task(class_weight=given)
    given["a"] = 3
    assert task.class_weight == {"a": 2.0}
    assert task == dr.Task(class_weight={"a": 2.0}) != dr.Task(class_weight={"a": 3.0})
    assert hash(task) == hash(dr.Task(class_weight={"a": 2.0}))
    assert dr.Task().record() == {"name": "task", "kind": "auto", "loss": "auto", "weight": 1.0}
    assert repr(dr.Task(label_smoothing=0.1)).endswith("weight=1.0, label_smoothing=0.1)")


# ---------------------------------------------------------------- what is refused


def fit(task: Any, name: str = "kind") -> Any:
    return dr.MultiTaskMLP({name: task}, **SHORT).fit(X, Y)


def stream(task: Any) -> Any:
    classes = {"kind": ["a", "b", "c"], "up": [False, True]}
    return dr.MultiTaskMLP({"kind": task}, **SHORT).partial_fit(X, Y, classes=classes)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no weights": (
        lambda: dr.Task(class_weight="balance"),
        (
            "class_weight must be a dict {class: weight}, 'balanced' or None (got 'balance'). "
            "Write {'no': 1, 'yes': 5}."
        ),
    ),
    "a list": (
        lambda: dr.Task(class_weight=[{0: 1}]),
        (
            "class_weight must be a dict {class: weight}, 'balanced' or None (got [{0: 1}]). "
            "Write {'no': 1, 'yes': 5}."
        ),
    ),
    "a negative weight": (
        lambda: dr.Task(class_weight={"a": -1}),
        (
            "class_weight['a'] must be a finite number of at least 0 (got -1). Give the weight of "
            "a row of this class."
        ),
    ),
    "too smooth": (
        lambda: dr.Task(label_smoothing=1.0),
        "label_smoothing must be a number in [0, 1) (got 1.0). Choose a value in that range.",
    ),
    "weights of a regression": (
        lambda: dr.Task("regression", class_weight="balanced"),
        (
            "class_weight must be None for Task(kind='regression'), which has no classes (got "
            "'balanced'). Leave it out, or give it to a head of classes."
        ),
    ),
    "a smoothed regression": (
        lambda: dr.Task("regression", label_smoothing=0.1),
        (
            "label_smoothing must be 0.0 for Task(kind='regression'), which has no classes (got "
            "0.1). Leave it out, or give it to a head of classes."
        ),
    ),
    "weights of what turns out to be a regression": (
        lambda: fit(dr.Task(class_weight={1: 2}), "size"),
        (
            "class_weight must be None for the regression head 'size', which has no classes (got "
            "{1: 2.0}). Leave it out, or give it to a head of classes."
        ),
    ),
    "weights of other classes": (
        lambda: fit(dr.Task(class_weight={"a": 2, "d": 3})),
        (
            "The classes, ['b', 'c'], are not in class_weight: heads['kind'].class_weight must "
            "name classes of y (got ['d'], which y has not). Correct their names, or give every "
            "class a weight."
        ),
    ),
    "no weight for any row": (
        lambda: fit(dr.Task(class_weight={"a": 0, "b": 0, "c": 0})),
        (
            "heads['kind'].class_weight must leave a row with a weight above 0 (got {'a': 0.0, "
            "'b': 0.0, 'c': 0.0}, which makes them all 0). Give a class of these rows a weight "
            "above 0."
        ),
    ),
    "a balanced stream": (
        lambda: stream(dr.Task(class_weight="balanced")),
        (
            "heads['kind'].class_weight 'balanced' is not supported for partial_fit. In order to "
            "use 'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
            "In place of y you can use a large enough sample of the full training set target to "
            "properly estimate the class frequency distributions. Pass the resulting weights as "
            "the class_weight parameter (got heads['kind'].class_weight='balanced'). Make it a "
            "dict: dict(zip(classes, weights))."
        ),
    ),
    "weights for a head of too many columns": (
        lambda: Head((0, 3), "log_loss", class_weights=(1, 2)),
        (
            "head.class_weights must hold 3 numbers for 3 output columns (got 2). Give one for "
            "each class, or none."
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    work, words = REFUSED[case]
    with pytest.raises(InvalidParameterError, match=re.escape(words) + "$"):
        work()


def test_a_refused_weight_leaves_a_fitted_model_as_it_was() -> None:
    model = stream(dr.Task(class_weight=WEIGHTS))
    before = model.predict_proba(X)
    for weight in ("balanced", {"d": 1.0}):
        model.set_params(heads={"kind": dr.Task(class_weight=weight)})
        with pytest.raises(InvalidParameterError):
            model.partial_fit(X, Y)
        with pytest.raises(InvalidParameterError):
            model.learner()
    for name, found in model.predict_proba(X).items():
        np.testing.assert_array_equal(found, before[name])

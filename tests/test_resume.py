"""Some epochs, save, load, and some more are all of them at once, bit for bit."""

from __future__ import annotations

import copy
import itertools
import pickle
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris

import deltarule as dr
from deltarule import engines
from deltarule.engines import base
from deltarule.estimators.files import from_model, model_of
from deltarule.exceptions import (
    InvalidParameterError,
    ModelFileError,
    TrainingStoppedWarning,
)
from deltarule.persistence import read, to_bytes
from deltarule.stopping import StopReason

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ENGINES = ["auto", "reference"] if engines.compiled_available() else ["reference"]
X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS, Y_IRIS = X_IRIS[::3], Y_IRIS[::3]
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_DIABETES, Y_DIABETES = X_DIABETES[:60] * 20, Y_DIABETES[:60] / 100
WEIGHT = np.linspace(0.1, 2.0, 60)

SOLVERS = ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"]
#: Schedules as sgd knows them by name; the others take those of the second column.
SCHEDULES: dict[str, tuple[Any, Any]] = {
    "constant": ("constant", "constant"),
    "invscaling": ("invscaling", dr.InvScaling()),
    "adaptive": ("adaptive", dr.Adaptive(divisor=2.0)),
    "step": ("step", dr.Step(every=3, factor=0.7)),
    "cosine": (dr.Cosine(warmup=0.2, total_epochs=9), dr.Cosine(total_epochs=12)),
    "cyclic_cosine": (dr.CyclicCosine(total_epochs=12), dr.CyclicCosine(3, total_epochs=8)),
    "one_cycle": (dr.OneCycle(total_epochs=12), dr.OneCycle(total_epochs=8)),
}
SHARED = ("n_iter_", "loss_", "best_loss_", "best_validation_score_", "stop_reason_")


def by_file(estimator: Any, folder: Path) -> Any:
    dr.save(estimator, folder / "model.safetensors")
    return dr.load(folder / "model.safetensors")


WAYS: dict[str, Callable[[Any, Path], Any]] = {
    "file": by_file,
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "itself": lambda estimator, folder: estimator,
}


def fit(estimator: Any, max_iter: int, **options: Any) -> Any:
    """Fit with whatever the kind is fitted with."""
    X, y = (X_IRIS, Y_IRIS) if isinstance(estimator, dr.MLPClassifier) else (X_DIABETES, Y_DIABETES)
    dtype, weighted = options.get("dtype", np.float64), options.get("weighted", False)
    weight = WEIGHT[: len(X)] if weighted else None
    return estimator.set_params(max_iter=max_iter).fit(X.astype(dtype), y, weight)


def same(found: Any, whole: Any, *, call: int | None = None) -> None:
    """All that a fit leaves behind, public or for the next one."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(found, name), getattr(whole, name), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    for name in ("loss_curve_", "validation_scores_", "validation_loss_curve_", "t_"):
        assert getattr(found, name) == getattr(whole, name), name
    for name in SHARED[1:]:
        assert getattr(found, name) == getattr(whole, name), name
    if call is not None:
        assert found.n_iter_ == call
    a, b = found._memory, whole._memory
    assert (a.key, a.order_key, a.optimizer, a.reason) == (
        b.key,
        b.order_key,
        b.optimizer,
        b.reason,
    )
    for name in ("step", "epoch", "rate_factor", "best_loss", "best_score", "stalled"):
        assert getattr(a.state, name) == getattr(b.state, name), name
    np.testing.assert_array_equal(a.state.moments, b.state.moments)
    np.testing.assert_array_equal(a.state.parameters.vector, b.state.parameters.vector)
    assert len(a.history.seconds) == len(b.history.seconds)


def case(
    kind: Any, solver: str, schedule: str, stopping: bool, number: int
) -> tuple[Any, dict[str, Any], str]:
    """An estimator, how it is fitted and the way in which it goes on; the rest goes round."""
    settings: dict[str, Any] = {
        "hidden_layer_sizes": [(4,), (5, 3), ()][number % 3],
        "solver": solver,
        "learning_rate": SCHEDULES[schedule][solver != "sgd"],
        "learning_rate_init": 0.01 if solver != "sgd" else 0.05,
        "batch_size": [1, 7, "auto"][number // 2 % 3],
        "sampling": ["shuffle", "replacement", "sequential"][number // 3 % 3],
        "standardize": [None, "inputs", "both"][number // 5 % 3],
        "alpha": [1e-4, dr.L1(0.01), 0.0][number // 7 % 3],
        "engine": ENGINES[number % 11 == 0 and -1],
        "warm_start": True,
        "random_state": number,
    }
    patience, least = (1, 0.05) if schedule == "adaptive" else (6, 1e-4)
    if stopping:
        settings["early_stopping"] = dr.EarlyStopping(0.3, patience, least)
    else:
        settings |= {"n_iter_no_change": patience, "tol": least}
    if solver == "sgd":
        settings["momentum"] = 0
    options = {"dtype": [np.float64, np.float32][number % 2], "weighted": number % 4 == 1}
    return kind(**settings), options, list(WAYS)[number % 4]


MATRIX = list(itertools.product(SOLVERS, SCHEDULES, [False, True]))


@pytest.mark.parametrize(("number", "chosen"), list(enumerate(MATRIX)), ids=str)
def test_three_epochs_and_five_are_eight(
    number: int, chosen: tuple[str, str, bool], tmp_path: Path
) -> None:
    kind = (dr.MLPClassifier, dr.MLPRegressor)[number // 6 % 2]
    model, options, way = case(kind, *chosen, number)
    whole = fit(clone(model), 8, **options)
    first = fit(clone(model), 3, **options)
    if first.stop_reason_ is StopReason.MAX_EPOCHS and whole.n_iter_ > 3:
        again = fit(WAYS[way](first, tmp_path), 5, **options)
        same(again, whole, call=whole.n_iter_ - 3)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::deltarule.exceptions.TrainingStoppedWarning")
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor], ids=["classes", "numbers"])
@pytest.mark.parametrize("chosen", MATRIX, ids=str)
def test_fifty_epochs_and_fifty_are_a_hundred(
    kind: Any, chosen: tuple[str, str, bool], tmp_path: Path
) -> None:
    for number in range(MATRIX.index(chosen), 90, 23):
        model, options, way = case(kind, *chosen, number)
        whole = fit(clone(model), 100, **options)
        first = fit(clone(model), 50, **options)
        if first.stop_reason_ is not StopReason.MAX_EPOCHS or whole.n_iter_ <= 50:
            continue
        again = fit(WAYS[way](first, tmp_path), 50, **options)
        same(again, whole, call=whole.n_iter_ - 50)


def test_the_matrix_reaches_its_ends() -> None:
    """Most cases go on, and some are ended by a rule, so that neither is a test of nothing."""
    reasons = []
    for number, chosen in enumerate(MATRIX):
        model, options, _ = case(dr.MLPClassifier, *chosen, number)
        reasons.append(fit(model, 3, **options).stop_reason_)
    assert reasons.count(StopReason.MAX_EPOCHS) > 60


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_calls_of_partial_fit_go_on(way: str, solver: str, tmp_path: Path) -> None:
    model = dr.MLPClassifier((5,), solver=solver, batch_size=4, random_state=3)
    model.set_params(learning_rate=dr.OneCycle(total_epochs=6), standardize="inputs")

    def calls(estimator: Any, numbers: range) -> Any:
        for number in numbers:
            rows = slice(number % 5, None, 3)  # of another length each
            estimator.partial_fit(X_IRIS[rows], Y_IRIS[rows], classes=[0, 1, 2])
        return estimator

    whole = calls(clone(model), range(7))
    same(calls(WAYS[way](calls(clone(model), range(3)), tmp_path), range(3, 7)), whole, call=1)


def test_horizons_of_a_stream_count_calls() -> None:
    """Of any number of rows each: the factor after half of the calls is that of the half."""
    seen: list[float] = []

    class Seen(dr.schedules.Schedule):
        name = "seen"
        needs_horizon = True
        total_epochs = 4

        def factors(self, clock: Any, count: int) -> Any:
            seen.extend(clock.progress(count, self.name))
            return np.ones(count)

    model = dr.MLPRegressor(
        hidden_layer_sizes=(2,), learning_rate=Seen(), batch_size=10, engine="reference"
    )
    for rows in (20, 10, 40, 10):
        model.partial_fit(X_DIABETES[:rows], Y_DIABETES[:rows])
    assert seen == [0.0, 0.125, 0.25, 0.5, 0.5625, 0.625, 0.6875, 0.75]


# ------------------------------------------------------------------ how the fit before ended


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 6])
def test_a_fit_that_time_cut_goes_on_from_the_step(
    way: str, engine: str, batch_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(6,), solver="nesterov", batch_size=batch_size, engine=engine
    )
    model.set_params(learning_rate_init=0.01, warm_start=True, random_state=0)
    model.set_params(early_stopping=dr.EarlyStopping(0.2, patience=50))
    rows = X_DIABETES[:20], Y_DIABETES[:20]
    whole = clone(model).set_params(max_iter=4).fit(*rows)
    monkeypatch.setattr(base, "SLICE_SECONDS", 0.0)
    if engine == "auto":
        from deltarule.engines import compiled

        monkeypatch.setattr(compiled, "SLICE_STEPS", 2)
    model.set_params(max_seconds=1e-9)
    left, cuts, begun = 4, 0, 0
    while left:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingStoppedWarning)
            model = WAYS[way](model.set_params(max_iter=left).fit(*rows), tmp_path)
        left -= model.n_iter_
        cuts += model.stop_reason_ is StopReason.TIME
        begun += model._memory.state.begun is not None
        assert len(model.loss_curve_) == 4 - left
    assert cuts >= 4
    assert begun >= 4
    same(model, whole)


def test_the_words_of_a_fit_that_time_cut() -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(6,), max_seconds=0.02, max_iter=10**6, tol=0, n_iter_no_change=10**6
    )
    with pytest.warns(TrainingStoppedWarning) as caught:
        model.fit(X_DIABETES, Y_DIABETES)
    assert str(caught[0].message) == (
        f"Training stopped after max_seconds=0.02. The weights after {model.n_iter_} epochs are "
        "kept; warm_start=True goes on from here."
    )
    assert model.stop_reason_ is StopReason.TIME
    assert model.t_ == model.n_iter_ * 60


def test_the_words_of_a_single_epoch() -> None:
    model = dr.MLPRegressor(max_iter=5, max_seconds=0.01, random_state=0)
    model._observer = lambda report: time.sleep(0.02)
    with pytest.warns(TrainingStoppedWarning, match="The weights after 1 epoch are kept"):
        model.fit(X_DIABETES, Y_DIABETES)


def test_time_before_the_first_epoch_leaves_a_model_that_predicts(tmp_path: Path) -> None:
    X, y = np.tile(X_DIABETES, (20_000, 1)), np.tile(Y_DIABETES, 20_000)
    model = dr.MLPRegressor(
        hidden_layer_sizes=(6,), batch_size=1, solver="sgd", max_seconds=1e-3, random_state=0
    )
    with pytest.warns(TrainingStoppedWarning, match="The weights after 0 epochs are kept"):
        model.set_params(learning_rate_init=1e-4).fit(X, y)
    assert (model.n_iter_, model.t_, model.loss_curve_) == (0, 0, [])
    assert np.isfinite(model.loss_)
    again = by_file(model, tmp_path)
    np.testing.assert_array_equal(again.predict(X[:9]), model.predict(X[:9]))


def test_the_time_is_for_all_starts_together() -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(6,), n_init=4, max_seconds=0.05, max_iter=10**6, tol=0
    )
    model.set_params(n_iter_no_change=10**6, random_state=0)
    with pytest.warns(TrainingStoppedWarning, match=re.escape("max_seconds=0.05")):
        model.fit(X_DIABETES, Y_DIABETES)
    assert np.isfinite(model.restarts_).tolist() == [True, False, False, False]


@pytest.mark.parametrize("given", [0, -1.0, "1", float("nan")])
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_seconds_that_are_none(kind: Any, given: Any) -> None:
    remedy = "of that kind" if given == "1" else "in that range"
    with pytest.raises(InvalidParameterError) as caught:
        fit(kind(max_seconds=given), 1)
    assert str(caught.value) == (
        f"The 'max_seconds' parameter of {kind.__name__} must be a float in the range (0.0, inf) "
        f"or None. Got {given!r} instead. Choose a value {remedy}."
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stopping", [False, True])
def test_after_a_rule_the_count_begins_anew(way: str, stopping: bool, tmp_path: Path) -> None:
    model = dr.MLPClassifier((5,), warm_start=True, random_state=0)
    if not stopping:
        model.set_params(tol=10.0, n_iter_no_change=3)
    else:
        model.set_params(early_stopping=dr.EarlyStopping(0.3, patience=3, min_delta=0.9))
    first = fit(model, 50)
    reason = StopReason.NO_IMPROVEMENT if stopping else StopReason.CONVERGED
    assert first.stop_reason_ is reason
    assert first._memory.state.stalled == 4
    epochs = first.n_iter_
    again = fit(WAYS[way](first, tmp_path), 50)
    assert (again.n_iter_, again.stop_reason_) == (4, reason)
    assert len(again.loss_curve_) == epochs + 4


def test_weights_that_are_assigned_go_on_from_a_file_too(tmp_path: Path) -> None:
    """With the moments and counters that were, in the precision of the fit."""
    model = dr.MLPRegressor(
        hidden_layer_sizes=(4,), warm_start=True, random_state=0, early_stopping=True
    )
    fit(model, 4, dtype=np.float32)
    model.coefs_ = [np.full(coef.shape, 0.1) for coef in model.coefs_]  # float64
    again = by_file(model, tmp_path)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])
    np.testing.assert_array_equal(again.predict(X_DIABETES), model.predict(X_DIABETES))
    for each in (model, again):
        fit(each, 3, dtype=np.float32)
        assert each.coefs_[0].dtype == np.float32
    same(again, model)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("assign", ["set_weights", "attribute", "after"])
def test_the_best_are_gone_on_from_where_they_are_assigned(
    way: str, assign: str, tmp_path: Path
) -> None:
    """Equal numbers are assigned numbers too: without that the last would be gone on from."""
    model = dr.MLPClassifier((6,), learning_rate_init=0.1, random_state=0, early_stopping=True)
    model.set_params(solver=dr.SGD(average=0.9), max_iter=30, batch_size=8).fit(X_IRIS, Y_IRIS)
    model.set_params(early_stopping=False, max_iter=1, warm_start=True, learning_rate_init=1e-300)
    best = [part.copy() for part in (*model.coefs_, *model.intercepts_)]
    if assign == "after":
        model = WAYS[way](model, tmp_path)
    if assign == "set_weights":
        model.set_weights(model.coefs_, model.intercepts_)
    else:
        model.coefs_, model.intercepts_ = best[:2], best[2:]
    if assign != "after":
        model = WAYS[way](model, tmp_path)

    def stepped(twin: Any) -> Any:
        learner = twin.learner()
        learner.step(X_IRIS[0], 0)
        return learner.sync()

    ways_on = {
        "fit": lambda twin: twin.fit(X_IRIS, Y_IRIS),
        "partial_fit": lambda twin: twin.partial_fit(X_IRIS, Y_IRIS),
        "learner": stepped,
    }
    for name, go_on in ways_on.items():
        twin = go_on(copy.deepcopy(model))
        now = [*twin.coefs_, *twin.intercepts_]
        for part, wanted in zip(now, best, strict=True):
            np.testing.assert_array_equal(part, wanted, err_msg=name)
    learner = model.learner()
    outputs = learner.predict.proba(X_IRIS[0])
    np.testing.assert_allclose(outputs, model.predict_proba(X_IRIS[:1])[0], rtol=1e-12)


def test_weights_are_not_thrown_away_for_those_of_a_learner() -> None:
    """Other arrays are other weights, even with the same numbers."""
    model = dr.MLPRegressor(random_state=0).partial_fit(X_DIABETES, Y_DIABETES)
    learner = model.learner()
    learner.step(X_DIABETES[0], Y_DIABETES[0])
    model.coefs_ = [part.copy() for part in model.coefs_]
    with pytest.raises(InvalidParameterError, match="must be as it was when it made the learner"):
        learner.sync()


def test_lbfgs_goes_on_from_the_weights(tmp_path: Path) -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(4,), solver="lbfgs", warm_start=True, random_state=0
    )
    first = fit(model, 5)
    kept = [coef.copy() for coef in first.coefs_]
    again = by_file(first, tmp_path)
    fit(again, 5)
    assert again.loss_curve_[:5] == first.loss_curve_
    assert again.loss_curve_[5] < again.loss_curve_[4]
    np.testing.assert_array_equal(first.coefs_[0], kept[0])
    fit(first, 5)
    same(again, first, call=5)


# ------------------------------------------------------------------ schedules with an end


def test_the_first_fit_sets_the_end_of_a_schedule() -> None:
    """And past it the schedule stands at its end."""
    model = dr.MLPRegressor(hidden_layer_sizes=(4,), warm_start=True, random_state=0)
    model.set_params(learning_rate=dr.Cosine(end=0.1), learning_rate_init=0.01)
    first = fit(model, 3)
    steady = copy.deepcopy(first).set_params(learning_rate="constant", learning_rate_init=0.001)
    start = first.coefs_[0].copy()
    fit(first, 2)
    fit(steady, 2)
    assert first._memory.state.horizon == 3
    assert not np.array_equal(first.coefs_[0], start)
    np.testing.assert_allclose(first.coefs_[0], steady.coefs_[0], rtol=1e-12)


def test_a_schedule_at_a_step_size_of_nothing_is_told() -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(4,), learning_rate="cosine", warm_start=True, random_state=0
    )
    first = fit(model, 3)
    before = first.coefs_[0].copy()
    with pytest.warns(TrainingStoppedWarning) as caught:
        fit(first, 2)
    assert str(caught[0].message) == (
        "The schedule 'cosine' came to its end, a step size of 0, after 3 epochs: the weights stay "
        "as they are. Give it total_epochs, the epochs of all fits together, or an end above 0."
    )
    np.testing.assert_array_equal(first.coefs_[0], before)
    first.set_params(learning_rate=dr.Cosine(total_epochs=20))
    fit(first, 2)
    assert not np.array_equal(first.coefs_[0], before)


def test_total_epochs_is_a_parameter_of_the_estimator() -> None:
    model = dr.MLPRegressor(
        hidden_layer_sizes=(4,), learning_rate=dr.OneCycle(), warm_start=True, random_state=0
    )
    whole = fit(clone(model), 6)
    model.set_params(learning_rate__total_epochs=6)
    fit(fit(model, 2), 4)
    for a, b in zip(model.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InvalidParameterError) as caught:
        dr.Cosine(total_epochs=0)
    assert str(caught.value) == (
        "total_epochs must be a positive integer (got 0). Choose 1 or more."
    )


# ------------------------------------------------------------------ files


def test_a_file_without_a_state_is_small_and_goes_on_from_the_weights(tmp_path: Path) -> None:
    model = fit(
        dr.MLPRegressor(
            hidden_layer_sizes=(40,), warm_start=True, random_state=0, early_stopping=True
        ),
        4,
    )
    paths = tmp_path / "with", tmp_path / "without"
    dr.save(model, paths[0])
    dr.save(model, paths[1], state=False)
    numbers = [sum(t.nbytes for t in tensors(path).values()) for path in paths]
    size = read(paths[1]).parameters.vector.nbytes
    assert numbers[1] == size
    assert numbers[0] in (3 * size, 4 * size)  # where the best are the last
    head = [header(path)["format_version"] for path in paths]
    assert head == ["2", "1"]
    again = dr.load(paths[1])
    assert not hasattr(again, "_memory")
    before = again.loss_curve_[-1]
    assert fit(again, 30).loss_curve_[-1] < before
    assert dr.load(paths[0])._memory.key == model._memory.key


def test_a_model_of_a_file_without_a_state_is_saved_without() -> None:
    model = fit(dr.MLPRegressor(hidden_layer_sizes=(4,), random_state=0), 2)
    again = from_model(model_of(model, state=False), "model")
    assert model_of(again).state is None
    assert to_bytes(model_of(again)) == to_bytes(model_of(model, state=False))


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    model = fit(dr.MLPClassifier((4,), early_stopping=True, random_state=0), 3)
    file = to_bytes(model_of(model))
    assert to_bytes(model_of(model)) == file
    assert to_bytes(model_of(by_file(model, tmp_path))) == file


def test_a_state_that_is_not_finite_is_not_saved() -> None:
    model = fit(dr.MLPRegressor(hidden_layer_sizes=(4,), random_state=0), 2)
    model._memory.state.moments[0, 0] = np.inf
    with pytest.raises(InvalidParameterError) as caught:
        to_bytes(model_of(model))
    assert str(caught.value) == (
        "moments must be finite to be saved (got NaN or inf). Save with state=False, or train "
        "again with a smaller learning_rate_init."
    )


def test_a_model_of_a_table_has_no_state(tmp_path: Path) -> None:
    from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

    table = Table.of({"a": [0, 1] * 9, "y": ["no", "yes"] * 9})
    columns, target = ColumnPlan.fit(table.without(["y"])), TargetPlan.fit(table, ("y",))
    estimator = dr.MLPClassifier((3,), max_iter=2)
    estimator.fit(columns.transform(table), target.encode(table))
    path = tmp_path / "model"
    dr.save(TableModel(columns, target, estimator), path)
    assert read(path).state is None
    kept = model_of(estimator).state
    model = TableModel(columns, target, estimator).to_model()
    path.write_bytes(to_bytes(replaced(model, state=kept)))
    with pytest.raises(ModelFileError, match="state must be null for TableModel"):
        dr.load(path)


def replaced(model: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(model, **changes)


def header(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return dict(file.metadata())


def tensors(path: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(path))

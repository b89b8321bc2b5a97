"""`MLPClassifier` and `MLPRegressor`: going on, and a fitted model as a thing."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.metrics import accuracy_score, r2_score

import deltarule as dr
from deltarule import backprop, plans, restarts
from deltarule.estimators import fitting
from deltarule.estimators.files import model_of
from deltarule.exceptions import InvalidParameterError
from deltarule.random import Stream, derive

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_DIABETES, Y_DIABETES = X_DIABETES[:200], Y_DIABETES[:200] / 100

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet

FAST = {"learning_rate_init": 0.02, "random_state": 0, "standardize": "inputs"}


# ---------------------------------------------------------------- going on


def test_partial_fit_goes_on_with_moments_and_steps() -> None:
    """Adam's t counts over all calls, also over calls with another number of rows."""
    model = dr.MLPClassifier((4,), batch_size=10, shuffle=False, random_state=0, alpha=0.0)
    whole = clone(model).partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    parts = clone(model).partial_fit(X_IRIS[:60], Y_IRIS[:60], classes=[0, 1, 2])
    parts.partial_fit(X_IRIS[60:70], Y_IRIS[60:70])
    parts.partial_fit(X_IRIS[70:], Y_IRIS[70:])
    np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-12)
    assert parts.t_ == whole.t_ == 150
    assert len(parts.loss_curve_) == 3


def test_partial_fit_is_a_step_of_the_plain_batch_mean() -> None:
    """N/n := 1 and the penalty's n is the number of rows of the call."""
    rate, alpha, weight = 0.1, 0.7, np.linspace(0.5, 3, 20)
    X, y = X_DIABETES[:20], Y_DIABETES[:20]
    model = dr.MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0, learning_rate_init=rate, alpha=alpha
    )
    model.partial_fit(X[:1], y[:1])
    W, b = model.coefs_[0].copy(), model.intercepts_[0].copy()
    model.partial_fit(X, y, sample_weight=weight)
    error = weight * ((X @ W + b).ravel() - y)
    np.testing.assert_allclose(
        model.coefs_[0].ravel(), W.ravel() - rate * (X.T @ error + alpha * W.ravel()) / 20
    )
    np.testing.assert_allclose(model.intercepts_[0], b - rate * error.mean())


def test_a_call_of_partial_fit_costs_the_same_after_any_number_of_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Histories grow in place, and what the network needs is built once."""
    model = dr.MLPRegressor(hidden_layer_sizes=(2,), random_state=0)
    model.partial_fit(X_DIABETES, Y_DIABETES)
    curve, session, network = model.loss_curve_, model._session, model._network
    copied: list[int] = []
    monkeypatch.setattr(
        plans.History, "copy", lambda self: copied.append(len(self.loss)) or plans.History()
    )
    for _ in range(3):
        model.partial_fit(X_DIABETES[:1], Y_DIABETES[:1])
    assert model.loss_curve_ is curve
    assert len(curve) == len(model._memory.history.seconds) == 4
    assert model._session is session
    assert model._network is network
    assert not any(copied)
    model.set_params(activation="tanh").partial_fit(X_DIABETES, Y_DIABETES)
    assert model._network.layers[0].activation.name == "tanh"
    assert model._session is not session


def test_a_copy_keeps_its_own_history() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(2,)).partial_fit(X_DIABETES, Y_DIABETES)
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.partial_fit(X_DIABETES, Y_DIABETES)
        assert len(twin.loss_curve_) == 2
        assert twin.loss_curve_ is twin._memory.history.loss
        assert len(model.loss_curve_) == len(model._memory.history.loss) == 1


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_fit_goes_on_with_the_order_of_the_start_that_won(early_stopping: bool) -> None:
    settings = {"hidden_layer_sizes": (3,), "n_init": 4, "learning_rate_init": 0.02}
    for seed in range(20):
        model = dr.MLPRegressor(**settings, max_iter=2, warm_start=True, random_state=seed)
        model.set_params(early_stopping=early_stopping).fit(X_DIABETES, Y_DIABETES)
        if model.restarts_.argmin() > 0:
            break
    else:
        raise AssertionError("the first start won with every seed")
    memory = model._memory
    assert memory.order_key == derive(memory.key, Stream.RESTART, int(model.restarts_.argmin()))
    seen = []
    run = fitting.build_plan

    def note(*args: Any, **kwargs: Any) -> Any:
        seen.append(run(*args, **kwargs))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "build_plan", note)
        model.fit(X_DIABETES, Y_DIABETES).fit(X_DIABETES, Y_DIABETES)
    assert [plan.key for plan in seen] == [memory.order_key] * 2
    assert model._memory.key == memory.key  # the split stays the same
    if not early_stopping:
        start = dr.initialize(model._network, memory.order_key)
        plan = replace(seen[0], max_epochs=6)
        whole = dr.train(model._network, start, X_DIABETES, Y_DIABETES[:, None], plan)
        # The starts may have been trained in lanes: the same numbers but for rounding.
        np.testing.assert_allclose(model.coefs_[0], whole.parameters.weights[0].T, rtol=1e-9)


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_several_starts_that_are_trained_alone_go_on_bit_for_bit(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lanes sum in another order, and that alone is between two fits of three and one of six."""
    monkeypatch.setattr(restarts, "LARGEST_NETWORK", 0)
    settings: dict[str, Any] = {"n_init": 3, "learning_rate_init": 0.02, "random_state": 1}
    model = dr.MLPRegressor(hidden_layer_sizes=(3,), engine=engine, warm_start=True, **settings)
    model.set_params(max_iter=3).fit(X_DIABETES, Y_DIABETES)
    best = int(model.restarts_.argmin())
    cut = model.fit(X_DIABETES, Y_DIABETES)
    whole = clone(model).set_params(max_iter=6).fit(X_DIABETES, Y_DIABETES)
    if int(whole.restarts_.argmin()) == best:
        np.testing.assert_array_equal(cut.coefs_[0], whole.coefs_[0])
        assert cut.loss_curve_ == whole.loss_curve_
    else:
        raise AssertionError("another start won: choose another random_state")


@pytest.mark.parametrize("schedule", ["cosine", dr.OneCycle()], ids=str)
def test_partial_fit_refuses_a_schedule_that_needs_an_end(schedule: Any) -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(2,), learning_rate=schedule, max_iter=3)
    name = schedule if isinstance(schedule, str) else schedule.name
    for _ in range(2):
        with pytest.raises(InvalidParameterError) as caught:
            model.partial_fit(X_DIABETES, Y_DIABETES)
        assert str(caught.value) == (
            f"schedule {name!r} must know how many epochs the training has (got no end). Give it "
            "total_epochs, or use it with fit, whose max_iter is the end."
        )
    model.set_params(learning_rate="invscaling").partial_fit(X_DIABETES, Y_DIABETES)


def test_partial_fit_goes_on_with_the_end_that_a_fit_has_set() -> None:
    """A fit that ended early leaves a schedule with steps to go."""
    model = dr.MLPRegressor(hidden_layer_sizes=(2,), learning_rate="cosine", max_iter=50)
    model.set_params(tol=100.0, n_iter_no_change=2).fit(X_DIABETES, Y_DIABETES)
    assert model.n_iter_ < 10
    assert len(model.partial_fit(X_DIABETES, Y_DIABETES).loss_curve_) > model.n_iter_


def test_partial_fit_with_weights_of_zero_changes_nothing_without_penalty() -> None:
    model = dr.MLPClassifier((4,), solver="sgd", momentum=0, alpha=0.0)
    model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    before = [coef.copy() for coef in model.coefs_]
    model.partial_fit(X_IRIS, Y_IRIS, sample_weight=np.zeros(150))
    for now, then in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("kind", "y", "classes", "others", "name"),
    [
        (dr.MLPClassifier, Y_IRIS % 2, [0, 1, 2], [0, 1, 5], "classes_"),
        (dr.MultiTaskMLP, (Y_IRIS % 2)[:, None], {0: [0, 1, 2]}, {0: [0, 1, 5]}, "heads_"),
    ],
)
def test_a_call_that_is_refused_announces_nothing(
    kind: Any, y: Any, classes: Any, others: Any, name: str
) -> None:
    model = kind(hidden_layer_sizes=(3,), early_stopping=True, random_state=0)
    for call in (model.partial_fit, model.initialize):
        with pytest.raises(InvalidParameterError, match="does not support early_stopping=True"):
            call(X_IRIS, y, classes=classes)
        assert not hasattr(model, name)
    model.set_params(early_stopping=False).partial_fit(X_IRIS, y, classes=others)
    known = getattr(model, name)
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X_IRIS[:, :2], y)
    assert getattr(model, name) is known
    assert list(known[0].classes if kind is dr.MultiTaskMLP else known) == [0, 1, 5]


def test_partial_fit_for_multilabel() -> None:
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    model = dr.MLPClassifier((10,), learning_rate_init=0.05, random_state=0)
    for _ in range(60):
        model.partial_fit(X, Y, classes=np.arange(5))
    assert model.score(X, Y) > 0.6


def test_assigned_weights_are_used_by_prediction_and_by_the_next_fit() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(), max_iter=1, warm_start=True)
    model.fit(X_DIABETES, Y_DIABETES)
    model.coefs_[0][:] = 0.0  # in place
    model.intercepts_ = [np.array([7.0])]  # another array
    np.testing.assert_array_equal(model.predict(X_DIABETES), np.full(200, 7.0))
    model.set_params(learning_rate_init=1e-12).fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_allclose(model.predict(X_DIABETES), 7.0, atol=1e-9)
    model.coefs_[0] = np.ones((3, 1))
    with pytest.raises(
        dr.exceptions.InvalidShapeError,
        match=r"coefs_\[0\] must have shape \(10, 1\) \(got \(3, 1\)\)",
    ):
        model.predict(X_DIABETES)


def test_assigned_biases_of_a_network_without_are_refused() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(), fit_intercept=False, warm_start=True)
    model.fit(X_DIABETES, Y_DIABETES)
    model.intercepts_ = [np.zeros(1)]
    model.predict(X_DIABETES)
    model.intercepts_ = [np.ones(1)]
    for call in (model.predict, lambda X: model.fit(X, Y_DIABETES)):
        with pytest.raises(InvalidParameterError, match=r"^intercepts_\[0\] must be zeros with "):
            call(X_DIABETES)


def test_start_weights_can_be_given_before_the_first_fit() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(), warm_start=True, learning_rate_init=1e-12)
    model.coefs_, model.intercepts_ = [np.full((10, 1), 2.0)], [np.array([1.0])]
    model.set_params(max_iter=1).fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_allclose(model.coefs_[0], 2.0, atol=1e-9)


def test_assigned_weights_make_the_old_best_score_void() -> None:
    model = dr.MLPClassifier((8,), early_stopping=True, warm_start=True, max_iter=30, **FAST)
    good = model.fit(X_IRIS, Y_IRIS).best_validation_score_
    for coef in model.coefs_:
        coef[:] = 0.0
    model.set_params(max_iter=1, learning_rate_init=1e-9).fit(X_IRIS, Y_IRIS)
    assert model.best_validation_score_ < good
    assert np.abs(model.coefs_[0]).max() < 1e-6


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("way", ["fit", "partial_fit", "file"])
def test_assigned_running_statistics_are_what_is_gone_on_from(
    way: str, in_place: bool, tmp_path: Any
) -> None:
    """They are means that fade: of what was added to them a known share is left."""
    settings = {"normalization": "batch", "warm_start": True, "max_iter": 1, "shuffle": False}
    model = dr.MLPRegressor(hidden_layer_sizes=(4,), random_state=0, **settings)
    model.fit(X_DIABETES, Y_DIABETES)
    other = pickle.loads(pickle.dumps(model))
    if in_place:
        other.running_means_[0] += 8.0
    else:
        other.running_means_ = [other.running_means_[0] + 8.0]
    if way == "file":
        dr.save(other, tmp_path / "model.safetensors")
        other = dr.load(tmp_path / "model.safetensors")
    for each in (model, other):
        (each.partial_fit if way == "partial_fit" else each.fit)(X_DIABETES, Y_DIABETES)
    share = (other.running_means_[0] - model.running_means_[0]) / 8.0
    np.testing.assert_allclose(share, share[0])
    assert 0.1 < share[0] < 1
    np.testing.assert_array_equal(other.coefs_[0], model.coefs_[0])  # training has its own means


def test_assigned_weights_go_on_with_the_statistics_that_are_shown() -> None:
    model = dr.MLPRegressor(hidden_layer_sizes=(4,), normalization="batch", random_state=0)
    stopping = dr.EarlyStopping(0.3, patience=3)
    model.set_params(early_stopping=stopping, learning_rate_init=0.3).fit(X_DIABETES, Y_DIABETES)
    best = model._buffers.copy()
    assert not np.array_equal(model._memory.state.parameters.buffers, best)
    model.set_weights([coef * 2 for coef in model.coefs_])
    kept = model_of(model).state
    assert kept is not None
    np.testing.assert_array_equal(kept.state.parameters.buffers, best)
    np.testing.assert_array_equal(kept.state.parameters.vector, model._vector)


@pytest.mark.parametrize("assigned", [False, True])
def test_going_on_starts_from_the_last_unless_others_are_assigned(assigned: bool) -> None:
    model = dr.MLPClassifier((8,), early_stopping=True, **FAST).fit(X_IRIS, Y_IRIS)
    start, last = model.coefs_[0].copy(), model._memory.state.parameters.weights[0].T
    assert not np.array_equal(start, last)
    if assigned:
        model.coefs_[0][0, 0] += 1.0
        start = model.coefs_[0].copy()
    model.set_params(early_stopping=False, learning_rate_init=1e-12).partial_fit(X_IRIS, Y_IRIS)
    np.testing.assert_allclose(model.coefs_[0], start if assigned else last, atol=1e-9)


def test_another_activation_in_a_warm_start() -> None:
    model = dr.MLPClassifier((8,), max_iter=3, warm_start=True, **FAST).fit(X_IRIS, Y_IRIS)
    model.set_params(activation="tanh", learning_rate_init=1e-12).fit(X_IRIS, Y_IRIS)
    W, V = model.coefs_
    X = (X_IRIS - model.input_center_) / model.input_scale_
    z = np.tanh(X @ W + model.intercepts_[0]) @ V + model.intercepts_[1]
    np.testing.assert_array_equal(model.predict(X_IRIS), z.argmax(axis=1))


def test_a_saved_model_goes_on_in_its_precision(tmp_path: Any) -> None:
    model = dr.MLPClassifier((8,), max_iter=3, **FAST).fit(X_IRIS.astype(np.float32), Y_IRIS)
    dr.save(model, tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    again.partial_fit(X_IRIS, Y_IRIS)
    assert again.coefs_[0].dtype == np.float32
    assert again.loss_curve_[:3] == model.loss_curve_
    assert len(again.loss_curve_) == 4


def test_early_stopping_records_and_returns_the_best() -> None:
    model = dr.MLPClassifier((10,), early_stopping=dr.EarlyStopping(0.3, patience=4), **FAST)
    model.fit(X_IRIS, Y_IRIS)
    epochs = len(model.loss_curve_)
    assert model.n_iter_ == epochs < 200
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == epochs
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    assert model.stop_reason_ is dr.StopReason.NO_IMPROVEMENT
    last = model.validation_scores_[-5:]
    assert max(last) < model.best_validation_score_ + 1e-4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("kind", "name", "judge"),
    [(dr.MLPClassifier, "accuracy", accuracy_score), (dr.MLPRegressor, "r2", r2_score)],
)
def test_built_in_scores_are_scikit_learns(
    kind: Any, name: str, judge: Any, weighted: bool
) -> None:
    weight = np.linspace(0.1, 2, 150) if weighted else None
    seen: list[float] = []

    def scorer(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        seen.append(judge(y, estimator.predict(X), sample_weight=sample_weight))
        return seen[-1]

    settings = {"hidden_layer_sizes": (5,), "max_iter": 8, "random_state": 0}
    named = kind(early_stopping=dr.EarlyStopping(scorer=name), **settings)
    own = kind(early_stopping=dr.EarlyStopping(scorer=scorer), **settings)
    built_in = kind(early_stopping=True, **settings)
    for model in (own, built_in, named):
        model.fit(X_IRIS, Y_IRIS, sample_weight=weight)
    np.testing.assert_allclose(built_in.validation_scores_, seen, rtol=1e-12)
    np.testing.assert_allclose(built_in.validation_scores_, own.validation_scores_, rtol=1e-12)
    if not weighted:
        np.testing.assert_allclose(named.validation_scores_, seen, rtol=1e-12)


def test_lbfgs_reaches_a_gradient_of_nearly_zero() -> None:
    model = dr.MLPClassifier((5,), solver="lbfgs", alpha=1.0, max_iter=2000, random_state=0)
    model.fit(X_IRIS, Y_IRIS)
    network, parameters = model._network, model._memory.state.parameters
    gradient = dr.gradient(
        network, parameters, X_IRIS, np.eye(3)[Y_IRIS], penalty=dr.L2(1.0), engine="reference"
    )
    assert np.abs(gradient.vector).max() < 1e-3
    assert model.loss_ == pytest.approx(
        float(backprop.objective(network, parameters, X_IRIS, np.eye(3)[Y_IRIS], None, dr.L2(1.0)))
    )
    assert model.stop_reason_ is dr.StopReason.CONVERGED
    assert len(model.loss_curve_) == model.n_iter_


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    model = dr.MLPClassifier((5,), max_iter=5, early_stopping=True)
    seeds = [0, 0, np.random.RandomState(0), 1]
    fits = [clone(model).set_params(random_state=seed).fit(X_IRIS, Y_IRIS) for seed in seeds]
    weights = [fit.coefs_[0] for fit in fits]
    np.testing.assert_array_equal(weights[0], weights[1])
    np.testing.assert_array_equal(weights[0], weights[2])
    assert not np.array_equal(weights[0], weights[3])


# ---------------------------------------------------------------- a model as a thing


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_model_predicts_and_goes_on_the_same(protocol: int) -> None:
    model = dr.MLPClassifier((5,), max_iter=5, warm_start=True, random_state=0)
    model.fit(X_IRIS, Y_IRIS)
    other = pickle.loads(pickle.dumps(model, protocol))
    np.testing.assert_array_equal(other.predict_proba(X_IRIS), model.predict_proba(X_IRIS))
    np.testing.assert_array_equal(
        other.fit(X_IRIS, Y_IRIS).coefs_[0], model.fit(X_IRIS, Y_IRIS).coefs_[0]
    )


def test_threads_predict_at_the_same_time() -> None:
    model = dr.MLPClassifier((50,), max_iter=3, random_state=0).fit(X_IRIS, Y_IRIS)
    expected = model.predict_proba(X_IRIS)
    found = joblib.Parallel(n_jobs=4, backend="threading")(
        joblib.delayed(model.predict_proba)(X_IRIS) for _ in range(40)
    )
    for probabilities in found:
        np.testing.assert_array_equal(probabilities, expected)


def test_fitted_attributes() -> None:
    model = dr.MLPClassifier((6, 5), max_iter=4, random_state=0).fit(X_IRIS, Y_IRIS)
    assert [coef.shape for coef in model.coefs_] == [(4, 6), (6, 5), (5, 3)]
    assert [intercept.shape for intercept in model.intercepts_] == [(6,), (5,), (3,)]
    assert (model.n_layers_, model.n_outputs_, model.out_activation_) == (4, 3, "softmax")
    assert (model.n_iter_, model.t_, model.loss_) == (4, 600, model.loss_curve_[-1])
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_scores_ is None is model.best_validation_score_
    assert model.stop_reason_ is dr.StopReason.MAX_EPOCHS
    assert model.engine_ in model.road_
    assert model.restarts_.shape == (1,)

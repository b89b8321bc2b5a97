"""Learners: steps on single rows, held against `partial_fit` of the same rows, bit for bit."""

import copy
import itertools
import re
import threading

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines
from deltarule.exceptions import InvalidParameterError

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
DTYPES = [np.float32, np.float64]

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 4)) * [1, 10, 0.1, 3] + [0, 20, 0, -5]
SCORE = (X - X.mean(axis=0)) / X.std(axis=0) @ [1.0, -1.0, 0.5, 2.0]
THREE = np.digitize(SCORE, [-1, 1])
FIRST, ROWS = 8, range(8, 24)


def started(kind, settings, y, engine="auto", dtype=np.float64):
    """Fitted to the first rows as the begin of a stream."""
    model = kind(hidden_layer_sizes=(5,), learning_rate_init=0.01, random_state=3, engine=engine)
    model.set_params(**({"standardize": "inputs"} | settings))
    classes = {"classes": np.unique(y, axis=0)} if kind is dr.MLPClassifier else {}
    return model.partial_fit(X[:FIRST].astype(dtype), y[:FIRST], **classes)


def both(model, y, dtype=np.float64, weight=None, rows=ROWS):
    """The estimator after `partial_fit` of each row, and after a learner's steps."""
    other = copy.deepcopy(model)
    learner = model.learner()
    for row in rows:
        more = {} if weight is None else {"sample_weight": weight[row : row + 1]}
        other.partial_fit(X[row : row + 1].astype(dtype), y[row : row + 1], **more)
        heavy = () if weight is None else (weight[row],)
        assert learner.step(X[row].astype(dtype), y[row], *heavy) == other.loss_
    return other, learner.sync()


def assert_same(wanted, found):
    """All that a training goes on from."""
    for one, other in zip(wanted.coefs_, found.coefs_, strict=True):
        np.testing.assert_array_equal(other, one)
    for one, other in zip(wanted.intercepts_, found.intercepts_, strict=True):
        np.testing.assert_array_equal(other, one)
    one, other = wanted._memory.state, found._memory.state
    np.testing.assert_array_equal(other.moments, one.moments)
    for name in ("step", "epoch", "rate_factor", "best_loss", "stalled", "key"):
        assert getattr(other, name) == getattr(one, name), name
    assert (found.t_, found.stop_reason_) == (wanted.t_, wanted.stop_reason_)
    assert (found.engine_, found.road_) == (wanted.engine_, wanted.road_)


SOLVERS = [dr.SGD(), dr.Momentum(0.8), dr.Nesterov(0.9), dr.Adam(), dr.AdamW(), dr.RMSprop()]
PENALTIES = [0.0, dr.L2(0.01), dr.L1(0.001), dr.L1L2(0.001, 0.01)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.name)
def test_steps_are_partial_fits_with_every_solver_and_penalty(solver, dtype, engine):
    for penalty in PENALTIES:
        settings = {"solver": solver, "alpha": penalty}
        assert_same(*both(started(dr.MLPClassifier, settings, THREE, engine, dtype), THREE, dtype))


LABELS = np.column_stack([SCORE > 0, SCORE > 1, X[:, 0] > 0]).astype(int)

# the kind of estimator, what it is told, its target
TARGETS = [
    (dr.MLPClassifier, {}, np.where(SCORE > 0, "yes", "no")),
    (dr.MLPClassifier, {}, THREE * 10.0),
    (dr.MLPClassifier, {}, np.array(["a", "b", "c"], dtype=object)[THREE]),
    (dr.MLPClassifier, {"output_activation": "softmax"}, SCORE > 0),
    (dr.MLPClassifier, {"output_activation": "logistic"}, THREE),
    (dr.MLPClassifier, {}, np.full(60, 3)),
    (dr.MLPClassifier, {"loss": "perceptron"}, THREE),
    (dr.MLPClassifier, {"loss": "squared_error", "output_activation": "tanh"}, SCORE > 0),
    (dr.MLPClassifier, {}, LABELS),
    (dr.MLPClassifier, {"label_smoothing": 0.1}, THREE),
    (dr.MLPClassifier, {"label_smoothing": 0.1}, LABELS),
    (dr.MLPClassifier, {"class_weight": {0: 0.3, 1: 1.7}}, THREE),
    (dr.MLPClassifier, {"class_weight": [{0: 0.7, 1: 3}, {1: 0.9}, {0: 0, 1: 2}]}, LABELS),
    (dr.MLPRegressor, {}, SCORE),
    (dr.MLPRegressor, {}, SCORE.astype(np.float32)),
    (dr.MLPRegressor, {}, np.column_stack([SCORE, -SCORE])),
    (dr.MLPRegressor, {"loss": "poisson"}, np.floor(np.abs(SCORE))),
    (dr.MLPRegressor, {"loss": "log_loss"}, (SCORE > 0).astype(int)),
    (dr.MLPRegressor, {"loss": dr.losses.Quantile(0.3)}, SCORE),
    (dr.MLPRegressor, {"loss": dr.losses.Huber(0.5)}, SCORE),
    (dr.MLPRegressor, {"loss": "absolute_error"}, SCORE),
    (dr.MLPRegressor, {"standardize": "both"}, 50 + 9 * SCORE),
    (dr.MLPRegressor, {"standardize": "both"}, np.column_stack([SCORE, 1e5 + SCORE])),
    (dr.MLPRegressor, {"standardize": None, "fit_intercept": False}, SCORE),
    (dr.MLPRegressor, {"hidden_layer_sizes": ()}, SCORE),
    (dr.MLPRegressor, {"hidden_layer_sizes": (40, 9, 3), "activation": "gelu"}, SCORE),
    (dr.MLPClassifier, {"dropout": 0.3}, THREE),
    (dr.MLPClassifier, {"normalization": "layer"}, THREE),
    (dr.MLPClassifier, {"normalization": "layer", "dropout": 0.2}, LABELS),
    (dr.MLPClassifier, {"solver": dr.Adam(average=0.9, clip_norm=1.0)}, THREE),
    (dr.MLPRegressor, {"solver": dr.SGD(average=0.5)}, SCORE),
    (dr.MLPRegressor, {"loss": dr.losses.Quantile((0.1, 0.5, 0.9))}, SCORE),
    (dr.MLPRegressor, {"loss": dr.losses.Quantile((0.2, 0.7)), "standardize": "both"}, SCORE),
]


def stream(kind, settings, y, engine, dtype=np.float64):
    if kind is dr.MLPClassifier and y.ndim == 2:  # announced by its columns
        model = kind(hidden_layer_sizes=(5,), random_state=3, engine=engine, **settings)
        return model.partial_fit(X[:FIRST].astype(dtype), y[:FIRST], classes=np.arange(y.shape[1]))
    return started(kind, settings, y, engine, dtype)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("kind", "settings", "y"), TARGETS)
def test_steps_are_partial_fits_for_every_target(kind, settings, y, dtype, engine):
    model = stream(kind, settings, y, engine, dtype)
    predict = model.learner().predict
    wanted, found = both(model, y, dtype)
    assert_same(wanted, found)
    learner, rows = found.learner(), X[:5].astype(dtype)
    frozen = found.predictor()
    for row in rows:  # the learner's predictor says what a frozen one says
        np.testing.assert_array_equal(learner.predict(row), frozen(row))
        np.testing.assert_array_equal(learner.predict.outputs(row), frozen.outputs(row))
    assert type(predict) is type(frozen)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "activation", [name for name in dr.activations.ACTIVATIONS.table if name != "ascending"]
)
def test_steps_are_partial_fits_with_every_activation(activation, engine):
    model = started(dr.MLPClassifier, {"activation": activation}, THREE, engine)
    assert_same(*both(model, THREE))


def test_a_python_function_learns_on_the_reference_engine():
    sine = dr.activations.Function(np.sin, np.cos)
    model = started(dr.MLPRegressor, {"activation": sine, "solver": "sgd"}, SCORE)
    wanted, found = both(model, SCORE)
    assert_same(wanted, found)
    assert found.engine_ == "reference"


SCHEDULES = [
    "invscaling",
    dr.InvScaling(0.3),
    dr.schedules.Step(15),
    lambda t: 1 / (1 + 0.1 * t),
    dr.Adaptive(divisor=3.0),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_steps_are_partial_fits_with_every_schedule(schedule, engine):
    settings = {"solver": "sgd", "learning_rate": schedule, "tol": 0.5, "n_iter_no_change": 2}
    wanted, found = both(started(dr.MLPClassifier, settings, THREE, engine), THREE)
    assert_same(wanted, found)


@pytest.mark.parametrize("engine", ENGINES)
def test_plateaus_divide_the_step_size_until_it_is_too_small_and_it_begins_anew(engine):
    rule = dr.Adaptive(divisor=10.0, smallest=1e-3)
    settings = {"solver": "sgd", "learning_rate": rule, "tol": 5.0, "n_iter_no_change": 2}
    model = started(dr.MLPRegressor, settings, SCORE, engine)
    other, learner, met = copy.deepcopy(model), model.learner(), set()
    for row in ROWS:
        other.partial_fit(X[row : row + 1], SCORE[row : row + 1])
        assert learner.step(X[row], SCORE[row]) == other.loss_
        assert_same(other, learner.sync())
        met.add((other._memory.state.rate_factor, other.stop_reason_.name))
    assert met == {(1.0, "MAX_EPOCHS"), (0.1, "MAX_EPOCHS"), (0.1, "STEP_TOO_SMALL")}


@pytest.mark.parametrize("total", [None, 30])
def test_a_schedule_with_an_end_goes_on_to_it_and_stays_there(total):
    """Each row counts as an epoch, as a call of partial_fit does."""
    rule = dr.Cosine(end=0.1, total_epochs=total)
    settings = {"learning_rate": rule, "max_iter": 10, "tol": 5.0, "n_iter_no_change": 1}
    model = dr.MLPClassifier((5,), random_state=0, batch_size=10, **settings).fit(X, THREE)
    model.set_params(batch_size=1)
    other = copy.deepcopy(model)
    learner = model.learner()
    for row in range(40):
        other.partial_fit(X[row : row + 1], THREE[row : row + 1])
        assert learner.step(X[row], THREE[row]) == other.loss_
    assert_same(other, learner.sync())
    fresh = dr.MLPClassifier((5,), random_state=0, learning_rate=dr.Cosine())
    with pytest.raises(InvalidParameterError, match="schedule 'cosine'"):
        fresh.initialize(X, THREE).learner()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_weight_is_a_sample_weight(engine, dtype):
    weight = RNG.uniform(0, 2, size=60)
    weight[10] = 0
    model = started(dr.MLPRegressor, {"alpha": 0.1}, SCORE, engine)
    assert_same(*both(model, SCORE, weight=weight))
    settings = {"class_weight": {0: 0.3, 1: 1.7}}
    model = started(dr.MLPClassifier, settings, THREE, engine, dtype)
    assert_same(*both(model, THREE, dtype, weight.astype(dtype)))
    assert model.learner().step(X[20].astype(object), THREE[20], 0.3) == (
        model.learner().step(X[20], THREE[20], 0.3)
    )


def forms(row):
    """A row as it may be given."""
    yield row.tolist()
    yield tuple(row)
    yield np.repeat(row, 3)[::3]
    yield row[::-1].copy()[::-1]
    yield row.astype(object)
    yield row.astype(">f8")
    yield np.broadcast_to(row, (2, 4))[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_and_targets_come_in_many_forms(engine):
    model = started(dr.MLPRegressor, {}, SCORE, engine)
    wanted = copy.deepcopy(model).learner()
    losses = [wanted.step(X[20], 2.0), wanted.step(X[21], 2.0)]
    for row, target in zip(
        forms(X[20]),
        itertools.cycle([2, 2.0, np.float32(2), np.int64(2), np.array(2.0), [2], np.array([2.0])]),
        strict=False,
    ):
        learner = copy.deepcopy(model).learner()
        assert [learner.step(row, target), learner.step(X[21], 2.0, 1)] == losses
    classes = started(dr.MLPClassifier, {}, THREE, engine)
    wanted = classes.learner().step(X[20], 1)
    for label in (1.0, True, np.int8(1), np.float32(1), np.array(1), np.array([1])):
        assert classes.learner().step(X[20], label) == wanted


# ---------------------------------------------------------------- sync


@pytest.mark.parametrize("engine", ENGINES)
def test_after_sync_everything_goes_on(engine):
    settings = {"warm_start": True, "max_iter": 1, "tol": 0}
    model = started(dr.MLPClassifier, settings, THREE, engine)
    wanted, found = both(model, THREE)
    for one in (wanted, found):
        one.partial_fit(X[:10], THREE[:10])
    assert_same(wanted, found)
    for one in (wanted, found):
        with pytest.warns(Warning, match="Maximum iterations"):
            one.fit(X, THREE)
    assert_same(wanted, found)
    assert_same(*both(found, THREE))


def test_a_learner_goes_on_after_sync_and_the_estimator_stands_still_between():
    model = started(dr.MLPRegressor, {}, SCORE)
    other, before = copy.deepcopy(model), [part.copy() for part in model.coefs_]
    learner = model.learner()
    losses = [learner.step(X[row], SCORE[row]) for row in range(20)]
    np.testing.assert_array_equal(model.coefs_[0], before[0])
    assert learner.sync() is model
    assert (model.n_iter_, model.t_) == (20, FIRST + 20)
    assert model.loss_curve_[1:] == [pytest.approx(np.mean(losses), rel=1e-14)]
    assert learner.sync().t_ == FIRST + 20  # nothing new
    losses = [learner.step(X[row], SCORE[row]) for row in range(20, 30)]
    learner.sync()
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (10, FIRST + 30, 3)
    for row in range(30):
        other.partial_fit(X[row : row + 1], SCORE[row : row + 1])
    assert_same(other, model)


CONFLICT = (
    "the MLPRegressor must be as it was when it made the learner, or at the last sync (got other "
    "weights: it was fitted, or they were assigned). Make another learner from it; this one still "
    "predicts."
)


def assigned(model):
    model.coefs_[0] = model.coefs_[0] + 1


def written_into(model):
    model.intercepts_[0][0] += 1


@pytest.mark.parametrize(
    "change", [lambda model: model.partial_fit(X, SCORE), assigned, written_into]
)
def test_sync_throws_no_work_away(change):
    model = started(dr.MLPRegressor, {}, SCORE)
    learner = model.learner()
    learner.step(X[0], 1.0)
    change(model)
    kept = model.coefs_[0].copy()
    with pytest.raises(InvalidParameterError, match=re.escape(CONFLICT)):
        learner.sync()
    np.testing.assert_array_equal(model.coefs_[0], kept)
    assert np.isfinite(learner.predict(X[0]))
    learner.step(X[0], 1.0)


def test_a_learner_of_a_loaded_model(tmp_path):
    model = started(dr.MLPClassifier, {}, THREE)
    dr.save(model, tmp_path / "model")
    loaded = dr.load(tmp_path / "model")
    again = dr.load(tmp_path / "model")
    learner = loaded.learner()
    for row in range(10):
        learner.step(X[row], THREE[row])
        again.partial_fit(X[row : row + 1], THREE[row : row + 1])
    for one, other in zip(learner.sync().coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_learner_of_an_estimator_that_was_only_initialized():
    settings = {"hidden_layer_sizes": (5,), "random_state": 0, "standardize": "both"}
    assert_same(*both(dr.MLPRegressor(**settings).initialize(X, SCORE), SCORE))


def test_probabilities_of_a_learner_are_the_networks_own_for_its_temperature_is_of_the_past():
    settings = {"early_stopping": True, "calibrate": True, "max_iter": 30, "n_iter_no_change": 30}
    model = started(dr.MLPClassifier, {}, THREE).set_params(**settings)
    with pytest.warns(Warning, match="Maximum iterations"):
        model.fit(X, THREE)
    model.set_params(early_stopping=False, calibrate=False)
    learner = model.learner()
    learner.step(X[0], 0)
    assert not hasattr(learner.sync(), "temperature_")
    np.testing.assert_array_equal(learner.predict.proba(X[0]), model.predictor().proba(X[0]))


def test_assigned_weights_are_where_a_learner_starts():
    model = started(dr.MLPRegressor, {"solver": "sgd"}, SCORE)
    model.coefs_ = [part * 0.5 for part in model.coefs_]
    assert_same(*both(model, SCORE))


def test_another_activation_is_the_learners_until_sync():
    model = started(dr.MLPRegressor, {}, SCORE).set_params(activation="tanh")
    before, other = model.predict(X), copy.deepcopy(model)
    learner = model.learner()
    learner.step(X[0], 1.0)
    np.testing.assert_array_equal(model.predict(X), before)
    assert_same(other.partial_fit(X[:1], [1.0]), learner.sync())
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_batch_size_is_not_for_a_learner():
    assert_same(*both(started(dr.MLPRegressor, {"batch_size": 1}, SCORE), SCORE))
    model = started(dr.MLPRegressor, {"batch_size": 8}, SCORE)
    assert np.isfinite(model.learner().step(X[0], 1.0))


def test_the_estimator_may_go_before_its_learner_and_the_learner_before_its_predictor():
    predict = started(dr.MLPRegressor, {}, SCORE).learner().predict
    wanted = started(dr.MLPRegressor, {}, SCORE).predictor()(X[0])
    assert [predict(X[0]) for _ in range(100)] == [wanted] * 100


# ---------------------------------------------------------------- one caller at a time


@pytest.mark.parametrize("engine", ENGINES)
def test_a_schedule_that_steps_itself_is_told_so(engine):
    told = []

    def schedule(t):
        try:
            learner.step(X[0], 1.0)
        except ValueError as problem:
            told.append(str(problem))
        return 1.0

    model = started(dr.MLPRegressor, {"solver": "sgd"}, SCORE, engine)
    model.set_params(learning_rate=schedule)
    learner = model.learner()
    assert np.isfinite(learner.step(X[0], 1.0))
    assert told == ["the learner is at work in another call. Open a learner for each thread."]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_schedule_that_raises_costs_nothing(engine):
    def schedule(t):
        if t == FIRST + 3 and not told:
            told.append(t)
            raise OSError("the file with the rates is gone")
        return 1.0

    told = [None]
    settings = {"solver": "sgd", "learning_rate": schedule, "batch_size": 1}
    model = started(dr.MLPRegressor, settings, SCORE, engine)
    other = copy.deepcopy(model)
    told.clear()
    learner = model.learner()
    for row in range(10):
        if row == 3:
            with pytest.raises(OSError, match="the file with the rates is gone"):
                learner.step(X[row], SCORE[row])
        other.partial_fit(X[row : row + 1], SCORE[row : row + 1])
        assert learner.step(X[row], SCORE[row]) == other.loss_
    assert_same(other, learner.sync())


@pytest.mark.parametrize("engine", ENGINES)
def test_two_threads_with_one_learner_do_no_harm(engine):
    learner = started(dr.MLPRegressor, {}, SCORE, engine).learner()
    done = []

    def work():
        for row in range(60):
            try:
                learner.step(X[row], SCORE[row])
                learner.predict(X[row])
                done.append(row)
            except ValueError as problem:  # met in the middle of a step
                assert "at work in another call" in str(problem)  # noqa: PT017

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.isfinite(learner.predict(X[0]))
    assert learner.sync().t_ == FIRST + len(done)

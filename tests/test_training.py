"""Training: what the loop records, when it stops, what it keeps, how it goes on bit for bit."""

import math
import os
import pickle
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule import engines, restarts
from deltarule.definitions import choose
from deltarule.engines import base
from deltarule.engines.reference import ReferenceSession
from deltarule.optimizers import OPTIMIZERS
from deltarule.plans import History, TrainingPlan, TrainingState, Validation
from deltarule.random import order
from deltarule.restarts import restart
from deltarule.schedules import SCHEDULES
from deltarule.scores import Accuracy

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
STEPWISE = [name for name in OPTIMIZERS.table if name != "lbfgs"]

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(14, 3))
D = 0.5 + 0.4 * np.tanh(X @ NUMBERS.normal(size=(3, 2)))
WEIGHT = NUMBERS.random(14) + 0.5
NETWORK = dr.Network((3, 5, 2), ("tanh", "logistic"))
START = dr.initialize(NETWORK, seed=1)


def plan(**changes) -> TrainingPlan:
    return replace(
        TrainingPlan(learning_rate_init=0.1, batch_size=4, max_epochs=5, sampling="shuffle"),
        **changes,
    )


def train(settings: TrainingPlan, start=START, **options):
    return dr.train(NETWORK, start, X, D, settings, **options)


def same(a, b) -> bool:
    return a.tobytes() == b.tobytes()


# ------------------------------------------------------------------ what an epoch is


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sampling", ["replacement", "shuffle", "sequential"])
def test_epochs_are_steps_in_the_order_of_the_rule(sampling, engine):
    result = train(plan(batch_size=1, sampling=sampling, key=9), engine=engine)
    by_steps = START
    for epoch in range(5):  # the look-ahead of the compiled engine begins anew with every order
        rows = order(sampling, 9, epoch, 14)
        by_steps = dr.run_steps(NETWORK, by_steps, X, D, order=rows, engine=engine)
    assert same(result.parameters.vector, by_steps.vector)
    assert (result.state.step, result.state.epoch, result.epochs) == (70, 5, 5)
    assert result.engine == engine
    assert result.road.startswith(engine)


def test_another_key_is_another_order():
    assert not same(train(plan(key=1)).parameters.vector, train(plan(key=2)).parameters.vector)


@pytest.mark.parametrize("engine", ENGINES)
def test_history_is_the_loss_as_met(engine):
    """One epoch over the whole set in one batch: the loss is met before the only update."""
    settings = plan(batch_size=14, max_epochs=1, penalty=dr.L2(0.5))
    result = train(settings, sample_weight=WEIGHT, engine=engine)
    n = WEIGHT.sum()
    data = dr.objective(NETWORK, START, X, D, WEIGHT)
    # the penalty is that of the epoch's end
    weights = result.parameters.vector[NETWORK.penalised]
    assert result.history.loss == [pytest.approx(data + 0.25 * (weights**2).sum() / n, rel=1e-12)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 4, 14, 1000])
def test_every_batch_size_descends_the_same_objective(batch_size, engine):
    """A step so small that nothing moves: whatever the batches, J is what is reported."""
    settings = plan(
        learning_rate_init=1e-12, max_epochs=1, batch_size=batch_size, penalty=dr.L2(2.0)
    )
    result = train(settings, sample_weight=WEIGHT, engine=engine)
    J = dr.objective(NETWORK, START, X, D, WEIGHT, dr.L2(2.0))
    assert result.history.loss[0] == pytest.approx(J, rel=1e-9)
    # and where B divides N, the epoch's mean step is along −∇J
    if 14 % min(batch_size, 14) == 0:
        steps = -(-14 // batch_size)
        moved = (result.parameters.vector - START.vector) / (1e-12 * steps)
        slope = dr.gradient(NETWORK, START, X, D, WEIGHT, dr.L2(2.0)).vector
        np.testing.assert_allclose(moved, -slope, atol=2e-3 * np.abs(slope).max())


@pytest.mark.parametrize("engine", ENGINES)
def test_sample_weights_count_rows(engine):
    """A row of weight 0 is never felt, whatever stands in it."""
    weight = np.ones(14)
    weight[[2, 7]] = 0.0
    strange = X.copy()
    strange[[2, 7]] = 1e3
    settings = plan(sampling="sequential", penalty=dr.L2(0.1))
    a = dr.train(NETWORK, START, X, D, settings, sample_weight=weight, engine=engine)
    b = dr.train(NETWORK, START, strange, D, settings, sample_weight=weight, engine=engine)
    np.testing.assert_allclose(a.parameters.vector, b.parameters.vector, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stream_has_no_training_set(engine):
    """incremental: N/n := 1, and the penalty is divided by the rows of the call."""
    settings = plan(batch_size=14, max_epochs=1, penalty=dr.L2(0.5), incremental=True)
    result = train(settings, sample_weight=WEIGHT, engine=engine)
    n = WEIGHT.sum()
    data = dr.gradient(NETWORK, START, X, D, WEIGHT).vector * n / 14
    penalty = np.where(NETWORK.penalised, 0.5 * START.vector, 0.0) / 14
    expected = START.vector - 0.1 * (data + penalty)
    np.testing.assert_allclose(result.parameters.vector, expected, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stream_may_weigh_nothing(engine):
    settings = plan(incremental=True, max_epochs=1)
    result = train(settings, sample_weight=np.zeros(14), engine=engine)
    assert same(result.parameters.vector, START.vector)


@pytest.mark.parametrize("engine", ENGINES)
def test_sparse_rows_train_like_dense_ones(engine):
    thin = np.where(X > 0, X, 0.0)
    dense = dr.train(NETWORK, START, thin, D, plan(), engine=engine)
    sparse = dr.train(NETWORK, START, sp.csr_matrix(thin), D, plan(), engine=engine)
    np.testing.assert_allclose(sparse.parameters.vector, dense.parameters.vector, rtol=1e-12)
    np.testing.assert_allclose(sparse.history.loss, dense.history.loss, rtol=1e-12)


def test_nothing_is_written_into():
    given = [X.copy(), D.copy(), WEIGHT.copy()]
    for array in given:
        array.flags.writeable = False
    rows = Validation(given[0], given[1], given[2])
    dr.train(NETWORK, START, *given[:2], plan(), sample_weight=given[2], validation=rows)
    assert [same(a, b) for a, b in zip(given, (X, D, WEIGHT), strict=True)] == [True] * 3


# ------------------------------------------------------------------ going on


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimizer", STEPWISE)
@pytest.mark.parametrize("schedule", SCHEDULES.table)
def test_fifty_and_fifty_epochs_are_a_hundred(schedule, optimizer, engine):
    """The state, pickled in between, holds all that the second half needs."""
    settings = plan(
        optimizer=OPTIMIZERS.table[optimizer](),
        schedule=choose(schedule, SCHEDULES, "schedule"),
        learning_rate_init=0.01,
        max_epochs=100,
        tolerance=1e-3,
        patience=15 if schedule == "adaptive" else None,
    )
    whole = train(settings, engine=engine)
    first = train(settings, engine=engine, observer=lambda seen: seen.epoch == 50)
    assert first.stop_reason is dr.StopReason.OBSERVER
    assert (first.epochs, first.state.epoch) == (50, 50)
    state, history = pickle.loads(pickle.dumps((first.state, first.history)))
    second = train(replace(settings, max_epochs=50), state, history=history, engine=engine)
    assert same(second.parameters.vector, whole.parameters.vector)
    assert same(second.state.moments, whole.state.moments)
    assert second.history.loss == whole.history.loss
    for name in ("step", "epoch", "rate_factor", "best_loss", "stalled", "horizon"):
        assert getattr(second.state, name) == getattr(whole.state, name), name
    if schedule == "adaptive":  # at least one plateau on either side of the cut
        assert whole.state.rate_factor < first.state.rate_factor < 1.0
    assert len(first.history.loss) == 50  # the earlier history is not written into


@pytest.mark.parametrize("optimizer", STEPWISE)
def test_a_state_goes_on_with_another_engine(optimizer):
    settings = plan(optimizer=OPTIMIZERS.table[optimizer](), learning_rate_init=0.01)
    for first, second in zip(ENGINES, reversed(ENGINES), strict=True):
        state = train(settings, engine=first).state
        got = train(settings, state, engine=second)
        whole = train(replace(settings, max_epochs=10), engine=first)
        np.testing.assert_allclose(got.parameters.vector, whole.parameters.vector, rtol=1e-9)
        assert got.state.moments.shape == whole.state.moments.shape


def test_adaptive_lowers_the_step_size_at_plateaus():
    settings = plan(
        schedule=dr.Adaptive(divisor=10.0, smallest=1e-4),
        tolerance=10.0,
        patience=2,
        max_epochs=100,
    )
    rates = []
    result = train(settings, observer=lambda seen: rates.append(seen.epoch))
    # no epoch improves by 10: the first sets the best, then 3 stalled ones per plateau
    assert result.stop_reason is dr.StopReason.STEP_TOO_SMALL
    # 0.1 → 0.01 → 0.001 → 0.0001, and the plateau there ends it
    assert result.state.rate_factor == pytest.approx(1e-3)
    assert result.epochs == 4 * 3 + 1 == len(rates)


def test_a_schedule_with_a_horizon_ends_where_it_should():
    settings = plan(schedule=dr.Cosine(end=0.0), batch_size=14, max_epochs=10)
    result = train(settings)
    assert result.state.horizon == 10
    factors = dr.Cosine().factors(dr.schedules.Clock(0, 0, 1, 14, 10), 10)
    vector = START
    for rate in 0.1 * factors:
        slope = dr.gradient(NETWORK, vector, X, D).vector
        vector = vector.replace(vector=vector.vector - rate * slope)
    np.testing.assert_allclose(result.parameters.vector, vector.vector, rtol=1e-12)


def test_a_horizon_may_be_given():
    settings = plan(schedule=dr.Cosine(), max_epochs=50)
    state = TrainingState(START, np.zeros((0, NETWORK.size)), horizon=100)
    half = train(settings, state)
    whole = train(replace(settings, max_epochs=100), observer=lambda seen: seen.epoch == 50)
    assert same(half.parameters.vector, whole.parameters.vector)


# ------------------------------------------------------------------ when it ends


def test_max_epochs():
    result = train(plan(max_epochs=3))
    assert result.stop_reason is dr.StopReason.MAX_EPOCHS
    assert result.epochs == 3
    none = train(plan(max_epochs=0))
    assert (none.stop_reason, none.epochs, none.history.loss) == (dr.StopReason.MAX_EPOCHS, 0, [])
    assert same(none.parameters.vector, START.vector)


def test_converged_counts_as_scikit_learn_does():
    """More than `patience` epochs in a row that do not improve the best loss by `tolerance`."""
    result = train(plan(max_epochs=100, tolerance=10.0, patience=4))
    assert result.stop_reason is dr.StopReason.CONVERGED
    assert result.epochs == 1 + 5
    assert train(plan(max_epochs=20, tolerance=10.0, patience=None)).epochs == 20


def test_an_observer_ends_it():
    seen = []

    def observer(report):
        seen.append((report.epoch, report.loss, report.parameters()))
        return report.epoch == 3

    result = train(plan(max_epochs=10), observer=observer)
    assert result.stop_reason is dr.StopReason.OBSERVER
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert [loss for _, loss, _ in seen] == result.history.loss
    assert same(seen[-1][2].vector, result.parameters.vector)
    assert not same(seen[0][2].vector, result.parameters.vector)
    assert same(train(plan(max_epochs=3)).parameters.vector, result.parameters.vector)


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_restores_the_best(engine):
    """The score is scripted: best after epoch 3, then worse and worse."""
    scores = iter([0.1, 0.5, 0.9, 0.89, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    kept = []
    settings = plan(max_epochs=10, early_stopping=dr.EarlyStopping(patience=3, min_delta=0.01))
    result = train(
        settings,
        validation=Validation(X[:5], D[:5], score=lambda prediction: next(scores)),
        observer=lambda seen: kept.append(seen.parameters()),
        engine=engine,
    )
    assert result.stop_reason is dr.StopReason.NO_IMPROVEMENT
    assert result.epochs == 3 + 4
    assert result.history.validation_score == [0.1, 0.5, 0.9, 0.89, 0.7, 0.6, 0.5]
    assert same(result.parameters.vector, kept[2].vector)
    assert same(result.state.parameters.vector, kept[-1].vector)
    assert result.state.best_score == 0.9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("ties", "best"), [("first", 2), ("last", 5)])
def test_of_epochs_with_the_best_score_the_first_is_kept_or_the_last(engine, ties, best):
    scores = iter([0.1, 0.5, 0.9, 0.7, 0.9, 0.9, 0.3, 0.2])
    kept = []
    rule = dr.EarlyStopping(patience=None, ties=ties)
    result = train(
        plan(max_epochs=8, early_stopping=rule),
        validation=Validation(X[:5], D[:5], score=lambda prediction: next(scores)),
        observer=lambda seen: kept.append(seen.parameters()),
        engine=engine,
    )
    assert result.stop_reason is dr.StopReason.MAX_EPOCHS
    assert result.epochs == 8
    assert same(result.parameters.vector, kept[best].vector)
    assert same(result.state.best_parameters.vector, kept[best].vector)
    assert same(result.state.parameters.vector, kept[-1].vector)
    assert result.state.best_score == 0.9


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("ties", "best"), [("first", 0), ("last", 3)])
def test_a_tie_with_the_best_of_an_earlier_call(engine, ties, best):
    """A cut between the two is seen by neither rule, nor by the engine's own walk."""
    rule = dr.EarlyStopping(patience=None, ties=ties)
    rows = Validation(X[:5], D[:5], score=Accuracy("largest"))
    frozen = plan(max_epochs=2, early_stopping=rule, learning_rate_init=1e-300)
    first = train(frozen, validation=rows, engine=engine)
    moved = np.nextafter(first.state.parameters.vector, np.inf)
    state = replace(first.state, parameters=first.state.parameters.replace(vector=moved))
    again = dr.train(NETWORK, state, X, D, frozen, validation=rows, engine=engine)
    assert again.history.validation_score == [first.state.best_score] * 2
    expected = first.parameters.vector if ties == "first" else moved
    assert same(again.parameters.vector, expected)


def test_an_improvement_has_to_reach_min_delta():
    scores = iter(np.arange(20) / 100)
    settings = plan(max_epochs=20, early_stopping=dr.EarlyStopping(patience=2, min_delta=0.5))
    result = train(settings, validation=Validation(X, D, score=lambda p: next(scores)))
    # each is better than the best, none by 0.5: 1 + 3 epochs, and the best is still the last
    assert result.epochs == 4
    assert result.state.best_score == 0.03
    assert same(result.parameters.vector, result.state.parameters.vector)


def test_without_a_score_the_validation_loss_judges():
    rows = Validation(X[:5], D[:5], WEIGHT[:5])
    result = train(plan(), validation=rows)
    expected = dr.objective(NETWORK, result.parameters, X[:5], D[:5], WEIGHT[:5])
    assert result.history.validation_loss[-1] == pytest.approx(expected, rel=1e-12)
    assert result.history.validation_score[-1] == -result.history.validation_loss[-1]


def test_early_stopping_goes_on_from_its_state():
    settings = plan(max_epochs=60, early_stopping=dr.EarlyStopping(patience=50, min_delta=0.0))
    rows = Validation(X[:5], D[:5])
    whole = train(settings, validation=rows)
    first = train(settings, validation=rows, observer=lambda seen: seen.epoch == 30)
    second = train(
        replace(settings, max_epochs=30), first.state, validation=rows, history=first.history
    )
    assert same(second.parameters.vector, whole.parameters.vector)
    assert second.history.validation_score == whole.history.validation_score


@pytest.mark.parametrize("epochs", [1, 4])
def test_history_has_one_entry_per_epoch(epochs):
    result = train(plan(max_epochs=epochs), validation=Validation(X, D))
    lengths = [len(getattr(result.history, name)) for name in History.__dataclass_fields__]
    assert lengths == [epochs] * 4
    assert result.history.seconds == sorted(result.history.seconds)
    without = train(plan(max_epochs=epochs)).history
    assert (without.validation_loss, without.validation_score) == ([], [])


# ------------------------------------------------------------------ when it goes wrong


def diverging(**changes) -> TrainingPlan:
    """Doubles the step size every epoch until a squared error has no number any more."""
    return plan(
        learning_rate_init=0.05,
        max_epochs=500,
        batch_size=14,
        schedule=dr.schedules.Function(lambda t: 2.0**t),
        **changes,
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loss_that_is_not_finite_keeps_the_last_finite_weights(engine):
    network = dr.Network((3, 2), "identity")
    kept = []
    result = dr.train(
        network, dr.initialize(network), X, D, diverging(), engine=engine,
        observer=lambda seen: kept.append(seen.parameters()),
    )  # fmt: skip
    assert result.stop_reason is dr.StopReason.NON_FINITE
    assert result.trouble.startswith(f"epoch {result.epochs + 1}, layer 0 (")
    assert len(result.history.loss) == result.epochs == len(kept)
    assert np.isfinite(result.history.loss).all()
    assert np.isfinite(result.parameters.vector).all()
    assert same(result.parameters.vector, kept[-1].vector)
    assert (result.state.epoch, result.state.step) == (result.epochs, result.epochs)


def test_a_loss_that_is_not_finite_at_once_returns_the_start():
    network = dr.Network((3, 2), ("exp",), "poisson")
    start = dr.initialize(network).replace(vector=np.full(8, 1e5))
    result = dr.train(network, start, np.ones((14, 3)), D, plan())
    assert result.stop_reason is dr.StopReason.NON_FINITE
    assert same(result.parameters.vector, start.vector)
    assert (result.epochs, result.history.loss) == (0, [])
    assert result.trouble.startswith("epoch 1, layer 0")


def test_early_stopping_survives_a_loss_that_is_not_finite():
    network = dr.Network((3, 2), "identity")
    kept = []
    result = dr.train(
        network,
        dr.initialize(network),
        X,
        D,
        diverging(early_stopping=dr.EarlyStopping(patience=1000)),
        validation=Validation(X, D),
        observer=lambda seen: kept.append((seen.validation_score, seen.parameters().vector)),
    )
    assert result.stop_reason is dr.StopReason.NON_FINITE
    best = max(kept, key=lambda pair: pair[0])
    assert same(result.parameters.vector, best[1])


def test_ctrl_c_in_an_observer_keeps_what_was_reached():
    def observer(seen):
        if seen.epoch == 2:
            raise KeyboardInterrupt

    result = train(plan(max_epochs=10), observer=observer)
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert (result.epochs, len(result.history.loss)) == (2, 2)
    assert same(result.parameters.vector, train(plan(max_epochs=2)).parameters.vector)


def test_ctrl_c_within_an_epoch_keeps_the_part_of_it(monkeypatch):
    step, calls = ReferenceSession._step, []

    def interrupted(self, *arguments):
        calls.append(arguments)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return step(self, *arguments)

    monkeypatch.setattr(ReferenceSession, "_step", interrupted)
    monkeypatch.setattr(base, "SLICE_SECONDS", 0.0)  # each step a slice
    result = train(plan(max_epochs=10), engine="reference")
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert (result.epochs, result.state.epoch, result.state.step) == (1, 1, 6)
    begun = result.state.begun
    assert (begun.steps, begun.rows, begun.batch_size) == (2, len(X), 4)
    monkeypatch.undo()
    one = train(plan(max_epochs=1), engine="reference").parameters.vector
    two = train(plan(max_epochs=2), engine="reference").parameters.vector
    assert not same(result.parameters.vector, one)
    assert not same(result.parameters.vector, two)


def test_ctrl_c_within_the_validation_leaves_counters_and_lists_together(monkeypatch):
    loss, calls = ReferenceSession.loss, []

    def interrupted(self, *rows):
        calls.append(rows)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return loss(self, *rows)

    monkeypatch.setattr(ReferenceSession, "loss", interrupted)
    settings = plan(max_epochs=10, early_stopping=dr.EarlyStopping())
    result = train(settings, engine="reference", validation=Validation(X, D))
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert (result.epochs, result.state.epoch) == (2, 2)
    history = result.history
    assert [len(entries) for entries in (history.loss, history.validation_loss)] == [2, 2]
    assert [len(entries) for entries in (history.validation_score, history.seconds)] == [2, 2]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [2**63 - 1, 2**70])
def test_a_batch_larger_than_the_rows_takes_all_of_them(engine, batch_size):
    all_rows = train(plan(max_epochs=3, batch_size=len(X)), engine=engine)
    more = train(plan(max_epochs=3, batch_size=batch_size), engine=engine)
    assert same(more.parameters.vector, all_rows.parameters.vector)
    assert more.state.step == 3
    one = dr.train(NETWORK, START, X[:1], D[:1], plan(batch_size=batch_size), engine=engine)
    assert "per-sample" not in one.road


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no SIGINT here")
@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_is_heard_in_the_middle_of_an_epoch(engine):
    """A real signal, in the middle of epochs that would take minutes."""
    many = np.tile(X, (20_000, 1)), np.tile(D, (20_000, 1))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    settings = plan(batch_size=1, max_epochs=1000, sampling="sequential")
    result = dr.train(NETWORK, START, *many, settings, engine=engine)
    timer.join()
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert result.epochs < 1000
    assert np.isfinite(result.parameters.vector).all()
    assert not same(result.parameters.vector, START.vector)


def test_any_other_error_of_an_observer_is_the_callers():
    def observer(seen):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        train(plan(), observer=observer)


def test_every_reason_is_a_sentence_with_a_remedy():
    for reason in dr.StopReason:
        assert reason.value.count(". ") >= 1
        assert reason.value.endswith(".")


# ------------------------------------------------------------------ restarts


@pytest.mark.parametrize("engine", ENGINES)
def test_restarts_keep_the_lowest_objective(engine):
    settings = plan(max_epochs=5, penalty=dr.L2(0.1))
    best, objectives = restart(
        NETWORK, X, D, settings, 6, key=3, sample_weight=WEIGHT, engine=engine
    )
    assert objectives.shape == (6,)
    assert len(set(objectives.tolist())) == 6
    reached = dr.objective(NETWORK, best.parameters, X, D, WEIGHT, dr.L2(0.1))
    assert reached == pytest.approx(objectives.min(), rel=1e-12)


def test_the_first_start_is_the_only_one_of_a_single():
    best, objectives = restart(NETWORK, X, D, plan(), 1, key=3)
    alone = train(plan(key=3), dr.initialize(NETWORK, 3))
    assert same(best.parameters.vector, alone.parameters.vector)
    again, more = restart(NETWORK, X, D, plan(), 4, key=3)
    assert more[0] == objectives[0]
    assert more.min() <= objectives[0]
    assert np.isfinite(again.history.loss).all()


def test_restarts_by_score_under_early_stopping():
    settings = plan(early_stopping=dr.EarlyStopping())
    best, objectives = restart(
        NETWORK, X, D, settings, 4, key=3, validation=Validation(X[:5], D[:5])
    )
    assert -best.state.best_score == objectives.min()


def test_a_start_that_diverges_does_not_win(monkeypatch):
    network = dr.Network((3, 2), "identity")
    draw = restarts.initialize
    drawn = []

    def initialize(*args):
        drawn.append(args[1])
        start = draw(*args)
        return start.replace(vector=start.vector * (1e300 if len(drawn) == 1 else 1.0))

    monkeypatch.setattr(restarts, "initialize", initialize)
    best, objectives = restart(network, X, D, plan(), 3, key=3)
    assert math.isinf(objectives[0])
    assert np.isfinite(objectives[1:]).all()
    assert best.stop_reason is dr.StopReason.MAX_EPOCHS
    assert drawn[0] == 3
    assert len(set(drawn)) == 3


def test_ctrl_c_ends_the_restarts():
    def observer(seen):
        raise KeyboardInterrupt

    best, objectives = restart(NETWORK, X, D, plan(), 3, key=3, observer=observer)
    assert best.stop_reason is dr.StopReason.INTERRUPTED
    assert np.isinf(objectives[1:]).all()


# ------------------------------------------------------------------ the same bits


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_key_gives_the_same_bits(dtype, engine):
    rows = X.astype(dtype), D.astype(dtype)
    start = dr.initialize(NETWORK, 1, dtype=dtype)
    settings = plan(optimizer=dr.Adam())
    results = [
        dr.train(NETWORK, start, *rows, settings, engine=engine, n_threads=k) for k in (1, 2, 3)
    ]
    assert results[0].parameters.dtype == dtype
    for other in results[1:]:
        assert same(other.parameters.vector, results[0].parameters.vector)
        assert other.history.loss == results[0].history.loss

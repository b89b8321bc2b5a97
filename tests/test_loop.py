"""The run loop: that of the core against the walk of `engines.base`, under every rule; cuts and
replays that change no bit; what an interruption leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule import engines
from deltarule.engines import base
from deltarule.engines.base import Session
from deltarule.engines.reference import ReferenceEngine
from deltarule.optimizers import OPTIMIZERS
from deltarule.plans import TrainingPlan, Validation
from deltarule.schedules import Clock, Function, InvScaling, Step
from deltarule.scores import R2, Accuracy
from deltarule.stopping import StopReason

compiled = pytest.importorskip("deltarule.engines.compiled")
STEPWISE = [name for name in OPTIMIZERS.table if name != "lbfgs"]

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(14, 3))
D = 0.5 + 0.4 * np.tanh(X @ NUMBERS.normal(size=(3, 2)))
WEIGHT = NUMBERS.random(14) + 0.5
NETWORK = dr.Network((3, 5, 2), ("tanh", "logistic"))
LINEAR = dr.Network((3, 2), "identity")
START = dr.initialize(NETWORK, seed=1)

PLAN = TrainingPlan(learning_rate_init=0.1, batch_size=4, max_epochs=40, sampling="shuffle")
ROWS = Validation(X[:6], D[:6], WEIGHT[:6])
FIELDS = ("step", "epoch", "rate_factor", "best_loss", "best_score", "stalled", "horizon")


def train(plan: TrainingPlan, network: Any = NETWORK, start: Any = None, **options: Any) -> Any:
    start = dr.initialize(network, seed=1) if start is None else start
    return dr.train(network, start, X, D, plan, **options)


def same(a: Any, b: Any) -> None:
    """Bit for bit, the clock left out."""
    for name in FIELDS:
        assert getattr(a.state, name) == getattr(b.state, name), name
    assert (a.stop_reason, a.epochs, a.trouble) == (b.stop_reason, b.epochs, b.trouble)
    for name in ("loss", "validation_loss", "validation_score"):
        assert getattr(a.history, name) == getattr(b.history, name), name
    assert len(a.history.seconds) == len(b.history.seconds) == len(a.history.loss)
    np.testing.assert_array_equal(a.parameters.vector, b.parameters.vector)
    np.testing.assert_array_equal(a.state.parameters.vector, b.state.parameters.vector)
    np.testing.assert_array_equal(a.state.moments, b.state.moments)
    best = [result.state.best_parameters for result in (a, b)]
    assert (best[0] is None) is (best[1] is None)
    if best[0] is not None:
        np.testing.assert_array_equal(best[0].vector, best[1].vector)


ADAPTIVE = dr.Adaptive(divisor=3.0, smallest=1e-3)
STOPPING = dr.EarlyStopping(patience=2, min_delta=1e-3)
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "all epochs": ({}, {}, "MAX_EPOCHS"),
    "no epoch": ({"max_epochs": 0}, {}, "MAX_EPOCHS"),
    "converged": ({"tolerance": 1e-2, "patience": 1}, {}, "CONVERGED"),
    "patience 0": ({"tolerance": 1e-2, "patience": 0}, {}, "CONVERGED"),
    "endless patience": ({"tolerance": 1.0, "patience": 10**30}, {}, "MAX_EPOCHS"),
    "adaptive": (
        {"tolerance": 2e-3, "patience": 1, "schedule": ADAPTIVE, "max_epochs": 200},
        {},
        "STEP_TOO_SMALL",
    ),
    "adaptive by score": (
        {"early_stopping": STOPPING, "schedule": ADAPTIVE, "max_epochs": 300},
        {"validation": replace(ROWS, score=R2())},
        "STEP_TOO_SMALL",
    ),
    "by validation loss": ({"early_stopping": STOPPING}, {"validation": ROWS}, "NO_IMPROVEMENT"),
    "by r2": (
        {"early_stopping": STOPPING, "max_epochs": 300, "learning_rate_init": 3.0},
        {"validation": replace(ROWS, score=R2())},
        "NO_IMPROVEMENT",
    ),
    "by accuracy": (
        {"early_stopping": STOPPING},
        {"validation": replace(ROWS, score=Accuracy("largest"))},
        "NO_IMPROVEMENT",
    ),
    "the last of the best": (
        {"early_stopping": dr.EarlyStopping(patience=None, ties="last")},
        {"validation": replace(ROWS, score=Accuracy("largest"))},
        "MAX_EPOCHS",
    ),
    "the last of the best, until patience ends": (
        {"early_stopping": replace(STOPPING, ties="last")},
        {"validation": replace(ROWS, score=Accuracy("largest"))},
        "NO_IMPROVEMENT",
    ),
    "judged only": ({}, {"validation": replace(ROWS, score=R2())}, "MAX_EPOCHS"),
    "weights and penalties": (
        {"penalty": dr.L1L2(0.05, 0.3), "optimizer": dr.Adam(), "learning_rate_init": 0.01},
        {"sample_weight": WEIGHT},
        "MAX_EPOCHS",
    ),
    "stream": (
        {"incremental": True, "penalty": dr.L2(0.3)},
        {"sample_weight": WEIGHT},
        "MAX_EPOCHS",
    ),
    "per sample": ({"batch_size": 1, "sampling": "replacement"}, {}, "MAX_EPOCHS"),
    "whole batch": ({"batch_size": 14, "sampling": "sequential"}, {}, "MAX_EPOCHS"),
    "cosine": ({"schedule": dr.Cosine(warmup=0.2)}, {}, "MAX_EPOCHS"),
    "invscaling": ({"schedule": InvScaling(per="epoch")}, {}, "MAX_EPOCHS"),
    "python schedule": ({"schedule": Function(lambda t: 0.99**t)}, {}, "MAX_EPOCHS"),
    "diverging": (
        {"learning_rate_init": 30.0, "network": LINEAR, "max_epochs": 500},
        {},
        "NON_FINITE",
    ),
    "diverging per sample": (
        {"learning_rate_init": 10.0, "network": LINEAR, "max_epochs": 500, "batch_size": 1},
        {},
        "NON_FINITE",
    ),
}


def settings_of(name: str) -> tuple[Any, TrainingPlan, dict[str, Any], str]:
    changes, options, reason = SETTINGS[name]
    network = changes.get("network", NETWORK)
    changes = {key: value for key, value in changes.items() if key != "network"}
    return network, replace(PLAN, **changes), options, reason


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The compiled session with the walk of `engines.base`, epoch by epoch in Python."""

    def use() -> None:
        for name in ("run_epochs", "run_epoch", "go_back"):
            monkeypatch.setattr(compiled.CompiledSession, name, getattr(Session, name))

    return use


@pytest.mark.parametrize("name", SETTINGS)
def test_the_core_s_loop_is_the_walk_in_python(name: str, walked: Any) -> None:
    """Same kernels, so the same bits; the penalty's sum alone may round another way."""
    network, plan, options, reason = settings_of(name)
    got = train(plan, network, engine="compiled", **options)
    assert got.stop_reason.name == reason
    assert (got.epochs > 1) is (name != "no epoch")
    walked()
    expected = train(plan, network, engine="compiled", **options)
    np.testing.assert_allclose(got.history.loss, expected.history.loss, rtol=1e-14)
    for result in (got, expected):
        result.history.loss[:] = expected.history.loss
    state = replace(got.state, best_loss=expected.state.best_loss)
    assert got.state.best_loss == pytest.approx(state.best_loss, rel=1e-14)
    same(replace(got, state=state), expected)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_reference_engine_agrees(name: str) -> None:
    network, plan, options, reason = settings_of(name)
    expected = train(plan, network, engine="reference", **options)
    got = train(plan, network, engine="compiled", **options)
    assert (got.stop_reason.name, expected.stop_reason.name) == (reason, reason)
    assert got.epochs == expected.epochs
    # What has grown most on the way may be another block, for one engine does the bad step.
    assert str(got.trouble).split(" (")[0] == str(expected.trouble).split(" (")[0]
    np.testing.assert_allclose(got.history.loss, expected.history.loss, rtol=1e-9)
    np.testing.assert_allclose(
        got.history.validation_score, expected.history.validation_score, rtol=1e-9
    )
    np.testing.assert_allclose(got.parameters.vector, expected.parameters.vector, rtol=1e-8)
    for field in ("step", "epoch", "rate_factor", "stalled", "horizon"):
        assert getattr(got.state, field) == getattr(expected.state, field), field


@pytest.mark.parametrize("name", SETTINGS)
def test_an_observer_sees_the_same_training(name: str) -> None:
    """Epoch by epoch, with the rules asked in Python: the same bits as in the core."""
    network, plan, options, _ = settings_of(name)
    alone = train(plan, network, engine="compiled", **options)
    seen: list[Any] = []
    watched = train(plan, network, engine="compiled", observer=seen.append, **options)
    same(watched, alone)
    assert [report.loss for report in seen] == alone.history.loss
    assert [report.validation_score for report in seen] == (
        alone.history.validation_score or [None] * alone.epochs
    )


@pytest.mark.parametrize("steps", [1, 7, 50])
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_length_of_a_slice_changes_no_bit(
    name: str, epochs: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, plan, options, _ = settings_of(name)
    plain = train(plan, network, engine="compiled", **options)
    monkeypatch.setattr(compiled, "SLICE_STEPS", steps)
    monkeypatch.setattr(compiled, "SLICE_EPOCHS", epochs)
    same(train(plan, network, engine="compiled", **options), plain)


@pytest.mark.parametrize("optimizer", STEPWISE)
@pytest.mark.parametrize("batch_size", [1, 4, 14])
def test_a_run_that_breaks_is_the_run_that_ended_before(
    batch_size: int, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a replay: parameters, moments and history of the last finite epoch, bit for bit."""
    steps = -(-14 // batch_size)
    plan = replace(
        PLAN,
        optimizer=OPTIMIZERS.table[optimizer](),
        batch_size=batch_size,
        learning_rate_init=1e-4,
        max_epochs=5000,
        schedule=Step(every=1, factor=1.0),
    )
    monkeypatch.setattr(
        Step,
        "factors",
        lambda self, clock, count: 3.0 ** np.minimum((clock.step + np.arange(count)) // steps, 600),
    )
    broken = train(plan, LINEAR, engine="compiled")
    assert broken.stop_reason is dr.StopReason.NON_FINITE
    assert broken.epochs > 3
    whole = train(replace(plan, max_epochs=broken.epochs), LINEAR, engine="compiled")
    assert whole.stop_reason is dr.StopReason.MAX_EPOCHS
    horizon = broken.state.horizon
    same(
        replace(broken, stop_reason=whole.stop_reason, trouble=None),
        replace(whole, state=replace(whole.state, horizon=horizon)),
    )
    for slices in (1, 5):
        monkeypatch.setattr(compiled, "SLICE_STEPS", slices)
        same(train(plan, LINEAR, engine="compiled"), broken)


def test_going_on_from_a_run_that_broke() -> None:
    """Its state is that of the last whole epoch, and what breaks breaks again."""
    plan = replace(PLAN, learning_rate_init=30.0, max_epochs=500)
    broken = train(plan, LINEAR, engine="compiled")
    assert broken.stop_reason is dr.StopReason.NON_FINITE
    whole = train(replace(plan, max_epochs=broken.epochs), LINEAR, engine="compiled")
    again = train(plan, LINEAR, broken.state, engine="compiled")
    assert again.stop_reason is dr.StopReason.NON_FINITE
    assert again.epochs == 0
    np.testing.assert_array_equal(again.parameters.vector, whole.parameters.vector)


@pytest.mark.parametrize("optimizer", STEPWISE)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_fifty_and_fifty_epochs_are_a_hundred(batch_size: int, optimizer: str) -> None:
    """In the core's own loop, with rows that are judged and a plateau on the way."""
    plan = replace(
        PLAN,
        optimizer=OPTIMIZERS.table[optimizer](),
        batch_size=batch_size,
        learning_rate_init=0.01,
        schedule=dr.Adaptive(divisor=2.0, smallest=0.0),
        early_stopping=dr.EarlyStopping(patience=3, min_delta=0.1),
        max_epochs=100,
    )
    options = {"validation": replace(ROWS, score=R2()), "engine": "compiled"}
    whole = train(plan, **options)
    half = replace(plan, max_epochs=50)
    horizon = whole.state.horizon
    first = train(half, start=replace(dr.plans.fresh_state(START), horizon=horizon), **options)
    second = train(half, start=first.state, history=first.history, **options)
    same(replace(second, epochs=100), whole)
    assert whole.epochs == 100
    assert whole.state.rate_factor < first.state.rate_factor < 1.0


def test_epochs_of_another_length_go_on() -> None:
    """Fewer rows than before: schedules and clocks count on, in slices that cross epochs too."""
    plan = replace(PLAN, schedule=Step(every=2, factor=0.5), optimizer=dr.Adam(), max_epochs=5)
    first = train(plan, engine="compiled").state
    results = []
    for engine in ("compiled", "reference"):
        results.append(dr.train(NETWORK, first, X[:9], D[:9], plan, engine=engine))
    np.testing.assert_allclose(*(each.parameters.vector for each in results), rtol=1e-9)
    assert results[0].state.step == results[1].state.step == 5 * 4 + 5 * 3


def test_the_clock_knows_how_far_an_epoch_is() -> None:
    """Without `into` an epoch of another length than those before is taken from its start."""
    assert Clock(22, 5, 3, 9, 0, into=2).epochs(5).tolist() == [5, 6, 6, 6, 7]
    assert Clock(22, 5, 3, 9, 0).epochs(5).tolist() == [5, 5, 5, 6, 6]


def test_a_python_scorer_is_asked_once_an_epoch() -> None:
    scores = iter(range(100))
    plan = replace(PLAN, early_stopping=dr.EarlyStopping(patience=1), max_epochs=9)
    rows = replace(ROWS, score=lambda prediction: float(next(scores)))
    result = train(plan, validation=rows, engine="compiled")
    assert result.history.validation_score == [float(k) for k in range(9)]
    judged = train(plan, validation=ROWS, engine="compiled").history.validation_loss
    assert result.history.validation_loss[:3] == judged[:3]


def test_a_python_schedule_is_asked_for_the_steps_that_are_done() -> None:
    asked: list[int] = []
    schedule = Function(lambda t: asked.append(t) or 1.0)
    result = train(replace(PLAN, schedule=schedule, tolerance=1.0, patience=1), engine="compiled")
    assert asked == list(range(result.state.step))


@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_python_schedule_is_asked_once_for_each_step(
    observed: bool, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where slices end before the steps that it was asked for are done."""
    rows = np.repeat(X, 100, axis=0), np.repeat(D, 100, axis=0)
    plan = replace(PLAN, max_epochs=7, batch_size=batch_size)
    falling = dr.train(NETWORK, START, *rows, replace(plan, schedule=InvScaling(per="step")))
    monkeypatch.setattr(base, "SLICE_SECONDS", 1e-9)
    asked: list[int] = []
    schedule = Function(lambda t: asked.append(t) or (1 + t) ** -0.5)
    watch = {"observer": lambda seen: seen.epoch == 5} if observed else {}
    plan = replace(plan, schedule=schedule, max_epochs=5 if not observed else 7)
    result = dr.train(NETWORK, START, *rows, plan, engine="compiled", **watch)
    assert result.epochs == 5
    assert asked == list(range(result.state.step))
    np.testing.assert_allclose(result.history.loss, falling.history.loss[:5], rtol=1e-12)


def test_a_python_schedule_is_not_asked_far_beyond_a_number_that_is_not_finite() -> None:
    asked: list[int] = []
    schedule = Function(lambda t: asked.append(t) or 1e200)
    rows = np.repeat(X, 9000, axis=0), np.repeat(D, 9000, axis=0)
    plan = replace(PLAN, schedule=schedule, batch_size=1)
    result = dr.train(LINEAR, dr.initialize(LINEAR), *rows, plan, engine="compiled")
    assert result.stop_reason is StopReason.NON_FINITE
    assert asked == list(range(compiled.FACTORS[0]))


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_sparse_rows_are_judged_too(engine: str) -> None:
    thin = np.where(X > 0, X, 0.0)
    options = {"engine": engine, "validation": replace(ROWS, X=thin[:6], score=R2())}
    dense = dr.train(NETWORK, START, thin, D, PLAN, **options)
    options["validation"] = replace(ROWS, X=sp.csr_matrix(thin[:6]), score=R2())
    sparse = dr.train(NETWORK, START, sp.csr_matrix(thin), D, PLAN, **options)
    np.testing.assert_allclose(
        sparse.history.validation_score, dense.history.validation_score, rtol=1e-11
    )
    mixed = dr.train(NETWORK, START, thin, D, PLAN, **options)  # judged in another form
    np.testing.assert_allclose(
        mixed.history.validation_score, dense.history.validation_score, rtol=1e-11
    )


@pytest.mark.parametrize("judged", [False, True])
def test_an_interrupted_slice_leaves_its_epochs(
    judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between two slices: what they have done is there, counters and lists together."""
    run, calls = compiled.CompiledSession._slice, []

    def interrupted(self: Any, *arguments: Any, **names: Any) -> None:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        run(self, *arguments, **names)

    monkeypatch.setattr(compiled, "SLICE_EPOCHS", 5)
    monkeypatch.setattr(compiled.CompiledSession, "_slice", interrupted)
    options = {"engine": "compiled", "validation": ROWS if judged else None}
    result = train(PLAN, **options)
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    monkeypatch.undo()
    whole = train(replace(PLAN, max_epochs=15), **options)
    horizon = result.state.horizon
    same(
        replace(result, stop_reason=whole.stop_reason),
        replace(whole, state=replace(whole.state, horizon=horizon)),
    )


def test_numbers_that_broke_before_an_interruption_are_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C just where an epoch has broken: the parameters are those of the last whole one."""
    broken = train(
        replace(PLAN, learning_rate_init=30.0, max_epochs=500), LINEAR, engine="compiled"
    )
    take, calls = compiled.CompiledSession._record, []

    def interrupted(self: Any, *arguments: Any) -> int:
        calls.append(take(self, *arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(compiled.CompiledSession, "_record", interrupted)
    plan = replace(PLAN, learning_rate_init=30.0, max_epochs=500)
    result = train(plan, LINEAR, engine="compiled")
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert calls == [4]
    same(replace(result, stop_reason=broken.stop_reason, trouble=broken.trouble), broken)


def test_an_epoch_whose_penalty_is_no_number_does_not_count() -> None:
    """The objective is what must be finite, and that has the penalty in it."""
    plan = replace(PLAN, penalty=dr.L2(1e9), learning_rate_init=1e-300, max_epochs=3)
    vector = np.array([1e154] * 6 + [0.0] * 2)  # weights and biases
    start = dr.initialize(LINEAR, seed=1).replace(vector=vector)
    for engine in ("compiled", "reference"):
        result = dr.train(LINEAR, start, np.zeros_like(X), D, plan, engine=engine)
        assert result.stop_reason is dr.StopReason.NON_FINITE
        assert result.epochs == 0
        np.testing.assert_array_equal(result.parameters.vector, start.vector)


# ------------------------------------------------------------------ what the core refuses


def opened() -> Any:
    core = compiled._core.Session([(3, 2, "identity", 0.0, True)], "squared_error")
    core.bind(X, D)
    return core


PLANNED = (
    ("shuffle", 0),
    4,
    0.0,
    0.0,
    1.0,
    0,
    (14.0, 0.0, 0.0),
    (False, 0.0, 1, 0.1, False, 1.0, 0.0, False),
)
PLACE, STANDING, LIMITS = (0, 0, 0.0, 0.0), (1.0, np.inf, -np.inf, 0), (8, 2, 1.0)
INSIDE = "a slice must begin inside an epoch and have at least one step and one epoch."
BAD_SLICES = [
    ((PLACE, STANDING, (0, 2, 1.0), None, True), INSIDE),
    ((PLACE, STANDING, (8, 0, 1.0), None, True), INSIDE),
    (((-1, 0, 0.0, 0.0), STANDING, LIMITS, None, True), INSIDE),
    (((0, 14, 0.0, 0.0), STANDING, LIMITS, None, True), INSIDE),
    (((2**62, 0, 0.0, 0.0), STANDING, LIMITS, None, True), INSIDE),
    (
        (PLACE, STANDING, LIMITS, np.ones(7), True),
        "factors must have the shape (8) (got (7)).",
    ),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD_SLICES, ids=range(len(BAD_SLICES)))
def test_slices_that_are_none(arguments: Any, sentence: str) -> None:
    core = opened()
    core.plan_epochs(*PLANNED)
    core.run_epochs(PLACE, STANDING, LIMITS, None, True)
    assert core.report()[0] == 2
    assert core.report() is None  # told once
    with pytest.raises(ValueError) as caught:
        core.run_epochs(*arguments)
    assert str(caught.value) == sentence
    assert core.report() is None


def test_what_must_come_first() -> None:
    core = opened()
    with pytest.raises(ValueError) as caught:
        core.run_epochs(PLACE, STANDING, LIMITS, None, True)
    assert str(caught.value) == "plan the epochs before running them."
    with pytest.raises(ValueError) as caught:
        core.plan_epochs(np.zeros(3, np.int64), *PLANNED[1:])
    assert str(caught.value) == "epochs need an order that is a rule (kind, key)."
    with pytest.raises(ValueError) as caught:
        core.best()
    assert str(caught.value) == "the last slice met no best score."


def test_the_walk_is_the_meaning_of_all_engines() -> None:
    """The reference engine has no loop of its own; the compiled one has all of it."""
    reference = type(ReferenceEngine().open(NETWORK, np.float64))
    for name in ("run_epochs", "run_epoch", "go_back"):
        assert getattr(reference, name) is getattr(Session, name)
        assert getattr(compiled.CompiledSession, name) is not getattr(Session, name)
    assert engines.compiled_available()

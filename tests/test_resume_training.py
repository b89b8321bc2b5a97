"""A training that is cut anywhere and goes on is the uninterrupted one, bit for bit."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines, loop, plans, restarts
from deltarule.engines import base
from deltarule.plans import BegunEpoch, TrainingPlan, Validation
from deltarule.stopping import StopReason

ENGINES = ["compiled", "reference"] if engines.compiled_available() else ["reference"]
GENERATOR = np.random.default_rng(3)
X = GENERATOR.normal(size=(37, 5))
D = np.tanh(X @ GENERATOR.normal(size=(5, 2)))
WEIGHT = GENERATOR.uniform(0.2, 2.0, 37)
FIELDS = ("step", "epoch", "rate_factor", "best_loss", "best_score", "stalled")

#: A plan and its widths for each road, and for each thing that is carried from step to step.
ROADS: dict[str, tuple[TrainingPlan, tuple[int, ...]]] = {
    "batches": (TrainingPlan(dr.Adam(), 0.02, batch_size=5), (5, 7, 2)),
    "all rows": (TrainingPlan(dr.AdamW(), 0.02, batch_size=37), (5, 7, 2)),
    "registers": (TrainingPlan(dr.SGD(), 0.05), (5, 7, 2)),
    "look ahead": (TrainingPlan(dr.Nesterov(), 0.01), (5, 40, 30, 2)),
    "momentum": (TrainingPlan(dr.Momentum(), 0.01, penalty=dr.L2(0.3)), (5, 40, 2)),
    "one pass": (TrainingPlan(dr.RMSprop(), 0.01, sampling="shuffle"), (5, 9, 2)),
    "L1": (TrainingPlan(dr.SGD(), 0.02, penalty=dr.L1(0.1), sampling="sequential"), (5, 9, 2)),
    "per step": (TrainingPlan(dr.SGD(), 0.1, dr.InvScaling(), batch_size=4), (5, 6, 2)),
    "cosine": (TrainingPlan(dr.Adam(), 0.03, dr.Cosine(total_epochs=9), 3), (5, 6, 2)),
    "adaptive": (
        TrainingPlan(dr.SGD(), 0.2, dr.Adaptive(), 6, patience=1, tolerance=0.01),
        (5, 6, 2),
    ),
    "function": (TrainingPlan(dr.SGD(), 0.2, lambda t: 0.99**t, 6), (5, 6, 2)),
}


def case(road: str, dtype: Any = np.float64, judged: bool = False) -> tuple[Any, ...]:
    """Network, start, rows and plan; options."""
    plan, units = ROADS[road]
    network = dr.Network(units, ("tanh",) * (len(units) - 2) + ("identity",))
    plan = replace(plan, max_epochs=8, key=5)
    options: dict[str, Any] = {"sample_weight": WEIGHT.astype(dtype)}
    if judged:
        plan = replace(plan, early_stopping=dr.EarlyStopping(patience=4))
        options["validation"] = Validation(X[:11].astype(dtype), D[:11].astype(dtype))
    start = dr.initialize(network, seed=2, dtype=dtype)
    return (network, start, X.astype(dtype), D.astype(dtype), plan), options


def same(result: Any, whole: Any) -> None:
    """Numbers, counters and losses of two results."""
    for found, expected in ((result, whole), (result.state, whole.state)):
        np.testing.assert_array_equal(found.parameters.vector, expected.parameters.vector)
        np.testing.assert_array_equal(found.parameters.buffers, expected.parameters.buffers)
    np.testing.assert_array_equal(result.state.moments, whole.state.moments)
    for field in FIELDS:
        assert getattr(result.state, field) == getattr(whole.state, field), field
    begun, expected = result.state.begun, whole.state.begun
    for field in ("steps", "carried", "rows", "batch_size"):
        assert getattr(begun, field, None) == getattr(expected, field, None), field
    best, expected = result.state.best_parameters, whole.state.best_parameters
    assert (best is None) == (expected is None)
    if best is not None:
        np.testing.assert_array_equal(best.vector, expected.vector)
    for name in ("loss", "validation_loss", "validation_score"):
        assert getattr(result.history, name) == getattr(whole.history, name), name
    assert len(result.history.seconds) == len(whole.history.loss)


def to_the_end(
    begin: tuple[Any, ...], options: dict[str, Any], most: int = 1000
) -> tuple[Any, int]:
    """Call after call until the plan's epochs are done; the last result, and the calls."""
    network, state, rows, targets, plan = begin
    history, left, calls = None, plan.max_epochs, 0
    while True:
        part = replace(plan, max_epochs=left)
        result = dr.train(network, state, rows, targets, part, history=history, **options)
        state, history = result.state, result.history
        left, calls = left - result.epochs, calls + 1
        assert calls < most
        if result.stop_reason not in (StopReason.TIME, StopReason.INTERRUPTED, StopReason.OBSERVER):
            return result, calls


def small_slices(monkeypatch: pytest.MonkeyPatch, steps: int = 3) -> None:
    """Slices of so many steps on both engines, so that the smallest time ends inside epochs."""
    monkeypatch.setattr(base, "SLICE_SECONDS", 0.0)
    if "compiled" in ENGINES:
        from deltarule.engines import compiled

        monkeypatch.setattr(compiled, "SLICE_STEPS", steps)
        monkeypatch.setattr(compiled, "FACTORS", (steps, steps))


@pytest.mark.parametrize("judged", [False, True], ids=["", "judged"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("road", ROADS)
def test_cut_by_time_after_every_slice(
    road: str, engine: str, judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, options = case(road, judged=judged)
    options["engine"] = engine
    whole = dr.train(*begin, **options)
    small_slices(monkeypatch)
    cut = (*begin[:4], replace(begin[4], max_seconds=1e-9))
    result, calls = to_the_end(cut, options)
    assert calls > 8 or road == "all rows"
    same(result, whole)
    assert result.stop_reason is whole.stop_reason


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("road", ["batches", "look ahead", "one pass"])
def test_cut_by_an_interrupt_at_random_steps(
    road: str, engine: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, options = case(road, dtype, judged=road == "batches")
    options["engine"] = engine
    whole = dr.train(*begin, **options)
    small_slices(monkeypatch, 2)
    chance = np.random.default_rng(1)
    is_late = loop.Loop.is_late

    def press(self: Any) -> bool:
        late = is_late(self)
        if not self.again and chance.random() < 0.3:
            raise KeyboardInterrupt
        return late

    monkeypatch.setattr(loop.Loop, "is_late", press)
    result, calls = to_the_end(begin, options)
    assert calls > 3
    same(result, whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_cut_by_an_observer_and_by_an_interrupt_in_it(engine: str) -> None:
    begin, options = case("adaptive", judged=True)
    options["engine"] = engine
    whole = dr.train(*begin, **options)
    seen: list[int] = []

    def observer(report: Any) -> bool:
        seen.append(report.epoch)
        if report.epoch % 3 == 0:
            raise KeyboardInterrupt
        return report.epoch % 2 == 0

    result, calls = to_the_end(begin, {**options, "observer": observer})
    assert calls > 2
    assert seen == list(range(1, len(seen) + 1))
    same(result, whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_cut_inside_the_judging_of_an_epoch(engine: str) -> None:
    """Steps that are done are not done again, and the epoch counts once."""
    begin, options = case("batches", judged=True)
    options["engine"] = engine
    calls: list[int] = []

    def score(prediction: Any) -> float:
        calls.append(len(calls))
        if interrupts and len(calls) % 3 == 2:
            raise KeyboardInterrupt
        return -float(((prediction - D[:11]) ** 2).sum())

    options["validation"] = replace(options["validation"], score=score)
    interrupts = True
    first = dr.train(*begin, **options)
    # All steps of the second epoch are done.
    begun = first.state.begun
    assert (first.epochs, begun.steps, begun.rows, begun.batch_size) == (1, 8, 37, 5)
    assert first.state.step == 16
    result, cuts = to_the_end(begin, options)
    assert cuts > 3
    interrupts = False
    same(result, dr.train(*begin, **options))


@pytest.mark.skipif(ENGINES == ["reference"], reason="the compiled core is not installed")
@pytest.mark.parametrize("observed", [False, True])
def test_an_interrupt_just_after_the_core_has_answered(
    observed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deltarule.engines.compiled import CompiledSession

    begin, options = case("batches", judged=True)
    options |= {"engine": "compiled", "observer": (lambda seen: False) if observed else None}
    whole = dr.train(*begin, **options)
    small_slices(monkeypatch, 5)
    run, calls = CompiledSession._slice, []

    def interrupted(self: Any, *arguments: Any, **names: Any) -> None:
        calls.append(run(self, *arguments, **names))
        if len(calls) % 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(CompiledSession, "_slice", interrupted)
    same(to_the_end(begin, options)[0], whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_that_break_after_going_on_are_taken_back(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To where the call began, where no epoch has ended since."""
    begin, options = case("batches")
    options["engine"] = engine
    small_slices(monkeypatch)
    network, _start, rows, targets, plan = begin
    cut = dr.train(*begin[:4], replace(plan, max_seconds=1e-9), **options)
    assert 0 < cut.state.begun.steps < 8
    broken = dr.train(
        network, cut.state, rows, targets, replace(plan, learning_rate_init=1e200), **options
    )
    assert broken.stop_reason is StopReason.NON_FINITE
    assert broken.epochs == 0
    same(replace(broken, history=cut.history), cut)


@pytest.mark.parametrize("engine", ENGINES)
def test_other_rows_or_batches_begin_the_epoch_anew(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, options = case("batches")
    options["engine"] = engine
    network, _start, rows, targets, plan = begin
    with monkeypatch.context() as patch:
        small_slices(patch)
        state = dr.train(*begin[:4], replace(plan, max_seconds=1e-9), **options).state
    done = state.begun.steps
    anew = replace(state, begun=None)
    for changed, n in ((replace(plan, batch_size=4), 37), (plan, 36)):
        weight = {"engine": engine, "sample_weight": WEIGHT[:n]}
        a, b = (
            dr.train(
                network, which, rows[:n], targets[:n], replace(changed, max_epochs=1), **weight
            )
            for which in (state, anew)
        )
        same(a, b)
        assert a.state.step == done + -(-n // changed.batch_size)  # Adam's clock goes on


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stream_has_no_begun_epochs(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, _options = case("batches")
    small_slices(monkeypatch)
    plan = replace(begin[4], max_seconds=1e-9, incremental=True)
    result = dr.train(*begin[:4], plan, engine=engine)
    assert result.stop_reason is StopReason.TIME
    assert (result.state.begun, result.state.epoch) == (None, 0)
    assert 0 < result.state.step < 8


def test_time_is_looked_at_after_the_first_slice_and_the_last_epoch_comes_first() -> None:
    begin, options = case("registers")
    plan = replace(begin[4], max_epochs=1, max_seconds=1e-9)
    result = dr.train(*begin[:4], plan, **options)
    assert result.stop_reason is StopReason.MAX_EPOCHS
    assert result.epochs == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_time_ends_epochs_that_would_take_minutes(engine: str) -> None:
    many = np.tile(X, (20_000, 1)), np.tile(D, (20_000, 1))
    network, start, *_, plan = case("registers")[0]
    result = dr.train(
        network, start, *many, replace(plan, max_epochs=10**6, max_seconds=0.05), engine=engine
    )
    assert result.stop_reason is StopReason.TIME
    assert result.state.begun is not None
    assert result.state.step > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_time_ends_lbfgs_after_an_iteration(engine: str) -> None:
    network, start, rows, targets, plan = case("batches")[0]
    plan = replace(plan, optimizer=dr.LBFGS(), max_epochs=50, max_seconds=1e-9, tolerance=0.0)
    result = dr.train(network, start, rows, targets, plan, engine=engine)
    assert (result.stop_reason, result.epochs, result.state.step) == (StopReason.TIME, 1, 1)
    reached = dr.objective(network, result.parameters, rows, targets)
    assert result.history.loss[0] == pytest.approx(reached, rel=1e-12)
    again = dr.train(network, result.state, rows, targets, plan, engine=engine)
    assert again.epochs == 1
    assert again.state.begun is None
    last = replace(plan, max_epochs=1)
    assert dr.train(network, start, rows, targets, last).stop_reason is StopReason.MAX_EPOCHS


# ------------------------------------------------------------------ several starts


def test_one_time_for_all_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts that ran are kept, also the one that was cut; the others count as never good."""
    network, _, rows, targets, plan = case("registers")[0]
    ticks = iter(np.arange(0, 1000, 1.0))
    monkeypatch.setattr(restarts, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    given: list[float] = []

    def train(network: Any, start: Any, X: Any, D: Any, plan: Any, **options: Any) -> Any:
        given.append(plan.max_seconds)
        return dr.train(network, start, X, D, replace(plan, max_seconds=None), **options)

    monkeypatch.setattr(restarts, "train", train)
    plan = replace(plan, max_seconds=2.5)
    best, objectives = dr.restart(network, rows, targets, plan, 5, key=1)
    assert given == [2.5, 1.5, 0.5]
    assert np.isfinite(objectives).tolist() == [True, True, True, False, False]
    assert best.stop_reason is StopReason.TIME
    reached = dr.objective(network, best.parameters, rows, targets)
    assert reached == objectives.min()


def test_the_start_that_is_cut_by_time_is_the_last() -> None:
    network, _, rows, targets, plan = case("registers")[0]
    plan = replace(plan, max_epochs=10**9, max_seconds=0.05)
    best, objectives = dr.restart(network, rows, targets, plan, 3, key=1)
    assert np.isfinite(objectives).tolist() == [True, False, False]
    assert best.stop_reason is StopReason.TIME


def test_a_start_that_a_rule_ended_goes_on_with_a_new_count() -> None:
    network, _, rows, targets, plan = case("registers")[0]
    stalled = replace(plan, tolerance=1e9, patience=2)

    def observer(report: Any) -> None:
        calls.append(report)
        if len(calls) == 6:
            raise KeyboardInterrupt

    calls: list[Any] = []
    best, _ = dr.restart(network, rows, targets, stalled, 3, key=1, observer=observer)
    assert best.stop_reason is StopReason.INTERRUPTED
    assert best.state.stalled == 0
    assert best.epochs == 4


def test_lanes_do_not_take_what_looks_at_the_clock_or_stands_inside_an_epoch() -> None:
    from deltarule import lanes

    network, start, rows, _, plan = case("batches")[0]
    fresh = plans.fresh_state(start)
    begun = replace(fresh, begun=BegunEpoch(1, 0.5, 37, 5))
    late = lanes.Training(fresh, replace(plan, max_seconds=1.0))
    assert lanes.kind_of(network, rows, late) == "lanes do not look at the clock"
    inside = lanes.Training(begun, plan)
    assert lanes.kind_of(network, rows, inside) == "the state stands inside an epoch"


@pytest.mark.skipif(ENGINES == ["reference"], reason="the compiled core is not installed")
@pytest.mark.skipif(os.name != "posix", reason="signals to a process as on Unix")
def test_lanes_that_are_interrupted_stand_after_a_whole_epoch() -> None:
    network, _, _, _, plan = case("batches")[0]
    rows, targets = np.tile(X, (60, 1)), np.tile(D, (60, 1))
    starts = [dr.initialize(network, seed) for seed in range(40)]
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    plan = replace(plan, max_epochs=10**6, sampling="shuffle")
    results = dr.train_many(network, starts, rows, targets, plan, n_threads=1)
    timer.join()
    cut = results[0]
    assert (cut.stop_reason, cut.state.begun) == (StopReason.INTERRUPTED, None)
    again = replace(plan, max_epochs=cut.epochs)
    whole = dr.train_many(network, starts, rows, targets, again, n_threads=1)[0]
    same(replace(cut, stop_reason=whole.stop_reason), whole)


# ------------------------------------------------------------------ what a plan refuses


@pytest.mark.parametrize("given", [0, -1.0, float("nan"), "1", True, 1j])
def test_seconds_that_are_none(given: Any) -> None:
    with pytest.raises(dr.exceptions.InvalidParameterError) as caught:
        TrainingPlan(max_seconds=given)
    assert str(caught.value) == (
        f"max_seconds must be None or a number above 0 (got {given!r}). Give the seconds that the "
        "training may take; None sets no limit."
    )


def test_endless_seconds_are_no_limit() -> None:
    begin, options = case("batches")
    endless = replace(begin[4], max_seconds=float("inf"))
    assert dr.train(*begin[:4], endless, **options).epochs == 8


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals to a process as on Unix")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("road", ROADS)
def test_real_signals_at_any_moment(road: str, engine: str) -> None:
    """Also between two bytecodes: whatever is left, the training ends as if nothing had been."""
    begin, options = case(road, judged=True)
    times = 10 if engine == "reference" else 600
    network, state, _, _, plan = begin
    rows, targets = np.tile(X, (times, 1)), np.tile(D, (times, 1))
    plan = replace(plan, max_epochs=60, early_stopping=dr.EarlyStopping(patience=100))
    options |= {"engine": engine, "sample_weight": None}
    whole = dr.train(network, state, rows, targets, plan, **options)
    chance, armed = np.random.default_rng(5), False

    def handler(*_: Any) -> None:
        nonlocal armed
        if armed:
            armed = False
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    history, left, cuts = None, plan.max_epochs, 0
    try:
        while left:
            seconds = chance.uniform(1e-3, 3e-2) if cuts < 60 else 100
            try:
                armed = True
                signal.setitimer(signal.ITIMER_REAL, seconds)
                part = replace(plan, max_epochs=left)
                result = dr.train(network, state, rows, targets, part, history=history, **options)
                armed = False
            except KeyboardInterrupt:  # before the training began or after its end
                continue
            cuts += result.stop_reason is StopReason.INTERRUPTED
            state, history = result.state, result.history
            left -= result.epochs
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert cuts > 0
    same(result, whole)

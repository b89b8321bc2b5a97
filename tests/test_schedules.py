"""Schedules: factors by hand, scikit-learn's timing, and any cut of a training into calls."""

import math
from itertools import pairwise

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from deltarule.definitions import choose
from deltarule.exceptions import InvalidParameterError
from deltarule.schedules import (
    SCHEDULES,
    Adaptive,
    Clock,
    Constant,
    Cosine,
    CyclicCosine,
    Function,
    InvScaling,
    OneCycle,
    Step,
)

EVERY = [cls() for cls in SCHEDULES.table.values()]
VARIED = [*EVERY, InvScaling(0.75, per="epoch"), Cosine(0.25, 0.1), Function(lambda t: 0.9**t)]

# schedule, factors of steps 0 … 7 with 2 steps an epoch, 20 rows, 8 steps in all
BY_HAND = [
    (Constant(), [1, 1, 1, 1, 1, 1, 1, 1]),
    (Adaptive(), [1, 1, 1, 1, 1, 1, 1, 1]),
    (InvScaling(1.0), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7, 1 / 8]),
    (InvScaling(0.0), [1, 1, 1, 1, 1, 1, 1, 1]),
    (InvScaling(1.0, "epoch"), [1, 1, 1 / 21, 1 / 21, 1 / 41, 1 / 41, 1 / 61, 1 / 61]),
    (InvScaling(0.5, "epoch"), [1, 1, *np.repeat([21**-0.5, 41**-0.5, 61**-0.5], 2)]),
    (Step(every=1, factor=0.5), [1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 4, 1 / 8, 1 / 8]),
    (Step(every=3, factor=0.1), [1, 1, 1, 1, 1, 1, 0.1, 0.1]),
    (Cosine(), [(1 + math.cos(math.pi * t / 8)) / 2 for t in range(8)]),
    (Cosine(end=0.5), [0.5 + (1 + math.cos(math.pi * t / 8)) / 4 for t in range(8)]),
    (Cosine(warmup=0.5), [0.25, 0.5, 0.75, 1, 1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5]),
    # One cycle: t = k / 8, log₂(1 + t); two of them: log₂(1 + 3 t).
    (CyclicCosine(1), [(1 - math.cos(2 * math.pi * math.log2(1 + k / 8))) / 2 for k in range(8)]),
    (CyclicCosine(2), [math.sin(math.pi * math.log2(1 + 3 * k / 8)) ** 2 for k in range(8)]),
    (
        OneCycle(peak_at=0.5, start=0.2, end=0.0),
        [
            0.2,
            0.6 - 0.4 * 0.5**0.5,
            0.6,
            0.6 + 0.4 * 0.5**0.5,
            1,
            0.5 + 0.5**1.5,
            0.5,
            0.5 - 0.5**1.5,
        ],
    ),
    (Function(lambda t: 1 / (1 + t)), [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7, 1 / 8]),
]


def clock(step=0, steps_per_epoch=2, rows=20, total_steps=8):
    return Clock(step, step // steps_per_epoch, steps_per_epoch, rows, total_steps)


def without_address(schedule):
    """The name of a case; where a function lies in memory differs from worker to worker."""
    return str(schedule).partition(" at 0x")[0]


@pytest.mark.parametrize(("schedule", "factors"), BY_HAND, ids=lambda value: str(value)[:40])
def test_factors_by_hand(schedule, factors):
    found = schedule.factors(clock(), 8)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, factors, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("schedule", VARIED, ids=without_address)
def test_any_cut_into_calls_gives_the_same_factors(schedule):
    whole = schedule.factors(clock(steps_per_epoch=7, total_steps=40), 45)
    assert whole.shape == (45,)
    for cut in (0, 1, 6, 7, 8, 20, 44, 45):
        pieces = [
            schedule.factors(clock(steps_per_epoch=7, total_steps=40), cut),
            schedule.factors(clock(cut, steps_per_epoch=7, total_steps=40), 45 - cut),
        ]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("schedule", VARIED, ids=without_address)
def test_factors_stay_between_zero_and_one(schedule):
    factors = schedule.factors(clock(total_steps=100), 150)
    assert (factors >= 0).all()
    assert (factors <= 1).all()


def test_invscaling_by_name_has_scikit_learns_timing():
    rows, batch, init, power = 25, 10, 0.3, 0.4
    optimizer = SGDOptimizer([np.zeros(1)], init, "invscaling", 0.0, False, power)
    theirs, t_ = [], 0
    for _ in range(5):
        theirs += [optimizer.learning_rate] * 3  # three batches of an epoch
        t_ += rows
        optimizer.iteration_ends(t_)
    schedule = choose("invscaling", SCHEDULES, "learning_rate")
    assert schedule.per == "epoch"
    steps_per_epoch = -(-rows // batch)
    ours = init * InvScaling(power, per="epoch").factors(clock(0, steps_per_epoch, rows, 0), 15)
    np.testing.assert_allclose(ours, theirs, rtol=1e-14)


def test_adaptive_has_scikit_learns_numbers():
    optimizer = SGDOptimizer([np.zeros(1)], 0.1, "adaptive", 0.0, False)
    schedule, rate, divisions = Adaptive(), 0.1, 0
    while not optimizer.trigger_stopping("", False):
        assert rate > schedule.smallest
        rate /= schedule.divisor
        divisions += 1
        assert rate == optimizer.learning_rate
    assert rate <= schedule.smallest
    assert divisions == 8


def test_one_cycle_peaks_where_it_says_and_ends_where_it_says():
    factors = OneCycle(peak_at=0.3, start=0.04, end=1e-4).factors(clock(total_steps=1000), 1001)
    assert factors[0] == pytest.approx(0.04)
    assert factors.argmax() == 300
    assert factors[300] == 1
    assert factors[1000] == pytest.approx(1e-4)
    assert (np.diff(factors[:301]) > 0).all()
    assert (np.diff(factors[300:]) < 0).all()


def test_cosine_rises_over_the_warm_up_and_stays_at_the_end():
    factors = Cosine(warmup=0.1, end=0.05).factors(clock(total_steps=1000), 1200)
    assert factors[0] == pytest.approx(0.01)
    np.testing.assert_allclose(np.diff(factors[:100]), 0.01)
    assert factors[99] == 1
    assert (np.diff(factors[100:1000]) < 0).all()
    np.testing.assert_allclose(factors[1000:], 0.05, rtol=1e-12)


@pytest.mark.parametrize("cycles", [1, 2, 4, 7])
def test_cycles_double_in_length_and_rest_between_them(cycles):
    parts = 2**cycles - 1
    total = 40 * parts
    factors = CyclicCosine(cycles).factors(clock(total_steps=total), total + 50)
    rests = [40 * (2**k - 1) for k in range(cycles + 1)]
    np.testing.assert_allclose(factors[rests], 0, atol=1e-15)
    np.testing.assert_allclose(factors[total:], 0, atol=1e-15)
    for begin, end in pairwise(rests):
        inside = factors[begin : end + 1]
        peak = inside.argmax()
        # log₂ is at its half where the cycle's length has grown to √2.
        assert abs(peak / (end - begin) - (2**0.5 - 1)) <= 1 / (end - begin)
        assert inside[peak] > 0.998
        assert (np.diff(inside[: peak + 1]) > 0).all()
        assert (np.diff(inside[peak:]) < 0).all()


def test_a_first_cycle_far_shorter_than_a_step():
    factors = CyclicCosine(50).factors(clock(total_steps=1000), 1001)
    assert factors[0] == 0
    assert np.isfinite(factors).all()
    assert factors[1000] == 0
    with pytest.raises(InvalidParameterError) as caught:
        CyclicCosine(51)
    assert str(caught.value) == (
        "cycles must be at most 50 (got 51), as each is twice as long as the one before it. "
        "Choose fewer."
    )


def test_a_warm_up_shorter_than_a_step():
    factors = Cosine(warmup=0.001).factors(clock(total_steps=10), 10)
    assert factors[0] == 1
    assert np.isfinite(factors).all()


def test_exactly_these_need_to_know_the_end():
    assert {schedule.name for schedule in EVERY if schedule.needs_horizon} == {
        "cosine",
        "cyclic_cosine",
        "one_cycle",
    }


@pytest.mark.parametrize("schedule", EVERY, ids=lambda schedule: schedule.name)
def test_without_an_end(schedule):
    unknown = clock(total_steps=0)
    if not schedule.needs_horizon:
        assert schedule.factors(unknown, 3).shape == (3,)
        return
    with pytest.raises(InvalidParameterError) as caught:
        schedule.factors(unknown, 3)
    assert str(caught.value) == (
        f"schedule {schedule.name!r} must know how many epochs the training has (got no end). "
        "Give it total_epochs, or use it with fit, whose max_iter is the end."
    )


def test_epochs_of_steps():
    assert clock().epochs(5).tolist() == [0, 0, 1, 1, 2]
    assert clock(3).epochs(4).tolist() == [1, 2, 2, 3]
    # Earlier calls had longer epochs (10 steps each): this call begins epoch 3.
    assert Clock(30, 3, 4, 40, 0).epochs(5).tolist() == [3, 3, 3, 3, 4]


@pytest.mark.parametrize(
    ("returned", "shown"), [(math.nan, "nan"), (-1.0, "-1.0"), (None, "None"), ("1", "'1'")]
)
def test_a_function_that_returns_no_factor_is_told_the_step(returned, shown):
    schedule = Function(lambda t: returned if t == 5 else 1.0)
    with pytest.raises(InvalidParameterError) as caught:
        schedule.factors(clock(4), 3)
    assert str(caught.value) == (
        "the schedule's factor at step 5 must be a finite number of at least 0 "
        f"(got {shown}). Choose 0 or more."
    )


def test_a_function_has_to_be_one():
    with pytest.raises(InvalidParameterError) as caught:
        Function(0.5)
    assert str(caught.value) == (
        "function of a schedule must be a function of the step (got 0.5). "
        "Give a Python function of one whole number."
    )


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: InvScaling(-1), "power must be a finite number of at least 0 (got -1)."),
        (lambda: InvScaling(per="row"), "per must be one of 'step', 'epoch' (got 'row')."),
        (lambda: Adaptive(divisor=1), "divisor must be a number in (1, inf) (got 1)."),
        (lambda: Step(every=0), "every must be a positive integer (got 0)."),
        (lambda: Step(factor=0), "factor must be a number in (0, 1] (got 0)."),
        (lambda: Cosine(warmup=1), "warmup must be a number in [0, 1) (got 1)."),
        (lambda: Cosine(end=2), "end must be a number in [0, 1] (got 2)."),
        (lambda: CyclicCosine(0), "cycles must be a positive integer (got 0)."),
        (lambda: CyclicCosine(total_epochs=0), "total_epochs must be a positive integer (got 0)."),
        (lambda: OneCycle(peak_at=1), "peak_at must be a number in (0, 1) (got 1)."),
    ],
)
def test_settings_out_of_range(build, expected):
    with pytest.raises(InvalidParameterError) as caught:
        build()
    assert str(caught.value).startswith(expected)

"""Penalties: values by hand, gradients by two ways, dtypes, summation in double precision."""

import numpy as np
import pytest

from deltarule.exceptions import InvalidParameterError
from deltarule.penalties import L1, L1L2, L2

WEIGHTS = np.array([[-2.0, 0.0], [3.0, 1.0]])
# penalty, value, gradient
BY_HAND = [
    (L1(0.5), 3.0, [[-0.5, 0.0], [0.5, 0.5]]),
    (L2(0.5), 3.5, [[-1.0, 0.0], [1.5, 0.5]]),
    (L1L2(l1=0.5, l2=2.0), 17.0, [[-4.5, 0.0], [6.5, 2.5]]),
    (L1(0), 0.0, np.zeros((2, 2))),
    (L2(0), 0.0, np.zeros((2, 2))),
]


@pytest.mark.parametrize(("penalty", "value", "gradient"), BY_HAND)
def test_by_hand(penalty, value, gradient):
    assert penalty.value(WEIGHTS) == value
    np.testing.assert_array_equal(penalty.gradient(WEIGHTS), gradient)


@pytest.mark.parametrize("penalty", [case[0] for case in BY_HAND], ids=str)
def test_gradient_in_every_coordinate(penalty):
    weights = np.random.default_rng(0).normal(size=12)
    analytic = penalty.gradient(weights)
    for coordinate in range(12):
        step = np.zeros(12)
        step[coordinate] = 1e-6
        numeric = (penalty.value(weights + step) - penalty.value(weights - step)) / 2e-6
        assert analytic[coordinate] == pytest.approx(numeric, abs=1e-8)
        exact = np.imag(penalty.value(weights + step * 1e-24j)) / 1e-30
        assert analytic[coordinate] == pytest.approx(exact, rel=1e-13)


def test_the_two_strengths():
    assert (L1(0.3).l1, L1(0.3).l2) == (0.3, 0.0)
    assert (L2(0.3).l1, L2(0.3).l2) == (0.0, 0.3)
    assert (L1L2(0.3, 0.4).l1, L1L2(0.3, 0.4).l2) == (0.3, 0.4)
    assert L1L2(0.3, 0.0).value(WEIGHTS) == L1(0.3).value(WEIGHTS)


@pytest.mark.parametrize("penalty", [case[0] for case in BY_HAND], ids=str)
def test_single_precision_stays_and_is_summed_in_double(penalty):
    weights = np.full(1_000_001, 0.1, dtype=np.float32)
    assert penalty.gradient(weights).dtype == np.float32
    assert penalty.value(weights) == pytest.approx(
        penalty.value(weights.astype(np.float64)), rel=1e-12
    )


def test_no_weights_cost_nothing():
    assert L1L2(1.0, 1.0).value(np.zeros(0)) == 0.0


@pytest.mark.parametrize("build", [lambda v: L1(v), lambda v: L2(v)])
def test_a_negative_strength_is_refused(build):
    with pytest.raises(InvalidParameterError) as caught:
        build(-0.1)
    assert str(caught.value) == (
        "strength must be a finite number of at least 0 (got -0.1). Choose 0 or more."
    )


def test_each_strength_of_the_elastic_net_is_named():
    with pytest.raises(InvalidParameterError, match=r"^l2 must be a finite number of at least 0"):
        L1L2(l1=0.1, l2=-1)


@pytest.mark.parametrize("penalty", [L1(1.0), L2(1.0)])
@pytest.mark.parametrize("size", [1e200, 1.5e308])
def test_overflow_is_infinity_without_a_warning(penalty, size):
    """A diverging training ends with its own words; tests turn warnings into errors."""
    value = penalty.value(np.full(4, size))
    assert value == np.inf or (isinstance(penalty, L1) and value == 4e200)

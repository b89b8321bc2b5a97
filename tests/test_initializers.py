"""Initialisers: bounds and moments, biases, and the order in which numbers are drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import INITIALIZERS, Auto, Constant, Normal, Uniform
from deltarule.random import Generator, Stream

FAN_IN, FAN_OUT = 300, 100
EVERY = [cls() for cls in INITIALIZERS.table.values()]
# name, activation, bound of the uniform ones or None, standard deviation
SCALES = [
    ("auto", "relu", (6 / 400) ** 0.5, (2 / 400) ** 0.5),
    ("auto", "logistic", (2 / 400) ** 0.5, (2 / 1200) ** 0.5),
    ("glorot_uniform", "logistic", (6 / 400) ** 0.5, (2 / 400) ** 0.5),
    ("glorot_normal", "tanh", None, (2 / 400) ** 0.5),
    ("he_uniform", "relu", (6 / 300) ** 0.5, (2 / 300) ** 0.5),
    ("he_normal", "relu", None, (2 / 300) ** 0.5),
    ("lecun_uniform", "selu", (3 / 300) ** 0.5, (1 / 300) ** 0.5),
    ("lecun_normal", "selu", None, (1 / 300) ** 0.5),
    ("uniform", "relu", 0.5, (1 / 12) ** 0.5),
    ("normal", "relu", None, 0.01),
]


def block(role="weight", shape=(FAN_IN, FAN_OUT)):
    return SimpleNamespace(shape=shape, role=role, fan_in=FAN_IN, fan_out=FAN_OUT)


def fill(initializer, role="weight", shape=(FAN_IN, FAN_OUT), activation="relu", key=1):
    return initializer.fill(block(role, shape), activation, Generator(key, Stream.INITIAL))


@pytest.mark.parametrize(("name", "activation", "bound", "deviation"), SCALES)
def test_bound_mean_and_deviation(name, activation, bound, deviation):
    weights = fill(INITIALIZERS.table[name](), activation=activation)
    assert weights.shape == (FAN_IN, FAN_OUT)
    assert weights.dtype == np.float64
    if bound is None:
        assert np.abs(weights).max() > 3 * deviation
    else:
        assert 0.999 * bound < np.abs(weights).max() <= bound
    # 30 000 numbers: four standard errors of mean and deviation
    assert abs(weights.mean()) < 4 * deviation / 30_000**0.5
    assert weights.std() == pytest.approx(deviation, rel=4 / 30_000**0.5)


def test_auto_draws_biases_from_the_bound_of_the_weights():
    bias = fill(Auto(), role="bias", shape=(2000,), activation="logistic")
    bound = (2 / 400) ** 0.5
    assert 0.99 * bound < np.abs(bias).max() <= bound


@pytest.mark.parametrize("name", [name for name, *_ in SCALES if "_" in name])
def test_biases_start_at_zero_where_weights_follow_the_fans(name):
    np.testing.assert_array_equal(fill(INITIALIZERS.table[name](), "bias", (100,)), np.zeros(100))


@pytest.mark.parametrize("initializer", [Uniform(1, 2), Normal(0.5), Constant(0.25)], ids=str)
def test_the_plain_ones_fill_biases_too(initializer):
    assert (fill(initializer, "bias", (10,)) != 0).all()


def test_plain_values():
    np.testing.assert_array_equal(fill(Constant(0.25), shape=(2, 3)), np.full((2, 3), 0.25))
    np.testing.assert_array_equal(fill(Normal(0), shape=(2, 3)), np.zeros((2, 3)))
    uniform = fill(Uniform(2, 3), shape=(50, 50))
    assert uniform.min() >= 2
    assert uniform.max() < 3


def test_numbers_are_drawn_in_c_order():
    drawn = Generator(1, Stream.INITIAL).uniform(6)
    np.testing.assert_array_equal(
        fill(Uniform(-1, 1), shape=(2, 3)), (-1 + 2 * drawn).reshape(2, 3)
    )
    np.testing.assert_array_equal(
        fill(Normal(2.0), shape=(3, 2)),
        2 * Generator(1, Stream.INITIAL).normal(6).reshape(3, 2),
    )


@pytest.mark.parametrize("initializer", EVERY, ids=lambda initializer: initializer.name)
def test_the_key_decides(initializer):
    same, again, other = (fill(initializer, key=key) for key in (5, 5, 6))
    np.testing.assert_array_equal(same, again)
    assert (initializer.name == "constant") == np.array_equal(same, other)


def test_uniform_wants_low_below_high():
    with pytest.raises(InvalidParameterError) as caught:
        Uniform(1, 1)
    assert str(caught.value) == (
        "low must be below high (got low=1.0, high=1.0). Swap them, or use Constant for one value."
    )

"""Activations: values by hand, derivatives by two independent ways, extreme inputs, dtypes."""

import math

import numpy as np
import pytest

from deltarule.activations import (
    ACTIVATIONS,
    GELU,
    SELU,
    Exp,
    Function,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    Sign,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from deltarule.exceptions import InvalidParameterError, InvalidShapeError

EVERY = [cls() for cls in ACTIVATIONS.table.values()]
ELEMENTWISE = [activation for activation in EVERY if activation.elementwise]
DIFFERENTIABLE = [activation for activation in ELEMENTWISE if activation.name != "sign"]
SMOOTH = [activation for activation in ELEMENTWISE if activation.smooth]


def named(thing):
    return getattr(thing, "name", None)


def phi(z):
    return 0.5 * math.erfc(-z / math.sqrt(2))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
# activation, z, a, derivative
BY_HAND = [
    (Identity(), -3.0, -3.0, 1.0),
    (Logistic(), 0.0, 0.5, 0.25),
    (Logistic(), math.log(3), 0.75, 0.1875),
    (Logistic(), -math.log(3), 0.25, 0.1875),
    (Tanh(), 0.0, 0.0, 1.0),
    (Tanh(), math.log(2), 0.6, 0.64),
    (ReLU(), 2.5, 2.5, 1.0),
    (ReLU(), -2.5, 0.0, 0.0),
    (ReLU(), 0.0, 0.0, 0.0),
    (LeakyReLU(), -2.0, -0.02, 0.01),
    (LeakyReLU(0.25), -2.0, -0.5, 0.25),
    (LeakyReLU(0.25), 0.0, 0.0, 0.25),
    (LeakyReLU(0.25), 2.0, 2.0, 1.0),
    (Sign(), 0.0, 1.0, 1.0),
    (Sign(), -0.0, 1.0, 1.0),
    (Sign(), -1e-300, -1.0, 1.0),
    (Sign(), 1.0, 1.0, 1.0),
    (Sign(), -1.0, -1.0, 1.0),
    (Sign(), 1.0000001, 1.0, 0.0),
    (Sign(), -1.0000001, -1.0, 0.0),
    (Softplus(), 0.0, math.log(2), 0.5),
    (Softplus(), math.log(3), math.log(4), 0.75),
    (SELU(), 2.0, 2 * SELU_SCALE, SELU_SCALE),
    (SELU(), -math.log(2), -SELU_SCALE * SELU_ALPHA / 2, SELU_SCALE * SELU_ALPHA / 2),
    (SELU(), 0.0, 0.0, SELU_SCALE * SELU_ALPHA),
    (GELU(), 0.0, 0.0, 0.5),
    (GELU(), 1.0, phi(1.0), phi(1.0) + math.exp(-0.5) / math.sqrt(2 * math.pi)),
    (GELU(), -8.0, -8 * phi(-8.0), phi(-8.0) - 8 * math.exp(-32) / math.sqrt(2 * math.pi)),
    (SiLU(), 0.0, 0.0, 0.5),
    (SiLU(), math.log(3), 0.75 * math.log(3), 0.75 * (1 + 0.25 * math.log(3))),
    (Mish(), 0.0, 0.0, 0.6),
    (Mish(), math.log(2), 0.8 * math.log(2), 0.8 + math.log(2) * 0.36 * 2 / 3),
    (Mish(), -math.log(2), -math.log(2) * 5 / 13, 5 / 13 - math.log(2) * (144 / 169) / 3),
    (Exp(), 0.0, 1.0, 1.0),
    (Exp(), math.log(5), 5.0, 5.0),
]


@pytest.mark.parametrize(("activation", "z", "a", "derivative"), BY_HAND)
def test_values_by_hand(activation, z, a, derivative):
    z = np.array([[z]])
    value = activation.value(z)
    np.testing.assert_allclose(value, [[a]], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(activation.derivative(z, value), [[derivative]], rtol=1e-14)


@pytest.mark.parametrize("activation", DIFFERENTIABLE, ids=named)
def test_derivative_against_finite_differences(activation):
    z = np.linspace(-6, 6, 400).reshape(20, 20)
    for kink in activation.kinks:
        assert np.abs(z - kink).min() > 1e-3
    h = 1e-6
    numeric = (activation.value(z + h) - activation.value(z - h)) / (2 * h)
    analytic = activation.derivative(z, activation.value(z))
    np.testing.assert_allclose(analytic, numeric, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("activation", DIFFERENTIABLE, ids=named)
def test_derivative_by_the_complex_step(activation):
    z = np.linspace(-30, 30, 401)[1::2].reshape(10, 20)
    numeric = activation.value(z + 1e-30j).imag / 1e-30
    analytic = activation.derivative(z, activation.value(z))
    np.testing.assert_allclose(analytic, numeric, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", SMOOTH, ids=named)
def test_complex_values_have_the_real_ones_as_real_part(activation):
    z = np.linspace(-30, 30, 101).reshape(1, -1)
    value = activation.value(z.astype(np.complex128))
    assert value.dtype == np.complex128
    np.testing.assert_allclose(value.real, activation.value(z), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", ELEMENTWISE, ids=named)
def test_the_derivative_jumps_where_kinks_say_and_nowhere_else(activation):
    for point in np.linspace(-2, 2, 17):
        sides = np.array([[point - 1e-9, point + 1e-9]])
        value = activation.value(sides)
        slope = activation.derivative(sides, value)
        jumps = abs(np.diff(value)[0, 0]) > 1e-3 or abs(np.diff(slope)[0, 0]) > 1e-3
        assert jumps == (point in activation.kinks)


def test_exactly_the_piecewise_ones_are_not_smooth():
    assert {a.name for a in EVERY if not a.smooth} == {"relu", "leaky_relu", "sign", "selu"}
    assert {a.name for a in EVERY if not a.elementwise} == {"softmax", "ascending"}


LIMITS = {  # value at -1e4 and 1e4, derivative at -1e4 and 1e4
    "identity": (-1e4, 1e4, 1, 1),
    "logistic": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, 1e4, 0, 1),
    "leaky_relu": (-100, 1e4, 0.01, 1),
    "sign": (-1, 1, 0, 0),
    "softplus": (0, 1e4, 0, 1),
    "selu": (-SELU_SCALE * SELU_ALPHA, SELU_SCALE * 1e4, 0, SELU_SCALE),
    "gelu": (0, 1e4, 0, 1),
    "silu": (0, 1e4, 0, 1),
    "mish": (0, 1e4, 0, 1),
    "exp": (0, np.inf, 0, np.inf),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ELEMENTWISE, ids=named)
def test_extreme_inputs(activation, dtype):
    z = np.array([[-1e4, 1e4]], dtype=dtype)  # a RuntimeWarning would fail the test
    value = activation.value(z)
    expected = np.array(LIMITS[activation.name], dtype=dtype)
    np.testing.assert_allclose(value[0], expected[:2], rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(activation.derivative(z, value)[0], expected[2:], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", EVERY, ids=named)
def test_no_warning_and_no_nan_anywhere_in_the_promised_range(activation, dtype):
    size = np.logspace(-30, 4, 69)
    z = np.concatenate([-size, [0.0], size]).astype(dtype).reshape(1, -1)
    value = activation.value(z)
    for array in (value, activation.derivative(z, value), activation.pullback(z, value, z)):
        assert not np.isnan(array).any()
        assert array.dtype == dtype
        assert array.shape == z.shape


def test_small_outputs_keep_their_digits():
    z = np.array([[-40.0, -300.0]])
    np.testing.assert_allclose(Logistic().value(z), np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(Softplus().value(z), np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(SiLU().value(z), z * np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(Mish().value(z), z * np.exp(z), rtol=1e-14)
    np.testing.assert_allclose(SELU().value(np.array([[-1e-12]])) / -1e-12, 1.7580993408, rtol=1e-9)
    assert GELU().value(np.array([[-20.0]]))[0, 0] == pytest.approx(-20 * phi(-20), rel=1e-13)


@pytest.mark.parametrize("activation", [a for a in EVERY if a.name != "sign"], ids=named)
def test_nan_is_never_hidden(activation):
    assert np.isnan(activation.value(np.array([[np.nan, np.nan]]))).all()


@pytest.mark.parametrize("activation", EVERY, ids=named)
def test_arguments_are_left_alone(activation):
    z = np.linspace(-2, 2, 12).reshape(3, 4)
    z.flags.writeable = False
    value = activation.value(z)
    value.flags.writeable = False
    activation.derivative(z, value)
    activation.pullback(z, value, z, output=True)


@pytest.mark.parametrize("activation", ELEMENTWISE, ids=named)
def test_pullback_multiplies_with_the_derivative(activation):
    z = np.linspace(-2, 2, 12).reshape(3, 4)
    upstream = np.arange(12.0).reshape(3, 4)
    value = activation.value(z)
    expected = upstream * activation.derivative(z, value)
    np.testing.assert_array_equal(activation.pullback(z, value, upstream), expected)
    if activation.name != "sign":
        np.testing.assert_array_equal(
            activation.pullback(z, value, upstream, output=True), expected
        )


def test_sign_behind_an_output_has_derivative_one():
    z = np.array([[-5.0, 0.0, 5.0]])
    upstream = np.array([[1.0, 2.0, 3.0]])
    value = Sign().value(z)
    np.testing.assert_array_equal(Sign().pullback(z, value, upstream, output=True), upstream)
    np.testing.assert_array_equal(Sign().pullback(z, value, upstream), [[0.0, 2.0, 0.0]])


def test_softmax_by_hand():
    z = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 6.0]])
    np.testing.assert_allclose(
        Softmax().value(z), [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]], rtol=1e-14
    )
    np.testing.assert_array_equal(Softmax().value(np.array([[1e4], [-1e4]])), [[1.0], [1.0]])


def test_softmax_is_a_distribution_and_ignores_a_shift():
    z = np.random.default_rng(0).normal(size=(50, 7)) * 100
    value = Softmax().value(z)
    np.testing.assert_allclose(value.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(Softmax().value(z + 1000.0), value, rtol=1e-9, atol=1e-300)


def test_softmax_pullback_against_its_written_out_jacobian():
    generator = np.random.default_rng(1)
    z, upstream = generator.normal(size=(2, 6, 4))
    a = Softmax().value(z)
    for row in range(6):
        jacobian = np.diag(a[row]) - np.outer(a[row], a[row])
        np.testing.assert_allclose(
            Softmax().pullback(z, a, upstream)[row], jacobian.T @ upstream[row], atol=1e-15
        )
        np.testing.assert_allclose(Softmax().derivative(z, a)[row], np.diag(jacobian), atol=1e-16)


def test_softmax_pullback_by_the_complex_step():
    generator = np.random.default_rng(2)
    z, upstream = generator.normal(size=(2, 6, 4))
    numeric = np.empty_like(z)
    for unit in range(4):
        moved = z.astype(np.complex128)
        moved[:, unit] += 1e-30j
        numeric[:, unit] = (Softmax().value(moved).imag / 1e-30 * upstream).sum(axis=1)
    analytic = Softmax().pullback(z, Softmax().value(z), upstream)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-12, atol=1e-15)


def test_parameters_for_the_compiled_core():
    assert {a.name: a.parameter for a in EVERY if a.parameter} == {"leaky_relu": 0.01}
    assert LeakyReLU(0.3).parameter == 0.3


def test_leaky_relu_refuses_a_negative_slope():
    with pytest.raises(InvalidParameterError) as caught:
        LeakyReLU(-0.1)
    assert str(caught.value) == (
        "slope must be a finite number of at least 0 (got -0.1). Choose 0 or more."
    )


class TestFunction:
    def test_its_derivative_sees_z_alone(self):
        # np.cos(z, a) would write into a.
        sine = Function(np.sin, np.cos, name="sine")
        z = np.array([[0.0, 1.0]])
        a = sine.value(z)
        kept = a.copy()
        np.testing.assert_array_equal(sine.derivative(z, a), np.cos(z))
        np.testing.assert_array_equal(sine.pullback(z, a, 2 * z, output=True), 2 * z * np.cos(z))
        np.testing.assert_array_equal(a, kept)
        assert sine.name == "sine"
        assert not sine.smooth
        assert sine.elementwise

    def test_it_keeps_the_dtype(self):
        z = np.ones((2, 3), dtype=np.float32)
        wide = Function(lambda z: z.astype(np.float64), lambda z: np.ones(z.shape))
        assert wide.value(z).dtype == np.float32
        assert wide.derivative(z, z).dtype == np.float32

    @pytest.mark.parametrize("what", ["value", "derivative"])
    def test_a_result_of_another_shape_is_refused(self, what):
        wrong = Function(lambda z: 1.0, lambda z: 1.0)
        z = np.zeros((2, 3))
        with pytest.raises(InvalidShapeError) as caught:
            wrong.value(z) if what == "value" else wrong.derivative(z, z)
        assert str(caught.value) == (
            f"{what} of an activation Function must return an array of the shape of z, (2, 3) "
            "(got ()). Write it with NumPy functions of z."
        )

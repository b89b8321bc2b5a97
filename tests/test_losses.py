"""Losses: values by hand and against scikit-learn, derivatives by two ways, ends of the range."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_pinball_loss, mean_poisson_deviance

from deltarule.activations import Exp, Logistic, Softmax
from deltarule.exceptions import InvalidShapeError
from deltarule.losses import (
    LOSSES,
    AbsoluteError,
    Function,
    Huber,
    LogLoss,
    Perceptron,
    Poisson,
    Quantile,
    SquaredError,
)

EVERY = [cls() for cls in LOSSES.table.values()]
VARIED = [*EVERY, Huber(0.3), Quantile(0.9)]

# loss, prediction, target, term, derivative
BY_HAND = [
    (SquaredError(), 3.0, 1.0, 2.0, 2.0),
    (SquaredError(), 1.0, 1.0, 0.0, 0.0),
    (AbsoluteError(), 3.0, 1.0, 2.0, 1.0),
    (AbsoluteError(), 1.0, 3.0, 2.0, -1.0),
    (AbsoluteError(), 1.0, 1.0, 0.0, 0.0),
    (Huber(), 1.5, 1.0, 0.125, 0.5),
    (Huber(), 2.0, 1.0, 0.5, 1.0),
    (Huber(), 4.0, 1.0, 2.5, 1.0),
    (Huber(), -2.0, 1.0, 2.5, -1.0),
    (Huber(2.0), 5.0, 1.0, 6.0, 2.0),
    (Huber(2.0), 1.0, 1.0, 0.0, 0.0),
    (Quantile(), 3.0, 1.0, 1.0, 0.5),
    (Quantile(0.75), 1.0, 3.0, 1.5, -0.75),
    (Quantile(0.75), 3.0, 1.0, 0.5, 0.25),
    (Quantile(0.75), 1.0, 1.0, 0.0, 0.0),
    (Poisson(), 2.0, 2.0, 0.0, 0.0),
    (Poisson(), 3.0, 0.0, 3.0, 1.0),
    (Poisson(), 1.0, 2.0, 2 * math.log(2) - 1, -1.0),
    (LogLoss(), 0.25, 1.0, math.log(4), -4.0),
    (LogLoss(), 0.25, 0.0, 0.0, 0.0),
    (LogLoss(), 0.25, 0.5, math.log(2), -2.0),
    (Perceptron(), -2.0, 1.0, 2.0, -1.0),
    (Perceptron(), 2.0, 1.0, 0.0, 0.0),
    (Perceptron(), 2.0, -1.0, 2.0, 1.0),
    (Perceptron(), 0.0, 1.0, 0.0, -1.0),
    (Perceptron(), 0.0, -1.0, 0.0, 1.0),
]


def fitting(loss, shape=(40, 5), seed=0):
    """Predictions and targets that fit a loss."""
    generator = np.random.default_rng(seed)
    prediction, target = generator.normal(size=(2, *shape))
    if loss.name == "poisson":
        return np.exp(prediction), generator.poisson(2.0, size=shape).astype(np.float64)
    if loss.name == "log_loss":
        target = np.eye(shape[1])[generator.integers(shape[1], size=shape[0])]
        return Softmax().value(prediction), target
    if loss.name == "perceptron":
        target = np.where(target > 0, 1.0, -1.0)
    return prediction, target


@pytest.mark.parametrize(("loss", "prediction", "target", "term", "derivative"), BY_HAND)
def test_values_by_hand(loss, prediction, target, term, derivative):
    prediction, target = np.array([[prediction]]), np.array([[target]])
    np.testing.assert_allclose(loss.value(prediction, target), [[term]], rtol=1e-14)
    np.testing.assert_allclose(loss.derivative(prediction, target), [[derivative]], rtol=1e-14)


@pytest.mark.parametrize("loss", VARIED, ids=str)
def test_derivative_against_finite_differences(loss):
    prediction, target = fitting(loss)
    for kink in loss.kinks(target):
        assert np.abs(prediction - kink).min() > 1e-5
    h = 1e-6
    numeric = (loss.value(prediction + h, target) - loss.value(prediction - h, target)) / (2 * h)
    np.testing.assert_allclose(loss.derivative(prediction, target), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", VARIED, ids=str)
def test_derivative_by_the_complex_step(loss):
    prediction, target = fitting(loss)
    numeric = loss.value(prediction + 1e-30j, target).imag / 1e-30
    np.testing.assert_allclose(loss.derivative(prediction, target), numeric, rtol=1e-13, atol=1e-15)


def test_exactly_the_piecewise_ones_are_not_smooth():
    assert {loss.name for loss in EVERY if loss.smooth} == {"squared_error", "poisson", "log_loss"}


@pytest.mark.parametrize("loss", [loss for loss in VARIED if not loss.smooth], ids=str)
def test_the_formula_changes_at_the_kinks(loss):
    target = np.array([[1.0, -1.0]])
    for kink in loss.kinks(target):
        far, near, beyond = (loss.derivative(kink + h, target) for h in (-0.02, -0.01, 0.01))
        straight_on = near + 2 * (near - far)
        assert (np.abs(beyond - straight_on) > 1e-3).all()


@pytest.mark.parametrize("loss", [loss for loss in VARIED if not loss.of_pre_activation], ids=str)
def test_a_perfect_prediction_costs_nothing_and_pulls_nowhere(loss):
    _, target = fitting(loss)
    value = loss.value(target.copy(), target)
    np.testing.assert_array_equal(value, np.zeros_like(target))
    if loss.name == "log_loss":
        # The least value on the simplex: constant along it after the softmax's pullback.
        pulled = Softmax().pullback(target, target, loss.derivative(target, target))
        np.testing.assert_array_equal(pulled, 0)
    elif loss.name == "poisson":
        np.testing.assert_array_equal(loss.derivative(target, target), target == 0)
    else:
        np.testing.assert_array_equal(loss.derivative(target, target), 0)


@pytest.mark.parametrize("loss", VARIED, ids=str)
def test_no_term_is_negative(loss):
    assert (loss.value(*fitting(loss)) >= -1e-15).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", VARIED, ids=str)
def test_dtype_and_shape_are_kept_and_arguments_left_alone(loss, dtype):
    prediction, target = (array.astype(dtype) for array in fitting(loss))
    prediction.flags.writeable = target.flags.writeable = False
    for result in (loss.value(prediction, target), loss.derivative(prediction, target)):
        assert result.dtype == dtype
        assert result.shape == target.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_predictions(dtype):
    # A RuntimeWarning would fail the test.
    far = np.array([[1e15, -1e15]], dtype=dtype)
    zero = np.zeros_like(far)
    np.testing.assert_allclose(SquaredError().value(far, zero), [[5e29, 5e29]], rtol=1e-6)
    np.testing.assert_array_equal(AbsoluteError().value(far, zero), np.abs(far))
    np.testing.assert_array_equal(Huber().derivative(far, zero), [[1, -1]])
    np.testing.assert_allclose(Huber().value(far, zero), np.abs(far), rtol=1e-6)
    np.testing.assert_array_equal(Quantile(0.25).derivative(far, zero), [[0.75, -0.25]])
    impossible = np.array([[0.0, 0.0]], dtype=dtype)
    target = np.array([[1.0, 0.0]], dtype=dtype)
    for loss in (Poisson(), LogLoss()):
        np.testing.assert_array_equal(loss.value(impossible, target), [[np.inf, 0.0]])
    np.testing.assert_array_equal(Poisson().derivative(impossible, target), [[-np.inf, 1.0]])
    np.testing.assert_array_equal(LogLoss().derivative(impossible, target), [[-np.inf, 0.0]])


def test_huber_never_squares_what_is_far():
    far = np.array([[1e30]], dtype=np.float32)
    np.testing.assert_allclose(Huber().value(far, np.zeros_like(far)), far, rtol=1e-6)


def test_huber_between_its_two_neighbours():
    prediction, target = fitting(Huber())
    np.testing.assert_allclose(
        Huber(1e6).value(prediction, target), SquaredError().value(prediction, target), rtol=1e-14
    )
    np.testing.assert_allclose(
        Huber(1e-9).value(prediction, target) / 1e-9,
        AbsoluteError().value(prediction, target),
        atol=1e-8,
    )


def test_the_median_is_half_the_absolute_error():
    prediction, target = fitting(Quantile())
    np.testing.assert_allclose(
        2 * Quantile(0.5).value(prediction, target), AbsoluteError().value(prediction, target)
    )


def test_against_scikit_learn():
    prediction, target = fitting(Poisson())
    half_deviance = mean_poisson_deviance(target.ravel(), prediction.ravel()) / 2
    assert Poisson().value(prediction, target).mean() == pytest.approx(half_deviance, rel=1e-12)
    prediction, target = fitting(Quantile())
    pinball = mean_pinball_loss(target, prediction, alpha=0.9)
    assert Quantile(0.9).value(prediction, target).mean() == pytest.approx(pinball, rel=1e-12)
    prediction, target = fitting(LogLoss())
    likelihood = log_loss(target.argmax(axis=1), prediction)
    value = LogLoss().value(prediction, target).sum(axis=1).mean()
    assert value == pytest.approx(likelihood, rel=1e-12)


def test_log_loss_behind_logistic_units():
    prediction = Logistic().value(np.linspace(-3, 3, 7).reshape(1, -1))
    target = np.array([[0.0, 1.0, 0.5, 0.0, 1.0, 0.25, 1.0]])
    expected = -target * np.log(prediction) - (1 - target) * np.log(1 - prediction)
    np.testing.assert_allclose(LogLoss().value(prediction, target, "logistic"), expected)
    numeric = LogLoss().value(prediction + 1e-30j, target, "logistic").imag / 1e-30
    analytic = LogLoss().derivative(prediction, target, "logistic")
    np.testing.assert_allclose(analytic, numeric, rtol=1e-13)
    certain = np.array([[0.0, 1.0]])
    np.testing.assert_array_equal(LogLoss().value(certain, certain, "logistic"), [[0.0, 0.0]])


@pytest.mark.parametrize(
    ("loss", "activation", "more"),
    [
        (LogLoss(), Softmax(), ()),
        (LogLoss(), Logistic(), ("logistic",)),
        (Poisson(), Exp(), ()),
    ],
)
def test_canonical_pairs_reduce_to_the_residual(loss, activation, more):
    z = np.random.default_rng(3).normal(size=(8, 4))
    target = fitting(loss, shape=(8, 4))[1]
    a = activation.value(z)
    delta = activation.pullback(z, a, loss.derivative(a, target, *more), output=True)
    np.testing.assert_allclose(delta, a - target, atol=1e-14)


def test_where_losses_are_defined():
    assert {loss.name: loss.activations for loss in EVERY if loss.activations} == {
        "poisson": {"exp", "softplus", "logistic", "softmax"},
        "log_loss": {"softmax", "logistic"},
        "perceptron": {"sign", "identity"},
    }
    assert [loss.name for loss in EVERY if loss.of_pre_activation] == ["perceptron"]


def test_parameters_for_the_compiled_core():
    assert {loss.name: loss.parameter for loss in EVERY if loss.parameter} == {
        "huber": 1.0,
        "quantile": 0.5,
    }
    assert Huber(0.25).parameter == 0.25
    assert Quantile(0.75).parameter == 0.75


def test_class_targets():
    for loss in EVERY:
        for activation in ("identity", "logistic", "softmax", "tanh", "sign"):
            signed = loss.name == "perceptron" or activation in ("tanh", "sign")
            assert loss.class_targets(activation) == ((-1, 1) if signed else (0, 1))


@pytest.mark.parametrize(
    ("loss", "activation", "target", "sentence"),
    [
        (SquaredError(), "identity", [[-5.0, 1e9]], None),
        (Poisson(), "exp", [[0.0, 3.0]], None),
        (
            Poisson(),
            "exp",
            [[2.0, -0.5]],
            (
                "loss 'poisson' needs targets of at least 0 (got -0.5). Use 'squared_error' for "
                "targets of either sign."
            ),
        ),
        (LogLoss(), "softmax", [[0.0, 1.0], [0.25, 0.75]], None),
        (LogLoss(), "logistic", [[1.0, 1.0], [0.0, 0.0]], None),
        (
            LogLoss(),
            "logistic",
            [[1.0, -1.0]],
            (
                "loss 'log_loss' needs targets between 0 and 1 (got -1). Encode the classes as 0 "
                "and 1."
            ),
        ),
        (
            LogLoss(),
            "logistic",
            [[2.0, 0.5]],
            "loss 'log_loss' needs targets between 0 and 1 (got 2). Encode the classes as 0 and 1.",
        ),
        (
            LogLoss(),
            "softmax",
            [[0.0, 1.0], [1.0, 1.0]],
            (
                "loss 'log_loss' behind a softmax needs targets that sum to 1 in every row (got 2 "
                "in row 1). Use the logistic output activation for several labels at once."
            ),
        ),
        (Perceptron(), "sign", [[1.0, -1.0]], None),
        (
            Perceptron(),
            "sign",
            [[1.0, 0.0]],
            (
                "loss 'perceptron' needs targets of -1 and +1 (got 0). Encode the two classes as "
                "-1 and +1."
            ),
        ),
    ],
)
def test_targets_that_do_not_fit_are_told_in_a_sentence(loss, activation, target, sentence):
    assert loss.check_target(np.array(target), activation) == sentence
    assert loss.check_target(np.array(target, dtype=np.float32), activation) == sentence


@pytest.mark.parametrize("loss", EVERY, ids=str)
def test_no_targets_fit_every_loss(loss):
    assert loss.check_target(np.zeros((0, 3)), "softmax") is None


def test_soft_targets_in_single_precision_sum_to_one_closely_enough():
    target = np.random.default_rng(0).dirichlet(np.ones(1000), size=50).astype(np.float32)
    assert LogLoss().check_target(target, "softmax") is None


def test_a_users_own_loss():
    gap = Function(lambda p, d: (p - d) ** 4, lambda p, d: 4 * (p - d) ** 3, name="fourth")
    prediction, target = np.array([[3.0]]), np.array([[1.0]])
    assert gap.value(prediction, target) == 16
    assert gap.derivative(prediction, target) == 32
    assert gap.name == "fourth"
    assert gap.activations is None
    assert gap.check_target(target, "softmax") is None


@pytest.mark.parametrize("what", ["value", "derivative"])
def test_a_users_functions_must_return_the_shape_of_the_prediction(what):
    functions = {"value": np.subtract, "derivative": np.subtract}
    functions[what] = lambda p, d: (p - d).sum(axis=1)
    with pytest.raises(InvalidShapeError) as caught:
        getattr(Function(**functions), what)(np.ones((3, 2)), np.ones((3, 2)))
    assert str(caught.value) == (
        f"{what} of a loss Function must return an array of the shape of the prediction, (3, 2) "
        "(got (3,)). Give a term for each output; their sum is taken."
    )

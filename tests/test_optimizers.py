"""Optimisers: sequences by hand and against scikit-learn's own, bit for bit where that is fair."""

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from deltarule.exceptions import InvalidParameterError
from deltarule.optimizers import (
    LBFGS,
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
)

EVERY = [cls() for cls in OPTIMIZERS.table.values()]
STEPWISE = [optimizer for optimizer in EVERY if optimizer.name != "lbfgs"]
GRADIENTS = np.random.default_rng(0).normal(size=(60, 5))
START = np.linspace(-1.0, 1.0, 5)


def run(optimizer, gradients, rate=0.1, start=START, mask=None):
    """Parameters after every step."""
    vector = np.asarray(start)
    moments = np.zeros((optimizer.moments, vector.size), dtype=vector.dtype)
    path = []
    for step, gradient in enumerate(gradients):
        vector, moments = optimizer.update(vector, gradient, moments, rate, step, mask)
        path.append(vector)
    return np.array(path)


# optimizer, the parameter after steps with gradients 2, 2, −4 from 1 with rate 1/8
BY_HAND = [
    (SGD(), [0.75, 0.5, 1.0]),
    # v = −0.25, −0.375, 0.3125
    (Momentum(0.5), [0.75, 0.375, 0.6875]),
    (Momentum(0.0), [0.75, 0.5, 1.0]),
    # v as above; moves 0.5 v − α g = −0.375, −0.4375, 0.65625
    (Nesterov(0.5), [0.625, 0.1875, 0.84375]),
    (Nesterov(0.0), [0.75, 0.5, 1.0]),
    # v = 2, 3, 9.5
    (
        RMSprop(decay=0.5, epsilon=1e-300),
        np.cumsum([1 - 0.25 / 2**0.5, -0.25 / 3**0.5, 0.5 / 9.5**0.5]),
    ),
    # m = 1, 1.5, −1.25; v = 1, 1.75, 5.3125; corrections √(1−0.75^t) / (1−0.5^t)
    (
        Adam(0.5, 0.75, 1e-300),
        np.cumsum(
            [
                1 - 0.125 * 0.5 / 0.5,
                -0.125 * (7 / 16) ** 0.5 / 0.75 * 1.5 / 1.75**0.5,
                0.125 * (37 / 64) ** 0.5 / 0.875 * 1.25 / 5.3125**0.5,
            ]
        ),
    ),
]


@pytest.mark.parametrize(("optimizer", "path"), BY_HAND, ids=lambda value: str(value)[:40])
def test_three_steps_by_hand(optimizer, path):
    found = run(optimizer, np.array([[2.0], [2.0], [-4.0]]), rate=0.125, start=[1.0])
    np.testing.assert_allclose(found[:, 0], path, rtol=1e-14)


def test_adamw_decays_the_old_weights_beside_adam():
    gradients = np.array([[2.0, 2.0]])
    start = np.array([1.0, 1.0])
    adam = run(Adam(), gradients, 0.5, start)[0]
    decayed = run(AdamW(weight_decay=0.25), gradients, 0.5, start, np.array([True, False]))[0]
    np.testing.assert_allclose(decayed, adam - [0.5 * 0.25 * 1.0, 0.0], rtol=1e-14)
    everywhere = run(AdamW(weight_decay=0.25), gradients, 0.5, start)[0]
    np.testing.assert_allclose(everywhere, adam - 0.125, rtol=1e-14)


def test_adamw_without_decay_is_adam():
    np.testing.assert_array_equal(run(AdamW(weight_decay=0), GRADIENTS), run(Adam(), GRADIENTS))


def test_the_decay_of_adamw_does_not_enter_its_moments():
    gradient = np.array([3.0])
    for optimizer in (Adam(), AdamW(weight_decay=0.5)):
        _, moments = optimizer.update(np.array([7.0]), gradient, np.zeros((2, 1)), 0.1, 0)
        np.testing.assert_allclose(moments, [[0.3], [0.009]], rtol=1e-12)


def scikit_learns(optimizer, parameters, gradients):
    """Parameters after every step of one of scikit-learn's optimisers."""
    path = []
    for gradient in gradients:
        optimizer.update_params([parameters], [gradient])
        path.append(parameters.copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("ours", "momentum", "nesterov"),
    [
        (SGD(), 0.0, False),
        (Momentum(), 0.9, False),
        (Momentum(0.5), 0.5, False),
        (Nesterov(), 0.9, True),
        (Nesterov(0.3), 0.3, True),
    ],
)
def test_against_scikit_learns_sgd(ours, momentum, nesterov):
    parameters = START.copy()
    theirs = SGDOptimizer([parameters], 0.1, "constant", momentum, nesterov)
    expected = scikit_learns(theirs, parameters, GRADIENTS)
    np.testing.assert_allclose(run(ours, GRADIENTS), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "settings", [(0.9, 0.999, 1e-8), (0.5, 0.9, 1e-3), (0.0, 0.0, 1.0)], ids=str
)
def test_against_scikit_learns_adam(settings):
    parameters = START.copy()
    theirs = AdamOptimizer([parameters], 0.1, *settings)
    expected = scikit_learns(theirs, parameters, GRADIENTS)
    np.testing.assert_allclose(run(Adam(*settings), GRADIENTS), expected, rtol=1e-12, atol=1e-14)


def test_momentum_carries_the_step_size_inside_the_velocity():
    # The step size doubles: scikit-learn's velocity remembers the old one, PyTorch's does not.
    vector, moments = Momentum(0.5).update(START, np.ones(5), np.zeros((1, 5)), 0.1, 0)
    vector, moments = Momentum(0.5).update(vector, np.ones(5), moments, 0.2, 1)
    np.testing.assert_allclose(vector, START - 0.1 - (0.05 + 0.2), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", STEPWISE, ids=lambda optimizer: optimizer.name)
def test_an_update_writes_into_nothing_and_keeps_the_dtype(optimizer, dtype):
    vector, gradient = START.astype(dtype), GRADIENTS[0].astype(dtype)
    moments = np.ones((optimizer.moments, 5), dtype=dtype)
    for array in (vector, gradient, moments):
        array.flags.writeable = False
    # Rates come out of float64 arrays: neither a NumPy scalar nor an array may widen the result.
    for rate in (0.1, np.float64(0.1), np.full(5, 0.1)):
        updated, new_moments = optimizer.update(vector, gradient, moments, rate, 3, np.ones(5) > 0)
        assert updated.dtype == new_moments.dtype == dtype
        assert updated.shape == (5,)
        assert new_moments.shape == (optimizer.moments, 5)
        assert not np.shares_memory(updated, vector)
        assert (updated != vector).all()


@pytest.mark.parametrize("optimizer", STEPWISE, ids=lambda optimizer: optimizer.name)
def test_one_rate_for_each_parameter(optimizer):
    rates = np.array([0.0, 0.1, 0.1, 0.2, 0.1])
    together = run(optimizer, GRADIENTS[:5], rates)[-1]
    for index, rate in enumerate(rates):
        alone = run(optimizer, GRADIENTS[:5], rate)[-1]
        assert together[index] == pytest.approx(alone[index], rel=1e-14)
    assert together[0] == START[0]


@pytest.mark.parametrize("optimizer", STEPWISE, ids=lambda optimizer: optimizer.name)
def test_linear_says_whether_the_update_is_linear_in_the_gradient(optimizer):
    def moved(gradients):
        return run(optimizer, gradients)[-1] - START

    first, second = GRADIENTS[:6], GRADIENTS[6:12]
    together = moved(first + 2 * second)
    linear = np.allclose(together, moved(first) + 2 * moved(second), rtol=1e-10)
    assert linear == optimizer.linear


@pytest.mark.parametrize("optimizer", STEPWISE, ids=lambda optimizer: optimizer.name)
def test_a_bowl_is_descended(optimizer):
    vector = START
    moments = np.zeros((optimizer.moments, 5))
    for step in range(300):
        vector, moments = optimizer.update(vector, 2 * vector, moments, 0.02, step)
    assert np.abs(vector).max() < 0.05


@pytest.mark.parametrize("optimizer", [Adam(), AdamW(), RMSprop()], ids=str)
def test_a_zero_gradient_divides_by_nothing(optimizer):
    with np.errstate(all="raise"):
        vector, _ = optimizer.update(
            np.zeros(2), np.zeros(2), np.zeros((optimizer.moments, 2)), 0.1, 0
        )
    np.testing.assert_array_equal(vector, np.zeros(2))


def test_adam_after_very_many_steps():
    moments = np.full((2, 1), 0.25)
    vector, _ = Adam().update(np.array([1.0]), np.array([0.25]), moments, 0.1, 10**9)
    assert np.isfinite(vector).all()


def test_facts_for_the_engines():
    assert {o.name: (o.moments, o.linear) for o in EVERY} == {
        "sgd": (0, True),
        "momentum": (1, True),
        "nesterov": (1, True),
        "adam": (2, False),
        "adamw": (2, False),
        "rmsprop": (1, False),
        "lbfgs": (0, False),
    }
    assert [o.hyperparameters() for o in EVERY] == [
        (0.0, 0.0, 0.0, 0.0),
        (0.9, 0.0, 0.0, 0.0),
        (0.9, 0.0, 0.0, 0.0),
        (0.9, 0.999, 1e-8, 0.0),
        (0.9, 0.999, 1e-8, 0.01),
        (0.9, 1e-8, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
    ]


def test_lbfgs_takes_no_steps():
    with pytest.raises(InvalidParameterError) as caught:
        LBFGS().update(START, GRADIENTS[0], np.zeros((0, 5)), 0.1, 0)
    assert str(caught.value) == (
        "optimizer must be one that takes steps (got 'lbfgs', which needs the whole training set "
        "at once). Use 'adam' or 'sgd' for single steps."
    )


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: Momentum(1.5), "momentum must be a number in [0, 1] (got 1.5)."),
        (lambda: Nesterov(-0.1), "momentum must be a number in [0, 1] (got -0.1)."),
        (lambda: Adam(beta_1=1), "beta_1 must be a number in [0, 1) (got 1)."),
        (lambda: Adam(beta_2=1), "beta_2 must be a number in [0, 1) (got 1)."),
        (lambda: Adam(epsilon=0), "epsilon must be a positive finite number (got 0)."),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be a finite number of at least 0"),
        (lambda: AdamW(beta_1=2), "beta_1 must be a number in [0, 1) (got 2)."),
        (lambda: RMSprop(decay=1), "decay must be a number in [0, 1) (got 1)."),
        (lambda: LBFGS(memory=0), "memory must be a positive integer (got 0)."),
        (lambda: LBFGS(max_fun=1.5), "max_fun must be a positive integer (got 1.5)."),
    ],
)
def test_settings_out_of_range(build, expected):
    with pytest.raises(InvalidParameterError) as caught:
        build()
    assert str(caught.value).startswith(expected)

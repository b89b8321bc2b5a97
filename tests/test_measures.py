"""Measures of networks, against what is known by hand or from dense algebra."""

import numpy as np
import pytest

import deltarule as dr
from deltarule import backprop, measures
from deltarule.activations import ACTIVATIONS, Function
from deltarule.functional import forward
from deltarule.losses import LOSSES, Huber, Quantile
from deltarule.penalties import L2

KINDS = {
    "saturating": {"logistic", "tanh", "sign"},
    "rectifying": {"relu", "softplus", "selu", "gelu", "silu", "mish", "exp"},
    "open": {"identity", "leaky_relu", "softmax", "ascending"},
}


@pytest.mark.parametrize("name", ACTIVATIONS.table)
def test_kinds_of_activations(name):
    assert name in KINDS[measures.kind_of(ACTIVATIONS.table[name]())]


def test_a_function_of_the_users_has_a_kind():
    assert measures.kind_of(Function(np.arctan, lambda z: 1 / (1 + z * z))) == "saturating"


REACH = {
    "identity": (-np.inf, np.inf),
    "logistic": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
    "exp": (0.0, np.inf),
    "softmax": (0.0, 1.0),
    "selu": (-1.758099, np.inf),
}


@pytest.mark.parametrize("name", REACH)
def test_reach(name):
    assert measures.reach(ACTIVATIONS.table[name]()) == REACH[name]


def test_flat_shares():
    z = np.array([[-1.0, 1.0, -9.0], [-2.0, -1.0, 0.0]])
    assert measures.flat_shares(ACTIVATIONS.table["relu"](), z).tolist() == [1.0, 0.5, 1.0]
    assert measures.flat_shares(ACTIVATIONS.table["tanh"](), z).tolist() == [0.0, 0.0, 0.5]
    assert measures.flat_shares(ACTIVATIONS.table["logistic"](), z).tolist() == [0.0, 0.0, 0.5]


def test_stuck_outputs():
    z = np.array([[9.0], [9.0], [0.0], [-9.0]])
    passed = backprop.Pass((z,), (z, 1 / (1 + np.exp(-z))), (None,))
    D = np.array([[0.0], [1.0], [1.0], [1.0]])
    network = dr.Network((1, 1), "logistic", loss="squared_error")
    assert measures.stuck_outputs(network, passed, D).tolist() == [0.5]
    assert measures.stuck_outputs(dr.Network((1, 1), "logistic", "log_loss"), passed, D) is None
    assert measures.stuck_outputs(dr.Network((1, 1), "relu"), passed, D) is None


def problem(activations=("tanh", "identity"), units=(3, 4, 2), seed=0):
    network = dr.Network(units, activations)
    random = np.random.default_rng(seed)
    X, D = random.normal(size=(20, units[0])), random.normal(size=(20, units[-1]))
    return network, dr.initialize(network, seed=seed), X, D


def hessian(network, parameters, X, D, weight, penalty):
    """Column by column from gradients that are exact."""

    def slope(vector):
        at = parameters.replace(vector=vector)
        return dr.gradient(network, at, X, D, weight, penalty).vector

    step, base = 1e-6, parameters.vector
    columns = [
        (slope(base + step * unit) - slope(base - step * unit)) / (2 * step)
        for unit in np.eye(network.size)
    ]
    return np.array(columns)


@pytest.mark.parametrize("seed", range(3))
def test_curvature_is_that_of_the_hessian(seed):
    network, parameters, X, D = problem(seed=seed)
    weight, penalty = np.arange(20.0), L2(0.5)
    found = measures.curvature(network, parameters, X, D, weight, penalty, steps=network.size)
    H = hessian(network, parameters, X, D, weight, penalty)
    g = dr.gradient(network, parameters, X, D, weight, penalty).vector
    spectrum = np.linalg.eigvalsh(H)
    assert found.gradient_norm == pytest.approx(np.linalg.norm(g))
    assert found.along == pytest.approx(g @ H @ g / (g @ g), rel=1e-4)
    assert found.lowest == pytest.approx(spectrum[0], abs=1e-3 * spectrum[-1])
    assert found.highest == pytest.approx(spectrum[-1], rel=1e-3)
    few = measures.curvature(network, parameters, X, D, weight, penalty, steps=3)
    assert spectrum[0] - 1e-3 <= few.lowest <= few.along <= few.highest <= spectrum[-1] + 1e-3


def test_curvature_where_there_is_no_slope():
    network = dr.Network((1, 1), "identity", bias=False)
    found = measures.curvature(network, dr.initialize(network), [[0.0]], [[0.0]])
    assert (found.gradient_norm, found.along, found.highest) == (0.0, 0.0, 0.0)


def test_delta_norms():
    network, parameters, X, D = problem(("tanh", "relu", "identity"), (3, 4, 5, 2))
    passed = forward(network, parameters, X)
    norms = measures.delta_norms(network, parameters, passed, D)
    rows = [dr.trace_step(network, parameters, x, d).deltas for x, d in zip(X, D, strict=True)]
    for layer in range(3):
        squares = [float((deltas[layer] ** 2).sum()) for deltas in rows]
        assert norms[layer] == pytest.approx(np.sqrt(np.mean(squares)))


def test_update_ratios_are_those_of_steps():
    network, parameters, X, D = problem()
    source = measures.StepSource(dr.SGD(), 0.1, 0, None, 20, 0.0, 0.0, 1.0)
    ratios = measures.update_ratios(network, parameters, X, D, None, source)
    slope = dr.gradient(network, parameters, X, D)
    for layer in range(2):
        expected = 0.1 * np.linalg.norm(slope.weights[layer])
        assert ratios[layer] == pytest.approx(expected / np.linalg.norm(parameters.weights[layer]))
    nothing = parameters.replace(vector=parameters.vector * 0)
    assert measures.update_ratios(network, nothing, X, D, None, source) == [0.0, 0.0]


def test_update_ratios_use_the_optimisers_state():
    network, parameters, X, D = problem()
    moments = np.full((2, network.size), 1e6)
    still = measures.StepSource(dr.Adam(), 0.1, 99, moments * [[0], [1]], 5, 0.0, 0.0, 1.0)
    moving = measures.StepSource(dr.Adam(), 0.1, 99, moments, 5, 0.0, 0.0, 1.0)
    slow, fast = (
        measures.update_ratios(network, parameters, X, D, None, source)
        for source in (still, moving)
    )
    assert max(slow) < 1e-3 < min(fast)


def test_naive_losses():
    D = np.array([[0.0], [1.0], [1.0], [5.0]])
    mean = {
        "squared_error": 0.5 * D.var(),
        "absolute_error": np.abs(D - 1.0).mean(),
        "poisson": dr.losses.Poisson().value(np.full_like(D, D.mean()), D).mean(),
    }
    for name, expected in mean.items():
        network = dr.Network((1, 1), "exp" if name == "poisson" else "identity", loss=name)
        assert measures.naive_loss(network, D) == pytest.approx(expected)
    network = dr.Network((1, 1), "identity", loss=Quantile(0.9))
    assert measures.naive_loss(network, D) == pytest.approx(
        Quantile(0.9).value(np.full_like(D, 5.0), D).mean()
    )
    share = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    network = dr.Network((1, 1), "logistic", loss="log_loss")
    assert measures.naive_loss(network, D[:3], [1.0, 2.0, 1.0]) == pytest.approx(share)
    network = dr.Network((1, 2), "softmax", loss="log_loss")
    two = np.eye(2)[[0, 1, 1, 1]]
    assert measures.naive_loss(network, two) == pytest.approx(share)
    network = dr.Network((1, 1), "sign", loss="perceptron")
    assert measures.naive_loss(network, np.array([[1.0], [1.0], [-1.0]])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", LOSSES.table)
def test_losses_whose_slope_jumps(name):
    jumps = name in {"absolute_error", "quantile", "perceptron"}
    assert measures.has_steps(LOSSES.table[name]()) == jumps
    assert not measures.has_steps(Huber(0.1))


def test_same_units():
    network = dr.Network((3, 4, 4, 2), "tanh")
    same = dr.initialize(network, initializer=dr.initializers.Constant(0.5))
    assert measures.same_units(network, same) == [0, 1]
    assert measures.same_units(network, dr.initialize(network)) == []
    assert measures.same_units(dr.Network((3, 1), "tanh"), dr.initialize(network)) == []

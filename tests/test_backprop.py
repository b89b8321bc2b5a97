"""Equations (1)-(9), each with numbers worked out by hand."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from conformance import checks
from conformance.networks import random_case

import deltarule as dr
from deltarule import backprop, losses
from deltarule.activations import ACTIVATIONS, Identity, Logistic, ReLU, Sign, Softmax, Tanh
from deltarule.losses import LOSSES
from deltarule.network import Head

W = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]])  # 3 inputs, 2 units
A = np.array([[1.0, 2.0, 4.0], [-1.0, 0.5, 2.0]])
DELTA = np.array([[1.0, -2.0], [0.5, 4.0]])


def test_equation_2_pre_activation():
    assert backprop.pre_activation(W, None, A).tolist() == [[-1.0, 2.0], [-1.0, -0.5]]
    shifted = backprop.pre_activation(W, np.array([10.0, 20.0]), A)
    assert shifted.tolist() == [[9.0, 22.0], [9.0, 19.5]]


def test_equation_3_activate():
    assert backprop.activate(ReLU(), np.array([[-1.0, 2.0]])).tolist() == [[0.0, 2.0]]
    assert backprop.activate(Logistic(), np.zeros((1, 1))).tolist() == [[0.5]]


def test_equation_4_sample_losses():
    z = np.array([[1.0, 2.0], [0.0, -1.0]])
    d = np.array([[0.0, 4.0], [0.0, 1.0]])
    f = backprop.sample_losses(losses.SquaredError(), Identity(), z, z, d)
    assert f.tolist() == [2.5, 2.0]  # ½ Σ_k (d̂_k − d_k)²
    f = backprop.sample_losses(losses.Perceptron(), Sign(), z, np.sign(z), np.sign(d - 0.5))
    assert f.tolist() == [1.0 + 0.0, 0.0 + 1.0]  # of z: −d z where d z ≤ 0


def test_equation_5_output_delta():
    # squared error with logistic output: (d̂ − d) d̂ (1 − d̂)
    z, d = np.zeros((1, 2)), np.array([[1.0, 0.25]])
    half = np.full((1, 2), 0.5)
    got = backprop.output_delta(losses.SquaredError(), Logistic(), z, half, d)
    assert got.tolist() == [[-0.125, 0.0625]]
    # behind sign σ' := 1
    got = backprop.output_delta(losses.SquaredError(), Sign(), z, np.ones((1, 2)), -np.ones((1, 2)))
    assert got.tolist() == [[2.0, 2.0]]
    # perceptron: −d where d z ≤ 0, the boundary included
    z, d = np.array([[-2.0, 0.0, 3.0]]), np.ones((1, 3))
    got = backprop.output_delta(losses.Perceptron(), Sign(), z, np.sign(z), d)
    assert got.tolist() == [[-1.0, -1.0, 0.0]]


@pytest.mark.parametrize(("loss", "activation"), backprop.CANONICAL_PAIRS)
def test_equation_5_canonical_pairs(loss, activation):
    prediction, target = np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]])
    kinds = LOSSES.table[loss](), ACTIVATIONS.table[activation]()
    delta = backprop.output_delta(*kinds, np.zeros((1, 2)), prediction, target)
    assert delta.tolist() == [[0.25, -0.25]]


@pytest.mark.parametrize(("loss", "activation"), backprop.CANONICAL_PAIRS)
def test_canonical_pairs_are_the_plain_definition(loss, activation):
    """The stable value and delta are those of the definitions where nothing saturates."""
    kind, function = LOSSES.table[loss](), ACTIVATIONS.table[activation]()
    z = np.random.default_rng(0).normal(size=(5, 3))
    a = function.value(z)
    d = np.eye(3)[[0, 2, 1, 1, 0]]
    extra = {"activation": activation} if loss == "log_loss" else {}
    plain = kind.value(a, d, **extra).sum(axis=1)
    np.testing.assert_allclose(backprop.sample_losses(kind, function, z, a, d), plain, rtol=1e-13)
    pulled = function.pullback(z, a, kind.derivative(a, d, **extra), output=True)
    np.testing.assert_allclose(backprop.output_delta(kind, function, z, a, d), pulled, atol=1e-14)


def test_there_are_four_canonical_pairs():
    assert set(backprop.CANONICAL_PAIRS) == {
        ("log_loss", "softmax"),
        ("log_loss", "logistic"),
        ("squared_error", "identity"),
        ("poisson", "exp"),
    }


def test_equation_6_first_factor():
    assert backprop.send_back(W, DELTA).tolist() == [[1.0, -8.0, 2.5], [0.5, 11.0, -3.75]]


def test_equation_6_second_factor():
    z, a = np.array([[0.0, 2.0]]), np.array([[0.5, 0.0]])
    got = backprop.hidden_delta(Logistic(), z, a, np.array([[4.0, 4.0]]))
    assert got.tolist() == [[1.0, 0.0]]  # h (1 − h)
    # hidden sign: 1{|z| ≤ 1}, ends included
    z = np.array([[-1.5, -1.0, 0.0, 1.0, 1.5]])
    assert backprop.hidden_delta(Sign(), z, Sign().value(z), np.ones((1, 5))).tolist() == [
        [0.0, 1.0, 1.0, 1.0, 0.0]
    ]
    # softmax: a_k (u_k − Σ_j a_j u_j)
    a = np.array([[0.5, 0.25, 0.25]])
    got = backprop.hidden_delta(Softmax(), np.zeros((1, 3)), a, np.array([[1.0, 2.0, 4.0]]))
    assert got.tolist() == [[0.5 * -1.0, 0.25 * 0.0, 0.25 * 2.0]]


def test_equation_7_gradients():
    # Σ over rows of δ (a)ᵀ
    assert backprop.weight_gradient(DELTA, A).tolist() == [[0.5, 2.25, 5.0], [-6.0, -2.0, 0.0]]
    assert backprop.bias_gradient(DELTA).tolist() == [1.5, 2.0]


def test_gradients_of_sparse_rows():
    np.testing.assert_array_equal(backprop.weight_gradient(DELTA, sp.csr_matrix(A)),
                                  backprop.weight_gradient(DELTA, A))  # fmt: skip
    np.testing.assert_array_equal(backprop.pre_activation(W, None, sp.csr_array(A)),
                                  backprop.pre_activation(W, None, A))  # fmt: skip


def two_layers():
    """1 input, 1 tanh unit, 1 identity output; x = 1, w = 0.5, v = 2, d = 0."""
    network = dr.Network((1, 1, 1), ("tanh", "identity"), bias=(True, True))
    # w, b, v, c
    return network, dr.initialize(network).replace(vector=np.array([0.5, 0.0, 2.0, 1.0]))


def test_the_whole_chain_by_hand():
    network, parameters = two_layers()
    X, D = np.array([[1.0]]), np.array([[0.0]])
    h = math.tanh(0.5)
    passed = backprop.forward(network, parameters, X)
    assert [z.item() for z in passed.pre_activations] == [0.5, 2 * h + 1]
    assert [a.item() for a in passed.outputs] == [1.0, h, 2 * h + 1]
    assert passed.prediction.item() == 2 * h + 1
    assert backprop.losses(network, passed, D).tolist() == [0.5 * (2 * h + 1) ** 2]
    delta = 2 * h + 1
    below = 2 * delta * (1 - h * h)
    found = backprop.deltas(network, parameters, passed, D)
    assert [v.item() for v in found] == [below, delta]
    gradient = backprop.gradient_sum(network, parameters, passed, D, None)
    assert gradient.tolist() == [below * 1.0, below, delta * h, delta]


def test_row_weights_weigh_the_rows():
    network, parameters = two_layers()
    X, D = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    passed = backprop.forward(network, parameters, X)
    one = [
        backprop.gradient_sum(
            network, parameters, backprop.forward(network, parameters, x), d, None
        )
        for x, d in ((X[:1], D[:1]), (X[1:], D[1:]))
    ]
    weighted = backprop.gradient_sum(network, parameters, passed, D, np.array([3.0, 0.0]))
    np.testing.assert_allclose(weighted, 3.0 * one[0], rtol=1e-15)
    total = backprop.gradient_sum(network, parameters, passed, D, None)
    np.testing.assert_allclose(total, one[0] + one[1], rtol=1e-15)


def test_equation_8_objective():
    network, parameters = two_layers()
    X, D = np.array([[1.0], [1.0]]), np.array([[0.0], [1.0]])
    out = 2 * math.tanh(0.5) + 1
    f = [0.5 * out**2, 0.5 * (out - 1) ** 2]
    args = (network, parameters, X, D)
    assert backprop.objective(*args) == pytest.approx(sum(f) / 2, rel=1e-15)
    weighted = (3 * f[0] + 0.5 * f[1]) / 3.5
    assert backprop.objective(*args, np.array([3.0, 0.5])) == pytest.approx(weighted, rel=1e-15)
    # weights 0.5 and 2, no biases: l1 Σ|W| + l2/2 ΣW², over n
    penalty = dr.L1L2(0.4, 0.8)
    expected = (sum(f) + 0.4 * 2.5 + 0.4 * 4.25) / 2
    assert backprop.objective(*args, None, penalty) == pytest.approx(expected, rel=1e-15)


def test_equation_8_penalty_leaves_biases_alone():
    network, parameters = two_layers()
    assert backprop.penalty_value(network, parameters.vector, dr.L1L2(1.0, 2.0)) == 2.5 + 4.25
    slope = backprop.penalty_gradient(network, parameters.vector, dr.L1L2(1.0, 2.0))
    assert slope.tolist() == [1.0 + 1.0, 0.0, 1.0 + 4.0, 0.0]
    assert backprop.penalty_value(network, parameters.vector, None) == 0.0
    assert backprop.penalty_gradient(network, parameters.vector, None).tolist() == [0.0] * 4


def test_equation_9_step_gradient():
    network, parameters = two_layers()
    X, D, w = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]]), np.array([3.0, 0.5])
    passed = backprop.forward(network, parameters, X)
    data = backprop.gradient_sum(network, parameters, passed, D, w)
    # N = 10 rows with n = Σ w = 8, of which these are B = 2
    got = backprop.step_gradient(network, parameters, passed, D, w, 10 / 8, dr.L2(0.4), 8.0)
    penalty = 0.4 / 8 * np.array([0.5, 0.0, 2.0, 0.0])
    np.testing.assert_allclose(got, 10 / 8 / 2 * data + penalty, rtol=1e-15)


def test_equation_9_averages_to_the_gradient():
    checks.mean_of_batches_is_gradient()


def test_n_is_the_sum_of_the_weights():
    assert backprop.total_weight(None, 5) == 5.0
    assert backprop.total_weight(np.array([0.5, 0.0, 2.0], dtype=np.float32), 3) == 2.5
    ten_million = np.full(2**24 + 10, 1.0, dtype=np.float32)
    assert backprop.total_weight(ten_million, ten_million.size) == 2.0**24 + 10


@pytest.mark.parametrize("z", [-1000.0, -30.0, 0.0, 30.0, 1000.0])
def test_stable_helpers(z):
    assert backprop.softplus(np.array([z])).item() == pytest.approx(
        max(z, 0) + math.log1p(math.exp(-abs(z))), rel=1e-15
    )
    row = np.array([[z, 0.0]])
    top = max(z, 0.0)
    expected = top + math.log(math.exp(z - top) + math.exp(-top))
    assert backprop.log_sum_exp(row).item() == pytest.approx(expected, rel=1e-15)


def test_extreme_inputs_are_stable():
    checks.extreme_inputs_are_stable()


def test_a_perfect_prediction_costs_nothing():
    z = np.array([[800.0, -800.0]])
    for loss, activation in (("log_loss", Softmax()), ("log_loss", Logistic())):
        a, d = activation.value(z), np.array([[1.0, 0.0]])
        kind = LOSSES.table[loss]()
        assert backprop.sample_losses(kind, activation, z, a, d).tolist() == [0.0]
        assert backprop.output_delta(kind, activation, z, a, d).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("index", range(0, 60, 7))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(index, dtype):
    case = random_case(index, sign=True)
    parameters, X, D = case.parameters.astype(dtype), case.X.astype(dtype), case.D.astype(dtype)
    weight = np.ones(3, dtype=dtype)
    passed = backprop.forward(case.network, parameters, X)
    arrays = [*passed.pre_activations, *passed.outputs]
    arrays += backprop.deltas(case.network, parameters, passed, D)
    arrays += [
        backprop.losses(case.network, passed, D),
        backprop.step_gradient(
            case.network, parameters, passed, D, weight, 1.25, case.penalty, 3.0
        ),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_deltas_are_those_of_the_transcription():
    from conformance import oracle

    for index in checks.FEW:
        case = random_case(index, sign=True)
        passed = backprop.forward(case.network, case.parameters, case.X)
        found = backprop.deltas(case.network, case.parameters, passed, case.D)
        weights, biases = oracle.nested(case.network, case.parameters.vector)
        for i in range(len(case.D)):
            _, _, _, expected = oracle.sample(
                case.network, weights, biases, case.X[i].tolist(), case.D[i].tolist()
            )
            for got, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(got[i], right, rtol=1e-11, atol=1e-13)


# ------------------------------------------------------------------ heads


def heads():
    network = dr.Network(
        layers=[dr.Dense(2, 3, "tanh"), dr.Dense(3, 3, "identity")],
        heads=[
            Head((0, 1), losses.SquaredError(), 2.0),
            Head((1, 3), losses.Huber(0.5), 0.25),
        ],
    )
    numbers = np.random.default_rng(1)
    X, D = numbers.normal(size=(4, 2)), numbers.normal(size=(4, 3))
    return network, dr.initialize(network, 2), X, D


def test_two_heads_add_up():
    network, parameters, X, D = heads()
    passed = backprop.forward(network, parameters, X)
    y = passed.prediction
    f = 2.0 * losses.SquaredError().value(y[:, :1], D[:, :1]).sum(axis=1)
    f = f + 0.25 * losses.Huber(0.5).value(y[:, 1:], D[:, 1:]).sum(axis=1)
    np.testing.assert_allclose(backprop.losses(network, passed, D), f, rtol=1e-15)


def test_two_heads_have_right_gradients():
    network, parameters, X, D = heads()
    report = dr.check_gradients(network, parameters, X, D, penalty=dr.L2(0.1))
    assert report.passed, report.worst


def test_two_heads_behind_a_logistic_output():
    network = dr.Network(
        layers=[dr.Dense(2, 3, "tanh"), dr.Dense(3, 3, "logistic")],
        heads=[Head((0, 1), losses.LogLoss()), Head((1, 3), losses.SquaredError(), 0.5)],
    )
    X = np.random.default_rng(1).normal(size=(4, 2))
    D = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.2], [0.3, 0.2, 0.1], [1.0, 0.0, 0.0]])
    report = dr.check_gradients(network, dr.initialize(network, 2), X, D)
    assert report.passed, report.worst


def test_two_heads_are_trained():
    network, parameters, X, D = heads()
    plan = dr.TrainingPlan(optimizer=dr.Adam(), learning_rate_init=0.05, max_epochs=100)
    result = dr.train(network, parameters, X, D, plan)
    assert result.history.loss[-1] < 0.1 * result.history.loss[0]


def test_a_users_own_functions_have_right_gradients():
    sine = dr.activations.Function(np.sin, np.cos, name="sine")
    log_cosh = losses.Function(lambda p, d: np.log(np.cosh(p - d)), lambda p, d: np.tanh(p - d))
    network = dr.Network((2, 3, 2), (sine, sine), log_cosh)
    X, D = np.random.default_rng(3).normal(size=(2, 4, 2))
    assert dr.check_gradients(network, dr.initialize(network), X, D).passed
    assert Tanh() != sine

"""Looking into a network: a step with every number, and the gradient report."""

import numpy as np
import pytest
from conformance import oracle
from conformance.networks import random_case

import deltarule as dr
from deltarule import backprop
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import Function

X = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])
D = np.array([[0.0, 1.0], [1.0, 0.5]])


def notes(bias=False):
    network = dr.Network((3, 5, 2), "logistic", "squared_error", bias)
    return network, dr.initialize(network, seed=3)


# ------------------------------------------------------------------ one step


@pytest.mark.parametrize("bias", [False, True])
def test_a_trace_holds_the_notes_step(bias):
    network, parameters = notes(bias)
    trace = dr.trace_step(network, parameters, X[0], D[0], learning_rate=0.5)
    W, V = parameters.weights
    b, c = (parameters.biases[0], parameters.biases[1]) if bias else (0.0, 0.0)
    h = 1 / (1 + np.exp(-(W @ X[0] + b)))
    prediction = 1 / (1 + np.exp(-(V @ h + c)))
    delta_k = (prediction - D[0]) * prediction * (1 - prediction)
    delta_m = (V.T @ delta_k) * h * (1 - h)  # with the old V
    close = {"rtol": 1e-13, "atol": 1e-16}
    np.testing.assert_allclose(trace.pre_activations[0], W @ X[0] + b, **close)
    np.testing.assert_allclose(trace.outputs[1], h, **close)
    np.testing.assert_allclose(trace.prediction, prediction, **close)
    np.testing.assert_allclose(trace.deltas[1], delta_k, **close)
    np.testing.assert_allclose(trace.deltas[0], delta_m, **close)
    np.testing.assert_allclose(trace.gradient.weights[1], np.outer(delta_k, h), **close)
    np.testing.assert_allclose(trace.gradient.weights[0], np.outer(delta_m, X[0]), **close)
    np.testing.assert_allclose(trace.after.weights[1], V - 0.5 * np.outer(delta_k, h), **close)
    np.testing.assert_allclose(trace.after.weights[0], W - 0.5 * np.outer(delta_m, X[0]), **close)
    assert trace.loss == pytest.approx(0.5 * ((prediction - D[0]) ** 2).sum(), rel=1e-14)
    assert trace.before is parameters
    assert (trace.x.tolist(), trace.d.tolist()) == (X[0].tolist(), D[0].tolist())
    assert trace.learning_rate == 0.5
    assert trace.outputs[0].tolist() == X[0].tolist()


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("index", range(0, 60, 7))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_trace_is_a_step_of_its_engine_bit_for_bit(index, dtype, engine):
    case = random_case(index, sign=True)
    parameters = case.parameters.astype(dtype)
    rows = case.X.astype(dtype), case.D.astype(dtype)
    trace = dr.trace_step(
        case.network, parameters, rows[0][1], rows[1][1], learning_rate=0.1, engine=engine
    )
    stepped = dr.run_steps(
        case.network, parameters, *rows, order=[1], learning_rate=0.1, engine=engine
    )
    assert trace.after.vector.tobytes() == stepped.vector.tobytes()
    assert trace.after.dtype == dtype


def test_a_trace_agrees_with_the_transcription():
    for index in range(0, 60, 5):
        case = random_case(index, sign=True)
        trace = dr.trace_step(case.network, case.parameters, case.X[0], case.D[0])
        weights, biases = oracle.nested(case.network, case.parameters.vector)
        f, by_weight, by_bias, _ = oracle.sample(
            case.network, weights, biases, case.X[0].tolist(), case.D[0].tolist()
        )
        slope = oracle.flat(case.network, by_weight, by_bias)
        np.testing.assert_allclose(trace.gradient.vector, slope, rtol=1e-10, atol=1e-13)
        assert trace.loss == pytest.approx(f, rel=1e-12)


@pytest.mark.parametrize(
    ("x", "d", "message"),
    [
        (
            [1.0, 2.0],
            [0.0, 1.0],
            "X must have shape (rows, 3) (got (1, 2)). Its width is the network's inputs.",
        ),
        (
            [1.0, 2.0, 3.0],
            [0.0],
            "D must have shape (rows, 2) (got (1, 1)). Its width is the network's outputs.",
        ),
    ],
)
def test_a_sample_that_does_not_fit(x, d, message):
    with pytest.raises(InvalidShapeError) as caught:
        dr.trace_step(*notes(), x, d)
    assert str(caught.value) == message


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize("method", ["central", "complex"])
def test_a_right_gradient_passes(method):
    report = dr.check_gradients(*notes(True), X, D, [0.5, 2.0], dr.L1L2(0.1, 0.2), method=method)
    assert report.passed
    assert report.max_error <= {"central": 1e-7, "complex": 1e-12}[method]
    assert report.analytic.shape == report.numeric.shape == report.crossed.shape == (32,)
    assert not report.crossed.any()


def test_a_wrong_gradient_is_placed(monkeypatch):
    right = backprop.bias_gradient

    def wrong(delta):
        slope = right(delta).copy()
        if len(slope) == 5:
            slope[3] *= 1.001
        return slope

    monkeypatch.setattr(backprop, "bias_gradient", wrong)
    report = dr.check_gradients(*notes(True), X, D)
    assert not report.passed
    assert report.worst.startswith("layer 0, bias[3]: analytic ")
    assert 1e-7 < report.max_error < 1e-2


def test_a_report_shows_no_arrays():
    report = dr.check_gradients(*notes(), X, D)
    assert repr(report) == (
        f"GradientReport(passed=True, max_error={report.max_error!r}, worst={report.worst!r})"
    )


def test_a_users_wrong_derivative_is_found():
    wrong = Function(lambda p, d: (p - d) ** 4, lambda p, d: 3 * (p - d) ** 3)
    network = dr.Network((3, 2), "tanh", wrong)
    assert not dr.check_gradients(network, dr.initialize(network), X, D).passed


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_dtype_is_checked_in_float64(dtype):
    network = dr.Network((3, 5, 2), "tanh")
    parameters = dr.initialize(network, dtype=dtype)
    report = dr.check_gradients(network, parameters, X.astype(dtype), D.astype(dtype))
    assert report.passed
    assert report.numeric.dtype == np.float64


def test_kinks_are_not_judged():
    network = dr.Network((1, 1), "relu", bias=False)
    at_kink = dr.initialize(network).replace(vector=np.array([0.0]))
    report = dr.check_gradients(network, at_kink, [[1.0]], [[1.0]])
    assert report.crossed.tolist() == [True]
    # the kinks of a loss and of L1 as well
    network = dr.Network((1, 1), "identity", "absolute_error", bias=False)
    exact = dr.initialize(network).replace(vector=np.array([2.0]))
    assert dr.check_gradients(network, exact, [[1.0]], [[2.0]]).crossed.tolist() == [True]
    network = dr.Network((1, 1), "identity", bias=False)
    zero = dr.initialize(network).replace(vector=np.array([0.0]))
    assert dr.check_gradients(network, zero, [[1.0]], [[1.0]], penalty=dr.L1(1.0)).crossed.all()
    assert not dr.check_gradients(network, zero, [[1.0]], [[1.0]], penalty=dr.L2(1.0)).crossed.any()


def test_a_unit_that_stays_on_its_kink_crosses_nothing():
    network = dr.Network((1, 1, 1), ("relu", "relu"), bias=False)
    dead = dr.initialize(network).replace(vector=np.array([-1.0, 1.0]))
    report = dr.check_gradients(network, dead, [[1.0]], [[1.0]])
    assert not report.crossed.any()
    assert report.passed


def test_sign_is_refused_where_its_rule_is_no_derivative():
    network = dr.Network((3, 4, 2), ("sign", "identity"))
    with pytest.raises(InvalidShapeError) as caught:
        dr.check_gradients(network, dr.initialize(network), X, D)
    assert str(caught.value) == (
        "check_gradients needs activations with a derivative (got 'sign', whose learning rule is "
        "a convention). Check the network with another activation."
    )


def test_the_perceptron_is_checked_behind_sign():
    network = dr.Network((3, 4, 2), ("tanh", "sign"), "perceptron")
    targets = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for seed in range(5):
        report = dr.check_gradients(network, dr.initialize(network, seed), X, targets)
        assert report.passed, report.worst


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_trace_through_dropout_has_the_gradient_of_its_step(engine):
    layers = [dr.Dense(3, 8, "tanh"), dr.layers.Dropout(8, 8, 0.5), dr.Dense(8, 2)]
    network = dr.Network(layers=layers, loss="squared_error")
    start = dr.initialize(network, seed=1)
    trace = dr.trace_step(network, start, [0.5, -1.0, 2.0], [1.0, 0.0], 0.1, engine=engine)
    assert (trace.outputs[2] == 0).any()
    wanted = start.vector - 0.1 * trace.gradient.vector
    np.testing.assert_allclose(trace.after.vector, wanted, atol=1e-15)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_the_gradient_of_a_training_step_is_checked(method):
    """Dropout drops what it drops in the step; batch normalization goes by the step's rows."""
    layers = [
        dr.Dense(3, 5),
        dr.layers.BatchNormalization(5, 5, "tanh"),
        dr.layers.Dropout(5, 5, 0.4),
        dr.Dense(5, 2, "logistic"),
    ]
    network = dr.Network(layers=layers, loss="squared_error")
    draw = np.random.default_rng(4)
    X, D = draw.normal(size=(6, 3)), draw.random((6, 2))
    parameters, step = dr.initialize(network, seed=2), backprop.Step(key=9, clock=3)
    during = dr.check_gradients(network, parameters, X, D, method=method, during=step)
    outside = dr.check_gradients(network, parameters, X, D, method=method)
    assert during.passed
    assert outside.passed
    passed = backprop.forward(network, parameters, X, step)
    wanted = backprop.gradient_sum(network, parameters, passed, D, None) / 6
    np.testing.assert_allclose(during.analytic, wanted, atol=1e-15)
    assert not np.allclose(during.analytic, outside.analytic, atol=1e-3)


def test_an_unknown_method_is_refused():
    with pytest.raises(InvalidParameterError) as caught:
        dr.check_gradients(*notes(), X, D, method="forward")
    assert str(caught.value) == (
        "method must be one of 'central', 'complex' (got 'forward'). Choose one of these words."
    )


def test_tolerance_and_step_are_the_callers():
    strict = dr.check_gradients(*notes(), X, D, tolerance=1e-16)
    assert not strict.passed
    coarse = dr.check_gradients(*notes(), X, D, step=1e-2)
    assert coarse.max_error > 1e-7

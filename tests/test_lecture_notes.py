"""The lecture notes, statement by statement: row 7 of docs/lecture-notes.md is test_row_07_….

Each test judges its statement by numbers of its own: sums written out, or central differences.
The table itself is judged in test_lecture_notes_table.py.
"""

# ruff: noqa: F405 (the helpers' names come in one line)
from itertools import pairwise

import numpy as np
import pytest
from lecture_notes_by_hand import *  # noqa: F403

import deltarule as dr
from deltarule import backprop, engines
from deltarule.activations import Logistic, ReLU, Sign
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidShapeError
from deltarule.losses import SquaredError
from deltarule.random import order
from deltarule.schedules import InvScaling


# ---------------------------------------------------------------- § Neural network
def test_row_01_linear_classifier():
    network, parameters = neuron("sign", [2.0, -1.0], loss="perceptron")
    rows = np.array([[1.0, 1.0], [1.0, 3.0], [1.0, 2.0]])  # X'w = 1, -1 and 0
    assert dr.forward(network, parameters, rows).prediction.ravel().tolist() == [1, -1, 1]


def test_row_02_neuron():
    network, parameters = neuron("logistic", [2.0, -1.0])
    once, twice = dr.forward(network, parameters, [[1.0, 0.5], [2.0, 1.0]]).prediction.ravel()
    near(once, 1 / (1 + np.exp(-1.5)))
    assert abs(twice - 2 * once) > 0.1  # not linear
    classifier, _ = neuron("sign", [2.0, -1.0])
    assert np.sign(once - 0.5) == dr.forward(classifier, parameters, [[1.0, 0.5]]).prediction


def test_row_03_relu():
    z = np.array([-1.0, 0.0, 2.0])
    assert ReLU().value(z).tolist() == [0, 0, 2]
    assert ReLU().derivative(z, ReLU().value(z)).tolist() == [0, 0, 1]


def test_row_04_logistic():
    z = np.array([-3.0, 0.5, 2.0])
    near(Logistic().value(z), (1 + np.exp(-z)) ** -1)
    near(Logistic().value(-z), (1 + np.exp(z)) ** -1)  # E1: what the notes print
    assert Logistic().value(np.array([-1e4, 1e4])).tolist() == [0, 1]


def test_row_05_sign():
    z = np.array([-0.1, 0.0, 0.1])
    assert Sign().value(z).tolist() == [-1, 1, 1]
    slopes = differences(lambda z: Sign().value(z).sum(), np.array([-2.0, -0.3, 0.7]))
    assert not slopes.any()  # the true derivative teaches nothing …
    network, parameters = neuron("sign", [2.0, -1.0])
    moved = run(parameters, [0], network=network, X=np.array([[1.0, 1.0]]), D=np.array([[-1.0]]))
    assert (moved.vector != parameters.vector).all()  # … the rule does


def test_row_06_three_layer_framework():
    a0, a1, a2 = dr.forward(NETWORK, START, X).outputs
    assert (a0.shape, a1.shape, a2.shape) == ((3, 3), (3, 5), (3, 2))
    assert (W.shape, V.shape) == ((5, 3), (2, 5))
    near(a2, sigma(sigma(X @ W.T) @ V.T))


def test_row_07_choosing_layers():
    for hidden in ((), (5,), (4, 3), (4, 3, 2)):
        network = dr.Network((3, *hidden, 2))
        assert len(network.layers) == len(hidden) + 1
        assert network.units == (3, *hidden, 2)
        start = dr.initialize(network)
        assert dr.forward(network, start, X).prediction.shape == (3, 2)
        assert dr.check_gradients(network, start, X, D).passed


def test_row_08_choosing_weights():
    trained = run(START, [0, 1, 2] * 200, 2.0)
    swapped = np.roll(np.arange(5), 1)
    W1, V1 = trained.weights
    twin = trained.replace(vector=np.concatenate([W1[swapped].T.ravel(), V1[:, swapped].T.ravel()]))
    between = trained.replace(vector=(trained.vector + twin.vector) / 2)
    low = mean_loss(trained)
    near(mean_loss(twin), low)
    assert mean_loss(between) > 2 * low  # a convex function stays below


def test_row_09_multiple_outputs():
    both = TRACE.gradient.weights[0]
    single = dr.Network((3, 5, 1), bias=False)
    parts, losses = [], []
    for k in range(2):
        vector = np.concatenate([W.T.ravel(), V[k]])
        one = dr.trace_step(single, dr.initialize(single).replace(vector=vector), x, d[k : k + 1])
        parts.append(one.gradient.weights[0])
        losses.append(one.loss)
    near(sum(losses), TRACE.loss)
    near(sum(parts), both)


def test_row_10_hidden_layers():
    network = dr.Network((3, 4, 4, 4, 2), bias=False)
    parameters = dr.initialize(network, seed=2)
    a = X.T
    for weight in parameters.weights:
        a = sigma(weight @ a)
    near(dr.forward(network, parameters, X).prediction, a.T)
    assert len(network.layers) - 1 == 3


def test_row_11_shallow_and_deep():
    passed = dr.forward(NETWORK, START, X)
    assert passed.outputs[0].tolist() == X.tolist()
    assert passed.outputs[-1] is passed.prediction
    near(passed.prediction, sigma(passed.pre_activations[-1]))


def test_row_12_sgd_and_backpropagation():
    rows, targets = iris()
    held = np.arange(150) % 3 == 0
    network = dr.Network((4, 5, 3))
    start = dr.initialize(network)
    found = train(network, start, rows[~held], targets[~held], max_epochs=40)
    assert found.history.loss[-1] < 0.1 * found.history.loss[0]
    guesses = dr.forward(network, found.parameters, rows[held]).prediction.argmax(axis=1)
    assert (guesses == targets[held].argmax(axis=1)).mean() > 0.9


def test_row_13_deep_to_shallow():
    network = dr.Network((3, 4, 3, 2), bias=True)
    start = dr.initialize(network, seed=3, initializer=NORMAL)
    trace = dr.trace_step(network, start, x, d)
    weights = start.weights
    delta = (trace.prediction - d) * trace.prediction * (1 - trace.prediction)
    for layer in (2, 1, 0):
        near(trace.deltas[layer], delta)
        a = trace.outputs[layer]
        delta = (weights[layer].T @ delta) * a * (1 - a)
    numeric = numeric_gradient(network, start, [x], [d])
    for layer in range(3):  # ∂f/∂b = ∂f/∂z = δ
        near(trace.deltas[layer], numeric.biases[layer], 1e-8)


def test_row_14_the_objective():
    guesses = [sigma(V @ sigma(W @ row)) for row in X]
    total = sum(0.5 * (guesses[i][k] - D[i, k]) ** 2 for i in range(3) for k in (0, 1))
    near(3 * mean_loss(START), total)


def test_row_15_first_guess():
    guess = dr.initialize(NETWORK, seed=0).vector
    assert len(np.unique(guess)) == 25
    zeros = run(START.replace(vector=np.zeros(25)), [0, 1, 2] * 100)
    assert np.ptp(zeros.weights[0], axis=0).max() < 1e-12  # E19: five times the same unit
    assert np.ptp(zeros.weights[1], axis=1).max() < 1e-12
    assert np.abs(zeros.vector).min() > 0.01
    assert np.ptp(run(START, [0, 1, 2] * 100).weights[0], axis=0).min() > 0.1


def test_row_16_random_rows():
    draws = np.stack([order("replacement", 0, epoch, 10) for epoch in range(2000)])
    counts = np.bincount(draws.ravel(), minlength=10)
    assert len(counts) == 10
    assert ((counts - 2000) ** 2 / 2000).sum() < 27.9  # χ², 9 degrees of freedom, p = 0.001
    repeated = sum(len(set(epoch)) < 10 for epoch in draws)
    assert repeated > 1990  # ten draws with replacement hardly ever miss none


def test_row_17_forward_for_data():
    many = dr.forward(NETWORK, START, X)
    for i in range(3):
        one = dr.forward(NETWORK, START, X[i : i + 1])
        near(many.outputs[1][i], sigma(W @ X[i]))
        near(one.prediction[0], many.prediction[i])


def test_row_18_deltas_before_updates():
    near(TRACE.deltas[0], DELTA_M)
    near(TRACE.after.weights[0], W - RATE * np.outer(DELTA_M, x))
    updated_v = V - RATE * np.outer(DELTA_K, H)
    in_place = H * (1 - H) * (updated_v.T @ DELTA_K)
    assert np.abs(TRACE.deltas[0] - in_place).max() > 1e-3  # E14: the other algorithm


# ---------------------------------------------------------------- § Backpropagation
def test_row_19_sgd_trains_the_weights():
    each = [run(START, [i]).vector - START.vector for i in range(3)]
    near(np.mean(each, axis=0), -RATE * gradient(NETWORK, START, X, D).vector)
    assert mean_loss(run(START, [0, 1, 2] * 100)) < mean_loss(START) / 2


def test_row_20_prediction():
    h = TRACE.outputs[1]
    for g in (0, 1):
        near(TRACE.prediction[g], 1 / (1 + np.exp(-sum(V[g, i] * h[i] for i in range(5)))))


def test_row_21_hidden_outputs():
    for i in range(5):
        near(TRACE.outputs[1][i], 1 / (1 + np.exp(-sum(W[i, k] * x[k] for k in range(3)))))


def test_row_22_logistic_by_default():
    network = dr.Network(units=(3, 5, 2))
    assert [activation.name for activation in network.activations] == ["logistic", "logistic"]
    assert network.loss.name == "squared_error"


def test_row_23_training_samples():
    mean_loss(START)
    with pytest.raises(InvalidShapeError, match="same number of rows"):
        objective(NETWORK, START, X, D[:2])
    with pytest.raises(InvalidShapeError, match=r"X must have shape \(rows, 3\)"):
        objective(NETWORK, START, X[:, :2], D)


def test_row_24_targets():
    labels = np.array([-1.0, 1.0])
    assert SquaredError().class_targets("logistic") == tuple((labels + 1) / 2)
    assert SquaredError().class_targets("tanh") == tuple(labels)
    assert SquaredError().class_targets("sign") == tuple(labels)
    # A logistic output never reaches -1: it is driven to the end where it no longer learns.
    network, parameters = neuron("logistic", [1.0])
    one = np.array([[1.0]])
    assert run(parameters, [0] * 5000, network=network, X=one, D=-one).vector[0] < -3


def test_row_25_set_the_start():
    again = dr.initialize(NETWORK, seed=1, initializer=NORMAL)
    assert again.vector.tolist() == START.vector.tolist()
    assert (dr.initialize(NETWORK, seed=2, initializer=NORMAL).vector != START.vector).all()


def test_row_26_loop_starts_at_zero():
    asked = []
    run(START, [0, 1, 2], lambda t: asked.append(t) or 0.1)
    assert asked == [0, 1, 2]
    first = run(START, [1], lambda t: [0.25, 99.0][t])  # α_0 belongs to the first step
    near(first.vector, run(START, [1], 0.25).vector)


def test_row_27_select_a_row():
    others = X.copy()
    others[[0, 1]] = 9.0
    assert run(START, [2]).vector.tolist() == run(START, [2], X=others).vector.tolist()
    with pytest.raises(InvalidShapeError, match="row numbers from 0 to 2"):
        run(START, [3])


def test_row_28_compute_forward():
    later = run(START, [0, 1])
    trace = dr.trace_step(NETWORK, later, X[2], D[2], RATE)
    near(trace.outputs[1], sigma(later.weights[0] @ X[2]))
    near(trace.prediction, sigma(later.weights[1] @ trace.outputs[1]))


def test_row_29_descend_in_v():
    slope = differences(lambda V: loss(W, V), V)
    near(TRACE.after.weights[1], V - RATE * slope, 1e-9)


def test_row_30_descend_in_w():
    slope = differences(lambda W: loss(W, V), W)
    near(TRACE.after.weights[0], W - RATE * slope, 1e-9)


def test_row_31_step_sizes():
    fading = InvScaling(power=0.5, per="step")
    scheduled = train(NETWORK, START, X, D, schedule=fading, max_epochs=4, sampling="sequential")
    by_function = run(START, [0, 1, 2] * 4, lambda t: RATE / (t + 1) ** 0.5)
    near(scheduled.parameters.vector, by_function.vector)
    near(run(START, [0], 0.2).vector - START.vector, -0.2 * TRACE.gradient.vector)


def test_row_32_loss_of_a_row():
    near(TRACE.loss, loss(W, V))
    each = backprop.losses(NETWORK, dr.forward(NETWORK, START, X), D)
    near(each, [loss(W, V, X[i], D[i]) for i in range(3)])


def test_row_33_squared_error():
    near(mean_loss(START), np.mean([loss(W, V, X[i], D[i]) for i in range(3)]))
    rows = [gradient(NETWORK, START, X[i : i + 1], D[i : i + 1]).vector for i in range(3)]
    near(np.mean(rows, axis=0), gradient(NETWORK, START, X, D).vector)  # E5: unbiased for ∇f / N


def test_row_34_chain_rule():
    by_prediction = differences(lambda guess: 0.5 * np.sum((guess - d) ** 2), GUESS)
    prediction_by_v = differences(lambda V: sigma(V @ H), V)
    product = np.einsum("g,gkl->kl", by_prediction, prediction_by_v)
    near(TRACE.gradient.weights[1], product, 1e-9)


def test_row_35_derivative_of_logistic():
    z = np.linspace(-6, 6, 25)
    a = Logistic().value(z)
    near(Logistic().derivative(z, a), a * (1 - a))
    near(Logistic().derivative(z, a), np.diag(differences(sigma, z)), 1e-9)


def test_row_36_gradient_in_v():
    z = [sum(H[n] * V[k, n] for n in range(5)) for k in (0, 1)]
    slope = [sigma(z[k]) * (1 - sigma(z[k])) for k in (0, 1)]
    expected = [[(GUESS[k] - d[k]) * slope[k] * H[l] for l in range(5)] for k in (0, 1)]
    near(TRACE.gradient.weights[1], expected)
    printed = np.outer(DELTA_K * H[:2], np.ones(5))  # E6: h_k cannot be meant
    assert np.abs(TRACE.gradient.weights[1] - printed).max() > 0.005


def test_row_37_both_factors():
    numeric = differences(lambda V: sigma(V @ H), V)
    for k in (0, 1):
        near(numeric[k, k], GUESS[k] * (1 - GUESS[k]) * H, 1e-9)
        near(TRACE.gradient.weights[1][k], (GUESS[k] - d[k]) * numeric[k, k], 1e-9)
        assert np.abs(numeric[k, k] - H).min() > 0.1  # E7: h alone is too much


def test_row_38_output_delta():
    near(TRACE.deltas[1], (GUESS - d) * GUESS * (1 - GUESS))
    near(TRACE.deltas[1], differences(lambda z: 0.5 * np.sum((sigma(z) - d) ** 2), V @ H), 1e-9)


def test_row_39_delta_times_input():
    for layer in (0, 1):
        product = TRACE.deltas[layer][:, np.newaxis] * TRACE.outputs[layer][np.newaxis, :]
        near(TRACE.gradient.weights[layer], product)


def test_row_40_zero_when_right_or_saturated():
    logistic, squared = Logistic(), SquaredError()
    z = np.array([[0.4, -15.0, 15.0]])
    guess = logistic.value(z)
    right = backprop.output_delta(squared, logistic, z, guess, guess)
    assert not right.any()
    wrong = np.array([[0.0, 1.0, 0.0]])
    delta = backprop.output_delta(squared, logistic, z, guess, wrong)[0]
    assert abs(delta[0]) > 0.1
    assert (np.abs(delta[1:]) < 1e-6).all()  # E8: wholly wrong and hardly learning
    learns = backprop.output_delta(dr.losses.LogLoss(), logistic, z, guess, wrong)[0]
    near(np.abs(learns[1:]), [1, 1], 1e-6)


def test_row_41_update_of_v():
    for k in (0, 1):
        for l in range(5):
            near(TRACE.after.weights[1][k, l], V[k, l] - RATE * DELTA_K[k] * H[l])


def test_row_42_three_factors():
    by_prediction = differences(lambda guess: 0.5 * np.sum((guess - d) ** 2), GUESS)
    by_hidden = differences(lambda h: sigma(V @ h), H)
    by_weight = differences(lambda W: sigma(W @ x), W)
    product = np.einsum("g,gm,mpj->pj", by_prediction, by_hidden, by_weight)
    near(TRACE.gradient.weights[0], product, 1e-9)


def test_row_43_loss_by_output():
    near(SquaredError().derivative(GUESS[np.newaxis], d[np.newaxis])[0], GUESS - d)
    near(differences(lambda guess: 0.5 * np.sum((guess - d) ** 2), GUESS), GUESS - d, 1e-9)


def test_row_44_output_by_hidden():
    numeric = differences(lambda h: sigma(V @ h), H)
    near(numeric, (GUESS * (1 - GUESS))[:, np.newaxis] * V, 1e-9)
    near(backprop.send_back(V, DELTA_K[np.newaxis])[0], (GUESS - d) @ numeric, 1e-9)


def test_row_45_hidden_by_weight():
    numeric = differences(lambda W: sigma(W @ x), W)
    for m in range(5):
        near(numeric[m, m], x * H[m] * (1 - H[m]), 1e-9)
        printed = W[m] * H[m] * (1 - H[m])  # E11: the first form
        assert np.abs(numeric[m, m] - printed).max() > 0.05
    one = np.ones((1, 5))
    slope = backprop.hidden_delta(Logistic(), (W @ x)[np.newaxis], H[np.newaxis], one)
    near(backprop.weight_gradient(slope, x[np.newaxis]), np.outer(H * (1 - H), x))


def test_row_46_hidden_delta():
    expected = [H[m] * (1 - H[m]) * sum(DELTA_K[g] * V[g, m] for g in (0, 1)) for m in range(5)]
    near(TRACE.deltas[0], expected)
    numeric = differences(lambda z: 0.5 * np.sum((sigma(V @ sigma(z)) - d) ** 2), W @ x)
    near(TRACE.deltas[0], numeric, 1e-9)
    printed = [GUESS[1] * V[1, m] * H[m] * (1 - H[m]) for m in range(5)]  # E12: the brace
    assert np.abs(TRACE.deltas[0] - printed).max() > 0.1


def test_row_47_weighted_sum_of_deltas():
    near(TRACE.gradient.weights[0], np.outer(DELTA_M, x))
    one, other = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    near(backprop.send_back(V, 2 * one - 3 * other)[0], 2 * V[0] - 3 * V[1])  # E13


def test_row_48_update_of_w():
    for m in range(5):
        for j in range(3):
            near(TRACE.after.weights[0][m, j], W[m, j] - RATE * DELTA_M[m] * x[j])


# ---------------------------------------------------------------- ⊗ How to "backpropagation"?
def test_row_49_initialize():
    before = START.vector.copy()
    run(START, [0, 1, 2])
    assert START.vector.tolist() == before.tolist()
    with pytest.raises(ValueError, match="read-only"):
        START.weights[0][0, 0] = 0.0


def test_row_50_iterate():
    rows = order("replacement", key=0, epoch=0, n=3).tolist() * 5
    assert set(rows) <= {0, 1, 2}
    whole = run(START, rows)
    cut = run(run(START, rows[:4]), rows[4:])
    assert whole.vector.tolist() == cut.vector.tolist()


FIRST = dr.trace_step(NETWORK, START, X[0], D[0], RATE)  # the notes' t = 0 and t = 1
NOW = dr.trace_step(NETWORK, FIRST.after, X[2], D[2], RATE)


def test_row_51_forward_hidden():
    near(NOW.outputs[1], sigma(FIRST.after.weights[0] @ X[2]))
    assert np.abs(NOW.outputs[1] - sigma(W @ X[2])).max() > 1e-3  # not W^0


def test_row_52_forward_output():
    near(NOW.prediction, sigma(FIRST.after.weights[1] @ NOW.outputs[1]))
    assert np.abs(NOW.prediction - sigma(V @ NOW.outputs[1])).max() > 1e-3  # not V^0


def test_row_53_backward_output():
    guess = NOW.prediction
    near(NOW.deltas[1], (guess - D[2]) * guess * (1 - guess))


def test_row_54_backward_v():
    step = RATE * np.outer(NOW.deltas[1], NOW.outputs[1])
    near(NOW.after.weights[1], NOW.before.weights[1] - step)


def test_row_55_old_v():
    h = NOW.outputs[1]
    near(NOW.deltas[0], h * (1 - h) * (NOW.before.weights[1].T @ NOW.deltas[1]))
    gaps = []
    for seed in range(200):
        step = dr.trace_step(NETWORK, dr.initialize(NETWORK, seed, NORMAL), x, d, 0.5)
        h = step.outputs[1]
        with_new_v = h * (1 - h) * (step.after.weights[1].T @ step.deltas[1])
        gaps.append(np.abs(with_new_v - step.deltas[0]).max() / np.abs(step.deltas[0]).max())
    assert 0.025 < np.median(gaps) < 0.04  # E14: some 3 %


def test_row_56_backward_w():
    near(NOW.after.weights[0], NOW.before.weights[0] - RATE * np.outer(NOW.deltas[0], X[2]))
    near(run(START, [0, 2]).vector, NOW.after.vector)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_row_57_whole_loop(engine):
    if engine == "compiled" and not engines.compiled_available():
        pytest.skip("the compiled core is not installed")
    rows, targets = iris()
    network = dr.Network((4, 5, 3), "logistic", "squared_error", bias=False)
    start = dr.initialize(network, seed=0)
    drawn = np.concatenate([order("replacement", 0, epoch, 150) for epoch in range(67)])[:10_000]
    theirs = fifteen_lines()(rows, targets, *start.weights, drawn, lambda t: 0.5)
    ours = run(start, drawn, 0.5, network, rows, targets, engine)
    for mine, expected in zip(ours.weights, theirs, strict=True):
        assert np.abs(mine - expected).max() <= 1e-10 * np.abs(expected).max()


# ---------------------------------------------------------------- ⊗ Cost function
def test_row_58_non_convex():
    generator = np.random.default_rng(0)
    bends = []
    for _ in range(200):
        step = 0.1 * generator.normal(size=25)
        ends = [START.replace(vector=START.vector + sign * step) for sign in (1, -1)]
        middle = mean_loss(START)
        bends.append(sum(mean_loss(end) for end in ends) - 2 * middle)
    assert min(bends) < -1e-4
    assert max(bends) > 1e-4


def test_row_59_local_minima():
    rows, targets = iris()
    network = dr.Network((4, 2, 3))
    plan = dr.TrainingPlan(optimizer=dr.LBFGS(), tolerance=1e-8, max_epochs=500)
    wide = {"initializer": dr.initializers.Normal(3.0), "engine": "reference"}
    best, ends = dr.restart(network, rows, targets, plan, 10, key=0, **wide)
    assert len(ends) == 10
    near(objective(network, best.parameters, rows, targets), ends.min())
    assert ends.max() > 2 * ends.min()
    slope = gradient(network, best.parameters, rows, targets).vector
    assert np.abs(slope).max() < 1e-3


def test_row_60_batch_sgd():
    generator = np.random.default_rng(0)
    many, targets = generator.normal(size=(400, 3)), generator.integers(0, 2, (400, 2)) * 1.0
    full = gradient(NETWORK, START, many, targets).vector
    cut = order("shuffle", 0, 0, 400).reshape(25, 16)
    parts = [gradient(NETWORK, START, many[rows], targets[rows]).vector for rows in cut]
    near(np.mean(parts, axis=0), full)  # the batches of an epoch agree with ∇J on average
    noise = []
    for size in (1, 16):
        drawn = generator.integers(0, 400, (400, size))
        steps = [gradient(NETWORK, START, many[rows], targets[rows]).vector for rows in drawn]
        noise.append(np.mean([np.square(step - full).sum() for step in steps]))
    assert 0.8 / 16 < noise[1] / noise[0] < 1.25 / 16
    step = train(NETWORK, START, many, targets, batch_size=400, max_epochs=1, sampling="shuffle")
    near(step.parameters.vector, START.vector - RATE * full)


def test_row_61_normalization():
    raw, targets = wine()
    scaled = Standardizer.measure(raw, None).apply(raw)
    near(scaled.mean(axis=0), np.zeros(13))
    near(scaled.std(axis=0), np.ones(13))
    network = dr.Network((13, 8, 3))
    start = dr.initialize(network)
    ends, saturated = [], []
    for rows in (raw, scaled):
        h = dr.forward(network, start, rows).outputs[1]
        saturated.append(((h < 0.01) | (h > 0.99)).mean())
        ends.append(train(network, start, rows, targets, max_epochs=10).history.loss[-1])
    assert saturated[0] > 0.95
    assert saturated[1] < 0.05
    assert ends[1] < ends[0] / 10


def test_row_62_regularization():
    network = dr.Network((3, 5, 2), bias=True)
    parameters = dr.initialize(network, seed=4)
    penalty = dr.L2(0.6)
    squares = sum((weight**2).sum() for weight in parameters.weights)
    plain = objective(network, parameters, X, D)
    near(objective(network, parameters, X, D, penalty=penalty), plain + 0.6 / (2 * 3) * squares)
    with_it = gradient(network, parameters, X, D, penalty=penalty)
    without = gradient(network, parameters, X, D)
    for layer in (0, 1):
        extra = with_it.weights[layer] - without.weights[layer]
        near(extra, 0.6 / 3 * parameters.weights[layer])
        near(with_it.biases[layer], without.biases[layer])


# ---------------------------------------------------------------- what the notes leave open
def test_row_63_biases():
    network = dr.Network((3, 5, 2), bias=True)
    parameters = dr.initialize(network, seed=5)
    (w, v), (b, c) = parameters.weights, parameters.biases
    h = sigma(np.column_stack([b, w]) @ np.append(1, x))  # x_0 = 1
    trace = dr.trace_step(network, parameters, x, d)
    near(trace.prediction, sigma(np.column_stack([c, v]) @ np.append(1, h)))  # h_0 = 1
    for layer in (0, 1):
        near(trace.gradient.biases[layer], trace.deltas[layer] * 1)
    assert START.biases == (None, None)


def test_row_64_sign_output_is_the_perceptron():
    generator = np.random.default_rng(1)
    points = generator.normal(size=(40, 3))
    labels = np.where(points @ [1.0, -2.0, 0.5] + 0.3 * generator.normal(size=40) > 0, 1.0, -1.0)
    rows = order("replacement", 0, 0, 40).tolist() * 3
    weights = np.array([0.3, 0.2, -0.1])
    expected, mistakes = rosenblatt(points, labels, weights, rows, 2 * 0.1)
    assert mistakes > 10
    for name, rate in (("squared_error", 0.1), ("perceptron", 0.2)):
        network, start = neuron("sign", weights, loss=name)
        moved = run(start, rows, rate, network, points, labels[:, np.newaxis])
        near(moved.vector, expected)


def test_row_65_hidden_sign():
    network = dr.Network((3, 6, 1), ("sign", "logistic"), bias=False)
    parameters = dr.initialize(network, seed=6, initializer=NORMAL)
    trace = dr.trace_step(network, parameters, x, [1.0])
    z = parameters.weights[0] @ x
    inside = np.abs(z) <= 1
    assert 0 < inside.sum() < 6
    near(trace.deltas[0], (parameters.weights[1].T @ trace.deltas[1]) * inside)
    assert set(trace.outputs[1]) == {-1.0, 1.0}


def test_row_66_general_depth():
    network = dr.Network((3, 4, 5, 3, 2), ("tanh", "relu", "softplus", "logistic"))
    parameters = dr.initialize(network, seed=7)
    trace = dr.trace_step(network, parameters, x, d)
    for layer, (below, above) in enumerate(pairwise(trace.outputs)):
        z = parameters.weights[layer] @ below + parameters.biases[layer]
        near(trace.pre_activations[layer], z)
        near(above, network.activations[layer].value(z))
        near(trace.gradient.weights[layer], np.outer(trace.deltas[layer], below))
        near(trace.gradient.biases[layer], trace.deltas[layer])
    near(trace.gradient.vector, numeric_gradient(network, parameters, [x], [d]).vector, 1e-8)

"""Normalisation, dropout, several heads, clipping and averages: what both engines promise."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest

import deltarule as dr
from deltarule import backprop, engines
from deltarule.engines.base import Rule, Work
from deltarule.layers import BatchNormalization, Dense, Dropout, LayerNormalization
from deltarule.losses import Huber, LogLoss, Quantile
from deltarule.random import kept_units
from deltarule.scores import Accuracy

NORMS = {"none": None, "batch": BatchNormalization, "layer": LayerNormalization}
OPTIMIZERS = (
    dr.SGD(),
    dr.SGD(clip_norm=0.01),
    dr.Nesterov(average=0.5),
    dr.Adam(clip_norm=0.05, average=0.9),
    dr.AdamW(weight_decay=0.1, average=0.0),
    dr.RMSprop(clip_norm=0.02),
)
#: At most so far from the reference after three steps, relative to the largest entry.
GAPS = {"float64": 1e-11, "float32": 3e-4}
#: At most so far after one plain step.
CLOSE = {"float64": 1e-13, "float32": 1e-5}


def network_of(norm: str, activation: str, rate: float, heads: str) -> dr.Network:
    layers, below = [], 7
    for units in (13, 18):
        kind = NORMS[norm]
        layers.append(Dense(below, units, "identity" if kind else activation, norm != "batch"))
        if kind:
            layers.append(kind(units, units, activation))
        if rate:
            layers.append(Dropout(units, units, rate))
        below = units
    if heads == "one":
        return dr.Network(layers=[*layers, Dense(below, 4, "softmax")], loss="log_loss")
    judges = [
        dr.Head((0, 2), Huber(0.5), 0.7, "tanh"),
        dr.Head((2, 5), LogLoss(), 1.5, "softmax"),
        dr.Head((5, 9), Quantile((0.2, 0.9)), 1.0, dr.activations.Ascending(2)),
    ]
    return dr.Network(layers=[*layers, Dense(below, 9)], heads=judges)


def rows_of(heads: str, n: int, dtype: str, seed: int):
    random = np.random.default_rng(seed)
    X, weight = random.normal(size=(n, 7)), random.random(n)
    if heads == "one":
        D = np.eye(4)[random.integers(4, size=n)]
    else:
        classes = np.eye(3)[random.integers(3, size=n)]
        numbers = np.repeat(random.normal(size=(n, 2)), 2, axis=1)
        D = np.concatenate([random.normal(size=(n, 2)), classes, numbers], axis=1)
        D[random.random(n) < 0.3, 0:2] = np.nan  # a head without a target
        D[random.random(n) < 0.3, 2:5] = np.nan
    return X.astype(dtype), D.astype(dtype), weight.astype(dtype)


def settings():
    """Every norm with every other choice in turn; softmax units do not drop out in the core."""
    for number, (norm, activation, heads) in enumerate(
        itertools.product(NORMS, ("relu", "tanh", "identity", "softmax"), ("one", "many"))
    ):
        rate = 0.0 if activation == "softmax" else (0.0, 0.4)[number % 2]
        for dtype, (batch, n), optimizer in zip(
            GAPS,
            ((16, 41), (600, 1201)) if number % 3 else ((1201, 1201), (5, 41)),
            (OPTIMIZERS[number % 6], OPTIMIZERS[(number + 1) % 6]),
            strict=True,
        ):
            yield norm, activation, rate, heads, dtype, batch, n, optimizer


def numbers_of(session: engines.Session, work: Work, rows, rates):
    report = session.run(work, 0, rates)
    found = [session.vector(), session.buffers(), report.losses, session.predict(rows[0])]
    found += [np.array([session.loss(*rows)]), session.loss_gradient(*rows)[1]]
    with session.as_published():
        found += [session.vector(), session.predict(rows[0])]
    return found


def both_engines(setting, optimizer, rates):
    """What the two sessions hold after such steps, one beside the other."""
    norm, activation, rate, heads, dtype, batch, n, _ = setting
    network = network_of(norm, activation, rate, heads)
    rows = rows_of(heads, n, dtype, zlib.crc32(str(setting).encode()))
    start = dr.initialize(network, 3, dtype=dtype)
    work = Work(Rule("shuffle", 5), batch, optimizer, l1=1e-3, l2=1e-2, scale=2.0, key=9)
    found = []
    for name in ("reference", "compiled"):
        if name == "compiled" and not engines.compiled_available():
            pytest.skip("the compiled core is not installed")
        session = engines.choose(name, network, optimizer, dtype).open(network, dtype)
        session.load(start.vector, buffers=start.buffers)
        session.bind(*rows)
        found.append(numbers_of(session, work, rows, rates))
    return zip(*found, strict=True)


@pytest.mark.parametrize("setting", list(settings()), ids=str)
def test_engines_agree(setting):
    _, activation, _, _, dtype, _, _, optimizer = setting
    for exact, tried in both_engines(setting, optimizer, np.full(3, 0.05)):
        scale = max(np.abs(exact).max(initial=0.0), 1e-2)
        # Adam magnifies the rounding of gradients that are nearly zero.
        allowed = GAPS[dtype] * (1e4 if optimizer.own_moments == 2 or activation == "relu" else 1)
        assert np.abs(exact - tried).max(initial=0.0) <= min(allowed, 0.05) * scale


@pytest.mark.parametrize("setting", list(settings()), ids=str)
def test_engines_agree_closely_in_a_plain_step(setting):
    """No optimiser that magnifies rounding, and no second step that a rectified unit could turn."""
    for exact, tried in both_engines(setting, dr.SGD(), np.full(1, 0.05)):
        scale = max(np.abs(exact).max(initial=0.0), 1e-2)
        assert np.abs(exact - tried).max(initial=0.0) <= CLOSE[setting[4]] * scale


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("optimizer", [dr.SGD(), dr.Adam(clip_norm=0.5, average=0.9)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 300, 700])
def test_threads_and_cuts_change_no_bit(norm, optimizer, batch_size):
    if norm == "batch" and batch_size == 1:
        batch_size = 2
    n = 60 if batch_size < 3 else 1000
    network = network_of(norm, "tanh", 0.3, "many")
    X, D, weight = rows_of("many", n, "float64", 1)
    start = dr.initialize(network, 1)

    def train(epochs, start, threads=1, **given):
        plan = dr.TrainingPlan(optimizer, 0.05, batch_size=batch_size, max_epochs=epochs, key=4)
        return dr.train(
            network, start, X, D, plan, sample_weight=weight, n_threads=threads, **given
        )

    whole = train(7, start)
    for other in (train(7, start, threads=4), train(4, train(3, start).state)):
        assert other.parameters.vector.tobytes() == whole.parameters.vector.tobytes()
        assert other.parameters.buffers.tobytes() == whole.parameters.buffers.tobytes()
        assert other.state.moments.tobytes() == whole.state.moments.tobytes()
    assert optimizer.averages != np.array_equal(
        whole.parameters.vector, whole.state.parameters.vector
    )


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("heads", ["one", "many"])
def test_what_is_published_is_what_was_judged(engine, heads):
    """The best average with the statistics that belong to it, restored exactly."""
    if engine == "compiled" and not engines.compiled_available():
        pytest.skip("the compiled core is not installed")
    network = network_of("batch", "relu", 0.2, heads)
    X, D, _ = rows_of(heads, 400, "float64", 2)
    validation = dr.Validation(X[300:], D[300:], None, Accuracy() if heads == "one" else None)
    plan = dr.TrainingPlan(
        dr.Adam(average=0.95), 0.05, batch_size=32, max_epochs=30, key=1,
        early_stopping=dr.EarlyStopping(patience=4),
    )  # fmt: skip
    result = dr.train(
        network, dr.initialize(network), X[:300], D[:300], plan,
        validation=validation, engine=engine,
    )  # fmt: skip
    assert result.engine == engine
    best = int(np.argmax(result.history.validation_score))
    loss = dr.objective(network, result.parameters, X[300:], D[300:], engine=engine)
    assert loss == pytest.approx(result.history.validation_loss[best], rel=1e-12)
    assert result.history.validation_score[best] == result.state.best_score


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ["tanh", "softplus"])
def test_gradients_of_a_training_step_against_differences(norm, activation):
    """Through the statistics of the batch, the units that are kept, and all heads."""
    network = network_of(norm, activation, 0.3, "many")
    X, D, weight = rows_of("many", 9, "float64", 3)
    random = np.random.default_rng(4)
    parameters = dr.initialize(network, 2)
    parameters = parameters.replace(
        vector=parameters.vector + 0.3 * random.normal(size=network.size)
    )
    step = backprop.Step(key=7, clock=3)

    def total(vector):
        passed = backprop.forward(network, parameters.replace(vector=vector), X, step)
        return float(weight @ backprop.losses(network, passed, D))

    passed = backprop.forward(network, parameters, X, step)
    analytic = backprop.gradient_sum(network, parameters, passed, D, weight)
    moves = 1e-6 * np.eye(network.size)
    vector = parameters.vector
    numeric = [(total(vector + move) - total(vector - move)) / 2e-6 for move in moves]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=1e-7)


def test_outside_of_steps_nothing_drops_out_and_statistics_are_the_running_ones():
    network = network_of("batch", "tanh", 0.5, "one")
    X, D, _ = rows_of("one", 30, "float64", 5)
    parameters = dr.initialize(network)
    buffers = np.random.default_rng(0).random(network.buffer_size) + 0.5
    parameters = parameters.replace(buffers=buffers)
    passed = dr.forward(network, parameters, X)
    mean, variance = buffers[:13], buffers[13:26]
    by_hand = np.tanh((passed.pre_activations[0] - mean) / np.sqrt(variance + 1e-5))
    np.testing.assert_allclose(passed.outputs[2], by_hand, rtol=1e-12)
    assert passed.outputs[3] is passed.outputs[2]
    assert dr.check_gradients(network, parameters, X, D).passed


def test_running_statistics_begin_as_plain_means():
    network = dr.Network(layers=[BatchNormalization(1, 1), Dense(1, 1)])
    X = np.array([[1.0], [3.0], [5.0], [9.0]])
    session = engines.choose("reference", network, dr.SGD(), "float64").open(network, "float64")
    session.load(dr.initialize(network).vector)
    session.bind(X, X)
    work = Work(Rule("sequential", 0), 2)
    session.run(work, 0, np.zeros(1))
    assert session.buffers().tolist() == [2.0, 2.0]
    session.run(work, 1, np.zeros(1))
    assert session.buffers().tolist() == [4.5, 5.0]  # halves
    session.run(work, 40, np.zeros(1))
    assert session.buffers().tolist() == pytest.approx([0.9 * 4.5 + 0.2, 0.9 * 5 + 0.2])


def test_a_single_row_that_is_left_over_takes_the_running_statistics():
    network = network_of("batch", "tanh", 0, "one")
    X, D, _ = rows_of("one", 5, "float64", 6)
    plan = dr.TrainingPlan(batch_size=2, max_epochs=3, sampling="sequential")
    results = [
        dr.train(network, dr.initialize(network), X, D, plan, engine=engine)
        for engine in ("reference", "auto")
    ]
    for one, other in itertools.pairwise(results):
        np.testing.assert_allclose(one.parameters.vector, other.parameters.vector, rtol=1e-9)
        np.testing.assert_allclose(one.parameters.buffers, other.parameters.buffers, rtol=1e-9)


def test_kept_units_are_a_function_of_their_place_alone():
    all_rows = kept_units(5, 2, 7, 40, 37, 0.25)
    assert kept_units(5, 2, 7, 3, 37, 0.25).tolist() == all_rows[:3].tolist()
    for other in (kept_units(6, 2, 7, 40, 37, 0.25), kept_units(5, 3, 7, 40, 37, 0.25),
                  kept_units(5, 2, 8, 40, 37, 0.25)):  # fmt: skip
        assert 0.5 < (other == all_rows).mean() < 0.75  # 0.625 by chance
    assert abs(kept_units(1, 0, 0, 4000, 50, 0.25).mean() - 0.75) < 0.005


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_an_average_that_begins_late_begins_with_the_weights(engine):
    """A training goes on with an optimiser that averages: nothing of it is zero."""
    if engine == "compiled" and not engines.compiled_available():
        pytest.skip("the compiled core is not installed")
    network = network_of("none", "tanh", 0, "one")
    X, D, _ = rows_of("one", 40, "float64", 7)
    before = dr.train(
        network, dr.initialize(network), X, D, dr.TrainingPlan(batch_size=8, max_epochs=3),
        engine=engine,
    )  # fmt: skip
    plan = dr.TrainingPlan(dr.SGD(average=0.99), 1e-9, batch_size=8, max_epochs=1)
    after = dr.train(network, before.state, X, D, plan, engine=engine)
    np.testing.assert_allclose(after.parameters.vector, before.parameters.vector, atol=1e-7)


def test_the_average_forgets_the_start_and_clipping_bounds_the_step():
    vector, gradient = np.array([1.0, -2.0]), np.array([3.0, 4.0])
    moved, moments = dr.SGD(average=0.9).update(vector, gradient, np.zeros((1, 2)), 0.1, 0)
    assert moments[0].tolist() == moved.tolist()
    again, moments = dr.SGD(average=0.9).update(moved, gradient, moments, 0.1, 1)
    np.testing.assert_allclose(moments[0], 0.1 * moved + 0.9 * again, rtol=1e-15)
    clipped, _ = dr.SGD(clip_norm=0.5).update(vector, gradient, np.zeros((0, 2)), 1.0, 0)
    np.testing.assert_allclose(vector - clipped, gradient / 10, rtol=1e-15)
    kept, _ = dr.SGD(clip_norm=5.0).update(vector, gradient, np.zeros((0, 2)), 1.0, 0)
    assert kept.tolist() == (vector - gradient).tolist()


REFUSALS = [
    (
        lambda: Dropout(3, 4),
        "Dropout.units must be its inputs, 3 (got 4). It changes no width: make the two equal.",
    ),
    (
        lambda: Dropout(3, 3, 1.0),
        "Dropout.rate must be a number in [0, 1) (got 1.0). Choose a value in that range.",
    ),
    (
        lambda: BatchNormalization(3, 3, momentum=0),
        (
            "BatchNormalization.momentum must be a number in (0, 1] (got 0). "
            "Choose a value in that range."
        ),
    ),
    (
        lambda: LayerNormalization(3, 3, epsilon=0),
        (
            "LayerNormalization.epsilon must be a positive finite number (got 0). "
            "Choose a value above 0."
        ),
    ),
    (
        lambda: train_one_row("batch", 1, dr.SGD()),
        (
            "layers[1]: batch normalization needs at least 2 rows in a step, for it divides by "
            "their spread (got steps of one sample). Raise batch_size, give more rows, or use "
            "layer normalization."
        ),
    ),
    (
        lambda: train_one_row("batch", 2, dr.LBFGS()),
        (
            "layers[1], 'batch_normalization', is trained by steps over a part of the rows, and "
            "lbfgs takes none (got optimizer='lbfgs'). Use 'adam', or leave the layer out."
        ),
    ),
    (
        lambda: dr.Adam(clip_norm=0),
        "clip_norm must be a positive finite number (got 0). Choose a value above 0.",
    ),
    (
        lambda: dr.Adam(average=1),
        "average must be a number in [0, 1) (got 1). Choose a value in that range.",
    ),
    (
        lambda: Quantile((0.5, 0.5)),
        (
            "quantile must be a number or rising numbers (got (0.5, 0.5)). Sort them and leave "
            "out what stands there twice."
        ),
    ),
    (
        lambda: dr.Network((2, 3), "identity", Quantile((0.1, 0.9))),
        (
            "loss Quantile(quantile=(0.1, 0.9)) judges 2 outputs at a time and needs a multiple "
            "of that many (got 3). Give the last layer one unit for each."
        ),
    ),
    (
        lambda: dr.Network(
            layers=[Dense(2, 2, "tanh")], heads=[dr.Head((0, 2), Huber(), 1.0, "tanh")]
        ),
        (
            "heads with an activation of their own need the identity as the activation of the "
            "last layer (got 'tanh'). Give it to the heads alone."
        ),
    ),
    (
        lambda: dr.Head((0, 1), Huber(), -1.0),
        "head.weight must be a finite number of at least 0 (got -1.0). Choose 0 or more.",
    ),
]


def train_one_row(norm, batch_size, optimizer):
    network = network_of(norm, "tanh", 0, "one")
    X, D, _ = rows_of("one", 5, "float64", 6)
    plan = dr.TrainingPlan(optimizer, batch_size=batch_size)
    return dr.train(network, dr.initialize(network), X, D, plan)


@pytest.mark.parametrize(("make", "words"), REFUSALS)
def test_refusals_word_for_word(make, words):
    with pytest.raises(dr.exceptions.InvalidParameterError) as caught:
        make()
    assert str(caught.value) == words

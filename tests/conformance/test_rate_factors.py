"""Step sizes of their own for weights and biases of a layer: what both engines promise."""

from __future__ import annotations

import json

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines
from deltarule.definitions import from_record
from deltarule.engines.base import Rule, Session, Work
from deltarule.engines.reference import ReferenceSession
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import LAYERS, BatchNormalization, Dense, Dropout
from deltarule.random import order

needs_core = pytest.mark.skipif(
    not engines.compiled_available(), reason="the compiled core is not installed"
)
ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
OPTIMIZERS = (
    dr.SGD(),
    dr.Momentum(),
    dr.Nesterov(average=0.5),
    dr.Adam(clip_norm=0.05),
    dr.AdamW(weight_decay=0.1),
    dr.RMSprop(),
)
#: (batch size, rows): single rows; strips; a batch in parts; one in groups of rows.
SIZES = ((1, 11), (16, 41), (800, 800), (490, 980))
FACTORS = ((0.25, 1.0), (1.0, 3.0), (0.1, 0.7))


def network_of(kind: str = "plain", factors=FACTORS) -> dr.Network:
    """7-13-18-4; no width fills its panels, and not all layers have biases.

    One before a batch's normalisation has a gradient that is all rounding.
    """
    layers, below = [], 7
    for units, (weights, biases) in zip((13, 18, 4), factors, strict=True):
        normed, last = kind == "normed" and units != 4, units == 4
        bias = units != 18 and not normed
        function = "softmax" if last else "identity" if normed else "tanh"
        layers.append(
            Dense(
                below,
                units,
                function,
                bias,
                weight_rate_factor=weights,
                bias_rate_factor=biases if bias else 1.0,
            )
        )
        if normed:
            layers += [BatchNormalization(units, units, "tanh"), Dropout(units, units, 0.3)]
        below = units
    return dr.Network(layers=layers, loss="log_loss")


def rows_of(n: int, dtype: str = "float64"):
    random = np.random.default_rng(n)
    rows = (random.normal(size=(n, 7)), np.eye(4)[random.integers(4, size=n)], random.random(n))
    return tuple(array.astype(dtype) for array in rows)


def session_of(engine: str, network: dr.Network, rows, dtype="float64", threads=1) -> Session:
    session = engines.choose(engine, network, None, dtype).open(network, np.dtype(dtype), threads)
    start = dr.initialize(network, 3, dtype=dtype)
    random = np.random.default_rng(8)  # biases that are not 0
    session.load((start.vector + 0.1 * random.normal(size=network.size)).astype(dtype))
    session.bind(*rows)
    return session


def work_of(optimizer, batch_size: int) -> Work:
    return Work(Rule("shuffle", 5), batch_size, optimizer, l1=1e-3, l2=1e-2, scale=2.0, key=9)


def gap(optimizer, kind: str, size, dtype: str, steps: int, rate: float = 0.02) -> float:
    """How far the compiled engine is from the float64 reference, relative to the largest entry."""
    batch_size, n = size
    network, found = network_of(kind), []
    for engine, own in (("reference", "float64"), ("compiled", dtype)):
        session = session_of(engine, network, rows_of(n, own), own)
        session.run(work_of(optimizer, batch_size), 0, np.full(steps, rate))
        found.append((session.vector(), session.moments()))
    return max(
        float(np.abs(exact - tried).max(initial=0.0) / np.abs(exact).max(initial=1e-2))
        for exact, tried in zip(*found, strict=True)
    )


@needs_core
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["plain", "normed"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_engines_agree(optimizer, kind, size, dtype):
    if kind == "normed" and size[0] == 1:
        size = (5, 20)
    # What divides by its own size magnifies the rounding of gradients that are nearly zero.
    scaled = optimizer.name in ("adam", "adamw", "rmsprop")
    allowed = {"float64": 1e-11, "float32": 1e-4}[dtype] * (1e3 if scaled else 1)
    assert gap(optimizer, kind, size, dtype, steps=4) <= min(allowed, 1e-2)


@needs_core
def test_a_factor_that_is_forgotten_is_seen(monkeypatch):
    """A control that must fail: a reference that goes by one rate."""
    assert gap(dr.SGD(), "plain", (16, 41), "float64", 1) <= 1e-13
    monkeypatch.setattr(ReferenceSession, "_rate", lambda self, rate: rate)
    assert gap(dr.SGD(), "plain", (16, 41), "float64", 1) > 1e-4


def factor_of(network: dr.Network) -> np.ndarray:
    parts = [np.full(slot.block.size, slot.block.rate_factor) for slot in network.layout]
    return np.concatenate(parts)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 11])
def test_steps_by_hand(engine, batch_size):
    """w ← w − factor α (g + penalty); AdamW's decay goes by factor α too."""
    network, rows = network_of(), rows_of(11)
    factors, decays = factor_of(network), network.penalised
    assert sorted(set(factors)) == [0.1, 0.25, 0.7, 1.0]
    X, D, weight = rows
    # The rows of the first step, in the engine's own order.
    at = order("shuffle", 5, 0, 11)[:batch_size]
    for optimizer in (dr.SGD(), dr.AdamW(weight_decay=0.5)):
        work = work_of(optimizer, batch_size)
        session = session_of(engine, network, rows)
        before = session.vector()
        session.bind(X[at], D[at], weight[at])
        _, slope = session.loss_gradient(X[at], D[at], weight[at])
        slope = 2.0 * slope / batch_size
        slope += decays * (1e-3 * np.sign(before) + 1e-2 * before)
        session.bind(*rows)
        session.run(work, 0, np.array([0.05]))
        if optimizer.name == "sgd":
            expected = before - 0.05 * factors * slope
        else:  # the first step of Adam: m̂ / √v̂ is the sign of the gradient
            root = np.sqrt(0.001 * slope**2)
            move = np.sqrt(0.001) / 0.1 * (0.1 * slope) / (root + 1e-8)
            expected = before - 0.05 * factors * (move + 0.5 * decays * before)
        np.testing.assert_allclose(session.vector(), expected, rtol=1e-10, atol=1e-12)


@needs_core
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_half_everywhere_is_half_the_step_size_bit_for_bit(optimizer, dtype):
    found = []
    for factor, rate in ((0.5, 0.2), (1.0, 0.1)):
        network, rows = network_of(factors=[(factor, factor)] * 3), rows_of(41, dtype)
        # The layer without a bias has none whose factor could be one half.
        session = session_of("compiled", network, rows, dtype)
        session.run(work_of(optimizer, 16), 0, np.full(5, rate))
        found.append(session.vector().tobytes() + session.moments().tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 16])
def test_zero_leaves_a_block_as_it_is(engine, batch_size):
    network, rows = network_of(factors=[(0.0, 1.0), (1.0, 1.0), (1.0, 0.0)]), rows_of(41)
    session = session_of(engine, network, rows)
    before = session.vector()
    session.run(work_of(dr.AdamW(), batch_size), 0, np.full(5, 0.1))
    moved = session.vector() != before
    for slot in network.layout:
        assert moved[slot.start : slot.stop].all() == (slot.block.rate_factor > 0), slot
        assert moved[slot.start : slot.stop].any() == (slot.block.rate_factor > 0), slot


@needs_core
@pytest.mark.parametrize("optimizer", [dr.Nesterov(), dr.AdamW(clip_norm=0.1)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 300, 900])
def test_threads_and_cuts_change_no_bit(optimizer, batch_size):
    network, rows = network_of(), rows_of(40 if batch_size == 1 else 1000)

    def numbers(threads: int, cuts: tuple[int, ...]) -> bytes:
        session = session_of("compiled", network, rows, threads=threads)
        for begin, end in zip((0, *cuts), (*cuts, 20), strict=True):
            session.run(work_of(optimizer, batch_size), begin, np.full(end - begin, 0.01))
        return session.vector().tobytes() + session.moments().tobytes()

    assert numbers(1, ()) == numbers(3, ()) == numbers(2, (1, 7))


@needs_core
@pytest.mark.parametrize("batch_size", [1, 8])
def test_the_road_is_said(batch_size):
    X, D, _ = rows_of(11)
    network = network_of()
    plan = dr.TrainingPlan(batch_size=batch_size, max_epochs=2)
    result = dr.train(network, dr.initialize(network), X, D, plan)
    assert result.engine == "compiled"
    slow = (
        "; only dense layers without rate factors, under one head of weight 1, with an optimizer "
        "that neither clips nor averages, have a road for single rows"
    )
    assert result.road.endswith("mini-batch road" + (slow if batch_size == 1 else ""))


@needs_core
def test_lanes_hand_them_on():
    network, (X, D, _) = network_of(), rows_of(41)
    starts = [dr.initialize(network, seed) for seed in range(9)]
    plan = dr.TrainingPlan(batch_size=8, max_epochs=3)
    for start, many in zip(starts, dr.train_many(network, starts, X, D, plan), strict=True):
        assert many.road.endswith(
            "alone: lanes take one step size for all numbers of a network, not rate factors"
        )
        one = dr.train(network, start, X, D, plan)
        assert many.parameters.vector.tobytes() == one.parameters.vector.tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bare_algorithm_goes_by_them(engine):
    network, (X, D, _) = network_of(), rows_of(11)
    start = dr.initialize(network, 1)
    stepped = dr.run_steps(network, start, X, D, order=[3], learning_rate=0.1, engine=engine)
    trace = dr.trace_step(network, start, X[3], D[3], learning_rate=0.1, engine=engine)
    slope = dr.gradient(network, start, X[3:4], D[3:4], engine=engine).vector
    expected = start.vector - 0.1 * factor_of(network) * slope
    np.testing.assert_allclose(stepped.vector, expected, rtol=1e-12, atol=1e-15)
    assert trace.after.vector.tobytes() == stepped.vector.tobytes()


def test_a_record_holds_them_where_they_are_not_one():
    plain = Dense(3, 2, "tanh")
    assert set(plain.record()) == {"name", "inputs", "units", "function", "bias"}
    layer = Dense(3, 2, "tanh", weight_rate_factor=0.25, bias_rate_factor=2)
    record = json.loads(json.dumps(layer.record()))
    assert record["weight_rate_factor"] == 0.25
    assert record["bias_rate_factor"] == 2.0
    assert from_record(record, LAYERS) == layer != plain
    assert repr(layer).endswith("weight_rate_factor=0.25, bias_rate_factor=2.0)")


def test_a_file_holds_them(tmp_path):
    from deltarule.persistence import Model, read, write

    network = network_of()
    write(Model(dr.initialize(network)), tmp_path / "model.safetensors")
    assert read(tmp_path / "model.safetensors").parameters.network == network


REFUSALS = [
    (
        lambda: Dense(3, 2, weight_rate_factor=-0.1),
        (
            "Dense.weight_rate_factor must be a finite number of at least 0 (got -0.1). "
            "Choose 0 or more."
        ),
    ),
    (
        lambda: Dense(3, 2, bias_rate_factor=float("nan")),
        "Dense.bias_rate_factor must be a finite number of at least 0 (got nan). Choose 0 or more.",
    ),
    (
        lambda: dr.train(
            network_of(), dr.initialize(network_of()), *rows_of(5)[:2], dr.TrainingPlan(dr.LBFGS())
        ),
        (
            "layers[0], 'dense', has a factor of the step size for its weight (0.25), and lbfgs "
            "has no step size. Use 'adam', or leave the factors at 1."
        ),
    ),
]


@pytest.mark.parametrize(("make", "words"), REFUSALS)
def test_refusals_word_for_word(make, words):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == words

"""Scaling and numerical embedding in front of dense layers: what both engines promise."""

from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule import engines
from deltarule.engines.base import Rule, Work
from deltarule.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    NumericalEmbedding,
    Scaling,
)

INPUTS = 7
FRONTS = ("scaling", "embedding", "both")
BEHIND = ("plain", "batch", "layer", "dropout")
OPTIMIZERS = (
    dr.SGD(),
    dr.SGD(clip_norm=0.01),
    dr.Momentum(),
    dr.Nesterov(average=0.5),
    dr.Adam(clip_norm=0.05, average=0.9),
    dr.AdamW(weight_decay=0.1),
    dr.RMSprop(clip_norm=0.02),
)
#: At most so far from the reference after three steps, and after one plain one.
GAPS = {"float64": (1e-11, 1e-13), "float32": (3e-4, 1e-5)}

pytestmark = pytest.mark.skipif(
    not engines.compiled_available(), reason="the compiled core is not installed"
)


def front_of(
    kind: str, inputs: int = INPUTS, rates: tuple[float, float] = (0.1, 6.0)
) -> list[dr.Layer]:
    """An embedding of two columns in no order, with sizes that fill no vector."""
    embedding = NumericalEmbedding(
        inputs,
        inputs + 6,
        columns=(inputs - 1, 2),
        frequencies=11,
        deviation=0.5,
        rate_factor=rates[0],
    )
    front: list[dr.Layer] = [] if kind == "scaling" else [embedding]
    below = front[-1].units if front else inputs
    return front if kind == "embedding" else [*front, Scaling(below, below, rates[1])]


def network_of(front: str, behind: str = "plain", **given) -> dr.Network:
    layers = front_of(front, **given)
    below = layers[-1].units
    kinds = {"batch": BatchNormalization, "layer": LayerNormalization}
    bias = behind != "batch"  # before which it has no slope but rounding
    layers.append(Dense(below, 13, "identity" if behind in kinds else "tanh", bias))
    if behind in kinds:
        layers.append(kinds[behind](13, 13, "tanh"))
    if behind == "dropout":
        layers.append(Dropout(13, 13, 0.4))
    return dr.Network(
        layers=[*layers, Dense(13, 9, "silu"), Dense(9, 3, "softmax")], loss="log_loss"
    )


def rows_of(n: int, dtype: str, seed: int, inputs: int = INPUTS, zeros: float = 0.0):
    random = np.random.default_rng(seed)
    X, weight = random.normal(size=(n, inputs)), random.random(n)
    X *= random.random(X.shape) >= zeros
    D = np.eye(3)[random.integers(3, size=n)]
    return X.astype(dtype), D.astype(dtype), weight.astype(dtype)


def open_on(engine: str, network: dr.Network, optimizer, rows, dtype: str, threads: int = 1):
    session = engines.choose(engine, network, optimizer, dtype).open(network, dtype, threads)
    start = dr.initialize(network, 3, dtype=dtype)
    random = np.random.default_rng(4)
    vector = start.vector + 0.1 * random.normal(size=network.size).astype(dtype)
    session.load(vector, buffers=start.buffers)
    session.bind(*rows)
    return session


def numbers_of(session: engines.Session, work: Work, rows, rates):
    report = session.run(work, 0, rates)
    found = [session.vector(), session.buffers(), report.losses, session.predict(rows[0])]
    found += [np.array([session.loss(*rows)]), session.loss_gradient(*rows)[1]]
    with session.as_published():
        found += [session.vector(), session.predict(rows[0])]
    return found


def gap(exact, tried) -> float:
    scale = max(np.abs(exact).max(initial=0.0), 1e-2)
    return float(np.abs(exact - tried).max(initial=0.0) / scale)


def settings():
    sizes = itertools.cycle(((16, 41), (600, 1201), (1, 5)))
    chosen = itertools.cycle(OPTIMIZERS)
    for front, behind, dtype in itertools.product(FRONTS, BEHIND, GAPS):
        batch, n = next(sizes)
        yield front, behind, dtype, max(batch, 2) if behind == "batch" else batch, n, next(chosen)


@pytest.mark.parametrize("setting", list(settings()), ids=str)
def test_engines_agree(setting):
    front, behind, dtype, batch, n, optimizer = setting
    network = network_of(front, behind)
    rows = rows_of(n, dtype, zlib.crc32(str(setting).encode()))
    for kind, steps, allowed in ((optimizer, 3, GAPS[dtype][0]), (dr.SGD(), 1, GAPS[dtype][1])):
        work = Work(Rule("shuffle", 5), batch, kind, l1=1e-3, l2=1e-2, scale=2.0, key=9)
        found = []
        for name in ("reference", "compiled"):
            session = open_on(name, network, kind, rows, dtype)
            found.append(numbers_of(session, work, rows, np.full(steps, 0.02)))
        if kind.name in ("adam", "adamw", "rmsprop"):  # they magnify what is nearly zero
            allowed = min(1e4 * allowed, 0.05)
        for exact, tried in zip(*found, strict=True):
            assert gap(exact, tried) <= allowed


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("zeros", [0.5, 0.97])
@pytest.mark.parametrize("dtype", GAPS)
def test_rows_of_csr_and_columns_of_zeros_are_rows_like_others(front, zeros, dtype):
    inputs = 70
    network, optimizer = network_of(front, inputs=inputs), dr.Adam()
    X, D, weight = rows_of(300, dtype, 8, inputs, zeros)
    work = Work(Rule("shuffle", 5), 24, optimizer, key=9)
    found = []
    for name, rows in itertools.product(("reference", "compiled"), (X, sp.csr_matrix(X))):
        session = open_on(name, network, optimizer, (rows, D, weight), dtype)
        found.append(numbers_of(session, work, (rows, D, weight), np.full(3, 0.01)))
    for exact, by_csr, dense, sparse in zip(*found, strict=True):
        assert exact.tobytes() == by_csr.tobytes()
        assert dense.tobytes() == sparse.tobytes()
        assert gap(exact, dense) <= min(1e4 * GAPS[dtype][0], 0.05)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("optimizer", [dr.SGD(), dr.AdamW(clip_norm=0.5, average=0.9)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 300, 700])
def test_threads_and_cuts_change_no_bit(front, optimizer, batch_size):
    network = network_of(front)
    X, D, weight = rows_of(60 if batch_size == 1 else 1000, "float64", 1)
    start = dr.initialize(network, 1)

    def train(epochs, start, threads=1):
        plan = dr.TrainingPlan(optimizer, 0.01, batch_size=batch_size, max_epochs=epochs, key=4)
        return dr.train(
            network, start, X, D, plan, sample_weight=weight, n_threads=threads, engine="compiled"
        )

    whole = train(6, start)
    for other in (train(6, start, threads=4), train(3, train(3, start).state)):
        assert other.parameters.vector.tobytes() == whole.parameters.vector.tobytes()
        assert other.state.moments.tobytes() == whole.state.moments.tobytes()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS[:1], dr.AdamW(weight_decay=0.5), dr.RMSprop()])
def test_each_part_has_a_step_size_of_its_own(engine, optimizer):
    """With a factor of zero nothing moves, decay or not; else what the factors make of a step."""
    rows = rows_of(20, "float64", 2)
    embedding, scaling = front_of("both")

    def moved(*rates: float) -> np.ndarray:
        layers = [*front_of("both", rates=rates), Dense(scaling.units, 3, "softmax")]
        network = dr.Network(layers=layers, loss="log_loss")
        session = open_on(engine, network, optimizer, rows, "float64")
        before = session.vector()
        session.run(Work(Rule("shuffle", 5), 20, optimizer), 0, np.full(1, 0.01))
        return session.vector() - before

    plain, sizes = moved(1, 1), [sum(block.size for block in embedding.blocks()), scaling.units]
    factors = np.concatenate([np.full(sizes[0], 0.1), np.full(sizes[1], 6.0)])
    own = moved(0.1, 6)
    np.testing.assert_allclose(own[: len(factors)], factors * plain[: len(factors)], rtol=1e-9)
    np.testing.assert_array_equal(own[len(factors) :], plain[len(factors) :])
    assert plain.all()
    assert not moved(0, 0)[: len(factors)].any()


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("dtype", GAPS)
def test_predictors_answer_as_sessions_do(front, dtype):
    network = network_of(front, "layer")
    X, _, _ = rows_of(9, dtype, 5)
    parameters = dr.initialize(network, 2, dtype=dtype)
    wanted = dr.forward(network, parameters, X).prediction
    for name in ("compiled", "reference"):
        engine = engines.choose(name, network, None, dtype)
        predictor = engine.predictor(network, parameters.vector, None, None, parameters.buffers)
        assert gap(wanted, predictor.outputs(X)) <= GAPS[dtype][1]
        assert gap(wanted[3], predictor.outputs(X[3])) <= GAPS[dtype][1]
        scaled = engine.predictor(
            network,
            parameters.vector,
            np.full(INPUTS, 1.0),
            np.full(INPUTS, 2.0),
            parameters.buffers,
        )
        assert gap(wanted, scaled.outputs(2 * X + 1)) <= 10 * GAPS[dtype][1]


@pytest.mark.parametrize("front", FRONTS)
def test_it_is_trained_by_lbfgs_with_validation_and_early_stopping(front):
    X, D, _ = rows_of(200, "float64", 6)
    for optimizer, batch, rates in (
        (dr.LBFGS(), 200, (1.0, 1.0)),  # which knows no step size
        (dr.Adam(average=0.9), 20, (0.1, 6.0)),
    ):
        network = network_of(front, rates=rates)
        start = dr.initialize(network, 1)
        plan = dr.TrainingPlan(
            optimizer, 0.01, batch_size=batch, max_epochs=15,
            early_stopping=dr.EarlyStopping(patience=20),
        )  # fmt: skip
        validation = dr.Validation(X[150:], D[150:])
        results = [
            dr.train(network, start, X[:150], D[:150], plan, validation=validation, engine=engine)
            for engine in ("compiled", "reference")
        ]
        assert [result.engine for result in results] == ["compiled", "reference"]
        losses = [result.history.loss for result in results]
        np.testing.assert_allclose(*losses, rtol=1e-6)
        assert losses[0][-1] < losses[0][0]


def test_the_road_is_named():
    network = network_of("both")
    X, D, _ = rows_of(20, "float64", 6)
    for batch, reason in ((1, True), (5, False)):
        plan = dr.TrainingPlan(batch_size=batch, max_epochs=1)
        road = dr.train(network, dr.initialize(network), X, D, plan, engine="compiled").road
        assert "mini-batch road" in road
        assert ("have a road for single rows" in road) == reason


BETWEEN = (
    "what stands in front of the dense layers is not in the core's order: a numerical embedding, a "
    "scaling, each once or not at all."
)
BEHIND_IT = (
    "layers[0] and what follows it are not in the core's order: a dense layer, normalisation, "
    "activation, dropout, and a dense layer last."
)
OTHERWISE = [
    ([Scaling(3, 3), NumericalEmbedding(3, 6, (0,)), Dense(6, 1)], BETWEEN),
    ([Scaling(3, 3), Scaling(3, 3), Dense(3, 1)], BETWEEN),
    ([Scaling(3, 3)], "there is no dense layer, which the core needs."),
    ([Dense(3, 3), Scaling(3, 3), Dense(3, 1)], BEHIND_IT),
]


@pytest.mark.parametrize(("layers", "sentence"), OTHERWISE)
def test_another_order_is_the_reference_engines(layers, sentence):
    network = dr.Network(layers=layers)
    engine = engines.choose("compiled", dr.Network((3, 1), "identity"), None, np.float64)
    assert engine.refusal(network, None, np.float64) == sentence
    X = np.random.default_rng(0).normal(size=(6, 3))
    D = np.ones((6, network.n_outputs))
    result = dr.train(network, dr.initialize(network), X, D, dr.TrainingPlan(max_epochs=2))
    assert result.engine == "reference"


def test_the_core_refuses_what_no_layer_says():
    from deltarule import _core

    layers = [(4, 2, "identity", 0.0, True)]
    for prelude, sentence in (
        ((1, [1], 2, 3, 1.0, False, 1.0), r"from 0 to 0 \(got 1\)"),
        ((1, [0], 2, 2, 1.0, False, 1.0), "those of the embedding and what it adds"),
        ((1, [0], 0, 3, 1.0, False, 1.0), "frequencies and a width of at least 1"),
        ((1, [0], 2**60, 3, 1.0, False, 1.0), "does not fit into memory"),
        ((1, [0], 2, 3, -1.0, False, 1.0), "a factor of the step size"),
        ((0, [], 0, 0, 1.0, True, np.inf), "a factor of the step size"),
    ):
        with pytest.raises(ValueError, match=sentence):
            _core.Session(layers, "squared_error", prelude=prelude)
        with pytest.raises(ValueError, match=sentence):
            _core.Predictor(layers, np.zeros(100), prelude=prelude)

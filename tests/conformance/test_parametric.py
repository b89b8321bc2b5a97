"""Parametric activations, z = a + (σ(a) − a) ⊙ mixture: what both engines promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conformance import oracle

import deltarule as dr
from deltarule import backprop, engines
from deltarule.activations import ACTIVATIONS
from deltarule.definitions import from_record
from deltarule.engines.base import Rule, Session, Work
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import (
    LAYERS,
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    ParametricActivation,
)

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
needs_core = pytest.mark.skipif(len(ENGINES) == 1, reason="the compiled core is not installed")
#: Those that can be mixed.
FUNCTIONS = tuple(
    name for name, kind in ACTIVATIONS.table.items() if kind().elementwise and name != "sign"
)
NORMS = {"none": None, "batch": BatchNormalization, "layer": LayerNormalization}
OPTIMIZERS = (
    dr.SGD(),
    dr.Nesterov(average=0.5),
    dr.Adam(clip_norm=0.05, average=0.9),
    dr.AdamW(weight_decay=0.1),
    dr.RMSprop(),
)
SIZES = ((1, 11), (16, 41), (900, 900), (490, 980))


def network_of(function="selu", norm="none", rate=0.0, factor=0.25) -> dr.Network:
    """7-13-18-4; no width fills its panels."""
    layers, below = [], 7
    for units in (13, 18):
        layers.append(Dense(below, units, "identity", norm != "batch", bias_rate_factor=0.5))
        if NORMS[norm]:
            layers.append(NORMS[norm](units, units))
        layers.append(ParametricActivation(units, units, function, factor))
        if rate:
            layers.append(Dropout(units, units, rate))
        below = units
    return dr.Network(layers=[*layers, Dense(below, 4, "softmax")], loss="log_loss")


def start_of(network: dr.Network, seed: int = 3) -> dr.Parameters:
    """Mixtures that are neither 0 nor 1, and biases that are not 0."""
    start = dr.initialize(network, seed)
    random = np.random.default_rng(seed)
    return start.replace(vector=start.vector + 0.3 * random.normal(size=network.size))


def rows_of(n: int, dtype="float64"):
    random = np.random.default_rng(n)
    rows = (random.normal(size=(n, 7)), np.eye(4)[random.integers(4, size=n)], random.random(n))
    return tuple(array.astype(dtype) for array in rows)


def session_of(engine: str, network: dr.Network, rows, dtype="float64", threads=1) -> Session:
    session = engines.choose(engine, network, None, dtype).open(network, np.dtype(dtype), threads)
    start = start_of(network).astype(dtype)
    session.load(start.vector, buffers=start.buffers)
    session.bind(*rows)
    return session


def work_of(optimizer, batch_size: int) -> Work:
    return Work(Rule("shuffle", 5), batch_size, optimizer, l1=1e-3, l2=1e-2, scale=2.0, key=9)


def gaps(network: dr.Network, optimizer, size, dtype: str, steps: int, rate=0.02) -> float:
    """How far the compiled engine is from the float64 reference, relative to the largest entry."""
    batch_size, n = size
    found = []
    for engine, own in (("reference", "float64"), ("compiled", dtype)):
        rows = rows_of(n, own)
        session = session_of(engine, network, rows, own)
        losses = session.run(work_of(optimizer, batch_size), 0, np.full(steps, rate)).losses
        numbers = [session.vector(), session.moments(), session.buffers(), losses]
        numbers += [session.predict(rows[0]), *map(np.atleast_1d, session.loss_gradient(*rows))]
        with session.as_published():
            numbers += [session.vector(), session.predict(rows[0])]
        found.append(numbers)
    return max(
        float(np.abs(exact - tried).max(initial=0.0) / np.abs(exact).max(initial=1e-2))
        for exact, tried in zip(*found, strict=True)
    )


@needs_core
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    ("norm", "rate"), [("none", 0.0), ("none", 0.4), ("layer", 0.3), ("batch", 0)]
)
def test_engines_agree_closely_in_a_plain_step(norm, rate, size, dtype):
    if norm == "batch" and size[0] == 1:
        size = (5, 20)
    allowed = {"float64": 1e-12, "float32": 2e-5}[dtype]
    assert gaps(network_of("mish", norm, rate), dr.SGD(), size, dtype, 1) <= allowed


@needs_core
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES[:3], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer.name)
def test_engines_agree(optimizer, size, dtype):
    # What divides by its own size magnifies the rounding of gradients that are nearly zero.
    scaled = optimizer.name in ("adam", "adamw", "rmsprop")
    allowed = {"float64": 1e-11, "float32": 1e-4}[dtype] * (1e3 if scaled else 1)
    assert gaps(network_of("tanh"), optimizer, size, dtype, 4) <= min(allowed, 2e-2)


@needs_core
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_can_be_mixed(function):
    rate = 1e-19 if function == "exp" else 0.02  # exp of exp has gradients of 1e16
    assert gaps(network_of(function), dr.SGD(), (16, 41), "float64", 2, rate) <= 1e-11
    assert gaps(network_of(function, rate=0.3), dr.SGD(), (16, 41), "float32", 1, rate) <= 2e-5


@needs_core
def test_a_mixture_that_is_forgotten_is_seen(monkeypatch):
    """A control that must fail: a reference whose mixtures stay where they are."""
    network = network_of()
    assert gaps(network, dr.SGD(), (16, 41), "float64", 1) <= 1e-12
    right = backprop.gradient_sum

    def without(network, *given):
        total = right(network, *given)
        for slot in network.layout:
            if slot.block.name == "mixture":
                slot.view(total)[...] = 0
        return total

    monkeypatch.setattr(backprop, "gradient_sum", without)
    assert gaps(network, dr.SGD(), (16, 41), "float64", 1) > 1e-6


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("function", ["selu", "mish", "relu", "exp"])
def test_objective_and_gradient_by_hand(function, engine):
    """Two inputs, two mixed units, one output; σ and σ' from the oracle."""
    network = dr.Network(
        layers=[Dense(2, 2), ParametricActivation(2, 2, function), Dense(2, 1, bias=False)]
    )
    W, b, p, v = [[0.5, -1.0], [0.8, 0.3]], [0.1, -0.2], [0.7, 1.4], [1.5, -0.6]
    vector = np.array([*np.transpose(W).ravel(), *b, *p, *v])
    start = dr.initialize(network).replace(vector=vector)
    assert [slot.block.name for slot in network.layout] == ["weight", "bias", "mixture", "weight"]
    x, d = [0.9, -0.4], 0.3
    value, slope = oracle.ELEMENTWISE[function]
    u = [W[k][0] * x[0] + W[k][1] * x[1] + b[k] for k in range(2)]
    bent = [value(u[k], 0) - u[k] for k in range(2)]
    a = [u[k] + bent[k] * p[k] for k in range(2)]
    r = v[0] * a[0] + v[1] * a[1] - d
    assert dr.objective(network, start, [x], [[d]], engine=engine) == pytest.approx(r * r / 2)
    delta = [r * v[k] * (1 + p[k] * (slope(u[k], 0) - 1)) for k in range(2)]
    expected = [delta[k] * x[i] for i in range(2) for k in range(2)]
    expected += [*delta, *(r * v[k] * bent[k] for k in range(2)), *(r * a[k] for k in range(2))]
    found = dr.gradient(network, start, [x], [[d]], engine=engine).vector
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("function", "method"),
    [
        (name, method)
        for name in FUNCTIONS
        for method in ("central", "complex")
        if method == "central" or ACTIVATIONS.table[name].smooth
    ],
)
def test_gradients_against_differences(function, method):
    layers = [Dense(7, 3), LayerNormalization(3, 3), ParametricActivation(3, 3, function)]
    network = dr.Network(layers=[*layers, Dense(3, 4, "softmax")], loss="log_loss")
    X, D, weight = rows_of(3)
    for seed in range(20):  # until no difference crosses a kink
        report = dr.check_gradients(network, start_of(network, seed), X, D, weight, method=method)
        if not report.crossed.any():
            break
    assert not report.crossed.any()
    assert report.max_error <= (1e-7 if method == "central" else 1e-12), report.worst


def test_a_difference_that_crosses_a_kink_is_known():
    """The kink lies in what comes in, not in the layer's own z."""
    network = dr.Network(layers=[Dense(1, 1), ParametricActivation(1, 1, "relu"), Dense(1, 1)])
    start = dr.initialize(network).replace(vector=np.array([1.0, 1e-7, 2.0, 1.0, 5.0]))
    report = dr.check_gradients(network, start, [[0.0]], [[1.0]])
    crossed = {slot.block.name for slot in network.layout if report.crossed[slot.start]}
    assert crossed == {"bias"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_the_start_it_is_the_activation_itself(engine, dtype):
    """The same first weights, predictions and gradients as of dense layers that have it."""
    network = network_of("selu")
    plain = dr.Network((7, 13, 18, 4), ("selu", "selu", "softmax"), "log_loss")
    X, D, _ = rows_of(20, dtype)
    mixed, start = (dr.initialize(n, 5, dtype=dtype) for n in (network, plain))
    ours = np.concatenate(
        [np.full(s.stop - s.start, s.block.name != "mixture") for s in network.layout]
    )
    assert mixed.vector[ours].tolist() == start.vector.tolist()
    assert mixed.vector[~ours].tolist() == [1.0] * 31
    tolerance = {"float64": 1e-12, "float32": 1e-5}[dtype]
    found = dr.gradient(network, mixed, X, D, engine=engine).vector[ours]
    exact = dr.gradient(plain, start, X, D, engine=engine).vector
    assert np.abs(found - exact).max() <= tolerance * np.abs(exact).max()


@needs_core
@pytest.mark.parametrize("optimizer", [dr.SGD(), dr.Adam(clip_norm=0.5, average=0.9)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 300, 900])
def test_threads_and_cuts_change_no_bit(optimizer, batch_size):
    network, rows = network_of(rate=0.3), rows_of(40 if batch_size == 1 else 1000)

    def numbers(threads: int, cuts: tuple[int, ...]) -> bytes:
        session = session_of("compiled", network, rows, threads=threads)
        for begin, end in zip((0, *cuts), (*cuts, 12), strict=True):
            session.run(work_of(optimizer, batch_size), begin, np.full(end - begin, 0.01))
        return session.vector().tobytes() + session.moments().tobytes()

    assert numbers(1, ()) == numbers(3, ()) == numbers(2, (1, 7))


@needs_core
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm", NORMS)
def test_rows_are_predicted_one_by_one(norm, dtype):
    network = network_of("gelu", norm)
    start, X = start_of(network).astype(dtype), rows_of(9, dtype)[0]
    engine = engines.choose("compiled", network, None, dtype)
    predictor = engine.predictor(network, start.vector, None, None, start.buffers)
    expected = dr.forward(network, start.astype("float64"), X.astype("float64")).prediction
    tolerance = {"float64": 1e-13, "float32": 1e-5}[dtype]
    np.testing.assert_allclose(predictor.outputs(X), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(predictor.outputs(X[0]), predictor.outputs(X)[0])


@needs_core
@pytest.mark.parametrize("csr", [False, True])
def test_training_says_its_road(csr):
    import scipy.sparse as sp

    network, (X, D, _) = network_of(), rows_of(41)
    plan = dr.TrainingPlan(dr.Adam(), 0.02, batch_size=8, max_epochs=20)
    rows = sp.csr_matrix(X) if csr else X
    result = dr.train(network, dr.initialize(network), rows, D, plan)
    assert result.engine == "compiled"
    assert result.road.endswith("mini-batch road")
    assert result.history.loss[-1] < 0.7 * result.history.loss[0]
    for index in (1, 3):
        mixture = result.parameters.values(index)["mixture"]
        assert np.abs(mixture - 1).min() > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_lbfgs_trains_a_mixture_without_a_factor(engine):
    network, (X, D, _) = (
        dr.Network(
            layers=[Dense(7, 5), ParametricActivation(5, 5, "tanh"), Dense(5, 4, "softmax")],
            loss="log_loss",
        ),
        rows_of(41),
    )
    plan = dr.TrainingPlan(dr.LBFGS(), max_epochs=20, penalty=dr.L2(0.1))
    result = dr.train(network, dr.initialize(network), X, D, plan, engine=engine)
    assert result.engine == engine
    assert result.history.loss[-1] < 0.8 * result.history.loss[0]
    assert np.abs(result.parameters.values(1)["mixture"] - 1).max() > 1e-3


@pytest.mark.parametrize(
    "layers",
    [
        [Dense(7, 5, "tanh"), ParametricActivation(5, 5, "selu"), Dense(5, 4)],
        [Dense(7, 5), LayerNormalization(5, 5, "relu"), ParametricActivation(5, 5, "selu"),
         Dense(5, 4)],
        [Dense(7, 5), Dropout(5, 5), ParametricActivation(5, 5, "selu"), Dense(5, 4)],
        [Dense(7, 4), ParametricActivation(4, 4, "selu")],
    ],
)  # fmt: skip
def test_elsewhere_the_reference_engine_trains_it(layers):
    network = dr.Network(layers=layers)
    X, D, _ = rows_of(11)
    assert dr.check_gradients(network, start_of(network), X, D).passed
    plan = dr.TrainingPlan(learning_rate_init=0.01, max_epochs=2)
    assert dr.train(network, dr.initialize(network), X, D, plan).engine == "reference"
    if engines.compiled_available():
        refusal = engines._load_compiled().refusal(network, None, "float64")
        assert refusal.endswith("normalisation, activation, dropout, and a dense layer last.")


def test_a_record_and_a_file_make_the_same_layer(tmp_path):
    from deltarule.persistence import Model, read, write

    layer = ParametricActivation(4, 4, "mish", 0.1)
    assert from_record(json.loads(json.dumps(layer.record())), LAYERS) == layer
    network = network_of(norm="layer")
    write(Model(start_of(network)), tmp_path / "model.safetensors")
    loaded = read(tmp_path / "model.safetensors").parameters
    assert loaded.network == network
    assert loaded.vector.tobytes() == start_of(network).vector.tobytes()


def test_a_python_function_is_mixed_by_the_reference_engine():
    bend = dr.activations.Function(lambda z: z * abs(z), lambda z: 2 * abs(z), "bend")
    network = dr.Network(layers=[Dense(7, 4), ParametricActivation(4, 4, bend), Dense(4, 4)])
    X, D, _ = rows_of(11)
    assert dr.check_gradients(network, start_of(network), X, D).passed
    plan = dr.TrainingPlan(learning_rate_init=0.01, max_epochs=2)
    assert dr.train(network, dr.initialize(network), X, D, plan).engine == "reference"


REFUSALS = [
    (
        lambda: ParametricActivation(3, 4, "selu"),
        (
            "ParametricActivation.units must be its inputs, 3 (got 4). "
            "It changes no width: make the two equal."
        ),
    ),
    (
        lambda: ParametricActivation(3, 3, "softmax"),
        (
            "ParametricActivation.function must go number by number and have a derivative (got "
            "'softmax'). Use another, as 'selu' or 'mish'."
        ),
    ),
    (
        lambda: ParametricActivation(3, 3, "sign"),
        (
            "ParametricActivation.function must go number by number and have a derivative (got "
            "'sign'). Use another, as 'selu' or 'mish'."
        ),
    ),
    (
        lambda: ParametricActivation(3, 3, "selu", -1),
        (
            "ParametricActivation.rate_factor must be a finite number of at least 0 (got -1). "
            "Choose 0 or more."
        ),
    ),
]


@pytest.mark.parametrize(("make", "words"), REFUSALS)
def test_refusals_word_for_word(make, words):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == words

"""Scaling and numerical embedding: what they declare, their equations by hand, their files."""

import json
import math

import numpy as np
import pytest

import deltarule as dr
from deltarule import backprop, prelude
from deltarule.definitions import from_record
from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import Normal, Uniform
from deltarule.layers import LAYERS, Block, Dense, NumericalEmbedding, Scaling

X = np.array([[1.0, -2.0, 0.25], [0.5, 3.0, -1.0]])
D = np.array([[1.0], [0.0]])


def embedding(**given) -> NumericalEmbedding:
    return NumericalEmbedding(
        3, 3 + 2 * 2, **{"columns": (2, 0), "frequencies": 4, "width": 2, **given}
    )


def network_of(*front) -> dr.Network:
    units = front[-1].units
    return dr.Network(layers=[*front, Dense(units, 5, "tanh"), Dense(5, 1)])


def test_a_scaling_declares_its_gains():
    assert Scaling(3, 3, 6).blocks() == (
        Block("gain", (3,), "gain", 3, 3, rate_factor=6.0, penalised=False, initial=1.0),
    )
    assert Scaling(3, 3).blocks()[0].rate_factor == 1.0


def test_an_embedding_declares_four_blocks():
    rest = {"fan_in": 4, "fan_out": 2, "rate_factor": 0.1}
    assert embedding(rate_factor=0.1).blocks() == (
        Block("frequency", (2, 4), "frequency", **rest, initial=Normal(0.1)),
        Block("phase", (2, 4), "phase", **rest, initial=Uniform(-math.pi, math.pi)),
        Block("weight", (2, 4, 2), "embedding", **rest, initial=Uniform(-0.5, 0.5)),
        Block("bias", (2, 2), "embedding", **rest, initial=Uniform(-0.5, 0.5)),
    )


ERRORS = [
    (
        lambda: Scaling(3, 4),
        "Scaling.units must be its inputs, 3 (got 4). It changes no width: make the two equal.",
    ),
    (
        lambda: Scaling(3, 3, -1),
        "Scaling.rate_factor must be a finite number of at least 0 (got -1). Choose 0 or more.",
    ),
    (
        lambda: NumericalEmbedding(3, 9, (0, 1)) and NumericalEmbedding(3, 8, (0, 1)),
        (
            "NumericalEmbedding.units must be 9: 3 inputs, and 3 numbers for each of 2 columns "
            "(got 8). Set it to that."
        ),
    ),
    (
        lambda: embedding(columns=(0, 3)),
        (
            "NumericalEmbedding.columns must be numbers of inputs, from 0 to 2 (got (0, 3)). Name "
            "at least one, or leave the layer out."
        ),
    ),
    (
        lambda: embedding(columns=()),
        (
            "NumericalEmbedding.columns must be numbers of inputs, from 0 to 2 (got ()). Name at "
            "least one, or leave the layer out."
        ),
    ),
    (
        lambda: embedding(columns=(0, True)),
        (
            "NumericalEmbedding.columns must be numbers of inputs, from 0 to 2 (got (0, True)). "
            "Name at least one, or leave the layer out."
        ),
    ),
    (
        lambda: embedding(columns=4),
        (
            "NumericalEmbedding.columns must be numbers of inputs, from 0 to 2 (got 4). Name at "
            "least one, or leave the layer out."
        ),
    ),
    (
        lambda: embedding(columns=[1, 1]),
        "NumericalEmbedding.columns must be distinct (got [1, 1]). Name each input once.",
    ),
    (
        lambda: embedding(frequencies=0),
        "NumericalEmbedding.frequencies must be a positive integer (got 0). Choose 1 or more.",
    ),
    (
        lambda: embedding(frequencies=65537),
        (
            "NumericalEmbedding.frequencies must be at most 65536 (got 65537). Take fewer: 16 are "
            "many."
        ),
    ),
    (
        lambda: embedding(width=1.5),
        "NumericalEmbedding.width must be a positive integer (got 1.5). Choose 1 or more.",
    ),
    (
        lambda: embedding(deviation=-0.1),
        (
            "NumericalEmbedding.deviation must be a finite number of at least 0 (got -0.1). "
            "Choose 0 or more."
        ),
    ),
    (
        lambda: embedding(deviation=[0.1]),
        (
            "NumericalEmbedding.deviation must be one number, or one for each of 2 columns (got 1 "
            "numbers). Give as many as there are columns."
        ),
    ),
    (
        lambda: embedding(deviation=(0.1, math.nan)),
        (
            "NumericalEmbedding.deviation must be a finite number of at least 0 (got nan). "
            "Choose 0 or more."
        ),
    ),
    (
        lambda: embedding(rate_factor=math.inf),
        (
            "NumericalEmbedding.rate_factor must be a finite number of at least 0 (got inf). "
            "Choose 0 or more."
        ),
    ),
]


@pytest.mark.parametrize(("make", "message"), ERRORS)
def test_errors_word_for_word(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == message


def test_columns_of_any_sequence_of_integers_are_a_tuple():
    given = embedding(columns=np.array([2, 0]))
    assert given == embedding() == embedding(columns=[2, 0])
    assert [type(column) for column in given.columns] == [int, int]


@pytest.mark.parametrize("layer", [Scaling(4, 4, 0.25), embedding(deviation=0.3, rate_factor=0.1)])
def test_a_record_makes_the_same_layer(layer):
    record = json.loads(json.dumps(layer.record()))
    assert record["name"] == layer.name
    assert from_record(record, LAYERS) == layer


def test_the_start_is_drawn_block_by_block():
    given = NumericalEmbedding(30, 30 + 30 * 3, range(30), deviation=0.2)
    network = network_of(given, Scaling(120, 120))
    start = dr.initialize(network, seed=3).values(0)
    assert abs(start["frequency"].std() - 0.2) < 0.02
    assert abs(start["frequency"].mean()) < 0.02
    assert abs(start["phase"]).max() < math.pi < abs(start["phase"]).max() + 0.1
    for name in ("weight", "bias"):
        assert abs(start[name]).max() < 0.25 < abs(start[name]).max() + 0.01
        assert start[name].min() < -0.2
    assert set(dr.initialize(network, seed=3).values(1)["gain"]) == {1.0}
    # Whatever the network's initialiser is.
    other = dr.initialize(network, seed=3, initializer="he_normal").values(0)
    assert all(np.array_equal(other[name], start[name]) for name in start)


def test_equation_12_by_hand():
    network = dr.Network(layers=[Scaling(3, 3), Dense(3, 1, bias=False)])
    parameters = dr.initialize(network).replace(vector=np.array([2.0, -1.0, 0.5, 1.0, 2.0, 3.0]))
    passed = dr.forward(network, parameters, X)
    assert passed.outputs[1].tolist() == [[2.0, 2.0, 0.125], [1.0, -3.0, -0.5]]
    assert passed.prediction.tolist() == [[6.375], [-6.5]]
    slope = dr.gradient(network, parameters, X[:1], [[5.375]]).values(0)["gain"]
    assert slope.tolist() == [1.0, -4.0, 0.75]  # δ W x, δ = 1


def test_equation_13_by_hand():
    """One row, one column, two frequencies, two numbers; angles of π and π/3."""
    layer = NumericalEmbedding(2, 4, columns=(1,), frequencies=2, width=2)
    network = dr.Network(layers=[layer, Dense(4, 1, bias=False)])
    frequency, phase, mix, shift = [0.5, 0.0], [0.0, math.pi / 3], [1.0, 2.0, 3.0, 4.0], [0.5, -0.5]
    numbers = [*frequency, *phase, *mix, *shift, 1.0, 1.0, 1.0, -1.0]
    parameters = dr.initialize(network).replace(vector=np.array(numbers))
    passed = dr.forward(network, parameters, [[7.0, 1.0]])
    # cosines -1 and 1/2: -1·1 + ½·3 + 0.5 and -1·2 + ½·4 - 0.5
    np.testing.assert_allclose(passed.outputs[1], [[7.0, 1.0, 1.0, -0.5]], rtol=1e-15)
    slope = dr.gradient(network, parameters, [[7.0, 1.0]], [[8.5]]).values(0)  # δ = 1 and (1, -1)
    np.testing.assert_allclose(slope["bias"], [[1.0, -1.0]])
    np.testing.assert_allclose(slope["weight"], [[[-1.0, 1.0], [0.5, -0.5]]])
    slopes = [-math.sin(math.pi) * (1 - 2), -math.sin(math.pi / 3) * (3 - 4)]
    np.testing.assert_allclose(slope["phase"], [slopes], atol=1e-15)
    np.testing.assert_allclose(slope["frequency"], [[2 * math.pi * s for s in slopes]], atol=1e-15)


FRONTS = {
    "scaling": [Scaling(3, 3, 6)],
    "embedding": [embedding()],
    "both": [embedding(rate_factor=0.1), Scaling(7, 7, 6)],
    "the other way round": [Scaling(3, 3), embedding()],
}


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)
@pytest.mark.parametrize("method", ["central", "complex"])
def test_gradients_hold_in_every_coordinate(front, method):
    network = network_of(*front)
    parameters = dr.initialize(network, seed=5)
    report = dr.check_gradients(network, parameters, X, D, [1, 2], dr.L2(0.3), method=method)
    assert report.passed, report.worst


def test_a_sine_of_the_wrong_sign_is_caught(monkeypatch):
    network = network_of(embedding())
    parameters = dr.initialize(network, seed=5)
    monkeypatch.setattr(prelude, "TURN", 3.0)
    assert dr.check_gradients(network, parameters, X, D).passed  # in both ways alike
    monkeypatch.undo()
    right = backprop.layer_backward.dispatch(NumericalEmbedding)

    def wrong(layer, values, a, kept, delta, need_upstream):
        return right(layer, values, a, -kept, delta, need_upstream)

    backprop.layer_backward.register(NumericalEmbedding, wrong)
    try:
        assert not dr.check_gradients(network, parameters, X, D).passed
    finally:
        backprop.layer_backward.register(NumericalEmbedding, right)


def test_each_column_may_have_frequencies_of_its_own_spread():
    one = dr.initialize(network_of(embedding(deviation=0.5)), seed=1).values(0)
    each = dr.initialize(network_of(embedding(deviation=[0.5, 2.0])), seed=1).values(0)
    np.testing.assert_array_equal(each["frequency"], one["frequency"] * [[1.0], [4.0]])
    np.testing.assert_array_equal(each["phase"], one["phase"])


def test_weights_are_those_of_layers_that_have_some():
    network = network_of(*FRONTS["both"])
    parameters = dr.initialize(network)
    assert [w if w is None else w.shape for w in parameters.weights] == [None, None, (5, 7), (1, 5)]
    assert [b if b is None else b.shape for b in parameters.biases] == [None, None, (5,), (1,)]
    assert network.weighted == (2, 3)
    assert network.widths == (3, 5, 1)
    assert [network.position(layer) for layer in range(4)] == [0, 0, 0, 1]
    assert not network.penalised[: 2 * (4 + 4 + 8 + 2) + 7].any()
    assert set(network.rate_factors) == {0.1, 6.0, 1.0}
    assert not network.plain


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_it_is_saved_loaded_and_traced(tmp_path, engine):
    from deltarule.persistence import Model, read, write

    network = network_of(*FRONTS["both"])
    parameters = dr.initialize(network, seed=2)
    write(Model(parameters), tmp_path / "model.safetensors")
    loaded = read(tmp_path / "model.safetensors").parameters
    assert loaded.network == network
    assert loaded.vector.tobytes() == parameters.vector.tobytes()
    trace = dr.trace_step(network, loaded, X[0], D[0], learning_rate=0.5, engine=engine)
    assert [len(z) for z in trace.pre_activations] == [7, 7, 5, 1]
    np.testing.assert_allclose(
        trace.deltas[0], trace.deltas[1] * loaded.values(1)["gain"], rtol=1e-12
    )
    stepped = dr.run_steps(network, loaded, X, D, order=[0], learning_rate=0.5, engine=engine)
    assert trace.after.vector.tobytes() == stepped.vector.tobytes()


def test_a_file_with_other_numbers_is_refused():
    from deltarule.exceptions import DeltaruleError
    from deltarule.persistence.networks import network_from_record, network_record

    record = network_record(network_of(embedding()))
    assert network_from_record(json.loads(json.dumps(record))) == network_of(embedding())
    for field, values in {
        "columns": ([0, 9], [0, 0], [], "01", None, [[0], [1]], 10**400, [0.0, 1.0], [0, 10**400]),
        "frequencies": (0, -1, 10**400, True, 4.0, None),
        "width": (0, 10**400, [3]),
        "deviation": (-1.0, 10**400, None),
        "rate_factor": ("1", -0.5),
    }.items():
        for bad in values:
            layer = {**record["layers"][0], field: bad}
            with pytest.raises(DeltaruleError):
                network_from_record({**record, "layers": [layer, *record["layers"][1:]]})


def test_a_scaling_selects_inputs():
    """The gain of an input that says nothing falls behind that of one that does."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(400, 4))
    target = np.sin(2 * rows[:, :1])
    network = network_of(Scaling(4, 4, 6.0))
    plan = dr.TrainingPlan(
        dr.AdamW(weight_decay=0.1), 0.01, batch_size=40, max_epochs=40, penalty=dr.L2(1.0)
    )
    result = dr.train(network, dr.initialize(network, 1), rows, target, plan)
    gain = np.abs(result.parameters.values(0)["gain"])
    assert gain[0] > 2 * gain[1:].max()


def test_an_embedding_learns_a_wave_that_dense_layers_do_not():
    random = np.random.default_rng(0)
    rows = random.uniform(-3, 3, size=(600, 1))
    target = np.sin(6 * rows)
    embedded = NumericalEmbedding(1, 4, columns=(0,), deviation=1.0)
    plan = dr.TrainingPlan(dr.Adam(), 0.01, batch_size=30, max_epochs=60)

    def left(network: dr.Network) -> float:
        result = dr.train(network, dr.initialize(network, 1), rows, target, plan)
        return result.history.loss[-1]

    without = dr.Network((1, 5, 1), ("tanh", "identity"))
    assert left(network_of(embedded)) < 0.2 * left(without)

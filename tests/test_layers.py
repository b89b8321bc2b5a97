"""Layer kinds: Dense as declared, and kinds of the tests' own, which nothing else knows of."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from conformance.kinds import Scale, Standardize, network_of_kinds

import deltarule as dr
from deltarule import backprop
from deltarule.activations import LeakyReLU
from deltarule.definitions import from_record
from deltarule.exceptions import EngineError, InvalidParameterError
from deltarule.layers import LAYERS, Block, Dense, Layer

X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25], [2.0, 1.0], [0.0, -1.0]])
D = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.0, 0.2]])


def test_dense_declares_weight_then_bias():
    assert Dense(3, 2, "relu").blocks() == (
        Block("weight", (3, 2), "weight", 3, 2, rate_factor=1.0, penalised=True, initial=None),
        Block("bias", (2,), "bias", 3, 2, rate_factor=1.0, penalised=False, initial=None),
    )
    assert [block.name for block in Dense(3, 2, bias=False).blocks()] == ["weight"]
    assert Dense(3, 2).buffers() == ()
    assert Block("weight", (3, 2), "weight", 3, 2).size == 6


def test_dense_is_a_frozen_hashable_value():
    layer = Dense(3, 2, "leaky_relu")
    assert layer == Dense(3, 2, LeakyReLU())
    assert hash(layer) == hash(Dense(3, 2, LeakyReLU()))
    assert pickle.loads(pickle.dumps(layer)) == layer
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.units = 5


@pytest.mark.parametrize(
    "layer", [Dense(3, 2, LeakyReLU(0.2), False), Scale(4, 4, 0.25), Standardize(2, 2)]
)
def test_a_record_makes_the_same_layer(layer):
    record = json.loads(json.dumps(layer.record()))
    assert record["name"] == layer.name
    assert from_record(record, LAYERS) == layer


ERRORS = [
    (
        lambda: Dense(0, 2),
        (
            "Dense.inputs must be a positive integer (got 0). "
            "Remove the layer or give it at least one unit."
        ),
    ),
    (
        lambda: Dense(3, 2.0),
        (
            "Dense.units must be a positive integer (got 2.0). "
            "Remove the layer or give it at least one unit."
        ),
    ),
    (
        lambda: Dense(3, 2, bias=1),
        "Dense.bias must be True or False (got 1). Choose one of them.",
    ),
    (
        lambda: dr.layers.LayerNormalization(1, 1),
        (
            "LayerNormalization.units must be at least 2 (got 1): a single unit is its own mean, "
            "and only the shift is left of it. Give more units, or use BatchNormalization."
        ),
    ),
    (
        lambda: dr.MLPRegressor(hidden_layer_sizes=(1,), normalization="layer").fit(
            [[0], [1]], [0, 1]
        ),
        (
            "LayerNormalization.units must be at least 2 (got 1): a single unit is its own mean, "
            "and only the shift is left of it. Give more units, or use BatchNormalization."
        ),
    ),
    (
        lambda: Scale(True, 1),
        (
            "Scale.inputs must be a positive integer (got True). "
            "Remove the layer or give it at least one unit."
        ),
    ),
]


@pytest.mark.parametrize(("make", "message"), ERRORS)
def test_errors_word_for_word(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == message


def test_an_unknown_activation_names_the_nearest():
    with pytest.raises(InvalidParameterError, match=r"Dense.function .*Did you mean 'logistic'\?"):
        Dense(3, 2, "sigmoid")


def test_a_kind_without_equations_is_told_apart():
    class Bare(Layer):
        name = "test_bare"

    network = dr.Network(layers=[Bare(2, 2)])
    with pytest.raises(TypeError, match="no layer_forward is registered for Bare"):
        dr.forward(network, dr.initialize(network), X)
    with pytest.raises(TypeError, match="no layer_backward is registered for Bare"):
        backprop.layer_backward(network.layers[0], {}, X, None, X, True)
    del LAYERS.table["test_bare"]


# ------------------------------------------------------------------ a kind from outside


def test_initialise_fills_its_blocks_and_buffers():
    network, _ = network_of_kinds()
    start = dr.initialize(network, seed=4)
    scale = next(slot for slot in network.layout if slot.block.name == "scale")
    assert scale.view(start.vector).tolist() == [1.5, 1.5, 1.5]
    assert start.buffers.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert network.size == (2 * 3 + 3) + 3 + (3 * 2 + 2)
    assert network.buffer_size == 4
    assert [weight is None for weight in start.weights] == [True, False, True, False]
    assert network.penalised.tolist() == [True] * 6 + [False] * 3 + [True] * 9 + [False] * 2
    assert network.rate_factors.tolist() == [1.0] * 9 + [0.5] * 3 + [1.0] * 8


def test_forward_uses_blocks_and_buffers():
    network, parameters = network_of_kinds()
    outputs = dr.forward(network, parameters, X).outputs
    assert outputs[1].tolist() == ((X - [0.5, -0.5]) / [2.0, 4.0]).tolist()
    assert outputs[3].tolist() == (outputs[2] * 1.5).tolist()


@pytest.mark.parametrize("method", ["central", "complex"])
def test_gradients_hold_in_every_coordinate(method):
    network, parameters = network_of_kinds()
    penalty = dr.L1L2(0.1, 0.3)
    report = dr.check_gradients(network, parameters, X, D, [1, 2, 0, 1, 1], penalty, method=method)
    assert report.passed, report.worst
    assert not report.crossed.any()


@pytest.mark.parametrize("optimizer", [dr.SGD(), dr.Momentum(), dr.Adam(), dr.AdamW(), dr.LBFGS()])
def test_it_is_trained(optimizer):
    # lbfgs has no step size that a block could have a factor of.
    network, parameters = network_of_kinds(1.0 if optimizer.name == "lbfgs" else 0.5)
    plan = dr.TrainingPlan(
        optimizer=optimizer,
        learning_rate_init=0.05,
        batch_size=2,
        max_epochs=60,
        penalty=dr.L2(0.01),
    )
    result = dr.train(network, parameters, X, D, plan)
    assert result.engine == "reference"
    assert result.history.loss[-1] < 0.8 * result.history.loss[0]
    assert (result.parameters.vector != parameters.vector).all()
    assert result.parameters.buffers.tolist() == parameters.buffers.tolist()
    # The objective that is reported is the one of the trained numbers with their buffers.
    again = dr.objective(network, result.parameters, X, D, penalty=plan.penalty)
    assert again <= result.history.loss[0]


def test_its_step_size_and_penalty_are_its_own():
    network, parameters = network_of_kinds()
    plan = dr.TrainingPlan(
        learning_rate_init=0.2,
        batch_size=5,
        max_epochs=1,
        sampling="sequential",
        penalty=dr.L2(0.5),
    )
    slope = dr.gradient(network, parameters, X, D, penalty=plan.penalty).vector
    plain = dr.gradient(network, parameters, X, D).vector
    scale = next(slot for slot in network.layout if slot.block.name == "scale")
    decay = (slope - plain)[scale.start : scale.stop]
    np.testing.assert_allclose(decay, 0.5 * 1.5 / 5, rtol=1e-12)
    moved = dr.train(network, parameters, X, D, plan).parameters.vector - parameters.vector
    np.testing.assert_allclose(moved, -0.2 * network.rate_factors * slope, rtol=1e-9)


def test_a_step_is_traced():
    network, parameters = network_of_kinds()
    trace = dr.trace_step(network, parameters, X[0], D[0], learning_rate=0.5)
    assert [len(z) for z in trace.pre_activations] == [2, 3, 3, 2]
    assert [len(delta) for delta in trace.deltas] == [2, 3, 3, 2]
    stepped = dr.run_steps(network, parameters, X, D, order=[0], learning_rate=0.5)
    assert trace.after.vector.tobytes() == stepped.vector.tobytes()
    np.testing.assert_allclose(trace.deltas[1], trace.deltas[2] * 1.5 * (1 - trace.outputs[2] ** 2))


def test_it_is_saved_and_loaded(tmp_path):
    from deltarule.persistence import Model, read, write

    network, parameters = network_of_kinds()
    write(Model(parameters), tmp_path / "model.safetensors")
    loaded = read(tmp_path / "model.safetensors").parameters
    assert loaded.network == network
    assert loaded.vector.tobytes() == parameters.vector.tobytes()
    assert loaded.buffers.tobytes() == parameters.buffers.tobytes()


def test_auto_takes_the_engine_that_can():
    network, parameters = network_of_kinds()
    rows = dr.run_steps(network, parameters, X, D, order=[0, 3], learning_rate=0.1)
    by_reference = dr.run_steps(
        network, parameters, X, D, order=[0, 3], learning_rate=0.1, engine="reference"
    )
    assert rows.vector.tobytes() == by_reference.vector.tobytes()


def test_the_compiled_engine_refuses_in_a_sentence():
    pytest.importorskip("deltarule._core")
    network, parameters = network_of_kinds()
    with pytest.raises(EngineError) as caught:
        dr.run_steps(network, parameters, X, D, order=[0], engine="compiled")
    assert str(caught.value) == (
        "engine='compiled' cannot do this: layers[0] is of kind 'test_standardize', which has no "
        "compiled form. Use engine='auto'."
    )

"""Networks as descriptions, parameters as values, and the guess W^0."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import deltarule as dr
from deltarule import initializers
from deltarule.activations import LeakyReLU
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import Huber
from deltarule.network import Head, Network, Parameters

# ------------------------------------------------------------------ the description


def test_the_short_form_is_the_normal_form():
    short = Network((3, 5, 2), ("tanh", LeakyReLU(0.2)), Huber(2.0), (True, False))
    normal = Network(
        layers=[dr.Dense(3, 5, "tanh"), dr.Dense(5, 2, LeakyReLU(0.2), False)],
        heads=[Head((0, 2), Huber(2.0))],
    )
    assert short == normal
    assert hash(short) == hash(normal)
    assert short.units == (3, 5, 2)
    assert (short.n_inputs, short.n_outputs, short.size) == (3, 2, 15 + 5 + 10)
    assert short.activations == (dr.activations.Tanh(), LeakyReLU(0.2))
    assert short.output_activation == LeakyReLU(0.2)
    assert short.loss == Huber(2.0)


def test_one_activation_and_one_bias_serve_all_layers():
    network = Network((3, 5, 2), "relu", bias=False)
    assert [layer.function.name for layer in network.layers] == ["relu", "relu"]
    assert network.size == 15 + 10


def test_no_hidden_layer_is_a_linear_model():
    assert Network((3, 2), "identity").size == 8


def test_a_network_is_frozen_and_pickles():
    network = Network((3, 5, 2), "tanh")
    network.layout, network.penalised  # noqa: B018 - cached before the pickle
    again = pickle.loads(pickle.dumps(network))
    assert again == network
    assert not again.penalised.flags.writeable
    assert copy.deepcopy(network) == network
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.layers = ()


def test_the_layout_is_block_after_block():
    network = Network((3, 5, 2), "tanh", bias=(True, False))
    places = [(slot.layer, slot.block.name, slot.start, slot.stop) for slot in network.layout]
    assert places == [(0, "weight", 0, 15), (0, "bias", 15, 20), (1, "weight", 20, 30)]
    assert network.penalised.tolist() == [True] * 15 + [False] * 5 + [True] * 10
    assert network.rate_factors is None
    assert network.buffer_size == 0
    assert not network.penalised.flags.writeable


ERRORS = [
    (
        lambda: Network((3, 0, 2)),
        (
            "units[1] must be a positive integer (got 0). "
            "Remove the layer or give it at least one unit."
        ),
    ),
    (
        lambda: Network((3, 2.5)),
        (
            "units[1] must be a positive integer (got 2.5). "
            "Remove the layer or give it at least one unit."
        ),
    ),
    (
        lambda: Network((3,)),
        "units must hold at least the inputs and the outputs (got (3,)). Give two or more widths.",
    ),
    (
        lambda: Network(),
        "Network needs either units or layers (got neither). Give one of them.",
    ),
    (
        lambda: Network((3, 2), layers=[dr.Dense(3, 2)]),
        "Network needs either units or layers (got both). Give one of them.",
    ),
    (
        lambda: Network((3, 4, 2), ("tanh",)),
        (
            "activations must hold one entry per layer, 2 (got 1). "
            "The input is not a layer; hidden layers and the output are."
        ),
    ),
    (
        lambda: Network((3, 4, 2), bias=(True, False, True)),
        (
            "bias must hold one entry per layer, 2 (got 3). "
            "The input is not a layer; hidden layers and the output are."
        ),
    ),
    (
        lambda: Network(layers=[]),
        "layers must hold at least one layer (got none). Add the output layer.",
    ),
    (
        lambda: Network(layers=[dr.Dense(3, 4), dr.Dense(5, 2)]),
        (
            "layers[1].inputs must be 4, the units of the layer below (got 5). "
            "Make the two widths equal."
        ),
    ),
    (
        lambda: Network((3, 2), "tanh", "log_loss"),
        (
            "loss 'log_loss' is defined for the output activations logistic, softmax (got 'tanh'). "
            "Choose one of them."
        ),
    ),
    (
        lambda: Network((3, 1), "softmax", "log_loss"),
        (
            "a softmax output with log_loss needs at least 2 units (got 1). Use the logistic "
            "output activation for one unit."
        ),
    ),
    (
        lambda: Network(
            layers=[dr.Dense(3, 4)], heads=[Head((0, 2), Huber()), Head((3, 4), Huber())]
        ),
        (
            "heads must cover the output columns 0 to 3 once each, in order "
            "(got [(0, 2), (3, 4)]). Adjust head.columns."
        ),
    ),
    (
        # Its Jacobian runs over all columns; a second head would cut it in two.
        lambda: Network(
            layers=[dr.Dense(3, 4, "softmax")], heads=[Head((0, 2), Huber()), Head((2, 4), Huber())]
        ),
        (
            "an output activation over all units, 'softmax', needs a single head (got 2). "
            "Give each head an activation of its own."
        ),
    ),
]


@pytest.mark.parametrize(("make", "message"), ERRORS)
def test_errors_word_for_word(make, message):
    with pytest.raises(InvalidParameterError) as caught:
        make()
    assert str(caught.value) == message


def test_unknown_names_say_where_they_came():
    with pytest.raises(InvalidParameterError, match=r"^activations\[1\] must be one of"):
        Network((3, 4, 2), ("tanh", "sigmod"))
    with pytest.raises(InvalidParameterError, match=r"^loss must be one of .*'squared_error'\?"):
        Network((3, 4, 2), "tanh", "mse")


# ------------------------------------------------------------------ the numbers


def numbered(dtype=np.float64) -> Parameters:
    network = Network((3, 2, 1), "tanh", bias=(True, False))
    return Parameters(network, np.arange(10, dtype=dtype))


def test_weights_lie_input_major_and_are_views():
    parameters = numbered()
    # input i to unit k stands at 2 i + k; the notes' W[k, i] is the transposed view
    assert parameters.weights[0].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert parameters.biases[0].tolist() == [6, 7]
    assert parameters.weights[1].tolist() == [[8, 9]]
    assert parameters.biases[1] is None
    assert parameters.weights[0].T.flags.c_contiguous
    assert np.shares_memory(parameters.weights[0], parameters.vector)
    assert parameters.values(0)["weight"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_parameters_are_a_value():
    given = np.arange(10.0)
    parameters = Parameters(numbered().network, given)
    given[0] = 99.0
    assert parameters.vector[0] == 0.0
    for array in (
        parameters.vector,
        parameters.weights[0],
        parameters.biases[0],
        parameters.buffers,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        parameters.vector = given


def test_a_read_only_view_of_a_writeable_array_is_copied():
    given = np.arange(10.0)
    view = given[:]
    view.flags.writeable = False
    parameters = Parameters(numbered().network, view)
    given[0] = 99.0
    assert parameters.vector[0] == 0.0


def test_a_read_only_array_is_taken_over():
    given = np.arange(10.0)
    given.flags.writeable = False
    assert Parameters(numbered().network, given).vector is given


def test_replace_makes_another():
    parameters = numbered()
    other = parameters.replace(vector=parameters.vector * 2)
    assert other.network is parameters.network
    assert other.weights[1].tolist() == [[16, 18]]
    assert parameters.weights[1].tolist() == [[8, 9]]


def test_astype_rounds_and_keeps_the_network():
    single = numbered().astype(np.float32)
    assert (single.dtype, single.buffers.dtype) == (np.float32, np.float32)
    assert single.vector.tolist() == numbered().vector.tolist()


@pytest.mark.parametrize("again", [lambda p: pickle.loads(pickle.dumps(p)), copy.deepcopy])
def test_pickling_keeps_bits_and_read_only(again):
    parameters = numbered(np.float32)
    assert parameters.weights  # views are cached before the pickle
    other = again(parameters)
    assert other.network == parameters.network
    assert other.vector.tobytes() == parameters.vector.tobytes()
    assert other.dtype == np.float32
    assert not other.vector.flags.writeable
    assert np.shares_memory(other.weights[0], other.vector)


@pytest.mark.parametrize(
    ("vector", "got"),
    [
        (np.zeros(9), "float64 of shape (9,)"),
        (np.zeros((10, 1)), "float64 of shape (10, 1)"),
        (np.zeros(10, dtype=int), "int64 of shape (10,)"),
        (np.zeros(10, dtype=complex), "complex128 of shape (10,)"),
    ],
)
def test_a_vector_that_does_not_fit(vector, got):
    with pytest.raises(InvalidShapeError) as caught:
        Parameters(numbered().network, vector)
    assert str(caught.value) == (
        f"vector must be a float array of shape (10,) (got {got}). "
        "Its length is the number of parameters of the network."
    )


# ------------------------------------------------------------------ the guess W^0


@pytest.mark.parametrize("name", initializers.INITIALIZERS.table)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_bits(name, dtype):
    network = Network((4, 7, 3), "relu")
    first = dr.initialize(network, 5, name, dtype)
    assert first.vector.tobytes() == dr.initialize(network, 5, name, dtype).vector.tobytes()
    assert first.dtype == dtype
    double = dr.initialize(network, 5, name).vector
    assert first.vector.tobytes() == double.astype(dtype).tobytes()


def test_another_seed_gives_another_start():
    network = Network((4, 7, 3), "relu")
    assert (dr.initialize(network, 5).vector != dr.initialize(network, 6).vector).all()


def test_the_start_of_a_layer_does_not_depend_on_other_layers():
    narrow, wide = (
        Network((4, 7, 3, 2), "relu"),
        Network((4, 7, 3, 2), "relu", bias=(False, True, True)),
    )
    wider = Network((4, 7, 3, 9), "relu")
    a, b, c = (dr.initialize(network, 5) for network in (narrow, wide, wider))
    for l in (0, 1):
        assert a.weights[l].tobytes() == b.weights[l].tobytes() == c.weights[l].tobytes()
    assert a.biases[1].tobytes() == b.biases[1].tobytes() == c.biases[1].tobytes()


def test_starts_are_distinct_and_within_their_bound():
    network = Network((10, 40, 5), ("logistic", "identity"))
    start = dr.initialize(network, 1)
    for l, (fans, factor) in enumerate(((50, 2.0), (45, 6.0))):
        bound = np.sqrt(factor / fans)
        numbers = np.concatenate([start.weights[l].ravel(), start.biases[l]])
        assert len(set(numbers.tolist())) == numbers.size
        assert np.abs(numbers).max() < bound
        assert np.abs(numbers).max() > 0.9 * bound


def test_two_heads_share_the_outputs():
    network = Network(
        layers=[dr.Dense(3, 4, "tanh"), dr.Dense(4, 3, "identity")],
        heads=[Head((0, 1), dr.losses.SquaredError(), 2.0), Head((1, 3), Huber(0.5))],
    )
    assert network.heads[1].slice == slice(1, 3)
    assert network.loss == dr.losses.SquaredError()

"""From an estimator's parameters to the network that they describe."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from deltarule.activations import ACTIVATIONS, HIDDEN_ACTIVATIONS, Activation, Identity
from deltarule.definitions import choose, name_of
from deltarule.estimators.hidden_sizes import Hidden
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import BatchNormalization, Dense, Dropout, Layer, LayerNormalization
from deltarule.losses import LOSSES
from deltarule.network import Head, Network

NORMALIZATIONS: dict[str, type[BatchNormalization] | type[LayerNormalization]] = {
    "batch": BatchNormalization,
    "layer": LayerNormalization,
}


def hidden_units(hidden_layer_sizes: Any) -> list[int]:
    """The widths of the hidden layers, checked."""
    sizes = hidden_layer_sizes
    if isinstance(sizes, Hidden):
        return sizes.sizes
    sizes = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    for index, size in enumerate(sizes):
        whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
        if not whole or size < 1:
            raise InvalidParameterError(
                f"hidden_layer_sizes must be > 0, got {sizes}. hidden_layer_sizes[{index}] must "
                f"be a positive integer (got {size!r}). Remove the layer or give it at least one "
                "unit."
            )
    return [int(size) for size in sizes]


def hidden_activations(activation: Any, count: int) -> list[Activation]:
    """The activation of each hidden layer."""
    if isinstance(activation, str | Activation):
        return [choose(activation, HIDDEN_ACTIVATIONS, "activation")] * count
    given = list(activation)
    if len(given) != count:
        raise InvalidParameterError(
            f"activation must have one entry for each of the {count} hidden layers (got "
            f"{len(given)}). Adjust its length, or give one name for all layers."
        )
    return [
        choose(entry, HIDDEN_ACTIVATIONS, f"activation[{index}]")
        for index, entry in enumerate(given)
    ]


def dropout_rates(dropout: Any, count: int) -> list[float]:
    """The rate of each hidden layer, checked."""
    if isinstance(dropout, Real) and not isinstance(dropout, bool):
        rates = [dropout] * count
        if dropout and not count:
            raise InvalidParameterError(
                f"dropout must be 0 without hidden layers, whose units it drops (got {dropout!r}). "
                "Set dropout=0, or give hidden_layer_sizes."
            )
    else:
        rates = list(dropout)
        if len(rates) != count:
            raise InvalidParameterError(
                f"dropout must have one entry for each of the {count} hidden layers (got "
                f"{len(rates)}). Adjust its length, or give one number for all layers."
            )
    for index, rate in enumerate(rates):
        known = isinstance(rate, Real) and not isinstance(rate, bool)
        if not known or not 0 <= float(rate) < 1:
            raise InvalidParameterError(
                f"dropout[{index}] must be a number in [0, 1) (got {rate!r}). Choose a value in "
                "that range; 0 drops nothing."
            )
    return [float(rate) for rate in rates]


def describe(estimator: Any, *columns: Any) -> tuple[Any, ...]:
    """All that `build_network` and a predictor depend on; equal for an equal network."""
    activation, dropout = estimator.activation, estimator.dropout
    return (
        *columns,
        tuple(hidden_units(estimator.hidden_layer_sizes)),
        activation if isinstance(activation, str | Activation) else tuple(activation),
        bool(estimator.fit_intercept),
        estimator.engine,
        estimator.n_threads,
        dropout if isinstance(dropout, Real) else tuple(dropout),
        estimator.normalization,
    )


def output_activation_of(loss: Any, *, choice: bool = False) -> str:
    """What ``output_activation="auto"`` is beside a loss; ``choice``: one class out of several."""
    own = {"poisson": "exp", "perceptron": "sign", "log_loss": "softmax" if choice else "logistic"}
    return own.get(name_of(loss), "identity")


def build_network(estimator: Any, inputs: int, outputs: int, output_activation: str) -> Network:
    """The network that an estimator's parameters describe, one head over all its outputs."""
    loss = choose(estimator.loss, LOSSES, "loss")
    return build(estimator, inputs, outputs, output_activation, [Head((0, outputs), loss)])


def build(
    estimator: Any, inputs: int, outputs: int, output_activation: Any, heads: list[Head]
) -> Network:
    """The same under given heads."""
    bias = bool(estimator.fit_intercept)
    layers = hidden_layers(estimator, inputs)
    below = layers[-1].units if layers else inputs
    output = choose(output_activation, ACTIVATIONS, "output_activation")
    return Network(layers=[*layers, Dense(below, outputs, output, bias)], heads=heads)


def hidden_layers(estimator: Any, inputs: int) -> list[Layer]:
    """The hidden layers: weights, normalisation, activation, dropout."""
    units = hidden_units(estimator.hidden_layer_sizes)
    functions = hidden_activations(estimator.activation, len(units))
    rates, bias = dropout_rates(estimator.dropout, len(units)), bool(estimator.fit_intercept)
    kind = None if estimator.normalization is None else NORMALIZATIONS[estimator.normalization]
    if kind is not None and not units:
        raise InvalidParameterError(
            "normalization must be None without hidden layers, which it normalizes (got "
            f"{estimator.normalization!r}). Set normalization=None, or give hidden_layer_sizes."
        )
    layers: list[Layer] = []
    for below, width, function, rate in zip(
        [inputs, *units], units, functions, rates, strict=False
    ):
        if kind is None:
            layers.append(Dense(below, width, function, bias))
        else:  # the shift of a batch's normalisation takes the place of the bias
            has_bias = bias and kind is not BatchNormalization
            layers.append(Dense(below, width, Identity(), has_bias))
            layers.append(kind(width, width, function))
        if rate:
            layers.append(Dropout(width, width, rate))
    return layers

"""A network as the compiled core is told it: records of names and numbers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from deltarule.activations import Activation
from deltarule.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    LayerNormalization,
    NumericalEmbedding,
    ParametricActivation,
    Scaling,
)
from deltarule.network import Network
from deltarule.random import keep_threshold

if TYPE_CHECKING:
    from deltarule import _core


def _front(network: Network) -> list[NumericalEmbedding | Scaling]:
    """What stands in front of the first layer of weights."""
    found = itertools.takewhile(
        lambda layer: isinstance(layer, NumericalEmbedding | Scaling), network.layers
    )
    return [layer for layer in found if isinstance(layer, NumericalEmbedding | Scaling)]


def _groups(network: Network) -> list[list[tuple[int, Layer]]]:
    """The layers behind that with their numbers, each dense one with what stands behind it."""
    groups: list[list[tuple[int, Layer]]] = []
    for index, layer in enumerate(network.layers):
        if index < len(_front(network)):
            continue
        if isinstance(layer, Dense) or not groups:
            groups.append([])
        groups[-1].append((index, layer))
    return groups


def order_refusal(network: Network) -> str | None:
    """A sentence where layers stand in another order than the core's, or softmax units drop out.

    It is numerical embedding and scaling, each once or not at all; then groups of dense,
    normalisation, activation (or a parametric one), dropout; the last layer is dense alone.
    """
    front, groups = [type(layer) for layer in _front(network)], _groups(network)
    if front not in ([], [NumericalEmbedding], [Scaling], [NumericalEmbedding, Scaling]):
        return (
            "what stands in front of the dense layers is not in the core's order: a numerical "
            "embedding, a scaling, each once or not at all."
        )
    if not groups:
        return "there is no dense layer, which the core needs."
    for number, group in enumerate(groups):
        kinds = [type(layer) for _, layer in group]
        normalized = kinds[1:2] in ([BatchNormalization], [LayerNormalization])
        rest = kinds[2:] if normalized else kinds[1:]
        mixed = rest[:1] == [ParametricActivation]
        if mixed:
            rest = rest[1:]
        # Of those that may have an activation the last one has it.
        before = [layer for _, layer in group[: normalized + mixed]]
        if (
            kinds[0] is not Dense
            or rest not in ([], [Dropout])
            or any(layer.activation.name != "identity" for layer in before)
            or (number + 1 == len(groups) and len(kinds) > 1)
        ):
            return (
                f"layers[{group[0][0]}] and what follows it are not in the core's order: a dense "
                "layer, normalisation, activation, dropout, and a dense layer last."
            )
        if rest and _function(group).name == "softmax":
            return (
                f"layers[{group[0][0]}] is a softmax whose units drop out, which the core does not "
                "know."
            )
    return None


def _function(group: list[tuple[int, Layer]]) -> Activation:
    """The activation of a dense layer or of what stands behind it."""
    return next(
        (layer.bends for _, layer in group if layer.bends.name != "identity"),
        group[0][1].bends,
    )


def layers_of(network: Network) -> list[_core.Layer]:
    """The dense layers, each with the activation of what stands behind it."""
    return [_layer(group) for group in _groups(network)]


def _layer(group: list[tuple[int, Layer]]) -> _core.Layer:
    dense, function = group[0][1], _function(group)
    bias = isinstance(dense, Dense) and dense.bias
    return (dense.inputs, dense.units, function.name, float(function.parameter), bias)


def _has_factors(layer: Layer) -> bool:
    """Whether a dense layer has step sizes of its own."""
    return isinstance(layer, Dense) and (layer.weight_rate_factor, layer.bias_rate_factor) != (1, 1)


def extras_of(network: Network) -> list[_core.Extra]:
    """What each dense layer has beside its own, or behind it; nothing at all where none has."""
    groups = _groups(network)
    if all(len(group) == 1 and not _has_factors(group[0][1]) for group in groups):
        return []
    return [_extra(group) for group in groups]


def _extra(group: list[tuple[int, Layer]]) -> _core.Extra:
    normalization, epsilon, momentum, keep, number = "none", 0.0, 0.0, 65536, 0
    weights = biases = 1.0
    mixture = -1.0  # there is none
    for index, layer in group:
        if isinstance(layer, Dense):
            weights, biases = layer.weight_rate_factor, layer.bias_rate_factor
        elif isinstance(layer, BatchNormalization):
            normalization, epsilon, momentum = "batch", layer.epsilon, layer.momentum
        elif isinstance(layer, LayerNormalization):
            normalization, epsilon = "layer", layer.epsilon
        elif isinstance(layer, ParametricActivation):
            mixture = layer.rate_factor
        elif isinstance(layer, Dropout):
            keep, number = keep_threshold(layer.rate), index
    return normalization, epsilon, momentum, keep, number, weights, biases, mixture


def prelude_of(network: Network) -> _core.Prelude:
    """What stands in front of the first dense layer."""
    embedded: tuple[int, list[int], int, int, float] = (0, [], 0, 0, 1.0)
    scaled = (False, 1.0)
    for layer in _front(network):
        if isinstance(layer, Scaling):
            scaled = (True, layer.rate_factor)
        else:
            shape = (layer.frequencies, layer.width)
            embedded = (layer.inputs, list(layer.columns), *shape, layer.rate_factor)
    return (*embedded, *scaled)


def heads_of(network: Network) -> list[_core.Head]:
    """The heads; none where one judges all outputs in the plain way."""
    if network.plain_head:
        return []
    return [
        (
            *head.columns,
            head.loss.name,
            list(head.loss.parameters),
            head.weight,
            network.head_activation(head).name,
            float(network.head_activation(head).parameter),
            list(head.class_weights),
        )
        for head in network.heads
    ]

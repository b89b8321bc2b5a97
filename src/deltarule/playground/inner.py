"""What one step of one row met inside layers without weight matrices: normalised ones and dropout.

A trace has z, a and δ of every layer. How one comes from the other needs more in these layers: by
what a row was normalised, and which units were dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule import backprop
from deltarule.definitions import Array
from deltarule.layers import BatchNormalization, Dense, Dropout, LayerNormalization
from deltarule.network import Network, Parameters

#: Of a layer: arrays by name, or None where the layer has no more to tell.
Inner = dict[str, Array] | None


def has_more(network: Network) -> bool:
    """Whether any layer has more to tell."""
    return any(not isinstance(layer, Dense) for layer in network.layers)


def inside(
    parameters: Parameters, X: Array, D: Array, step: backprop.Step
) -> tuple[tuple[Inner, ...], Array]:
    """What each layer met of one row in a step, and the step's gradient ∂f."""
    network = parameters.network
    with np.errstate(all="ignore"):
        passed = backprop.forward(network, parameters, X, step)
        deltas = backprop.deltas(network, parameters, passed, D)
        gradient = backprop.gradient_sum(network, parameters, passed, D, None)
    found = tuple(
        _of_layer(layer, parameters.values(index), passed, index, deltas[index])
        for index, layer in enumerate(network.layers)
    )
    return found, gradient


def _of_layer(
    layer: Any, values: dict[str, Array], passed: backprop.Pass, index: int, delta: Array
) -> Inner:
    kept = passed.kept[index]
    if isinstance(layer, Dropout):
        return {"factor": np.where(kept[0], layer.scale, 0.0)}
    if isinstance(layer, BatchNormalization):
        # One row has no spread: its steps go by the running statistics.
        return {
            "normalized": kept.values[0],
            "mean": values["mean"].copy(),
            "variance": values["variance"].copy(),
        }
    if isinstance(layer, LayerNormalization):
        row = passed.outputs[index][0]
        sent = delta[0] * values["gain"]
        return {
            "normalized": kept.values[0],
            "mean": np.array([row.mean()]),
            "variance": np.array([((row - row.mean()) ** 2).mean()]),
            "sent": np.array([sent.mean()]),
            "along": np.array([(sent * kept.values[0]).mean()]),
        }
    return None

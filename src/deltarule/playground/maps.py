"""What the units of a network say on many rows, as bytes: what a page paints.

Bytes and not floats, because sixty pictures a second of some hundred units have to pass a socket.
"""

from __future__ import annotations

import numpy as np

from deltarule import backprop
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.network import Network, Parameters

#: Where the outputs of an activation lie, for those that are bounded.
BOUNDS = {
    "logistic": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sign": (-1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class Maps:
    """Outputs of all units on the rows that are watched; fields as in the page's protocol."""

    levels: Array
    low: Array
    high: Array


def layer_outputs(parameters: Parameters, X: Array) -> list[Array]:
    """a^1 … a^L of rows, ``(rows, units)`` each."""
    with np.errstate(all="ignore"):
        return list(backprop.forward(parameters.network, parameters, X).outputs[1:])


def paint(parameters: Parameters, X: Array) -> Maps:
    """The units' outputs on rows, each as bytes between a low and a high of its own.

    Parameters
    ----------
    parameters : Parameters
    X : array of shape (rows, inputs)

    Returns
    -------
    Maps
        Units shallow to deep; of an unbounded activation low and high lie even about 0.
    """
    network = parameters.network
    # A picture has eight bits: float32 halves the work.
    outputs = layer_outputs(parameters.astype(np.float32), X.astype(np.float32))
    levels, low, high = [], [], []
    for (name, width), values in zip(_kinds(network), outputs, strict=True):
        values = np.nan_to_num(values, nan=0.0, posinf=3e38, neginf=-3e38)
        if name in BOUNDS:
            below, above = (np.full(width, bound, dtype=np.float32) for bound in BOUNDS[name])
        else:
            above = np.maximum(np.abs(values).max(axis=0), np.float32(1e-30))
            below = -above
        share = (values - below) * (255 / (above - below))
        levels.append(np.clip(share + 0.5, 0, 255).astype(np.uint8).T)
        low.append(below)
        high.append(above)
    return Maps(
        np.concatenate([level.reshape(-1) for level in levels]),
        np.concatenate(low).astype(np.float64),
        np.concatenate(high).astype(np.float64),
    )


def _kinds(network: Network) -> list[tuple[str, int]]:
    """Activation and width of each layer, the output's that of the first head."""
    kinds = [(layer.activation.name, layer.units) for layer in network.layers]
    kinds[-1] = (network.head_activation(network.heads[0]).name, kinds[-1][1])
    return kinds

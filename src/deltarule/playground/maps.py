"""What the units of a network say on many rows, as bytes: what a page paints.

Bytes and not floats, because sixty pictures a second of some hundred units have to pass a socket.
Rows go through the network in strips, because a product that is large enough is given to several
threads by BLAS, and those would stand in the way of the training that the pictures are of.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from deltarule import backprop, engines
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.engines.base import Session
from deltarule.network import Network, Parameters

#: Where the outputs of an activation lie, for those that are bounded.
BOUNDS = {
    "logistic": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "sign": (-1.0, 1.0),
}

#: Multiplications of a product up to which OpenBLAS keeps to one thread.
ONE_THREAD = 262_144

#: Rows of a strip, at least and at most.
STRIP = (16, 1024)


@dataclass(frozen=True, eq=False)
class Maps:
    """Outputs of units on the rows that are watched; fields as in the page's protocol."""

    levels: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Ranges:
    """The smallest and the largest z and output of every unit; fields as in the protocol."""

    z_low: Array
    z_high: Array
    low: Array
    high: Array


def strips(network: Network, rows: int) -> list[slice]:
    """The rows in pieces that one thread takes through the network."""
    widest = max(layer.inputs * layer.units for layer in network.layers)
    size = min(max(ONE_THREAD // widest, STRIP[0]), STRIP[1])
    return [slice(first, last) for first, last in pairwise([*range(0, rows, size), rows])]


def passes(parameters: Parameters, X: Array) -> list[backprop.Pass]:
    """The way forward of rows, strip after strip."""
    network = parameters.network
    with np.errstate(all="ignore"):
        return [backprop.forward(network, parameters, X[rows]) for rows in strips(network, len(X))]


def layer_outputs(parameters: Parameters, X: Array) -> list[Array]:
    """a^1 … a^L of rows, ``(rows, units)`` each."""
    met = [part.outputs[1:] for part in passes(parameters, X)]
    return [np.concatenate(layer) for layer in zip(*met, strict=True)]


def ranges(parameters: Parameters, X: Array) -> Ranges:
    """What every unit meets and says on rows, units shallow to deep."""
    met = passes(parameters, X)
    z = np.concatenate([np.concatenate(part.pre_activations, axis=1) for part in met])
    a = np.concatenate([np.concatenate(part.outputs[1:], axis=1) for part in met])
    return Ranges(z.min(axis=0), z.max(axis=0), a.min(axis=0), a.max(axis=0))


def judge(parameters: Parameters, X: Array, D: Array) -> tuple[Array, Array]:
    """Predictions of rows, ``(rows, outputs)``, and the loss f of each."""
    network, met = parameters.network, passes(parameters, X)
    parts = zip(strips(network, len(X)), met, strict=True)
    with np.errstate(all="ignore"):
        losses = [backprop.losses(network, part, D[rows]) for rows, part in parts]
    return np.concatenate([part.prediction for part in met]), np.concatenate(losses)


class Painter:
    """Paints frame after frame: what the units of a network say on rows, as bytes.

    Dense layers go through sessions of the engine, a network of one layer each: they leave the
    interpreter to the training that is painted. Other lists of layers take the reference's way.
    """

    def __init__(self) -> None:
        self._network: Network | None = None
        self._sessions: list[tuple[Session, slice]] = []

    # Numbers that have run away are painted too, as far as bytes can show them.
    @np.errstate(all="ignore")
    def paint(self, parameters: Parameters, X: Array, layers: bool = True) -> Maps:
        """The units' outputs on rows, each as bytes between a low and a high of its own.

        Parameters
        ----------
        parameters : Parameters
        X : array of shape (rows, inputs)
        layers : bool, default=True
            Whether of all units, or of those of the last layer alone.

        Returns
        -------
        Maps
            Units shallow to deep; of an unbounded activation low and high lie even about 0.
        """
        # A picture has eight bits: float32 halves the work.
        outputs = self._outputs(parameters.astype(np.float32), X.astype(np.float32))
        kinds = _kinds(parameters.network)
        if not layers:
            outputs, kinds = outputs[-1:], kinds[-1:]
        units, rows = sum(width for _, width in kinds), len(X)
        levels = np.empty((units, rows), dtype=np.uint8)
        low, high = np.empty(units), np.empty(units)
        first = 0
        for (name, width), values in zip(kinds, outputs, strict=True):
            of = slice(first, first + width)
            low[of], high[of] = _paint_layer(name, values, levels[of])
            first += width
        return Maps(levels.reshape(-1), low, high)

    def _outputs(self, parameters: Parameters, X: Array) -> list[Array]:
        network = parameters.network
        if network != self._network:
            self._network, self._sessions = network, _one_by_one(network, X.dtype)
        if not self._sessions:
            return layer_outputs(parameters, X)
        outputs = [X]
        for session, block in self._sessions:
            session.load(parameters.vector[block])
            outputs.append(session.predict(outputs[-1]))
        return outputs[1:]


def _one_by_one(network: Network, dtype: Any) -> list[tuple[Session, slice]]:
    """A session for each layer, and where its numbers lie; none unless all are dense."""
    if not network.plain:
        return []
    found, first = [], 0
    for layer in network.layers:
        alone = Network(layers=[layer])
        session = engines.choose("auto", alone, None, dtype).open(alone, dtype, 1)
        found.append((session, slice(first, first + alone.size)))
        first += alone.size
    return found


def _paint_layer(name: str, values: Array, levels: Array) -> tuple[Array, Array]:
    """Write the bytes of one layer; its lows and highs."""
    if not np.isfinite(values.sum()):
        values = np.nan_to_num(values, nan=0.0, posinf=3e38, neginf=-3e38)
    if name in BOUNDS:
        low, high = (np.full(values.shape[1], bound) for bound in BOUNDS[name])
    else:
        high = np.maximum(np.maximum(values.max(axis=0), -values.min(axis=0)), 1e-30).astype(float)
        low = -high
    scale = 255 / (high - low)
    share = values * scale.astype(np.float32)
    share += (0.5 - low * scale).astype(np.float32)
    levels[...] = share.T
    return low, high


def _kinds(network: Network) -> list[tuple[str, int]]:
    """Activation and width of each layer, the output's that of the first head."""
    kinds = [(layer.activation.name, layer.units) for layer in network.layers]
    kinds[-1] = (network.head_activation(network.heads[0]).name, kinds[-1][1])
    return kinds

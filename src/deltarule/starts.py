"""A start that looks at the training rows: sums of unit spread, kinks where the rows are.

`initialize` knows a network and no rows. Here the rows go forward through the network, layer by
layer, and each dense layer is fitted to what reaches it before they go on: its directions are
drawn, its lengths and biases are those that the rows ask for. So it makes no difference in which
unit the inputs came, or how wide the layers are.

It is a function of its own and no setting of `initialize`, which lies below `backprop`, and whose
initialisers draw a block without a look at anything else. It takes the forward pass of `backprop`:
any kind of layer that the reference engine knows may stand in the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import deltarule.backprop  # noqa: F401  registers the kinds' equations
from deltarule.definitions import Array, one_of, positive_integer
from deltarule.exceptions import InvalidShapeError, NonFiniteError
from deltarule.functional import rows_of_inputs
from deltarule.kinds import Step, layer_forward
from deltarule.layers import Dense, Layer
from deltarule.network import Network, Parameters, initialize
from deltarule.random import Generator, Stream, below, words

__all__ = ["initialize_by_data"]

#: Rows whose pre-activations are mixed to where a unit is 0.
MIXED = 5

#: A spread that is this share of the size, or less, is rounding.
LEAST_SPREAD = 1e-10


def initialize_by_data(
    network: Network,
    X: Any,
    seed: int = 0,
    *,
    last: str = "zero",
    rows: int = 4096,
    dtype: Any = np.float64,
) -> Parameters:
    """Guess the first parameters with a look at the training rows.

    Of each unit of a dense layer the weights have a random direction, and the length with which
    its Σ w a over the rows has standard deviation 1. Its bias is minus a random convex mix of that
    sum at five rows, Σ c_i (w·a_i) with c_i = e_i / Σ e and e_i ~ Exp(1): so it is 0, where an
    activation has its kink, amid the rows. A unit whose sum is the same for all rows has the length
    that was drawn.

    Parameters
    ----------
    network : Network
        Of any layers; those that are not dense begin as `initialize` has them, and running
        statistics as those of the rows.
    X : array or CSR matrix of shape (rows, inputs)
        The training rows, at least one, finite.
    seed : int, default=0
        The key of the random numbers, 0 ≤ seed < 2^64.
    last : {"zero", "scaled"}, default="zero"
        How the last dense layer begins: with weights and biases 0, so that at first all rows have
        the same prediction, or as the others do.
    rows : int, default=4096
        How many rows are looked at, at most; where X has more, which ones is drawn.
    dtype : dtype, default=float64
        All is computed in float64, then rounded.

    Returns
    -------
    Parameters

    Raises
    ------
    InvalidParameterError
        If `seed`, `last` or `rows` is outside its range.
    InvalidShapeError
        If X has no row, another width, or is a sparse matrix of another format than CSR.
    NonFiniteError
        If a row that is looked at is not finite, or the sums of the layers are not.

    Notes
    -----
    Holzmüller, Grinsztajn and Steinwart (2024), https://arxiv.org/abs/2407.04491, who write the
    layers as z = W a / √fan_in + b with weights around 1. Here weights are those that the inputs
    are multiplied with; what the other form means for step sizes is no matter of a start. For the
    biases see also Steinwart (2019), https://arxiv.org/abs/1903.11482.

    Examples
    --------
    >>> import deltarule as dr
    >>> X = np.random.default_rng(0).normal(5.0, 100.0, size=(50, 3))
    >>> network = dr.Network(units=(3, 8, 2), activations=("relu", "identity"))
    >>> start = dr.initialize_by_data(network, X, seed=1)
    >>> bool(np.allclose(dr.forward(network, start, X).pre_activations[0].std(axis=0), 1))
    True
    >>> start.weights[1].any()
    np.False_
    """
    one_of(last, "last", ("zero", "scaled"))
    most = positive_integer(rows, "rows")
    drawn = initialize(network, seed, "lecun_normal")
    a = _looked_at(network, drawn, X, most, seed)
    vector, buffers = drawn.vector.copy(), drawn.buffers.copy()
    dense = (index for index, layer in enumerate(network.layers) if isinstance(layer, Dense))
    outermost = max(dense, default=-1)
    for index, layer in enumerate(network.layers):
        values = _values(network, index, vector, buffers)
        if isinstance(layer, Dense) and not (index == outermost and last == "zero"):
            _fit(values, a, Generator(seed, Stream.DATA, epoch=index + 1))
        elif isinstance(layer, Dense):
            for block in values.values():
                block[...] = 0.0
        a = _onward(layer, values, a, index, seed)
    return Parameters(network, *_rounded(network, vector, buffers, dtype))


def _looked_at(network: Network, drawn: Parameters, X: Any, most: int, seed: int) -> Any:
    """Some of the rows, or all, in float64 and in their own order."""
    dense = not hasattr(X, "tocsr")
    X = np.asarray(X) if dense else X
    if X.ndim == 2 and X.shape[0] > most and (dense or X.format == "csr"):
        places = np.argpartition(words(seed, Stream.DATA, 0, 0, X.shape[0]), most)[:most]
        X = X[np.sort(places)]
    if X.dtype.kind in "fiub":
        X = X.astype(np.float64)
    rows = rows_of_inputs(network, drawn, X)
    if not rows.shape[0]:
        raise InvalidShapeError("X must have at least one row (got 0). Give the training rows.")
    numbers = rows if dense else rows.data
    if not np.isfinite(numbers).all():
        raise NonFiniteError(
            f"X must be finite (got {numbers[~np.isfinite(numbers)][0]}). Fill the gaps, or leave "
            "such rows out."
        )
    return rows


def _values(network: Network, index: int, vector: Array, buffers: Array) -> dict[str, Array]:
    """The blocks and buffers of a layer, to be written into."""
    found = {slot.block.name: slot.view(vector) for slot in network.slots(index)}
    untrained = (slot for slot in network.buffer_layout if slot.layer == index)
    return found | {slot.block.name: slot.view(buffers) for slot in untrained}


def _fit(values: dict[str, Array], a: Any, generator: Generator) -> None:
    """Give a dense layer the lengths and the biases that its inputs ask for."""
    weight = values["weight"]
    with np.errstate(over="ignore", invalid="ignore"):  # told at the end
        z = a @ weight
        spread, size = z.std(axis=0), np.sqrt((z**2).mean(axis=0))
    varies = spread > LEAST_SPREAD * size
    scale = 1.0 / np.where(varies, spread, 1.0)
    weight *= scale
    if "bias" in values:
        values["bias"][...] = -_mixed(z * scale, generator)


def _mixed(z: Array, generator: Generator) -> Array:
    """For each column a random convex mix of some of its entries."""
    rows, units = z.shape
    places = below(generator.words(MIXED * units), rows).reshape(MIXED, units)
    shares = -np.log1p(-generator.uniform(MIXED * units)).reshape(MIXED, units)
    mixed: Array = (shares * z[places, np.arange(units)]).sum(axis=0) / shares.sum(axis=0)
    return mixed


def _onward(layer: Layer, values: dict[str, Array], a: Any, index: int, seed: int) -> Any:
    """What a layer makes of the rows; running statistics become theirs, and no unit drops out."""
    step = Step(seed, 0) if layer.buffers() else None
    through = layer_forward(layer, values, a, index, step)
    for name, met in through.buffers.items():
        values[name][...] = met
    return through.output


def _rounded(network: Network, vector: Array, buffers: Array, dtype: Any) -> tuple[Array, Array]:
    """Both in the type that was asked for, if they are numbers in it."""
    with np.errstate(over="ignore"):
        vector, buffers = vector.astype(dtype), buffers.astype(dtype)
    for slot in network.layout:
        if not np.isfinite(slot.view(vector)).all():
            raise NonFiniteError(
                f"the start must be finite in {vector.dtype} (got other numbers in layer "
                f"{slot.layer}, {slot.block.name}). Scale the inputs, whose numbers are too large "
                "or too small."
            )
    return vector, buffers

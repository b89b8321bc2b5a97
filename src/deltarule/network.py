"""What a network is: layers, heads, and its parameters as one vector.

A `Network` is a description, frozen and without numbers: a tuple of layers and a tuple of heads.
`Parameters` are its numbers: one read-only vector, block after block in the order in which the
layers declare them. A weight block lies input-major, C order ``(inputs, units)``, so that
``parameters.weights[l]`` of shape ``(units, inputs)``, the notes' W^{l+1}, is its transposed view
and scikit-learn's ``coefs_[l]`` the plain view.

Whatever walks over parameters (initialisers, optimisers, penalties, files, traces) walks over
`Slot` entries of ``network.layout`` and never asks what kind a layer is.

Axes: arrays of samples are ``(rows, units)``; layer ``l`` maps ``a^l`` to ``a^{l+1}``, so a layer
number is the index into ``network.layers``.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

import numpy as np

from deltarule.activations import ACTIVATIONS, Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array, choose, non_negative
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.initializers import INITIALIZERS, Initializer
from deltarule.layers import Block, Dense, Layer, width
from deltarule.losses import LOSSES, Loss
from deltarule.random import Generator, Stream

__all__ = [
    "Head",
    "Network",
    "Parameters",
    "Slot",
    "initialize",
]


@dataclass(frozen=True)
class Slot:
    """Where one block stands in ``Parameters.vector``: ``vector[start:stop]``."""

    layer: int
    block: Block
    start: int
    stop: int

    def view(self, vector: Array) -> Array:
        """The block as an array of its own shape, sharing memory with ``vector``."""
        return vector[self.start : self.stop].reshape(self.block.shape)


@dataclass(frozen=True)
class Head:
    """Which outputs one loss judges.

    Parameters
    ----------
    columns : tuple of int
        The output columns of the head, first and one past the last: ``(start, stop)``.
    loss : Loss
    weight : float, default=1.0
        Factor of this head's loss in the sum over heads, at least 0.
    activation : Activation or str, optional
        The output activation of the head's columns. Heads with one of their own stand behind a
        last layer whose activation is the identity; without, it is that of the last layer.
    class_weights : sequence of float, default=()
        Factors of this head's loss of a row, by the column in which its target is largest; of a
        single column two, for targets of at most ½ and for those above. At least 0. Without any
        they are 1.

    Raises
    ------
    InvalidParameterError
        If a name is unknown, `weight` or a class weight is below 0, or there are too few or too
        many of them. That columns and activations fit the layers is
        checked by `Network`.
    """

    columns: tuple[int, int]
    loss: Loss
    weight: float = 1.0
    activation: Activation | None = None
    class_weights: tuple[float, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", choose(self.loss, LOSSES, "head.loss"))
        object.__setattr__(self, "weight", non_negative(self.weight, "head.weight"))
        if self.activation is not None:
            chosen = choose(self.activation, ACTIVATIONS, "head.activation")
            object.__setattr__(self, "activation", chosen)
        weights = tuple(non_negative(w, "head.class_weights") for w in self.class_weights)
        count = 2 if self.width == 1 else self.width
        if weights and len(weights) != count:
            raise InvalidParameterError(
                f"head.class_weights must hold {count} numbers for {self.width} output columns "
                f"(got {len(weights)}). Give one for each class, or none."
            )
        object.__setattr__(self, "class_weights", weights)

    @property
    def width(self) -> int:
        """The number of its columns."""
        return self.columns[1] - self.columns[0]

    @property
    def slice(self) -> slice:
        """The columns as a slice of the output axis."""
        return slice(*self.columns)


@dataclass(frozen=True, init=False)
class Network:
    """A feed-forward network as a description: layers and heads, no numbers.

    ``Network(units=…, activations=…, loss=…, bias=…)`` is the short form for fully connected
    layers under one head; ``Network(layers=…, heads=…)`` is the normal form.

    Parameters
    ----------
    units : sequence of int
        Inputs, hidden units of each layer, outputs: at least two numbers.
    activations : str, Activation or a sequence of them, default="logistic"
        One per layer after the input; a single one serves all layers.
    loss : str or Loss, default="squared_error"
    bias : bool or sequence of bool, default=True
        Whether the units have biases, for all layers or one by one.
    layers : sequence of Layer, optional
        Instead of `units`.
    heads : sequence of Head, optional
        With `layers`; without them one head with `loss` judges all outputs.

    Raises
    ------
    InvalidParameterError
        If a width is no positive integer, a name is unknown, the number of activations is not the
        number of layers, or the loss is not defined for the output activation.

    Examples
    --------
    The notes' network, three inputs, five hidden units, two outputs:

    >>> import deltarule as dr
    >>> network = dr.Network(units=(3, 5, 2), activations="logistic", bias=False)
    >>> network.size
    25
    >>> [layer.units for layer in network.layers]
    [5, 2]
    """

    layers: tuple[Layer, ...]
    heads: tuple[Head, ...]

    def __init__(
        self,
        units: Sequence[int] | None = None,
        activations: str | Activation | Sequence[str | Activation] = "logistic",
        loss: str | Loss = "squared_error",
        bias: bool | Sequence[bool] = True,
        *,
        layers: Sequence[Layer] | None = None,
        heads: Sequence[Head] | None = None,
    ) -> None:
        if (units is None) == (layers is None):
            raise InvalidParameterError(
                "Network needs either units or layers (got "
                f"{'neither' if units is None else 'both'}). Give one of them."
            )
        if layers is None:
            assert units is not None
            layers = _dense_layers(units, activations, bias)
        object.__setattr__(self, "layers", tuple(layers))
        self._check_chain()
        if heads is None:
            heads = (Head((0, self.n_outputs), choose(loss, LOSSES, "loss")),)
        object.__setattr__(self, "heads", tuple(heads))
        self._check_heads()

    def _check_chain(self) -> None:
        if not self.layers:
            raise InvalidParameterError(
                "layers must hold at least one layer (got none). Add the output layer."
            )
        for index, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if below.units != above.inputs:
                raise InvalidParameterError(
                    f"layers[{index + 1}].inputs must be {below.units}, the units of the layer "
                    f"below (got {above.inputs}). Make the two widths equal."
                )
            if below.activation.name == "ascending":
                raise InvalidParameterError(
                    f"layers[{index}].activation must be one for hidden layers (got 'ascending', "
                    "which makes the outputs for several quantiles rise). Choose another, such as "
                    "'relu'."
                )

    def _check_heads(self) -> None:
        # By their ends: a list of all columns would take memory that only a width asks for.
        filled = [head.columns for head in self.heads if head.columns[0] < head.columns[1]]
        ends = [0, *(stop for _, stop in filled)]
        if [*(start for start, _ in filled), self.n_outputs] != ends:
            raise InvalidParameterError(
                f"heads must cover the output columns 0 to {self.n_outputs - 1} once each, in "
                f"order (got {[head.columns for head in self.heads]}). Adjust head.columns."
            )
        last = self.output_activation
        if self.heads_activate and last.name != "identity":
            raise InvalidParameterError(
                "heads with an activation of their own need the identity as the activation of the "
                f"last layer (got {last.name!r}). Give it to the heads alone."
            )
        if len(self.heads) > 1 and not last.elementwise:
            raise InvalidParameterError(
                f"an output activation over all units, {last.name!r}, needs a single head (got "
                f"{len(self.heads)}). Give each head an activation of its own."
            )
        for head in self.heads:
            name = self.head_activation(head).name
            allowed = head.loss.activations
            if allowed is not None and name not in allowed:
                raise InvalidParameterError(
                    f"loss {head.loss.name!r} is defined for the output activations "
                    f"{', '.join(sorted(allowed))} (got {name!r}). Choose one of them."
                )
            width, several = head.columns[1] - head.columns[0], len(head.loss.parameters)
            if width % several:
                raise InvalidParameterError(
                    f"loss {head.loss!r} judges {several} outputs at a time and needs a multiple "
                    f"of that many (got {width}). Give the last layer one unit for each."
                )
            if (
                head.loss.name == "log_loss"
                and name == "softmax"
                and head.columns[1] - head.columns[0] < 2
            ):
                raise InvalidParameterError(
                    "a softmax output with log_loss needs at least 2 units (got 1). Use the "
                    "logistic output activation for one unit."
                )

    def __getstate__(self) -> dict[str, Any]:
        return {"layers": self.layers, "heads": self.heads}  # what is cached is found again

    @property
    def n_inputs(self) -> int:
        """Width of x = a^0."""
        return self.layers[0].inputs

    @property
    def n_outputs(self) -> int:
        """Width of the prediction a^L."""
        return self.layers[-1].units

    @property
    def units(self) -> tuple[int, ...]:
        """Widths of a^0 … a^L."""
        return (self.n_inputs, *(layer.units for layer in self.layers))

    @property
    def weighted(self) -> tuple[int, ...]:
        """The numbers of the layers that have weights."""
        return tuple(
            dict.fromkeys(slot.layer for slot in self.layout if slot.block.role == "weight")
        )

    def position(self, layer: int) -> int:
        """The place in `weighted` of the layer of weights that a layer is, or stands behind.

        What stands in front of the first one has its place.
        """
        return max(bisect(self.weighted, layer) - 1, 0)

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs, and units of the layers that have weights: as one speaks of a 4-16-3."""
        return (self.n_inputs, *(self.layers[index].units for index in self.weighted))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer."""
        return tuple(layer.activation for layer in self.layers)

    @property
    def output_activation(self) -> Activation:
        """The activation of the last layer."""
        return self.layers[-1].activation

    @property
    def loss(self) -> Loss:
        """The loss of the first head; the only one where there is one head."""
        return self.heads[0].loss

    @cached_property
    def heads_activate(self) -> bool:
        """Whether some head has an output activation of its own."""
        return any(head.activation is not None for head in self.heads)

    @cached_property
    def plain(self) -> bool:
        """Whether it is dense layers under one head of weight 1 that judges outputs one by one.

        What has roads of its own in the compiled core: predictors, and single rows and lanes unless
        there are rate factors.
        """
        return self.plain_head and all(type(layer) is Dense for layer in self.layers)

    @cached_property
    def plain_head(self) -> bool:
        """Whether one head of weight 1 judges all outputs by a loss with one number at most."""
        head = self.heads[0]
        return (
            len(self.heads) == 1
            and head.weight == 1
            and len(head.loss.parameters) == 1
            and not self.heads_activate
            and not head.class_weights
            and self.output_activation.name != "ascending"
        )

    def head_activation(self, head: Head) -> Activation:
        """The output activation of a head's columns."""
        return self.output_activation if head.activation is None else head.activation

    def activation_behind(self, layer: int) -> Activation:
        """The first activation from a layer on that is not the identity, before the next weights.

        What the initialiser of a layer's weights goes by: a dense layer may leave its activation to
        the normalisation behind it, or to a parametric one, which begins as its function.
        """
        for index in range(layer, len(self.layers)):
            found = self.layers[index].bends
            weighs = any(block.role == "weight" for block in self.layers[index].blocks())
            if index > layer and weighs:
                break
            if found.name != "identity":
                return found
        return self.layers[layer].bends

    @cached_property
    def layout(self) -> tuple[Slot, ...]:
        """Every parameter block with its place in the vector."""
        return _layout(layer.blocks() for layer in self.layers)

    @cached_property
    def buffer_layout(self) -> tuple[Slot, ...]:
        """Every untrained block with its place in the buffer vector."""
        return _layout(layer.buffers() for layer in self.layers)

    @property
    def size(self) -> int:
        """Length of the parameter vector."""
        return self.layout[-1].stop if self.layout else 0

    @property
    def buffer_size(self) -> int:
        """Length of the buffer vector."""
        return self.buffer_layout[-1].stop if self.buffer_layout else 0

    def slots(self, layer: int) -> Iterator[Slot]:
        """The parameter slots of one layer."""
        return (slot for slot in self.layout if slot.layer == layer)

    @cached_property
    def penalised(self) -> Array:
        """True where the vector holds an entry under penalties and weight decay."""
        mask = np.zeros(self.size, dtype=bool)
        for slot in self.layout:
            mask[slot.start : slot.stop] = slot.block.penalised
        mask.flags.writeable = False
        return mask

    @cached_property
    def rate_factors(self) -> Array | None:
        """Factor of the step size for every entry of the vector; None where all are one."""
        if all(slot.block.rate_factor == 1.0 for slot in self.layout):
            return None
        factors = np.concatenate(
            [np.full(slot.block.size, slot.block.rate_factor) for slot in self.layout]
        )
        factors.flags.writeable = False
        return factors


def _layout(blocks_of_layers: Any) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    start = 0
    for layer, blocks in enumerate(blocks_of_layers):
        for block in blocks:
            slots.append(Slot(layer, block, start, start + block.size))
            start += block.size
    return tuple(slots)


def _dense_layers(
    units: Sequence[int],
    activations: str | Activation | Sequence[str | Activation],
    bias: bool | Sequence[bool],
) -> tuple[Dense, ...]:
    units = tuple(units)
    if len(units) < 2:
        raise InvalidParameterError(
            f"units must hold at least the inputs and the outputs (got {units}). "
            "Give two or more widths."
        )
    units = tuple(width(given, f"units[{index}]") for index, given in enumerate(units))
    depth = len(units) - 1
    functions = _one_per_layer(activations, depth, (str, Activation), "activations")
    biases = _one_per_layer(bias, depth, (bool, np.bool_), "bias")
    return tuple(
        Dense(inputs, outputs, choose(function, ACTIVATIONS, f"activations[{index}]"), bool(has))
        for index, (inputs, outputs, function, has) in enumerate(
            zip(units, units[1:], functions, biases, strict=False)
        )
    )


def _one_per_layer(given: Any, depth: int, single: tuple[type, ...], name: str) -> tuple[Any, ...]:
    if isinstance(given, single):
        return (given,) * depth
    entries = tuple(given)
    if len(entries) != depth:
        raise InvalidParameterError(
            f"{name} must hold one entry per layer, {depth} (got {len(entries)}). "
            "The input is not a layer; hidden layers and the output are."
        )
    return entries


@dataclass(frozen=True, eq=False)
class Parameters:
    """The numbers of a network, as a value: read-only arrays and `replace` for a new one.

    Parameters
    ----------
    network : Network
    vector : array of shape (network.size,), float32 or float64
        Block after block; taken over as read-only. A writeable array is copied.
    buffers : array of shape (network.buffer_size,), optional
        The untrained numbers of the layers; zeros or the layers' own start where left out.

    Raises
    ------
    InvalidShapeError
        If a vector has another length than the network asks for, or is no float array.

    Examples
    --------
    >>> import deltarule as dr
    >>> network = dr.Network(units=(3, 5, 2), activations="logistic")
    >>> parameters = dr.initialize(network, seed=0)
    >>> parameters.weights[0].shape, parameters.biases[1].shape
    ((5, 3), (2,))
    >>> parameters.replace(vector=parameters.vector * 0).vector.any()
    np.False_
    """

    network: Network
    vector: Array
    buffers: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        vector = _frozen(self.vector, self.network.size, "vector")
        object.__setattr__(self, "vector", vector)
        buffers = self.buffers
        if buffers is None:
            buffers = np.zeros(self.network.buffer_size, dtype=vector.dtype)
            for slot in self.network.buffer_layout:
                start = slot.block.initial
                assert not isinstance(
                    start, Initializer
                )  # nothing is drawn for what is not trained
                buffers[slot.start : slot.stop] = start or 0.0
        object.__setattr__(self, "buffers", _frozen(buffers, self.network.buffer_size, "buffers"))

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self.vector.dtype

    def values(self, layer: int) -> dict[str, Array]:
        """The blocks and buffers of one layer by name, each in its own shape."""
        found = {slot.block.name: slot.view(self.vector) for slot in self.network.slots(layer)}
        for slot in self.network.buffer_layout:
            if slot.layer == layer:
                found[slot.block.name] = slot.view(self.buffers)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: NumPy forgets on the way that an array was read-only.
        return Parameters, (self.network, self.vector, self.buffers)

    @cached_property
    def weights(self) -> tuple[Any, ...]:
        """Per layer the weight as the notes write it, ``(units, inputs)``; None without one."""
        return tuple(None if weight is None else weight.T for weight in self._of_role("weight"))

    @cached_property
    def biases(self) -> tuple[Any, ...]:
        """Per layer the biases, ``(units,)``; None for a layer without them."""
        return self._of_role("bias")

    def _of_role(self, role: str) -> tuple[Any, ...]:
        """Per layer the block of a role; None for a layer without."""
        found: list[Array | None] = [None] * len(self.network.layers)
        for slot in self.network.layout:
            if slot.block.role == role:
                found[slot.layer] = slot.view(self.vector)
        return tuple(found)

    def replace(self, *, vector: Array | None = None, buffers: Array | None = None) -> Parameters:
        """The same network with other numbers."""
        return Parameters(
            self.network,
            self.vector if vector is None else vector,
            self.buffers if buffers is None else buffers,
        )

    def astype(self, dtype: Any) -> Parameters:
        """The same numbers in another float type."""
        return Parameters(self.network, self.vector.astype(dtype), self.buffers.astype(dtype))


def _frozen(vector: Any, size: int, name: str) -> Array:
    array = np.asarray(vector)
    if array.shape != (size,) or array.dtype.kind != "f":
        raise InvalidShapeError(
            f"{name} must be a float array of shape ({size},) (got {array.dtype} of shape "
            f"{array.shape}). Its length is the number of parameters of the network."
        )
    behind = array.base
    if array.flags.writeable or (isinstance(behind, np.ndarray) and behind.flags.writeable):
        array = array.copy()
        array.flags.writeable = False
    return array


def initialize(
    network: Network,
    seed: int = 0,
    initializer: str | Initializer = "auto",
    dtype: Any = np.float64,
) -> Parameters:
    """Guess the first parameters (the notes' W^0, V^0): random and distinct.

    Parameters
    ----------
    network : Network
    seed : int, default=0
        The key of the random numbers, 0 ≤ seed < 2^64. The same seed gives the same bits on every
        machine, and the start of one layer does not depend on the widths of the others.
    initializer : str or Initializer, default="auto"
    dtype : dtype, default=float64
        Drawn in float64, then rounded.

    Returns
    -------
    Parameters

    Raises
    ------
    InvalidParameterError
        If `seed` is outside its range or the initializer's name is unknown.

    Examples
    --------
    >>> import deltarule as dr
    >>> network = dr.Network(units=(4, 16, 3), activations="logistic")
    >>> bool((dr.initialize(network, seed=1).vector == dr.initialize(network, seed=1).vector).all())
    True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise InvalidParameterError(
            f"seed must be an integer from 0 to 2**64 - 1 (got {seed!r}). Choose any of them."
        )
    chosen = choose(initializer, INITIALIZERS, "initializer")
    vector = np.empty(network.size, dtype=np.float64)
    count = 0  # of the layers that draw: normalisation and dropout between them change no start
    for layer in range(len(network.layers)):
        generator = Generator(seed, Stream.INITIAL, epoch=count)
        for slot in network.slots(layer):
            start = chosen if slot.block.initial is None else slot.block.initial
            if isinstance(start, Initializer):
                name = network.activation_behind(layer).name
                slot.view(vector)[...] = start.fill(slot.block, name, generator)
            else:
                vector[slot.start : slot.stop] = start
        count += generator.position > 0
    return Parameters(network, vector.astype(dtype))

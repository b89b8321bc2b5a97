"""The kinds of layers: what each says of itself, without numbers.

A kind is a frozen subclass of `Layer` that declares its blocks (trained arrays) and its buffers
(untrained ones); its equations are registered in `backprop`. Initialisers, optimisers, penalties,
files of networks and traces walk over blocks and do not ask what kind a layer is; who does, the
core and the estimators, is listed in ``ARCHITECTURE.md``.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any, ClassVar

from deltarule.activations import ACTIVATIONS, Activation, Identity
from deltarule.dataclass import dataclass
from deltarule.definitions import (
    Definition,
    Family,
    choose,
    in_range,
    non_negative,
    positive,
    positive_integer,
    settle,
)
from deltarule.exceptions import InvalidParameterError
from deltarule.random import keep_threshold

__all__ = [
    "LAYERS",
    "BatchNormalization",
    "Block",
    "Dense",
    "Dropout",
    "Layer",
    "LayerNormalization",
    "width",
]


@dataclass(frozen=True)
class Block:
    """One array of numbers that a layer owns.

    Parameters
    ----------
    name : str
        Unique within the layer: ``"weight"``, ``"bias"``, …
    shape : tuple of int
    role : str
        What the initialiser sees: ``"weight"``, ``"bias"`` or a word of the layer's own.
    fan_in, fan_out : int
        Units on either side, for initialisers.
    rate_factor : float, default=1.0
        Factor of the step size for this block.
    penalised : bool, default=False
        Whether penalties and decoupled weight decay apply to it.
    initial : float or None, default=None
        A constant start value; None leaves the start to the initialiser.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    fan_in: int
    fan_out: int
    rate_factor: float = 1.0
    penalised: bool = False
    initial: float | None = None

    @property
    def size(self) -> int:
        """Numbers in the block."""
        return int(math.prod(self.shape))


def width(value: object, name: str) -> int:
    """`value` as an int, if it is a number of units."""
    try:
        return positive_integer(value, name)
    except InvalidParameterError:
        raise InvalidParameterError(
            f"{name} must be a positive integer (got {value!r}). "
            "Remove the layer or give it at least one unit."
        ) from None


_KINDS: dict[str, type[Layer]] = {}


@dataclass(frozen=True)
class Layer(Definition):
    """What every kind of layer says of itself. A kind is a frozen subclass with a ``name``.

    Parameters
    ----------
    inputs, units : int
        Width of what comes in and of what goes out, both at least 1.
    """

    word: ClassVar[str] = "layer"
    #: Whether training it takes steps over a part of the rows, which lbfgs has none of.
    stepwise: ClassVar[bool] = False
    inputs: int
    units: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Enter a kind into the family, so that records of it can be read."""
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls):  # what kinds share has none
            _KINDS[cls.name] = cls

    def __post_init__(self) -> None:
        settle(
            self,
            inputs=width(self.inputs, f"{type(self).__name__}.inputs"),
            units=width(self.units, f"{type(self).__name__}.units"),
        )

    @property
    def activation(self) -> Activation:
        """The non-linear function at the layer's end; identity where it has none."""
        return Identity()

    def blocks(self) -> tuple[Block, ...]:
        """The trained arrays, in the order in which they stand in the vector."""
        return ()

    def buffers(self) -> tuple[Block, ...]:
        """The untrained arrays, such as running statistics."""
        return ()

    def objection(self, batch_size: int) -> str | None:
        """Why the layer cannot be trained by steps of so many rows; None where it can."""
        return None


LAYERS: Family[Layer] = Family(Layer, _KINDS, "layer")


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: z = W a + b, then the activation (equations 2 and 3).

    Parameters
    ----------
    inputs, units : int
    function : Activation
        The activation σ of the layer's units.
    bias : bool, default=True
        Whether each unit has a bias b; the notes have none.
    weight_rate_factor, bias_rate_factor : float, default=1.0
        Factors of the step size for W and for b, at least 0; 0 leaves them as they are. Penalties
        are a part of the gradient and go with it, and so does the decay of AdamW.

    Raises
    ------
    InvalidParameterError
        If a width is no positive integer, the activation is unknown, `bias` is no bool, or a factor
        is below 0.

    Notes
    -----
    Under Adam a factor of 1 / √inputs for W, beside weights drawn with deviation 1 / √inputs, makes
    the steps those of the NTK parametrisation, z = W a / √inputs + b with weights of deviation 1:
    Jacot, Gabriel and Hongler (2018), https://arxiv.org/abs/1806.07572. Under plain descent, whose
    steps go by the size of the gradient, it is 1 / inputs.

    Examples
    --------
    >>> layer = Dense(16, 8, "relu", weight_rate_factor=0.25)
    >>> [block.rate_factor for block in layer.blocks()]
    [0.25, 1.0]
    """

    name = "dense"
    function: Activation = Identity()
    bias: bool = True
    weight_rate_factor: float = field(default=1.0, kw_only=True)
    bias_rate_factor: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        settle(self, function=choose(self.function, ACTIVATIONS, "Dense.function"))
        if not isinstance(self.bias, bool):
            raise InvalidParameterError(
                f"Dense.bias must be True or False (got {self.bias!r}). Choose one of them."
            )
        for factor in ("weight_rate_factor", "bias_rate_factor"):
            settle(self, **{factor: non_negative(getattr(self, factor), f"Dense.{factor}")})
        super().__post_init__()

    @property
    def activation(self) -> Activation:
        """The layer's activation."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """The weight, input-major, and the bias."""
        fans = (self.inputs, self.units)
        weight = Block("weight", fans, "weight", *fans, self.weight_rate_factor, penalised=True)
        bias = Block("bias", (self.units,), "bias", *fans, self.bias_rate_factor)
        return (weight, bias) if self.bias else (weight,)


@dataclass(frozen=True)
class _Normalization(Layer):
    """What the two kinds share: z = gain ⊙ x̂ + shift, then the activation."""

    function: Activation = Identity()
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        kind = type(self).__name__
        settle(
            self,
            function=choose(self.function, ACTIVATIONS, f"{kind}.function"),
            epsilon=positive(self.epsilon, f"{kind}.epsilon"),
        )
        super().__post_init__()
        _check_equal(self)

    @property
    def activation(self) -> Activation:
        """The layer's activation."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """One gain and one shift for each unit; neither is penalised."""
        shape, fans = (self.units,), (self.inputs, self.units)
        return (
            Block("gain", shape, "gain", *fans, initial=1.0),
            Block("shift", shape, "shift", *fans, initial=0.0),
        )


@dataclass(frozen=True)
class BatchNormalization(_Normalization):
    """x̂ = (a − mean) / √(variance + epsilon) of each unit over the rows of the batch.

    z = gain ⊙ x̂ + shift, then the activation. In a training step mean and variance are those of the
    batch's rows, each counted once whatever its weight, and the gradient runs through them; running
    statistics follow, and take their place in predictions, losses and gradients outside of steps.

    Parameters
    ----------
    inputs, units : int
        Equal.
    function : Activation, default=Identity()
        The activation σ behind it.
    epsilon : float, default=1e-5
        Added to the variance, above 0.
    momentum : float, default=0.1
        What the running statistics take of a batch's, in (0, 1]; at first more: 1 / (t + 1) at
        step t, so that they begin as plain means. The variance is the unbiased one.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, or `epsilon` or `momentum` is outside its range.

    Notes
    -----
    Ioffe and Szegedy (2015), https://arxiv.org/abs/1502.03167. A batch of one row has no variance:
    steps of one row are refused, and where a single row is left at the end of an epoch the running
    statistics are used.

    Examples
    --------
    >>> import deltarule as dr
    >>> layers = [dr.Dense(4, 8, bias=False), dr.layers.BatchNormalization(8, 8, "relu")]
    >>> dr.Network(layers=[*layers, dr.Dense(8, 1)]).size
    57
    """

    name = "batch_normalization"
    stepwise = True
    momentum: float = 0.1

    def __post_init__(self) -> None:
        settle(self, momentum=in_range(self.momentum, "BatchNormalization.momentum", 0, 1, "(]"))
        super().__post_init__()

    def buffers(self) -> tuple[Block, ...]:
        """The running mean and variance of each unit."""
        shape, fans = (self.units,), (self.inputs, self.units)
        return (
            Block("mean", shape, "mean", *fans, initial=0.0),
            Block("variance", shape, "variance", *fans, initial=1.0),
        )

    def objection(self, batch_size: int) -> str | None:
        """Why steps of one row are refused."""
        if batch_size > 1:
            return None
        return (
            "batch normalization needs at least 2 rows in a step, for it divides by their spread "
            "(got steps of one sample). Raise batch_size, give more rows, or use layer "
            "normalization."
        )


@dataclass(frozen=True)
class LayerNormalization(_Normalization):
    """x̂ = (a − mean) / √(variance + epsilon) of each row over the units of the layer.

    z = gain ⊙ x̂ + shift, then the activation. Every row by itself, in training as in prediction.

    Parameters
    ----------
    inputs, units : int
        Equal, at least 2: one unit alone is its own mean.
    function : Activation, default=Identity()
        The activation σ behind it.
    epsilon : float, default=1e-5
        Added to the variance, above 0.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs` or fewer than 2, or `epsilon` is not above 0.

    Notes
    -----
    Ba, Kiros and Hinton (2016), https://arxiv.org/abs/1607.06450.

    Examples
    --------
    >>> LayerNormalization(8, 8, "tanh").function
    Tanh()
    """

    name = "layer_normalization"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units < 2:
            raise InvalidParameterError(
                f"LayerNormalization.units must be at least 2 (got {self.units}): a single unit is "
                "its own mean, and only the shift is left of it. Give more units, or use "
                "BatchNormalization."
            )


@dataclass(frozen=True)
class Dropout(Layer):
    """In a training step each unit of each row is 0 with probability `rate`, else a / (1 − rate).

    Outside of steps nothing changes. Which units are kept is a function of key, layer, step, row in
    the batch and unit (`random.kept_units`).

    Parameters
    ----------
    inputs, units : int
        Equal.
    rate : float, default=0.5
        In [0, 1), rounded to 1/65536.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, or `rate` is outside its range.

    Notes
    -----
    Srivastava et al. (2014), https://jmlr.org/papers/v15/srivastava14a.html, inverted: the scale is
    that of the kept share, so that the mean of a unit is what it is without dropout.

    Examples
    --------
    >>> Dropout(8, 8, 0.75).scale
    4.0
    """

    name = "dropout"
    stepwise = True
    rate: float = 0.5

    def __post_init__(self) -> None:
        settle(self, rate=in_range(self.rate, "Dropout.rate", 0, 1, "[)"))
        super().__post_init__()
        _check_equal(self)

    @property
    def scale(self) -> float:
        """What the units that are kept are multiplied by."""
        return 65536 / keep_threshold(self.rate)


def _check_equal(layer: Layer) -> None:
    if layer.inputs != layer.units:
        raise InvalidParameterError(
            f"{type(layer).__name__}.units must be its inputs, {layer.inputs} (got {layer.units}). "
            "It changes no width: make the two equal."
        )

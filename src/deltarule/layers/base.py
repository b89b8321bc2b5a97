"""What a kind of layer says of itself, without numbers; see the room's own text."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from deltarule.activations import Activation, Identity
from deltarule.dataclass import dataclass
from deltarule.definitions import Definition, Family, positive_integer, settle
from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import Initializer


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
    initial : float, Initializer or None, default=None
        A constant start value, or what draws the start; None leaves it to the initialiser of the
        network.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    fan_in: int
    fan_out: int
    rate_factor: float = 1.0
    penalised: bool = False
    initial: float | Initializer | None = None

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

    @property
    def bends(self) -> Activation:
        """The non-linear function in the layer, wherever it stands; identity where it has none."""
        return self.activation

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


def check_equal(layer: Layer) -> None:
    """Refuse a layer that changes no width, and is told to."""
    if layer.inputs != layer.units:
        raise InvalidParameterError(
            f"{type(layer).__name__}.units must be its inputs, {layer.inputs} (got {layer.units}). "
            "It changes no width: make the two equal."
        )

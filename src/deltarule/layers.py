"""The kinds of layers: what each says of itself, without numbers.

A kind is a frozen subclass of `Layer` that declares its blocks (trained arrays) and its buffers
(untrained ones); its equations are registered in `backprop`. Nothing else asks what kind a layer
is: initialisers, optimisers, penalties, files and traces walk over blocks.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from deltarule.activations import ACTIVATIONS, Activation, Identity
from deltarule.dataclass import dataclass
from deltarule.definitions import Definition, Family, choose, positive_integer, settle
from deltarule.exceptions import InvalidParameterError

__all__ = ["LAYERS", "Block", "Dense", "Layer", "width"]


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
    inputs: int
    units: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Enter a kind into the family, so that records of it can be read."""
        super().__init_subclass__(**kwargs)
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
    """

    name = "dense"
    function: Activation = Identity()
    bias: bool = True

    def __post_init__(self) -> None:
        settle(self, function=choose(self.function, ACTIVATIONS, "Dense.function"))
        if not isinstance(self.bias, bool):
            raise InvalidParameterError(
                f"Dense.bias must be True or False (got {self.bias!r}). Choose one of them."
            )
        super().__post_init__()

    @property
    def activation(self) -> Activation:
        """The layer's activation."""
        return self.function

    def blocks(self) -> tuple[Block, ...]:
        """The weight, input-major, and the bias."""
        fans = (self.inputs, self.units)
        weight = Block("weight", fans, "weight", *fans, penalised=True)
        bias = Block("bias", (self.units,), "bias", *fans)
        return (weight, bias) if self.bias else (weight,)

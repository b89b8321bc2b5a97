"""Initialisers: the guess W^0.

``fill(block, activation, generator)`` draws one parameter block. A block tells its shape, its role
("weight", "bias", …) and its fans: the number of inputs and of units of its layer. The generator
is one of ``random.py``; numbers are drawn in float64 in C order of the block's shape, so the same
key gives the same weights whatever the dtype of the run.

Initialisers that scale with the fans start biases at 0, as most books do; ``auto`` draws them
from the weights' bound, as scikit-learn does; ``uniform``, ``normal`` and ``constant`` fill
weights and biases alike.
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, Family, finite, non_negative, settle
from deltarule.exceptions import InvalidParameterError

__all__ = [
    "INITIALIZERS",
    "Auto",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Normal",
    "Uniform",
]


class _Block(Protocol):
    """What an initialiser needs to know of a parameter block."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def role(self) -> str: ...
    @property
    def fan_in(self) -> int: ...
    @property
    def fan_out(self) -> int: ...


class _Generator(Protocol):
    """What an initialiser needs of a random generator."""

    def uniform(self, count: int) -> Array: ...
    def normal(self, count: int) -> Array: ...


class Initializer(Definition):
    """Base of all initialisers.

    Those that scale with the fans override `bound` or `deviation`: weights are drawn uniformly
    from [−bound, bound) or normally with that standard deviation, everything else starts at 0.
    """

    word: ClassVar[str] = "initializer"

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        """Start values of one block.

        Parameters
        ----------
        block : Block
            Has ``shape``, ``role``, ``fan_in`` and ``fan_out``.
        activation : str
            Name of the layer's activation.
        generator : Generator
            ``uniform(n)`` gives n numbers in [0, 1), ``normal(n)`` n standard normal ones.

        Returns
        -------
        ndarray of block.shape
            float64.
        """
        raise NotImplementedError


class _ByFan(Initializer):
    """Draws weights by a variance = scale / fan; other blocks start at 0."""

    scale: ClassVar[float]
    fan: ClassVar[str]
    distribution: ClassVar[str]

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        if block.role != "weight":
            return np.zeros(block.shape)
        fans = {"in": block.fan_in, "mean": (block.fan_in + block.fan_out) / 2}
        variance = self.scale / fans[self.fan]
        if self.distribution == "normal":
            return _normal(block.shape, math.sqrt(variance), generator)
        bound = math.sqrt(3.0 * variance)  # U(−b, b) has variance b² / 3
        return _uniform(block.shape, -bound, bound, generator)


class Auto(Initializer):
    """scikit-learn's start: U(−bound, bound), bound = √(factor / (fan_in + fan_out)).

    factor is 2 for logistic units and 6 for all others; biases are drawn from the same bound.

    Source: Glorot and Bengio (2010), https://proceedings.mlr.press/v9/glorot10a.html, as in
    scikit-learn's ``MLPClassifier``.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from deltarule.random import Generator, Stream
    >>> block = SimpleNamespace(shape=(4, 2), role="weight", fan_in=4, fan_out=2)
    >>> weights = Auto().fill(block, "relu", Generator(0, Stream.INITIAL))
    >>> weights.shape, bool(abs(weights).max() < 1.0)
    ((4, 2), True)
    """

    name = "auto"

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        factor = 2.0 if activation == "logistic" else 6.0
        bound = math.sqrt(factor / (block.fan_in + block.fan_out))
        return _uniform(block.shape, -bound, bound, generator)


class GlorotUniform(_ByFan):
    """Weights U(−b, b), b = √(6 / (fan_in + fan_out)); biases 0. For tanh and logistic.

    Source: https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> GlorotUniform().record()
    {'name': 'glorot_uniform'}
    """

    name = "glorot_uniform"
    scale, fan, distribution = 1.0, "mean", "uniform"


class GlorotNormal(_ByFan):
    """Weights N(0, 2 / (fan_in + fan_out)), biases 0. For tanh and logistic.

    Source: https://proceedings.mlr.press/v9/glorot10a.html

    Examples
    --------
    >>> GlorotNormal().record()
    {'name': 'glorot_normal'}
    """

    name = "glorot_normal"
    scale, fan, distribution = 1.0, "mean", "normal"


class HeUniform(_ByFan):
    """Weights U(−b, b), b = √(6 / fan_in); biases 0. For ReLU and its relatives.

    Source: https://arxiv.org/abs/1502.01852

    Examples
    --------
    >>> HeUniform().record()
    {'name': 'he_uniform'}
    """

    name = "he_uniform"
    scale, fan, distribution = 2.0, "in", "uniform"


class HeNormal(_ByFan):
    """Weights N(0, 2 / fan_in), biases 0. For ReLU and its relatives.

    Source: https://arxiv.org/abs/1502.01852

    Examples
    --------
    >>> HeNormal().record()
    {'name': 'he_normal'}
    """

    name = "he_normal"
    scale, fan, distribution = 2.0, "in", "normal"


class LecunUniform(_ByFan):
    """Weights U(−b, b), b = √(3 / fan_in); biases 0. For SELU.

    Source: LeCun et al. (1998), https://doi.org/10.1007/3-540-49430-8_2

    Examples
    --------
    >>> LecunUniform().record()
    {'name': 'lecun_uniform'}
    """

    name = "lecun_uniform"
    scale, fan, distribution = 1.0, "in", "uniform"


class LecunNormal(_ByFan):
    """Weights N(0, 1 / fan_in), biases 0. For SELU.

    Source: LeCun et al. (1998), https://doi.org/10.1007/3-540-49430-8_2

    Examples
    --------
    >>> LecunNormal().record()
    {'name': 'lecun_normal'}
    """

    name = "lecun_normal"
    scale, fan, distribution = 1.0, "in", "normal"


@dataclass(frozen=True)
class Uniform(Initializer):
    """Every weight and bias U(low, high).

    Parameters
    ----------
    low : float, default=-0.5
    high : float, default=0.5
        Both finite, low < high.

    Raises
    ------
    InvalidParameterError
        If a bound is not finite or `low` is not below `high`.

    Examples
    --------
    >>> Uniform(-0.1, 0.1)
    Uniform(low=-0.1, high=0.1)
    """

    name = "uniform"

    low: float = -0.5
    high: float = 0.5

    def __post_init__(self) -> None:
        settle(self, low=finite(self.low, "low"), high=finite(self.high, "high"))
        if not self.low < self.high:
            raise InvalidParameterError(
                f"low must be below high (got low={self.low}, high={self.high}). "
                "Swap them, or use Constant for one value."
            )

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        return _uniform(block.shape, self.low, self.high, generator)


@dataclass(frozen=True)
class Normal(Initializer):
    """Every weight and bias N(0, scale²).

    Parameters
    ----------
    scale : float, default=0.01
        Standard deviation, at least 0.

    Raises
    ------
    InvalidParameterError
        If `scale` is negative or not finite.

    Examples
    --------
    >>> Normal(0.1)
    Normal(scale=0.1)
    """

    name = "normal"

    scale: float = 0.01

    def __post_init__(self) -> None:
        settle(self, scale=non_negative(self.scale, "scale"))

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        return _normal(block.shape, self.scale, generator)


@dataclass(frozen=True)
class Constant(Initializer):
    """Every weight and bias the same number.

    With hidden layers all units of a layer then stay alike for ever; good for the notes' linear
    classifier, and for seeing why the guess is random.

    Parameters
    ----------
    value : float, default=0.0
        A finite number.

    Raises
    ------
    InvalidParameterError
        If `value` is not finite.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> Constant(0.5).fill(SimpleNamespace(shape=(1, 2)), "sign", None)
    array([[0.5, 0.5]])
    """

    name = "constant"

    value: float = 0.0

    def __post_init__(self) -> None:
        settle(self, value=finite(self.value, "value"))

    def fill(self, block: _Block, activation: str, generator: _Generator) -> Array:
        return np.full(block.shape, self.value)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: _Generator) -> Array:
    return (low + (high - low) * generator.uniform(math.prod(shape))).reshape(shape)


def _normal(shape: tuple[int, ...], deviation: float, generator: _Generator) -> Array:
    return (deviation * generator.normal(math.prod(shape))).reshape(shape)


INITIALIZERS: Family[Initializer] = Family(
    base=Initializer,
    table={
        cls.name: cls
        for cls in (
            Auto,
            GlorotUniform,
            GlorotNormal,
            HeUniform,
            HeNormal,
            LecunUniform,
            LecunNormal,
            Uniform,
            Normal,
            Constant,
        )
    },
    word="initializer",
    elsewhere={
        "xavier": "glorot_uniform",
        "xavier_uniform": "glorot_uniform",
        "xavier_normal": "glorot_normal",
        "kaiming": "he_normal",
        "kaiming_uniform": "he_uniform",
        "kaiming_normal": "he_normal",
        "zeros": "constant",
        "gaussian": "normal",
    },
)

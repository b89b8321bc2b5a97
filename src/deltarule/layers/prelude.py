"""What stands in front of the first dense layer: numerical embedding, and scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, non_negative, positive_integer, settle
from deltarule.exceptions import InvalidParameterError
from deltarule.initializers import Initializer, Normal, Uniform
from deltarule.layers.base import Block, Layer, check_equal

#: Far above any use.
MOST_FREQUENCIES = 65536


@dataclass(frozen=True)
class Scaling(Layer):
    """a = gain ⊙ x: each input times a number of its own, 1 at the start.

    In front of the first dense layer, and with a larger step size than that, it selects inputs:
    what says nothing of the target loses its gain sooner than its weights.

    Parameters
    ----------
    inputs, units : int
        Equal.
    rate_factor : float, default=1.0
        Factor of the step size for the gains, at least 0.

    Raises
    ------
    InvalidParameterError
        If `units` are not `inputs`, or `rate_factor` is below 0.

    Notes
    -----
    Holzmüller, Grinsztajn and Steinwart (2024), https://arxiv.org/abs/2407.04491, who take a factor
    of 6. No penalty pulls at the gains.

    Examples
    --------
    >>> import deltarule as dr
    >>> network = dr.Network(layers=[dr.layers.Scaling(4, 4, rate_factor=6), dr.Dense(4, 1)])
    >>> dr.initialize(network).vector[:4]
    array([1., 1., 1., 1.])
    """

    name = "scaling"
    rate_factor: float = 1.0

    def __post_init__(self) -> None:
        settle(self, rate_factor=non_negative(self.rate_factor, "Scaling.rate_factor"))
        super().__post_init__()
        check_equal(self)

    def blocks(self) -> tuple[Block, ...]:
        """One gain for each unit."""
        fans = (self.inputs, self.units)
        return (Block("gain", (self.units,), "gain", *fans, self.rate_factor, initial=1.0),)


@dataclass(frozen=True)
class NumericalEmbedding(Layer):
    """The inputs x as they are, then V_c cos(2π w_c x_c + b_c) + v_c of each embedded column c.

    A dense layer bends at few places along an input; cosines of many frequencies let it see where
    along its range a number lies.

    Parameters
    ----------
    inputs, units : int
        `units` are the inputs, and `width` for each of `columns`.
    columns : sequence of int
        The inputs that are embedded, each named once: from 0 to ``inputs - 1``.
    frequencies : int, default=16
        Cosines of a column, with w_c and b_c of that length; at most 65536.
    width : int, default=3
        Numbers that each column becomes beside itself: the rows of V_c, and the length of v_c.
    deviation : float or tuple of floats, default=0.1
        Standard deviation of the frequencies w at the start, at least 0: of all columns, or of each
        of `columns`. For inputs scaled to be about 1 in size.
    rate_factor : float, default=1.0
        Factor of the step size for all four blocks, at least 0.

    Raises
    ------
    InvalidParameterError
        If `columns` are none, no inputs or not distinct, `units` are others than these make, or a
        number is outside its range.

    Notes
    -----
    At the start w ~ N(0, deviation²), b ~ U(-π, π), and V and v ~ U(-1, 1) / √frequencies. No
    penalty pulls at them.

    Gorishniy, Rubachev and Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", https://arxiv.org/abs/2203.05556; with a phase b, and the inputs themselves beside
    it, as Holzmüller, Grinsztajn and Steinwart (2024), https://arxiv.org/abs/2407.04491, who take a
    factor of 0.1.

    Examples
    --------
    >>> import deltarule as dr
    >>> embedding = dr.layers.NumericalEmbedding(4, 4 + 2 * 3, columns=(0, 2), rate_factor=0.1)
    >>> [(block.name, block.shape) for block in embedding.blocks()]
    [('frequency', (2, 16)), ('phase', (2, 16)), ('weight', (2, 16, 3)), ('bias', (2, 3))]
    """

    name = "numerical_embedding"
    columns: tuple[int, ...]
    frequencies: int = 16
    width: int = 3
    deviation: float | tuple[float, ...] = 0.1
    rate_factor: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        of = "NumericalEmbedding"
        settle(
            self,
            columns=_columns(self.columns, self.inputs),
            frequencies=_frequencies(self.frequencies),
            width=positive_integer(self.width, f"{of}.width"),
            deviation=_deviation(self.deviation, len(_columns(self.columns, self.inputs))),
            rate_factor=non_negative(self.rate_factor, f"{of}.rate_factor"),
        )
        wanted = self.inputs + self.width * len(self.columns)
        if self.units != wanted:
            raise InvalidParameterError(
                f"{of}.units must be {wanted}: {self.inputs} inputs, and {self.width} numbers for "
                f"each of {len(self.columns)} columns (got {self.units}). Set it to that."
            )

    def blocks(self) -> tuple[Block, ...]:
        """Frequencies and phases of the cosines, what mixes them, and what is added."""
        columns, waves = len(self.columns), (len(self.columns), self.frequencies)
        fans, rate = (self.frequencies, self.width), self.rate_factor
        mix = Uniform(-1 / math.sqrt(self.frequencies), 1 / math.sqrt(self.frequencies))
        turn = Uniform(-math.pi, math.pi)
        return (
            Block("frequency", waves, "frequency", *fans, rate, initial=self._frequency()),
            Block("phase", waves, "phase", *fans, rate, initial=turn),
            Block("weight", (*waves, self.width), "embedding", *fans, rate, initial=mix),
            Block("bias", (columns, self.width), "embedding", *fans, rate, initial=mix),
        )

    def _frequency(self) -> Initializer:
        if isinstance(self.deviation, tuple):
            return _EachColumn(self.deviation)
        return Normal(self.deviation)


@dataclass(frozen=True)
class _EachColumn(Initializer):
    """A row for each column, normal with a deviation of its own."""

    deviations: tuple[float, ...]

    def fill(self, block: Any, activation: str, generator: Any) -> Array:
        return np.array(self.deviations)[:, np.newaxis] * Normal(1.0).fill(
            block, activation, generator
        )


def _deviation(given: Any, columns: int) -> float | tuple[float, ...]:
    """One deviation, or one for each column."""
    of = "NumericalEmbedding.deviation"
    if not isinstance(given, list | tuple | np.ndarray) or np.ndim(given) == 0:
        return non_negative(given, of)
    if len(given) != columns:
        raise InvalidParameterError(
            f"{of} must be one number, or one for each of {columns} columns (got {len(given)} "
            "numbers). Give as many as there are columns."
        )
    return tuple(non_negative(each, of) for each in given)


def _frequencies(given: int) -> int:
    """The number of cosines, if there is any use for so many."""
    found = positive_integer(given, "NumericalEmbedding.frequencies")
    if found > MOST_FREQUENCIES:
        raise InvalidParameterError(
            f"NumericalEmbedding.frequencies must be at most {MOST_FREQUENCIES} (got {found}). "
            "Take fewer: 16 are many."
        )
    return found


def _columns(given: Sequence[int] | Any, inputs: int) -> tuple[int, ...]:
    """The columns as a tuple of int, if each is an input and named once."""
    try:
        columns = tuple(given)
    except TypeError:
        columns = ()
    kinds = all(isinstance(c, int | np.integer) and not isinstance(c, bool) for c in columns)
    if not columns or not kinds or not all(0 <= c < inputs for c in columns):
        raise InvalidParameterError(
            f"NumericalEmbedding.columns must be numbers of inputs, from 0 to {inputs - 1} (got "
            f"{given!r}). Name at least one, or leave the layer out."
        )
    if len(set(columns)) < len(columns):
        raise InvalidParameterError(
            f"NumericalEmbedding.columns must be distinct (got {given!r}). Name each input once."
        )
    return tuple(int(c) for c in columns)

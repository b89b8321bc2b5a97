"""Penalties on weights: what is added to the sum of the losses to keep weights small.

A penalty is two numbers, ``l1`` and ``l2``:

    value(weights)    = l1 Σ |W| + (l2 / 2) Σ W²
    gradient(weights) = l1 sign(W) + l2 W,   sign(0) = 0

It is given the weights alone: which blocks are penalised (weights are, biases are not) is said by
the layers. The objective divides it by n, the sum of the sample weights, as scikit-learn does
with its ``alpha``: ``L2(alpha)`` is that penalty.

Real and complex weights are accepted; the gradient keeps the dtype, the value is summed in double
precision.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, Family, non_negative, settle

__all__ = ["L1", "L1L2", "L2", "PENALTIES", "Penalty"]


class Penalty(Definition):
    """Base of all penalties.

    Attributes
    ----------
    l1, l2 : float
        Strength of Σ |W| and of ½ Σ W²; at least 0.
    """

    word: ClassVar[str] = "penalty"

    @property
    def l1(self) -> float:
        """Strength of Σ |W|."""
        return 0.0

    @property
    def l2(self) -> float:
        """Strength of ½ Σ W²."""
        return 0.0

    def value(self, weights: Array) -> Any:
        """l1 Σ |W| + (l2 / 2) Σ W², not divided by n.

        Parameters
        ----------
        weights : ndarray of any shape

        Returns
        -------
        float
            Or a complex number for complex weights.
        """
        total = np.result_type(weights.dtype, np.float64)
        # |W| along the real axis, so that a complex step goes through.
        with np.errstate(over="ignore"):  # on the way to a non-finite objective
            size = (weights * np.sign(weights.real)).sum(dtype=total) if self.l1 else 0.0
            square = np.square(weights, dtype=total).sum() if self.l2 else 0.0
            return (self.l1 * size + 0.5 * self.l2 * square) * 1.0

    def gradient(self, weights: Array) -> Array:
        """l1 sign(W) + l2 W; shape and dtype of `weights`."""
        slope: Array = self.l1 * np.sign(weights.real) + self.l2 * weights
        return slope


@dataclass(frozen=True)
class L1(Penalty):
    """strength · Σ |W|: drives weights to zero; lasso.

    Parameters
    ----------
    strength : float, default=1e-4
        At least 0.

    Raises
    ------
    InvalidParameterError
        If `strength` is negative or not finite.

    Notes
    -----
    Tibshirani (1996), https://doi.org/10.1111/j.2517-6161.1996.tb02080.x.

    Examples
    --------
    >>> L1(0.5).gradient(np.array([-2.0, 0.0, 3.0]))
    array([-0.5,  0. ,  0.5])
    """

    name = "l1"

    strength: float = 1e-4

    def __post_init__(self) -> None:
        settle(self, strength=non_negative(self.strength, "strength"))

    @property
    def l1(self) -> float:
        return self.strength


@dataclass(frozen=True)
class L2(Penalty):
    """(strength / 2) · Σ W²: pulls weights towards zero; ridge, weight decay.

    Parameters
    ----------
    strength : float, default=1e-4
        At least 0; scikit-learn's ``alpha``, with the ½.

    Raises
    ------
    InvalidParameterError
        If `strength` is negative or not finite.

    Notes
    -----
    Hoerl and Kennard (1970), https://doi.org/10.1080/00401706.1970.10488634.

    Examples
    --------
    >>> float(L2(0.5).value(np.array([-2.0, 0.0, 4.0])))
    5.0
    """

    name = "l2"

    strength: float = 1e-4

    def __post_init__(self) -> None:
        settle(self, strength=non_negative(self.strength, "strength"))

    @property
    def l2(self) -> float:
        return self.strength


@dataclass(frozen=True)
class L1L2(Penalty):
    """l1 · Σ |W| + (l2 / 2) · Σ W²: the elastic net.

    Parameters
    ----------
    l1, l2 : float, default=1e-4
        At least 0.

    Raises
    ------
    InvalidParameterError
        If one of them is negative or not finite.

    Notes
    -----
    Zou and Hastie (2005), https://doi.org/10.1111/j.1467-9868.2005.00503.x. Two strengths instead
    of their strength and ratio, so that each term can be set alone.

    Examples
    --------
    >>> L1L2(l1=1.0, l2=0.5).gradient(np.array([-2.0, 4.0]))
    array([-2.,  3.])
    """

    name = "l1l2"

    l1: float = 1e-4
    l2: float = 1e-4

    def __post_init__(self) -> None:
        settle(self, l1=non_negative(self.l1, "l1"), l2=non_negative(self.l2, "l2"))


PENALTIES: Family[Penalty] = Family(
    base=Penalty,
    table={cls.name: cls for cls in (L1, L2, L1L2)},
    word="penalty",
    elsewhere={"lasso": "l1", "ridge": "l2", "elasticnet": "l1l2", "elastic_net": "l1l2"},
)

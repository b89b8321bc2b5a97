"""Activations over all units of a row."""

from __future__ import annotations

import numpy as np

from deltarule.activations.base import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array, positive_integer, settle
from deltarule.exceptions import InvalidShapeError


class Softmax(Activation):
    """a_k = exp(z_k) / Σ_j exp(z_j) over the units of a row.

    The largest z of the row is taken off first, which changes nothing and cannot overflow.
    ∂a_j/∂z_k = a_j (1{j = k} − a_k): `pullback` applies this Jacobian; `derivative` is its
    diagonal, for looking at, since one number per unit cannot describe it.
    Source: https://en.wikipedia.org/wiki/Softmax_function

    Examples
    --------
    >>> Softmax().value(np.array([[1e4, 1e4], [0.0, -1e4]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    name = "softmax"
    elementwise = False

    def value(self, z: Array) -> Array:
        e = np.exp(z - z.real.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))

    def derivative(self, z: Array, a: Array) -> Array:
        return a * (1.0 - a)

    def pullback(self, z: Array, a: Array, upstream: Array, output: bool = False) -> Array:
        mean = (a * upstream).sum(axis=-1, keepdims=True)
        delta: Array = a * (upstream - mean)
        return delta


@dataclass(frozen=True)
class Ascending(Activation):
    """a_1 = z_1, a_k = a_{k−1} + softplus(z_k): outputs that never cross, for several quantiles.

    Parameters
    ----------
    group : int or None, default=None
        Units of one ascending row where several stand side by side; None for all of them.

    Raises
    ------
    InvalidParameterError
        If `group` is no positive integer.
    InvalidShapeError
        Where it is used, if `group` does not divide the units.

    Notes
    -----
    The derivative of a_j in z_k is 1 for k = 1 and logistic(z_k) for 1 < k ≤ j, so a delta is the
    sum of what comes from above it in the group. Where softplus underflows, two outputs are equal.

    Examples
    --------
    >>> Ascending().value(np.array([[1.0, 0.0, -1000.0]])).round(4)
    array([[1.    , 1.6931, 1.6931]])
    """

    name = "ascending"
    elementwise = False

    group: int | None = None

    def __post_init__(self) -> None:
        if self.group is not None:
            settle(self, group=positive_integer(self.group, "group"))

    @property
    def parameter(self) -> float:
        """Units of a group, 0 for all."""
        return float(self.group or 0)

    def value(self, z: Array) -> Array:
        grouped = self._grouped(z)
        up = grouped.real > 0
        rises = np.where(up, grouped, 0) + np.log1p(np.exp(np.where(up, -grouped, grouped)))
        rises[..., 0] = grouped[..., 0]
        found: Array = np.cumsum(rises, axis=-1).reshape(z.shape).astype(z.dtype, copy=False)
        return found

    def derivative(self, z: Array, a: Array) -> Array:
        """The diagonal of the Jacobian."""
        grouped = self._grouped(z)
        up = grouped.real > 0
        w = np.exp(np.where(up, -grouped, grouped))
        slope = np.where(up, 1.0, w) / (1.0 + w)
        slope[..., 0] = 1.0
        diagonal: Array = slope.reshape(z.shape).astype(z.dtype, copy=False)
        return diagonal

    def pullback(self, z: Array, a: Array, upstream: Array, output: bool = False) -> Array:
        above = np.cumsum(self._grouped(upstream)[..., ::-1], axis=-1)[..., ::-1]
        delta: Array = above.reshape(z.shape) * self.derivative(z, a)
        return delta

    def _grouped(self, z: Array) -> Array:
        group = self.group or z.shape[1]
        if z.shape[1] % group:
            raise InvalidShapeError(
                f"'ascending' in groups of {group} needs a multiple of that many units (got "
                f"{z.shape[1]}). Make group divide the units of the layer."
            )
        return z.reshape(len(z), -1, group)

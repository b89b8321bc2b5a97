"""Optimisers that are linear in the gradients: plain descent, and descent with a velocity."""

from __future__ import annotations

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, in_range, settle
from deltarule.optimizers.base import Stepwise, as_dtype


class SGD(Stepwise):
    """w ← w − α g: the notes' step 3°.

    Parameters
    ----------
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Notes
    -----
    Robbins and Monro (1951), https://doi.org/10.1214/aoms/1177729586

    Examples
    --------
    >>> SGD().update(np.array([1.0]), np.array([2.0]), np.zeros((0, 1)), 0.25, 0)[0]
    array([0.5])
    """

    name = "sgd"
    linear = True

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        return vector - as_dtype(rate, vector) * gradient, moments


@dataclass(frozen=True)
class Momentum(Stepwise):
    """v ← momentum · v − α g;  w ← w + v.

    Parameters
    ----------
    momentum : float, default=0.9
        Share of the velocity that is kept, in [0, 1].
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Raises
    ------
    InvalidParameterError
        If `momentum` is outside [0, 1].

    Notes
    -----
    Polyak (1964), https://doi.org/10.1016/0041-5553(64)90137-5. The velocity carries the step
    size, as in scikit-learn; PyTorch multiplies with it afterwards, which differs when it changes.

    Examples
    --------
    >>> w, v = Momentum(0.5).update(np.array([1.0]), np.array([2.0]), np.zeros((1, 1)), 0.25, 0)
    >>> w, v
    (array([0.5]), array([[-0.5]]))
    """

    name = "momentum"
    own_moments = 1
    linear = True

    momentum: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, momentum=in_range(self.momentum, "momentum", 0, 1))

    def hyperparameters(self) -> tuple[float, float, float, float]:
        return (self.momentum, 0.0, 0.0, 0.0)

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        velocity = self.momentum * moments[0] - as_dtype(rate, vector) * gradient
        return vector + velocity, velocity[np.newaxis]


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← momentum · v − α g;  w ← w + momentum · v − α g, with the new v.

    Parameters
    ----------
    momentum : float, default=0.9
        Share of the velocity that is kept, in [0, 1].
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Raises
    ------
    InvalidParameterError
        If `momentum` is outside [0, 1].

    Notes
    -----
    Sutskever et al. (2013), https://proceedings.mlr.press/v28/sutskever13.html, in the form where
    the gradient is taken at the parameters that are kept, as in scikit-learn.

    Examples
    --------
    >>> w, v = Nesterov(0.5).update(np.array([1.0]), np.array([2.0]), np.zeros((1, 1)), 0.25, 0)
    >>> w, v
    (array([0.25]), array([[-0.5]]))
    """

    name = "nesterov"

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        push = as_dtype(rate, vector) * gradient
        velocity = self.momentum * moments[0] - push
        return vector + (self.momentum * velocity - push), velocity[np.newaxis]

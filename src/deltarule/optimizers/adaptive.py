"""Optimisers with a step size of its own for every parameter, from the squares of its gradients."""

from __future__ import annotations

import math

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, in_range, non_negative, positive, settle
from deltarule.optimizers.base import Stepwise, as_dtype


@dataclass(frozen=True)
class Adam(Stepwise):
    """m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  w ← w − α_t m / (√v + epsilon).

    α_t = α √(1 − β₂^t) / (1 − β₁^t) with t = step + 1.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Decay of the mean m of the gradients, in [0, 1).
    beta_2 : float, default=0.999
        Decay of the mean v of their squares, in [0, 1).
    epsilon : float, default=1e-8
        Keeps the division finite, above 0.
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range.

    Notes
    -----
    Kingma and Ba (2015), https://arxiv.org/abs/1412.6980, in the order of its section 2, as in
    scikit-learn; PyTorch adds epsilon after the correction of v, so its epsilon acts as ours
    times √(1 − β₂^t).

    Examples
    --------
    >>> w, moments = Adam().update(np.array([1.0]), np.array([2.0]), np.zeros((2, 1)), 0.1, 0)
    >>> w.round(6)
    array([0.9])
    """

    name = "adam"
    own_moments = 2

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            beta_1=in_range(self.beta_1, "beta_1", 0, 1, "[)"),
            beta_2=in_range(self.beta_2, "beta_2", 0, 1, "[)"),
            epsilon=positive(self.epsilon, "epsilon"),
        )

    def hyperparameters(self) -> tuple[float, float, float, float]:
        return (self.beta_1, self.beta_2, self.epsilon, 0.0)

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        t = int(step) + 1
        correction = math.sqrt(1.0 - self.beta_2**t) / (1.0 - self.beta_1**t)
        m = self.beta_1 * moments[0] + (1.0 - self.beta_1) * gradient
        v = self.beta_2 * moments[1] + (1.0 - self.beta_2) * (gradient * gradient)
        move = as_dtype(rate * correction, vector) * m / (np.sqrt(v) + self.epsilon)
        return vector - move, np.stack((m, v))


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, and beside it w ← w − α · weight_decay · w with the old w.

    The decay is not part of the gradient, so m and v do not scale it. It touches penalised blocks
    only: weights, not biases. α is the step size with its schedule, without Adam's correction.

    Parameters
    ----------
    beta_1, beta_2, epsilon : float
        As for `Adam`.
    weight_decay : float, default=0.01
        At least 0.
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range.

    Notes
    -----
    Loshchilov and Hutter (2019), https://arxiv.org/abs/1711.05101; the decay is multiplied with
    α, as in PyTorch.

    Examples
    --------
    >>> AdamW(weight_decay=0.1)
    AdamW(beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.1)
    """

    name = "adamw"

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, weight_decay=non_negative(self.weight_decay, "weight_decay"))

    def hyperparameters(self) -> tuple[float, float, float, float]:
        return (self.beta_1, self.beta_2, self.epsilon, self.weight_decay)

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        moved, moments = super().move(vector, gradient, moments, rate, step, decay_mask)
        decay = as_dtype(rate * self.weight_decay, vector) * vector
        if decay_mask is not None:
            decay = np.where(decay_mask, decay, 0)
        return moved - decay, moments


@dataclass(frozen=True)
class RMSprop(Stepwise):
    """v ← decay · v + (1 − decay) g²;  w ← w − α g / (√v + epsilon).

    Parameters
    ----------
    decay : float, default=0.9
        Decay of the mean v of the squared gradients, in [0, 1).
    epsilon : float, default=1e-8
        Keeps the division finite, above 0.
    clip_norm, average : float or None, default=None
        See `Stepwise`.

    Raises
    ------
    InvalidParameterError
        If a value is outside its range.

    Notes
    -----
    Hinton's lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf.

    Examples
    --------
    >>> optimizer = RMSprop(decay=0.75)
    >>> w, v = optimizer.update(np.array([1.0]), np.array([2.0]), np.zeros((1, 1)), 0.1, 0)
    >>> w.round(6), v
    (array([0.8]), array([[1.]]))
    """

    name = "rmsprop"
    own_moments = 1

    decay: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            decay=in_range(self.decay, "decay", 0, 1, "[)"),
            epsilon=positive(self.epsilon, "epsilon"),
        )

    def hyperparameters(self) -> tuple[float, float, float, float]:
        return (self.decay, self.epsilon, 0.0, 0.0)

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        v = self.decay * moments[0] + (1.0 - self.decay) * (gradient * gradient)
        move = as_dtype(rate, vector) * gradient / (np.sqrt(v) + self.epsilon)
        return vector - move, v[np.newaxis]

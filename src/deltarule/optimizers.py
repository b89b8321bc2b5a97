"""Optimisers: from a gradient to new parameters.

Vectors have shape (size,), all parameters of a network in one; the optimiser's memory, its
`moments`, has shape (number, size) and starts at 0. `update` works out of place and keeps the
dtype. ``rate`` is the step size of this step, α_t = ``learning_rate_init`` times the schedule's
factor; ``step`` counts steps from 0. An optimiser has no rate of its own.

The forms are scikit-learn's (``sklearn/neural_network/_stochastic_optimizers.py``): momentum
carries the step size inside the velocity, Adam folds both bias corrections into the step size and
adds epsilon outside the root.

``lbfgs`` stands in the same table but takes no steps: it walks down the whole training set
through SciPy.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import (
    Array,
    Definition,
    Family,
    in_range,
    non_negative,
    positive,
    positive_integer,
    settle,
)
from deltarule.exceptions import InvalidParameterError

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Stepwise",
    "averaging_decay",
]


class Optimizer(Definition):
    """Base of all optimisers.

    Attributes
    ----------
    own_moments : int
        Number of the rule's own state vectors.
    moments : int
        Number of all state vectors.
    linear : bool
        Whether the update is linear in the gradients, which lets an engine rearrange it.
    averages : bool
        Whether the last of the moments is the average of the parameters, which is what a training
        publishes.
    """

    word: ClassVar[str] = "optimizer"
    own_moments: ClassVar[int] = 0
    linear: ClassVar[bool] = False

    @property
    def averages(self) -> bool:
        """Whether the last of the moments is the average of the parameters."""
        return getattr(self, "average", None) is not None

    @property
    def moments(self) -> int:
        """Number of state vectors, the average of the parameters counted."""
        return self.own_moments + self.averages

    def hyperparameters(self) -> tuple[float, float, float, float]:
        """The numbers that the compiled core needs beside the name, filled up with 0."""
        return (0.0, 0.0, 0.0, 0.0)

    def update(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None = None,
    ) -> tuple[Array, Array]:
        """One step.

        Parameters
        ----------
        vector : ndarray of shape (size,)
            The parameters w.
        gradient : ndarray of shape (size,)
            The gradient g, penalties included.
        moments : ndarray of shape (number, size)
            The state vectors; zeros before the first step.
        rate : float, or ndarray of shape (size,)
            The step size α; one per parameter where layers have factors of their own.
        step : int
            Steps done before this one.
        decay_mask : ndarray of bool of shape (size,), default=None
            Which parameters decay, for AdamW; None for all.

        Returns
        -------
        vector : ndarray of shape (size,)
        moments : ndarray of shape (number, size)
            Both new, in the dtype of `vector`.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Stepwise(Optimizer):
    """Base of the optimisers that go step by step, and what all of these can do.

    Parameters
    ----------
    clip_norm : float or None, default=None
        A gradient (penalties included) whose Euclidean norm over all parameters is larger is
        scaled down to it; above 0. None clips nothing.
    average : float or None, default=None
        Decay of a running average of the parameters, in [0, 1), which predicts and is judged in
        place of the last parameters: a ← d a + (1 − d) w after each step, with
        d = min(average, t / (t + 9)) at step t = 0, 1, …, so that the start is forgotten. None
        keeps no average.

    Notes
    -----
    Clipping: Pascanu et al. (2013), https://proceedings.mlr.press/v28/pascanu13.html. Averages:
    Polyak and Juditsky (1992), https://doi.org/10.1137/0330046. Beside batch normalization they
    predict with the running statistics of the steps, which are those of weights not averaged.
    """

    clip_norm: float | None = field(default=None, kw_only=True)
    average: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.clip_norm is not None:
            settle(self, clip_norm=positive(self.clip_norm, "clip_norm"))
        if self.average is not None:
            settle(self, average=in_range(self.average, "average", 0, 1, "[)"))

    def update(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None = None,
    ) -> tuple[Array, Array]:
        """One step: clip, the optimiser's own rule, average; see `Optimizer.update`."""
        if self.clip_norm is not None:
            gradient = _clipped(gradient, self.clip_norm)
        if self.average is None:
            return self.move(vector, gradient, moments, rate, step, decay_mask)
        moved, own = self.move(vector, gradient, moments[:-1], rate, step, decay_mask)
        share = _as(1.0 - averaging_decay(self.average, step), vector)
        average = moments[-1] + share * (moved - moments[-1])
        return moved, np.concatenate((own, average[np.newaxis]))

    def move(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None,
    ) -> tuple[Array, Array]:
        """The optimiser's own rule; parameters as for `update`."""
        raise NotImplementedError


def averaging_decay(average: float, step: int) -> float:
    """What the average of the parameters keeps of itself at a step; nothing at the first.

    Examples
    --------
    >>> averaging_decay(0.9, 0), averaging_decay(0.9, 1), averaging_decay(0.9, 1000)
    (0.0, 0.1, 0.9)
    """
    return min(average, step / (step + 9.0))


def _clipped(gradient: Array, most: float) -> Array:
    """The gradient at no more than this norm, which is summed in float64."""
    wide = gradient.astype(np.float64, copy=False)
    norm = math.sqrt(float(wide @ wide))
    return gradient * _as(most / norm, gradient) if norm > most else gradient


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
        return vector - _as(rate, vector) * gradient, moments


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
        velocity = self.momentum * moments[0] - _as(rate, vector) * gradient
        return vector + velocity, velocity[np.newaxis]


@dataclass(frozen=True)
class Nesterov(Stepwise):
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
        push = _as(rate, vector) * gradient
        velocity = self.momentum * moments[0] - push
        return vector + (self.momentum * velocity - push), velocity[np.newaxis]


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
        move = _as(rate * correction, vector) * m / (np.sqrt(v) + self.epsilon)
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
        decay = _as(rate * self.weight_decay, vector) * vector
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
        move = _as(rate, vector) * gradient / (np.sqrt(v) + self.epsilon)
        return vector - move, v[np.newaxis]


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS over the whole training set, through SciPy; no rate, no batches.

    Parameters
    ----------
    max_fun : int, default=15000
        Most evaluations of objective and gradient, at least 1.
    memory : int, default=10
        Pairs of steps and gradient changes that shape the curvature, at least 1.

    Raises
    ------
    InvalidParameterError
        If a value is no positive integer; and by `update`, for there are no steps.

    Notes
    -----
    Liu and Nocedal (1989), https://doi.org/10.1007/BF01589116. It is exact and needs no tuning on
    small training sets, and is slow on large ones.

    Examples
    --------
    >>> LBFGS(max_fun=100)
    LBFGS(max_fun=100, memory=10)
    """

    name = "lbfgs"

    max_fun: int = 15000
    memory: int = 10

    def __post_init__(self) -> None:
        settle(
            self,
            max_fun=positive_integer(self.max_fun, "max_fun"),
            memory=positive_integer(self.memory, "memory"),
        )

    def update(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None = None,
    ) -> tuple[Array, Array]:
        raise InvalidParameterError(
            "optimizer must be one that takes steps (got 'lbfgs', which needs the whole training "
            "set at once). Use 'adam' or 'sgd' for single steps."
        )


def _as(rate: float | Array, vector: Array) -> Array:
    # A float64 array of rates, or a NumPy scalar, would turn a float32 update into float64.
    return np.asarray(rate, dtype=vector.dtype)


OPTIMIZERS: Family[Optimizer] = Family(
    base=Optimizer,
    table={cls.name: cls for cls in (SGD, Momentum, Nesterov, Adam, AdamW, RMSprop, LBFGS)},
    word="optimizer",
    elsewhere={"l_bfgs": "lbfgs", "bfgs": "lbfgs", "nag": "nesterov", "gd": "sgd"},
)

"""What every optimiser promises, and what those that go step by step can do."""

from __future__ import annotations

import math
from dataclasses import field
from typing import ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, in_range, positive, settle


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
    clips : bool
        Whether gradients are held to a norm.
    averages : bool
        Whether the last of the moments is the average of the parameters, which is what a training
        publishes.
    """

    word: ClassVar[str] = "optimizer"
    own_moments: ClassVar[int] = 0
    linear: ClassVar[bool] = False

    @property
    def clips(self) -> bool:
        """Whether gradients are held to a norm."""
        return False

    @property
    def averages(self) -> bool:
        """Whether the last of the moments is the average of the parameters."""
        return False

    @property
    def moments(self) -> int:
        """Number of state vectors, the average of the parameters counted."""
        return self.own_moments + self.averages

    def hyperparameters(self) -> tuple[float, float, float, float]:
        """The numbers that the compiled core needs beside the name, filled up with 0."""
        return (0.0, 0.0, 0.0, 0.0)

    def around(self) -> tuple[float, float]:
        """What clips (a norm, 0 for none) and averages (a decay, -1 for none), for the core."""
        return (0.0, -1.0)

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

    @property
    def clips(self) -> bool:
        return self.clip_norm is not None

    @property
    def averages(self) -> bool:
        return self.average is not None

    def around(self) -> tuple[float, float]:
        clip_norm, average = self.clip_norm, self.average
        return (clip_norm or 0.0, -1.0 if average is None else average)

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
        share = as_dtype(1.0 - averaging_decay(self.average, step), vector)
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
    return gradient * as_dtype(most / norm, gradient) if norm > most else gradient


def as_dtype(rate: float | Array, vector: Array) -> Array:
    """The rate in the vector's dtype: float64 rates would turn a float32 update into float64."""
    return np.asarray(rate, dtype=vector.dtype)

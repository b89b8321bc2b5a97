"""Losses: f = Σ_k of the terms of a row, and ∂f/∂prediction.

Axes: prediction and target have shape (rows, outputs); ``value`` and ``derivative`` return that
shape, term by term, and the sum over the outputs of a row is f. The mean over the rows is taken
by the objective, not here.
Dtypes: float32 and float64 are kept; predictions may be complex128, so that derivatives can be
checked by the complex step. No warning and no exception at the ends of the range: a prediction
of 0 where that is impossible costs inf, quietly.

Conventions where books differ:

* squared error has the ½, so its derivative is prediction − target; scikit-learn's ``loss_curve_``
  also has it, but takes the mean over the outputs, where here it is the sum.
* Poisson is half the deviance, as in scikit-learn: 0 for a perfect prediction.
* absolute error and quantile have derivative 0 where the prediction is exact.
* perceptron counts a row on the boundary (target · z = 0) as wrong, so that training can start
  from zero weights.

The stable forms of log_loss, Poisson and squared error with their canonical output activations
start from z and stand in ``backprop.py``; what is here is their meaning.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, Family, in_range, positive, settle
from deltarule.exceptions import InvalidParameterError, InvalidShapeError

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "Function",
    "Huber",
    "LogLoss",
    "Loss",
    "Perceptron",
    "Poisson",
    "Quantile",
    "SquaredError",
]


class Loss(Definition):
    """Base of all losses.

    Attributes
    ----------
    activations : frozenset of str, or None
        The output activations for which the loss is defined; None for any.
    of_pre_activation : bool
        Whether the loss judges z instead of the output a (perceptron).
    smooth : bool
        Whether the loss is analytic in the prediction.
    parameter : float
        The one number that the compiled core needs beside the name; 0.0 where there is none.
    """

    word: ClassVar[str] = "loss"
    activations: ClassVar[frozenset[str] | None] = None
    of_pre_activation: ClassVar[bool] = False
    smooth: ClassVar[bool] = True

    @property
    def parameter(self) -> float:
        """The loss's number, if it has one."""
        return 0.0

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the compiled core needs: one number for all outputs, or one for each in turn."""
        return (self.parameter,)

    def value(self, prediction: Array, target: Array) -> Array:
        """The terms of f.

        Parameters
        ----------
        prediction, target : ndarray of shape (rows, outputs)
            For losses `of_pre_activation`, `prediction` is z.

        Returns
        -------
        ndarray of shape (rows, outputs)
            In the dtype of the prediction.
        """
        raise NotImplementedError

    def derivative(self, prediction: Array, target: Array) -> Array:
        """∂f/∂prediction, term by term; shape and dtype of the prediction."""
        raise NotImplementedError

    def kinks(self, target: Array) -> tuple[Array, ...]:
        """The predictions, for each target, at which the loss changes its formula."""
        return ()

    def check_target(self, target: Array, activation: str) -> str | None:
        """Why `target` does not fit the loss, as a sentence; None where it fits.

        Parameters
        ----------
        target : ndarray of shape (rows, outputs)
            All targets of a training.
        activation : str
            Name of the output activation.
        """
        return None

    def class_targets(self, activation: str) -> tuple[float, float]:
        """The targets (not this class, this class) behind an output activation."""
        return (-1.0, 1.0) if activation in ("tanh", "sign") else (0.0, 1.0)


class SquaredError(Loss):
    """½ (prediction − target)², derivative prediction − target; the notes' loss.

    Source: https://scikit-learn.org/stable/modules/neural_networks_supervised.html

    Examples
    --------
    >>> SquaredError().value(np.array([[3.0]]), np.array([[1.0]]))
    array([[2.]])
    """

    name = "squared_error"

    def value(self, prediction: Array, target: Array) -> Array:
        residual = prediction - target
        terms: Array = 0.5 * residual * residual
        return terms

    def derivative(self, prediction: Array, target: Array) -> Array:
        return prediction - target


class AbsoluteError(Loss):
    """|prediction − target|, derivative its sign, 0 at 0; predicts the median.

    Source: https://en.wikipedia.org/wiki/Least_absolute_deviations

    Examples
    --------
    >>> AbsoluteError().derivative(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    array([[1., 0.]])
    """

    name = "absolute_error"
    smooth = False

    def value(self, prediction: Array, target: Array) -> Array:
        residual = prediction - target
        terms: Array = residual * np.sign(residual.real)
        return terms

    def derivative(self, prediction: Array, target: Array) -> Array:
        slopes: Array = np.sign((prediction - target).real).astype(prediction.dtype)
        return slopes

    def kinks(self, target: Array) -> tuple[Array, ...]:
        return (target,)


@dataclass(frozen=True)
class Huber(Loss):
    """½ r² where |r| ≤ delta, else delta (|r| − ½ delta), with r = prediction − target.

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola goes over into its tangents, above 0, in the unit of the target.

    Raises
    ------
    InvalidParameterError
        If `delta` is not positive and finite.

    Notes
    -----
    Huber (1964), https://doi.org/10.1214/aoms/1177703732. For delta → ∞ it is `SquaredError`, and
    divided by delta, for delta → 0, `AbsoluteError`. scikit-learn's HuberLoss takes a quantile
    of the residuals for delta; here it is a fixed number.

    Examples
    --------
    >>> Huber(1.0).value(np.array([[0.5, 3.0]]), np.array([[0.0, 0.0]]))
    array([[0.125, 2.5  ]])
    """

    name = "huber"
    smooth = False

    delta: float = 1.0

    def __post_init__(self) -> None:
        settle(self, delta=positive(self.delta, "delta"))

    @property
    def parameter(self) -> float:
        return self.delta

    def value(self, prediction: Array, target: Array) -> Array:
        residual = prediction - target
        side = np.sign(residual.real)
        # The clipped residual c gives both branches at once, c (r − ½ c), and never squares a
        # residual that is far away.
        clipped = np.where(residual.real * side <= self.delta, residual, self.delta * side)
        return clipped * (residual - 0.5 * clipped)

    def derivative(self, prediction: Array, target: Array) -> Array:
        residual = prediction - target
        side = np.sign(residual.real)
        return np.where(residual.real * side <= self.delta, residual, self.delta * side)

    def kinks(self, target: Array) -> tuple[Array, ...]:
        return (target - self.delta, target + self.delta)


@dataclass(frozen=True)
class Quantile(Loss):
    """quantile · r where r ≥ 0, else (quantile − 1) · r, with r = target − prediction.

    The derivative is −quantile where the target is above the prediction, 1 − quantile where it is
    below, and 0 where they are equal. Also called pinball loss.

    Parameters
    ----------
    quantile : float or tuple of float, default=0.5
        The quantile to predict, strictly between 0 and 1; 0.5 is half the absolute error. Or
        several, rising, as a tuple, which may be of one: then the outputs stand in groups of so
        many, one for each, under an output activation that keeps them in order (``"ascending"``) or
        not, and estimators have `predict_quantiles`.

    Raises
    ------
    InvalidParameterError
        If a quantile is not strictly between 0 and 1, or they do not rise.

    Notes
    -----
    Koenker and Bassett (1978), https://doi.org/10.2307/1913643.

    Examples
    --------
    >>> Quantile(0.9).value(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0]]))
    array([[0.9, 0.1]])
    """

    name = "quantile"
    smooth = False

    quantile: float | tuple[float, ...] = 0.5

    def __post_init__(self) -> None:
        if not isinstance(self.quantile, tuple | list):
            settle(self, quantile=in_range(self.quantile, "quantile", 0, 1, "()"))
            return
        levels = tuple(
            in_range(level, f"quantile[{index}]", 0, 1, "()")
            for index, level in enumerate(self.quantile)
        )
        if not levels or any(a >= b for a, b in itertools.pairwise(levels)):
            raise InvalidParameterError(
                f"quantile must be a number or rising numbers (got {self.quantile!r}). Sort them "
                "and leave out what stands there twice."
            )
        settle(self, quantile=levels)

    @property
    def levels(self) -> tuple[float, ...]:
        """All quantiles that are predicted."""
        return self.quantile if isinstance(self.quantile, tuple) else (self.quantile,)

    @property
    def parameters(self) -> tuple[float, ...]:
        return self.levels

    @property
    def parameter(self) -> float:
        return self.levels[0]

    def value(self, prediction: Array, target: Array) -> Array:
        below = target - prediction
        terms: Array = below * self._slope(below)
        return terms.astype(below.dtype, copy=False)

    def derivative(self, prediction: Array, target: Array) -> Array:
        return (-self._slope(target - prediction)).astype(prediction.dtype)

    def _slope(self, below: Array) -> Array:
        side = np.sign(below.real)
        level: Any = self.quantile
        if isinstance(level, tuple):
            if below.shape[1] % len(level):
                raise InvalidShapeError(
                    f"a loss of {len(level)} quantiles needs a multiple of that many outputs (got "
                    f"{below.shape[1]}). Give the last layer one unit for each quantile."
                )
            level = np.tile(np.array(level, dtype=side.dtype), below.shape[1] // len(level))
        slope: Array = (0.5 + (level - 0.5) * side) * side
        return slope

    def kinks(self, target: Array) -> tuple[Array, ...]:
        return (target,)


class Poisson(Loss):
    """target log(target / prediction) − target + prediction, derivative 1 − target / prediction.

    Half the Poisson deviance: 0 for a perfect prediction, and 0 log 0 is 0. Predictions are
    positive, so the output activation is exp, softplus, logistic or softmax. A prediction of 0
    costs inf where the target is positive.

    Source: https://scikit-learn.org/stable/modules/model_evaluation.html#mean-tweedie-deviance

    Examples
    --------
    >>> Poisson().value(np.array([[2.0, 2.0]]), np.array([[2.0, 0.0]]))
    array([[0., 2.]])
    """

    name = "poisson"
    activations = frozenset({"exp", "softplus", "logistic", "softmax"})

    def value(self, prediction: Array, target: Array) -> Array:
        return _times_log(target, target) - _times_log(target, prediction) - target + prediction

    def derivative(self, prediction: Array, target: Array) -> Array:
        return 1.0 - _ratio(target, prediction)

    def check_target(self, target: Array, activation: str) -> str | None:
        low = float(target.min(initial=0.0))
        if low >= 0:
            return None
        return (
            f"loss 'poisson' needs targets of at least 0 (got {low:g}). "
            "Use 'squared_error' for targets of either sign."
        )


class LogLoss(Loss):
    """−target log(prediction): the negative log-likelihood of the classes; cross-entropy.

    Behind a softmax the outputs of a row are one distribution, and f = −Σ_k target_k
    log(prediction_k). Behind logistic units each output is a distribution of its own, and its
    term is −target log(prediction) − (1 − target) log(1 − prediction). Natural logarithm.
    Targets may be soft: any numbers in [0, 1], in rows that sum to 1 behind a softmax.

    Both activations are canonical for this loss: δ^L = prediction − target, and ``backprop.py``
    computes value and delta from z.

    Source: https://scikit-learn.org/stable/modules/model_evaluation.html#log-loss

    Examples
    --------
    >>> prediction, target = np.array([[0.25, 0.75]]), np.array([[0.0, 1.0]])
    >>> LogLoss().value(prediction, target).round(4)
    array([[0.    , 0.2877]])
    >>> LogLoss().value(prediction, target, activation="logistic").round(4)
    array([[0.2877, 0.2877]])
    """

    name = "log_loss"
    activations = frozenset({"softmax", "logistic"})

    def value(self, prediction: Array, target: Array, activation: str = "softmax") -> Array:
        """The terms of f; `activation` says which of the two forms."""
        terms = 0 - _times_log(target, prediction)
        if activation == "logistic":
            terms = terms - _times_log(1 - target, 1 - prediction)
        return terms

    def derivative(self, prediction: Array, target: Array, activation: str = "softmax") -> Array:
        """∂f/∂prediction; `activation` says which of the two forms."""
        slopes = 0 - _ratio(target, prediction)
        if activation == "logistic":
            slopes = slopes + _ratio(1 - target, 1 - prediction)
        return slopes

    def check_target(self, target: Array, activation: str) -> str | None:
        low, high = float(target.min(initial=0.0)), float(target.max(initial=0.0))
        if low < 0 or high > 1:
            return (
                "loss 'log_loss' needs targets between 0 and 1 "
                f"(got {low if low < 0 else high:g}). Encode the classes as 0 and 1."
            )
        if activation == "softmax" and target.size:
            sums = target.sum(axis=1, dtype=np.float64)
            row = int(np.argmax(np.abs(sums - 1.0)))
            if abs(sums[row] - 1.0) > 1e-5:
                return (
                    "loss 'log_loss' behind a softmax needs targets that sum to 1 in every row "
                    f"(got {sums[row]:g} in row {row}). Use the logistic output activation for "
                    "several labels at once."
                )
        return None


class Perceptron(Loss):
    """max(0, −target · z), derivative −target where target · z ≤ 0, else 0.

    Rosenblatt's rule: only rows on the wrong side move the weights. Targets are −1 and +1, the
    output activation is sign (or identity, to see z). It judges z, not the output.

    Source: https://scikit-learn.org/stable/modules/linear_model.html#perceptron

    Examples
    --------
    >>> z, target = np.array([[-2.0, 0.0, 3.0]]), np.array([[1.0, 1.0, 1.0]])
    >>> Perceptron().value(z, target)
    array([[2., 0., 0.]])
    >>> Perceptron().derivative(z, target)
    array([[-1., -1.,  0.]])
    """

    name = "perceptron"
    activations = frozenset({"sign", "identity"})
    of_pre_activation = True
    smooth = False

    def value(self, prediction: Array, target: Array) -> Array:
        wrong = target * prediction.real <= 0
        return np.where(wrong, 0 - target * prediction, 0)

    def derivative(self, prediction: Array, target: Array) -> Array:
        wrong = target * prediction.real <= 0
        return np.where(wrong, 0 - target, 0).astype(prediction.dtype)

    def kinks(self, target: Array) -> tuple[Array, ...]:
        return (np.zeros_like(target),)

    def check_target(self, target: Array, activation: str) -> str | None:
        other = target[np.abs(target) != 1]
        if other.size == 0:
            return None
        return (
            f"loss 'perceptron' needs targets of -1 and +1 (got {float(other[0]):g}). "
            "Encode the two classes as -1 and +1."
        )

    def class_targets(self, activation: str) -> tuple[float, float]:
        return (-1.0, 1.0)


@dataclass(frozen=True)
class _Checked:
    """A user's function of prediction and target, whose result has to fit the prediction."""

    function: Callable[[Array, Array], Any]
    what: str

    def __call__(self, prediction: Array, target: Array) -> Array:
        result = np.asarray(self.function(prediction, target))
        if result.shape != prediction.shape:
            raise InvalidShapeError(
                f"{self.what} of a loss Function must return an array of the shape of the "
                f"prediction, {prediction.shape} (got {result.shape}). Give a term for each "
                "output; their sum is taken."
            )
        return result


@dataclass(frozen=True)
class Function(Loss):
    """A user's own loss: two Python functions on arrays. Runs on the reference engine.

    Parameters
    ----------
    value : callable
        ``value(prediction, target)``: the terms of f, shape (rows, outputs).
    derivative : callable
        ``derivative(prediction, target)``: ∂f/∂prediction, same shape.
    name : str, default="function"
        For messages and displays.

    Raises
    ------
    InvalidParameterError
        If `value` or `derivative` cannot be called; and by `record`, since no file holds code.

    Notes
    -----
    Two of them are equal when they hold the same functions. To pickle one, define its functions
    at the top of a module.

    Examples
    --------
    >>> log_cosh = Function(lambda p, d: np.log(np.cosh(p - d)), lambda p, d: np.tanh(p - d))
    >>> log_cosh.value(np.array([[1.0]]), np.array([[1.0]]))
    array([[0.]])
    """

    smooth = False

    # field(): without it dataclass would take the method of the base class for a default.
    value: Callable[[Array, Array], Array] = field()  # type: ignore[assignment]
    derivative: Callable[[Array, Array], Array] = field()  # type: ignore[assignment]
    name: str = "function"  # type: ignore[misc]

    def __post_init__(self) -> None:
        for what in ("value", "derivative"):
            function = getattr(self, what)
            if not callable(function):
                raise InvalidParameterError(
                    f"{what} of a loss Function must be a function of prediction and target "
                    f"(got {function!r}). Give a Python function on arrays."
                )
            if not isinstance(function, _Checked):
                settle(self, **{what: _Checked(function, what)})


def _times_log(factor: Array, x: Array) -> Array:
    """factor · log(x), 0 where the factor is 0, whatever x."""
    absent = factor == 0
    with np.errstate(divide="ignore"):
        return np.where(absent, 0, factor * np.log(np.where(absent, 1, x)))


def _ratio(a: Array, b: Array) -> Array:
    """a / b, 0 where a is 0, whatever b."""
    absent = a == 0
    with np.errstate(divide="ignore", over="ignore"):
        return np.where(absent, 0, a / np.where(absent, 1, b))


LOSSES: Family[Loss] = Family(
    base=Loss,
    table={
        cls.name: cls
        for cls in (SquaredError, AbsoluteError, Huber, Quantile, Poisson, LogLoss, Perceptron)
    },
    word="loss",
    own="dr.losses.Function(value, derivative)",
    elsewhere={
        "mse": "squared_error",
        "l2": "squared_error",
        "mean_squared_error": "squared_error",
        "mae": "absolute_error",
        "l1": "absolute_error",
        "mean_absolute_error": "absolute_error",
        "pinball": "quantile",
        "cross_entropy": "log_loss",
        "crossentropy": "log_loss",
        "bce": "log_loss",
    },
)

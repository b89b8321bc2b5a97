"""Activations: a = σ(z), their derivatives, and how a delta is pulled back through them.

Axes: arrays have shape (rows, units). All activations but softmax work number by number.
Dtypes: float32 and float64 are kept. complex128 works as well, so that derivatives can be checked
by the complex step (https://doi.org/10.1145/838250.838251): branches follow the real part, and
nothing takes an absolute value or a maximum of a complex number.
Range: no overflow for any |z| up to 1e4 in either precision; only ``exp`` may give inf, quietly.

Conventions where books differ:

* ``logistic`` is what many call sigmoid; ``exp`` is the output of Poisson regression.
* ReLU'(0) = 0, and leaky ReLU and SELU take their left derivative at 0.
* sign(0) = +1. Behind a hidden sign unit the derivative is the clipped straight-through one,
  1{|z| ≤ 1}; behind an output unit it is 1, which makes squared error on a sign output the
  perceptron rule at twice the step size.
* ``gelu`` is the exact one with the error function, not the tanh approximation.

A derivative takes both z and a = σ(z), because one of them usually makes it cheap: the notes'
h (1 − h) is ``a * (1 - a)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, Family, non_negative, settle
from deltarule.exceptions import InvalidParameterError, InvalidShapeError

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "SELU",
    "Activation",
    "Exp",
    "Function",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Mish",
    "ReLU",
    "SiLU",
    "Sign",
    "Softmax",
    "Softplus",
    "Tanh",
]

_SQRT_HALF = math.sqrt(0.5)
_INVERSE_SQRT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)
# The fixed point of zero mean and unit variance, https://arxiv.org/abs/1706.02515
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


class Activation(Definition):
    """Base of all activations.

    Attributes
    ----------
    elementwise : bool
        Whether a[i, k] depends on z[i, k] alone.
    smooth : bool
        Whether σ is analytic on the whole line, so that a complex step gives its derivative.
    kinks : tuple of float
        The z at which σ or its derivative jumps.
    parameter : float
        The one number that the compiled core needs beside the name; 0.0 where there is none.
    """

    word: ClassVar[str] = "activation"
    elementwise: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    kinks: ClassVar[tuple[float, ...]] = ()

    @property
    def parameter(self) -> float:
        """The activation's number, if it has one."""
        return 0.0

    def value(self, z: Array) -> Array:
        """σ(z).

        Parameters
        ----------
        z : ndarray of shape (rows, units)
            Pre-activations.

        Returns
        -------
        ndarray of shape (rows, units)
            The layer's output a, in the dtype of z; a new array, or z itself for ``identity``.
        """
        raise NotImplementedError

    def derivative(self, z: Array, a: Array) -> Array:
        """σ'(z), given also a = σ(z); shape and dtype of z."""
        raise NotImplementedError

    def output_derivative(self, z: Array, a: Array) -> Array:
        """σ'(z) as it is used behind an output unit; differs for ``sign`` only."""
        return self.derivative(z, a)

    def pullback(self, z: Array, a: Array, upstream: Array, output: bool = False) -> Array:
        """From ∂f/∂a to ∂f/∂z: delta = Jᵀ upstream.

        Parameters
        ----------
        z, a : ndarray of shape (rows, units)
            Pre-activations and outputs of the layer.
        upstream : ndarray of shape (rows, units)
            ∂f/∂a.
        output : bool, default=False
            Whether the layer is the last one.

        Returns
        -------
        ndarray of shape (rows, units)
            The delta of the layer.
        """
        slope = self.output_derivative(z, a) if output else self.derivative(z, a)
        return upstream * slope


class Identity(Activation):
    """a = z.

    Examples
    --------
    >>> Identity().value(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """

    name = "identity"

    def value(self, z: Array) -> Array:
        return z

    def derivative(self, z: Array, a: Array) -> Array:
        return np.ones_like(z)


class Logistic(Activation):
    """a = 1 / (1 + exp(−z)), derivative a (1 − a); the notes' σ.

    Computed from exp(−|z|), so that it neither overflows nor loses the digits of a small a.
    Source: https://en.wikipedia.org/wiki/Logistic_function

    Examples
    --------
    >>> Logistic().value(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """

    name = "logistic"

    def value(self, z: Array) -> Array:
        return _logistic(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return a * (1.0 - a)


class Tanh(Activation):
    """a = tanh(z), derivative 1 − a².

    Source: https://en.wikipedia.org/wiki/Hyperbolic_functions

    Examples
    --------
    >>> Tanh().derivative(np.array([0.0]), np.array([0.0]))
    array([1.])
    """

    name = "tanh"

    def value(self, z: Array) -> Array:
        return np.tanh(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return 1.0 - a * a


class ReLU(Activation):
    """a = max(0, z), derivative 1 for z > 0 and 0 elsewhere, at 0 too.

    Source: https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf

    Examples
    --------
    >>> ReLU().value(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    name = "relu"
    smooth = False
    kinks = (0.0,)

    def value(self, z: Array) -> Array:
        if np.iscomplexobj(z):
            return np.where(z.real > 0, z, 0)
        return np.maximum(z, 0)  # not np.where: a NaN has to stay a NaN

    def derivative(self, z: Array, a: Array) -> Array:
        return _where(z.real > 0, 1.0, 0.0, z)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """a = z for z > 0, else slope · z; the derivative at 0 is `slope`.

    Parameters
    ----------
    slope : float, default=0.01
        Slope on the negative side, at least 0.

    Raises
    ------
    InvalidParameterError
        If `slope` is negative or not finite.

    Notes
    -----
    Source: https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf

    Examples
    --------
    >>> LeakyReLU(0.5).value(np.array([-1.0, 2.0]))
    array([-0.5,  2. ])
    """

    name = "leaky_relu"
    smooth = False
    kinks = (0.0,)

    slope: float = 0.01

    def __post_init__(self) -> None:
        settle(self, slope=non_negative(self.slope, "slope"))

    @property
    def parameter(self) -> float:
        return self.slope

    def value(self, z: Array) -> Array:
        return np.where(z.real > 0, z, self.slope * z)

    def derivative(self, z: Array, a: Array) -> Array:
        return _where(z.real > 0, 1.0, self.slope, z)


class Sign(Activation):
    """a = +1 for z ≥ 0, else −1; trained with a stated rule in place of a derivative.

    Hidden units use the clipped straight-through derivative 1{|z| ≤ 1}
    (https://arxiv.org/abs/1602.02830), output units 1. Neither is the derivative of σ, which is 0
    wherever it exists, so sign units are judged against the rule and not by finite differences.

    Examples
    --------
    >>> z = np.array([-2.0, -1.0, 0.0, 0.5])
    >>> Sign().value(z)
    array([-1., -1.,  1.,  1.])
    >>> Sign().derivative(z, Sign().value(z))
    array([0., 1., 1., 1.])
    """

    name = "sign"
    smooth = False
    kinks = (-1.0, 0.0, 1.0)

    def value(self, z: Array) -> Array:
        return _where(z.real >= 0, 1.0, -1.0, z)

    def derivative(self, z: Array, a: Array) -> Array:
        return _where(np.abs(z.real) <= 1, 1.0, 0.0, z)

    def output_derivative(self, z: Array, a: Array) -> Array:
        return np.ones_like(z)


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


class Softplus(Activation):
    """a = log(1 + exp(z)), derivative logistic(z).

    Source: https://en.wikipedia.org/wiki/Softplus

    Examples
    --------
    >>> Softplus().value(np.array([-1e4, 1e4]))
    array([    0., 10000.])
    """

    name = "softplus"

    def value(self, z: Array) -> Array:
        up = z.real > 0
        return np.where(up, z, 0) + np.log1p(np.exp(np.where(up, -z, z)))

    def derivative(self, z: Array, a: Array) -> Array:
        return _logistic(z)


class SELU(Activation):
    """a = scale · z for z > 0, else scale · alpha · (exp(z) − 1).

    scale = 1.0507009873554805 and alpha = 1.6732632423543772 keep mean 0 and variance 1 from
    layer to layer, with LeCun's initial weights. At 0 the derivative is scale · alpha, the left
    one. Source: https://arxiv.org/abs/1706.02515

    Examples
    --------
    >>> SELU().value(np.array([1.0])).round(4)
    array([1.0507])
    """

    name = "selu"
    smooth = False
    kinks = (0.0,)

    def value(self, z: Array) -> Array:
        up = z.real > 0
        below = np.expm1(np.where(up, 0, z))
        return np.where(up, _SELU_SCALE * z, _SELU_SCALE * _SELU_ALPHA * below)

    def derivative(self, z: Array, a: Array) -> Array:
        up = z.real > 0
        below = _SELU_SCALE * _SELU_ALPHA * np.exp(np.where(up, 0, z))
        return np.where(up, z.dtype.type(_SELU_SCALE), below)


class GELU(Activation):
    """a = z Φ(z), Φ the normal distribution function; derivative Φ(z) + z φ(z).

    The exact form with the error function, as in PyTorch's default, not the tanh approximation.
    Source: https://arxiv.org/abs/1606.08415

    Examples
    --------
    >>> GELU().value(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """

    name = "gelu"

    def value(self, z: Array) -> Array:
        return z * _normal_distribution(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return _normal_distribution(z) + z * (_INVERSE_SQRT_TWO_PI * np.exp(-0.5 * z * z))


class SiLU(Activation):
    """a = z logistic(z), derivative s (1 + z (1 − s)) with s = logistic(z); also called swish.

    Source: https://arxiv.org/abs/1702.03118

    Examples
    --------
    >>> SiLU().value(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """

    name = "silu"

    def value(self, z: Array) -> Array:
        return z * _logistic(z)

    def derivative(self, z: Array, a: Array) -> Array:
        s = _logistic(z)
        return s * (1.0 + z * (1.0 - s))


class Mish(Activation):
    """a = z t, t = tanh(softplus(z)); derivative t + z (1 − t²) logistic(z).

    With w = exp(−|z|), t and 1 − t are ratios of small polynomials in w, so nothing overflows
    and 1 − t² keeps its digits. Source: https://arxiv.org/abs/1908.08681

    Examples
    --------
    >>> Mish().value(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.3034,  0.    ,  0.8651])
    """

    name = "mish"

    def value(self, z: Array) -> Array:
        return z * self._gate(z)[0]

    def derivative(self, z: Array, a: Array) -> Array:
        t, rest = self._gate(z)
        return t + z * rest * (1.0 + t) * _logistic(z)

    @staticmethod
    def _gate(z: Array) -> tuple[Array, Array]:
        """Both t = tanh(softplus(z)) and 1 − t."""
        up = z.real > 0
        w = np.exp(np.where(up, -z, z))
        part = np.where(up, 1.0 + 2.0 * w, w * (w + 2.0))
        rest = np.where(up, 2.0 * w * w, 2.0)
        return part / (part + rest), rest / (part + rest)


class Exp(Activation):
    """a = exp(z), derivative a; the output of Poisson regression.

    Beyond the range of the dtype a is inf, without a warning: a step size that leads there is
    noticed where the objective is looked at.

    Examples
    --------
    >>> Exp().value(np.array([0.0, 1e4]))
    array([ 1., inf])
    """

    name = "exp"

    def value(self, z: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(z)

    def derivative(self, z: Array, a: Array) -> Array:
        return a


@dataclass(frozen=True)
class _Checked:
    """A user's function of z, called as f(z) or f(z, a), whose result has to fit z."""

    function: Callable[[Array], Any]
    what: str

    def __call__(self, z: Array, a: Array | None = None) -> Array:
        result = np.asarray(self.function(z))
        if result.shape != z.shape:
            raise InvalidShapeError(
                f"{self.what} of an activation Function must return an array of the shape of z, "
                f"{z.shape} (got {result.shape}). Write it with NumPy functions of z."
            )
        return result.astype(z.dtype, copy=False)


@dataclass(frozen=True)
class Function(Activation):
    """A user's own activation: two Python functions on arrays. Runs on the reference engine.

    Parameters
    ----------
    value : callable
        ``value(z)``: σ of an array of shape (rows, units), number by number.
    derivative : callable
        ``derivative(z)``: σ' of the same array. It gets z alone, so ``np.cos`` is one.
    name : str, default="function"
        For messages and displays.

    Raises
    ------
    InvalidParameterError
        If `value` or `derivative` cannot be called; and by `record`, since no file holds code.
    InvalidShapeError
        When called, if a result does not have the shape of z.

    Notes
    -----
    Two of them are equal when they hold the same functions. To pickle one, define its functions
    at the top of a module.

    Examples
    --------
    >>> sine = Function(np.sin, np.cos, name="sine")
    >>> sine.value(np.array([0.0]))
    array([0.])
    >>> sine.record()
    Traceback (most recent call last):
    ...
    deltarule.exceptions.InvalidParameterError: activation 'sine' must hold plain numbers and \
words to be saved (got a Python function in value). Use one of the named activation objects, or \
save the parameters alone and give the function again.
    """

    smooth = False

    # field(): without it dataclass would take the method of the base class for a default.
    value: Callable[[Array], Array] = field()  # type: ignore[assignment]
    derivative: Callable[..., Array] = field()
    name: str = "function"  # type: ignore[misc]

    def __post_init__(self) -> None:
        for what in ("value", "derivative"):
            function = getattr(self, what)
            if not callable(function):
                raise InvalidParameterError(
                    f"{what} of an activation Function must be a function of z "
                    f"(got {function!r}). Give a Python function on arrays."
                )
            if not isinstance(function, _Checked):
                settle(self, **{what: _Checked(function, what)})


def _where(condition: Array, then: float, otherwise: float, z: Array) -> Array:
    """One of two numbers, in the dtype of z."""
    return np.where(condition, then, otherwise).astype(z.dtype)


def _logistic(z: Array) -> Array:
    up = z.real > 0
    w = np.exp(np.where(up, -z, z))
    a: Array = np.where(up, 1.0, w) / (1.0 + w)
    return a


def _normal_distribution(z: Array) -> Array:
    from scipy.special import erfc  # loaded when first used: `import deltarule` needs NumPy only

    # erfc of −z, not 1 + erf of z: for z far below 0 the sum would cancel to nothing.
    return np.asarray(0.5 * erfc(-_SQRT_HALF * z))


ACTIVATIONS: Family[Activation] = Family(
    base=Activation,
    table={
        cls.name: cls
        for cls in (
            Identity,
            Logistic,
            Tanh,
            ReLU,
            LeakyReLU,
            Sign,
            Softmax,
            Softplus,
            SELU,
            GELU,
            SiLU,
            Mish,
            Exp,
        )
    },
    word="activation",
    elsewhere={
        "sigmoid": "logistic",
        "expit": "logistic",
        "linear": "identity",
        "none": "identity",
        "swish": "silu",
        "exponential": "exp",
        "step": "sign",
        "heaviside": "sign",
    },
)

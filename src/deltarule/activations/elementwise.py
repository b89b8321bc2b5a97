"""Activations that work number by number."""

from __future__ import annotations

import math

import numpy as np

from deltarule.activations.base import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array, non_negative, settle

_SQRT_HALF = math.sqrt(0.5)
_INVERSE_SQRT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)
# The fixed point of zero mean and unit variance, https://arxiv.org/abs/1706.02515
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


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

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

from dataclasses import replace

from deltarule.activations.base import Activation
from deltarule.activations.elementwise import (
    GELU,
    SELU,
    Exp,
    Identity,
    LeakyReLU,
    Logistic,
    Mish,
    ReLU,
    Sign,
    SiLU,
    Softplus,
    Tanh,
)
from deltarule.activations.function import Function
from deltarule.activations.over_units import Ascending, Softmax
from deltarule.definitions import Family

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "HIDDEN_ACTIVATIONS",
    "SELU",
    "Activation",
    "Ascending",
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
            Ascending,
        )
    },
    word="activation",
    own="dr.activations.Function(value, derivative)",
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

#: Those of hidden units: all but the one that makes outputs for several quantiles rise.
HIDDEN_ACTIVATIONS: Family[Activation] = replace(
    ACTIVATIONS,
    table={name: cls for name, cls in ACTIVATIONS.table.items() if cls is not Ascending},
)

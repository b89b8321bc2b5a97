"""Kinds of layers that exist in the tests alone: they prove that a kind is added from outside.

`Scale` has a trained block that is neither weight nor bias, with a step size and a penalty of its
own; `Standardize` has nothing to train and two buffers. Both say what they are and register their
equations; no other file of the package knows of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deltarule import backprop
from deltarule.layers import Block, Layer


@dataclass(frozen=True)
class Scale(Layer):
    """a = z = scale ⊙ input."""

    name = "test_scale"
    rate_factor: float = 0.5

    def blocks(self):
        return (
            Block(
                "scale",
                (self.units,),
                "scale",
                self.inputs,
                self.units,
                rate_factor=self.rate_factor,
                penalised=True,
                initial=1.5,
            ),
        )


@backprop.layer_forward.register
def _(layer: Scale, values, a, index, step):
    z = a * values["scale"]
    return backprop.Through(z, z)


@backprop.layer_backward.register
def _(layer: Scale, values, a, kept, delta, need_upstream):
    upstream = delta * values["scale"] if need_upstream else None
    return {"scale": (a * delta).sum(axis=0)}, upstream


@dataclass(frozen=True)
class Standardize(Layer):
    """a = z = (input − mean) / deviation, both fixed."""

    name = "test_standardize"

    def buffers(self):
        shape = (self.units,)
        return (
            Block("mean", shape, "mean", self.inputs, self.units, initial=0.0),
            Block("deviation", shape, "deviation", self.inputs, self.units, initial=1.0),
        )


@backprop.layer_forward.register
def _(layer: Standardize, values, a, index, step):
    z = (a - values["mean"]) / values["deviation"]
    return backprop.Through(z, z)


@backprop.layer_backward.register
def _(layer: Standardize, values, a, kept, delta, need_upstream):
    return {}, delta / values["deviation"] if need_upstream else None


def network_of_kinds(rate_factor: float = 0.5):
    """Two inputs, standardised, a dense layer, its outputs scaled, a dense output; and numbers."""
    import deltarule as dr

    network = dr.Network(
        layers=[
            Standardize(2, 2),
            dr.Dense(2, 3, "tanh"),
            Scale(3, 3, rate_factor),
            dr.Dense(3, 2, "logistic"),
        ]
    )
    start = dr.initialize(network, seed=4)
    return network, start.replace(buffers=np.array([0.5, -0.5, 2.0, 4.0]))

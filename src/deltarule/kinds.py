"""What a kind of layer brings: its way there, its delta and its way back, as three functions.

Each is a function of the layer that looks for what was registered for its kind. Rows of arrays are
samples; the way back gets and gives sums over them. `backprop` and `prelude` register the kinds
that there are.
"""

from __future__ import annotations

from dataclasses import field
from functools import singledispatch
from typing import Any

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.layers import Layer

__all__ = ["Step", "Through", "layer_backward", "layer_delta", "layer_forward", "written_out"]


@dataclass(frozen=True)
class Step:
    """What a training step is for its layers: the key of the training and the optimiser's clock."""

    key: int
    clock: int


@dataclass(frozen=True, eq=False)
class Through:
    """What one layer met on the way forward.

    Parameters
    ----------
    z, output : arrays of shape (rows, units)
    kept : object
        What the kind of layer wants to have on the way back.
    buffers : dict of str to array
        Its untrained numbers as they are after a training step, where that changes them.
    """

    z: Array
    output: Array
    kept: Any = None
    buffers: dict[str, Array] = field(default_factory=dict)


@singledispatch
def layer_forward(
    layer: Layer, values: dict[str, Array], a: Array, index: int, step: Step | None
) -> Through:
    """One layer forward from its blocks, buffers and input; `index` is its number."""
    raise TypeError(f"no layer_forward is registered for {type(layer).__name__}")


@singledispatch
def layer_delta(layer: Layer, z: Array, output: Array, upstream: Array) -> Array:
    """∂f/∂z of a layer from ∂f/∂output; without an activation the two are the same."""
    return upstream


@singledispatch
def layer_backward(
    layer: Layer,
    values: dict[str, Array],
    a: Array,
    kept: Any,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    """(gradient of each block, summed over rows; ∂f/∂input or None) from the layer's delta."""
    raise TypeError(f"no layer_backward is registered for {type(layer).__name__}")


def written_out(a: Any) -> Array:
    """Rows of CSR written out, for layers that no zero stays zero in."""
    rows: Array = a.toarray() if hasattr(a, "toarray") else a
    return rows

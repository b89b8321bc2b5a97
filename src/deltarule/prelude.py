"""What stands in front of the first dense layer, equation by equation.

::

    (12) a   = gain ⊙ x                                                   scaled
    (13) a   = x, and for each embedded column c of it
               V_c cos(2π w_c x_c + b_c) + v_c                            angles, embedded

Rows are samples x; columns c, frequencies f and the numbers j that a column becomes are axes of
their own: angles (rows, c, f), V (c, f, j). The way back, from the delta of what they give::

    ∂f/∂gain = Σ δ ⊙ x                                          ∂f/∂x = δ ⊙ gain
    ∂f/∂v = Σ δ_c,  ∂f/∂V = Σ cos δ_c,  γ = -sin · (V_c δ_c)
    ∂f/∂b = Σ γ,    ∂f/∂w = Σ 2π x_c γ                          ∂f/∂x_c = δ_x + 2π Σ_f w γ
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.kinds import Step, Through, layer_backward, layer_forward, written_out
from deltarule.layers import NumericalEmbedding, Scaling

#: A turn.
TURN = 2.0 * math.pi


def scaled(gain: Array, x: Array) -> Array:
    """Equation (12)."""
    return gain * x


def angles(frequency: Array, phase: Array, x: Array) -> Array:
    """Equation (13), the arguments of the cosines: of the columns (rows, c) (rows, c, f)."""
    found: Array = TURN * frequency * x[:, :, np.newaxis] + phase
    return found


def embedded(weight: Array, bias: Array, cosines: Array) -> Array:
    """Equation (13), what the columns become: (rows, c · j), column after column."""
    found: Array = (np.einsum("rcf,cfj->rcj", cosines, weight) + bias).reshape(len(cosines), -1)
    return found


@layer_forward.register
def _(layer: Scaling, values: dict[str, Array], a: Array, index: int, step: Step | None) -> Through:
    z = scaled(values["gain"], written_out(a))
    return Through(z, z)


@layer_backward.register
def _(
    layer: Scaling,
    values: dict[str, Array],
    a: Array,
    kept: Any,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    gradient = {"gain": (delta * written_out(a)).sum(axis=0)}
    return gradient, delta * values["gain"] if need_upstream else None


@layer_forward.register
def _(
    layer: NumericalEmbedding, values: dict[str, Array], a: Array, index: int, step: Step | None
) -> Through:
    x = written_out(a)
    found = angles(values["frequency"], values["phase"], x[:, layer.columns])
    z = np.concatenate([x, embedded(values["weight"], values["bias"], np.cos(found))], axis=1)
    return Through(z, z, found)


@layer_backward.register
def _(
    layer: NumericalEmbedding,
    values: dict[str, Array],
    a: Array,
    kept: Array,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    x = written_out(a)[:, layer.columns]
    own = delta[:, layer.inputs :].reshape(len(x), len(layer.columns), layer.width)
    slopes = -np.sin(kept) * np.einsum("rcj,cfj->rcf", own, values["weight"])
    gradient = {
        "frequency": TURN * np.einsum("rcf,rc->cf", slopes, x),
        "phase": slopes.sum(axis=0),
        "weight": np.einsum("rcf,rcj->cfj", np.cos(kept), own),
        "bias": own.sum(axis=0),
    }
    if not need_upstream:
        return gradient, None
    upstream = delta[:, : layer.inputs].copy()
    upstream[:, layer.columns] += TURN * np.einsum("rcf,cf->rc", slopes, values["frequency"])
    return gradient, upstream

"""Backpropagation, equation by equation: the text to read, the oracle of every test.

Notation (the notes' symbols, one sample i; arrays hold many samples as rows)::

    (1)  a^0 = x
    (2)  z^l = W^l a^{l-1} + b^l                        pre_activation
    (3)  a^l = σ_l(z^l),  d̂ = a^L                       activate
    (4)  f   = loss(d̂, d)                               sample_losses
    (5)  δ^L = (∂f/∂d̂) ⊙ σ_L'(z^L)                      output_delta
    (6)  δ^l = ((W^{l+1})ᵀ δ^{l+1}) ⊙ σ_l'(z^l)         send_back, hidden_delta
    (7)  ∂f/∂W^l = δ^l (a^{l-1})ᵀ,  ∂f/∂b^l = δ^l       weight_gradient, bias_gradient
    (8)  J   = (1/n) Σ_i w_i f^i + penalty(W) / n       objective,  n = Σ_i w_i
    (9)  g   = (N/n) (1/B) Σ_{i in batch} w_i ∂f^i + ∂penalty(W) / n      step_gradient
    (10) x̂   = (a - mean) / √(variance + ε),  z = gain ⊙ x̂ + shift        normalize
    (11) a   ⊙ kept · scale                                               drop
    (12) gain ⊙ x                                                         prelude.scaled
    (13) x, and V_c cos(2π w_c x_c + b_c) + v_c of some columns c         prelude.embedded
    (14) z   = a + (σ(a) - a) ⊙ mixture                                   mix

All deltas are computed with the weights of step t; only then does an optimiser update them (the
notes' V^t in δ_m is the old V). Where an output activation and a loss form a canonical pair, (4)
and (5) are computed stably from z by `CANONICAL_PAIRS`; there δ^L = d̂ - d.

A kind of layer brings its own equations by registering `layer_forward`, `layer_delta` and
`layer_backward` of `kinds`; this file registers those of dense, normalised, mixed and dropped
units, and `prelude` those of what stands in front of dense layers. Rows of X may be sparse
(SciPy CSR).

A pass is one of a training step where it is given a `Step`: then units drop out, batches are
normalised by their own statistics, and the running ones follow. Without one it predicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deltarule import prelude  # noqa: F401 (registers its kinds)
from deltarule.activations import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.kinds import Step as Step
from deltarule.kinds import Through as Through
from deltarule.kinds import layer_backward, layer_delta, layer_forward, written_out
from deltarule.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    LayerNormalization,
    ParametricActivation,
)
from deltarule.losses import Loss
from deltarule.network import Head, Network, Parameters
from deltarule.penalties import Penalty
from deltarule.random import kept_units

# ---------------------------------------------------------------- the equations, one by one


def pre_activation(weight: Array, bias: Array | None, a: Array) -> Array:
    """Equation (2): z = W a + b for every row of ``a``."""
    z: Array = a @ weight.T
    return z if bias is None else z + bias


def activate(activation: Activation, z: Array) -> Array:
    """Equation (3): a = σ(z)."""
    return activation.value(z)


def hidden_delta(activation: Activation, z: Array, a: Array, upstream: Array) -> Array:
    """Equation (6), second factor: δ^l = upstream ⊙ σ_l'(z^l), upstream = (W^{l+1})ᵀ δ^{l+1}."""
    return activation.pullback(z, a, upstream)


def send_back(weight: Array, delta: Array) -> Array:
    """Equation (6), first factor: (W^{l+1})ᵀ δ^{l+1}, with W of step t."""
    upstream: Array = delta @ weight
    return upstream


def weight_gradient(delta: Array, a: Array) -> Array:
    """Equation (7): Σ over rows of δ^l (a^{l-1})ᵀ, shape (units, inputs)."""
    gradient: Array = (a.T @ delta).T
    return gradient


def bias_gradient(delta: Array) -> Array:
    """Equation (7): Σ over rows of δ^l."""
    gradient: Array = delta.sum(axis=0)
    return gradient


def softplus(z: Array) -> Array:
    """log(1 + e^z) without overflow."""
    positive = np.where(z.real > 0, z, -z)  # |z|, analytic for complex-step derivatives
    result: Array = np.where(z.real > 0, z, 0) + np.log1p(np.exp(-positive))
    return result


def log_sum_exp(z: Array) -> Array:
    """log Σ_k e^{z_k} per row, kept as a column."""
    top = z.real.max(axis=1, keepdims=True)
    result: Array = top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))
    return result


def _poisson_from_z(z: Array, target: Array) -> Array:
    rate = np.exp(z)
    safe = np.where(target == 0, 1, target)
    terms: Array = target * np.log(safe) - target * z - target + rate
    return terms


#: (loss, output activation) → the terms of f from z and d, stable where σ saturates. For each of
#: these pairs the delta of equation (5) is d̂ - d.
CANONICAL_PAIRS: dict[tuple[str, str], Callable[[Array, Array], Array]] = {
    ("log_loss", "softmax"): lambda z, d: d * (log_sum_exp(z) - z),
    ("log_loss", "logistic"): lambda z, d: softplus(z) - d * z,
    ("squared_error", "identity"): lambda z, d: 0.5 * (z - d) ** 2,
    ("poisson", "exp"): _poisson_from_z,
}


def sample_losses(
    loss: Loss, activation: Activation, z: Array, prediction: Array, target: Array
) -> Array:
    """Equation (4): f of every row, the sum over its outputs, shape (rows,)."""
    stable = CANONICAL_PAIRS.get((loss.name, activation.name))
    if stable is not None:
        terms = stable(z, target)
    else:
        terms = loss.value(z if loss.of_pre_activation else prediction, target)
    total: Array = terms.sum(axis=1)
    return total


def output_delta(
    loss: Loss, activation: Activation, z: Array, prediction: Array, target: Array
) -> Array:
    """Equation (5): δ^L = ∂f/∂z^L of every row."""
    if (loss.name, activation.name) in CANONICAL_PAIRS:
        return prediction - target
    if loss.of_pre_activation:
        return loss.derivative(z, target)
    return activation.pullback(z, prediction, loss.derivative(prediction, target), output=True)


# ---------------------------------------------------------------- dense layers


@layer_forward.register
def _(layer: Dense, values: dict[str, Array], a: Array, index: int, step: Step | None) -> Through:
    z = pre_activation(values["weight"].T, values.get("bias"), a)
    return Through(z, activate(layer.function, z))


@layer_delta.register(Dense)
@layer_delta.register(BatchNormalization)
@layer_delta.register(LayerNormalization)
def _(layer: Any, z: Array, output: Array, upstream: Array) -> Array:
    return hidden_delta(layer.function, z, output, upstream)


@layer_backward.register
def _(
    layer: Dense,
    values: dict[str, Array],
    a: Array,
    kept: Any,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    weight = values["weight"].T
    gradient = {"weight": weight_gradient(delta, a).T}
    if layer.bias:
        gradient["bias"] = bias_gradient(delta)
    return gradient, send_back(weight, delta) if need_upstream else None


# ---------------------------------------------------------------- normalisation and dropout


@dataclass(frozen=True, eq=False)
class Normalized:
    """Equation (10), first half: x̂, 1 / √(variance + ε), and the axis of the statistics.

    The axis is 0 for those of a batch, 1 for those of a row, None for numbers that do not depend on
    the rows at hand.
    """

    values: Array
    inverse: Array
    axis: int | None


def normalize(
    a: Array, mean: Array, variance: Array, epsilon: float, axis: int | None
) -> Normalized:
    """Equation (10), first half."""
    inverse = 1.0 / np.sqrt(variance + a.real.dtype.type(epsilon))
    return Normalized((a - mean) * inverse, inverse, axis)


def normalize_by_rows(a: Array, epsilon: float) -> Normalized:
    """Equation (10) with the mean and the variance of each row over its units."""
    mean, variance = _moments(a, axis=1)
    return normalize(a, mean, variance, epsilon, axis=1)


def normalized_delta(found: Normalized, upstream: Array) -> Array:
    """∂f/∂a from ∂f/∂x̂, through mean and variance where they are those of the rows at hand."""
    if found.axis is None:
        return upstream * found.inverse
    mean = upstream.mean(axis=found.axis, keepdims=True)
    along = (upstream * found.values).mean(axis=found.axis, keepdims=True)
    delta: Array = (upstream - mean - found.values * along) * found.inverse
    return delta


def running(before: Array, met: Array, share: float) -> Array:
    """A running statistic after a batch, of which it takes a share."""
    after: Array = before + before.dtype.type(share) * (met - before)
    return after


def _moments(a: Array, axis: int) -> tuple[Array, Array]:
    """Mean and (biased) variance along an axis that is kept; analytic for complex steps."""
    mean = a.mean(axis=axis, keepdims=True)
    return mean, ((a - mean) ** 2).mean(axis=axis, keepdims=True)


@layer_forward.register
def _(
    layer: BatchNormalization, values: dict[str, Array], a: Array, index: int, step: Step | None
) -> Through:
    a = written_out(a)
    rows = len(a)
    if step is None or rows < 2:
        found = normalize(a, values["mean"], values["variance"], layer.epsilon, None)
        return _scaled(layer, values, found)
    mean, variance = _moments(a, axis=0)
    found = normalize(a, mean, variance, layer.epsilon, axis=0)
    share = max(layer.momentum, 1.0 / (step.clock + 1))
    unbiased = variance[0] * (rows / (rows - 1))
    after = {
        "mean": running(values["mean"], mean[0], share),
        "variance": running(values["variance"], unbiased, share),
    }
    return _scaled(layer, values, found, after)


@layer_forward.register
def _(
    layer: LayerNormalization, values: dict[str, Array], a: Array, index: int, step: Step | None
) -> Through:
    return _scaled(layer, values, normalize_by_rows(written_out(a), layer.epsilon))


def _scaled(
    layer: BatchNormalization | LayerNormalization,
    values: dict[str, Array],
    found: Normalized,
    buffers: dict[str, Array] | None = None,
) -> Through:
    """Equation (10), second half, and the activation."""
    z = values["gain"] * found.values + values["shift"]
    return Through(z, activate(layer.function, z), found, buffers or {})


@layer_backward.register(BatchNormalization)
@layer_backward.register(LayerNormalization)
def _(
    layer: Layer,
    values: dict[str, Array],
    a: Array,
    kept: Normalized,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    gradient = {"gain": (delta * kept.values).sum(axis=0), "shift": delta.sum(axis=0)}
    return gradient, normalized_delta(kept, delta * values["gain"]) if need_upstream else None


def drop(a: Array, kept: Array, scale: float) -> Array:
    """Equation (11)."""
    found: Array = np.where(kept, a * a.real.dtype.type(scale), a.dtype.type(0))
    return found


@layer_forward.register
def _(layer: Dropout, values: dict[str, Array], a: Array, index: int, step: Step | None) -> Through:
    if step is None:
        return Through(a, a)
    kept = kept_units(step.key, index, step.clock, a.shape[0], layer.units, layer.rate)
    z = drop(written_out(a), kept, layer.scale)
    return Through(z, z, kept)


@layer_backward.register
def _(
    layer: Dropout,
    values: dict[str, Array],
    a: Array,
    kept: Array | None,
    delta: Array,
    need_upstream: bool,
) -> tuple[dict[str, Array], Array | None]:
    if not need_upstream:
        return {}, None
    return {}, delta if kept is None else drop(delta, kept, layer.scale)


def mix(a: Array, bent: Array, mixture: Array) -> Array:
    """Equation (14), bent = σ(a)."""
    mixed: Array = a + (bent - a) * mixture
    return mixed


@layer_forward.register(ParametricActivation)
def _(layer: Any, values: dict[str, Array], a: Array, index: int, step: Step | None) -> Through:
    a = written_out(a)
    bent = activate(layer.function, a)
    z = mix(a, bent, values["mixture"])
    return Through(z, z, bent)


@layer_backward.register(ParametricActivation)
def _(
    layer: Any, values: dict[str, Array], a: Array, kept: Array, delta: Array, need_upstream: bool
) -> tuple[dict[str, Array], Array | None]:
    a = written_out(a)
    upstream = mix(delta, hidden_delta(layer.function, a, kept, delta), values["mixture"])
    return {"mixture": (delta * (kept - a)).sum(axis=0)}, upstream if need_upstream else None


# ---------------------------------------------------------------- the whole network


@dataclass(frozen=True, eq=False)
class Pass:
    """A forward pass: ``pre_activations[l]`` = z^{l+1} and ``outputs[l]`` = a^l, a^0 first.

    ``kept[l]`` is what layer l keeps for the way back; ``buffers`` are the untrained numbers as
    they are after the step, None where they are what they were.
    """

    pre_activations: tuple[Array, ...]
    outputs: tuple[Array, ...]
    kept: tuple[Any, ...]
    buffers: Array | None = None

    @property
    def prediction(self) -> Array:
        """d̂ = a^L."""
        return self.outputs[-1]


def forward(network: Network, parameters: Parameters, X: Array, step: Step | None = None) -> Pass:
    """Equations (1)-(3), from shallow to deep; with `step` those of a training step."""
    met: list[Through] = []
    outputs = [X]
    for index, layer in enumerate(network.layers):
        met.append(layer_forward(layer, parameters.values(index), outputs[-1], index, step))
        outputs.append(met[-1].output)
    if network.heads_activate:
        outputs[-1] = np.concatenate(
            [
                network.head_activation(head).value(met[-1].z[:, head.slice])
                for head in network.heads
            ],
            axis=1,
        )
    buffers = None
    if any(through.buffers for through in met):
        buffers = parameters.buffers.copy()
        for slot in network.buffer_layout:
            if slot.block.name in met[slot.layer].buffers:
                # Of complex steps the numbers themselves.
                slot.view(buffers)[...] = met[slot.layer].buffers[slot.block.name].real
    return Pass(
        tuple(through.z for through in met),
        tuple(outputs),
        tuple(through.kept for through in met),
        buffers,
    )


def losses(network: Network, passed: Pass, D: Array) -> Array:
    """Equation (4) over all heads: f of every row, shape (rows,).

    Where there are several heads, one whose target is NaN says nothing of that row.
    """
    parts = [head_losses(network, head, passed, D) for head in network.heads]
    return parts[0] if len(parts) == 1 else np.sum(parts, axis=0)


def head_losses(network: Network, head: Head, passed: Pass, D: Array) -> Array:
    """The part of one head in `losses`, with its weights; 0 where it has no target."""
    z, prediction, target, missing = _of_head(network, head, passed, D)
    f = sample_losses(head.loss, network.head_activation(head), z, prediction, target)
    f = weights_of(head, target) * f
    return f if missing is None else np.where(missing, 0, f)


def weights_of(head: Head, target: Array) -> Any:
    """The factor of a head's loss and delta: of all rows, or of each by the class of its target."""
    if not head.class_weights:
        return head.weight
    index = target[:, 0] > 0.5 if head.width == 1 else target.argmax(axis=1)
    weights = np.array(head.class_weights, dtype=target.dtype)
    return head.weight * weights[index.astype(int)]


def deltas(network: Network, parameters: Parameters, passed: Pass, D: Array) -> list[Array]:
    """Equations (5) and (6): the delta of every layer, deep to shallow, all with W of step t."""
    found = [_deepest_delta(network, passed, D)]
    for index in range(len(network.layers) - 1, 0, -1):
        _, upstream = layer_backward(
            network.layers[index],
            parameters.values(index),
            passed.outputs[index],
            passed.kept[index],
            found[0],
            True,
        )
        assert upstream is not None
        found.insert(0, _delta_below(network, passed, index - 1, upstream))
    return found


def gradient_sum(
    network: Network, parameters: Parameters, passed: Pass, D: Array, row_weights: Array | None
) -> Array:
    """Σ_i w_i ∂f^i over the rows, as one vector in the order of ``Parameters.vector``."""
    delta = _deepest_delta(network, passed, D)
    if row_weights is not None:
        delta = delta * row_weights[:, np.newaxis]
    total = np.empty(network.size, dtype=np.result_type(parameters.vector, delta))
    for index in range(len(network.layers) - 1, -1, -1):
        blocks, upstream = layer_backward(
            network.layers[index],
            parameters.values(index),
            passed.outputs[index],
            passed.kept[index],
            delta,
            index > 0,
        )
        for slot in network.slots(index):
            slot.view(total)[...] = blocks[slot.block.name]
        if upstream is not None:
            delta = _delta_below(network, passed, index - 1, upstream)
    return total


def _of_head(
    network: Network, head: Head, passed: Pass, D: Array
) -> tuple[Array, Array, Array, Array | None]:
    """z, d̂ and d of a head's columns; which rows have no target, where some may have none."""
    z, prediction = passed.pre_activations[-1][:, head.slice], passed.prediction[:, head.slice]
    target: Array = D[:, head.slice]
    if len(network.heads) == 1:
        return z, prediction, target, None
    missing: Array = np.asarray(np.isnan(target).any(axis=1))
    if missing.any():
        target = np.where(missing[:, np.newaxis], prediction.real, target)
    return z, prediction, target, missing


def _deepest_delta(network: Network, passed: Pass, D: Array) -> Array:
    parts = [_head_delta(network, head, passed, D) for head in network.heads]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _head_delta(network: Network, head: Head, passed: Pass, D: Array) -> Array:
    z, prediction, target, missing = _of_head(network, head, passed, D)
    delta = output_delta(head.loss, network.head_activation(head), z, prediction, target)
    weights = weights_of(head, target)
    delta = (weights[:, np.newaxis] if head.class_weights else weights) * delta
    return delta if missing is None else np.where(missing[:, np.newaxis], 0, delta)


def _delta_below(network: Network, passed: Pass, index: int, upstream: Array) -> Array:
    z, output = passed.pre_activations[index], passed.outputs[index + 1]
    return layer_delta(network.layers[index], z, output, upstream)


# ---------------------------------------------------------------- objective and step


def penalty_value(network: Network, vector: Array, penalty: Penalty | None) -> Any:
    """The penalty over all penalised blocks, not yet divided by n; biases carry none."""
    return 0.0 if penalty is None else penalty.value(vector[network.penalised])


def penalty_gradient(network: Network, vector: Array, penalty: Penalty | None) -> Array:
    """Its gradient, zero where a block is not penalised."""
    if penalty is None:
        return np.zeros_like(vector)
    return np.where(network.penalised, penalty.gradient(vector), 0).astype(vector.dtype)


def objective(
    network: Network,
    parameters: Parameters,
    X: Array,
    D: Array,
    sample_weight: Array | None = None,
    penalty: Penalty | None = None,
    step: Step | None = None,
) -> Any:
    """Equation (8): J = (1/n) Σ_i w_i f^i + penalty / n, n = Σ_i w_i; with `step` in that step."""
    f = losses(network, forward(network, parameters, X, step), D)
    n = total_weight(sample_weight, len(D))
    data = f.sum() if sample_weight is None else (sample_weight * f).sum()
    return (data + penalty_value(network, parameters.vector, penalty)) / n


def step_gradient(
    network: Network,
    parameters: Parameters,
    passed: Pass,
    D: Array,
    row_weights: Array | None,
    scale: float,
    penalty: Penalty | None,
    n: float,
) -> Array:
    """Equation (9) for the B rows of ``passed``; ``scale`` is N/n, 1 without sample weights.

    With the whole training set as the batch it is ∇J, the gradient of equation (8).
    """
    factor = scale / len(D)
    data = factor * gradient_sum(network, parameters, passed, D, row_weights)
    if penalty is None:
        return data
    return data + penalty_gradient(network, parameters.vector, penalty) / n


def total_weight(sample_weight: Array | None, rows: int) -> float:
    """n of equations (8) and (9): the sum of the sample weights, the number of rows without."""
    return float(rows) if sample_weight is None else float(np.sum(sample_weight, dtype=np.float64))

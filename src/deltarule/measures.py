"""Measures of a network on rows: how its units, deltas, steps and objective stand.

Numbers only, no verdicts: those are `estimators.diagnosis`'s. Everything here walks over layers and
blocks and asks the engines and `backprop`; no kind of layer is named. Layers count from 0, as the
indices of ``network.layers``: whoever speaks of layers of weights picks ``network.weighted``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule import backprop, engines
from deltarule.activations import Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.engines.base import Work
from deltarule.functional import gradient
from deltarule.losses import Loss
from deltarule.network import Head, Network, Parameters
from deltarule.optimizers import Optimizer
from deltarule.penalties import Penalty

#: A unit is flat on a row where |σ'(z)| is below this share of the largest slope: |z| > 3 for tanh,
#: |z| > 6 for logistic. A delta loses two digits or more on its way through.
FLAT = 0.01

#: Pre-activations so far out that what is flat at all is flat there.
FAR = 30.0

#: Length of a finite difference, relative to the weights' norm. Long, so that many kinks of many
#: rows average out; for smooth functions its error is of the order of its square.
DIFFERENCE = 1e-3

#: Quantiles of a target among which the best constant prediction is looked for.
CONSTANTS = np.linspace(0.0, 1.0, 21)


# ---------------------------------------------------------------- units


def kind_of(activation: Activation) -> str:
    """Whether an activation is ``"saturating"`` (flat at both ends), ``"rectifying"`` (at one).

    ``"open"`` is what is flat at no end, or not judged number by number, as softmax.

    Examples
    --------
    >>> from deltarule.activations import Identity, ReLU, Tanh
    >>> kind_of(Tanh()), kind_of(ReLU()), kind_of(Identity())
    ('saturating', 'rectifying', 'open')
    """
    if not activation.elementwise:
        return "open"
    ends = _flat(activation, np.array([[-FAR, FAR]]))[0]
    return ("open", "rectifying", "saturating")[int(ends.sum())]


def flat_shares(activation: Activation, z: Array) -> Array:
    """The share of the rows on which each unit is flat (see `FLAT`), shape (units,)."""
    shares: Array = _flat(activation, z).mean(axis=0)
    return shares


def stuck_outputs(network: Network, passed: backprop.Pass, D: Array) -> Array | None:
    """The share of the rows on which each output is flat and far from its target.

    None where no output can be: where a canonical pair or a loss of z takes the slope out of the
    delta, or where the activation is never flat; NaN for the outputs of such heads among others.
    """
    shares = np.full(network.n_outputs, np.nan)
    for head in network.heads:
        activation, known = network.head_activation(head), known_targets(network, head, D)
        pair = (head.loss.name, activation.name) in backprop.CANONICAL_PAIRS
        if pair or head.loss.of_pre_activation or kind_of(activation) != "saturating":
            continue
        if not known.any():
            continue
        low, high = reach(activation)
        z, a = (v[known, head.slice] for v in (passed.pre_activations[-1], passed.prediction))
        flat = _flat(activation, z, output=True)
        far = np.abs(a - D[known, head.slice]) > 0.5 * (high - low)
        shares[head.slice] = (flat & far).mean(axis=0)
    return None if np.isnan(shares).all() else shares


def known_targets(network: Network, head: Head, D: Array) -> Array:
    """Which rows have a target for a head: all, where it is the only one."""
    if len(network.heads) == 1:
        return np.ones(len(D), dtype=bool)
    missing: Array = np.asarray(np.isnan(D[:, head.slice]).any(axis=1))
    return ~missing


def _flat(activation: Activation, z: Array, output: bool = False) -> Array:
    slope = activation.output_derivative if output else activation.derivative
    middle = np.linspace(-6.0, 6.0, 121)[:, np.newaxis]
    with np.errstate(all="ignore"):
        largest = np.abs(slope(middle, activation.value(middle))).max()
        return np.asarray(np.abs(slope(z, activation.value(z))) < FLAT * largest)


def reach(activation: Activation) -> tuple[float, float]:
    """The least and the largest output of an activation; infinite where there is no bound.

    Examples
    --------
    >>> from deltarule.activations import Logistic, ReLU
    >>> reach(Logistic()), reach(ReLU())
    ((0.0, 1.0), (0.0, inf))
    """
    if not activation.elementwise:
        return (0.0, 1.0) if activation.name == "softmax" else (-np.inf, np.inf)
    far = np.logspace(-3, 3, 200)
    with np.errstate(all="ignore"):
        values = activation.value(np.concatenate([-far[::-1], [0.0], far])[:, np.newaxis])[:, 0]
    low, high = float(values.min()), float(values.max())
    # A bound is what the outputs come to long before the end.
    low = round(low, 6) + 0.0 if low > -FAR else -np.inf
    return low, round(high, 6) if high < FAR else np.inf


def same_units(network: Network, parameters: Parameters) -> list[int]:
    """The layers below the last in which all units have the same numbers."""
    found = []
    for index, layer in enumerate(network.layers[:-1]):
        blocks = [
            slot.view(parameters.vector)
            for slot in network.slots(index)
            if slot.block.role in ("weight", "bias")
        ]
        if layer.units > 1 and any(block.ndim > 1 for block in blocks):
            spread = max(float(np.ptp(block, axis=-1).max()) for block in blocks)
            largest = max(float(np.abs(block).max()) for block in blocks)
            if spread <= 1e-9 * largest:
                found.append(index)
    return found


# ---------------------------------------------------------------- deltas and steps


def delta_norms(
    network: Network, parameters: Parameters, passed: backprop.Pass, D: Array
) -> list[float]:
    """The root mean square over the rows of ‖δ‖ of each layer, shallow to deep."""
    with np.errstate(all="ignore"):
        deltas = backprop.deltas(network, parameters, passed, D)
        return [float(np.sqrt((delta**2).sum(axis=1).mean())) for delta in deltas]


@dataclass(frozen=True, eq=False)
class StepSource:
    """What a step is made of, besides network and rows.

    Parameters
    ----------
    optimizer : Optimizer
    rate : float
        The step size.
    step : int
        Steps done before.
    moments : array of shape (count, size), or None
    batch_size : int
    l1, l2, scale : float
        As for `Work`.
    """

    optimizer: Optimizer
    rate: float
    step: int
    moments: Array | None
    batch_size: int
    l1: float
    l2: float
    scale: float


def update_ratios(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Array,
    sample_weight: Array | None,
    source: StepSource,
    batches: int = 8,
) -> list[float | None]:
    """‖update of the weight‖ / ‖weight‖ in each layer: the mean over steps on several batches.

    Each step begins at the same numbers and is one that the engine does; None for a layer without
    a weight. A weight of zeros makes the ratio infinite.
    """
    chosen = engines.choose("auto", network, source.optimizer, parameters.dtype)
    session = chosen.open(network, parameters.dtype)
    session.bind(X, D, sample_weight)
    rows = D.shape[0]
    count = max(1, min(batches, rows // source.batch_size))
    moves = np.zeros(len(network.layers))
    rates = np.array([source.rate], dtype=np.float64)
    for batch in range(count):
        session.load(parameters.vector, source.moments, parameters.buffers)
        work = Work(
            np.arange(rows, dtype=np.int64),
            source.batch_size,
            source.optimizer,
            source.l1,
            source.l2,
            source.scale,
            step_offset=source.step - batch,
        )
        session.run(work, batch, rates)
        moves += _weight_norms(network, session.vector() - parameters.vector) / count
    sizes = _weight_norms(network, parameters.vector)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(moves > 0, moves / sizes, 0.0)
    having = {slot.layer for slot in network.layout if slot.block.role == "weight"}
    return [float(ratio) if index in having else None for index, ratio in enumerate(ratios)]


def _weight_norms(network: Network, vector: Array) -> Array:
    squares = np.zeros(len(network.layers))
    for slot in network.layout:
        if slot.block.role == "weight":
            squares[slot.layer] += float((slot.view(vector) ** 2).sum())
    return np.sqrt(squares)


# ---------------------------------------------------------------- the objective


@dataclass(frozen=True, eq=False)
class Curvature:
    """The objective J around a point, to second order.

    Parameters
    ----------
    gradient_norm : float
        ‖∇J‖.
    along : float
        gᵀ H g / ‖g‖², the second derivative along the gradient g.
    lowest, highest : float
        The least and the largest second derivative in the Krylov space of g: the extremes of the
        spectrum of H lie outside of them or on them.
    """

    gradient_norm: float
    along: float
    lowest: float
    highest: float


def curvature(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Array,
    sample_weight: Array | None = None,
    penalty: Penalty | None = None,
    steps: int = 8,
) -> Curvature:
    """Gradient and curvature of J by `steps` of Lanczos' method from the gradient on.

    H v is a central difference of gradients, (∇J(w + ε v) − ∇J(w − ε v)) / 2ε.

    Notes
    -----
    Lanczos (1950), https://doi.org/10.6028/jres.045.026; products with the Hessian:
    Pearlmutter (1994), https://doi.org/10.1162/neco.1994.6.1.147.

    Examples
    --------
    J = ½ (w x − d)² with x = 2: the second derivative is 4.

    >>> import deltarule as dr
    >>> network = dr.Network(units=(1, 1), activations="identity", bias=False)
    >>> start = dr.initialize(network).replace(vector=[2.0])
    >>> round(curvature(network, start, [[2.0]], [[5.0]]).along, 6)
    4.0
    """
    base = parameters.vector
    step = DIFFERENCE * (_length(base) or 1.0)

    def slope(vector: Array) -> Array:
        at = parameters.replace(vector=vector)
        return gradient(network, at, X, D, sample_weight, penalty).vector

    first = slope(base)
    norm = _length(first)
    if not np.isfinite(norm) or norm == 0.0:
        return Curvature(norm, 0.0, 0.0, 0.0)
    basis = [first / norm]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(steps, base.size)):
        v = basis[-1]
        w = (slope(base + step * v) - slope(base - step * v)) / (2 * step)
        diagonal.append(_dot(v, w))
        for _ in range(2):  # twice is enough: Kahan, in Parlett, The Symmetric Eigenvalue Problem
            for u in basis:
                w = w - _dot(u, w) * u
        rest = _length(w)
        if not np.isfinite(rest) or rest <= 1e-8 * (abs(diagonal[0]) + 1e-300):
            break
        beside.append(rest)
        basis.append(w / rest)
    count = len(diagonal)
    tridiagonal = np.diag(diagonal)
    for index, value in enumerate(beside[: count - 1]):
        tridiagonal[index, index + 1] = tridiagonal[index + 1, index] = value
    if not np.isfinite(tridiagonal).all():
        return Curvature(norm, *(float("nan"),) * 3)
    spectrum = np.linalg.eigvalsh(tridiagonal)
    return Curvature(norm, diagonal[0], float(spectrum[0]), float(spectrum[-1]))


def _dot(u: Array, w: Array) -> float:
    # Not BLAS: its threads take milliseconds to wake for a product of microseconds.
    return float((u * w).sum())


def _length(u: Array) -> float:
    return float(np.sqrt(_dot(u, u)))


def has_steps(loss: Loss) -> bool:
    """Whether the loss's derivative jumps, so that its curvature is 0 or no number.

    Examples
    --------
    >>> from deltarule.losses import AbsoluteError, Huber, SquaredError
    >>> has_steps(AbsoluteError()), has_steps(Huber()), has_steps(SquaredError())
    (True, False, False)
    """
    target = np.ones((1, len(loss.parameters)))
    for places in loss.kinks(target):
        sides = [loss.derivative(places + side * 1e-6, target) for side in (-1, 1)]
        if np.abs(sides[1] - sides[0]).max() > 1e-3:
            return True
    return False


def naive_loss(network: Network, D: Array, sample_weight: Array | None = None) -> float:
    """The mean loss of the best constant prediction: shares of classes, mean, median, quantile.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> naive_loss(dr.Network(units=(1, 1), activations="identity"), np.array([[1.0], [3.0]]))
    0.5
    """
    return sum(head_naive_loss(network, head, D, sample_weight) for head in network.heads)


def head_naive_loss(
    network: Network, head: Head, D: Array, sample_weight: Array | None = None
) -> float:
    """The part of one head in `naive_loss`, with its weights."""
    known = known_targets(network, head, D)
    part = D[known, head.slice].astype(np.float64)
    rows = np.ones(len(D)) if sample_weight is None else np.asarray(sample_weight)
    weight = rows[known] * backprop.weights_of(head, part)
    share = float(weight.sum() / rows.sum())
    if not share > 0:
        return 0.0
    mean = np.average(part, axis=0, weights=weight)
    if head.loss.name == "log_loss":
        softmax = network.head_activation(head).name == "softmax"
        shares = [mean] if softmax else [mean, 1 - mean]
        terms = [np.where(m > 0, m * np.log(np.where(m > 0, m, 1)), 0).sum() for m in shares]
        return -share * float(np.sum(terms))
    candidates = np.vstack([mean, np.quantile(part, CONSTANTS, axis=0)])
    if head.loss.of_pre_activation:
        candidates = np.array([[-1.0], [1.0]]) * np.ones_like(mean)
    with np.errstate(all="ignore"):
        found = [
            np.average(
                head.loss.value(np.broadcast_to(c, part.shape), part), axis=0, weights=weight
            )
            for c in candidates
        ]
    return share * float(np.fmin.reduce(found, axis=0).sum())

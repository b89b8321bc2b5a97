"""Looking into a network: one step with every number, and gradients against differences."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import numpy as np

from deltarule import backprop, engines
from deltarule.dataclass import dataclass
from deltarule.definitions import Array, one_of
from deltarule.engines.base import Work
from deltarule.exceptions import InvalidShapeError
from deltarule.functional import arrays, chosen_penalty
from deltarule.network import Network, Parameters
from deltarule.optimizers import SGD
from deltarule.penalties import Penalty


@dataclass(frozen=True, eq=False)
class StepTrace:
    """Every number of one SGD step on one sample; layer numbers as in ``network.layers``.

    Parameters
    ----------
    x, d : arrays of shape (inputs,) and (outputs,)
    pre_activations : tuple of arrays
        z of each layer.
    outputs : tuple of arrays
        a^0 … a^L.
    deltas : tuple of arrays
        δ of each layer, all with the weights before the step.
    loss : float
        f before the step.
    learning_rate : float
    before, gradient, after : Parameters
        Old parameters, ∂f, and the new ones: after = before - α ∂f, α times the factor of a block
        that has one.
    """

    x: Array
    d: Array
    pre_activations: tuple[Array, ...]
    outputs: tuple[Array, ...]
    deltas: tuple[Array, ...]
    loss: float
    learning_rate: float
    before: Parameters
    gradient: Parameters
    after: Parameters

    @property
    def prediction(self) -> Array:
        """d̂ = a^L."""
        return self.outputs[-1]


def trace_step(
    network: Network,
    parameters: Parameters,
    x: Any,
    d: Any,
    learning_rate: float = 0.1,
    *,
    engine: str = "auto",
) -> StepTrace:
    """Do one step of the notes' loop on one sample and keep every number.

    Parameters
    ----------
    network : Network
    parameters : Parameters
    x : array of shape (inputs,)
    d : array of shape (outputs,)
    learning_rate : float, default=0.1
        The step size α_t.
    engine : {"auto", "compiled", "reference"}
        The engine whose numbers these are: its own step, bit for bit.

    Returns
    -------
    StepTrace

    Raises
    ------
    InvalidShapeError
        If x or d has another length than the network asks for.

    Examples
    --------
    >>> import deltarule as dr
    >>> network = dr.Network(units=(1, 1), activations="identity", bias=False)
    >>> start = dr.initialize(network).replace(vector=[2.0])
    >>> trace = dr.trace_step(network, start, [1.0], [5.0], learning_rate=0.5)
    >>> trace.deltas[0], trace.after.vector
    (array([-3.]), array([3.5]))
    """
    row, target = (np.asarray(v)[np.newaxis] for v in (x, d))
    X, D, _ = arrays(
        network, parameters, row.astype(parameters.dtype), target.astype(parameters.dtype), None
    )
    chosen = engines.choose(engine, network, SGD(), parameters.dtype)
    session = chosen.open(network, parameters.dtype)
    session.load(parameters.vector, buffers=parameters.buffers)
    work = Work(np.zeros(1, dtype=np.int64))
    if any(layer.stepwise for layer in network.layers):
        # Of the step itself: outside of steps nothing is dropped.
        passed = backprop.forward(network, parameters, X, backprop.Step(work.key, 0))
        slope = backprop.gradient_sum(network, parameters, passed, D, None)
    else:
        _, slope = session.loss_gradient(X, D)
    session.bind(X, D)
    met = session.trace(work, 0, np.array([learning_rate], dtype=np.float64))
    return StepTrace(
        X[0],
        D[0],
        tuple(z[0] for z in met.pre_activations),
        (X[0], *(a[0] for a in met.outputs)),
        tuple(delta[0] for delta in met.deltas),
        float(met.report.losses[0]),
        float(learning_rate),
        parameters,
        parameters.replace(vector=slope),
        parameters.replace(vector=session.vector()),
    )


@dataclass(frozen=True, eq=False)
class GradientReport:
    """The outcome of `check_gradients`.

    Parameters
    ----------
    passed : bool
    max_error : float
        Largest |analytic - numeric| / max(‖gradient‖_∞, |objective|) over the coordinates.
    worst : str
        Where: the layer, the block, the index, and both numbers.
    analytic, numeric : float64 arrays of shape (network.size,)
    crossed : bool array of shape (network.size,)
        Coordinates whose difference crosses a kink of an activation or loss; they are not judged.
    """

    passed: bool
    max_error: float
    worst: str
    analytic: Array = field(repr=False)
    numeric: Array = field(repr=False)
    crossed: Array = field(repr=False)


def check_gradients(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Any,
    sample_weight: Any = None,
    penalty: Penalty | str | None = None,
    *,
    method: str = "central",
    step: float | None = None,
    tolerance: float | None = None,
    during: backprop.Step | None = None,
) -> GradientReport:
    """Compare backpropagation with numeric derivatives of the objective in every coordinate.

    Parameters
    ----------
    network : Network
    parameters : Parameters
        Used in float64.
    X, D, sample_weight, penalty
        As for `objective`.
    method : {"central", "complex"}, default="central"
        Central differences, or the complex step (Im J(w + ih)/h), which has no cancellation and
        needs functions that are smooth (Squire and Trapp 1998, doi:10.1137/S003614459631241X).
    step : float, optional
        h; 6e-6 for central differences, 1e-30 for the complex step.
    tolerance : float, optional
        1e-7 for central differences, 1e-12 for the complex step.
    during : backprop.Step, optional
        A training step whose objective is meant: dropout drops what it drops in that step, and
        batch normalization goes by the rows at hand. Without it the objective outside of steps.

    Returns
    -------
    GradientReport

    Notes
    -----
    The sign activation has derivative 0 almost everywhere and is trained by a stated rule instead;
    networks with it are refused here, since no difference can confirm that rule. Behind a loss that
    judges z, as the perceptron's does, an output sign takes no part and is welcome.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> network = dr.Network(units=(3, 5, 2), activations=("tanh", "logistic"))
    >>> X, D = np.random.default_rng(0).random((2, 4, 3))[0], np.eye(2)[[0, 1, 1, 0]]
    >>> dr.check_gradients(network, dr.initialize(network, seed=0), X, D).passed
    True
    """
    parameters = parameters.astype(np.float64)
    X, D, weight = arrays(network, parameters, _as_float64(X), _as_float64(D), sample_weight)
    penalty = chosen_penalty(penalty)
    _refuse_sign(network)
    complex_step = one_of(method, "method", ("central", "complex")) == "complex"
    step = step or (1e-30 if complex_step else 6e-6)
    tolerance = tolerance or (1e-12 if complex_step else 1e-7)

    def value(vector: Array) -> Any:
        moved = _unchecked(parameters, vector)
        return backprop.objective(network, moved, X, D, weight, penalty, during)

    passed = backprop.forward(network, parameters, X, during)
    n = backprop.total_weight(weight, len(D))
    analytic = backprop.step_gradient(
        network, parameters, passed, D, weight, len(D) / n, penalty, n
    )
    numeric = np.empty(network.size)
    crossed = np.zeros(network.size, dtype=bool)
    base = parameters.vector
    for index in range(network.size):
        if complex_step:
            moved = base.astype(np.complex128)
            moved[index] += 1j * step
            numeric[index] = value(moved).imag / step
            continue
        ends = [base.copy(), base.copy()]
        ends[0][index] += step
        ends[1][index] -= step
        numeric[index] = (value(ends[0]) - value(ends[1])) / (ends[0][index] - ends[1][index])
        crossed[index] = _crosses(network, parameters, ends, X, D, during) or _at_zero(
            penalty, ends, index
        )
    return _report(network, value(base), analytic, numeric, crossed, tolerance)


def _as_float64(given: Any) -> Array:
    return np.ascontiguousarray(given, dtype=np.float64)


def _unchecked(parameters: Parameters, vector: Array) -> Parameters:
    """Parameters with a complex vector, which the public constructor refuses."""
    other = object.__new__(Parameters)
    for name, entry in (("network", parameters.network), ("vector", vector)):
        object.__setattr__(other, name, entry)
    object.__setattr__(other, "buffers", parameters.buffers)
    return other


def has_rule_for_slope(network: Network) -> bool:
    """Whether a sign unit takes part, which has a stated rule where others have a derivative."""
    judged = network.layers
    if all(head.loss.of_pre_activation for head in network.heads):
        judged = judged[:-1]
    return any(layer.activation.name == "sign" for layer in judged)


def _refuse_sign(network: Network) -> None:
    if has_rule_for_slope(network):
        raise InvalidShapeError(
            "check_gradients needs activations with a derivative (got 'sign', whose learning rule "
            "is a convention). Check the network with another activation."
        )


def _crosses(
    network: Network,
    parameters: Parameters,
    ends: list[Array],
    X: Array,
    D: Array,
    during: backprop.Step | None,
) -> bool:
    """Whether a kink lies between the two ends, in any layer and row."""
    low, high = (backprop.forward(network, _unchecked(parameters, end), X, during) for end in ends)
    for index, layer in enumerate(network.layers):
        # Where the function is not the layer's last step it bends what comes in.
        ends_so = layer.activation.name == layer.bends.name
        z0, z1 = (p.pre_activations[index] if ends_so else p.outputs[index] for p in (low, high))
        for kink in layer.bends.kinks:
            if (((z0 - kink) * (z1 - kink) <= 0) & (z0 != z1)).any():
                return True
    for head in network.heads:
        of_z = head.loss.of_pre_activation
        y0, y1 = (
            (p.pre_activations[-1] if of_z else p.prediction)[:, head.slice] for p in (low, high)
        )
        for places in head.loss.kinks(D[:, head.slice]):
            if (((y0 - places) * (y1 - places) <= 0) & (y0 != y1)).any():
                return True
    return False


def _at_zero(penalty: Penalty | None, ends: list[Array], index: int) -> bool:
    return bool(penalty is not None and penalty.l1 and ends[0][index] * ends[1][index] <= 0)


def _report(
    network: Network, value: Any, analytic: Array, numeric: Array, crossed: Array, tolerance: float
) -> GradientReport:
    scale = max(float(np.abs(analytic).max()), abs(float(np.real(value))), np.finfo(float).tiny)
    errors = np.where(crossed, 0.0, np.abs(analytic - numeric) / scale)
    index = int(np.argmax(errors))
    slot = next(s for s in network.layout if s.start <= index < s.stop)
    place = tuple(int(i) for i in np.unravel_index(index - slot.start, slot.block.shape))
    worst = (
        f"layer {slot.layer}, {slot.block.name}{list(place)}: "
        f"analytic {analytic[index]:.10g}, numeric {numeric[index]:.10g}"
    )
    error = float(errors[index])
    return GradientReport(bool(error <= tolerance), error, worst, analytic, numeric, crossed)

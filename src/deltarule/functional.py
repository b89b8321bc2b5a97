"""The notes' algorithm bare: forward, objective, gradient and plain SGD on arrays.

Nothing here writes into its arguments. Lists and integers are taken as arrays in the dtype of the
parameters; a float array of another dtype is refused, so that no copy of data is silent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deltarule import backprop, engines
from deltarule.definitions import Array, as_plain_array, choose
from deltarule.engines.base import Session, Work
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.network import Network, Parameters
from deltarule.optimizers import SGD
from deltarule.penalties import PENALTIES, Penalty


def forward(network: Network, parameters: Parameters, X: Any) -> backprop.Pass:
    """Compute every pre-activation and output, equations (1)-(3).

    Parameters
    ----------
    network : Network
    parameters : Parameters
    X : array of shape (rows, inputs)

    Returns
    -------
    Pass
        ``.outputs`` are a^0 … a^L, ``.pre_activations`` are z^1 … z^L, ``.prediction`` is a^L.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> network = dr.Network(units=(2, 1), activations="sign", loss="perceptron", bias=False)
    >>> parameters = dr.initialize(network).replace(vector=np.array([1.0, -1.0]))
    >>> dr.forward(network, parameters, [[3.0, 1.0], [1.0, 3.0]]).prediction.ravel()
    array([ 1., -1.])
    """
    return backprop.forward(network, parameters, rows_of_inputs(network, parameters, X))


def objective(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Any,
    sample_weight: Any = None,
    penalty: Penalty | str | None = None,
    engine: str = "auto",
) -> float:
    """Compute J, equation (8): the mean loss plus the penalty divided by n.

    Parameters
    ----------
    network : Network
    parameters : Parameters
    X : array of shape (rows, inputs)
    D : array of shape (rows, outputs)
    sample_weight : array of shape (rows,), optional
        Non-negative; n is their sum.
    penalty : Penalty or str, optional
    engine : {"auto", "compiled", "reference"}

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> network = dr.Network(units=(1, 1), activations="identity", bias=False)
    >>> parameters = dr.initialize(network).replace(vector=np.array([2.0]))
    >>> dr.objective(network, parameters, [[1.0]], [[5.0]])
    4.5
    """
    X, D, weight = arrays(network, parameters, X, D, sample_weight)
    penalty = chosen_penalty(penalty)
    total = _session(network, parameters, engine).loss(X, D, weight)
    total += float(backprop.penalty_value(network, parameters.vector, penalty))
    return total / backprop.total_weight(weight, len(D))


def gradient(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Any,
    sample_weight: Any = None,
    penalty: Penalty | str | None = None,
    engine: str = "auto",
) -> Parameters:
    """Compute ∇J of `objective` by backpropagation, equations (5)-(9), shaped as parameters.

    Parameters
    ----------
    network, parameters, X, D, sample_weight, penalty, engine
        As for `objective`.

    Returns
    -------
    Parameters
        ``.weights[l]`` is ∂J/∂W^{l+1}, ``.vector`` all of it.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> network = dr.Network(units=(1, 1), activations="identity", bias=False)
    >>> parameters = dr.initialize(network).replace(vector=np.array([2.0]))
    >>> dr.gradient(network, parameters, [[1.0]], [[5.0]]).weights[0]
    array([[-3.]])
    """
    X, D, weight = arrays(network, parameters, X, D, sample_weight)
    penalty = chosen_penalty(penalty)
    _, total = _session(network, parameters, engine).loss_gradient(X, D, weight)
    total = total + backprop.penalty_gradient(network, parameters.vector, penalty)
    return parameters.replace(
        vector=total / total.dtype.type(backprop.total_weight(weight, len(D)))
    )


def run_steps(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Any,
    *,
    order: Any,
    learning_rate: float | Callable[[int], float] = 0.1,
    engine: str = "auto",
) -> Parameters:
    """Do the notes' loop 1°-4°: one plain SGD step per index, no more.

    Parameters
    ----------
    network : Network
    parameters : Parameters
        The guess W^0.
    X : array of shape (rows, inputs)
    D : array of shape (rows, outputs)
    order : sequence of int
        i_0, i_1, …: the row of each step.
    learning_rate : float or callable
        α, or a function t ↦ α_t.
    engine : {"auto", "compiled", "reference"}

    Returns
    -------
    Parameters

    Raises
    ------
    NonFiniteError
        If a step's loss or the updated parameters are not finite; the message tells the step.

    Examples
    --------
    >>> import deltarule as dr
    >>> network = dr.Network(units=(1, 1), activations="identity", bias=False)
    >>> start = dr.initialize(network).replace(vector=[2.0])
    >>> dr.run_steps(network, start, [[1.0]], [[5.0]], order=[0, 0], learning_rate=0.5).vector
    array([4.25])
    """
    X, D, _ = arrays(network, parameters, X, D, None)
    given = np.asarray(order)
    whole = given.dtype.kind in "iu" or not given.size
    rows = as_plain_array(given, np.int64) if whole else given
    if not whole or rows.ndim != 1 or (rows.size and not 0 <= rows.min() <= rows.max() < len(D)):
        got = f"shape {rows.shape}" if whole else f"dtype {given.dtype}"
        got += f", {rows.min()} to {rows.max()}" if whole and rows.size else ""
        raise InvalidShapeError(
            f"order must hold row numbers from 0 to {len(D) - 1} (got {got}). "
            "Give one row number per step."
        )
    if not len(rows):
        return parameters
    chosen = engines.choose(engine, network, SGD(), parameters.dtype)
    session = chosen.open(network, parameters.dtype)
    session.load(parameters.vector, buffers=parameters.buffers)
    session.bind(X, D)
    report = session.run(Work(rows), 0, _rates(learning_rate, len(rows)))
    updated = session.vector()
    if not (report.finite and np.isfinite(updated).all()):
        raise NonFiniteError(
            f"the loss became non-finite at step {report.steps - 1} of {len(rows)}. "
            "Lower learning_rate or scale the inputs."
        )
    return parameters.replace(vector=updated, buffers=session.buffers())


def _rates(learning_rate: float | Callable[[int], float], steps: int) -> Array:
    if callable(learning_rate):
        rates = np.array([_rate(learning_rate(t), f"learning_rate({t})") for t in range(steps)])
    else:
        rates = np.full(steps, _rate(learning_rate, "learning_rate"))
    if not np.isfinite(rates).all():
        raise InvalidParameterError(
            f"learning_rate must be finite at every step (got {rates[~np.isfinite(rates)][0]} at "
            f"step {int(np.flatnonzero(~np.isfinite(rates))[0])}). Give a positive step size."
        )
    return rates


def _rate(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidParameterError(
            f"{name} must be a number (got {value!r}). Give a positive step size."
        ) from None


def _session(network: Network, parameters: Parameters, engine: str) -> Session:
    chosen = engines.choose(engine, network, None, parameters.dtype)
    session = chosen.open(network, parameters.dtype)
    session.load(parameters.vector, buffers=parameters.buffers)
    return session


def chosen_penalty(penalty: Penalty | str | None) -> Penalty | None:
    """A penalty by name or as it is; None stays None."""
    return None if penalty is None else choose(penalty, PENALTIES, "penalty")


def rows_of_inputs(network: Network, parameters: Parameters, X: Any) -> Any:
    """X in the parameters' dtype with the network's width, C-contiguous; CSR stays CSR.

    Raises
    ------
    InvalidShapeError
        If the width or the dtype does not fit, or X is a sparse matrix of another format.
    """
    if parameters.network is not network and parameters.network.layout != network.layout:
        raise InvalidShapeError(
            f"parameters must be those of the network, {network.size} numbers for units "
            f"{network.units} (got {parameters.network.size} numbers for units "
            f"{parameters.network.units}). Make them with initialize(network)."
        )
    return _matrix(X, network.n_inputs, parameters.dtype, "X")


def arrays(
    network: Network,
    parameters: Parameters,
    X: Any,
    D: Any,
    sample_weight: Any,
    *,
    weightless: bool = False,
) -> tuple[Any, Array, Array | None]:
    """X, D and sample weights, checked against the network and each other.

    ``weightless`` allows weights that are all 0, as the rows of a stream may have.

    Raises
    ------
    InvalidShapeError
        If widths, row counts or dtypes do not fit, or the loss is not defined for a target.
    """
    X = rows_of_inputs(network, parameters, X)
    D = _matrix(D, network.n_outputs, parameters.dtype, "D")
    if X.shape[0] != len(D) or not len(D):
        raise InvalidShapeError(
            f"X and D must have the same number of rows, at least one (got {X.shape[0]} and "
            f"{len(D)}). Give one target row per input row."
        )
    check_targets(network, D)
    if sample_weight is None:
        return X, D, None
    weight = as_plain_array(sample_weight, parameters.dtype)
    if (
        weight.shape != (len(D),)
        or not np.isfinite(weight).all()
        or weight.min() < 0
        or not (weightless or weight.any())
    ):
        raise InvalidShapeError(
            f"sample_weight must hold {len(D)} finite numbers of at least 0, not all 0 (got shape "
            f"{weight.shape}). Give one weight per row."
        )
    return X, D, weight


def check_targets(network: Network, D: Array) -> None:
    """Refuse targets for which a head's loss is not defined.

    Raises
    ------
    InvalidShapeError
        If there is one.
    """
    for head in network.heads:
        target = D[:, head.slice]
        if len(network.heads) > 1:  # a row may lack the target of a head
            target = target[~np.isnan(target).any(axis=1)]
        problem = head.loss.check_target(target, network.head_activation(head).name)
        if problem is not None:
            raise InvalidShapeError(problem)


def _matrix(given: Any, width: int, dtype: Any, name: str) -> Any:
    kind = getattr(given, "format", None)
    if isinstance(kind, str) and hasattr(given, "tocsr"):
        if kind != "csr" or name != "X":
            remedy = "tocsr()" if name == "X" else "toarray()"
            raise InvalidShapeError(
                f"{name} must be an array{' or a CSR matrix' if name == 'X' else ''} (got a sparse "
                f"matrix of format {kind!r}). Pass {name}.{remedy}."
            )
        matrix = given
    else:
        matrix = np.asarray(given)
        plain = isinstance(given, list | tuple) and matrix.dtype.kind == "f"
        if plain or matrix.dtype.kind in "iub":
            matrix = matrix.astype(dtype)
        matrix = as_plain_array(matrix) if matrix.dtype.kind == "f" else matrix
    if matrix.ndim != 2 or matrix.shape[1] != width:
        raise InvalidShapeError(
            f"{name} must have shape (rows, {width}) (got {matrix.shape}). Its width is the "
            f"network's {'inputs' if name == 'X' else 'outputs'}."
        )
    if matrix.dtype != dtype:
        raise InvalidShapeError(
            f"{name} must have the dtype of the parameters, {dtype} (got {matrix.dtype}). "
            f"Convert it with {name}.astype({dtype})."
        )
    return matrix

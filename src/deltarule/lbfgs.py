"""Limited-memory BFGS through SciPy, for `train` with ``optimizer=LBFGS()``.

SciPy owns the search; an engine's session gives the objective (8) and its gradient over all rows.
An iteration of SciPy is an epoch of the history. SciPy's memory of the curvature ends with the
search: a training that goes on from a state begins a new one from its parameters, which is not the
uninterrupted one bit for bit. The time of a plan is looked at before each gradient, from the end of
the first iteration on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from deltarule.backprop import penalty_gradient, penalty_value
from deltarule.definitions import Array
from deltarule.loop import Loop
from deltarule.optimizers import LBFGS
from deltarule.plans import Observer
from deltarule.stopping import StopReason


class _Stop(Exception):
    """Leaves SciPy's search with a reason."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason = reason


def descend(
    loop: Loop,
    X: Any,
    D: Array,
    sample_weight: Array | None,
    observer: Observer | None,
    ended: Callable[[], bool] | None = None,
) -> tuple[StopReason, str | None]:
    """Minimise the objective; returns why it ended, and where numbers went wrong if they did."""
    from scipy.optimize import minimize  # here: importing deltarule loads NumPy only

    plan, network, session = loop.plan, loop.network, loop.session
    optimizer = plan.optimizer
    assert isinstance(optimizer, LBFGS)
    dtype = loop.state.parameters.dtype
    moments, buffers = loop.state.moments, loop.state.parameters.buffers
    loop.reached = (loop.state.parameters.vector, moments, buffers)

    def objective(vector: Array) -> tuple[float, Array]:
        if ended is not None and ended():
            raise KeyboardInterrupt
        if loop.progress.epoch > loop.state.epoch and loop.is_late():
            raise _Stop(StopReason.TIME)
        session.load(vector.astype(dtype))
        total, gradient = session.loss_gradient(X, D, sample_weight)
        if not np.isfinite(total):
            raise _Stop(StopReason.NON_FINITE)
        value = total + float(penalty_value(network, vector, plan.penalty))
        slope = gradient.astype(np.float64) + penalty_gradient(network, vector, plan.penalty)
        return value / loop.n, slope / loop.n

    # SciPy hands the objective over to a callback whose argument has this name.
    def after_iteration(intermediate_result: Any) -> None:
        current = intermediate_result.x.astype(dtype)
        penalty = float(penalty_value(network, current, plan.penalty))
        data = float(intermediate_result.fun) * loop.n - penalty
        if loop.validation is not None:
            session.load(current)
        loop.reached = (current, moments, buffers)
        reason = loop.judge(data, current, observer)
        if reason is StopReason.OBSERVER or reason is StopReason.NO_IMPROVEMENT:
            raise _Stop(reason)
        if loop.progress.epoch < loop.state.epoch + plan.max_epochs and loop.is_late():
            raise _Stop(StopReason.TIME)

    if plan.max_epochs == 0:
        return StopReason.MAX_EPOCHS, None
    try:
        found = minimize(
            objective,
            loop.state.parameters.vector.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=after_iteration,
            options={
                "maxfun": optimizer.max_fun,
                "maxiter": plan.max_epochs,
                "maxcor": optimizer.memory,
                "gtol": plan.tolerance,
            },
        )
    except _Stop as stop:
        if stop.reason is StopReason.NON_FINITE:
            return stop.reason, f"iteration {loop.progress.epoch + 1}"
        return stop.reason, None
    except KeyboardInterrupt:
        return StopReason.INTERRUPTED, None
    loop.reached = (found.x.astype(dtype), moments, buffers)
    if found.status == 0:
        return StopReason.CONVERGED, None
    reached = found.nit >= plan.max_epochs
    return StopReason.MAX_EPOCHS if reached else StopReason.SOLVER, _words(found, plan.max_epochs)


def _words(found: Any, max_iter: int) -> str:
    """What scikit-learn says of a search that did not converge."""
    more = (
        f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
        if found.nit >= max_iter
        else ""
    )
    return (
        f"lbfgs failed to converge after {found.nit} iteration(s) (status={found.status}):\n"
        f"{found.message}\n{more}\nYou might also want to scale the data as shown in:\n"
        "    https://scikit-learn.org/stable/modules/preprocessing.html"
    )

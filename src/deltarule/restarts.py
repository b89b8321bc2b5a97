"""Several starts, of which the best is kept: the plain remedy against local minima."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.functional import objective
from deltarule.network import Network, initialize
from deltarule.plans import TrainingPlan, TrainingResult
from deltarule.random import Stream, derive
from deltarule.stopping import StopReason
from deltarule.training import train


def restart(
    network: Network,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    n_init: int,
    *,
    key: int,
    initializer: Any = "auto",
    dtype: Any = np.float64,
    **options: Any,
) -> tuple[TrainingResult, Array]:
    """Train from ``n_init`` starts and keep the one with the lowest objective.

    Loss functions of networks are not convex; the notes warn of local minima, and several starts
    are the plain remedy.

    Parameters
    ----------
    network, X, D, plan
        As for `train`.
    n_init : int
        Number of starts.
    key : int
        Each start draws its own key from this one; the first start uses ``key`` itself.
    initializer, dtype
        As for `initialize`.
    **options
        As for `train`.

    Returns
    -------
    result : TrainingResult
        The best; its state keeps the start's own key.
    objectives : float64 array of shape (n_init,)
        The objective that each start ended in; with early stopping minus the best score. A start
        that became non-finite has inf.
    """
    best: TrainingResult | None = None
    objectives = np.full(n_init, np.inf)
    for index in range(n_init):
        own = key if index == 0 else derive(key, Stream.RESTART, index)
        start = initialize(network, own, initializer, dtype)
        result = train(network, start, X, D, replace(plan, key=own), **options)
        objectives[index] = _final(network, result, X, D, plan, options)
        if best is None or objectives[index] < np.nanmin(objectives[:index]):
            best = replace(result, state=replace(result.state, key=own))
        if result.stop_reason is StopReason.INTERRUPTED:
            # An earlier start may be the best; that the work was cut short is said all the same.
            best = replace(best, stop_reason=StopReason.INTERRUPTED)
            break
    assert best is not None
    return best, objectives


def _final(
    network: Network,
    result: TrainingResult,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    options: dict[str, Any],
) -> float:
    if result.stop_reason is StopReason.NON_FINITE:
        return np.inf
    if plan.early_stopping is not None:
        return -result.state.best_score
    # Not the last entry of the history: those losses were met while the weights still moved.
    weight, engine = options.get("sample_weight"), options.get("engine", "auto")
    return objective(network, result.parameters, X, D, weight, plan.penalty, engine)

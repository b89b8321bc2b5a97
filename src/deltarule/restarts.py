"""Several starts, of which the best is kept: the plain remedy against local minima."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.functional import objective
from deltarule.lanes import LARGEST_NETWORK
from deltarule.many import NOT_BEGUN, train_many
from deltarule.network import Network, initialize
from deltarule.plans import Observer, TrainingPlan, TrainingResult
from deltarule.random import Stream, derive
from deltarule.stopping import StopReason
from deltarule.training import train

#: Reasons after which no further start is begun.
CUT = (StopReason.INTERRUPTED, StopReason.TIME)


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
        As for `train`; with an ``observer``, a ``history`` or ``plan.max_seconds``, which is the
        time for all of them, the starts are trained one after the other, else as `train_many` does.

    Returns
    -------
    result : TrainingResult
        The best; its state keeps the start's own key.
    objectives : float64 array of shape (n_init,)
        The objective that each start ended in; with early stopping minus the best score. A start
        that became non-finite, or for which there was no time, has inf.
    """
    keys = [key if index == 0 else derive(key, Stream.RESTART, index) for index in range(n_init)]
    objectives = np.full(n_init, np.inf)
    best: TrainingResult | None = None
    cut: StopReason | None = None
    begun = -1
    for index, result in _results(network, X, D, plan, keys, (initializer, dtype), options):
        objectives[index] = _final(network, result, X, D, plan, options)
        if best is None or objectives[index] < np.nanmin(objectives[:index]):
            best = replace(result, state=replace(result.state, key=keys[index]))
        begun = index
        if result.stop_reason in CUT and cut is not StopReason.INTERRUPTED:
            cut = result.stop_reason
    assert best is not None
    if cut is None and begun != n_init - 1:
        cut = StopReason.TIME
    if cut is not None:
        # An earlier start may be the best; that the work was cut short is said all the same.
        best = replace(best, stop_reason=cut, state=best.state.after(best.stop_reason))
    return best, objectives


def _results(
    network: Network,
    X: Any,
    D: Array,
    plan: TrainingPlan,
    keys: list[int],
    drawing: tuple[Any, Any],
    options: dict[str, Any],
) -> Iterator[tuple[int, TrainingResult]]:
    """Each start that was begun, by its number; after an interrupt or the time are no more."""
    followed = [name for name in ("observer", "history") if options.get(name) is not None]
    began, seconds, observer = time.perf_counter(), plan.max_seconds, options.get("observer")
    if seconds is not None:
        followed.append("max_seconds")
    # Wide networks one after the other: all of them at once would lie in memory together.
    if len(keys) > 1 and not followed and network.size <= LARGEST_NETWORK:
        options = {name: value for name, value in options.items() if value is not None}
        starts = [initialize(network, key, *drawing) for key in keys]
        plans = [replace(plan, key=key) for key in keys]
        results = train_many(network, starts, X, D, plans, **options)
        yield from (
            (index, result)
            for index, result in enumerate(results)
            if index == 0 or result.road != NOT_BEGUN
        )
        return
    for index, key in enumerate(keys):
        if seconds is not None and index > 0:
            left = seconds - (time.perf_counter() - began)
            if left <= 0:
                return
            plan = replace(plan, max_seconds=left)
        start = initialize(network, key, *drawing)
        if observer is not None:
            options = {**options, "observer": _of_start(observer, index + 1)}
        result = train(network, start, X, D, replace(plan, key=key), **options)
        yield index, result
        if result.stop_reason in CUT:
            return


def _of_start(observer: Observer, number: int) -> Observer:
    """The observer, told which start the epochs are of."""
    return lambda report: observer(replace(report, start=number))


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

"""Trainings beside each other: restarts, and the same start with another plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.functional import objective
from deltarule.network import Network
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.playground import asks
from deltarule.playground.asks import Given, Rows
from deltarule.stopping import StopReason
from deltarule.training import train

#: Runs of one ask, epochs of each, points of its way.
MOST_RUNS, MOST_EPOCHS, MOST_KEPT = 200, 1_000_000, 400

#: Points of a run's curve.
CURVE_POINTS = 200


@dataclass(frozen=True, eq=False)
class Run:
    """One training of several."""

    plan: TrainingPlan
    state: TrainingState
    train: Rows


def train_runs(network: Network, given: Given, told: Callable[[float], None]) -> list[Any]:
    """Train each run by itself and keep points of its way."""
    epochs = given.whole("epochs", 1, MOST_EPOCHS)
    keep = given.whole("keep", 2, MOST_KEPT)
    runs = [_run(entry, network) for entry in given.records("runs", MOST_RUNS)]
    found = []
    for number, run in enumerate(runs):
        found.append(_train(network, run, epochs, keep))
        told((number + 1) / len(runs))
    return found


def _run(given: Given, network: Network) -> Run:
    plan = asks.plan(given.inner("plan"))
    start = asks.first_weights(given, network)
    if given.value("start") is not None:
        start = start.replace(vector=given.vector("start", network.size).copy())
    state = TrainingState(start, np.zeros((0, network.size)), horizon=plan.max_epochs)
    return Run(plan, state, asks.rows(given.inner("train"), network))


def _train(network: Network, run: Run, epochs: int, keep: int) -> dict[str, Any]:
    """The same bits as in one call: a training may be cut anywhere."""
    ends = np.unique(np.linspace(0, epochs, keep).astype(int))
    state, losses, path = run.state, [], [run.state.parameters.vector]
    diverged = False
    for begin, end in pairwise(ends.tolist()):
        plan = replace(run.plan, max_epochs=end - begin)
        result = train(network, state, run.train.X, run.train.D, plan, engine="auto", n_threads=1)
        losses += result.history.loss
        state = result.state
        path.append(state.parameters.vector)
        diverged = result.stop_reason is StopReason.NON_FINITE
        if result.stop_reason is not StopReason.MAX_EPOCHS:
            break
    final = np.nan
    if not diverged:
        rows, penalty = run.train, run.plan.penalty
        final = objective(network, state.parameters, rows.X, rows.D, None, penalty)
    return {
        "objective": final,
        "epochs": len(losses),
        "loss": _thinned(losses),
        "vector": state.parameters.vector,
        "path": np.array(path),
    }


def _thinned(losses: list[float]) -> Array:
    values: Array = np.array(losses)
    if len(values) <= CURVE_POINTS:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, CURVE_POINTS).astype(int)])

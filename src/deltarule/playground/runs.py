"""Trainings beside each other: restarts, and the same start with another plan.

A page trains them in slices: each answer holds the states that the next ask goes on from, so that
no ask takes long and none of the bits depends on where a run was cut. Runs whose way is kept are
trained one by one, with the bits of `train`; those of which only the end is asked for go through
`train_many`, which trains small networks together in the lanes of vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.backprop import penalty_value
from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.many import train_many
from deltarule.network import Network
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.playground import asks
from deltarule.playground.asks import Given, Rows
from deltarule.playground.records import state_record
from deltarule.stopping import StopReason
from deltarule.training import train

#: Runs of one ask, epochs of each, points of its way.
MOST_RUNS, MOST_EPOCHS, MOST_KEPT = 200, 1_000_000, 400

#: Points of a run's curve in one answer.
CURVE_POINTS = 1000


@dataclass(frozen=True, eq=False)
class Run:
    """One training of several."""

    plan: TrainingPlan
    state: TrainingState
    train: Rows


@dataclass(frozen=True, eq=False)
class Way:
    """What a run went through: the loss of each epoch, and parameters on the way."""

    loss: Sequence[float]
    path: Sequence[Array]
    state: TrainingState
    diverged: bool


def train_runs(network: Network, given: Given, told: Callable[[float], None]) -> list[Any]:
    """Train each run and keep points of its way.

    Parameters
    ----------
    network : Network
    given : Given
        The ask ``runs`` of the page's protocol.
    told : callable
        Hears the share of the runs that are done.

    Returns
    -------
    list of dict
        The protocol's ``RunDone``, in the order of the runs.
    """
    epochs = given.whole("epochs", 1, MOST_EPOCHS)
    keep = given.whole("keep", 2, MOST_KEPT)
    runs = [_run(entry, network) for entry in given.records("runs", MOST_RUNS)]
    if keep == 2:
        ways = _ends(network, runs, epochs)
        told(1.0)
    else:
        ways = []
        for number, run in enumerate(runs):
            ways.append(_way(network, run, epochs, keep))
            told((number + 1) / len(runs))
    judge = _Judge(network, runs[0].plan)
    return [_done(judge, run, way) for run, way in zip(runs, ways, strict=True)]


def _run(given: Given, network: Network) -> Run:
    plan = asks.plan(given.inner("plan"))
    rows = asks.rows(given.inner("train"), network)
    if given.value("from") is not None:
        return Run(plan, asks.state(given.inner("from"), network, plan, len(rows.X)), rows)
    start = asks.first_weights(given, network)
    if given.value("start") is not None:
        start = start.replace(vector=given.vector("start", network.size).copy())
    state = TrainingState(start, np.zeros((0, network.size)), horizon=plan.max_epochs)
    return Run(plan, state, rows)


def _way(network: Network, run: Run, epochs: int, keep: int) -> Way:
    """The same bits as in one call: a training may be cut anywhere."""
    ends = np.unique(np.linspace(0, epochs, keep).astype(int))
    state, losses, path = run.state, list[float](), [run.state.parameters.vector]
    reason = StopReason.MAX_EPOCHS
    for begin, end in pairwise(ends.tolist()):
        plan = replace(run.plan, max_epochs=end - begin)
        result = train(network, state, run.train.X, run.train.D, plan, engine="auto", n_threads=1)
        losses += result.history.loss
        state, reason = result.state, result.stop_reason
        path.append(state.parameters.vector)
        if reason is not StopReason.MAX_EPOCHS:
            break
    return Way(losses, path, state, reason is StopReason.NON_FINITE)


def _ends(network: Network, runs: list[Run], epochs: int) -> list[Way]:
    """Only where they end: those on the same rows together."""
    ways: dict[int, Way] = {}
    for members in _on_same_rows(runs):
        rows, group = runs[members[0]].train, [runs[index] for index in members]
        plans = [replace(run.plan, max_epochs=epochs) for run in group]
        results = train_many(network, [run.state for run in group], rows.X, rows.D, plans)
        for index, run, result in zip(members, group, results, strict=True):
            path = [run.state.parameters.vector, result.parameters.vector]
            diverged = result.stop_reason is StopReason.NON_FINITE
            ways[index] = Way(result.history.loss, path, result.state, diverged)
    return [ways[index] for index in range(len(runs))]


def _on_same_rows(runs: list[Run]) -> list[list[int]]:
    """Numbers of the runs, those that train on equal rows together."""
    groups: list[list[int]] = []
    for index, run in enumerate(runs):
        for group in groups:
            other = runs[group[0]].train
            if np.array_equal(other.X, run.train.X) and np.array_equal(other.D, run.train.D):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


class _Judge:
    """Says J of states, with one session for all of them: opening one costs more than a look."""

    def __init__(self, network: Network, plan: TrainingPlan) -> None:
        engine = engines.choose("auto", network, plan.optimizer, np.float64)
        self.network, self.session = network, engine.open(network, np.dtype(np.float64))

    def objective(self, run: Run, state: TrainingState) -> float:
        """J of a state on the rows and under the penalty of its run."""
        vector, rows = state.parameters.vector, run.train
        self.session.load(vector, None, state.parameters.buffers)
        total = self.session.loss(rows.X, rows.D)
        total += float(penalty_value(self.network, vector, run.plan.penalty))
        return total / len(rows.D)


def _done(judge: _Judge, run: Run, way: Way) -> dict[str, Any]:
    """The protocol's record of a run."""
    state = way.state
    shown = np.arange(len(way.loss))
    if len(shown) > CURVE_POINTS:
        shown = np.linspace(0, len(shown) - 1, CURVE_POINTS).astype(int)
    return {
        "begun": judge.objective(run, run.state),
        "objective": np.nan if way.diverged else judge.objective(run, state),
        "epochs": len(way.loss),
        "epoch": (run.state.epoch + 1 + shown).astype(np.float64),
        "loss": np.array(way.loss, dtype=np.float64)[shown],
        "vector": state.parameters.vector,
        "path": np.array(way.path),
        "state": state_record(
            (state.parameters.vector, state.moments, state.parameters.buffers),
            state,
            state.step,
            state.epoch,
        ),
    }

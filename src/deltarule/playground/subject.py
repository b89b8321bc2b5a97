"""What the page is told of an opened model: the `Subject` of ``web/src/protocol.ts``.

Network and plan are the estimator's own, the rows are as its network sees them, and the start is
where it stands: its weights and, where it kept them, the moments and counters of its optimiser. All
is float64, whatever the estimator's precision is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array, choose
from deltarule.estimators import MLPClassifier, fitting
from deltarule.estimators.checks import is_sparse
from deltarule.estimators.diagnosis.subject import Subject as Checked
from deltarule.estimators.files import estimator_parameters
from deltarule.estimators.published import views
from deltarule.exceptions import DeltaruleError, InvalidParameterError
from deltarule.initializers import INITIALIZERS
from deltarule.network import Network, Parameters
from deltarule.optimizers import Adam
from deltarule.persistence import network_record
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.playground.asks import MOST_PARAMETERS
from deltarule.playground.own_units import Origin
from deltarule.playground.records import plan_record, state_record
from deltarule.playground.sources import Source
from deltarule.schedules import Constant

#: Rows, and numbers in them, that a page is sent; of more, a sample.
MOST_ROWS, MOST_SENT = 20_000, 4_000_000

#: Where inputs or targets are written in other numbers than the network's.
OWN_UNITS = (
    "The network itself meets standardized numbers. This page writes inputs and targets as the "
    "table has them, and in the step room as the network meets them."
)

#: Random numbers of the page begin at a seed that JavaScript counts with.
SEEDS = 2**31


def subject_of(source: Source, title: str | None = None) -> dict[str, Any]:
    """The record of a fitted estimator with its rows.

    Parameters
    ----------
    source : Source
    title : str, optional
        Names the model; its class and its widths where left out.

    Raises
    ------
    InvalidParameterError
        If the network holds a Python function or is too large to be looked at.
    InvalidShapeError
        If rows, target and estimator do not fit together.
    """
    estimator = source.estimator
    # What diagnosis refuses, the page could not show either.
    Checked(estimator, source.X, source.y, None, source.inputs)
    return _record(source, estimator_parameters(estimator), title, estimator._remembered(), False)


def subject_at(source: Source, parameters: Parameters) -> dict[str, Any]:
    """The same of an estimator in the middle of its first fit."""
    return _record(source, parameters, None, None, True)


def _record(
    source: Source,
    parameters: Parameters,
    title: str | None,
    memory: fitting.Memory | None,
    fitted_now: bool,
) -> dict[str, Any]:
    network, estimator = parameters.network, source.estimator
    _check_network(network)
    table, chosen, notes = _rows(source)
    X = np.ascontiguousarray(estimator._inputs(table, np.float64))
    D = np.ascontiguousarray(estimator._training_target(_target(source.y, chosen), np.float64))
    key = 0 if memory is None else memory.key % SEEDS
    plan, more = _plan(estimator, len(chosen), key)
    start = _start(parameters.astype(np.float64), memory, plan)
    widths = "-".join(map(str, network.widths))
    losses = list(getattr(estimator, "loss_curve_", ())) if start["epoch"] else []
    return {
        "title": f"{type(estimator).__name__} {widths}" if title is None else title,
        "open": {
            "network": network_record(network),
            "plan": plan_record(plan),
            "initializer": choose(estimator.initializer, INITIALIZERS, "initializer").record(),
            "seed": key,
            "train": {"X": X.ravel(), "D": D.ravel(), "rows": len(chosen)},
            "held": None,
            "start": start,
        },
        "table": _table(source, table, D, [*source.notes, *notes, *more]),
        "scaling": _scaling(estimator, table.shape[1]),
        "curve": {
            "epoch": np.arange(1.0, len(losses) + 1),
            "loss": np.array(losses, dtype=np.float64),
            "held_loss": np.empty(0),
        },
        "fitting": fitted_now,
        "axes": telling_inputs(table, D),
    }


def telling_inputs(X: Array, D: Array) -> list[int]:
    """The two inputs that tell most of the targets: the axes on which a map says something.

    By the squared correlation with the target that fits best. An input that is the same in every
    row comes after all others; of a single input there is that alone, twice.

    Parameters
    ----------
    X : ndarray of shape (rows, inputs)
    D : ndarray of shape (rows, outputs)

    Returns
    -------
    list of int
        In rising order.

    Examples
    --------
    >>> X = np.array([[5.0, 0.0, 1.0, 0.0], [5.0, 1.0, 1.0, 1.0], [5.0, 0.0, 0.0, 2.0]])
    >>> telling_inputs(X, np.array([[0.0], [1.0], [2.0]]))
    [2, 3]
    """
    inputs = X.shape[1]
    if inputs <= 2:
        return [0, inputs - 1]
    # Over the largest one, so that no square overflows.
    x, d = (one / np.maximum(np.abs(one).max(axis=0), 1e-300) for one in (X, D))
    x, d = x - x.mean(axis=0), d - d.mean(axis=0)
    spread, wanted = (x**2).sum(axis=0), (d**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (x.T @ d) ** 2 / (spread[:, None] * wanted)
    told = np.where(X.min(axis=0) < X.max(axis=0), np.nan_to_num(share).max(axis=1), -1.0)
    return sorted(np.argsort(-told, kind="stable")[:2].tolist())


def give(estimator: Any, parameters: Parameters) -> None:
    """Put numbers in the place of those of a fitted estimator, running statistics too."""
    dtype = np.asarray(estimator.coefs_[0]).dtype
    vector, buffers = (part.astype(dtype) for part in (parameters.vector, parameters.buffers))
    for name, parts in views(parameters.network, vector, buffers).items():
        setattr(estimator, name, parts)


def _check_network(network: Network) -> None:
    if network.size > MOST_PARAMETERS:
        raise InvalidParameterError(
            f"play shows networks of at most {MOST_PARAMETERS:,} parameters (got "
            f"{network.size:,}). Use dr.diagnose for a look at a larger one."
        )


def _rows(source: Source) -> tuple[Array, Array, list[str]]:
    """X as float64, the rows that it has of all of them, and what to say of that."""
    rows, inputs = np.shape(source.X)
    most = max(1, min(MOST_ROWS, MOST_SENT // inputs))
    chosen = np.arange(rows)
    notes = []
    if rows > most:
        chosen = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
        notes.append(f"{most:,} of {rows:,} rows are shown and trained on here.")
    X = _taken(source.X, chosen)
    dense: Array = X.toarray() if is_sparse(X) else np.asarray(X)
    return np.ascontiguousarray(dense, dtype=np.float64), chosen, notes


def _taken(values: Any, chosen: Array) -> Any:
    if is_sparse(values):
        return values.tocsr()[chosen]
    return np.asarray(values)[chosen]


def _target(values: Any, chosen: Array) -> Any:
    """Those of y; a single column of numbers as a list of them."""
    found = _taken(values, chosen)
    return found[:, 0] if np.ndim(found) == 2 and found.shape[1] == 1 else found


def _plan(estimator: Any, rows: int, key: int) -> tuple[TrainingPlan, list[str]]:
    """The plan of the estimator's parameters, as far as a page can go on by it."""
    plan = fitting.build_plan(estimator, rows, key, None, incremental=False)
    plan = replace(plan, patience=None, max_seconds=None)
    notes = []
    if plan.optimizer.name == "lbfgs":
        plan = replace(plan, optimizer=Adam(), learning_rate_init=0.001)
        notes.append("lbfgs goes over all rows at once: training goes on here with adam.")
    try:
        plan.schedule.record()
    except DeltaruleError:
        plan = replace(plan, schedule=Constant())
        notes.append("The schedule is a Python function: training goes on here without it.")
    if getattr(estimator, "class_weight", None) is not None:
        notes.append("All rows count the same here: class_weight is left out.")
    return plan, notes


def _start(now: Parameters, memory: fitting.Memory | None, plan: TrainingPlan) -> dict[str, Any]:
    """Where it stands; from the weights alone where the optimiser's numbers are not theirs."""
    state = TrainingState(now, np.zeros((0, now.network.size)))
    if memory is not None and not plan.schedule.needs_horizon:
        last = memory.state.after(memory.reason)
        same = np.array_equal(last.parameters.vector.astype(np.float64), now.vector)
        if same and memory.optimizer == plan.optimizer:
            state = replace(last, parameters=now, moments=last.moments.astype(np.float64))
    return state_record((now.vector, state.moments, now.buffers), state, state.step, state.epoch)


def _table(source: Source, X: Array, D: Array, notes: list[str]) -> dict[str, Any]:
    estimator = source.estimator
    code = estimator._code if isinstance(estimator, MLPClassifier) else None
    classes = code is not None and not code.multilabel
    if code is not None and classes:
        outputs = [str(name) for name in code.classes]
        y = D.argmax(axis=1) if code.columns > 1 else D[:, 0] > code.middle
    else:
        outputs = list(source.outputs) if code is None else [str(name) for name in code.classes]
        y = D[:, 0]
        if D.shape[1] > 1:
            notes.append(f"The colour of a row is that of its first target, {outputs[0]}.")
    origin = source.origin.under(getattr(estimator, "_target_standardizer", None))
    if origin != Origin() or estimator._standardizer is not None:
        notes.append(OWN_UNITS)
    return {
        "name": source.target,
        "inputs": list(source.inputs),
        "kind": "classes" if classes else "values",
        "target": source.target,
        "outputs": outputs,
        "X": X.ravel(),
        "y": y.astype(np.float64),
        "rows": len(X),
        "notes": notes,
        "columns": [*source.inputs, source.target],
        "origin": origin.record(),
    }


def _scaling(estimator: Any, inputs: int) -> dict[str, Array]:
    found = estimator._standardizer
    center = np.zeros(inputs) if found is None or found.center is None else found.center
    scale = np.ones(inputs) if found is None else found.scale
    return {"center": center.astype(np.float64), "scale": scale.astype(np.float64)}

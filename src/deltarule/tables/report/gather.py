"""Findings of a training: from a model and the rows that it is judged on to what a report tells."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.tables import scores
from deltarule.tables.description import sees
from deltarule.tables.model import TableModel
from deltarule.tables.report.findings import Bin, Curve, Findings, Numbers, Score
from deltarule.tables.report.importance import importances
from deltarule.tables.table import Table
from deltarule.tables.table_ensemble import TableEnsemble

BINS = 10
#: Pairs of pictures for the targets of a regression.
MOST_TARGETS = 4
_WORDS = {
    "log_loss": "log loss",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
}


def gather(
    model: TableModel | TableEnsemble,
    table: Table,
    predicted: Array,
    probabilities: Array | None,
    record: Mapping[str, Any],
    names: Mapping[str, str],
    seed: int,
) -> Findings:
    """What there is to tell.

    Parameters
    ----------
    model : TableModel or TableEnsemble
    table : Table
        The judged rows, with their target.
    predicted : array
        What the model says of them.
    probabilities : array of shape (rows, classes), optional
    record : mapping
        That of ``deltarule train``.
    names : mapping of str to str
        What each model of ``record["scores"]`` is called.
    seed : int
    """
    target = model.target
    actual = model.actual(table)
    classes = target.task == "classification"
    labels, counts = scores.confusion(actual, predicted) if classes else (np.array([]), None)
    bins, likely = reliability(actual, probabilities, model.classes_) if classes else ([], "")
    important, note = importances(model, table, actual, seed)
    where = "held-out" if record["judged_on"] == "holdout" else "training"
    return Findings(
        table="standard input" if record["table"] == "-" else os.path.basename(record["table"]),
        model=os.path.basename(record["model"]),
        target=target.names,
        task=target.task,
        facts=_facts(record, names),
        notes=list(record["notes"]),
        columns=[
            (column.name, column.kind, str(len(column.inputs)), sees(column))
            for column in model.columns.columns
        ],
        judged_on=f"{len(actual)} {where} rows",
        score_name="accuracy" if classes else "R²",
        scores=[
            Score(names[who], value, record["spread"].get(who), record["seconds"].get(who))
            for who, value in record["scores"].items()
        ],
        more_scores=_more(record["network_scores"]),
        curves=_curves(model),
        labels=[str(label) for label in labels.tolist()],
        counts=counts,
        reliability=bins,
        likely=likely,
        numbers=[] if classes else _numbers(model, table, actual, predicted),
        importance=important,
        importance_note=note,
        commands=_commands(record),
        python=_python(model, record),
    )


def reliability(
    actual: Array, probabilities: Array | None, classes: Array
) -> tuple[list[Bin], str]:
    """Probabilities against what came true, by tenths of a probability, and whose they are.

    Of two classes it is the probability of the second, of more that of the class that is
    predicted.

    Examples
    --------
    >>> actual, said = np.array(["a", "b", "b", "b"]), np.array([0.25, 0.25, 0.75, 0.75])
    >>> shares = np.column_stack((1 - said, said))
    >>> bins, whose = reliability(actual, shares, np.array(["a", "b"]))
    >>> [(one.said, one.found, one.rows) for one in bins], whose
    ([(0.25, 0.5, 2), (0.75, 1.0, 2)], 'b')
    """
    if probabilities is None or len(classes) < 2:
        return [], ""
    if len(classes) == 2:
        said, right, likely = probabilities[:, 1], actual == classes[1], str(classes[1])
    else:
        said = probabilities.max(axis=1)
        right, likely = actual == classes[probabilities.argmax(axis=1)], ""
    place = np.clip((said * BINS).astype(int), 0, BINS - 1)
    found = []
    for one in np.unique(place).tolist():
        rows = place == one
        means = float(said[rows].mean()), float(right[rows].mean())
        found.append(Bin(one / BINS, (one + 1) / BINS, *means, int(rows.sum())))
    return found, likely


def tenths(actual: Array, predicted: Array) -> list[Bin]:
    """Rows in order of their prediction, divided into tenths: means of predictions and of truth."""
    order = np.argsort(predicted, kind="stable")
    found = []
    for rows in np.array_split(order, min(BINS, max(len(order) // 5, 1))):
        said, right = predicted[rows], actual[rows]
        error = float(right.std(ddof=1) / np.sqrt(len(rows))) if len(rows) > 1 else 0.0
        ends = float(said.min()), float(said.max())
        found.append(Bin(*ends, float(said.mean()), float(right.mean()), len(rows), error))
    return found


def _numbers(
    model: TableModel | TableEnsemble, table: Table, actual: Array, predicted: Array
) -> list[Numbers]:
    names = model.target.names[:MOST_TARGETS]
    levels = model.levels if isinstance(model, TableEnsemble) else ()
    below = model.predict_quantiles(table) if isinstance(model, TableEnsemble) and levels else None
    told = []
    for at, name in enumerate(names):
        coverage: tuple[tuple[float, float], ...] = ()
        if below is not None:
            shares = (actual[:, at, np.newaxis] <= below[:, at]).mean(axis=0)
            coverage = tuple(zip(levels, shares.tolist(), strict=True))
        told.append(Numbers(name, actual[:, at], predicted.reshape(actual.shape)[:, at], coverage))
    return told


def _curves(model: TableModel | TableEnsemble) -> list[Curve]:
    if isinstance(model, TableEnsemble):
        return [
            _curve(history.loss, history.validation_loss, history.validation_score)
            for history in model.estimator.histories_
        ]
    estimator: Any = model.estimator
    # Which of several epochs of the same score is kept is its own affair.
    return [_curve(estimator.loss_curve_, estimator.validation_loss_curve_, None)]


def _curve(training: Any, held: Any, judged: Any) -> Curve:
    """The losses, and the last of the epochs that were judged best."""
    kept = None
    if judged:
        scored = np.array(judged, dtype=np.float64)
        if np.isfinite(scored).any():
            kept = int(np.flatnonzero(scored == np.nanmax(scored))[-1])
    return Curve(tuple(training or ()), tuple(held or ()), kept)


def _facts(record: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    units = "-".join(map(str, record["units"]))
    count = record["networks"]
    networks = f"{count} of {units} units" if count > 1 else f"1 network of {units} units"
    preset = "none: one plain network" if record["preset"] is None else record["preset"]
    took = [
        f"{names[who]} {seconds:.1f} s"
        for who, seconds in record["seconds"].items()
        if who != "naive"
    ]
    return [
        ("task", f"{record['task']}, because {record['task_reason']}"),
        ("rows", f"{record['training_rows']} to train on, {record['holdout_rows']} held out"),
        ("preset", preset),
        ("networks", f"{networks}, {record['parameters']} parameters in all"),
        ("training", f"{record['epochs']} epochs, {record['engine']} engine"),
        ("time", ", ".join(took)),
    ]


def _more(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = [(words, f"{found[name]:.4g}") for name, words in _WORDS.items() if name in found]
    for name, value in (found.get("r2_by_target") or {}).items():
        told.append((f"R² of {name}", "not defined" if value is None else f"{value:.4f}"))
    return told


def _commands(record: Mapping[str, Any]) -> list[str]:
    model = shlex.quote(os.path.basename(record["model"]))
    return [
        f"deltarule predict {model} NEW-TABLE.csv -o predictions.csv",
        f"deltarule evaluate {model} TABLE-WITH-TARGET.csv",
        f"deltarule inspect {model}",
    ]


def _python(model: TableModel | TableEnsemble, record: Mapping[str, Any]) -> list[str]:
    lines = [
        "import deltarule as dr",
        "import pandas as pd",
        "",
        f"model = dr.load({os.path.basename(record['model'])!r})",
        'rows = pd.read_csv("NEW-TABLE.csv")',
        "model.predict(rows)",
    ]
    if model.target.task == "classification":
        lines.append("model.predict_proba(rows)  # a column for each of model.classes_")
    elif isinstance(model, TableEnsemble) and model.levels:
        lines.append("model.predict_quantiles(rows)  # (rows, targets, quantiles)")
    return lines

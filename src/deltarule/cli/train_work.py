"""The work of ``deltarule train`` beside the training: rivals of the model, and its judgement."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deltarule.cli.progress import Progress
from deltarule.cli.train_parts import Parts

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import ColumnPlan, Table, TableEnsemble, TableModel


@dataclass
class Fitted:
    """What a training gave.

    Parameters
    ----------
    model : TableModel or TableEnsemble
    record : dict
        What there is to say of the networks, for the record of the command.
    seconds : float
    interrupted : str or None
        How far an interrupted training came.
    """

    model: TableModel | TableEnsemble
    record: dict[str, Any]
    seconds: float
    interrupted: str | None


@dataclass
class Rivals:
    """What other models say of the judged rows, by name, and how long they took to learn it."""

    predictions: dict[str, Array] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Judged:
    """A model with its report, the record of the command, and what was said of the judged rows."""

    model: TableModel | TableEnsemble
    record: dict[str, Any]
    actual: Array
    predictions: dict[str, Array]
    probabilities: Array | None


def judged_rows(parts: Parts) -> Array:
    """The rows that models are judged on: those held out, or without them those of the training."""
    return parts.holdout if len(parts.holdout) else parts.training


def rivals(args: argparse.Namespace, parts: Parts, plan: ColumnPlan, progress: Progress) -> Rivals:
    """The linear and the naive model, and with ``--compare`` the boosted one."""
    from deltarule.tables import scores
    from deltarule.tables.boosted import boosted_prediction

    target, training = parts.target, parts.table.take(parts.training)
    judged = parts.table.take(judged_rows(parts))
    found = Rivals()

    def take(name: str, predict: Any) -> None:
        began = time.perf_counter()
        found.predictions[name] = predict()
        found.seconds[name] = time.perf_counter() - began

    def straight(table: Table) -> Array:
        table = plan.found_in(table)
        return plan.straight(table, plan.transform(table))

    y = target.encode(training)
    progress.doing("linear model")
    take(
        "linear",
        lambda: scores.linear_prediction(target, straight(training), y, straight(judged)),
    )
    if args.compare:
        progress.doing("HistGradientBoosting")
        take(
            "boosted",
            lambda: boosted_prediction(target, plan, training, judged, args.seed),
        )
    take("naive", lambda: scores.naive_prediction(target, target.actual(training), judged.rows))
    return found


def judge(
    args: argparse.Namespace, parts: Parts, plan: ColumnPlan, beside: Rivals, fitted: Fitted
) -> Judged:
    """Hold the model against its rivals on the judged rows."""
    from deltarule.tables import resampling, scores

    target, model = parts.target, fitted.model
    table = parts.table.take(judged_rows(parts))
    actual = target.actual(table)
    predictions = {"network": model.predict(table).reshape(actual.shape), **beside.predictions}
    found = {who: scores.score(target, actual, said) for who, said in predictions.items()}
    spread = {}
    if len(parts.holdout):
        drawn = resampling.spread(target, actual, predictions, args.seed)
        spread = {who: value for who, value in drawn.items() if value == value}
    classes = target.task == "classification"
    probabilities = model.predict_proba(table) if classes else None
    every = scores.all_scores(
        target, actual, predictions["network"], probabilities, model.classes_ if classes else None
    )
    record = {
        "command": "train",
        "table": args.table,
        "model": args.output,
        "task": target.task,
        "task_reason": target.reason,
        "target": list(target.names),
        "rows": parts.table.rows,
        "training_rows": len(parts.training),
        "holdout_rows": len(parts.holdout),
        "inputs": len(plan.inputs),
        **fitted.record,
        "score_name": "accuracy" if classes else "r2",
        "judged_on": "holdout" if len(parts.holdout) else "training",
        "scores": found,
        "spread": spread,
        "network_scores": every,
        "seconds": {**beside.seconds, "network": fitted.seconds},
        "notes": parts.notes,
    }
    keep = ("rows", "training_rows", "holdout_rows", "epochs", "engine", "score_name", "judged_on")
    report = {name: record[name] for name in keep}
    report |= {f"{name}_score": _finite(value) for name, value in found.items()}
    report |= {f"{name}_spread": _finite(value) for name, value in spread.items()}
    report |= {"table": os.path.basename(args.table), "seed": args.seed}
    return Judged(replace(model, report=report), record, actual, predictions, probabilities)


def _finite(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None

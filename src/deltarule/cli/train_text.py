"""What ``deltarule train`` tells people: the table, the plan of its columns, the scores."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from deltarule.cli.output import Output, counted, shown, text_table

if TYPE_CHECKING:
    from deltarule.cli.train_parts import Parts
    from deltarule.tables import ColumnPlan

#: Kinds of columns that are named where there are some.
_OTHERS = ("boolean", "datetime", "text")
_STOP_WORDS = {
    "converged": "the training loss no longer fell",
    "no_improvement": "the validation score no longer rose, the best weights are kept",
    "max_epochs": "all epochs that --epochs allows",
    "non_finite": "the objective became infinite, the best weights are kept",
    "interrupted": "interrupted",
    "step_too_small": "the step size became too small",
    "solver": "the solver stopped by itself",
}


def tell_parts(args: argparse.Namespace, parts: Parts, out: Output) -> None:
    """The table, the task and why, and what was left out."""
    import numpy as np

    table, target = parts.table, parts.target
    columns = len(table.names) - len(target.names)
    name = "standard input" if args.table == "-" else os.path.basename(args.table)
    out.line(
        f"{name}: {counted(table.rows, 'row')}, {counted(columns, 'column')} beside the target"
    )
    if target.task == "classification":
        classes = len(np.unique(target.actual(table)))
        kind = f"classification, {counted(classes, 'class', 'classes')}"
    else:
        kind = f"regression, {counted(len(target.names), 'output')}"
    out.line(f"  task      {kind}, because {target.reason}")
    for note in parts.notes:
        out.line(f"  note      {note}")


def tell_plan(plan: ColumnPlan, parts: Parts, out: Output) -> None:
    """What the columns become, and how the rows are divided."""
    kinds = [column.kind for column in plan.columns]
    holes = sum(column.missing for column in plan.columns)
    others = [f"{kinds.count(kind)} {kind}" for kind in _OTHERS if kind in kinds]
    pieces = [
        f"{kinds.count('numeric')} numeric and {kinds.count('categorical')} categorical columns",
        *others,
    ]
    if holes:
        pieces.append(f"{holes} with missing cells")
    out.line(f"  inputs    {len(plan.inputs)} from {', '.join(pieces)}")
    reasons = sorted({column.reason for column in plan.columns if column.kind == "ignored"})
    for reason in reasons:
        names = [column.name for column in plan.columns if column.reason == reason]
        more = f", … {len(names)} in all" if len(names) > 6 else ""
        out.line(f"  left out  {', '.join(names[:6])}{more}: {reason}")
    out.line(f"  rows      {len(parts.training)} to train on, {len(parts.holdout)} held out")


def tell_scores(record: dict[str, Any], estimator: Any, out: Output) -> None:
    """The network, how its training went, and its score beside the naive and the linear one."""
    units = "-".join(map(str, record["units"]))
    out.line(
        f"  network   {units}, {record['parameters']} parameters, {estimator.solver}, "
        f"{record['engine']} engine"
    )
    out.line(
        f"  training  {counted(record['epochs'], 'epoch')}, {record['seconds']['network']:.2f} s; "
        f"{_STOP_WORDS.get(record['stop_reason'], record['stop_reason'].replace('_', ' '))}"
    )
    name = "accuracy" if record["score_name"] == "accuracy" else "R²"
    where = "held-out rows" if record["judged_on"] == "holdout" else "training rows"
    scores = record["scores"]
    rows = [[where, name]] + [[f"  {who}", shown(scores[who])] for who in scores]
    rows[1][0], rows[2][0] = "  this network", "  linear model"
    rows[3][0] = "  most frequent class" if record["score_name"] == "accuracy" else "  mean"
    out.lines("", *text_table(rows))
    for target, value in (record["network_scores"].get("r2_by_target") or {}).items():
        out.line(f"  R² of {target}: {shown(value)}")
    if scores["network"] < scores["linear"]:
        remedy = " Try --hidden 0." if len(record["units"]) > 2 else ""
        out.line(
            "  The linear model is ahead here: the table may be small, or its relation straight."
            + remedy
        )

"""What ``deltarule train`` tells people: the table, the plan of its columns, the scores."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from deltarule.cli.output import Output, counted, shown, text_table

if TYPE_CHECKING:
    from deltarule.cli.train_parts import Parts
    from deltarule.tables import ColumnPlan

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
    kinds: dict[str, list[str]] = {}
    for column in plan.columns:
        if column.inputs:
            kinds.setdefault(column.kind, []).append(column.name)
    pieces = [f"{len(names)} {kind}" for kind, names in kinds.items()]
    holes = sum(column.missing for column in plan.columns)
    missing = f", {holes} with missing cells" if holes else ""
    out.line(f"  inputs    {len(plan.inputs)} from {' and '.join(pieces)} columns{missing}")
    wide = max(map(len, kinds))
    for kind, names in kinds.items():
        out.line(f"            {kind:{wide}}  {_some(names)}")
    for reason in sorted({column.reason for column in plan.columns if column.kind == "ignored"}):
        names = [column.name for column in plan.columns if column.reason == reason]
        out.line(f"  left out  {_some(names)}: {reason}")
    out.line(f"  rows      {len(parts.training)} to train on, {len(parts.holdout)} held out")


def _some(names: list[str], room: int = 64) -> str:
    """As many names as a line has room for, at least one."""
    shown = names[:1]
    for name in names[1:]:
        if len(", ".join([*shown, name])) > room:
            return f"{', '.join(shown)}, … {len(names)} in all"
        shown.append(name)
    return ", ".join(shown)


def names_of(record: dict[str, Any]) -> dict[str, str]:
    """Who is judged, in words."""
    return {
        "network": "this network" if record["preset"] is None else "this ensemble",
        "linear": "linear model",
        "boosted": "HistGradientBoosting",
        "naive": "most frequent class" if record["score_name"] == "accuracy" else "mean",
    }


def tell_scores(record: dict[str, Any], out: Output) -> None:
    """The networks, how their training went, and their score beside the others'."""
    units = "-".join(map(str, record["units"]))
    if record["preset"] is None:
        out.line(
            f"  network   {units}, {record['parameters']} parameters, {record['solver']}, "
            f"{record['engine']} engine"
        )
        reason = record["stop_reason"]
        how = f"; {_STOP_WORDS.get(reason, reason.replace('_', ' '))}"
    else:
        each = record["parameters"] // record["networks"]
        several = record["networks"] > 1
        out.line(
            f"  networks  {record['networks']} of {units}, {each} parameters{' each' * several}, "
            f"preset {record['preset']}, {record['engine']} engine"
        )
        how = f" with the linear model beside {'them' if several else 'it'}"
    out.line(
        f"  training  {counted(record['epochs'], 'epoch')}, {record['seconds']['network']:.2f} s"
        f"{how}"
    )
    out.lines("", *score_lines(record))
    for target, value in (record["network_scores"].get("r2_by_target") or {}).items():
        out.line(f"  R² of {target}: {shown(value)}")
    scores = record["scores"]
    if scores["network"] < scores["linear"]:
        by_hand = record["preset"] is None and len(record["units"]) > 2
        out.line(
            "  The linear model is ahead here: the table may be small, or its relation straight."
            + (" Try --hidden 0." if by_hand else "")
        )


def score_lines(record: dict[str, Any]) -> list[str]:
    """Every score in a line, with its spread where there is one."""
    accuracy = record["score_name"] == "accuracy"
    where = "held-out rows" if record["judged_on"] == "holdout" else "training rows"
    names = names_of(record)
    spread, seconds = record["spread"], record["seconds"]
    rows = [[where, "accuracy" if accuracy else "R²", "±", "seconds"]]
    for who, score in record["scores"].items():
        found = spread.get(who)
        off = "" if found is None or found != found else shown(found)
        took = f"{seconds[who]:.2f}" if who != "naive" else ""
        rows.append([f"  {names[who]}", shown(score), off, took])
    if not spread:
        return text_table([[row[0], row[1], row[3]] for row in rows])
    from deltarule.tables.resampling import DRAWS

    return [
        *text_table(rows),
        f"  ± is the standard deviation over {DRAWS} draws of the held-out rows (bootstrap)",
    ]

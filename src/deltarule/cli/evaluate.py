"""Score a model on a table that holds the target."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.models import load_model, read_table
from deltarule.cli.output import Output, counted, shown, text_table

if TYPE_CHECKING:
    from deltarule.definitions import Array

DESCRIPTION = """\
Score a model on a table that holds the target. Rows whose target is missing are
left out and counted. Use rows that the model was not trained on."""

_WORDS = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "mean_absolute_error": "mean absolute error",
    "root_mean_squared_error": "root mean squared error",
}
#: Up to so many classes the whole confusion matrix is shown, above it the frequent mistakes.
MOST_CLASSES_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_model(parser)
    arguments.add_table(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Read, predict, compare."""
    import numpy as np

    from deltarule.exceptions import TableError
    from deltarule.tables import scores
    from deltarule.tables.targets import has_target

    model = load_model(args.model)
    table = read_table(args.table)
    known = has_target(table, model.target.names)
    if not known.any():
        raise TableError(
            f"no row has a value in {', '.join(model.target.names)} to compare with. Use a table "
            "with the target, or deltarule predict."
        )
    skipped = int((~known).sum())
    table = table.take(known)
    actual = model.actual(table)
    predicted = model.predict(table)
    classes = model.target.task == "classification"
    found = scores.all_scores(
        model.target,
        actual,
        predicted,
        model.predict_proba(table) if classes else None,
        model.classes_ if classes else None,
    )
    name = "standard input" if args.table == "-" else os.path.basename(args.table)
    out.line(f"{os.path.basename(args.model)} on {name}: {counted(table.rows, 'row')}")
    unknown = ~np.isin(actual, model.classes_) if classes else np.zeros(0, dtype=bool)
    if unknown.any():
        first = int(unknown.argmax())
        out.note(
            f"{counted(int(unknown.sum()), 'row')} of {table.rows} with a class that the model "
            f"does not know, for example {str(actual[first])!r} in row {table.row_number(first)}: "
            "counted as mistakes, and there is no log loss."
        )
    if skipped:
        out.line(f"  {counted(skipped, 'row')} without a target left out")
    found_words = [[f"  {_WORDS[key]}", shown(found[key])] for key in _WORDS if key in found]
    out.lines(*text_table(found_words))
    for target, value in (found.get("r2_by_target") or {}).items():
        out.line(f"  R² of {target}: {shown(value)}")
    record: dict[str, Any] = {
        "command": "evaluate",
        "model": args.model,
        "table": args.table,
        "task": model.target.task,
        "rows": table.rows,
        "rows_without_target": skipped,
        "rows_of_unknown_classes": int(unknown.sum()),
        "scores": found,
    }
    if classes:
        labels, counts = scores.confusion(actual, predicted)
        record["confusion"] = {"classes": labels, "counts": counts}
        out.lines("", *confusion_text(labels, counts))
    out.result(record)
    return 0


def confusion_text(labels: Array, counts: Array) -> list[str]:
    """The confusion matrix as lines, or for many classes the most frequent mistakes."""
    names = [str(label) for label in labels]
    if len(names) <= MOST_CLASSES_SHOWN:
        names = [name if len(name) <= 14 else name[:13] + "…" for name in names]
        rows = [["  actual ╲ predicted", *names]]
        for name, line in zip(names, counts.tolist(), strict=True):
            rows.append([f"  {name}", *[str(count) if count else "·" for count in line]])
        return text_table(rows)
    mistakes = [
        (counts[i, j], names[i], names[j])
        for i in range(len(names))
        for j in range(len(names))
        if i != j and counts[i, j]
    ]
    mistakes.sort(key=lambda mistake: -mistake[0])
    if not mistakes:
        return ["  no mistakes"]
    rows = [["    actual", "predicted", "rows"]]
    rows += [[f"    {actual}", predicted, str(count)] for count, actual, predicted in mistakes[:8]]
    return ["  the most frequent mistakes", *text_table(rows)]

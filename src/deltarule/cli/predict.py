"""Predict the target of every row of a table."""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import sys
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.models import check_output, load_model, named_columns, read_table
from deltarule.cli.output import Output, counted

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import Table, TableEnsemble, TableModel

DESCRIPTION = """\
Predict the target of every row of a table with a model that deltarule train saved.
The predictions are CSV, one line per row in the table's order, on standard output
or in the file that -o names. The target column need not be there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_model(parser)
    arguments.add_table(parser)
    add = parser.add_argument
    add(
        "-o",
        "--output",
        metavar="FILE",
        default="-",
        help="where to write the predictions; - is standard output (default)",
    )
    add("--proba", action="store_true", help="add the probability of every class")
    add(
        "--quantiles",
        action="store_true",
        help="add every quantile of a model that was trained with --quantiles",
    )
    add(
        "--keep",
        metavar="COLUMN",
        action="append",
        help="columns of the table to repeat beside the predictions, such as an identifier; beside "
        "the target itself the prediction is called predicted_COLUMN",
    )
    arguments.add_quiet(parser)


def run(args: argparse.Namespace, out: Output) -> int:
    """Read, predict, write."""
    from deltarule.exceptions import InvalidParameterError
    from deltarule.persistence import replace_file
    from deltarule.tables import TableEnsemble

    if args.output != "-":
        check_output(args.output, args.model, args.table)
    model = load_model(args.model)
    if args.proba and model.target.task == "regression":
        raise InvalidParameterError(
            "--proba is for classes (got a regression model). Leave --proba out."
        )
    if args.quantiles and not (isinstance(model, TableEnsemble) and model.levels):
        raise InvalidParameterError(
            "--quantiles is for a model that has some (got one without). Leave --quantiles out, or "
            "train one with deltarule train --quantiles 0.05,0.5,0.95."
        )
    table = read_table(args.table)
    kept = named_columns(table, args.keep)
    columns = beside(kept, predicted_columns(model, table, args.proba, args.quantiles))
    if args.output != "-":
        replace_file(args.output, _csv(table, kept, columns).encode("utf-8"))
        out.line(f"{counted(table.rows, 'prediction')} in {args.output}")
    elif not args.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(_csv(table, kept, columns).encode("utf-8"))
        sys.stdout.flush()
    record: dict[str, Any] = {"command": "predict", "model": args.model, "rows": table.rows}
    if args.output == "-":
        record["predictions"] = {**{name: _cells(table, name) for name in kept}, **columns}
    else:
        record["output"] = args.output
    out.result(record)
    return 0


def predicted_columns(
    model: TableModel | TableEnsemble, table: Table, proba: bool, quantiles: bool = False
) -> dict[str, list[Any]]:
    """The predictions by the name of their column in the output.

    A class prediction is under the target's own name, its probabilities under ``name=class``; the
    quantiles of a number under ``name@level``.
    """
    from deltarule.tables import TableEnsemble

    columns: dict[str, list[Any]]
    predicted: Array = model.predict(table)
    names = model.target.names
    if model.target.task == "regression":
        predicted = predicted.reshape(table.rows, len(names))
        columns = {name: _short(predicted[:, i]) for i, name in enumerate(names)}
        if quantiles and isinstance(model, TableEnsemble):
            told = model.predict_quantiles(table)
            for (i, name), (j, level) in itertools.product(
                enumerate(names), enumerate(model.levels)
            ):
                columns[f"{name}@{level:g}"] = _short(told[:, i, j])
        return columns
    columns = {names[0]: predicted.tolist()}
    if proba:
        probabilities = model.predict_proba(table)
        for index, label in enumerate(model.classes_.tolist()):
            columns[f"{names[0]}={label}"] = _short(probabilities[:, index])
    return columns


def beside(kept: tuple[str, ...], columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The predictions under names that no kept column has: ``predicted_price`` beside ``price``.

    Examples
    --------
    >>> beside(("price",), {"price": [1.5], "area": [70.0]})
    {'predicted_price': [1.5], 'area': [70.0]}
    """
    renamed: dict[str, list[Any]] = {}
    for name, cells in columns.items():
        free = name
        while free in kept or free in renamed or (free != name and free in columns):
            free = f"predicted_{free}"
        renamed[free] = cells
    return renamed


def _short(numbers: Array) -> list[float]:
    """Numbers without the digits that mean nothing: the network computes in float32."""
    return [float(f"{number:.8g}") for number in numbers.tolist()]


def _csv(table: Table, kept: tuple[str, ...], columns: dict[str, list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*kept, *columns])
    writer.writerows(zip(*(_cells(table, name) for name in kept), *columns.values(), strict=True))
    return text.getvalue()


def _cells(table: Table, name: str) -> list[str]:
    return ["" if cell is None else cell for cell in table.words(name).tolist()]

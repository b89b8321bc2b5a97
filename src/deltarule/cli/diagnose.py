"""Look for what ails a model, on a table that holds the target."""

from __future__ import annotations

import argparse
import os

from deltarule.cli import arguments
from deltarule.cli.models import check_output, load_network, read_table
from deltarule.cli.output import Output, counted

DESCRIPTION = """\
Measure a model on a table that holds the target, and say what ails it and what to do:
units that are dead or saturated, deltas that vanish, steps too large or too small,
overfit and underfit, and more. Rows whose target is missing are left out and counted.
Rows that the model was not trained on show whether it overfits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_model(parser)
    arguments.add_table(parser)
    parser.add_argument("--html", metavar="FILE", help="write it as a page of HTML, too")


def run(args: argparse.Namespace, out: Output) -> int:
    """Read, measure, tell."""
    from deltarule.estimators.diagnosis import diagnose
    from deltarule.exceptions import TableError
    from deltarule.tables.targets import has_target

    if args.html is not None:
        check_output(args.html, args.model, args.table)
    model = load_network(args.model, "diagnose")
    table = read_table(args.table)
    known = has_target(table, model.target.names)
    if not known.any():
        raise TableError(
            f"no row has a value in {', '.join(model.target.names)} to compare with. Use a table "
            "with the target, or deltarule predict."
        )
    skipped = int((~known).sum())
    table = table.take(known)
    found = diagnose(
        model.estimator,
        model.columns.transform(table),
        model.target.encode(table),
        feature_names=model.columns.inputs,
    )
    if args.html is not None:
        found.to_html(args.html)
    name = "standard input" if args.table == "-" else os.path.basename(args.table)
    out.line(f"{os.path.basename(args.model)} on {name}")
    if skipped:
        out.line(f"  {counted(skipped, 'row')} without a target left out")
    out.lines(*str(found).split("\n"))
    if args.html is not None:
        out.lines("", f"The page is written to {args.html}")
    out.result(
        {
            "command": "diagnose",
            "model": args.model,
            "table": args.table,
            "rows_without_target": skipped,
            "html": args.html,
            "diagnosis": found.to_dict(),
        }
    )
    return 0

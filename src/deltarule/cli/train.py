"""Train a model on a table and save it.

The holdout rows are set aside first and never seen by the plan of the columns, the networks or
their early stopping; the naive, the linear and the boosted model are judged on the same rows.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltarule.cli.models import check_output
from deltarule.cli.output import Output, bytes_text
from deltarule.cli.progress import Progress
from deltarule.cli.train_options import add_arguments, check, is_by_hand, report_path
from deltarule.cli.train_parts import Parts, divide, plan_columns
from deltarule.cli.train_text import names_of, tell_parts, tell_plan, tell_scores
from deltarule.cli.train_work import judge, judged_rows, rivals
from deltarule.exceptions import OutputPathError

if TYPE_CHECKING:
    from deltarule.cli.train_work import Fitted, Judged
    from deltarule.tables import TableEnsemble, TableModel

__all__ = ["DESCRIPTION", "Outcome", "add_arguments", "check", "run", "train"]

DESCRIPTION = """\
Train a model on a table and save it: an ensemble of networks that needs no tuning, or
one plain network of your own making. Numeric, categorical and missing cells are
understood; some rows are held out, and the score on them stands beside that of the
naive model (most frequent class, or mean) and of a linear model, in a page of HTML
with pictures, too."""


@dataclass
class Outcome:
    """What a training leaves: the saved model, the record of it, and the rows it came from."""

    model: TableModel | TableEnsemble
    record: dict[str, Any]
    parts: Parts


def run(args: argparse.Namespace, out: Output) -> int:
    """Train, judge, save, report."""
    outcome = train(args, out)
    out.result(outcome.record)
    problem = outcome.record.get("error")
    return 0 if problem is None else out.error(problem["message"])


def train(args: argparse.Namespace, out: Output) -> Outcome:
    """The whole of the command but its exit code; ``deltarule demo`` runs it too.

    A training that was interrupted is saved as far as it came, with an ``error`` in the record.
    """
    from threadpoolctl import threadpool_limits

    check_output(args.output, args.table)
    check_report(args)
    # The engine has its own number of threads; this holds the libraries beside it too.
    with Progress(wanted=not (out.json or out.quiet)) as progress, threadpool_limits(args.threads):
        out.aside = progress.aside
        progress.doing("reading the table")
        parts = divide(args)
        tell_parts(args, parts, out)
        progress.doing("planning the columns")
        plan = plan_columns(args, parts)
        tell_plan(plan, parts, out)
        beside = rivals(args, parts, plan, progress)
        fitted = _fit(args, parts, plan, out, progress)
        progress.doing("judging")
        judged = judge(args, parts, plan, beside, fitted)
        progress.clear()
        tell_scores(judged.record, out)
        record = judged.record
        _save(args, judged.model, record, out)
        if fitted.interrupted is not None:
            _interrupted(record, f"{fitted.interrupted}. The model so far is saved in", args.output)
        try:
            _report(args, parts, judged, out, progress)
        except KeyboardInterrupt:
            record["report"] = None
            _interrupted(
                record, "interrupted before the report. The model is saved in", args.output
            )
    return Outcome(judged.model, record, parts)


def _interrupted(record: dict[str, Any], what: str, path: str) -> None:
    record["error"] = {"kind": "Interrupted", "message": f"{what} {path}."}


def _fit(args: argparse.Namespace, parts: Parts, plan: Any, out: Output, progress: Any) -> Fitted:
    """The ensemble of a preset, or one plain network."""
    if is_by_hand(args):
        from deltarule.cli import train_by_hand

        return train_by_hand.fit(args, parts, plan, out, progress)
    from deltarule.cli import train_preset

    return train_preset.fit(args, parts, progress)


def check_report(args: argparse.Namespace) -> None:
    """Find out before the work whether the report can be written, and over what.

    Raises
    ------
    OutputPathError
        If it cannot, or the file that is there is no report.
    """
    path = report_path(args)
    if path is None:
        return
    if os.path.realpath(path) == os.path.realpath(args.output):
        raise OutputPathError(
            f"{path} cannot be both model and report. Name another file with --report."
        )
    check_output(path, args.table)
    if args.report is None and os.path.exists(path):
        from deltarule.tables.report import is_report

        if not is_report(path):
            raise OutputPathError(
                f"{path} is there and no report of deltarule. Name another file with --report, or "
                "say --no-report."
            )


def _report(
    args: argparse.Namespace, parts: Parts, judged: Judged, out: Output, progress: Progress
) -> None:
    """Write the page; the model is saved by now, whatever happens here."""
    path = report_path(args)
    judged.record["report"] = path
    if path is None:
        return
    from deltarule.tables import report

    progress.doing("writing the report")
    table = parts.table.take(judged_rows(parts))
    predicted, names = judged.predictions["network"], names_of(judged.record)
    found = report.gather(
        judged.model, table, predicted, judged.probabilities, judged.record, names, args.seed
    )
    report.write(found, path)
    progress.clear()
    out.line(f"report {path}")


def _save(args: argparse.Namespace, model: Any, record: dict[str, Any], out: Output) -> None:
    from deltarule.tables import save

    save(model, args.output)
    size = os.path.getsize(args.output)
    record["bytes"] = size
    out.lines("", f"saved {args.output} ({bytes_text(size)})")

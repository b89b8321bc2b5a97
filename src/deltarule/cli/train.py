"""Train a network on a table and save it.

The holdout rows are set aside first and never seen by the plan of the columns, the network or its
early stopping; the naive and the linear model are judged on the same rows.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.models import check_output
from deltarule.cli.output import Output, bytes_text, counted
from deltarule.cli.progress import Progress
from deltarule.cli.train_parts import Parts, divide
from deltarule.cli.train_text import tell_parts
from deltarule.cli.train_work import fit

if TYPE_CHECKING:
    from deltarule.tables import TableModel

DESCRIPTION = """\
Train a network on a table and save it. Numeric, categorical and missing cells are
understood; some rows are held out, and the score on them stands beside that of the
naive model (most frequent class, or mean) and of a linear model."""

# Names that --help lists without loading their classes; tests hold them to the tables.
SCHEDULES = (
    "constant",
    "invscaling",
    "adaptive",
    "step",
    "cosine",
    "cyclic_cosine",
    "one_cycle",
)
SOLVERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "lbfgs")
ACTIVATIONS = (
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "sign",
    "softplus",
    "selu",
    "gelu",
    "silu",
    "mish",
    "exp",
)
ENGINES = ("auto", "compiled", "reference")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_table(parser)
    add = parser.add_argument
    add(
        "--target",
        metavar="COLUMN",
        action="append",
        required=True,
        help="the column to predict; several, with commas between, for several outputs",
    )
    add(
        "-o",
        "--output",
        metavar="MODEL",
        default="model.safetensors",
        help="where to save the model (default: %(default)s)",
    )
    add("--drop", metavar="COLUMN", action="append", help="columns to leave out")
    add(
        "--categorical",
        metavar="COLUMN",
        action="append",
        help="columns of numbers that name kinds, to be taken as words; digits of which some begin "
        "with 0, such as 01234, are by themselves",
    )
    add(
        "--task",
        choices=("auto", "classification", "regression"),
        default="auto",
        help="what the target is; auto takes words, two different values, and up to 20 "
        "different whole numbers as classes (default: auto)",
    )
    add(
        "--holdout",
        type=arguments.fraction,
        default=0.2,
        metavar="SHARE",
        help="rows to judge the model on and not train on; 0 for none (default: %(default)s)",
    )
    add(
        "--seed",
        type=arguments.whole_number(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same model (default: %(default)s)",
    )
    group = parser.add_argument_group("the network and its training")
    add = group.add_argument
    add(
        "--hidden",
        type=arguments.widths,
        default=(256, 128),
        metavar="N,N",
        help="units of each hidden layer; 0 for none (default: 256,128)",
    )
    add(
        "--activation",
        action=arguments.Given,
        choices=ACTIVATIONS,
        default="relu",
        metavar="NAME",
        help=f"of the hidden units: {', '.join(ACTIVATIONS)} (default: %(default)s)",
    )
    add(
        "--solver",
        choices=SOLVERS,
        default="adamw",
        metavar="NAME",
        help=f"{', '.join(SOLVERS)} (default: %(default)s)",
    )
    add(
        "--epochs",
        type=arguments.whole_number(1),
        default=100,
        metavar="N",
        help="passes over the rows at most (default: %(default)s)",
    )
    add(
        "--patience",
        action=arguments.Given,
        type=arguments.whole_number(1),
        default=20,
        metavar="N",
        help="stop after so many epochs without a better validation score (default: %(default)s)",
    )
    add(
        "--validation",
        action=arguments.Given,
        type=arguments.fraction,
        default=0.1,
        metavar="SHARE",
        help="training rows that judge when to stop; 0 for none (default: %(default)s)",
    )
    add(
        "--learning-rate",
        action=arguments.Given,
        type=arguments.above_zero,
        default=0.002,
        metavar="RATE",
        help="the step size at the start (default: %(default)s)",
    )
    add(
        "--schedule",
        action=arguments.Given,
        choices=SCHEDULES,
        default="cosine",
        metavar="NAME",
        help=f"of the step size: {', '.join(SCHEDULES)}; step halves it every 10 epochs "
        "(default: %(default)s)",
    )
    add(
        "--batch-size",
        action=arguments.Given,
        type=arguments.rows_of_step,
        default=100,
        metavar="N",
        help="rows of one step; auto is 200 (default: %(default)s)",
    )
    add(
        "--alpha",
        type=arguments.zero_or_more,
        default=0.0001,
        metavar="STRENGTH",
        help="strength of the L2 penalty (default: %(default)s)",
    )
    add("--engine", choices=ENGINES, default="auto", help="what computes (default: auto)")
    add(
        "--threads",
        type=arguments.whole_number(1),
        default=None,
        metavar="N",
        help="processors to use at most (default: all that may be used)",
    )
    arguments.add_quiet(parser)


#: What lbfgs has no use for: it judges all training rows at every step and finds its own step.
_NOT_WITH_LBFGS = ("schedule", "learning_rate", "batch_size", "validation", "patience")


def check(args: argparse.Namespace) -> str | None:
    """What is wrong with options that do not go together, or None."""
    given = arguments.given(args)
    if not all(text.strip(" ,") for text in args.target):
        return "argument --target: must name a column (got an empty name)"
    if args.output == "-":
        return "argument -o/--output: a model is saved in a file (got -, standard output)"
    if args.solver == "lbfgs":
        for name in _NOT_WITH_LBFGS:
            if name in given:
                return (
                    f"argument --{name.replace('_', '-')}: not with --solver lbfgs, which judges "
                    "all rows at every step and finds its own step size"
                )
    if not args.hidden and "activation" in given:
        return "argument --activation: not with --hidden 0, which has no hidden units"
    return None


@dataclass
class Outcome:
    """What a training leaves: the saved model, the record of it, and the rows it came from."""

    model: TableModel
    record: dict[str, Any]
    parts: Parts


def run(args: argparse.Namespace, out: Output) -> int:
    """Train, judge, save."""
    outcome = train(args, out)
    out.result(outcome.record)
    problem = outcome.record.get("error")
    return 0 if problem is None else out.error(problem["message"])


def train(args: argparse.Namespace, out: Output) -> Outcome:
    """The whole of the command but its exit code; ``deltarule demo`` runs it too.

    A training that was interrupted is saved as far as it came, with an ``error`` in the record.
    """
    from threadpoolctl import threadpool_limits

    from deltarule.stopping import StopReason

    check_output(args.output, args.table)
    with Progress(wanted=not (out.json or out.quiet)) as progress:
        out.aside = progress.aside
        progress.doing("reading the table")
        parts = divide(args)
        progress.doing("preparing the columns")
        tell_parts(args, parts, out)
        # The engine has its own number of threads; this holds the libraries beside it too.
        with threadpool_limits(args.threads):
            model, record = fit(args, parts, out, progress)
    _save(args, model, record, out)
    if model.estimator.stop_reason_ is StopReason.INTERRUPTED:
        epochs = counted(model.estimator.n_iter_, "epoch")
        message = f"interrupted after {epochs}. The model so far is saved in {args.output}."
        record["error"] = {"kind": "Interrupted", "message": message}
    return Outcome(model, record, parts)


def _save(args: argparse.Namespace, model: TableModel, record: dict[str, Any], out: Output) -> None:
    from deltarule.tables import save

    save(model, args.output)
    size = os.path.getsize(args.output)
    record["bytes"] = size
    out.lines("", f"saved {args.output} ({bytes_text(size)})")

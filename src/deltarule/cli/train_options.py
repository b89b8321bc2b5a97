"""The options of ``deltarule train``, and which of them go together."""

from __future__ import annotations

import argparse
import os

from deltarule.cli import arguments

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
PRESETS = ("fast", "default", "best")

ENSEMBLE = """\
several networks and a linear model by a recipe that needs no tuning, with calibrated
probabilities"""
BY_HAND = """\
as soon as one of these options is given, one plain network is trained in place of the
ensemble, and is what these options say"""
#: The options of a network that is made by hand; one of them is enough to ask for it.
HAND_OPTIONS = (
    "hidden",
    "activation",
    "solver",
    "epochs",
    "patience",
    "validation",
    "learning_rate",
    "schedule",
    "batch_size",
    "alpha",
)
#: Those of the ensemble alone.
ENSEMBLE_OPTIONS = ("preset", "time_budget", "quantiles")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    arguments.add_table(parser)
    _add_table_arguments(parser)
    _add_preset_arguments(parser.add_argument_group("the ensemble", ENSEMBLE))
    _add_hand_arguments(parser.add_argument_group("one plain network, made by hand", BY_HAND))
    arguments.add_quiet(parser)


def _add_table_arguments(parser: argparse.ArgumentParser) -> None:
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
        "--text",
        choices=("refuse", "hash", "ignore"),
        default="refuse",
        help="what to do with columns of free text: refuse the table, make inputs of their words, "
        "or leave them out (default: %(default)s)",
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
        "--compare",
        action="store_true",
        help="judge scikit-learn's HistGradientBoosting on the same rows, too",
    )
    add(
        "--report",
        metavar="FILE",
        help="where to write the report, a page of HTML (default: beside the model, "
        "model.html for model.safetensors)",
    )
    add("--no-report", action="store_true", help="write no report")
    add(
        "--seed",
        type=arguments.whole_number(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same model (default: %(default)s)",
    )
    add("--engine", choices=ENGINES, default="auto", help="what computes (default: auto)")
    add(
        "--threads",
        type=arguments.whole_number(1),
        default=None,
        metavar="N",
        help="processors to use at most (default: all that may be used)",
    )


def _add_preset_arguments(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--preset",
        action=arguments.Given,
        choices=PRESETS,
        default="default",
        help="how much work (default: %(default)s)",
    )
    add(
        "--time-budget",
        action=arguments.Given,
        type=arguments.above_zero,
        metavar="SECONDS",
        help="what the training may take; epochs and networks are left out until it fits "
        "(default: no limit)",
    )
    add(
        "--quantiles",
        action=arguments.Given,
        type=arguments.levels,
        metavar="LEVELS",
        help="of numbers: learn these quantiles in place of the mean, such as 0.05,0.5,0.95, for "
        "intervals",
    )


def _add_hand_arguments(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--hidden",
        action=arguments.Given,
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
        action=arguments.Given,
        choices=SOLVERS,
        default="adamw",
        metavar="NAME",
        help=f"{', '.join(SOLVERS)} (default: %(default)s)",
    )
    add(
        "--epochs",
        action=arguments.Given,
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
        action=arguments.Given,
        type=arguments.zero_or_more,
        default=0.0001,
        metavar="STRENGTH",
        help="strength of the L2 penalty (default: %(default)s)",
    )


#: What lbfgs has no use for: it judges all training rows at every step and finds its own step.
_NOT_WITH_LBFGS = ("schedule", "learning_rate", "batch_size", "validation", "patience")


def is_by_hand(args: argparse.Namespace) -> bool:
    """Whether one plain network was asked for, by any of its options."""
    return not arguments.given(args).isdisjoint(HAND_OPTIONS)


def report_path(args: argparse.Namespace) -> str | None:
    """Where the report goes; None where none is wanted."""
    if args.no_report:
        return None
    if args.report is not None:
        return str(args.report)
    return str(os.path.splitext(args.output)[0]) + ".html"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def check(args: argparse.Namespace) -> str | None:
    """What is wrong with options that do not go together, or None."""
    given = arguments.given(args)
    if not all(text.strip(" ,") for text in args.target):
        return "argument --target: must name a column (got an empty name)"
    if args.output == "-":
        return "argument -o/--output: a model is saved in a file (got -, standard output)"
    if args.report is not None and args.no_report:
        return "argument --report: not with --no-report"
    if is_by_hand(args):
        hand = next(name for name in HAND_OPTIONS if name in given)
        for name in ENSEMBLE_OPTIONS:
            if name in given:
                return (
                    f"argument {_option(name)}: not with {_option(hand)}, which asks for one plain "
                    "network in place of the ensemble"
                )
    if args.solver == "lbfgs":
        for name in _NOT_WITH_LBFGS:
            if name in given:
                return (
                    f"argument {_option(name)}: not with --solver lbfgs, which judges "
                    "all rows at every step and finds its own step size"
                )
    if not args.hidden and "activation" in given:
        return "argument --activation: not with --hidden 0, which has no hidden units"
    return None

"""Train a network on a table and save it.

The holdout rows are set aside first and never seen by the plan of the columns, the network or its
early stopping; the naive and the linear model are judged on the same rows.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deltarule.cli import arguments
from deltarule.cli.models import named_columns, read_table
from deltarule.cli.output import Output, bytes_text, counted, shown, text_table
from deltarule.cli.progress import Progress, epoch_observer

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import Table, TableModel, TargetPlan

DESCRIPTION = """\
Train a network on a table and save it. Numeric, categorical and missing cells are
understood; some rows are held out, and the score on them stands beside that of the
naive model (most frequent class, or mean) and of a linear model."""

# Names that --help lists without loading their classes; tests hold them to the tables.
SCHEDULES = ("constant", "invscaling", "adaptive", "cosine", "one_cycle")
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
#: With fewer rows than this none are set aside to judge when to stop.
FEWEST_ROWS_TO_VALIDATE = 100


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
        help="columns of numbers that name kinds, to be taken as words",
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
        type=arguments.whole_number(0),
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
        type=arguments.whole_number(1),
        default=20,
        metavar="N",
        help="stop after so many epochs without a better validation score (default: %(default)s)",
    )
    add(
        "--validation",
        type=arguments.fraction,
        default=0.1,
        metavar="SHARE",
        help="training rows that judge when to stop; 0 for none (default: %(default)s)",
    )
    add(
        "--learning-rate",
        type=arguments.above_zero,
        default=0.002,
        metavar="RATE",
        help="the step size at the start (default: %(default)s)",
    )
    add(
        "--schedule",
        choices=SCHEDULES,
        default="cosine",
        metavar="NAME",
        help=f"of the step size: {', '.join(SCHEDULES)} (default: %(default)s)",
    )
    add(
        "--batch-size",
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


@dataclass
class Parts:
    """A table, divided for training and judging."""

    table: Table
    target: TargetPlan
    training: Array
    holdout: Array
    notes: list[str]


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
    from deltarule.persistence import check_writable
    from deltarule.stopping import StopReason

    check_writable(args.output)
    with Progress(wanted=not (out.json or out.quiet)) as progress:
        progress.doing("reading the table")
        parts = divide(args)
        progress.clear()
        _tell_parts(args, parts, out)
        model, record = fit(args, parts, out, progress)
    _save(args, model, record, out)
    if model.estimator.stop_reason_ is StopReason.INTERRUPTED:
        epochs = counted(model.estimator.n_iter_, "epoch")
        message = f"interrupted after {epochs}. The model so far is saved in {args.output}."
        record["error"] = {"kind": "Interrupted", "message": message}
    return Outcome(model, record, parts)


def divide(args: argparse.Namespace) -> Parts:
    """Read the table, decide the task, set the holdout rows aside."""
    import numpy as np

    from deltarule.exceptions import TableError
    from deltarule.tables import TargetPlan
    from deltarule.tables.columns import counts_rows
    from deltarule.tables.targets import has_target

    table = read_table(args.table)
    names = named_columns(table, args.target)
    drop = named_columns(table, args.drop)
    for name in drop:
        if name in names:
            raise TableError(f"--drop names the target column {name!r}. Leave it out of --drop.")
    table, notes = table.without(drop), []
    counting = [
        name
        for name in table.names
        if name not in names and table.is_numeric(name) and counts_rows(table.column(name))
    ]
    if counting:
        notes.append(f"left out, because it only counts the rows: {', '.join(counting)}")
        table = table.without(counting)
    known = has_target(table, names)
    if not known.all():
        notes.append(f"{counted(int((~known).sum()), 'row')} without a target left out")
        table = table.take(known)
    if table.rows < 2:
        raise TableError(
            f"training takes at least two rows with a target (got {table.rows}). Add rows."
        )
    target = TargetPlan.fit(table, names, args.task)
    training, holdout = split(table, target, args.holdout, args.seed)
    if len(holdout):
        target = TargetPlan.fit(table, names, args.task, training)
    if not len(holdout) and args.holdout:
        notes.append("too few rows to hold any out: the scores are of the training rows")
    return Parts(table, target, np.sort(training), np.sort(holdout), notes)


def split(table: Table, target: TargetPlan, share: float, seed: int) -> tuple[Array, Array]:
    """Rows to train on and rows to judge on; classes keep their shares where they can.

    A class with a single row is trained on.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    rows = np.arange(table.rows)
    held = round(share * table.rows)
    if held < 1:
        return rows, rows[:0]
    if target.task == "regression":
        training, holdout = train_test_split(rows, test_size=held, random_state=seed)
        return training, holdout
    labels = target.actual(table)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    single = counts[codes] < 2
    held = min(held, int((~single).sum()) - 1)
    if held < 1:
        return rows, rows[:0]
    several = int((counts > 1).sum())
    fits = held >= several and int((~single).sum()) - held >= several
    training, holdout = train_test_split(
        rows[~single],
        test_size=held,
        random_state=seed,
        stratify=codes[~single] if fits else None,
    )
    return np.concatenate([training, rows[single]]), holdout


def fit(
    args: argparse.Namespace, parts: Parts, out: Output, progress: Progress
) -> tuple[TableModel, dict[str, Any]]:
    """Plan, naive and linear model, network; the model and the record of what was found."""
    from deltarule.exceptions import NonFiniteError
    from deltarule.tables import ColumnPlan, TableModel, scores

    target, table = parts.target, parts.table
    train_rows = table.take(parts.training).without(target.names)
    judged = parts.holdout if len(parts.holdout) else parts.training
    judged_table = table.take(judged)
    categorical = named_columns(train_rows, args.categorical)
    plan = ColumnPlan.fit(train_rows, categorical=categorical)
    X, y = plan.transform(train_rows), target.encode(table.take(parts.training))
    X_judged, actual = plan.transform(judged_table), target.actual(judged_table)
    _tell_plan(plan, parts, out)

    progress.doing("linear model")
    began = time.perf_counter()
    linear = scores.linear_prediction(target, X, y, X_judged)
    linear_seconds = time.perf_counter() - began
    naive = scores.naive_prediction(target, target.actual(table.take(parts.training)), len(actual))

    estimator = _estimator(args, target, y)
    progress.doing("training")
    short = "accuracy" if target.task == "classification" else "R²"
    estimator._observer = epoch_observer(progress, args.epochs, short)
    began = time.perf_counter()
    try:
        estimator.fit(X, y)
    except NonFiniteError as problem:
        # The estimator speaks of its own parameters; here they are options.
        where = str(problem).partition("; the last finite")[0]
        raise NonFiniteError(f"{where}. Nothing was saved. Lower --learning-rate.") from None
    finally:
        del estimator._observer
    seconds = time.perf_counter() - began
    progress.clear()

    model = TableModel(plan, target, estimator)
    predicted = target.decode(estimator.predict(X_judged))
    found = {
        "network": scores.score(target, actual, predicted),
        "linear": scores.score(target, actual, linear),
        "naive": scores.score(target, actual, naive),
    }
    record = {
        "command": "train",
        "table": args.table,
        "model": args.output,
        "task": target.task,
        "task_reason": target.reason,
        "target": list(target.names),
        "rows": table.rows,
        "training_rows": len(parts.training),
        "holdout_rows": len(parts.holdout),
        "inputs": len(plan.inputs),
        "units": list(estimator._network.units),
        "parameters": estimator._network.size,
        "engine": estimator.engine_,
        "epochs": estimator.n_iter_,
        "stop_reason": estimator.stop_reason_.name.lower(),
        "score_name": "accuracy" if target.task == "classification" else "r2",
        "judged_on": "holdout" if len(parts.holdout) else "training",
        "scores": found,
        "network_scores": _network_scores(model, actual, predicted, X_judged),
        "seconds": {"linear": linear_seconds, "network": seconds},
        "notes": parts.notes,
    }
    _tell_scores(record, estimator, out)
    keep = ("rows", "training_rows", "holdout_rows", "epochs", "engine", "score_name", "judged_on")
    report = {name: record[name] for name in keep}
    report |= {f"{name}_score": _finite(value) for name, value in found.items()}
    report |= {"table": os.path.basename(args.table), "seed": args.seed}
    return TableModel(plan, target, estimator, report), record


def _estimator(args: argparse.Namespace, target: TargetPlan, y: Array) -> Any:
    from deltarule.estimators import MLPClassifier, MLPRegressor
    from deltarule.stopping import EarlyStopping

    kind = MLPClassifier if target.task == "classification" else MLPRegressor
    settings: dict[str, Any] = {}
    if args.solver != "lbfgs" and _can_validate(args, target, y):
        settings["early_stopping"] = EarlyStopping(args.validation, args.patience)
    else:
        settings["n_iter_no_change"] = args.patience
    return kind(
        hidden_layer_sizes=args.hidden,
        activation=args.activation,
        solver=args.solver,
        alpha=args.alpha,
        batch_size=args.batch_size if args.batch_size == "auto" else min(args.batch_size, len(y)),
        learning_rate=args.schedule,
        learning_rate_init=args.learning_rate,
        max_iter=args.epochs,
        random_state=args.seed,
        engine=args.engine,
        n_threads=args.threads,
        **settings,
    )


def _can_validate(args: argparse.Namespace, target: TargetPlan, y: Array) -> bool:
    """Whether there are rows enough, of every class, to set some aside."""
    import numpy as np

    if not args.validation or len(y) < FEWEST_ROWS_TO_VALIDATE:
        return False
    if target.task == "regression":
        return True
    _, counts = np.unique(y, return_counts=True)
    held = args.validation * len(y)
    return bool(counts.min() >= 2 and len(counts) <= min(held, len(y) - held))


def _network_scores(model: TableModel, actual: Array, predicted: Array, X: Array) -> dict[str, Any]:
    from deltarule.tables import scores

    if model.target.task == "regression":
        return scores.all_scores(model.target, actual, predicted)
    probabilities = model.estimator.predict_proba(X)
    return scores.all_scores(model.target, actual, predicted, probabilities, model.classes_)


def _finite(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None


# What people see.

_STOP_WORDS = {
    "converged": "the training loss no longer fell",
    "no_improvement": "the validation score no longer rose, the best weights are kept",
    "max_epochs": "all epochs that --epochs allows",
    "non_finite": "the objective became infinite, the best weights are kept",
    "interrupted": "interrupted",
    "step_too_small": "the step size became too small",
    "solver": "the solver stopped by itself",
}


def _tell_parts(args: argparse.Namespace, parts: Parts, out: Output) -> None:
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


def _tell_plan(plan: Any, parts: Parts, out: Output) -> None:
    kinds = [column.kind for column in plan.columns]
    holes = sum(column.missing for column in plan.columns)
    pieces = [
        f"{kinds.count('numeric')} numeric and {kinds.count('categorical')} categorical columns"
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


def _tell_scores(record: dict[str, Any], estimator: Any, out: Output) -> None:
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
        out.line(
            "  The linear model is ahead here: the table may be small, or its relation straight. "
            "Try --hidden 0."
        )


def _save(args: argparse.Namespace, model: TableModel, record: dict[str, Any], out: Output) -> None:
    from deltarule.estimators.files import save

    save(model, args.output)
    size = os.path.getsize(args.output)
    record["bytes"] = size
    out.lines("", f"saved {args.output} ({bytes_text(size)})")

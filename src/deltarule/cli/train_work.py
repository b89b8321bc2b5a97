"""The work of ``deltarule train``: fit the models, judge them."""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from typing import TYPE_CHECKING, Any

from deltarule.cli.arguments import given
from deltarule.cli.models import named_columns
from deltarule.cli.output import Output
from deltarule.cli.progress import Progress, epoch_observer
from deltarule.cli.train_parts import Parts
from deltarule.cli.train_text import tell_plan, tell_scores
from deltarule.exceptions import (
    InvalidParameterError,
    NonFiniteError,
    TableWarning,
    TrainingStoppedWarning,
)

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

#: With fewer rows than this none are set aside to judge when to stop.
FEWEST_ROWS_TO_VALIDATE = 100
#: float32 parameters, their gradient, two moments, and a copy of the best.
BYTES_PER_PARAMETER = 20


def fit(
    args: argparse.Namespace, parts: Parts, out: Output, progress: Progress
) -> tuple[TableModel, dict[str, Any]]:
    """Plan, naive and linear model, network; the model and the record of what was found."""
    from deltarule.tables import ColumnPlan, TableModel, scores

    target, table = parts.target, parts.table
    train_rows = table.take(parts.training).without(target.names)
    judged = parts.holdout if len(parts.holdout) else parts.training
    judged_table = table.take(judged)
    categorical = named_columns(train_rows, args.categorical)
    with warnings.catch_warnings():
        # A column that is taken as words has its note already, with the option that says so.
        warnings.filterwarnings("ignore", "column .* is taken as words", TableWarning)
        plan = ColumnPlan.fit(train_rows, categorical=categorical, text="ignore")
    _check_size(args, plan, target, table.take(parts.training))
    X, y = plan.transform(train_rows), target.encode(table.take(parts.training))
    X_judged, actual = plan.transform(judged_table), target.actual(judged_table)
    tell_plan(plan, parts, out)

    progress.doing("linear model")
    began = time.perf_counter()
    linear = scores.linear_prediction(target, X, y, X_judged)
    linear_seconds = time.perf_counter() - began
    naive = scores.naive_prediction(target, target.actual(table.take(parts.training)), len(actual))

    validates = args.solver != "lbfgs" and _can_validate(args, target, y)
    if not validates and args.validation and "validation" in given(args):
        parts.notes.append("too few rows to set any aside for --validation")
        out.line(f"  note      {parts.notes[-1]}")
    estimator = _estimator(args, target, y, validates)
    progress.doing("training")
    short = "accuracy" if target.task == "classification" else "R²"
    estimator._observer = epoch_observer(progress, args.epochs, short)
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            # Whoever pressed the keys is told by the command, in its own words.
            warnings.filterwarnings("ignore", "Training interrupted", TrainingStoppedWarning)
            estimator.fit(X, y)
    except NonFiniteError as problem:
        # The estimator speaks of its own parameters; here they are options.
        where = str(problem).partition("; the last finite")[0]
        raise NonFiniteError(f"{where}. Nothing was saved. {_to_lower(args)}") from None
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
        "units": list(estimator._network.widths),
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
    tell_scores(record, estimator, out)
    keep = ("rows", "training_rows", "holdout_rows", "epochs", "engine", "score_name", "judged_on")
    report = {name: record[name] for name in keep}
    report |= {f"{name}_score": _finite(value) for name, value in found.items()}
    report |= {"table": os.path.basename(args.table), "seed": args.seed}
    return TableModel(plan, target, estimator, report), record


def _estimator(args: argparse.Namespace, target: TargetPlan, y: Array, validates: bool) -> Any:
    from deltarule.estimators import MLPClassifier, MLPRegressor
    from deltarule.stopping import EarlyStopping

    kind = MLPClassifier if target.task == "classification" else MLPRegressor
    settings: dict[str, Any] = {}
    if args.solver != "lbfgs":
        rows = args.batch_size if args.batch_size == "auto" else min(args.batch_size, len(y))
        settings["batch_size"] = rows
        settings["learning_rate"] = _schedule(args)
        settings["learning_rate_init"] = args.learning_rate
    if validates:
        settings["early_stopping"] = EarlyStopping(args.validation, args.patience)
    elif args.solver != "lbfgs":
        settings["n_iter_no_change"] = args.patience
    return kind(
        hidden_layer_sizes=args.hidden,
        activation=args.activation,
        solver=args.solver,
        alpha=args.alpha,
        max_iter=args.epochs,
        random_state=args.seed,
        engine=args.engine,
        n_threads=args.threads,
        **settings,
    )


def _check_size(
    args: argparse.Namespace, plan: ColumnPlan, target: TargetPlan, training: Table
) -> None:
    """Refuse a network that cannot be trained in this machine's memory, before it is made."""
    outputs = len(target.names)
    if target.task == "classification":
        classes = len(set(training.words(target.names[0]).tolist()))
        outputs = 1 if classes == 2 else classes
    units = (len(plan.inputs), *args.hidden, outputs)
    parameters = sum((low + 1) * high for low, high in itertools.pairwise(units))
    batch = 200 if args.batch_size == "auto" else args.batch_size
    rows = training.rows if args.solver == "lbfgs" else min(batch, training.rows)
    needed = BYTES_PER_PARAMETER * parameters + 8 * rows * sum(units)
    from deltarule.tables.readers import memory_bytes

    memory = memory_bytes()
    if needed > memory:
        widths = ",".join(map(str, args.hidden)) or "0"
        raise InvalidParameterError(
            f"--hidden {widths} must fit into memory (got {parameters} parameters, which take "
            f"about {needed / 1e9:.0f} GB of {memory / 1e9:.0f} GB to train). Use fewer units."
        )


def _to_lower(args: argparse.Namespace) -> str:
    """The option to lower where the numbers became infinite."""
    if args.alpha > 1:
        return "Lower --alpha."
    return "Try another --solver." if args.solver == "lbfgs" else "Lower --learning-rate."


def _schedule(args: argparse.Namespace) -> Any:
    """The schedule by name, or for Adam as an object.

    To the estimators ``"invscaling"`` and ``"adaptive"`` are scikit-learn's words, which say
    nothing to Adam; here they mean what they say with every solver that goes by steps.
    """
    from deltarule.schedules import Adaptive, InvScaling

    if args.solver != "adam":
        return args.schedule
    objects = {"invscaling": InvScaling(per="epoch"), "adaptive": Adaptive()}
    return objects.get(args.schedule, args.schedule)


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

"""One plain network, as the options of ``deltarule train`` make it."""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from typing import TYPE_CHECKING, Any

from deltarule.cli.arguments import given
from deltarule.cli.output import Output, counted
from deltarule.cli.progress import Progress, epoch_observer
from deltarule.cli.train_parts import Parts
from deltarule.cli.train_work import Fitted
from deltarule.exceptions import InvalidParameterError, NonFiniteError, TrainingStoppedWarning

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import ColumnPlan, Table, TargetPlan

#: With fewer rows than this none are set aside to judge when to stop.
FEWEST_ROWS_TO_VALIDATE = 100
#: float32 parameters, their gradient, two moments, and a copy of the best.
BYTES_PER_PARAMETER = 20


def fit(
    args: argparse.Namespace, parts: Parts, plan: ColumnPlan, out: Output, progress: Progress
) -> Fitted:
    """Train the network; the model, and what there is to say of it."""
    from deltarule.stopping import StopReason
    from deltarule.tables import TableModel

    target, training = parts.target, parts.table.take(parts.training)
    _check_size(args, plan, target, training)
    X, y = plan.transform(training), target.encode(training)
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
    interrupted = None
    if estimator.stop_reason_ is StopReason.INTERRUPTED:
        interrupted = f"interrupted after {counted(estimator.n_iter_, 'epoch')}"
    record = {
        "units": list(estimator._network.widths),
        "networks": 1,
        "preset": None,
        "solver": str(estimator.solver),
        "parameters": estimator._network.size,
        "engine": estimator.engine_,
        "epochs": estimator.n_iter_,
        "stop_reason": estimator.stop_reason_.name.lower(),
    }
    seconds = time.perf_counter() - began
    return Fitted(TableModel(plan, target, estimator), record, seconds, interrupted)


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

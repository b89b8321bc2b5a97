"""The ensemble of networks that ``deltarule train`` makes without a word from anybody."""

from __future__ import annotations

import argparse
import time
import warnings
from typing import TYPE_CHECKING, Any

from deltarule.cli.models import named_columns
from deltarule.cli.output import counted
from deltarule.cli.progress import Progress
from deltarule.cli.train_parts import Parts
from deltarule.cli.train_work import Fitted
from deltarule.exceptions import TableWarning, TrainingStoppedWarning

if TYPE_CHECKING:
    from deltarule.plans import EpochReport


def fit(args: argparse.Namespace, parts: Parts, progress: Progress) -> Fitted:
    """Train the ensemble; the model, and what there is to say of it."""
    from deltarule.tables import TableEnsemble

    training = parts.table.take(parts.training)
    inputs = training.without(parts.target.names)
    actual = parts.target.actual(training)
    estimator = _estimator(args, parts)
    progress.doing("training")
    estimator._told = _observer(progress, estimator)
    began = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TrainingStoppedWarning)
            # What there is to say of the columns was said when they were planned.
            warnings.simplefilter("ignore", TableWarning)
            estimator.fit(inputs, actual[:, 0] if actual.shape[1:] == (1,) else actual)
    finally:
        del estimator._told
    seconds = time.perf_counter() - began
    interrupted = None
    for warning in caught:
        # Whoever pressed the keys is told by the command, in its own words.
        if issubclass(warning.category, TrainingStoppedWarning):
            interrupted = f"interrupted with {counted(len(estimator.members_), 'network')} begun"
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
    first = estimator.members_[0].network
    record = {
        "units": list(first.widths),
        "networks": len(estimator.members_),
        "preset": args.preset,
        "parameters": first.size * len(estimator.members_),
        "engine": estimator.engine_,
        "epochs": max(len(history.loss) for history in estimator.histories_),
        "stop_reason": "max_epochs" if interrupted is None else "interrupted",
    }
    return Fitted(TableEnsemble(parts.target, estimator), record, seconds, interrupted)


def _estimator(args: argparse.Namespace, parts: Parts) -> Any:
    from deltarule.losses import Quantile
    from deltarule.tables import TabularClassifier, TabularRegressor

    classes = parts.target.task == "classification"
    kind = TabularClassifier if classes else TabularRegressor
    more: dict[str, Any] = {} if args.quantiles is None else {"loss": Quantile(args.quantiles)}
    return kind(
        args.preset,
        time_budget=args.time_budget,
        categorical=named_columns(parts.table, args.categorical),
        text=args.text,
        random_state=args.seed,
        engine=args.engine,
        n_threads=args.threads,
        **more,
    )


def _observer(progress: Progress, estimator: Any) -> Any:
    """What notes, after each epoch of any network, where it stands."""

    def note(members: int, member: int, report: EpochReport) -> None:
        which = f"network {member + 1} of {members}  " if members > 1 else ""
        progress.at(f"{which}epoch {report.epoch}  loss {report.loss:.4f}")

    return note

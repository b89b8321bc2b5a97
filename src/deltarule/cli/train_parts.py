"""What ``deltarule train`` does first: read the table, decide the task, set rows aside."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltarule.cli.models import named_columns, read_table
from deltarule.cli.output import counted
from deltarule.cli.train_options import is_by_hand
from deltarule.exceptions import InvalidParameterError, TableError, TableWarning

if TYPE_CHECKING:
    from deltarule.definitions import Array
    from deltarule.tables import ColumnPlan, Table, TargetPlan


@dataclass
class Parts:
    """A table, divided for training and judging."""

    table: Table
    target: TargetPlan
    training: Array
    holdout: Array
    notes: list[str]


def divide(args: argparse.Namespace) -> Parts:
    """Read the table, decide the task, set the holdout rows aside."""
    import numpy as np

    from deltarule.tables import TargetPlan
    from deltarule.tables.kinds import are_different
    from deltarule.tables.targets import are_nearly_all_different, has_target

    table = read_table(args.table)
    names = named_columns(table, args.target)
    drop = named_columns(table, args.drop)
    for name in drop:
        if name in names:
            raise TableError(f"--drop names the target column {name!r}. Leave it out of --drop.")
    categorical = named_columns(table, args.categorical)
    for name in categorical:
        if name in names:
            raise TableError(
                f"--categorical names the target column {name!r}. Leave it out, and say --task "
                "classification where its values are classes."
            )
        if name in drop:
            raise TableError(
                f"--categorical names {name!r}, which --drop names too. Leave it out of one."
            )
    table, notes = table.without(drop), []
    asked = (*names, *categorical)
    counting = [
        name
        for name in table.names
        if name not in asked and table.is_numeric(name) and _counts(table, name)
    ]
    if set(table.names) > {*names, *counting} and counting:  # the only column may be the signal
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
    for name in table.names:
        stray = None if name in asked else table.stray_words(name)
        if stray is not None:
            kinds = len(set(table.words(name).tolist()) - {None})
            left = "left out" if are_different(kinds, table.rows) else "taken as words"
            notes.append(
                f"column {name!r} is {left}: {stray}. Mend the cell, or say --categorical {name}"
            )
    target = TargetPlan.fit(table, names, args.task)
    if target.task == "classification" and args.quantiles is not None:
        raise InvalidParameterError(
            f"--quantiles is for numbers (got a classification, because {target.reason}). Leave it "
            "out, or say --task regression."
        )
    if target.task == "classification":
        classes = len(set(table.words(names[0]).tolist()))
        if are_nearly_all_different(classes, table.rows):
            notes.append(
                f"the target holds {classes} classes in {table.rows} rows: most have a row or two, "
                "which is too few to learn from"
            )
    if _is_constant(table, names):
        notes.append("the target is the same in every row: there is nothing to learn")
    training, holdout = split(table, target, args.holdout, args.seed)
    if len(holdout):
        target = TargetPlan.fit(table, names, args.task, training)
    if len(holdout) == 1 and target.task == "regression":
        notes.append("one row is held out, and R² takes two: raise --holdout, or add rows")
    if not len(holdout) and args.holdout:
        notes.append("too few rows to hold any out: the scores are of the training rows")
    return Parts(table, target, np.sort(training), np.sort(holdout), notes)


def plan_columns(args: argparse.Namespace, parts: Parts) -> ColumnPlan:
    """What the training rows make of every column, as the model will have it."""
    from deltarule.tables import ColumnPlan
    from deltarule.tables.columns import NUMBERS_BESIDE_WORDS
    from deltarule.tables.recipe import build_columns

    rows = parts.table.take(parts.training).without(parts.target.names)
    categorical = named_columns(rows, args.categorical)
    with warnings.catch_warnings():
        # A column with numbers beside words has its note already, with the option that says so.
        warnings.filterwarnings("ignore", NUMBERS_BESIDE_WORDS, TableWarning)
        try:
            if is_by_hand(args):
                return ColumnPlan.fit(rows, categorical=categorical, text=args.text)
            return build_columns(rows, categorical, args.text)
        except TableError as problem:
            raise TableError(_as_options(str(problem))) from None


def _as_options(sentence: str) -> str:
    """A sentence that speaks of the parameters of Python, of options."""
    for parameter, option in (
        ("text='ignore'", "--text ignore"),
        ("text='hash'", "--text hash"),
        ("Leave it out,", "Leave it out with --drop,"),
    ):
        sentence = sentence.replace(parameter, option)
    return sentence


def _counts(table: Table, name: str) -> bool:
    """Whether a column only counts the rows; asked before they are divided."""
    from deltarule.tables.columns import counts_rows, identifies

    numbers = table.column(name)
    return counts_rows(numbers) and bool(identifies(numbers, name))


def _is_constant(table: Table, names: tuple[str, ...]) -> bool:
    return all(len(set(table.column(name).tolist())) == 1 for name in names)


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
    if held >= table.rows:
        raise TableError(
            f"training takes at least one row, and --holdout {share:g} leaves none of "
            f"{table.rows}. Lower --holdout."
        )
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

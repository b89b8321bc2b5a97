"""Tables that a person brings to the page: read, prepared, and told in words.

The reader and the plan of the columns are those of `deltarule.tables`, with one difference: a
column of numbers stays in its own units, so that the page shows an age as an age, and the page's
own switch standardises it or does not. Holes hold the median, beside them an input that says where.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError, TableWarning
from deltarule.playground.own_units import Origin, own_columns
from deltarule.tables import Column, ColumnPlan, Limits, Table, TargetPlan, read_csv
from deltarule.tables.column import times_of
from deltarule.tables.columns import MAX_CATEGORIES, counts_rows
from deltarule.tables.targets import has_target

LIMITS = Limits(size=32_000_000, rows=1_000_000, columns=4096)

#: Numbers of X and the targets together: they travel in one message. Of more rows, some are taken
#: evenly, as long as these are not too few.
MOST_NUMBERS, LEAST_ROWS = 6_000_000, 100
#: A target of more different words is taken for names, not for classes.
MOST_CLASSES = 100
#: Columns that are named where none is of use.
MOST_TOLD = 5
#: Why a column is left out that no plan has seen.
COUNTS = "only counts the rows"
#: What a first line holds, in the page's words and in the reader's.
FIRST_LINES: dict[str, bool | None] = {"auto": None, "names": True, "row": False}
#: How a target is learned, in the page's words and in those of its plan.
LEARNED = {"auto": "auto", "classes": "classification", "values": "regression"}


class TargetError(TableError):
    """A table that could be read, but not with this target: with another one it may be of use.

    Parameters
    ----------
    sentence : str
    target : str
    columns : tuple of str
        All of the table, to choose the target from.
    """

    def __init__(self, sentence: str, target: str, columns: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.target, self.columns = target, columns


class OwnTables:
    """Reads tables, and keeps the last one for the choice of another target."""

    def __init__(self) -> None:
        self._last: tuple[bytes, str] | None = None
        self._table: Table | None = None

    def read(
        self, name: str, file: bytes, first_line: str, target: str | None, learned: str = "auto"
    ) -> dict[str, Any]:
        """A table as the page's protocol has it (``TableRead``).

        Parameters
        ----------
        name : str
            What sentences call the file.
        file : bytes
            A CSV file, gzipped or not.
        first_line : {"auto", "names", "row"}
        target : str or None
            None takes the last column that can be one.
        learned : {"auto", "classes", "values"}, default="auto"
            "auto" takes words, two different values, and few whole numbers as classes.

        Raises
        ------
        TableError
            If the file is no table.
        TargetError
            If a column cannot be the target, or no other one says anything about it.
        """
        if self._table is None or self._last != (file, first_line):
            self._last = None
            self._table = read_csv(
                io.BytesIO(file), name=name, header=FIRST_LINES[first_line], limits=LIMITS
            )
            self._last = (file, first_line)
        return prepare(self._table, name, target, learned)


def prepare(table: Table, name: str, target: str | None, learned: str) -> dict[str, Any]:
    """Columns of numbers for a network, the targets, and what was done in words."""
    if len(table.names) < 2:
        raise TableError(
            f"{name}: one column, {table.names[0]!r}. A table takes at least two, what is known "
            "and what is to be predicted, with commas, semicolons or tabs between the cells."
        )
    if target is None:
        target = _likely_target(table, learned)
    problem = _target_problem(table, target, learned)
    if problem is not None:
        raise TargetError(problem, target, table.names)
    known = has_target(table, (target,))
    rows = table.take(known)
    plan = TargetPlan.fit(rows, (target,), LEARNED[learned])
    inputs = rows.without([target])
    counting = [one for one in inputs.names if _counts_rows(table, one)]
    with warnings.catch_warnings(action="ignore", category=TableWarning):
        # What is taken as words has its note.
        columns = ColumnPlan.learn(inputs.without(counting), text="ignore")
    if not columns.inputs:
        raise TargetError(_nothing_left(table, target, columns), target, table.names)
    y, outputs = _targets(rows, plan)
    width = len(columns.inputs) + (len(outputs) if len(outputs) > 2 else 1)
    chosen = rows_taken(name, rows.rows, width)
    described = {column.name: _column_note(rows, column) for column in columns.columns}
    described |= {one: f"{one}: left out, it {COUNTS}" for one in counting}
    described[target] = _target_note(plan, y, outputs, int((~known).sum()))
    return {
        "name": name,
        "inputs": list(columns.inputs),
        "kind": "classes" if plan.task == "classification" else "values",
        "target": target,
        "outputs": outputs,
        "X": _own_units(rows.take(chosen), columns).ravel(),
        "y": y[chosen],
        "rows": len(chosen),
        "notes": [
            *_head_notes(table),
            *_sample_notes(len(chosen), rows.rows),
            *(described[one] for one in table.names),
        ],
        "columns": list(table.names),
        "origin": Origin(own_columns(columns, scaled=False)).record(),
    }


def _likely_target(table: Table, learned: str) -> str:
    """The last column that can be one; the last where none can."""
    fits = (one for one in reversed(table.names) if _target_problem(table, one, learned) is None)
    return next(fits, table.names[-1])


def _target_problem(table: Table, name: str, learned: str) -> str | None:
    """Why a column cannot be the target, or None."""
    cells = table.column(name)
    known = has_target(table, (name,))
    if known.sum() < 2:
        return (
            f"column {name!r} must hold a target in at least two rows (got {known.sum()}). Add "
            "rows, or choose another target."
        )
    stray = table.stray_words(name)
    if stray is not None:
        return f"column {name!r}: {stray}. Mend the cell, or choose another target."
    values = set(cells[known].tolist())
    if len(values) == 1:
        return (
            f"column {name!r} is the same in every row: there is nothing to learn. Choose another "
            "target."
        )
    words = not table.is_numeric(name)
    if words and learned == "values":
        return (
            f"column {name!r} holds words, which are classes and no values. Learn it as classes, "
            "or choose another target."
        )
    if (words or learned == "classes") and len(values) > MOST_CLASSES:
        return (
            f"column {name!r} holds {len(values):,} different {'words' if words else 'numbers'}, "
            f"and a target has at most {MOST_CLASSES} classes here. Choose another target."
        )
    return None


def _counts_rows(table: Table, name: str) -> bool:
    return table.is_numeric(name) and counts_rows(table.column(name))


def _targets(rows: Table, plan: TargetPlan) -> tuple[Array, list[str]]:
    """The class number or the value of each row, and the names of what comes out."""
    actual = plan.actual(rows)
    if plan.task == "regression":
        return actual[:, 0], list(plan.names)
    classes, numbers = np.unique(actual, return_inverse=True)
    return numbers.astype(np.float64), [str(one) for one in classes.tolist()]


def _nothing_left(table: Table, target: str, columns: ColumnPlan) -> str:
    """That no column beside the target says anything, and why none does."""
    reasons = {column.name: f"is {column.reason}" for column in columns.columns}
    others = [name for name in table.names if name != target]
    told = [f"{name!r} {reasons.get(name, COUNTS)}" for name in others[:MOST_TOLD]]
    if len(others) > MOST_TOLD:
        told.append(f"and {len(others) - MOST_TOLD:,} more")
    return (
        f"column {target!r} is taken as the target, and no other column says anything about it: "
        f"{'; '.join(told)}. Choose another target, or add a column that differs between rows."
    )


def rows_taken(name: str, rows: int, columns: int) -> Array:
    """Which rows are taken, evenly of all of them.

    Parameters
    ----------
    name : str
    rows : int
    columns : int
        Inputs and outputs.

    Raises
    ------
    TableError
        If there is room for too few.
    """
    most = min(rows, MOST_NUMBERS // columns)
    if most < min(rows, LEAST_ROWS):
        raise TableError(
            f"{name}: {rows:,} rows of {columns:,} inputs and outputs are {rows * columns:,} "
            f"numbers, and at most {MOST_NUMBERS:,} are taken. Leave columns out."
        )
    taken: Array = np.arange(most) * rows // most
    return taken


def _sample_notes(taken: int, rows: int) -> list[str]:
    if taken == rows:
        return []
    return [f"{taken:,} of {rows:,} rows are taken, evenly from the first to the last"]


def _own_units(rows: Table, plan: ColumnPlan) -> Array:
    """X as `plan` has it, but numbers as they stand in the table."""
    X = np.empty((rows.rows, len(plan.inputs)))
    start = 0
    for column in plan.columns:
        stop = start + len(column.inputs)
        if _holds_numbers(column):
            numbers = rows.numbers(column.name)
            holes = np.isnan(numbers)
            X[:, start] = np.where(holes, column.median, numbers)
            if column.missing:
                X[:, start + 1] = holes
        else:
            with warnings.catch_warnings(action="ignore", category=TableWarning):
                column.write(rows, X[:, start:stop])
        start = stop
    return X


def _holds_numbers(column: Column) -> bool:
    return column.kind == "numeric" or (column.kind == "boolean" and not column.categories)


def _head_notes(table: Table) -> list[str]:
    names = tuple(f"column_{index + 1}" for index in range(len(table.names)))
    if table.names != names:
        return []
    return [f"the first line is taken as a row: the columns are named {names[0]} to {names[-1]}"]


def _column_note(rows: Table, column: Column) -> str:
    """What was done with a column, in words."""
    name = column.name
    if column.kind == "ignored":
        return f"{name}: left out, it is {column.reason}"
    if _holds_numbers(column):
        return f"{name}: {_numbers_note(rows.numbers(name), column)}"
    if column.kind == "datetime":
        return f"{name}: times, {_times_note(rows, column)}"
    words = rows.words(name).tolist()
    kinds = len({word for word in words if word is not None})
    note = f"{name}: {kinds:,} categor{'y' if kinds == 1 else 'ies'}"
    if kinds > MAX_CATEGORIES:
        note += (
            f", an input for each of the {MAX_CATEGORIES} most frequent and three for all others"
        )
    elif kinds == 2:
        note += f", −1 for {column.categories[0]} and +1 for {column.categories[1]}"
    else:
        note += ", an input" if kinds == 1 else ", an input for each"
    if column.missing:
        note += f"; {_holes(words.count(None))} 0{' in all of them' if kinds > 2 else ''}"
    stray = rows.stray_words(name)
    return note if stray is None else f"{note}; taken as words because {stray}"


def _times_note(rows: Table, column: Column) -> str:
    note = ", ".join(("an input for the time", *(f"two for the {one}" for one in column.cycles)))
    if column.missing:
        holes = rows.rows - int((~np.isnat(times_of(rows, column.name)[0])).sum())
        note += f"; {_holes(holes)} filled with the median, and a last input says where"
    return note


def _numbers_note(numbers: Array, column: Column) -> str:
    present = numbers[~np.isnan(numbers)]
    note = f"numbers from {_shown(present.min())} to {_shown(present.max())}"
    if column.missing:
        holes = len(numbers) - len(present)
        note += f"; {_holes(holes)} filled with the median {_shown(column.median)}, and a second "
        note += "input says where"
    return note


def _holes(count: int) -> str:
    return "1 hole is" if count == 1 else f"{count:,} holes are"


def _target_note(plan: TargetPlan, y: Array, outputs: list[str], missing: int) -> str:
    note = f"{plan.names[0]}: the target, "
    if plan.task == "classification":
        note += f"{len(outputs)} classes"
    else:
        note += f"numbers from {_shown(y.min())} to {_shown(y.max())}"
    if missing:
        note += f"; {missing:,} row{'' if missing == 1 else 's'} without it left out"
    return note


def _shown(number: float) -> str:
    """Six digits at most."""
    rounded = float(f"{number:.6g}")
    return str(int(rounded)) if rounded == int(rounded) else repr(rounded)

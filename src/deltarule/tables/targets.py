"""The plan of a table's target: which columns, classes or numbers, and on what scale.

Numbers are learned standardised, ``(y − centre) / scale``, and predictions are put back and held
between the lowest and the highest target of the training rows: a network far from its training
data then says something possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.persistence import Fields, wrong
from deltarule.tables.cells import LARGEST_WHOLE, same_word
from deltarule.tables.table import Table

TASKS = ("classification", "regression")
#: Whole numbers with at most so many different values are taken as classes …
MOST_CLASSES = 20
#: … if each stands, on average, in at least so many rows.
ROWS_PER_CLASS = 5
#: Up to here classes may be as many as they like: the table is a small one.
FEWEST_CLASSES_TO_DOUBT = 20


@dataclass(frozen=True)
class TargetPlan:
    """What training learned about the target.

    Parameters
    ----------
    names : tuple of str
        The target columns; several for regression with several outputs.
    task : {"classification", "regression"}
    reason : str
        Why this task: asked for, or what the column holds.
    centre, scale, low, high : tuple of float
        For regression, one per target: mean, standard deviation above 0, and the range seen.
    words : bool, default=False
        Whether classes are words; else they are whole numbers. No part of the record: the classes
        of the estimator beside it say so.
    """

    names: tuple[str, ...]
    task: str
    reason: str = ""
    centre: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    words: bool = field(default=False, kw_only=True)

    @classmethod
    def fit(
        cls, table: Table, names: tuple[str, ...], task: str = "auto", training: Array | None = None
    ) -> TargetPlan:
        """Decide the task and measure the scale of the target.

        Parameters
        ----------
        table : Table
            Without rows whose target is missing.
        names : tuple of str
        task : {"auto", "classification", "regression"}
            ``"auto"`` takes words as classes, two different numbers as classes, whole numbers as
            classes if there are at most `MOST_CLASSES` different ones with `ROWS_PER_CLASS` rows
            each on average, and all else as numbers.
        training : array of row indices, optional
            The rows whose scale is measured; all where left out.

        Raises
        ------
        TableError
            If a column is missing, several targets are to be classes, or a target of a regression
            holds anything but finite numbers, or numbers too large for a mean and a spread.
        """
        for name in names:
            table.column(name)
        reason = f"asked for with --task {task}"
        if task == "auto":
            task, reason = _decide(table, names)
        if task == "classification":
            if len(names) > 1:
                raise TableError(
                    f"classification takes one target column (got {', '.join(names)}). Train one "
                    "model per column."
                )
            return cls(names, task, reason, words=not _are_whole(table.column(names[0])))
        targets = _targets(table, names, fitting=True)
        if training is not None:
            targets = targets[training]
        with np.errstate(over="ignore", invalid="ignore"):
            centre = targets.mean(axis=0)
            spread = targets.std(axis=0)
        _check_scale(names, targets, centre, spread)
        scale = np.where(spread > 0, spread, 1.0)
        low, high = targets.min(axis=0), targets.max(axis=0)
        return cls(names, task, reason, *map(_floats, (centre, scale, low, high)))

    def encode(self, table: Table) -> Array:
        """The target of every row as an estimator takes it.

        Returns
        -------
        array
            Classes, str or int64 of shape (rows,); or standardised float32 numbers of shape
            (rows,), with several targets (rows, targets).
        """
        if self.task == "classification":
            return self._labels(table)
        numbers = (_targets(table, self.names) - self.centre) / self.scale
        return np.ascontiguousarray(
            numbers[:, 0] if len(self.names) == 1 else numbers, dtype=np.float32
        )

    def actual(self, table: Table) -> Array:
        """The target of every row in its own units: classes, or float64 (rows, targets)."""
        if self.task == "classification":
            return self._labels(table)
        return _targets(table, self.names)

    def _labels(self, table: Table) -> Array:
        name = self.names[0]
        if self.words:
            return np.array(table.words(name).tolist(), dtype=str)
        numbers = table.numbers(name)
        if not _are_whole(numbers):
            row = np.flatnonzero(~_whole(numbers))[0]
            raise TableError(
                f"column {name!r} must hold whole numbers, as in training (got "
                f"{table.words(name)[row]!r} in row {table.row_number(row)}). Use a table of "
                "the same kind."
            )
        return numbers.astype(np.int64)

    def decode(self, predicted: Array) -> Array:
        """Predictions in the target's own units: classes, or float64 (rows, targets)."""
        if self.task == "classification":
            return predicted
        return np.clip(self.in_own_units(predicted), self.low, self.high)

    def in_own_units(self, predicted: Array) -> Array:
        """Numbers as they were predicted, also outside the range of training: (rows, targets)."""
        numbers = predicted.reshape(len(predicted), len(self.names)).astype(np.float64)
        found: Array = numbers * self.scale + self.centre
        return found

    def record(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        record = {name: list(getattr(self, name)) for name in _LISTS}
        return {"names": list(self.names), "task": self.task, "reason": self.reason, **record}

    @classmethod
    def from_record(cls, record: Any) -> TargetPlan:
        """The plan that `record` described; the schema is closed.

        Raises
        ------
        ModelFileError
            If a field is missing, unknown, of another type or out of range.
        """
        fields = Fields(record, "table.target", ("names", "task", "reason", *_LISTS))
        names = tuple(fields.texts("names"))
        task = fields.text("task", TASKS)
        columns = {name: tuple(fields.numbers(name)) for name in _LISTS}
        expected = len(names) if task == "regression" else 0
        for name, values in columns.items():
            if len(values) != expected:
                wrong(f"table.target.{name}", f"a list of {expected} numbers", list(values))
        if any(scale <= 0 for scale in columns["scale"]):
            wrong("table.target.scale", "above 0", list(columns["scale"]))
        if any(low > high for low, high in zip(columns["low"], columns["high"], strict=True)):
            wrong("table.target.low", "at most table.target.high", list(columns["low"]))
        if not names or (task == "classification" and len(names) > 1):
            wrong("table.target.names", "one name, or several for regression", list(names))
        return cls(names, task, fields.text("reason"), *(columns[name] for name in _LISTS))


_LISTS = ("centre", "scale", "low", "high")


def has_target(table: Table, names: tuple[str, ...]) -> Array:
    """True for the rows in which no target cell is missing."""
    known = np.ones(table.rows, dtype=bool)
    for name in names:
        cells = table.column(name)
        if cells.dtype.kind == "f":
            known &= ~np.isnan(cells)
        elif cells.dtype.kind == "M":
            known &= ~np.isnat(cells)
        else:
            known &= np.array([cell is not None for cell in cells], dtype=bool)
    return known


def _floats(numbers: Array) -> tuple[float, ...]:
    return tuple(map(float, numbers))


def with_known_classes(plan: TargetPlan, classes: Array) -> TargetPlan:
    """The plan of a target whose classes are those of an estimator."""
    return replace(plan, words=plan.task == "classification" and classes.dtype.kind not in "iu")


def as_known_classes(actual: Array, classes: Array) -> Array:
    """Classes as they stand in a table, in the words of those that a model knows."""
    if actual.dtype.kind != "U":
        return actual
    known = set(classes.tolist())
    return np.array([same_word(word, known) for word in actual.tolist()], dtype=str)


def _whole(cells: Array) -> Array:
    found: Array = (cells == np.round(cells)) & (np.abs(cells) <= LARGEST_WHOLE)
    return found


def _are_whole(cells: Array) -> bool:
    """Whether a column holds nothing but whole numbers that int64 can hold as they are."""
    return cells.dtype.kind == "f" and bool(_whole(cells).all())


def _check_scale(names: tuple[str, ...], targets: Array, centre: Array, spread: Array) -> None:
    for index, name in enumerate(names):
        if not np.isfinite([centre[index], spread[index]]).all():
            largest = np.abs(targets[:, index]).max()
            raise TableError(
                f"column {name!r} must hold numbers whose mean and spread are finite to be a "
                f"target (got numbers up to {largest:g}). Divide them by a power of ten."
            )


def _check_finite(table: Table, name: str, numbers: Array) -> None:
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise TableError(
            f"column {name!r} must hold finite numbers to be a target (got "
            f"{table.words(name)[bad[0]]} in row {table.row_number(bad[0])}). Correct the cell or "
            "remove the row."
        )


def are_nearly_all_different(classes: int, rows: int) -> bool:
    """Whether there are so many classes that most have a row or two.

    Examples
    --------
    >>> are_nearly_all_different(80, 100), are_nearly_all_different(26, 100)
    (True, False)
    """
    return classes > FEWEST_CLASSES_TO_DOUBT and 2 * classes > rows


def _decide(table: Table, names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        stray = table.stray_words(name)
        if stray is not None:
            raise TableError(
                f"column {name!r}: {stray}. Mend the cell, or say --task classification."
            )
        if not table.is_numeric(name):
            return "classification", f"{name!r} holds words"
    if len(names) > 1:
        return "regression", "several target columns"
    cells = table.column(names[0])
    _check_finite(table, names[0], cells)
    values = np.unique(cells)
    if len(values) == 2:
        return "classification", f"{names[0]!r} holds two different values"
    whole = bool((values == np.round(values)).all())
    if whole and len(values) <= MOST_CLASSES and len(cells) >= ROWS_PER_CLASS * len(values):
        return "classification", f"{names[0]!r} holds {len(values)} different whole numbers"
    kind = "whole numbers" if whole else "decimal numbers"
    return "regression", f"{names[0]!r} holds {len(values)} different {kind}"


def _targets(table: Table, names: tuple[str, ...], *, fitting: bool = False) -> Array:
    columns = []
    for name in names:
        try:
            numbers = table.numbers(name)
        except TableError as problem:
            remedy = " Or train with --task classification." if fitting else ""
            raise TableError(
                f"a target of a regression must be a number: {problem}{remedy}"
            ) from None
        _check_finite(table, name, numbers)
        columns.append(numbers)
    return np.column_stack(columns)

"""The target of a single row of a stream, as the network's own numbers.

The engines' learners know the common forms by themselves (`RowCode`); what they do not take as it
is comes here, to be converted or refused with a reason.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.engines.work import RowCode
from deltarule.estimators.predictor import form_of, real_numbers
from deltarule.estimators.standardizer import Standardizer
from deltarule.estimators.target_columns import column_of, is_missing
from deltarule.estimators.targets import ClassCode
from deltarule.estimators.tasks import FittedHead
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError


class RowTarget(ABC):
    """What a target means.

    Attributes
    ----------
    fits_as_encoded : bool
        Whether the losses are defined for all that `encode` gives.
    """

    fits_as_encoded = False

    @abstractmethod
    def describe(self, code: RowCode) -> RowCode:
        """The same for an engine, added to what the inputs mean."""

    @abstractmethod
    def encode(self, target: Any) -> tuple[Array, float]:
        """D of one row, shape (1, outputs), and what ``class_weight`` makes of its weight."""


class ClassTarget(RowTarget):
    """A class of ``classes_``.

    Parameters
    ----------
    classes : array of shape (n_classes,)
    table : array of shape (n_classes, outputs)
        The network's target for each.
    weights : float64 array of shape (n_classes,), optional
    """

    def __init__(self, classes: Array, table: Array, weights: Array | None) -> None:
        self._classes, self._table, self._weights = classes, table, weights
        self._rows = {label: row for row, label in enumerate(classes.tolist())}

    def describe(self, code: RowCode) -> RowCode:
        """A class by its row."""
        return replace(code, classes=self._rows, table=self._table, weights=self._weights)

    def encode(self, target: Any) -> tuple[Array, float]:
        """The class's row, also of a class in an array of its own."""
        if isinstance(target, np.ndarray) and target.size == 1:
            target = target.item()
        try:
            row = self._rows.get(target)
        except TypeError:  # nothing that could be a class
            row = None
        if row is None:
            raise InvalidParameterError(
                f"target must be one of the classes {self._classes} (got {target!r}). All classes "
                "are announced to the first fit, or by classes= to the first partial_fit."
            )
        weight = 1.0 if self._weights is None else float(self._weights[row])
        return self._table[row : row + 1], weight


class LabelsTarget(RowTarget):
    """0 and 1 for each label.

    Parameters
    ----------
    table : array of shape (2, outputs)
        The network's targets for labels that are not there, and for those that are.
    weights : float64 array of shape (2, outputs), optional
    """

    def __init__(self, table: Array, weights: Array | None) -> None:
        self._table, self._weights = table, weights

    def describe(self, code: RowCode) -> RowCode:
        """A label by its two targets."""
        ends = (float(self._table[0, 0]), float(self._table[1, 0]))
        return replace(code, labels=ends, weights=self._weights)

    def encode(self, target: Any) -> tuple[Array, float]:
        """Row by row of the table, one label each."""
        columns = self._table.shape[1]
        labels = real_numbers(target, "target")
        if labels is None or labels.shape != (columns,) or not np.isin(labels, (0, 1)).all():
            raise InvalidShapeError(
                f"target must be a 0 or 1 for each of the {columns} labels (got {target!r}). "
                "Give the row of the matrix that partial_fit takes."
            )
        there = labels[np.newaxis] == 1
        D: Array = np.where(there, self._table[1:], self._table[:1])
        weight = 1.0
        if self._weights is not None:
            for factor in np.where(there[0], self._weights[1], self._weights[0]).tolist():
                weight *= factor
        return D, weight


class NumberTarget(RowTarget):
    """One number, or one for each output.

    Parameters
    ----------
    columns : int
    dtype : dtype
    standardizer : Standardizer, optional
    repeats : int, default=1
        Outputs of the network for each number.
    """

    def __init__(
        self, columns: int, dtype: Any, standardizer: Standardizer | None, repeats: int = 1
    ) -> None:
        self._columns, self._dtype, self._standardizer = columns, dtype, standardizer
        self._repeats = repeats

    def describe(self, code: RowCode) -> RowCode:
        """Numbers by their centre and scale."""
        code, found = replace(code, repeats=self._repeats), self._standardizer
        if found is None:
            return code
        center, scale = (
            None if part is None else np.repeat(part, self._repeats)
            for part in (found.center, found.scale)
        )
        return replace(code, target_center=center, target_scale=scale)

    def encode(self, target: Any) -> tuple[Array, float]:
        """As a row of the target matrix is."""
        numbers = real_numbers(target, "target")
        single = self._columns == 1
        fits = numbers is not None and (
            numbers.shape == (self._columns,) or (single and numbers.ndim == 0)
        )
        if numbers is None or not fits:
            what = "a number" if single else f"{self._columns} numbers, one for each output"
            raise InvalidShapeError(
                f"target must be {what} (got {form_of(target, numbers)}). Give one row of what "
                "fit was given as y."
            )
        row = numbers.reshape(1, -1)
        D = row if self._standardizer is None else self._standardizer.apply(row.astype(np.float64))
        D = as_finite(D, row, "target", self._dtype)
        return np.repeat(D, self._repeats, axis=1), 1.0


class TasksTarget(RowTarget):
    """An entry for each head of a `MultiTaskMLP`: a class, a number, or none.

    Parameters
    ----------
    heads : sequence of FittedHead
    tables : sequence of array of shape (n_classes, outputs of the head), or None
        The network's targets for the classes of each head; None for a regression.
    dtype : dtype
    standardizer : Standardizer, optional
        Of all outputs; it leaves those of classes as they are.
    """

    def __init__(
        self,
        heads: Sequence[FittedHead],
        tables: Sequence[Array | None],
        dtype: Any,
        standardizer: Standardizer | None,
    ) -> None:
        self._dtype, self._outputs = np.dtype(dtype), heads[-1].columns[1]
        self.fits_as_encoded = all(head.loss.name != "poisson" for head in heads)
        self._heads = [
            (head, head.slice, _number_cells(head, standardizer))
            if table is None
            else (head, head.slice, _class_cells(head, table))
            for head, table in zip(heads, tables, strict=True)
        ]

    def describe(self, code: RowCode) -> RowCode:
        """A class of none: no engine takes a row of several kinds, with holes, as it is."""
        return replace(code, classes={}, table=np.empty((0, self._outputs), self._dtype))

    def encode(self, target: Any) -> tuple[Array, float]:
        """Head by head; NaN where there is none."""
        names = [head.name for head, _, _ in self._heads]
        cells = target if type(target) in (list, tuple) else _cells(target, names)
        if cells is None or len(cells) != len(self._heads):
            got = _look(target) if cells is None else f"{len(cells)} entries"
            raise InvalidShapeError(
                f"target must have an entry for each of the {len(names)} heads {names} (got "
                f"{got}). Give one row of what fit was given as y, None for what is not known."
            )
        row, missing = np.full(self._outputs, np.nan), 0
        for (_, place, of_cell), cell in zip(self._heads, cells, strict=True):
            if is_missing(cell):
                missing += 1
            else:
                row[place] = of_cell(cell)
        if missing == len(self._heads):
            raise InvalidShapeError(
                f"target must have a known entry for some head (got {missing} missing ones). Leave "
                "the row out."
            )
        with np.errstate(over="ignore"):
            D: Array = row.astype(self._dtype)[np.newaxis]
        if self._dtype != np.float64 and np.isinf(D).any():
            output = int(np.flatnonzero(np.isinf(D[0]))[0])
            name = next(head.name for head, place, _ in self._heads if output < place.stop)
            raise NonFiniteError(
                f"column {name!r} of target must be finite, as {self._dtype} and "
                f"standardized where the model does so (got {row[output]:g}). Leave the row out, "
                "or make the entry None."
            )
        return D, 1.0


def _look(target: Any) -> str:
    """What a target that is no row looks like, in a line."""
    index = getattr(target, "index", None)
    if getattr(target, "ndim", 1) != 1:
        return f"a {type(target).__name__} of shape {target.shape}"
    return repr(target) if index is None or callable(index) else f"entries for {list(index)}"


def _cells(target: Any, names: list[Any]) -> Any:
    """The entries of one row; None for what is none, such as a frame, which has several.

    A row of a frame has names: those of the heads, in their order.
    """
    strange = isinstance(target, str | bytes | bytearray | dict | Set) or not np.iterable(target)
    if strange or hasattr(target, "columns") or getattr(target, "ndim", 1) != 1:
        return None
    index = getattr(target, "index", None)
    known = names, list(range(len(names)))  # the latter are no names
    if index is not None and not callable(index) and list(index) not in known:
        return None
    return target.tolist() if isinstance(target, np.ndarray) else list(target)


def _number_cells(head: FittedHead, standardizer: Standardizer | None) -> Callable[[Any], float]:
    """What makes a regression's output of an entry."""
    center, scale = 0.0, 1.0
    if standardizer is not None:
        assert standardizer.center is not None
        center, scale = (
            float(part[head.columns[0]]) for part in (standardizer.center, standardizer.scale)
        )

    def number(cell: Any) -> float:
        if isinstance(cell, Real) and not isinstance(cell, bool) and math.isfinite(cell):
            value = float(cell)
        else:  # as a column of one row is: converted, or refused with a reason
            value = float(head.encode(column_of([cell], head.name, "target"), "target")[0, 0])
        return (value - center) / scale

    return number


def _class_cells(head: FittedHead, table: Array) -> Callable[[Any], Array]:
    """What makes the outputs of a head of classes of an entry."""
    assert head.classes is not None
    rows: dict[Any, Array] = dict(zip(head.classes.tolist(), table, strict=True))
    booleans = head.classes.dtype.kind == "b"

    def outputs(cell: Any) -> Array:
        try:
            found = rows.get(cell)
        except TypeError:  # nothing that could be a class
            found = None
        # To a dict True is 1; to a column of y it is not.
        if found is not None and isinstance(cell, bool | np.bool_) == booleans:
            return found
        hot = head.encode(column_of([cell], head.name, "target"), "target")
        row: Array = table[int(hot[0, 0]) if hot.shape[1] == 1 else int(hot[0].argmax())]
        return row

    return outputs


def code_of_classes(code: ClassCode, target: Any, weights: Array | None) -> RowTarget:
    """What a classifier's target means; ``target`` makes the network's targets of some y."""
    if code.multilabel:
        return LabelsTarget(target(np.repeat([[0], [1]], code.columns, axis=1)), weights)
    return ClassTarget(code.classes, target(code.classes), weights)


def as_finite(row: Array, given: Array, name: str, dtype: Any) -> Array:
    """A row in the dtype of the parameters, where all its numbers are finite in it.

    Raises
    ------
    NonFiniteError
        If one is not; ``given`` is what is named.
    """
    with np.errstate(over="ignore"):
        row = row.astype(dtype, copy=False)
    bad = np.flatnonzero(~np.isfinite(row[0]))
    if len(bad):
        column = int(bad[0])
        where = f" in column {column}" if row.shape[1] > 1 else ""
        raise NonFiniteError(
            f"{name} must be finite, as {np.dtype(dtype)} and standardized where the model does so "
            f"(got {given[0, column]:g}{where}). Leave the row out, or fill the hole first."
        )
    return row

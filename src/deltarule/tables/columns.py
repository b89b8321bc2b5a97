"""The plan of a table's columns: how cells become the numbers that a network sees.

A `ColumnPlan` is frozen and made of plain numbers and words, one `Column` per column of the
table, so it stands in a model file as it is. It is learned once, on the training rows, and then
only applied:

=============  ===================================================================================
kind           what the network sees
=============  ===================================================================================
numeric        ``u = (x − centre) / scale``, bent to ``u / √(1 + (u/3)²)`` so that no cell lies
               farther out than 3; a missing cell counts as the median, and where training met
               missing cells a second input is 1 for them and 0 for all others
categorical    one input of 1 per category, 0 for the others; with two categories a single input of
               −1 or +1. A missing cell and an unknown category are 0 in all of them
ignored        nothing; ``reason`` says why (constant, empty, different in nearly every row)
=============  ===================================================================================

A category is the text of its cell, ``01`` or ``1.0``, even where a file holds nothing else and its
column reads as numbers; ``1.0`` is taken for ``1`` only where ``1`` alone is known. Digits of which
some begin with a zero are categorical by themselves.

A missing category needs no input of its own: all zeros is a pattern that no category has. A
column with more than `MAX_CATEGORIES` different words keeps the most frequent.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError, UnknownCategoryWarning
from deltarule.persistence import Fields, wrong
from deltarule.tables.table import Table, same_word

KINDS = ("numeric", "categorical", "ignored")
MAX_CATEGORIES = 100
CLIP = 3.0
FARTHEST = 1e150


@dataclass(frozen=True)
class Column:
    """What training learned about one column.

    Parameters
    ----------
    name : str
    kind : {"numeric", "categorical", "ignored"}
    missing : bool
        Whether training met missing cells.
    median, centre, scale : float
        Of a numeric column, ``scale > 0``; 0, 0 and 1 for the other kinds.
    categories : tuple of str
        Of a categorical column, in alphabetical order.
    reason : str
        Why the column is ignored.
    """

    name: str
    kind: str
    missing: bool = False
    median: float = 0.0
    centre: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    reason: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each input that the column gives."""
        if self.kind == "numeric":
            return (self.name, f"{self.name} is missing") if self.missing else (self.name,)
        if self.kind == "categorical":
            shown = self.categories[1:] if len(self.categories) == 2 else self.categories
            return tuple(f"{self.name}={category}" for category in shown)
        return ()

    def write(self, table: Table, into: Array) -> None:
        """Fill the column's inputs, ``(rows, len(inputs))``, from a table."""
        if self.kind == "numeric":
            self._write_numbers(table, into)
        elif self.kind == "categorical":
            self._write_words(table, into)

    def _write_numbers(self, table: Table, into: Array) -> None:
        numbers = _finite_or_missing(table, self.name)
        holes = np.isnan(numbers)
        with np.errstate(over="ignore"):
            spread = (np.where(holes, self.median, numbers) - self.centre) / self.scale
        # Farther out than this nothing changes, and infinity over infinity would be no number.
        spread = np.clip(spread, -FARTHEST, FARTHEST)
        # hypot does not overflow where a square would.
        into[:, 0] = spread / np.hypot(1.0, spread / CLIP)
        if self.missing:
            into[:, 1] = holes

    def _write_words(self, table: Table, into: Array) -> None:
        words = table.words(self.name).tolist()
        index: dict[str | None, int] = {word: i for i, word in enumerate(self.categories)}
        index[None] = -1
        known_words = frozenset(self.categories)
        for word in {word for word in words if word is not None} - known_words:
            index[word] = index.get(same_word(word, known_words), -2)
        codes = np.fromiter((index[word] for word in words), np.int64, len(words))
        self._warn_of_unknown(codes, words, table)
        known = codes >= 0
        if len(self.categories) == 2:
            into[:, 0] = np.where(known, 2.0 * codes - 1.0, 0.0)
        else:
            into[:] = 0.0
            into[np.flatnonzero(known), codes[known]] = 1.0

    def _warn_of_unknown(self, codes: Array, words: list[str | None], table: Table) -> None:
        unknown = np.flatnonzero(codes == -2)
        if len(unknown):
            cells = "1 cell holds" if len(unknown) == 1 else f"{len(unknown)} cells hold"
            warnings.warn(
                f"column {self.name!r}: {cells} a category that the model does not know, for "
                f"example {words[unknown[0]]!r} in row {table.row_number(unknown[0])}; treated as "
                "none of the known ones.",
                UnknownCategoryWarning,
                stacklevel=2,
            )


@dataclass(frozen=True)
class ColumnPlan:
    """How the columns of a table become the inputs of a network.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the training table.

    Examples
    --------
    >>> plan = ColumnPlan.fit({"age": [20, 30, None, 40], "city": ["Oslo", "Rome", "Rome", "Bonn"]})
    >>> plan.inputs
    ('age', 'age is missing', 'city=Bonn', 'city=Oslo', 'city=Rome')
    >>> plan.transform({"age": [30], "city": ["Rome"]})
    array([[0., 0., 0., 0., 1.]], dtype=float32)
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, frame: Any, *, categorical: Collection[str] = ()) -> ColumnPlan:
        """Learn a plan from training rows, without the target.

        Parameters
        ----------
        frame : Table, mapping of columns, or a pandas or polars frame
        categorical : collection of str, default=()
            Columns of numbers that name kinds, such as a code, to be taken as words.

        Raises
        ------
        TableError
            If there are no rows, a cell is infinite, a name in `categorical` is no column, or no
            column says anything.
        """
        plan = cls.learn(frame, categorical=categorical)
        if not plan.inputs:
            why = "; ".join(f"{column.name!r} is {column.reason}" for column in plan.columns[:5])
            raise TableError(
                f"no column says anything about the target ({why or 'there is none'}). Add one "
                "that differs between rows."
            )
        return plan

    @classmethod
    def learn(cls, frame: Any, *, categorical: Collection[str] = ()) -> ColumnPlan:
        """As `fit`, but a plan without an input is a plan as well: its columns say why.

        Raises
        ------
        TableError
            If there are no rows, a cell is infinite, or a name in `categorical` is no column.
        """
        table = Table.of(frame)
        if table.names and not table.rows:
            raise TableError("the table must have at least one row (got none). Add rows.")
        for name in categorical:
            table.column(name)
        return cls(tuple(_learn(table, name, name in categorical) for name in table.names))

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each input of the network, in order."""
        return tuple(name for column in self.columns for name in column.inputs)

    def transform(self, frame: Any) -> Array:
        """The inputs of the network for every row; other columns of the table are not looked at.

        Parameters
        ----------
        frame : Table, mapping of columns, or a pandas or polars frame

        Returns
        -------
        float32 array of shape (rows, len(inputs)), C-contiguous

        Raises
        ------
        TableError
            If a column is missing, or a cell of a numeric column is no finite number.

        Warns
        -----
        UnknownCategoryWarning
            For each column with categories that training never saw.
        """
        table = Table.of(frame)
        for column in self.columns:
            if column.inputs:
                table.column(column.name, "which the model was trained on")
        inputs = np.empty((table.rows, len(self.inputs)), dtype=np.float32)
        start = 0
        for column in self.columns:
            stop = start + len(column.inputs)
            column.write(table, inputs[:, start:stop])
            start = stop
        return inputs

    def record(self) -> list[dict[str, Any]]:
        """The plan as plain JSON values."""
        return [
            {**asdict(column), "categories": list(column.categories)} for column in self.columns
        ]

    @classmethod
    def from_record(cls, record: Any) -> ColumnPlan:
        """The plan that `record` described; the schema is closed.

        Raises
        ------
        ModelFileError
            If a field is missing, unknown, of another type or out of range.
        """
        entries = Fields({"columns": record}, "table", ("columns",)).sequence("columns")
        columns = tuple(_column_from_record(entry, i) for i, entry in enumerate(entries))
        names = [column.name for column in columns]
        if len(set(names)) < len(names):
            wrong("table.columns", "columns of different names", names)
        return cls(columns)


_FIELDS = tuple(Column.__dataclass_fields__)


def _column_from_record(entry: Any, index: int) -> Column:
    fields = Fields(entry, f"table.columns[{index}]", _FIELDS)
    column = Column(
        name=fields.text("name"),
        kind=fields.text("kind", KINDS),
        missing=fields.flag("missing"),
        median=fields.number("median"),
        centre=fields.number("centre"),
        scale=fields.number("scale"),
        categories=tuple(fields.texts("categories")),
        reason=fields.text("reason"),
    )
    if column.scale <= 0:
        wrong(f"table.columns[{index}].scale", "above 0", column.scale)
    if len(set(column.categories)) < len(column.categories):
        wrong(f"table.columns[{index}].categories", "all different", column.categories)
    return column


def counts_rows(numbers: Array) -> bool:
    """Whether a column is 0, 1, 2, … or 1, 2, 3, …: the place of a row, not a property.

    Asked of a whole table before it is divided; a plan sees some rows only.

    Examples
    --------
    >>> counts_rows(np.arange(1.0, 101.0)), counts_rows(np.arange(5.0))
    (True, False)
    """
    if len(numbers) <= 20 or numbers[0] not in (0, 1):
        return False
    return bool(np.array_equal(numbers, numbers[0] + np.arange(len(numbers))))


def _learn(table: Table, name: str, as_words: bool) -> Column:
    if table.is_numeric(name) and not as_words:
        return _learn_numbers(table, name)
    return _learn_words(table, name)


def _learn_numbers(table: Table, name: str) -> Column:
    numbers = _finite_or_missing(table, name)
    present = numbers[~np.isnan(numbers)]
    missing = len(present) < len(numbers)
    if not len(present):
        return Column(name, "ignored", reason="empty")
    if present.min() == present.max():
        if not missing and abs(present[0]) >= 1e15 and len(set(table.words(name).tolist())) > 1:
            return Column(name, "ignored", reason="the same in every row to 16 digits")
        if not missing:
            return Column(name, "ignored", reason="the same in every row")
        return Column(name, "numeric", True, median=present[0].item(), centre=present[0].item())
    # Over the largest one, so that neither sums nor differences overflow.
    largest = np.abs(present).max()
    with np.errstate(over="ignore", invalid="ignore"):
        median = float(np.median(present))
    if not np.isfinite(median):
        median = float(np.median(present / largest) * largest)
    return Column(name, "numeric", missing, median, *_centre_and_scale(present, largest))


def _centre_and_scale(present: Array, largest: float) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.mean(present))
    if not np.isfinite(mean):
        mean = float(np.mean(present / largest) * largest)
    spread = float(np.std(present / largest) * largest)
    return mean, spread if spread > 0 else 1.0


def _learn_words(table: Table, name: str) -> Column:
    words = table.words(name).tolist()
    counts = Counter(words)
    missing = counts.pop(None, 0) > 0
    if not counts:
        return Column(name, "ignored", reason="empty")
    if len(counts) == 1 and not missing:
        return Column(name, "ignored", reason="the same in every row")
    if len(counts) > max(10, len(words) // 2):
        stray = table.stray_words(name)
        but = "" if stray is None else f" as words ({stray})"
        return Column(name, "ignored", reason=f"different in nearly every row{but}")
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_CATEGORIES]
    return Column(name, "categorical", missing, categories=tuple(sorted(frequent)))


def _finite_or_missing(table: Table, name: str) -> Array:
    numbers = table.numbers(name)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        cell = table.words(name)[infinite[0]]
        raise TableError(
            f"column {name!r} must hold finite numbers (got {cell} in row "
            f"{table.row_number(infinite[0])}). Correct the cell or leave it empty."
        )
    return numbers

"""A table as this room sees it: named columns that hold numbers or words, with holes.

A column is one of two arrays of shape ``(rows,)``:

* numbers: float64, NaN where a cell is missing;
* words: object, `str` or None where a cell is missing. Booleans are the words True and False, so
  that a frame and the CSV file written from it are the same table.

Tables come from the CSV reader (`deltarule.tables.readers`) and, through narwhals, from pandas,
polars and whatever else narwhals knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array of shape (rows,)
        float64 with NaN, or object with `str` and None.

    Examples
    --------
    >>> table = Table.of({"age": [31, None], "city": ["Oslo", "Rome"]})
    >>> table.rows, table.is_numeric("age"), table.is_numeric("city")
    (2, True, False)
    """

    columns: Mapping[str, Array]

    @classmethod
    def of(cls, frame: Any) -> Table:
        """A table from a table, a mapping of columns, or a frame that narwhals knows.

        Raises
        ------
        TableError
            If `frame` is none of these, has two columns of one name, or columns of unequal length.
        """
        if isinstance(frame, Table):
            return frame
        if isinstance(frame, Mapping):
            columns = {str(name): _from_cells(list(cells)) for name, cells in frame.items()}
        else:
            columns = _from_frame(frame)
        lengths = {name: len(cells) for name, cells in columns.items()}
        if len(set(lengths.values())) > 1:
            raise TableError(f"columns must have equal lengths (got {lengths}). Fill them up.")
        return cls(columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.columns)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers."""
        return self.column(name).dtype.kind == "f"

    def column(self, name: str) -> Array:
        """A column by name.

        Raises
        ------
        TableError
            If there is none of that name; the message has the nearest one.
        """
        if name not in self.columns:
            raise TableError(
                f"the table has no column {name!r} (it has {_listed(self.names)}). "
                f"{_meant(name, self.names)}"
            )
        return self.columns[name]

    def numbers(self, name: str) -> Array:
        """A column as float64 with NaN for missing cells.

        Raises
        ------
        TableError
            If a cell is no number; the message has its row, counted from 1.
        """
        cells = self.column(name)
        if cells.dtype.kind == "f":
            return cells
        numbers = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            if cell is None:
                continue
            try:
                numbers[row] = float(cell)
            except ValueError:
                raise TableError(
                    f"column {name!r} must hold numbers (got {cell!r} in row {row + 1}). "
                    "Correct the cell or leave it empty."
                ) from None
        return numbers

    def words(self, name: str) -> Array:
        """A column as words with None for missing cells; a whole number has no decimal point."""
        cells = self.column(name)
        if cells.dtype.kind != "f":
            return cells
        return _objects([None if cell != cell else _number_word(cell) for cell in cells.tolist()])

    def take(self, rows: Array) -> Table:
        """Some rows, by index or mask."""
        return Table({name: cells[rows] for name, cells in self.columns.items()})

    def without(self, names: Iterable[str]) -> Table:
        """The table without some columns."""
        dropped = set(names)
        return Table({name: self.columns[name] for name in self.names if name not in dropped})


def _from_frame(frame: Any) -> dict[str, Array]:
    import narwhals as nw

    try:
        wrapped: Any = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise TableError(
            f"a table must be a pandas or polars frame, a mapping of columns or a Table "
            f"(got {type(frame).__name__}). Give one of these."
        ) from None
    except Exception as problem:
        # narwhals' DuplicateError stands in a place that differs between its releases.
        if "unique" not in str(problem):
            raise
        said = " ".join(str(problem).split())
        raise TableError(f"columns must have different names ({said}). Rename them.") from None
    columns: dict[str, Array] = {}
    for name in wrapped.columns:
        series = wrapped[name]
        if series.dtype.is_numeric():
            # Through a list: nullable integers of pandas come out as floats with NaN.
            columns[str(name)] = _float_column(series)
        elif series.dtype == nw.Object:
            columns[str(name)] = _from_cells(series.to_list())
        else:
            columns[str(name)] = _objects([_word(cell) for cell in series.to_list()])
    return columns


def _float_column(series: Any) -> Array:
    if series.null_count() == 0:
        return np.asarray(series.to_numpy(), dtype=np.float64)
    return np.array(
        [np.nan if _is_missing(cell) else cell for cell in series.to_list()], np.float64
    )


def _from_cells(cells: list[Any]) -> Array:
    """Python values of mixed kinds: numbers if all that are there are, else words."""
    present = [cell for cell in cells if not _is_missing(cell)]
    if all(_is_number(cell) for cell in present):
        return np.array([np.nan if _is_missing(cell) else cell for cell in cells], np.float64)
    return _objects([_word(cell) for cell in cells])


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool)


def _is_missing(cell: Any) -> bool:
    # NaN, NaT and pandas' NA are the values that do not equal themselves, or refuse to say.
    if cell is None:
        return True
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):
        return True


def _word(cell: Any) -> str | None:
    if _is_missing(cell):
        return None
    return _number_word(float(cell)) if _is_number(cell) else str(cell)


def _number_word(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(number)


def _objects(cells: list[Any]) -> Array:
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column


def _listed(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most]) or "no columns"
    return f"{shown}, … {len(names)} in all" if len(names) > most else shown


def _meant(name: str, names: tuple[str, ...]) -> str:
    """A remedy: the column that was most likely meant."""
    by_case = {known.casefold(): known for known in reversed(names)}
    near = by_case.get(name.casefold())
    if near is None:
        close = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.5)
        near = by_case[close[0]] if close else None
    return f"Did you mean {near!r}?" if near is not None else "Choose one of these."

"""A table as this room sees it: named columns that hold numbers or words, with holes.

A column is one of three arrays of shape ``(rows,)``:

* numbers: float64, NaN where a cell is missing;
* words: object, `str` or None where a cell is missing. Booleans are the words True and False, so
  that a frame and the CSV file written from it are the same table;
* times: datetime64 in microseconds, NaT where a cell is missing. Text is never read as a time here:
  that is for the plan of the columns.

Tables come from the CSV reader (`deltarule.tables.readers`) and from frames, mappings and arrays
(`deltarule.tables.frames`). A column of numbers that came from text keeps the text
beside them: as words it is what stands in the file, ``1.50`` or ``1.0``, whatever the other cells
of that file let it be taken for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.tables import frames
from deltarule.tables.cells import DIVIDER, NUMBER, as_objects, number_word, time_words, word_of

#: A column with at most this share of words among its numbers is taken for one of numbers, with
#: mistakes in it.
MOST_STRAYS = 0.1
_GROUPED = re.compile(r"[-+]?(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:[.][0-9]*)?|[0-9]+,[0-9]+)")


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array of shape (rows,)
        float64 with NaN, object with `str` and None, or datetime64 with NaT.
    texts : mapping of str to str, default={}
        Of columns of numbers, the cells as they were written, with `DIVIDER` between: one text
        costs a fraction of the memory of as many small ones, and most are never asked for.
    places : array of int64, optional
        Where each row stood in the table that was read, and stands in `texts`; in order where left
        out.
    declared : frozenset of str, default=frozenset()
        Columns that a frame holds as categories, whatever their words look like.
    mixed : mapping of str to str, default={}
        Of columns that held numbers beside words, how many of each.
    named : bool, default=True
        Whether the names are the table's own; those of an array, x0, x1, …, are not.

    Examples
    --------
    >>> table = Table.of({"age": [31, None], "city": ["Oslo", "Rome"]})
    >>> table.rows, table.is_numeric("age"), table.is_numeric("city")
    (2, True, False)
    """

    columns: Mapping[str, Array]
    texts: Mapping[str, str] = field(default_factory=dict)
    places: Array | None = None
    declared: frozenset[str] = field(default=frozenset(), kw_only=True)
    mixed: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    named: bool = field(default=True, kw_only=True)

    @classmethod
    def of(cls, frame: Any) -> Table:
        """A table from a table, a mapping of columns, a frame that narwhals knows, or an array.

        Raises
        ------
        TableError
            If `frame` is none of these, has two columns of one name, columns of unequal length, or
            cells that are neither numbers, words nor times.

        See Also
        --------
        deltarule.tables.frames : what every kind of cell becomes.
        """
        if isinstance(frame, Table):
            return frame
        found = frames.found_in(frame)
        lengths = {name: len(cells) for name, cells in found.columns.items()}
        if len(set(lengths.values())) > 1:
            raise TableError(f"columns must have equal lengths (got {lengths}). Fill them up.")
        return cls(
            found.columns,
            found.texts,
            declared=frozenset(found.declared),
            mixed=found.mixed,
            named=found.named,
        )

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

    def column(self, name: str, why: str = "") -> Array:
        """A column by name; `why` says who needs it, where that is no choice of the caller.

        Raises
        ------
        TableError
            If there is none of that name; the message has the nearest one.
        """
        if name not in self.columns:
            remedy = "Add it, or rename the one that holds it." if why else "Choose one of these."
            raise TableError(
                f"the table has no column {name!r} (it has {_listed(self.names)})"
                f"{', ' * bool(why)}{why}. {_meant(name, self.names) or remedy}"
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
        for row, cell in enumerate(self.words(name)):
            if cell is None:
                continue
            try:
                # float() reads 1_000, which no table means as a number.
                numbers[row] = float(cell if "_" not in cell else "")
            except ValueError:
                raise TableError(
                    f"column {name!r} must hold numbers (got {cell!r} in row "
                    f"{self.row_number(row)}). "
                    "Correct the cell or leave it empty."
                ) from None
        return numbers

    def row_number(self, row: int) -> int:
        """The number, from 1, that a row had in the table that was read."""
        return int(row if self.places is None else self.places[row]) + 1

    def stray_words(self, name: str) -> str | None:
        """What keeps a column from being numbers where nearly all of its cells are some, or None.

        A number with commas between its thousands, or with a decimal comma among English numbers,
        is a word to the reader, yet none to the person who wrote it. Digits that begin with a zero
        are codes, and no numbers.

        Examples
        --------
        >>> Table.of({"a": [*map(str, range(19)), "oops"]}).stray_words("a")
        "19 of 20 cells are numbers, row 20 holds 'oops'"
        """
        cells = self.column(name)
        if cells.dtype.kind != "O":
            return None
        counts = Counter(cells.tolist())
        counts.pop(None, None)
        strays = {cell for cell in counts if not NUMBER.fullmatch(cell)}
        grouped = {cell for cell in strays if _GROUPED.fullmatch(cell)}
        present, stray = counts.total(), sum(counts[cell] for cell in strays - grouped)
        if not strays or stray > MOST_STRAYS * present:
            return None
        sought = strays - grouped or grouped
        row, cell = next(found for found in enumerate(cells.tolist()) if found[1] in sought)
        if not stray:
            return (
                f"all cells are numbers, but {sum(counts[cell] for cell in grouped)} with commas "
                f"in them, such as {cell!r} in row {self.row_number(row)}"
            )
        return (
            f"{present - stray} of {present} cells are numbers, row {self.row_number(row)} holds "
            f"{cell!r}"
        )

    def words(self, name: str) -> Array:
        """A column as words with None for missing cells.

        Numbers are the text that they were read from; where there was none, as in a frame, a whole
        number has no decimal point.
        """
        cells = self.column(name)
        if cells.dtype.kind == "M":
            return time_words(cells)
        if cells.dtype.kind != "f":
            return cells
        if name in self.texts:
            words = as_objects([word_of(cell) for cell in self.texts[name].split(DIVIDER)])
            return words if self.places is None else words[self.places]
        return as_objects([None if cell != cell else number_word(cell) for cell in cells.tolist()])

    def take(self, rows: Array) -> Table:
        """Some rows, by index or mask."""
        places = (np.arange(self.rows) if self.places is None else self.places)[rows]
        columns = {name: cells[rows] for name, cells in self.columns.items()}
        return replace(self, columns=columns, places=places)

    def without(self, names: Iterable[str]) -> Table:
        """The table without some columns."""
        dropped = set(names)
        columns = {name: self.columns[name] for name in self.names if name not in dropped}
        texts = {name: text for name, text in self.texts.items() if name not in dropped}
        return replace(self, columns=columns, texts=texts)


def _listed(names: tuple[str, ...], most: int = 12) -> str:
    shown = ", ".join(names[:most]) or "no columns"
    return f"{shown}, … {len(names)} in all" if len(names) > most else shown


def _meant(name: str, names: tuple[str, ...]) -> str:
    """A remedy: the column that was most likely meant; nothing where none is near."""
    by_case = {known.casefold(): known for known in reversed(names)}
    near = by_case.get(name.casefold())
    if near is None:
        close = get_close_matches(name.casefold(), by_case, n=1, cutoff=0.5)
        near = by_case[close[0]] if close else None
    return f"Did you mean {near!r}?" if near is not None else ""

"""The plan of a table's columns: how cells become the numbers that a network sees.

A `ColumnPlan` is frozen and made of plain numbers and words, one `Column` per column of the
table, so it stands in a model file as it is. It is learned once, on the training rows, and then
only applied:

=============  ===================================================================================
kind           what the network sees
=============  ===================================================================================
numeric        ``u = (x − centre) / scale``, bent to ``u / √(1 + (u/3)²)`` so that no cell lies
               farther out than 3. The centre is the median, the scale the distance between the
               quartiles, or half the range where that is 0. A missing cell counts as the median,
               and where training met missing cells a second input is 1 for them and 0 for all
               others. Infinite cells are refused, or taken as −3 and 3
boolean        one input of −1 or +1, of the numbers 0 and 1, or of the words false and true
categorical    one input of 1 per category, 0 for the others; with two categories a single input of
               −1 or +1. A missing cell and an unknown category are 0 in all of them, but for a
               second input of two words where holes are to be marked
datetime       seconds as a number is taken, and where they differ between rows the month of the
               year, the day of the week and the hour of the day as sine and cosine. Text is a date
               where nearly all of a column's words are ISO dates (`deltarule.tables.times`)
text           refused, ignored, or hashed: words of several words each, different in many rows
ignored        nothing; ``reason`` says why (constant, empty, different in nearly every row, …)
=============  ===================================================================================

A category is the text of its cell, ``01`` or ``1.0``, even where a file holds nothing else and its
column reads as numbers; ``1.0`` is taken for ``1`` only where ``1`` alone is known. Digits of which
some begin with a zero are categorical by themselves.

A missing category needs no input of its own: all zeros is a pattern that no category has. Of a
column with more than `MAX_CATEGORIES` different words the most frequent have an input each, the
others share one, which is 1 for words that training never met as well; two more inputs, from −1 to
1, tell all of them apart: the logarithm of how often training met the word (0 times for an unknown
one), and its place in the alphabet, which brings 10115 near 10117. Ten thousand categories then
take 103 inputs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError, TableWarning, warn
from deltarule.persistence import Fields, wrong
from deltarule.tables import description
from deltarule.tables.column import CLIP, KINDS, Column
from deltarule.tables.kinds import (
    DIFFERENT,
    MAX_CATEGORIES,
    MOST_TEXT_INPUTS,
    TEXT_INPUTS,
    Options,
    counts_rows,
    identifies,
    learn,
)
from deltarule.tables.table import Table
from deltarule.tables.times import CYCLES

__all__ = ["CLIP", "KINDS", "MAX_CATEGORIES", "Column", "ColumnPlan", "counts_rows", "identifies"]


@dataclass(frozen=True, repr=False)
class ColumnPlan:
    """How the columns of a table become the inputs of a network.

    Parameters
    ----------
    columns : tuple of Column
        In the order of the training table.

    Examples
    --------
    >>> plan = ColumnPlan.fit({"age": [20, 30, None, 40], "city": ["Oslo", "Rome", "Rome", "Bonn"]})
    >>> plan
    ColumnPlan(2 columns: 1 numeric, 1 categorical; 5 inputs)
    >>> plan.inputs
    ('age', 'age is missing', 'city=Bonn', 'city=Oslo', 'city=Rome')
    >>> plan.transform({"age": [30], "city": ["Rome"]})
    array([[0., 0., 0., 0., 1.]], dtype=float32)
    >>> print(plan.describe())
    column  kind         inputs  what the network sees
    age     numeric           2  (x − 30) / 10; missing: 30 and a mark
    city    categorical       3  3 categories: Bonn, Oslo, Rome
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, frame: Any, **options: Any) -> ColumnPlan:
        """Learn a plan from training rows, without the target.

        Parameters
        ----------
        frame : Table, frame, mapping of columns, or array
            As `deltarule.tables.frames` lists them.
        **options
            Those of `learn`.

        Raises
        ------
        TableError
            As `learn`, and if no column says anything.
        """
        plan = cls.learn(frame, **options)
        if not plan.inputs:
            why = "; ".join(f"{column.name!r} is {column.reason}" for column in plan.columns[:5])
            raise TableError(
                f"no column says anything about the target ({why or 'there is none'}). Add one "
                "that differs between rows."
            )
        return plan

    @classmethod
    def learn(
        cls,
        frame: Any,
        *,
        categorical: Collection[str] = (),
        text: str = "refuse",
        text_inputs: int = TEXT_INPUTS,
        max_categories: int = MAX_CATEGORIES,
        infinite: str = "refuse",
        mark_holes: bool = False,
    ) -> ColumnPlan:
        """As `fit`, but a plan without an input is a plan as well: its columns say why.

        Parameters
        ----------
        frame : Table, frame, mapping of columns, or array
        categorical : collection of str, default=()
            Columns of numbers that name kinds, such as a code, to be taken as words.
        text : {"refuse", "hash", "ignore"}, default="refuse"
            What is done with columns of free text.
        text_inputs : int, default=64
            To how many inputs the words of a column of text are hashed.
        max_categories : int, default=100
            How many categories of a column have an input of their own.
        infinite : {"refuse", "farthest"}, default="refuse"
            Whether infinite numbers, here and in `transform`, are an error, or taken as the
            farthest that the network can see with a warning that counts them.
        mark_holes : bool, default=False
            Whether columns of two words get a second input, 1 for missing cells, as columns of
            numbers do; without it a missing cell lies between the two.

        Raises
        ------
        TableError
            If there are no rows, a cell is infinite, a column holds text, an option is none, or a
            name in `categorical` is no column.

        Warns
        -----
        TableWarning
            For each column that is taken as words although nearly all of its cells are numbers, or
            that held numbers beside words.
        """
        table = Table.of(frame)
        if table.names and not table.rows:
            raise TableError("the table must have at least one row (got none). Add rows.")
        options = Options(categorical, text, text_inputs, max_categories, infinite, mark_holes)
        for name in categorical:
            table.column(name)
        plan = cls(tuple(learn(table, name, options) for name in table.names))
        if not plan.inputs:
            options = replace(options, keep_identifiers=True)
            plan = cls(tuple(learn(table, name, options) for name in table.names))
        if text == "refuse":
            _refuse_text(plan, table)
        for column in plan.columns:
            if column.name not in categorical and column.kind != "datetime":
                _warn_of_strays(table, column)
        return plan

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each input of the network, in order."""
        return tuple(name for column in self.columns for name in column.inputs)

    @property
    def kinds_of_inputs(self) -> tuple[str, ...]:
        """What each input is, in the order of `inputs`.

        ``"numeric"``: a scaled real number; ``"indicator"``: a mark of a hole, or of yes and no;
        ``"category"``: one of the inputs of a category; ``"cyclic"``: a sine or a cosine;
        ``"text"``: a hashed word.
        """
        return tuple(kind for column in self.columns for kind in column.kinds_of_inputs)

    @property
    def numeric_inputs(self) -> Array:
        """The places of the ``"numeric"`` inputs, int64: those that are worth an embedding."""
        return np.flatnonzero(np.array(self.kinds_of_inputs, dtype=str) == "numeric")

    def transform(self, frame: Any, *, extra: str = "ignore") -> Array:
        """The inputs of the network for every row.

        Columns are found by name, in any order. An array, whose columns have no names, is taken
        by position, as is a table with other names where the plan was learned on an array.

        Parameters
        ----------
        frame : Table, frame, mapping of columns, or array
        extra : {"ignore", "warn"}, default="ignore"
            Whether columns that the plan does not know are worth a warning.

        Returns
        -------
        float32 array of shape (rows, len(inputs)), C-contiguous

        Raises
        ------
        TableError
            If columns are missing, or a cell does not fit the kind of its column.

        Warns
        -----
        UnknownCategoryWarning
            For each column with categories that training never saw; not of those whose rare
            categories share an input.
        TableWarning
            For each column with infinite numbers, cells that are no date, or numbers other than
            the 0 and 1 of training; for extra columns; where names are not looked at.
        """
        table = self.found_in(frame, extra=extra)
        widths = [len(column.inputs) for column in self.columns]
        inputs = np.empty((table.rows, sum(widths)), dtype=np.float32)
        stop = 0
        for column, width in zip(self.columns, widths, strict=True):
            start, stop = stop, stop + width
            column.write(table, inputs[:, start:stop])
        return inputs

    def straight(self, table: Table, inputs: Array) -> Array:
        """The inputs of `transform` with numbers that are not bent, for a straight line.

        Parameters
        ----------
        table : Table
            As `found_in` gives it.
        inputs : float32 array of shape (rows, len(inputs))
            What `transform` made of it; not changed.
        """
        found, start = inputs.copy(), 0
        for column in self.columns:
            numbers = column.straight(table)
            if numbers is not None:
                found[:, start] = numbers
            start += len(column.inputs)
        return found

    def found_in(self, frame: Any, *, extra: str = "ignore", by_name: bool = False) -> Table:
        """The table with the plan's columns under the plan's names.

        `by_name` says that x0, x1, … are names that somebody gave, and not those of an array.

        Raises
        ------
        TableError
            If columns that give inputs are missing, or an array has another number of them.
        """
        table = Table.of(frame)
        names = [column.name for column in self.columns]
        nameless = not by_name and names == [f"x{place}" for place in range(len(names))]
        strange = set(names).isdisjoint(table.names)
        if not table.named or (nameless and strange):
            if len(table.names) != len(names):
                raise TableError(
                    f"the table must have {len(names)} columns, as in training (got "
                    f"{len(table.names)}). Give those that the model was trained on, in order."
                )
            if table.named:
                warn(
                    f"the table's columns ({_some(list(table.names), 8)}) are taken in order: "
                    f"none of them is called as in training ({_some(names, 8)}).",
                    TableWarning,
                )
            columns = dict(zip(names, table.columns.values(), strict=True))
            return replace(table, columns=columns, texts={}, mixed={}, declared=frozenset())
        missing = [
            column.name
            for column in self.columns
            if column.kind != "ignored" and column.name not in table.columns
        ]
        if len(missing) == 1:
            table.column(missing[0], "which the model was trained on")
        if missing:
            raise TableError(
                f"the table lacks {len(missing)} columns that the model was trained on: "
                f"{_some(missing)}. Add them, or rename those that hold them."
            )
        known = set(names)
        unknown = [name for name in table.names if name not in known]
        if unknown and extra == "warn":
            warn(
                "the table has columns that the model was not trained on, which are not looked "
                f"at: {_some(unknown)}.",
                TableWarning,
            )
        return table

    def describe(self) -> str:
        """Every column, its kind and what the network sees of it, as a table of text."""
        return description.text(self.columns)

    def __repr__(self) -> str:
        return f"ColumnPlan({description.summary(self.columns)})"

    def _repr_html_(self) -> str:
        return description.html(self.columns)

    def record(self) -> list[dict[str, Any]]:
        """The plan as plain JSON values."""
        return [_column_record(column) for column in self.columns]

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
        width = sum(column.width for column in columns)
        if width > MOST_HASHED:
            wrong("table.columns", f"columns of text with {MOST_HASHED} inputs at most", width)
        letters = sum((len(c.name) + 32) * (len(c.categories) + c.width) for c in columns)
        if letters > MOST_LETTERS:
            wrong("table.columns", f"inputs of at most {MOST_LETTERS} letters in all", letters)
        return cls(columns)

    def check_inputs(self, expected: int, what: str = "") -> None:
        """Refuse the plan of a file that gives another number of inputs than a network takes.

        Raises
        ------
        ModelFileError
            Before so many names are made.
        """
        least = sum(max(len(c.categories) - 1, 0) + c.width for c in self.columns)
        found = least if least > expected else len(self.inputs)
        if found != expected:
            wrong("table.columns", f"columns for {expected} inputs{what}", found)


def _some(names: list[str], most: int = 30) -> str:
    more = f", … {len(names)} in all" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _refuse_text(plan: ColumnPlan, table: Table) -> None:
    texts = [column.name for column in plan.columns if column.kind == "text"]
    if not texts:
        return
    words = table.words(texts[0]).tolist()
    row = next(row for row, word in enumerate(words) if word is not None)
    shown = words[row] if len(words[row]) <= 40 else words[row][:37] + "..."
    others = f", and so do {', '.join(map(repr, texts[1:6]))}" if len(texts) > 1 else ""
    others += f" and {len(texts) - 6} more" if len(texts) > 6 else ""
    raise TableError(
        f"column {texts[0]!r} holds free text (such as {shown!r} in row {table.row_number(row)})"
        f"{others}: neither numbers nor categories. Leave it out, or say text='ignore', or "
        "text='hash' to make inputs of its words."
    )


#: How a warning begins of a column that would be one of numbers but for some cells.
NUMBERS_BESIDE_WORDS = "column .* is (left out|taken as words): (all|[0-9]+ of [0-9]+) cells are"


def _warn_of_strays(table: Table, column: Column) -> None:
    said = table.mixed.get(column.name) or table.stray_words(column.name)
    if said is not None:
        left = "left out" if column.kind == "ignored" else "taken as words"
        warn(
            f"column {column.name!r} is {left}: {said}. Mend the cell, or name the column "
            "in categorical.",
            TableWarning,
        )
    elif column.reason.startswith(DIFFERENT) and table.column(column.name).dtype.kind == "O":
        _warn_of_disguise(table, column)


def _warn_of_disguise(table: Table, column: Column) -> None:
    """Tell of a column that is left out, and would not be if its numbers were plain ones."""
    words = [word for word in table.words(column.name).tolist() if word is not None]
    numbers = [word for word in words if _DISGUISED.fullmatch(word)]
    if len(numbers) > 0.9 * len(words):
        warn(
            f"column {column.name!r} is left out: its words are {column.reason}, and look like "
            f"numbers, dates or times in a writing of their own (such as {numbers[0]!r}). Convert "
            "them to plain numbers or ISO dates, or name the column in categorical.",
            TableWarning,
        )


#: Numbers with a unit, a currency, a comma or the colons of a time; dates that are no ISO dates.
_DISGUISED = re.compile(
    r"(?:[^0-9A-Za-z]{1,3}|[A-Z]{3} )?[0-9][0-9.,:' ]*(?:[^0-9A-Za-z]{1,2}| ?[A-Za-z]{1,4}[²³]?)?"
    r"|[0-9]{1,4}([-/.])[0-9]{1,2}\1[0-9]{1,4}(?:[ T][0-9:]+)?"
)


#: Fields that every file has, and those that a file has where they say something.
_FIELDS = (
    *("name", "kind", "missing", "median", "centre", "scale", "categories", "reason"),
    *("infinite", "rare", "counts", "cycles", "width", "marked"),
)
_ALWAYS = _FIELDS[:8]
_AT_LEAST: dict[str, Any] = {
    "infinite": False,
    "rare": [],
    "counts": [],
    "cycles": [],
    "width": 0,
    "marked": False,
}
#: Inputs of all columns of text in a file: more would only take memory because it says so.
MOST_HASHED = 2**18
#: What the seconds of a time stay below.
_MOST_SECONDS = 1e11
#: Letters of the names of all inputs, about: a long name of a column stands in each of its inputs.
MOST_LETTERS = 2**26


def _column_record(column: Column) -> dict[str, Any]:
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(column).items()
    }
    # What says nothing is left out: releases before these fields read such a file.
    return {
        name: plain[name] for name in _FIELDS if name in _ALWAYS or plain[name] != _AT_LEAST[name]
    }


def _column_from_record(entry: Any, index: int) -> Column:
    where = f"table.columns[{index}]"
    whole = {**_AT_LEAST, **entry} if isinstance(entry, dict) else entry
    fields = Fields(whole, where, _FIELDS)
    column = Column(
        name=fields.text("name"),
        kind=fields.text("kind", KINDS),
        missing=fields.flag("missing"),
        median=fields.number("median"),
        centre=fields.number("centre"),
        scale=fields.number("scale"),
        categories=tuple(fields.texts("categories")),
        reason=fields.text("reason"),
        infinite=fields.flag("infinite"),
        rare=tuple(fields.texts("rare")),
        counts=tuple(fields.sequence("counts")),
        cycles=tuple(fields.texts("cycles")),
        width=fields.integer("width", 0, MOST_TEXT_INPUTS),
        marked=fields.flag("marked"),
    )
    _check_column(column, where)
    return column


def _check_column(column: Column, where: str) -> None:
    """What the fields of a column must be to each other."""
    if column.scale <= 0:
        wrong(f"{where}.scale", "above 0", column.scale)
    if len(set(column.categories)) < len(column.categories):
        wrong(f"{where}.categories", "all different", column.categories)
    if column.kind == "datetime":
        for name in ("median", "centre", "scale"):
            if abs(getattr(column, name)) > _MOST_SECONDS:
                wrong(f"{where}.{name}", "the seconds of a time", getattr(column, name))
    if column.kind == "boolean" and len(column.categories) not in (0, 2):
        wrong(f"{where}.categories", "two words or none for a boolean", column.categories)
    every = {*column.categories, *column.rare}
    if len(every) < len(column.categories) + len(column.rare):
        wrong(f"{where}.rare", "different from each other and from categories", column.rare)
    expected = len(every) if column.rare else 0
    if len(column.counts) != expected:
        wrong(f"{where}.counts", f"a list of {expected} whole numbers", list(column.counts))
    if not all(type(count) is int and 0 < count < 2**53 for count in column.counts):
        wrong(f"{where}.counts", "whole numbers above 0", list(column.counts))
    if column.rare and column.kind != "categorical":
        wrong(f"{where}.rare", f"none for the kind {column.kind!r}", column.rare)
    places = [CYCLES.index(cycle) if cycle in CYCLES else -1 for cycle in column.cycles]
    if places != sorted(set(places)) or -1 in places:
        wrong(f"{where}.cycles", f"some of {', '.join(CYCLES)} in this order", column.cycles)
    if column.marked and not (column.missing and column.has_two_words):
        wrong(f"{where}.marked", "false but for two words with missing cells", column.marked)
    if (column.kind == "text") != (column.width > 0):
        wrong(f"{where}.width", "above 0 for text and 0 for all else", column.width)

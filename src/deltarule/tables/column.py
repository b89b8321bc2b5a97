"""One column of a table as training learned it, and how it fills the inputs of a network.

`deltarule.tables.columns` says what each kind becomes; here stands how.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError, TableWarning, UnknownCategoryWarning, warn
from deltarule.tables import times
from deltarule.tables.cells import same_word
from deltarule.tables.table import Table

KINDS = ("numeric", "categorical", "boolean", "datetime", "text", "ignored")
#: What an input is: `ColumnPlan.kinds_of_inputs`.
INPUT_KINDS = ("numeric", "indicator", "category", "cyclic", "text")
CLIP = 3.0
FARTHEST = 1e150
#: Where infinite numbers lie for a straight line, and no number lies farther out than the second:
#: in scales of the column.
HORIZON, OUTERMOST = 100.0, 1e6
#: Up to this share of the cells, other numbers than the 0 and 1 of training are not worth a word.
FEW_OTHERS = 0.01
_TRUE, _FALSE = frozenset(("true", "1", "1.0")), frozenset(("false", "0", "0.0"))


@dataclass(frozen=True)
class Column:
    """What training learned about one column.

    Parameters
    ----------
    name : str
    kind : {"numeric", "categorical", "boolean", "datetime", "text", "ignored"}
    missing : bool
        Whether training met missing cells.
    median, centre, scale : float
        Of numbers, and of times in seconds since 1970, ``scale > 0``; 0, 0 and 1 for the other
        kinds.
    categories : tuple of str
        In alphabetical order: those that have an input each; of booleans the words for no and yes,
        none where they are the numbers 0 and 1.
    reason : str
        Why the column is ignored.
    infinite : bool, default=False
        Whether infinite cells are taken as the farthest that there are, or refused.
    rare : tuple of str, default=()
        Categories that share one input, in alphabetical order.
    counts : tuple of int, default=()
        Of a column with rare categories, in how many training rows each category stands:
        `categories` first, then `rare`.
    cycles : tuple of str, default=()
        Of times: those of ``"month"``, ``"weekday"`` and ``"hour"`` that differ between rows.
    width : int, default=0
        Of text, how many inputs its words are hashed to.
    marked : bool, default=False
        Of two words with holes, whether a second input marks these; of numbers one always does.
    """

    name: str
    kind: str
    missing: bool = False
    median: float = 0.0
    centre: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    reason: str = ""
    infinite: bool = field(default=False, kw_only=True)
    rare: tuple[str, ...] = field(default=(), kw_only=True)
    counts: tuple[int, ...] = field(default=(), kw_only=True)
    cycles: tuple[str, ...] = field(default=(), kw_only=True)
    width: int = field(default=0, kw_only=True)
    marked: bool = field(default=False, kw_only=True)

    @property
    def inputs(self) -> tuple[str, ...]:
        """A name for each input that the column gives."""
        return tuple(name for name, _ in self._named_inputs())

    @property
    def kinds_of_inputs(self) -> tuple[str, ...]:
        """What each input is, of `INPUT_KINDS`."""
        return tuple(kind for _, kind in self._named_inputs())

    @property
    def has_two_words(self) -> bool:
        """Whether the column is one of two words, which share an input of −1 or +1."""
        worded = self.kind in ("boolean", "categorical")
        return worded and len(self.categories) == 2 and not self.counts

    def _named_inputs(self) -> list[tuple[str, str]]:
        name = self.name
        mark = [(f"{name} is missing", "indicator")] if self.missing else []
        if self.kind == "numeric":
            return [(name, "numeric"), *mark]
        if self.kind == "boolean" and not self.categories:
            return [(name, "indicator"), *mark]
        if self.has_two_words:
            kind = "indicator" if self.kind == "boolean" else "category"
            return [(f"{name}={self.categories[1]}", kind), *(mark if self.marked else [])]
        if self.kind == "categorical":
            found = [(f"{name}={category}", "category") for category in self.categories]
            if self.counts:
                found.append((f"{name} is rare", "category"))
                found += [(f"frequency of {name}", "numeric"), (f"order of {name}", "numeric")]
            return found
        if self.kind == "datetime":
            pairs = [(half, cycle) for cycle in self.cycles for half in ("sin", "cos")]
            circles = [(f"{half} of {cycle} of {name}", "cyclic") for half, cycle in pairs]
            return [(name, "numeric"), *circles, *mark]
        if self.kind == "text":
            return [(f"{name} #{place}", "text") for place in range(self.width)]
        return []

    def write(self, table: Table, into: Array) -> None:
        """Fill the column's inputs, ``(rows, len(inputs))``, from a table."""
        if self.kind == "numeric" or (self.kind == "boolean" and not self.categories):
            self._write_numbers(table, into)
        elif self.kind in ("categorical", "boolean"):
            self._write_words(table, into)
        elif self.kind == "datetime":
            self._write_times(table, into)
        elif self.kind == "text":
            into[:] = hashed(table.words(self.name), self.width)

    def straight(self, table: Table) -> Array | None:
        """The number of every row as it lies on its scale, not bent; None for other kinds.

        An infinite one lies at `HORIZON`, a missing one where the network sees it.
        """
        if self.kind == "numeric":
            numbers = finite_or_refused(table, self.name, self.infinite)
        elif self.kind == "datetime":
            numbers = times.seconds(times_of(table, self.name)[0])
        else:
            return None
        spread = self._spread(numbers, np.isnan(numbers))
        seen = np.where(np.isinf(numbers), np.clip(spread, -HORIZON, HORIZON), spread)
        return np.clip(seen, -OUTERMOST, OUTERMOST)

    def _write_numbers(self, table: Table, into: Array) -> None:
        numbers = truths(table, self.name) if self.kind == "boolean" else None
        if numbers is None:
            numbers = finite_or_refused(table, self.name, self.infinite)
            self._warn_of_infinite(table, numbers)
        holes = np.isnan(numbers)
        spread = self._spread(numbers, holes)
        if self.kind == "boolean":
            self._warn_of_others(table, numbers)
            into[:, 0] = np.clip(spread, -1, 1)
        else:
            into[:, 0] = bent(spread)
        if self.missing:
            into[:, 1] = holes

    def _spread(self, numbers: Array, holes: Array) -> Array:
        with np.errstate(over="ignore"):
            spread = (np.where(holes, self.median, numbers) - self.centre) / self.scale
        return np.asarray(spread)

    def _warn_of_infinite(self, table: Table, numbers: Array) -> None:
        rows = np.flatnonzero(np.isinf(numbers))
        if len(rows):
            cells = "1 cell is" if len(rows) == 1 else f"{len(rows)} cells are"
            warn(
                f"column {self.name!r}: {cells} infinite, for example "
                f"{table.words(self.name)[rows[0]]} in row {table.row_number(rows[0])}; taken as "
                "the farthest that the network can see.",
                TableWarning,
            )

    def _warn_of_others(self, table: Table, numbers: Array) -> None:
        rows = np.flatnonzero(np.isfinite(numbers) & (numbers != 0) & (numbers != 1))
        if len(rows) > FEW_OTHERS * len(numbers):
            cells = "1 cell is" if len(rows) == 1 else f"{len(rows)} cells are"
            warn(
                f"column {self.name!r} held only 0 and 1 in training: {cells} another number, for "
                f"example {table.words(self.name)[rows[0]]} in row {table.row_number(rows[0])}; "
                "taken as the nearest from 0 to 1.",
                TableWarning,
            )

    def _write_times(self, table: Table, into: Array) -> None:
        moments, bad = times_of(table, self.name)
        self._warn_of_times(table, bad)
        numbers = times.seconds(moments)
        holes = np.isnan(numbers)
        into[:, 0] = bent(self._spread(numbers, holes))
        for place, cycle in enumerate(self.cycles):
            angle = 2 * np.pi * times.turns(moments, cycle)
            into[:, 1 + 2 * place] = np.where(holes, 0.0, np.sin(angle))
            into[:, 2 + 2 * place] = np.where(holes, 0.0, np.cos(angle))
        if self.missing:
            into[:, -1] = holes

    def _warn_of_times(self, table: Table, bad: Array) -> None:
        rows = np.flatnonzero(bad)
        if len(rows):
            cells = "1 cell is" if len(rows) == 1 else f"{len(rows)} cells are"
            warn(
                f"column {self.name!r}: {cells} no date from {times.FIRST_YEAR} to "
                f"{times.LAST_YEAR}, for example {table.words(self.name)[rows[0]]!r} in row "
                f"{table.row_number(rows[0])}; taken as missing.",
                TableWarning,
            )

    def _write_words(self, table: Table, into: Array) -> None:
        words = table.words(self.name).tolist()
        codes = self._codes(words)
        if not self.counts:
            self._warn_of_unknown(codes, words, table)
        shown = len(self.categories)
        if self.has_two_words:
            into[:, 0] = np.where(codes >= 0, 2.0 * codes - 1.0, 0.0)
            if self.marked:
                into[:, 1] = codes == MISSING_CODE
            return
        into[:] = 0.0
        known = (codes >= 0) & (codes < shown)
        into[np.flatnonzero(known), codes[known]] = 1.0
        if self.counts:
            into[:, shown] = (codes >= shown) | (codes == UNKNOWN)
            self._write_frequencies(words, codes, into[:, shown + 1 :])

    def _codes(self, words: list[str | None]) -> Array:
        """The place of each word among `categories` and `rare`; `MISSING_CODE`, `UNKNOWN`."""
        index: dict[str | None, int] = {
            word: i for i, word in enumerate((*self.categories, *self.rare))
        }
        known = frozenset(index)
        index[None] = MISSING_CODE
        for word in {word for word in words if word is not None} - known:
            index[word] = index.get(self._meant(word, known), UNKNOWN)
        return np.fromiter(map(index.__getitem__, words), np.int64, len(words))

    def _meant(self, word: str, known: frozenset[Any]) -> str:
        if self.kind == "boolean" and word.strip().lower() in _FALSE | _TRUE:
            return self.categories[word.strip().lower() in _TRUE]
        return same_word(word, known)

    def _write_frequencies(self, words: list[Any], codes: Array, into: Array) -> None:
        """How often training met a word, on a logarithmic scale, and its place in the alphabet.

        Both from −1 to 1, and 0 for a missing cell; a word that training never met counts 0, and
        has its place among the others.
        """
        unknown, missing = codes == UNKNOWN, codes == MISSING_CODE
        counts = np.append(np.log1p(self.counts), 0.0)  # the last one is that of UNKNOWN
        into[:, 0] = 2 * counts[np.where(unknown, -1, codes)] / counts.max() - 1
        known = (*self.categories, *self.rare)
        ordered = sorted(range(len(known)), key=known.__getitem__)
        places = np.empty(len(known) + 1)
        places[ordered] = np.arange(len(known))
        places = places[codes]
        alphabet = [known[code] for code in ordered]
        for row in np.flatnonzero(unknown).tolist():
            places[row] = bisect_left(alphabet, words[row])
        into[:, 1] = 2 * places / len(known) - 1
        into[missing] = 0.0

    def _warn_of_unknown(self, codes: Array, words: list[str | None], table: Table) -> None:
        unknown = np.flatnonzero(codes == UNKNOWN)
        if len(unknown):
            cells = "1 cell holds" if len(unknown) == 1 else f"{len(unknown)} cells hold"
            warn(
                f"column {self.name!r}: {cells} a category that the model does not know, for "
                f"example {words[unknown[0]]!r} in row {table.row_number(unknown[0])}; treated as "
                "none of the known ones.",
                UnknownCategoryWarning,
            )


MISSING_CODE, UNKNOWN = -1, -2


def bent(spread: Array) -> Array:
    """``u / √(1 + (u/3)²)``: near 0 as it is, and never farther out than 3."""
    # Farther out than this nothing changes, and infinity over infinity would be no number.
    spread = np.clip(spread, -FARTHEST, FARTHEST)
    # hypot does not overflow where a square would.
    return np.asarray(spread / np.hypot(1.0, spread / CLIP))


def finite_or_refused(table: Table, name: str, infinite: bool) -> Array:
    """The numbers of a column, NaN for missing cells; infinite ones where they are allowed.

    Raises
    ------
    TableError
        If a cell is no number, or infinite without `infinite`.
    """
    numbers = table.numbers(name)
    rows = np.flatnonzero(np.isinf(numbers))
    if len(rows) and not infinite:
        raise TableError(
            f"column {name!r} must hold finite numbers (got {table.words(name)[rows[0]]} in row "
            f"{table.row_number(rows[0])}). Correct the cell or leave it empty."
        )
    return numbers


def truths(table: Table, name: str) -> Array | None:
    """A column of the words True and False as 1 and 0, NaN for a hole; None where it is another."""
    cells = table.column(name)
    if cells.dtype.kind != "O":
        return None
    words = cells.tolist()
    values: dict[str | None, float] = {None: np.nan}
    for word in {word for word in words if word is not None}:
        if word.strip().lower() not in _TRUE | _FALSE:
            return None
        values[word] = float(word.strip().lower() in _TRUE)
    return np.fromiter(map(values.__getitem__, words), np.float64, len(words))


def times_of(table: Table, name: str) -> tuple[Array, Array]:
    """The times of a column, NaT for missing ones, and which cells held something else.

    Raises
    ------
    TableError
        If the column holds numbers.
    """
    cells = table.column(name)
    if cells.dtype.kind == "f":
        rows = np.flatnonzero(~np.isnan(cells))
        if len(rows):
            raise TableError(
                f"column {name!r} must hold dates or times (got {table.words(name)[rows[0]]} in "
                f"row {table.row_number(rows[0])}). Write them as 2024-01-31 or 2024-01-31 10:30."
            )
        return np.full(len(cells), np.datetime64("NaT", "us")), np.zeros(len(cells), dtype=bool)
    if cells.dtype.kind == "M":
        there, moments = ~np.isnat(cells), cells
    else:
        words = cells.tolist()
        there, moments = np.array([word is not None for word in words]), times.parsed(words)
    moments = times.in_range(moments)
    return moments, there & np.isnat(moments)


def hashed(words: Array, width: int) -> Array:
    """Free text as `width` numbers a row: its words, hashed with signs, bent as numbers are.

    scikit-learn's ``HashingVectorizer`` with its defaults: lower case, words of two letters or
    more, rows of length 1; here rows of length √width, so that an input is of the order of 1. A
    missing cell is 0 in all of them.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    if not len(words):
        return np.empty((0, width))
    texts = ["" if word is None else word for word in words.tolist()]
    rows = HashingVectorizer(n_features=width, dtype=np.float64).transform(texts)
    return bent(rows.toarray() * np.sqrt(width))

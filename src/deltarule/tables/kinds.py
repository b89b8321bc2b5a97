"""Which kind a column of a table is, and what a plan keeps of it.

A column is judged by its own cells alone, never by the target:

* declared to be one of categories, or named so: categorical;
* numbers: an identifier where they count the rows or are whole and all different, and are called
  so, unless the column has no name of its own or no other column says anything; boolean where they
  are 0 and 1; else numeric;
* times: datetime;
* words: dates where nearly all of them are; else text or an identifier where nearly every row has
  one of its own; else categorical, boolean where they are true and false.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.tables import times
from deltarule.tables.column import Column, finite_or_refused, times_of
from deltarule.tables.table import Table

MAX_CATEGORIES = 100
TEXT_INPUTS = 64
MOST_TEXT_INPUTS = 2**16
#: The largest number that a model file holds.
LARGEST = 1e308
#: With fewer rows than this numbers that are all different say nothing about what they are.
FEWEST_ROWS_TO_COUNT = 20
#: A count of the rows, of which some are left out, stays below so many times the rows there are.
MOST_OF_A_COUNT = 2.0
#: Words a cell from which on a column that is different in nearly every row is text …
WORDS_OF_TEXT = 3
#: … and from which on it is where every tenth row has one of its own.
WORDS_OF_LONG_TEXT = 8
#: Why words that are no categories are ignored.
DIFFERENT = "different in nearly every row"
_IDENTIFIER = re.compile(
    r"(?:.*[^a-z0-9])?(?:id|uuid|guid|identifier)[^a-z0-9]*|row ?(?:number|nr|no)|index|unnamed: 0"
)
#: Names of a count of the rows; the last is the reader's own, of a column without one.
_COUNTER = re.compile(r"(?:no|nr|n|num|number|#|row|obs|case|record|sample|column_[0-9]+)?[.]?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Options:
    """How the columns of a table are taken; `ColumnPlan.learn` says what each option means."""

    categorical: Collection[str] = ()
    text: str = "refuse"
    text_inputs: int = TEXT_INPUTS
    max_categories: int = MAX_CATEGORIES
    infinite: str = "refuse"
    mark_holes: bool = False
    #: Numbers that name rows are numbers all the same where there is nothing else.
    keep_identifiers: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("text", ("refuse", "hash", "ignore")),
            ("infinite", ("refuse", "farthest")),
        ):
            if getattr(self, name) not in allowed:
                raise TableError(
                    f"{name} must be one of {', '.join(map(repr, allowed))} (got "
                    f"{getattr(self, name)!r}). Choose one of these."
                )
        for name, most in (("text_inputs", MOST_TEXT_INPUTS), ("max_categories", 2**31)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or not 1 <= value <= most:
                raise TableError(
                    f"{name} must be a whole number from 1 to {most} (got {value!r}). Choose one."
                )


def learn(table: Table, name: str, options: Options) -> Column:
    """What a plan keeps of a column.

    Raises
    ------
    TableError
        If a cell is infinite and `options` refuse that.
    """
    if name in options.categorical or name in table.declared:
        return _of_words(table, name, options, as_categories=True)
    kind = table.column(name).dtype.kind
    if kind == "M":
        return _of_times(table, name)
    return (_of_numbers if kind == "f" else _of_words)(table, name, options)


def counts_rows(numbers: Array) -> bool:
    """Whether a column is 0, 1, 2, … or 1, 2, 3, …: the place of a row, not a property.

    Asked of a whole table before it is divided; a plan sees some rows only.

    Examples
    --------
    >>> counts_rows(np.arange(1.0, 101.0)), counts_rows(np.arange(5.0))
    (True, False)
    """
    if len(numbers) <= FEWEST_ROWS_TO_COUNT or numbers[0] not in (0, 1):
        return False
    return bool(np.array_equal(numbers, numbers[0] + np.arange(len(numbers))))


def identifies(numbers: Array, name: str) -> str:
    """Why numbers name their rows instead of saying something about them; "" where they do not.

    The name has to say that this is what they are for: days and weeks may count the rows too, and
    ranks are all different.

    Examples
    --------
    >>> count = np.arange(1.0, 101.0)
    >>> identifies(count, "no"), identifies(count, "week"), identifies(count[::-2], "houseId")
    ('a count of the rows', '', 'a number of its own for each row, as its name says')
    """
    if len(numbers) <= FEWEST_ROWS_TO_COUNT or not np.isfinite(numbers).all():
        return ""
    if counts_rows(numbers) and _COUNTER.fullmatch(name.strip().lower()):
        return "a count of the rows"
    whole = np.array_equal(numbers, np.round(numbers))
    if not whole or len(np.unique(numbers)) < len(numbers):
        return ""
    called = _IDENTIFIER.fullmatch(_CAMEL.sub(" ", name).strip().lower())
    # A count of the rows in another order, or of some of them: a fold is to be taken as the whole.
    dense = numbers.min() >= 0 and numbers.max() < MOST_OF_A_COUNT * len(numbers)
    counts = dense and _COUNTER.fullmatch(name.strip().lower())
    return "a number of its own for each row, as its name says" if called or counts else ""


def _of_numbers(table: Table, name: str, options: Options) -> Column:
    infinite = options.infinite == "farthest"
    numbers = finite_or_refused(table, name, infinite)
    present = numbers[np.isfinite(numbers)]
    missing = bool(np.isnan(numbers).any())
    if not len(present):
        reason = "empty" if np.isnan(numbers).all() else "without a finite number"
        return Column(name, "ignored", reason=reason)
    if len(present) == len(numbers) and present.min() == present.max():
        if abs(present[0]) >= 1e15 and len(set(table.words(name).tolist())) > 1:
            return Column(name, "ignored", reason="the same in every row to 16 digits")
        return Column(name, "ignored", reason="the same in every row")
    why = identifies(numbers, name)
    if why and table.named and not options.keep_identifiers:
        return Column(name, "ignored", reason=why)
    median, centre, scale = robust(present)
    if not np.isinf(numbers).any() and bool(((present == 0) | (present == 1)).all()):
        return Column(name, "boolean", missing, median, 0.5, 0.5, infinite=infinite)
    return Column(name, "numeric", missing, median, centre, scale, infinite=infinite)


def robust(numbers: Array) -> tuple[float, float, float]:
    """Median, centre and scale of finite numbers.

    The centre is the median, the scale the distance between the quartiles; where that is 0, half
    the distance between the smallest and the largest number; where that is 0 as well, 1. The
    median stands twice, since a plan could fill holes with another number than its centre.

    Source: the preparation of numbers in RealMLP (Holzmüller, Grinsztajn, Steinwart 2024),
    https://arxiv.org/abs/2407.04491

    Examples
    --------
    >>> robust(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    (3.0, 3.0, 2.0)
    >>> robust(np.array([0.0, 0.0, 0.0, 0.0, 8.0]))
    (0.0, 0.0, 4.0)
    """
    # Over the largest one where needed, so that neither sums nor differences overflow.
    largest = np.abs(numbers).max()
    unit = largest if largest > 1e300 else 1.0
    ordered = np.sort(numbers / unit)
    low, median, high = (_quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    scale = high - low
    if scale <= 0:
        scale = (ordered[-1] - ordered[0]) / 2
    most = LARGEST / unit
    centre = max(-most, min(median, most)) * unit
    scale = min(scale, most) * unit
    return float(centre), float(centre), float(scale) if scale > 0 else 1.0


def _quantile(ordered: Array, share: float) -> float:
    """Between the two numbers that it falls between; NumPy's own takes ten times as long."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def _of_times(table: Table, name: str) -> Column:
    moments, bad = times_of(table, name)
    present = moments[~np.isnat(moments)]
    missing = len(present) < len(moments)
    if not len(present):
        none = f"without a date from {times.FIRST_YEAR} to {times.LAST_YEAR}"
        return Column(name, "ignored", reason=none if bad.any() else "empty")
    if not missing and present.min() == present.max():
        return Column(name, "ignored", reason="the same in every row")
    cycles = tuple(
        cycle for cycle in times.CYCLES if len(np.unique(times.turns(present, cycle))) > 1
    )
    return Column(name, "datetime", missing, *robust(times.seconds(present)), cycles=cycles)


def _of_words(table: Table, name: str, options: Options, *, as_categories: bool = False) -> Column:
    words = table.words(name).tolist()
    counts = Counter(words)
    missing = counts.pop(None, 0) > 0
    if not counts:
        return Column(name, "ignored", reason="empty")
    if len(counts) == 1 and not missing:
        return Column(name, "ignored", reason="the same in every row")
    if not as_categories and times.are_dates(counts):
        return _of_times(table, name)
    if not as_categories and is_text(counts, len(words)):
        if options.text == "ignore":
            return Column(name, "ignored", reason="free text")
        return Column(name, "text", missing, width=int(options.text_inputs))
    if are_different(len(counts), len(words)) and not as_categories:
        stray = table.stray_words(name)
        but = "" if stray is None else f" as words ({stray})"
        return Column(name, "ignored", reason=f"{DIFFERENT}{but}")
    return _of_categories(name, counts, missing, options)


def are_different(kinds: int, rows: int) -> bool:
    """Whether so many different words in so many rows are too many to be categories."""
    return kinds > max(10, rows // 2)


def is_text(counts: Counter[Any], rows: int) -> bool:
    """Whether words are free text: of several words each, and different in many rows.

    Examples
    --------
    >>> is_text(Counter(f"the house number {place}" for place in range(40)), 40)
    True
    >>> is_text(Counter(f"house {place}" for place in range(40)), 40)
    False
    """
    if len(counts) <= max(10, rows // 10):
        return False
    each = sum(len(cell.split()) for cell in counts) / len(counts)
    least = WORDS_OF_TEXT if len(counts) > rows // 2 else WORDS_OF_LONG_TEXT
    return each >= least


def _of_categories(name: str, counts: Counter[Any], missing: bool, options: Options) -> Column:
    frequent = sorted(counts, key=lambda word: (-counts[word], word))
    most = int(options.max_categories)
    shown, rare = tuple(sorted(frequent[:most])), tuple(sorted(frequent[most:]))
    if not rare:
        truth = tuple(word.lower() for word in shown) == ("false", "true")
        kind = "boolean" if truth else "categorical"
        marked = options.mark_holes and missing and len(shown) == 2
        return Column(name, kind, missing, categories=shown, marked=marked)
    known = tuple(counts[word] for word in (*shown, *rare))
    return Column(name, "categorical", missing, categories=shown, rare=rare, counts=known)

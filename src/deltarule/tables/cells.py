"""Cells of a table as words, and what stands for none."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np

from deltarule.definitions import Array

#: Cells that stand for "not known".
MISSING = frozenset(("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"))
#: A number as people write it; digits that begin with a zero are a code.
NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*|0?(?=[.]))(?:[.][0-9]*)?(?:[eE][-+]?[0-9]+)?")
#: Divides the cells of a kept text: no number and no missing cell holds it.
DIVIDER = ";"
#: Up to here float64 holds every whole number, so int64 says the same.
LARGEST_WHOLE = 2.0**53


def word_of(text: str) -> str | None:
    """A cell of text as a word, or None where it says that nothing is known."""
    stripped = text.strip()
    return None if stripped in MISSING else stripped


def same_word(word: str, known: Collection[str]) -> str:
    """The known word that is meant by a word: itself, or ``1`` for ``1.0`` and the other way round.

    Programs that keep whole numbers with a gap as floats write ``1.0`` for ``1``. Nothing else is
    taken for another word: ``01`` and ``1`` may be two codes, ``1.1`` and ``1.10`` two releases.

    Examples
    --------
    >>> same_word("1.0", {"1", "2"}), same_word("1", {"1.0"}), same_word("01", {"1"})
    ('1', '1.0', '01')
    """
    if word in known:
        return word
    other = word[:-2] if word.endswith(".0") else f"{word}.0"
    return other if other in known and word.removesuffix(".0").lstrip("-").isdecimal() else word


def number_word(number: float) -> str:
    """A number as a word: a whole one without a decimal point."""
    whole = abs(number) <= LARGEST_WHOLE and number == int(number)
    return str(int(number)) if whole else repr(number)


def time_words(times: Array) -> Array:
    """Times as ISO text, None for missing ones; without the hour where it is midnight in all."""
    known = ~np.isnat(times)
    days = times.astype("datetime64[D]")
    shown = days if bool((days == times)[known].all()) else times.astype("datetime64[s]")
    words = np.datetime_as_string(shown).astype(object)
    words[~known] = None
    return words


def as_objects(cells: list[Any]) -> Array:
    """Cells as an array of objects, whatever they are."""
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return column

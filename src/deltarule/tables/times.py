"""Times of a table: text that is a date, and what a network sees of a time.

A time is a moment on a line and a place on several circles. The line is seconds since 1970; the
circles are the month of the year, the day of the week and the hour of the day, each as the sine and
the cosine of an angle, so that December lies beside January and 23:59 beside midnight.

=========  ===========================  ==========================================
cycle      begins (angle 0)             goes by
=========  ===========================  ==========================================
month      January                      whole months, 12 to a turn
weekday    Monday                       whole days, 7 to a turn
hour       midnight                     seconds, 86 400 to a turn
=========  ===========================  ==========================================

Years before `FIRST_YEAR` and after `LAST_YEAR` are no dates that anybody measured: programs write
0001-01-01 or 9999-12-31 for "not known" and "never". They count as missing.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

import numpy as np

from deltarule.definitions import Array

CYCLES = ("month", "weekday", "hour")
FIRST_YEAR, LAST_YEAR = 1600, 2400
#: Of the words of a column, so many must be dates for the column to be one of dates.
LEAST_DATES = 0.95
#: … and so many of possible years: 1234-05 may be a code.
LEAST_POSSIBLE = 0.5
#: Words that are looked at before all are.
_LOOKED_AT, _JUDGED = 20, 1000
#: Words without an offset from UTC, with semicolons behind: NumPy reads them at once.
_PLAIN = re.compile(
    r"(?:[0-9]{4}-[0-9]{2}(?:-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,6})?)?)?)?;)*"
)
_ISO = re.compile(
    r"\s*([0-9]{4}-[0-9]{2}(?P<day>-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?"
    r"(?:Z|[-+][0-9]{2}(?::?[0-9]{2})?)?)?)?)\s*"
)
_LOW = np.datetime64(f"{FIRST_YEAR}-01-01", "us")
_HIGH = np.datetime64(f"{LAST_YEAR + 1}-01-01", "us")
_NOT_A_TIME = np.datetime64("NaT", "us")


def parsed(words: Iterable[str | None]) -> Array:
    """Words as times, NaT where a word is none.

    Text is ISO 8601 as people and programs write it: ``2024-01``, ``2024-01-31``,
    ``2024-01-31 10:30``, ``2024-01-31T10:30:05.25Z``. A time with an offset from UTC becomes that
    of UTC.

    Parameters
    ----------
    words : iterable of str or None

    Returns
    -------
    datetime64[us] array

    Examples
    --------
    >>> parsed(["2024-01-31", "2024-01-31T10:30+02:00", "31.1.2024", "2024-02-30", None])
    array(['2024-01-31T00:00:00.000000', '2024-01-31T08:30:00.000000', 'NaT', 'NaT', 'NaT'],
          dtype='datetime64[us]')
    """
    cells = list(words)
    index: dict[str | None, int] = {word: place for place, word in enumerate(set(cells) - {None})}
    moments = _moments([word for word in index if word is not None])
    index[None] = len(moments)
    codes = np.fromiter(map(index.__getitem__, cells), np.int64, len(cells))
    return np.asarray(np.append(moments, _NOT_A_TIME)[codes])


def _moments(words: list[str]) -> Array:
    if words and _PLAIN.fullmatch(";".join((*words, ""))):
        try:
            return np.array(words, "datetime64[us]")
        except ValueError:  # a day that is none
            pass
    return np.array(list(map(_moment, words)), "datetime64[us]")


def _moment(word: str) -> datetime.datetime | None:
    found = _ISO.fullmatch(word)
    if found is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(found[1] if found["day"] else f"{found[1]}-01")
        zone = moment.tzinfo
        return moment if zone is None else moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def are_dates(words: Iterable[str]) -> bool:
    """Whether nearly all of some different words are dates, and most of possible years.

    Examples
    --------
    >>> are_dates(["2024-01-31", "2024-02-01"]), are_dates(["2024-01-31", "unknown"])
    (True, False)
    """
    cells = list(words)
    if not any(_ISO.fullmatch(word) for word in cells[:_LOOKED_AT]):
        return False
    # Of very many, some evenly from the first to the last.
    judged = cells[:: max(1, len(cells) // _JUDGED)]
    moments = parsed(judged)
    possible = ~np.isnat(in_range(moments))
    return bool((~np.isnat(moments)).mean() >= LEAST_DATES and possible.mean() >= LEAST_POSSIBLE)


def in_range(times: Array) -> Array:
    """The times, NaT for those of an impossible year."""
    with np.errstate(invalid="ignore"):
        return np.where((times >= _LOW) & (times < _HIGH), times, _NOT_A_TIME)


def seconds(times: Array) -> Array:
    """Seconds since 1970 as float64, NaN for a missing time.

    Examples
    --------
    >>> seconds(parsed(["1970-01-02", None]))
    array([86400.,    nan])
    """
    return np.asarray((times - np.datetime64(0, "us")) / np.timedelta64(1, "s"), dtype=np.float64)


def turns(times: Array, cycle: str) -> Array:
    """How far round a cycle each time is, from 0 to below 1; NaN for a missing one.

    Examples
    --------
    >>> times = parsed(["2024-01-01 06:00", "2024-07-07 00:00"])
    >>> turns(times, "month"), turns(times, "weekday") * 7, turns(times, "hour")
    (array([0. , 0.5]), array([0., 6.]), array([0.25, 0.  ]))
    """
    known = ~np.isnat(times)
    moments = np.where(known, times, np.datetime64(0, "us"))
    if cycle == "month":
        round_ = moments.astype("datetime64[M]").astype(np.int64) % 12 / 12
    elif cycle == "weekday":
        # 1970 began on a Thursday.
        round_ = (moments.astype("datetime64[D]").astype(np.int64) + 3) % 7 / 7
    else:
        round_ = moments.astype(np.int64) % 86_400_000_000 / 86_400_000_000
    return np.where(known, round_, np.nan)

"""What others hold as a table, as the columns of a `deltarule.tables.table.Table`.

===========================  ====================================================================
given                        becomes
===========================  ====================================================================
frame of pandas, polars,     its columns by name, read through narwhals
pyarrow, …
mapping of names to cells    its columns by name
array of two dimensions,     columns named x0, x1, …; of an array of objects each column is judged
list of rows                 by its own cells
===========================  ====================================================================

===========================  ====================================================================
cells                        become
===========================  ====================================================================
whole and decimal numbers    numbers
booleans                     the words True and False
durations                    numbers, in seconds
times, dates                 times; one with a zone becomes that of UTC, one without stays as it is
text                         words; numbers where all of its cells are written as some
category, enumeration        words, and the column is declared to be one of categories
numbers beside words         words; the table keeps what was mixed
None, NaN, NaT, NA           missing
===========================  ====================================================================

Sparse matrices are refused: every missing entry of theirs is a zero that would have to be written
out.
"""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import TableError
from deltarule.tables.cells import DIVIDER, NUMBER, as_objects, number_word, word_of

_MICROSECONDS = "datetime64[us]"
_NUMBERS = (int, float, np.integer, np.floating, Decimal)
_TIMES = (datetime.date, np.datetime64)
_DURATIONS = (datetime.timedelta, np.timedelta64)


@dataclass
class Found:
    """The columns of something that was given as a table."""

    columns: dict[str, Array] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    mixed: dict[str, str] = field(default_factory=dict)
    named: bool = True


def found_in(frame: Any) -> Found:
    """The columns of a frame, a mapping, an array or a list of rows.

    Raises
    ------
    TableError
        If it is none of these, is sparse, has two columns of one name, or holds cells that are
        neither numbers, words nor times.

    Examples
    --------
    >>> found_in(np.array([[1.0, 2.0], [3.0, 4.0]])).columns["x1"]
    array([2., 4.])
    """
    if isinstance(frame, Mapping):
        return _of_mapping(frame)
    # A module that nobody has loaded has made none of its matrices.
    if type(frame).__module__.startswith("scipy.sparse"):
        raise TableError(
            f"a table must be dense (got a sparse {type(frame).__name__} of shape {frame.shape}). "
            "Give X.toarray() where that fits into memory."
        )
    if hasattr(frame, "collect"):
        raise TableError(
            f"a table must hold its rows (got a {type(frame).__name__}, which has yet to compute "
            "them). Give what its collect() returns."
        )
    wrapped = _wrapped(frame)
    if wrapped is not None:
        return _of_frame(wrapped, _plain_numbers(frame))
    if hasattr(frame, "__array__") or (isinstance(frame, list | tuple) and _holds_rows(frame)):
        return _of_array(_as_array(frame))
    raise TableError(
        "a table must be a pandas or polars frame, a mapping of columns, an array of two "
        f"dimensions or a Table (got {type(frame).__name__}). Give one of these."
    )


def _wrapped(frame: Any) -> Any:
    """The frame as narwhals knows it; None where it knows none of the kind."""
    import narwhals as nw

    _check_names(getattr(frame, "column_names", None) or _pandas_names(frame))
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError:
        return None


def _pandas_names(frame: Any) -> list[Any]:
    names = getattr(frame, "columns", ())
    return list(names) if isinstance(names, Iterable) else []


def _check_names(names: list[Any]) -> None:
    counts = Counter(map(str, names))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        shown = ", ".join(f"{name!r} {counts[name]} times" for name in twice[:5])
        more = f", … {len(twice)} such names" if len(twice) > 5 else ""
        raise TableError(f"columns must have different names (got {shown}{more}). Rename them.")


def _of_mapping(frame: Mapping[Any, Any]) -> Found:
    import narwhals as nw

    _check_names(list(frame))
    found = Found()
    for name, cells in frame.items():
        if isinstance(cells, np.ndarray) and cells.ndim == 1:
            _put_array(found, str(name), cells)
            continue
        if hasattr(cells, "categories") and type(cells).__module__.startswith("pandas"):
            cells = sys.modules["pandas"].Series(cells)
        try:
            _put_series(found, str(name), nw.from_native(cells, series_only=True))
        except TypeError:
            if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
                raise TableError(
                    f"column {str(name)!r} must be a list or an array of cells (got "
                    f"{type(cells).__name__}). Give one cell for each row."
                ) from None
            _put_cells(found, str(name), list(cells))
    return found


def _of_frame(wrapped: Any, numbers: dict[Any, Array]) -> Found:
    found = Found()
    for name in wrapped.columns:
        if name in numbers:
            found.columns[str(name)] = numbers[name]
        else:
            _put_series(found, str(name), wrapped.get_column(name))
    return found


def _plain_numbers(frame: Any) -> dict[Any, Array]:
    """The columns of pandas that are arrays of numbers, all at once: a tenth of the time."""
    if type(frame).__module__.partition(".")[0] != "pandas":
        return {}
    kinds = [getattr(dtype, "kind", "") * isinstance(dtype, np.dtype) for dtype in frame.dtypes]
    places = [place for place, kind in enumerate(kinds) if kind and kind in "fiu"]
    if not places:
        return {}
    block = np.ascontiguousarray(frame.iloc[:, places].to_numpy(np.float64).T)
    return dict(zip(frame.columns[places], block, strict=True))


def _put_series(found: Found, name: str, series: Any) -> None:
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_numeric():
        found.columns[name] = _float_column(series)
    elif dtype == nw.Boolean:
        found.columns[name] = as_objects([_TRUTH.get(cell) for cell in _plain(series)])
    elif dtype in (nw.Categorical, nw.Enum):
        found.columns[name] = _category_column(series)
        found.declared.add(name)
    elif dtype == nw.String:
        _put_words(found, name, [c if isinstance(c, str) else None for c in series.to_list()])
    elif dtype in (nw.Datetime, nw.Date):
        found.columns[name] = _time_column(series)
    elif dtype == nw.Duration:
        _put_cells(found, name, series.to_list())
    elif dtype in (nw.List, nw.Array, nw.Struct):
        raise TableError(
            f"column {name!r} must hold numbers, words or times (got {dtype}). Give each part a "
            "column of its own, or leave it out."
        )
    else:
        _put_cells(found, name, series.to_list())


_TRUTH = {True: "True", False: "False"}


def _plain(series: Any) -> list[Any]:
    """Booleans with None for missing ones: pandas' NA has no hash that a table could hold."""
    return [bool(cell) if not _is_missing(cell) else None for cell in series.to_list()]


def _float_column(series: Any) -> Array:
    import narwhals as nw

    if series.null_count() == 0:
        return np.asarray(series.to_numpy(), dtype=np.float64)
    try:
        # Nullable integers of pandas come out as floats with NaN.
        return np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
    except Exception:  # pyarrow refuses whole numbers beyond 2^53
        return _floats(series.to_list())


def _category_column(series: Any) -> Array:
    import narwhals as nw

    native = series.to_native()
    codes = getattr(getattr(native, "cat", None), "codes", None)
    if codes is None:
        cells = series.cast(nw.String).to_list()
        return as_objects([c if isinstance(c, str) else None for c in cells])
    # A last None stands behind the code −1 of a missing cell.
    levels = as_objects([*map(_word, native.cat.categories.tolist()), None])
    return np.asarray(levels[np.asarray(codes)])


def _time_column(series: Any) -> Array:
    if getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    times = np.asarray(series.to_numpy())
    return times.astype(_MICROSECONDS) if times.dtype.kind == "M" else _times(series.to_list())


def _holds_rows(rows: Any) -> bool:
    return len(rows) > 0 and all(isinstance(row, list | tuple | np.ndarray) for row in rows)


def _as_array(frame: Any) -> Array:
    """An array of two dimensions; of a list of rows one of objects, so that each cell stays."""
    if isinstance(frame, list | tuple):
        widths = sorted({len(row) for row in frame})
        if len(widths) > 1:
            raise TableError(
                f"the rows of a table must have equal lengths (got {widths[0]} to {widths[-1]} "
                "cells). Fill them up."
            )
        array = np.empty((len(frame), widths[0]), dtype=object)
        for row, cells in enumerate(frame):
            array[row, :] = cells
    else:
        array = np.asarray(frame)
    if array.ndim != 2:
        # The first words are those of scikit-learn, whose tests ask for them.
        raise TableError(
            f"Expected 2D array, got {array.ndim}D array instead: a table has rows and columns. "
            "Reshape your data with array.reshape(-1, 1) if it is a single column, or "
            "array.reshape(1, -1) if it is a single row."
        )
    if array.shape[1] == 0:
        raise TableError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is "
            "required. Add a column."
        )
    return array


def _of_array(array: Array) -> Found:
    found = Found(named=False)
    if array.dtype.kind in "fiu":
        array = np.ascontiguousarray(array.T, dtype=np.float64)
        found.columns = {f"x{place}": cells for place, cells in enumerate(array)}
        return found
    for place, cells in enumerate(array.T):
        _put_array(found, f"x{place}", cells)
    return found


def _put_array(found: Found, name: str, cells: Array) -> None:
    kind = cells.dtype.kind
    if kind in "fiu":
        found.columns[name] = cells.astype(np.float64)
    elif kind == "M":
        found.columns[name] = cells.astype(_MICROSECONDS)
    elif kind == "m":
        found.columns[name] = _seconds(cells)
    elif kind in "cV":
        problem = "Complex data not supported: " if kind == "c" else ""
        raise TableError(
            f"{problem}column {name!r} must hold numbers, words or times (got {cells.dtype}). Give "
            "each part a column of its own, or leave it out."
        )
    else:
        _put_cells(found, name, cells.tolist())


def _put_cells(found: Found, name: str, cells: list[Any]) -> None:
    """Python values: numbers or times if all that are there are such, else words."""
    kinds = set(map(type, cells))
    if kinds <= {str, type(None)}:
        _put_words(found, name, cells)
    elif kinds <= {float, int, type(None)}:
        found.columns[name] = _floats(cells)
    else:
        present = [cell for cell in cells if not _is_missing(cell)]
        if all(map(_is_number, present)):
            found.columns[name] = _floats(cells)
        elif all(isinstance(cell, _TIMES) for cell in present):
            found.columns[name] = _times(cells)
        elif all(isinstance(cell, _DURATIONS) for cell in present):
            known = [None if _is_missing(cell) else np.timedelta64(cell, "us") for cell in cells]
            found.columns[name] = _seconds(np.array(known, dtype="timedelta64[us]"))
        else:
            _refuse_parts(name, present)
            found.columns[name] = as_objects([_word(cell) for cell in cells])
            numbers = sum(map(_is_number, present))
            if numbers:
                row = next(row for row, cell in enumerate(cells) if _is_other(cell))
                found.mixed[name] = (
                    f"{numbers} of {len(present)} cells are numbers, row {row + 1} holds "
                    f"{_word(cells[row])!r}"
                )


def _put_words(found: Found, name: str, cells: list[Any]) -> None:
    """Words, or numbers where all of them are some: so a file of them would be read."""
    words: list[str | None] = []
    for cell in cells:
        word = None if cell is None else word_of(cell)
        if word is not None and not NUMBER.fullmatch(word):
            break
        words.append(word)
    if len(words) < len(cells) or not any(words):
        found.columns[name] = as_objects(cells)
        return
    found.columns[name] = np.array([np.nan if word is None else float(word) for word in words])
    found.texts[name] = DIVIDER.join(word or "" for word in words)


def _refuse_parts(name: str, present: list[Any]) -> None:
    """Refuse cells that hold several things."""
    for cell in present:
        if isinstance(cell, list | tuple | set | dict | np.ndarray):
            raise TableError(
                f"column {name!r} must hold numbers, words or times (got {type(cell).__name__}). "
                "Give each part a column of its own, or leave it out."
            )


def _is_other(cell: Any) -> bool:
    return not _is_missing(cell) and not _is_number(cell)


def _floats(cells: list[Any]) -> Array:
    try:
        return np.array(cells, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([np.nan if _is_missing(cell) else _float(cell) for cell in cells])


def _float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return np.inf if cell > 0 else -np.inf


def _times(cells: list[Any]) -> Array:
    return np.array([None if _is_missing(cell) else _time(cell) for cell in cells], _MICROSECONDS)


def _time(cell: Any) -> np.datetime64 | None:
    """A time without a zone: one with a zone as UTC has it, None where that is out of range."""
    if getattr(cell, "tzinfo", None) is not None:
        try:
            cell = cell.astimezone(datetime.UTC).replace(tzinfo=None)
        except OverflowError:
            return None
    # pandas' own times carry nanoseconds, which microseconds do not take by themselves.
    cell = cell.to_datetime64() if hasattr(cell, "to_datetime64") else np.datetime64(cell)
    return np.datetime64(cell, "us")


def _seconds(durations: Array) -> Array:
    seconds = durations / np.timedelta64(1, "s")
    return np.asarray(seconds, dtype=np.float64)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, _NUMBERS) and not isinstance(cell, bool)


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
    return number_word(float(cell)) if _is_number(cell) else str(cell)

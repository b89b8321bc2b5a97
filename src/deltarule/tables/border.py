"""What a user calls a table, its target and its weights, at the tabular estimators' border."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_array

from deltarule.definitions import Array
from deltarule.estimators.checks import is_sparse
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, TableError
from deltarule.tables.table import Table


def table_of(estimator: Any, X: Any, *, reset: bool) -> Table:
    """Rows as a user gives them, as a table; the first time their names are remembered."""
    if is_sparse(X) or not _has_columns(X):
        if isinstance(X, list | tuple):
            X = _cells(X)
        elif isinstance(X, np.ma.MaskedArray):
            X = np.ma.filled(X.astype(np.float64 if X.dtype.kind in "iufb" else object), np.nan)
        X = check_array(X, dtype=None, ensure_all_finite=False, estimator=estimator)
        _check_n_features(estimator, X, reset=reset)
        _check_feature_names(estimator, X, reset=reset)  # warns where the model knows names
        if reset:
            names = [f"x{column}" for column in range(X.shape[1])]
        else:  # by place, whatever the columns were called
            names = [column.name for column in estimator.columns_.columns]
        return Table.of(dict(zip(map(str, names), X.T, strict=True)))
    table = Table.of(X)
    if reset:
        if not table.names:
            raise TableError("the table must have at least one column (got none). Add columns.")
        estimator.n_features_in_ = len(table.names)
        _remember_names(estimator, X, table)
    elif not hasattr(estimator, "feature_names_in_"):
        _check_feature_names(estimator, X, reset=False)  # warns of names that nobody looks at
        known = [column.name for column in estimator.columns_.columns]
        if known[0] == "x0" or set(known).isdisjoint(table.names):  # and numbered ones by number
            return replace(table, named=False)
    return table


def _remember_names(estimator: Any, X: Any, table: Table) -> None:
    given = None
    if not isinstance(X, Table | Mapping) and not hasattr(X, "column_names"):
        given = list(X.columns)
    if given is not None and not all(isinstance(name, str) for name in given):
        estimator.__dict__.pop("feature_names_in_", None)
        return
    estimator.feature_names_in_ = np.array(table.names, dtype=object)


def _has_columns(X: Any) -> bool:
    # A lazy frame asked for its columns would set to work; `Table.of` refuses it.
    known = isinstance(X, Table | Mapping) or hasattr(X, "collect")
    return known or hasattr(X, "columns") or hasattr(X, "column_names")


def missing(y: Array) -> Array:
    """True for rows of a target of which a part is missing."""
    if y.dtype.kind == "f":
        found: Array = np.isnan(y)
    elif y.dtype.kind in "mM":
        found = np.isnat(y)
    elif y.dtype.kind == "O":
        found = np.array([_is_missing(cell) for cell in y.ravel().tolist()], dtype=bool)
        found = found.reshape(y.shape)
    else:
        found = np.zeros(y.shape, dtype=bool)
    rows: Array = found if found.ndim == 1 else np.any(found, axis=1)
    return rows


def _cells(given: Any) -> Array:
    """Lists as an array; numbers beside words stay numbers, and None and NaN what they are."""
    found = np.asarray(given)
    return np.asarray(given, dtype=object) if found.dtype.kind in "US" else found


def settled(y: Array) -> Array:
    """A target without its holes in the dtype that is left; cells of several kinds stay them."""
    found = np.array(y.tolist()) if y.dtype == object else y
    words = found.dtype.kind not in "US" or all(isinstance(cell, str) for cell in y.ravel())
    return found if words else y


def _is_missing(cell: Any) -> bool:
    try:
        return cell is None or bool(cell != cell)
    except (TypeError, ValueError):  # pandas' NA refuses to say
        return True


def weights(sample_weight: Any, rows: int) -> Array | None:
    """One weight of at least 0 for each row in float32, or None.

    Raises
    ------
    InvalidParameterError, InvalidShapeError
        If they are not one finite number of at least 0 for each row, and one of them above 0.
    """
    if sample_weight is None:
        return None
    given = _target_cells(sample_weight)
    if given.ndim == 0:
        raise InvalidParameterError(
            f"sample_weight must be one number for each row (got {sample_weight!r}). Leave it out "
            "where all rows weigh the same."
        )
    if given.shape != (rows,):
        raise InvalidShapeError(
            f"sample_weight must hold a number for each of the {rows} rows (got shape "
            f"{given.shape}). Give as many numbers as there are rows."
        )
    numbers = _as_numbers(given, "sample_weight must hold numbers", "Convert the cell.")
    odd = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(odd):
        more = "" if len(odd) == 1 else f", and {len(odd) - 1} more"
        raise InvalidParameterError(
            f"sample_weight must be finite and at least 0 in every row (got {numbers[odd[0]]:g} in "
            f"row {odd[0] + 1}{more}). Give 0 to rows that are not to count."
        )
    largest = numbers.max()
    if largest == 0:
        raise InvalidParameterError(
            f"sample_weight must be above 0 for some row (got {rows} zeros). Give a weight to the "
            "rows that are to count, or leave it out."
        )
    if not 1e-25 < largest < 1e25:  # in float32 they would vanish, or not add up
        numbers = numbers / largest
    return numbers.astype(np.float32)


def named(columns: Iterable[Any], names: tuple[str, ...], parameter: str) -> list[str]:
    """Columns given by name or by place, as names."""
    found = []
    for column in columns:
        whole = isinstance(column, int | np.integer) and not isinstance(column, bool)
        if whole and str(column) in names:  # of a frame whose columns are numbered
            found.append(str(column))
        elif whole and -len(names) <= column < len(names):
            found.append(names[column])
        elif isinstance(column, str) and column in names:
            found.append(column)
        else:
            raise InvalidParameterError(
                f"{parameter} must hold names or places of columns (got {column!r}; the table has "
                f"{len(names)}: {', '.join(names[:8])}{', …' * (len(names) > 8)}). Choose one of "
                "these."
            )
    return found


def target_of(y: Any) -> Array:
    """A target as an array of shape (rows,) or (rows, columns), in its own dtype."""
    if y is None:
        raise ValueError(
            "This estimator requires y to be passed, but the target y is None. Give the target of "
            "every row."
        )
    found: Array = check_array(
        _target_cells(y),
        dtype=None,
        ensure_2d=False,
        ensure_all_finite=False,
        input_name="y",
    )
    # Read-only memory maps and subclasses are no matter from here on.
    return np.asarray(found)


def _target_cells(y: Any) -> Array:
    if hasattr(y, "to_pylist"):  # of pyarrow, whose words and holes NumPy does not take
        y = y.to_pylist()
    if not hasattr(y, "to_numpy"):
        return _cells(y)
    found = np.asarray(y.to_numpy())
    if found.dtype.kind == "f" and "int" in str(getattr(y, "dtype", "")).lower():
        # Whole numbers with holes, which NumPy has as floats only.
        return np.array(list(y), dtype=object)
    return found


def numbers_of(y: Any) -> Array:
    """A target of numbers as float64, NaN where there is none.

    Raises
    ------
    TableError
        If a cell is no number, or infinite.
    """
    found = target_of(y)
    numbers = _as_numbers(
        found,
        "y must hold numbers to be the target of a regression",
        "Use TabularClassifier, or correct the cell.",
    )
    refuse_infinite(found)
    return numbers


def refuse_infinite(y: Array) -> None:
    """Refuse a target with a cell that is infinite.

    Raises
    ------
    TableError
        If there is one.
    """
    numbers = y if y.dtype.kind == "f" else _infinities(y)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise TableError(
            f"y must hold finite numbers (got {y.ravel()[infinite[0]]} in row "
            f"{_row(infinite[0], y)}). Correct the cell or leave it empty."
        )


def _infinities(y: Array) -> Array:
    """Cells of any kind, 0 for all but infinite numbers."""
    if y.dtype != object:
        return np.zeros(y.shape)
    return np.array([c if isinstance(c, float) and np.isinf(c) else 0.0 for c in y.ravel()])


def _as_numbers(found: Array, wanted: str, remedy: str) -> Array:
    """Cells of any kind as float64, NaN where there is none; what was wanted, if one is no number.

    Raises
    ------
    TableError
        If a cell is no number.
    """
    if found.dtype.kind in "biuf":
        return found.astype(np.float64)
    numbers = np.full(found.size, np.nan)
    for place, cell in enumerate(found.ravel().tolist()):
        if _is_missing(cell):
            continue
        try:
            numbers[place] = float(cell)
        except (TypeError, ValueError):
            raise TableError(
                f"{wanted} (got {cell!r} in row {_row(place, found)}). {remedy}"
            ) from None
    return numbers.reshape(found.shape)


def _row(place: Any, cells: Array) -> int:
    """The row, from 1, of a place in the flattened target."""
    return int(place) // (cells.size // len(cells)) + 1

"""Input at the border of the estimators: scikit-learn's checks, and words that say where.

scikit-learn's own sentences come first, since its tests and people's code know them; ours follow
in the same message and name the row, the column and what to do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from deltarule.definitions import Array
from deltarule.exceptions import InvalidShapeError, NonFiniteError

FLOATS = (np.float64, np.float32)


def check_rows(estimator: Any, X: Any, *, reset: bool = False) -> Any:
    """X as rows for prediction: dense C order or CSR, float32 or float64."""
    return _explained(estimator, X, None, reset=reset)


def check_training(estimator: Any, X: Any, y: Any, *, numeric: bool, reset: bool) -> tuple[Any, Any]:
    """X and y for training; a single column of y is flattened with scikit-learn's warning."""
    if numeric:
        _check_numbers(y)
    X, y = _explained(estimator, X, y, reset=reset, multi_output=True, y_numeric=numeric)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y.toarray() if issparse(y) else y, warn=True)
    return X, y


def check_weights(sample_weight: Any, X: Any, *, may_be_zero: bool) -> Array | None:
    """One weight of at least 0 per row in the dtype of ``X``, or None."""
    if sample_weight is None:
        return None
    weight: Array = _check_sample_weight(
        sample_weight,
        X,
        dtype=X.dtype,
        ensure_non_negative=True,
        allow_all_zero_weights=may_be_zero,
    )
    return np.ascontiguousarray(weight)


def as_engine_input(X: Any, dtype: Any) -> Any:
    """Rows as an engine asks for: the dtype of the parameters, C order or CSR; copied if need be."""
    if issparse(X):
        return X.astype(dtype, copy=False).tocsr()
    return np.ascontiguousarray(X, dtype=dtype)


def _explained(estimator: Any, X: Any, y: Any, **options: Any) -> Any:
    arguments = {"accept_sparse": "csr", "dtype": FLOATS, "order": "C"} | options
    try:
        if y is None:
            return validate_data(estimator, X, **arguments)
        return validate_data(estimator, X, y, **arguments)
    except ValueError as problem:
        where = _where_not_finite(X, "X") or (y is not None and _where_not_finite(y, "y"))
        if not where:
            raise
        raise NonFiniteError(f"{problem}\n{where}") from None


def _where_not_finite(data: Any, name: str) -> str | None:
    """A sentence on the first entry that is NaN or infinite; None where all are finite."""
    values = data.data if issparse(data) else data
    try:
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    bad = np.argwhere(~np.isfinite(values))
    if not len(bad):
        return None
    place = tuple(int(index) for index in bad[0])
    what = "NaN" if np.isnan(values[place]) else "infinity"
    if issparse(data):
        matrix = data.tocoo()
        place = (int(matrix.coords[0][place[0]]), int(matrix.coords[1][place[0]]))
    columns = getattr(data, "columns", None)
    label = f" ({columns[place[1]]!r})" if columns is not None and len(place) > 1 else ""
    column = f", column {place[1]}{label}" if len(place) > 1 else ""
    count = "" if len(bad) == 1 else f", and {len(bad) - 1} more"
    return (
        f"{name} must be finite (got {what} in row {place[0]}{column}{count}). Drop these rows, "
        "or fill the holes first, for example with sklearn.impute.SimpleImputer."
    )


def _check_numbers(y: Any) -> None:
    """Refuse a regression target of words, naming the first."""
    values = y if y is None or hasattr(y, "dtype") else np.asarray(y)
    if getattr(values, "dtype", None) is None or np.asarray(values).dtype.kind not in "OUS":
        return
    for row, value in enumerate(np.asarray(values).ravel()):
        try:
            float(value)
        except (TypeError, ValueError):
            raise InvalidShapeError(
                f"could not convert {type(value).__name__} to float: {value!r}. y must hold "
                f"numbers for a regressor (got {value!r} in row {row}). Convert the target to "
                "numbers, or use MLPClassifier for classes."
            ) from None

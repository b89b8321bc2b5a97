"""Input at the border of the estimators: scikit-learn's checks, and words that say where.

scikit-learn's own sentences come first, since its tests and people's code know them; ours follow
in the same message and name the row, the column and what to do.

Plain NumPy arrays of finite numbers, the usual case, are looked at here: scikit-learn's checks ask
first whether their input is a data frame, a sparse matrix or another library's array, which takes
longer than many a fit. Whatever is not plainly right goes to them, so that words are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, _get_feature_names, validate_data

from deltarule.definitions import Array, as_plain_array
from deltarule.exceptions import InvalidShapeError, NonFiniteError

FLOATS = (np.float64, np.float32)


def is_sparse(data: Any) -> bool:
    """Whether ``data`` is a SciPy sparse matrix or array."""
    return hasattr(data, "tocsr")


def check_rows(estimator: Any, X: Any, *, reset: bool = False) -> Any:
    """X as rows for prediction: dense C order or CSR, float32 or float64."""
    plain = _plain_rows(estimator, X, reset=reset)
    if plain is not None:
        return plain
    return _canonical(_explained(estimator, {"X": X}, reset=reset))


def as_named(X: Any) -> Any:
    """X where its columns have names, as scikit-learn sees them; None where they have none."""
    if type(X) is np.ndarray or is_sparse(X):
        return None
    return None if _get_feature_names(X) is None else X


def check_training(
    estimator: Any, X: Any, y: Any, *, numeric: bool, reset: bool, suffix: str = ""
) -> tuple[Any, Any]:
    """X and y for training; a single column of y is flattened with scikit-learn's warning.

    Messages call them X and y with ``suffix`` at the end.
    """
    if _is_plain_target(y, numeric) and len(y) == _length(X):
        plain = _plain_rows(estimator, X, reset=reset)
        if plain is not None:
            return plain, y
    if numeric:
        _check_numbers(y)
    given = {"X": X, "y": y}
    X, y = _explained(estimator, given, suffix, reset=reset, multi_output=True, y_numeric=numeric)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y.toarray() if is_sparse(y) else y, warn=True)
    return _canonical(X), y


def check_validation(
    estimator: Any, X_val: Any, y_val: Any, sample_weight_val: Any, *, numeric: bool
) -> tuple[Any, Any, Array | None]:
    """The rows that judge a training, checked as its own rows are, against what these were.

    Raises
    ------
    InvalidShapeError
        If one of the two comes without the other, or they do not fit the training rows.
    """
    _check_both(X_val, y_val, sample_weight_val)
    try:
        X, y = check_training(estimator, X_val, y_val, numeric=numeric, reset=False, suffix="_val")
        weight = check_weights(sample_weight_val, X, may_be_zero=False, suffix="_val")
    except (ValueError, TypeError) as problem:
        raise _unlike(problem) from None
    return X, y, weight


def check_validation_rows(
    estimator: Any, X_val: Any, y_val: Any, sample_weight_val: Any
) -> tuple[Any, Array | None]:
    """The same without the target, for those that read it themselves."""
    _check_both(X_val, y_val, sample_weight_val)
    try:
        X = check_rows(estimator, X_val)
        weight = check_weights(sample_weight_val, X, may_be_zero=False, suffix="_val")
    except (ValueError, TypeError) as problem:
        raise _unlike(problem) from None
    return X, weight


def _check_both(X_val: Any, y_val: Any, sample_weight_val: Any) -> None:
    """Refuse one of the two without the other."""
    if X_val is None or y_val is None:
        words = {
            (True, False): "y_val is provided, but X_val was not provided. ",
            (False, True): "X_val is provided, but y_val was not provided. ",
            (True, True): "",
        }[X_val is None, y_val is None]
        named = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        given = [name for name, value in named.items() if value is not None]
        raise InvalidShapeError(
            f"{words}Validation rows must come as X_val and y_val (got {' and '.join(given)} "
            "alone). Give both, or none of them."
        )


def _unlike(problem: Exception) -> Exception:
    kind = NonFiniteError if isinstance(problem, NonFiniteError) else InvalidShapeError
    return kind(f"X_val, y_val and sample_weight_val must be like what is trained on: {problem}")


def _plain_rows(estimator: Any, X: Any, *, reset: bool) -> Array | None:
    """X as `validate_data` would give it, where that is plain to see; else None.

    What a fit takes down about its features is taken down here too.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or not X.size or X.dtype.kind not in "fiu":
        return None
    known = estimator.__dict__
    if not reset and ("feature_names_in_" in known or known.get("n_features_in_") != X.shape[1]):
        return None
    if X.dtype.kind == "f":
        if X.dtype not in FLOATS or not _sum_is_finite(X):
            return None
        rows = np.ascontiguousarray(X)
    else:
        rows = np.ascontiguousarray(X, dtype=np.float64)
    if reset:
        known.pop("feature_names_in_", None)
        estimator.n_features_in_ = X.shape[1]
    return rows


def _is_plain_target(y: Any, numeric: bool) -> bool:
    """Whether y is one column of words or finite numbers, or several of numbers."""
    if type(y) is not np.ndarray or not y.size:
        return False
    if y.ndim != 1 and not (numeric and y.ndim == 2 and y.shape[1] > 1):
        return False
    kind = y.dtype.kind
    return kind in ("biu" if numeric else "biuU") or (kind == "f" and _sum_is_finite(y))


def _length(X: Any) -> int:
    return len(X) if type(X) is np.ndarray and X.ndim else -1


def _sum_is_finite(numbers: Array) -> bool:
    """Whether all are finite, as far as a sum tells: one that overflows says no."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(numbers.sum()))


def _canonical(X: Any) -> Any:
    """Sparse rows with one sorted entry per place, which is what engines count on."""
    if is_sparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def check_weights(
    sample_weight: Any, X: Any, *, may_be_zero: bool, suffix: str = ""
) -> Array | None:
    """One weight of at least 0 per row in the dtype of ``X``, or None.

    Messages call them sample_weight and X with ``suffix`` at the end.
    """
    if sample_weight is None:
        return None
    try:
        weight: Array = _check_sample_weight(
            sample_weight,
            X,
            dtype=X.dtype,
            ensure_non_negative=True,
            allow_all_zero_weights=may_be_zero,
        )
    except ValueError as problem:
        raise _weightless(problem, sample_weight, X, suffix) from None
    check_total(weight, X.dtype, f"sample_weight{suffix}")
    return as_plain_array(weight)


def check_total(weight: Array, dtype: Any, name: str) -> None:
    """Refuse weights that are too large to be added up.

    Raises
    ------
    NonFiniteError
        If their sum is infinite, or one of them in the precision that is trained in.
    """
    with np.errstate(over="ignore"):
        total = weight.astype(dtype, copy=False).sum(dtype=np.float64)
    if not np.isfinite(total):
        raise NonFiniteError(
            f"{name} must give weights whose sum is finite in {np.dtype(dtype).name} (got weights "
            f"up to {weight.max():g}). Divide them all by the largest."
        )


def _weightless(problem: ValueError, given: Any, X: Any, suffix: str) -> ValueError:
    """What is raised for weights that scikit-learn's check refused, in its words and ours."""
    name, rows = f"sample_weight{suffix}", X.shape[0]
    words = f"{problem}".rstrip()
    words += "" if words[-1:] in tuple(".!") else "."
    where = _where_not_finite(given, name, "Drop these rows, or give each of them a weight.")
    if where is not None:
        return NonFiniteError(f"{words} {where}")
    odd = _odd_weights(given, rows)
    if odd is not None:
        return InvalidShapeError(
            f"{words} {name} must be one number of at least 0 for each of the {rows} rows of "
            f"X{suffix} (got {odd[0]}). {odd[1]}"
        )
    numbers = np.broadcast_to(np.asarray(given, dtype=np.float64), rows)
    if numbers.max() > np.finfo(X.dtype).max:
        return NonFiniteError(
            f"{words} {name} must be finite in {X.dtype} (got {numbers.max():g}). Divide them all "
            "by the largest."
        )
    below = np.flatnonzero(numbers < 0)
    if len(below):
        more = "" if len(below) == 1 else f", and {len(below) - 1} more"
        return InvalidShapeError(
            f"{words} {name} must be at least 0 for every row (got {numbers[below[0]]:g} in row "
            f"{below[0]}{more}). Give 0 to rows that are not to count."
        )
    return InvalidShapeError(
        f"{words} {name} must be above 0 for some row (got {rows} zeros). Give a weight to the "
        f"rows that are to count, or leave {name} out."
    )


def _odd_weights(given: Any, rows: int) -> tuple[str, str] | None:
    """What is odd about the form of weights, and what to do; None where nothing is."""
    try:
        word = _first_word(given)
    except ValueError:  # NumPy's word for it is "inhomogeneous"
        return "lists of several lengths", "Give a list of numbers."
    if word is not None:
        return f"{word[1]} in row {word[0]}", "Convert it to a number."
    if np.shape(given) not in ((), (rows,)):
        return f"shape {np.shape(given)}", "Give as many numbers as there are rows."
    return None


def as_engine_input(X: Any, dtype: Any) -> Any:
    """Rows in the dtype of the parameters, in C order or CSR; copied where needed."""
    if is_sparse(X):
        return X.astype(dtype, copy=False).tocsr()
    return as_plain_array(X, dtype)


def _explained(estimator: Any, data: dict[str, Any], suffix: str = "", **options: Any) -> Any:
    """`validate_data`, with the place of a NaN or an infinity added to its message."""
    try:
        return validate_data(
            estimator, **data, accept_sparse="csr", dtype=FLOATS, order="C", **options
        )
    except ValueError as problem:
        for name, values in data.items():
            where = _where_not_finite(values, name + suffix)
            if where is not None:
                raise NonFiniteError(f"{problem}\n{where}") from None
        raise


#: What to do about holes in X and y.
FILL = "Drop these rows, or fill the holes first, for example with sklearn.impute.SimpleImputer."


def _where_not_finite(data: Any, name: str, remedy: str = FILL) -> str | None:
    """A sentence on the first entry that is NaN or infinite; None where all are finite."""
    values = data.data if is_sparse(data) else data
    try:
        if np.iscomplexobj(values):
            return None
        values = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    bad = np.argwhere(~np.isfinite(values))
    if values.ndim == 0 or not len(bad):
        return None
    place = tuple(int(index) for index in bad[0])
    what = "NaN" if np.isnan(values[place]) else "infinity"
    if is_sparse(data):
        matrix = data.tocoo()
        place = (int(matrix.coords[0][place[0]]), int(matrix.coords[1][place[0]]))
    columns = getattr(data, "columns", None)
    label = f" ({columns[place[1]]!r})" if columns is not None and len(place) > 1 else ""
    column = f", column {place[1]}{label}" if len(place) > 1 else ""
    count = "" if len(bad) == 1 else f", and {len(bad) - 1} more"
    return f"{name} must be finite (got {what} in row {place[0]}{column}{count}). {remedy}"


def _check_numbers(y: Any) -> None:
    """Refuse a regression target of words, naming the first, and a sparse one."""
    if is_sparse(y):
        raise InvalidShapeError(
            "Sparse data was passed, but dense data is required: y must be dense for a regressor "
            f"(got {type(y).__name__} of shape {y.shape}). Use y.toarray()."
        )
    values = y if y is None or hasattr(y, "dtype") else np.asarray(y)
    if getattr(values, "dtype", None) is None or np.asarray(values).dtype.kind not in "OUS":
        return
    found = _first_word(values)
    if found is not None:
        row, word = found
        raise InvalidShapeError(
            f"could not convert string to float: {word}. y must hold numbers for a regressor "
            f"(got {word} in row {row}). Convert the target to numbers, or use MLPClassifier "
            "for classes."
        )


def _first_word(values: Any) -> tuple[int, str] | None:
    """Place and look of the first entry that is no number; None where all are."""
    for row, value in enumerate(np.asarray(values).ravel()):
        try:
            float(value)
        except (TypeError, ValueError):
            return row, repr(value.item() if isinstance(value, np.generic) else value)
    return None

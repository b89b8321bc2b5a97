"""A target of several columns, as a user gives it: each with its known values and its holes.

Frames come through narwhals, as scikit-learn reads them; arrays and lists of rows as they are. A
cell is missing where it is None, NaN or pandas' NA. Cells of a column of Python objects are taken
for what they are: numbers where all are numbers.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators.checks import is_sparse
from deltarule.exceptions import InvalidShapeError, NonFiniteError

#: What a column may hold, by the kind of its NumPy array.
GROUPS = {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers", "U": "texts"}
_NUMBERS = tuple(f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64))
_NUMBERS = (*_NUMBERS, "Float32", "Float64")
#: The types of columns that are kept for predictions, by the library that they come from.
FRAME_TYPES: dict[str, tuple[str, ...]] = {
    "pandas": (
        *("bool", "boolean", "object", "str", "string", "category"),
        *_NUMBERS,
        *map(str.lower, _NUMBERS),
    ),
    "polars": ("Boolean", "String", "Categorical", "Enum", *_NUMBERS),
}


@dataclass(frozen=True)
class Form:
    """How a column stands in a frame, so that predictions can stand so too.

    Parameters
    ----------
    dtype : str, default=""
        One of `FRAME_TYPES`; empty where there is none to keep.
    categories : tuple, default=()
        All categories, in their order, where the type has them.
    ordered : bool, default=False
        Whether the order means something.
    """

    dtype: str = ""
    categories: tuple[Any, ...] = ()
    ordered: bool = False


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a target.

    Parameters
    ----------
    name : str or int
    known : array
        The values that are there: booleans, numbers or texts.
    missing : bool array of shape (rows,)
        Where there is none.
    categorical : bool
        Whether the column says by its type that it holds classes.
    form : Form
    """

    name: Any
    known: Array
    missing: Array
    categorical: bool = False
    form: Form = Form()

    @property
    def group(self) -> str:
        """``"booleans"``, ``"numbers"`` or ``"texts"``."""
        return GROUPS[self.known.dtype.kind]

    def row(self, place: int) -> int:
        """The row in which a known value stands."""
        return int(np.flatnonzero(~self.missing)[place])


@dataclass(frozen=True, eq=False)
class TargetColumns:
    """All columns of a target, by their names: those of a frame, or the numbers from 0.

    Parameters
    ----------
    columns : tuple of Column
    library : str
        The library of the frame that it came as; empty for arrays.
    """

    columns: tuple[Column, ...]
    library: str = ""

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def some_known(self) -> Array:
        """True for the rows in which some column has a value."""
        known: Array = ~np.logical_and.reduce([column.missing for column in self.columns])
        return known


def read_target(y: Any, what: str = "y") -> TargetColumns:
    """The columns of a frame, a matrix or a list of rows; messages call it ``what``.

    Raises
    ------
    InvalidShapeError
        If it has not two dimensions, no column, two columns of one name, or cells of a kind that
        no head can have.
    NonFiniteError
        If a number is infinite.
    """
    frame = as_frame(y)
    if frame is not None:
        return _from_frame(frame, what)
    rows = _as_matrix(y, what)
    return TargetColumns(tuple(_of_array(rows[:, j], j, what) for j in range(rows.shape[1])))


def as_frame(data: Any) -> Any:
    """A frame as narwhals has it; None for what is no frame."""
    if data is None or isinstance(data, np.ndarray | list | tuple) or is_sparse(data):
        return None
    import narwhals as nw  # scikit-learn brings it, and arrays do without

    try:
        found = nw.from_native(data, eager_only=True, pass_through=True)
    except Exception as problem:
        # narwhals' DuplicateError stands in a place that differs between its releases.
        if "unique" not in str(problem):
            raise
        raise _twice(" ".join(str(problem).split())) from None
    return found if isinstance(found, nw.DataFrame) else None


def as_rows(y: Any) -> Any:
    """The target as it can be taken apart by rows: frames as they are, lists as a matrix."""
    return y if as_frame(y) is not None else _as_matrix(y, "y")


def _as_matrix(y: Any, what: str) -> Array:
    if y is None:
        raise InvalidShapeError(
            f"requires y to be passed, but the target y is None. {what} must have a column for "
            "each problem (got None). Give a frame or a matrix."
        )
    if is_sparse(y):
        raise InvalidShapeError(
            f"{what} must be dense (got a sparse {type(y).__name__}). Use {what}.toarray()."
        )
    if isinstance(y, list | tuple):
        y = _of_lists(y, what)
    remedy = "to_frame()" if hasattr(y, "to_frame") else "reshape(-1, 1)"
    matrix = np.asarray(y)
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise InvalidShapeError(
            f"{what} must have two dimensions, a column for each problem (got shape "
            f"{matrix.shape}). Reshape your data: {what}.{remedy} for a single problem, which "
            "MLPClassifier and MLPRegressor are for."
        )
    return matrix


def _of_lists(rows: Any, what: str) -> Array:
    """A list of rows as objects, each as it is: NumPy would make texts of them all."""
    widths = {len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in rows}
    if widths in ({-1}, set()):
        return np.asarray(rows)
    if len(widths) > 1:
        raise InvalidShapeError(
            f"{what} must have rows of one length (got lengths {sorted(widths)}, -1 for a row that "
            "is no list). Fill the holes with None."
        )
    matrix = np.empty((len(rows), widths.pop()), dtype=object)
    for index, row in enumerate(rows):
        matrix[index] = list(row)
    return matrix


def _of_array(cells: Array, name: Any, what: str) -> Column:
    if cells.dtype.kind == "O":
        return column_of(cells.tolist(), name, what)
    missing = np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(len(cells), dtype=bool)
    return _checked(Column(name, cells[~missing], missing), what)


def column_of(
    cells: list[Any], name: Any, what: str, categorical: bool = False, form: Form | None = None
) -> Column:
    """A column of Python objects, taken for what they are.

    Raises
    ------
    InvalidShapeError
        If they are of kinds that no head can have, or of several.
    NonFiniteError
        If a number is infinite.
    """
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    present = [cell for cell in cells if not is_missing(cell)]
    known = narrowed(present)
    if known is None:
        kinds = sorted({type(cell).__name__ for cell in present})
        raise InvalidShapeError(
            f"column {name!r} of {what} must hold numbers, texts or booleans, of one kind (got "
            f"{' and '.join(kinds)}). Convert its cells."
        )
    return _checked(Column(name, known, missing, categorical, form or Form()), what)


def narrowed(cells: list[Any]) -> Array | None:
    """Python values of one kind as an array of it; None for other kinds, and for a mixture."""
    kinds: tuple[tuple[Callable[[Any], bool], Any], ...] = (
        (lambda cell: isinstance(cell, bool | np.bool_), bool),
        (lambda cell: _is_number(cell, numbers.Integral), np.int64),
        (lambda cell: _is_number(cell, numbers.Real), np.float64),
        (lambda cell: isinstance(cell, str), str),
    )
    if not cells:
        return np.zeros(0)
    for fits, dtype in kinds:
        if all(map(fits, cells)):
            try:
                return np.array(cells, dtype=dtype)
            except OverflowError:  # a whole number beyond int64
                return np.array(cells, dtype=np.float64)
    return None


def _is_number(cell: Any, kind: Any) -> bool:
    return isinstance(cell, kind) and not isinstance(cell, bool | np.bool_)


def is_missing(cell: Any) -> bool:
    """Whether a cell is None, NaN or pandas' NA: what does not equal itself, or does not say."""
    if cell is None:
        return True
    try:
        return bool(cell != cell)
    except (TypeError, ValueError):
        return True


def _checked(column: Column, what: str) -> Column:
    known, name = column.known, column.name
    if known.dtype.kind == "S":
        known = known.astype(str)
    if known.dtype.kind not in GROUPS:
        raise InvalidShapeError(
            f"column {name!r} of {what} must hold numbers, texts or booleans (got "
            f"{known.dtype}). Convert its cells."
        )
    if known.dtype.kind == "f" and not np.isfinite(known).all():
        row = column.row(int(np.flatnonzero(~np.isfinite(known))[0]))
        raise NonFiniteError(
            f"column {name!r} of {what} must be finite (got infinity in row {row}). Correct the "
            "cell, or make it NaN, which says that it is not known."
        )
    return Column(name, known, column.missing, column.categorical, column.form)


def _from_frame(frame: Any, what: str) -> TargetColumns:
    names = frame.columns
    if len(set(names)) < len(names):
        raise _twice(", ".join(map(repr, names)))
    if not names:
        raise InvalidShapeError(
            f"{what} must have a column for each problem (got a frame without columns). Give at "
            "least one."
        )
    library = str(frame.implementation.name).lower()
    columns = [_of_series(frame[:, j], names[j], library, what) for j in range(len(names))]
    return TargetColumns(tuple(columns), library)


def _of_series(series: Any, name: Any, library: str, what: str) -> Column:
    form, categorical = _form(series, library)
    if not series.dtype.is_numeric():
        return column_of(series.to_list(), name, what, categorical, form)
    missing = np.array(series.is_null().to_list(), dtype=bool)
    known = np.asarray(series.filter(~series.is_null()).to_numpy())
    if known.dtype.kind == "f":  # polars tells NaN from null
        missing[np.flatnonzero(~missing)[np.isnan(known)]] = True
        known = known[~np.isnan(known)]
    return _checked(Column(name, known, missing, categorical, form), what)


def _form(series: Any, library: str) -> tuple[Form, bool]:
    """How a series stands in its frame, and whether its type says that it holds classes."""
    categorical = str(series.dtype).partition("(")[0] in ("Categorical", "Enum")
    native = series.to_native()
    word = str(native.dtype).partition("(")[0]
    if word not in FRAME_TYPES.get(library, ()):
        return Form(), categorical
    if word == "category":
        values = narrowed(native.cat.categories.tolist())
        categories = () if values is None else tuple(values.tolist())
        return Form(word, categories, bool(native.cat.ordered)), True
    if word == "Enum":
        return Form(word, tuple(native.dtype.categories.to_list())), True
    return Form(word), categorical


def _twice(said: str) -> InvalidShapeError:
    return InvalidShapeError(
        f"the columns of y must have different names (got {said}). Rename them, so that heads and "
        "predictions can tell them apart."
    )


def frame_of(values: dict[Any, Array], forms: dict[Any, Form], library: str, like: Any) -> Any:
    """Predictions as a frame.

    Parameters
    ----------
    values : dict of arrays of shape (rows,), by name
    forms : dict of Form, by name
    library : str
        Where the forms come from.
    like : narwhals frame
        The frame of the rows: its library, and its index.
    """
    own = str(like.implementation.name).lower()
    space = like.implementation.to_native_namespace()
    kept = forms if own == library else dict.fromkeys(values, Form())
    if own == "pandas":
        index = like.to_native().index
        made = {name: _pandas_series(space, values[name], kept[name], index) for name in values}
        return space.DataFrame(made, index=index)
    if own == "polars":
        return space.DataFrame([_polars_series(space, values[n], kept[n], n) for n in values])
    import narwhals as nw

    lists = {str(name): column.tolist() for name, column in values.items()}
    return nw.from_dict(lists, backend=like.implementation).to_native()


def _pandas_series(space: Any, values: Array, form: Form, index: Any) -> Any:
    texts = values.dtype.kind == "U"
    series = space.Series(values.astype(object) if texts else values, index=index)
    if form.dtype == "category":
        return series.astype(space.CategoricalDtype(list(form.categories), form.ordered))
    if form.dtype:
        return series.astype(form.dtype)
    return series.astype(str) if texts else series


def _polars_series(space: Any, values: Array, form: Form, name: Any) -> Any:
    series = space.Series(str(name), values.tolist() if values.dtype.kind == "U" else values)
    if form.dtype == "Enum":
        return series.cast(space.Enum(list(form.categories)))
    return series.cast(getattr(space, form.dtype)) if form.dtype else series

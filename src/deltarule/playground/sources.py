"""What can be opened with the page: a model and rows, brought to one form.

A `Source` is an estimator of ours with rows as that estimator takes them, whatever it came in: a
pipeline (its last step, and the rows as the steps before leave them), the model of a table (its
columns as numbers), or a model alone, around which rows are drawn. What the page is told of it
stands in `subject.py`.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators import MLPClassifier, MLPRegressor
from deltarule.exceptions import InvalidParameterError, TableError
from deltarule.playground.own_units import Origin, origin_of_scalers, origin_of_table
from deltarule.tables import Table, TableEnsemble, TableModel
from deltarule.tables.table_ensemble import train_one_instead
from deltarule.tables.targets import has_target

#: Rows that are drawn around a model that was opened without any.
DRAWN_ROWS = 200

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Source:
    """An estimator and rows as it takes them.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted, or being fitted.
    X, y : array-like
    inputs : tuple of str
        Names of the columns of X.
    target : str
        What y is called.
    outputs : tuple of str
        Names of the columns of y where it holds numbers; classes have their own.
    model : object
        What was opened, in a form that can be saved: the estimator, or the model of a table.
    notes : tuple of str
        What was done to the rows, in sentences.
    origin : Origin
        What the numbers were before, in the person's own units.
    """

    estimator: Any
    X: Any
    y: Any
    inputs: tuple[str, ...]
    target: str
    outputs: tuple[str, ...]
    model: Any
    notes: tuple[str, ...] = ()
    origin: Origin = Origin()


def last_step(opened: Any) -> Any:
    """The estimator of ours in what was opened.

    Raises
    ------
    InvalidParameterError
        If there is none.
    """
    steps = getattr(opened, "steps", None)
    found = steps[-1][1] if isinstance(steps, list) and steps else opened
    found = found.estimator if isinstance(found, TableModel) else found
    if isinstance(found, MLPClassifier | MLPRegressor):
        return found
    if isinstance(found, TableEnsemble):
        count = len(found.estimator.members_)
        raise InvalidParameterError(
            f"play shows a single network (got an ensemble of {count}). {train_one_instead(found)}"
        )
    inside = "" if found is opened else " as its last step"
    name = type(found).__name__
    if name in ("MLPClassifier", "MLPRegressor"):
        raise InvalidParameterError(
            f"play takes deltarule's own {name} (got the {name} of "
            f"{type(found).__module__.split('.')[0]}{inside}). Write 'from deltarule import "
            f"{name}' and fit again: docs/moving-from-scikit-learn.md says what differs."
        )
    raise InvalidParameterError(
        "play takes an MLPClassifier, an MLPRegressor, a pipeline that ends with one, or a model "
        f"of deltarule train (got {name}{inside}). Pass the estimator inside it, "
        "with the rows as that estimator sees them."
    )


def source_of(opened: Any, X: Any, y: Any) -> Source:
    """A fitted estimator, pipeline or table's model with the rows that it is shown on.

    Raises
    ------
    InvalidParameterError
        If it holds no estimator of ours.
    TableError
        If a table does not fit its model.
    """
    estimator = last_step(opened)
    if isinstance(opened, TableModel):
        if y is not None:
            raise InvalidParameterError(
                f"y must be left out for the model of a table (got {type(y).__name__}). Its "
                f"target is a column of X: {', '.join(opened.target.names)}."
            )
        return source_of_table(opened, Table.of(X))
    if y is None:
        raise InvalidParameterError(
            f"y must be given beside X for an {type(estimator).__name__} (got None). Pass the "
            "target of the rows."
        )
    names, origin = _columns_of(X), Origin()
    if estimator is not opened and len(opened.steps) > 1:
        before = opened[:-1]
        X = before.transform(X)
        names = _columns_of(X) or _names_out(before)
        origin = origin_of_scalers(before, names or input_names(np.shape(X)[1]))
    inputs = names or input_names(np.shape(X)[1])
    return Source(estimator, X, y, inputs, *_target_names(y), estimator, origin=origin)


def source_of_table(model: TableModel, table: Table) -> Source:
    """The model of a table, on a table with the target.

    Raises
    ------
    TableError
        If a column is missing, or no row has a target.
    """
    target = model.target
    known = has_target(table, target.names)
    if not known.any():
        raise TableError(
            f"no row has a value in {', '.join(target.names)} to compare with. Use a table with "
            "the target."
        )
    left_out, shown, notes = int((~known).sum()), ", ".join(target.names), []
    if left_out:
        notes.append(f"{left_out} of {table.rows} rows have no {shown} and are left out.")
    table = table.take(known)
    X, y = model.columns.transform(table), target.encode(table)
    inputs = model.columns.inputs
    origin = origin_of_table(model.columns, target)
    return Source(model.estimator, X, y, inputs, shown, target.names, model, tuple(notes), origin)


def source_of_columns(estimator: Any, table: Table, target: str | None) -> Source:
    """An estimator that was saved from Python, on a table whose columns are numbers.

    Its features are found by their names where it has some, else they are all columns but the
    target, in order.

    Raises
    ------
    TableError
        If columns are missing, too many or no numbers, or the target is not named.
    """
    known = getattr(estimator, "feature_names_in_", None)
    if target is None:
        others = [name for name in table.names if known is None or name not in list(known)]
        if known is None or len(others) != 1:
            raise TableError(
                f"the target must be named (the table has {', '.join(table.names[:8])}). Say "
                "--target NAME."
            )
        target = others[0]
    table.column(target)
    names = table.without([target]).names if known is None else tuple(map(str, known))
    count = int(estimator.n_features_in_)
    if len(names) != count:
        raise TableError(
            f"the table must have {count} columns beside {target!r}, as the model was trained on "
            f"(got {len(names)}). Use a table of the same kind."
        )
    X = np.column_stack([_numbers(table, name) for name in names])
    y: Array = _numbers(table, target) if isinstance(estimator, MLPRegressor) else np.empty(0)
    if not y.size:
        words = estimator.classes_.dtype.kind not in "iuf"
        y = np.array(table.words(target).tolist()) if words else _numbers(table, target)
    return Source(_nameless(estimator), X, y, names, target, (target,), estimator)


def _nameless(estimator: Any) -> Any:
    """A copy that takes rows without names: these have been found by name already."""
    found = copy.deepcopy(estimator)
    found.__dict__.pop("feature_names_in_", None)
    return found


def _numbers(table: Table, name: str) -> Array:
    numbers = table.numbers(name)
    holes = np.isnan(numbers)
    if holes.any():
        raise TableError(
            f"column {name!r} must have a number in every row (got none in row "
            f"{table.row_number(int(holes.argmax()))}). Fill the hole or remove the row."
        )
    return numbers


def source_alone(model: Any) -> Source:
    """A model without rows: some are drawn around what it was trained on, as far as it knows.

    Their targets are what the model itself predicts.
    """
    estimator, draw = last_step(model), np.random.default_rng(0)
    note = (
        f"No table was given: these {DRAWN_ROWS} rows are drawn around those that the model was "
        "trained on, and their targets are its own predictions."
    )
    origin = Origin()
    if isinstance(model, TableModel):
        table = _drawn_table(model, draw)
        X = model.columns.transform(table)
        origin = origin_of_table(model.columns, model.target)
        inputs, outputs = model.columns.inputs, model.target.names
        target = ", ".join(outputs)
    else:
        X = draw.standard_normal((DRAWN_ROWS, int(estimator.n_features_in_)))
        if estimator.input_scale_ is not None:
            X *= estimator.input_scale_
        if estimator.input_center_ is not None:
            X += estimator.input_center_
        known = getattr(estimator, "feature_names_in_", None)
        inputs = input_names(X.shape[1]) if known is None else tuple(map(str, known))
        estimator, target, outputs = _nameless(estimator), "y", ("y",)
    y = estimator.predict(X)
    if y.ndim == 2:
        outputs = tuple(f"y{number}" for number in range(1, y.shape[1] + 1))
    return Source(estimator, X, y, inputs, target, outputs, model, (note,), origin)


def _drawn_table(model: TableModel, draw: np.random.Generator) -> Table:
    columns: dict[str, Any] = {}
    for column in model.columns.columns:
        if column.kind == "numeric":
            columns[column.name] = column.centre + column.scale * draw.standard_normal(DRAWN_ROWS)
        elif column.kind == "datetime":
            drawn = column.centre + column.scale * draw.standard_normal(DRAWN_ROWS)
            columns[column.name] = drawn.astype("datetime64[s]")
        elif column.categories:
            columns[column.name] = draw.choice(column.categories, DRAWN_ROWS).tolist()
        elif column.kind == "boolean":
            columns[column.name] = draw.integers(0, 2, DRAWN_ROWS)
        elif column.kind == "text":
            columns[column.name] = [None] * DRAWN_ROWS
    return Table.of(columns)


def input_names(count: int) -> tuple[str, ...]:
    """Names of columns that have none.

    Examples
    --------
    >>> input_names(2)
    ('x₁', 'x₂')
    """
    return tuple(f"x{str(number).translate(_SUBSCRIPTS)}" for number in range(1, count + 1))


def _columns_of(X: Any) -> tuple[str, ...]:
    """The names of a frame's columns; none for an array."""
    return tuple(map(str, getattr(X, "columns", ())))


def _names_out(before: Any) -> tuple[str, ...]:
    """What a pipeline's steps call the columns that they make; none where one cannot say it."""
    try:
        return tuple(map(str, before.get_feature_names_out()))
    except (AttributeError, ValueError, TypeError):
        return ()


def _target_names(y: Any) -> tuple[str, tuple[str, ...]]:
    """What y is called, and its columns."""
    columns = _columns_of(y)
    if columns:
        return ", ".join(columns), columns
    name = getattr(y, "name", None)
    name = name if isinstance(name, str) else "y"
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] > 1:
        return name, tuple(f"{name}{number}" for number in range(1, shape[1] + 1))
    return name, (name,)

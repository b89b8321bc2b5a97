"""What `MultiTaskMLP` refuses, word for word."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import deltarule as dr
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.losses import Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.arange(8.0).reshape(4, 2)
Y = pd.DataFrame({"size": [0.5, 1.5, 3.5, 2.5], "kind": ["a", "b", "c", "a"], "on": [1, 0, 1, 1]})


def fit(y: Any = Y, heads: Any = None, **more: Any) -> Any:
    return dr.MultiTaskMLP(heads, (3,), max_iter=2, random_state=0).fit(X, y, **more)


def with_cells(name: str, cells: list[Any]) -> pd.DataFrame:
    return Y.assign(**{name: pd.Series(cells, dtype=object)})


def warm(y: Any, heads: Any = None) -> Any:
    model = fit().set_params(warm_start=True)
    return (model if heads is None else model.set_params(heads=heads)).fit(X, y)


def twice() -> pd.DataFrame:
    return Y.set_axis(["size", "kind", "kind"], axis=1)


REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "unknown head": (
        lambda: fit(heads={"sise": "regression"}),
        InvalidParameterError,
        "heads must name columns of y, 'size', 'kind', 'on' (got 'sise'). Did you mean 'size'?",
    ),
    "unknown number": (
        lambda: fit(np.ones((4, 2)), heads={7: "regression"}),
        InvalidParameterError,
        "heads must name columns of y, 0, 1 (got 7). Use the numbers of the columns.",
    ),
    "unknown kind": (
        lambda: fit(heads={"size": "regresion"}),
        InvalidParameterError,
        (
            "heads['size'] must be one of 'regression', 'binary', 'multiclass' or a dr.Task (got "
            "'regresion'). Did you mean 'regression'?"
        ),
    ),
    "kind of a task": (
        lambda: dr.Task("number"),
        InvalidParameterError,
        (
            "kind must be one of 'auto', 'regression', 'binary', 'multiclass' (got 'number'). "
            "Choose one of these words."
        ),
    ),
    "negative weight": (
        lambda: dr.Task(weight=-1.0),
        InvalidParameterError,
        "weight must be a finite number of at least 0 (got -1.0). Choose 0 or more.",
    ),
    "no weight at all": (
        lambda: fit(heads=dict.fromkeys(Y, dr.Task(weight=0))),
        InvalidParameterError,
        (
            "heads must leave a head with a weight above 0 (got 0 for 'size', 'kind', 'on'). Give "
            "one of them a weight, or leave out the column of no interest."
        ),
    ),
    "loss of another kind": (
        lambda: fit(heads={"size": dr.Task(loss="log_loss")}),
        InvalidParameterError,
        (
            "the loss of the regression head 'size' must be one of 'squared_error', "
            "'absolute_error', 'huber', 'quantile', 'poisson' or a losses.Function (got "
            "'log_loss'). Choose one of these, or leave it 'auto'."
        ),
    ),
    "loss of classes": (
        lambda: fit(heads={"kind": dr.Task(loss="huber")}),
        InvalidParameterError,
        (
            "the loss of the multiclass head 'kind' must be one of 'log_loss', 'squared_error' "
            "(got 'huber'). Choose one of these, or leave it 'auto'."
        ),
    ),
    "several quantiles": (
        lambda: fit(heads={"size": dr.Task(loss=Quantile((0.1, 0.9)))}),
        InvalidParameterError,
        (
            "the loss of the regression head 'size' must have one quantile (got "
            "Quantile(quantile=(0.1, 0.9))). Give one level, for example Quantile(0.9)."
        ),
    ),
    "text for a regression": (
        lambda: fit(heads={"kind": "regression"}),
        InvalidParameterError,
        (
            "column 'kind' of y must hold numbers for a 'regression' head (got texts, 'a' in row "
            "0). Convert it to numbers, or name it 'multiclass' or 'binary' in heads."
        ),
    ),
    "categories for a regression": (
        lambda: fit(Y.astype({"on": "category"}), heads={"on": "regression"}),
        InvalidParameterError,
        (
            "column 'on' of y must hold numbers for a 'regression' head (got categories, 1 in row "
            "0). Convert it to numbers, or name it 'multiclass' or 'binary' in heads."
        ),
    ),
    "three classes for two": (
        lambda: fit(heads={"kind": "binary"}),
        InvalidParameterError,
        (
            "column 'kind' of y must hold two classes for a 'binary' head (got 3: 'a', 'b', 'c'). "
            "Name it 'multiclass' in heads."
        ),
    ),
    "a single class": (
        lambda: fit(with_cells("kind", ["a", "a", None, "a"])),
        InvalidParameterError,
        (
            "column 'kind' of y must hold at least two classes (got one class, 'a'). Leave the "
            "column out, announce its classes to partial_fit, or name it 'regression' in "
            "heads where it holds numbers."
        ),
    ),
    "nothing known": (
        lambda: fit(with_cells("kind", [None] * 4)),
        InvalidShapeError,
        (
            "column 'kind' of y must have a known value in some row (got 4 missing ones). Leave "
            "the column out."
        ),
    ),
    "a mixture": (
        lambda: fit(with_cells("kind", ["a", 1, None, "a"])),
        InvalidShapeError,
        (
            "column 'kind' of y must hold numbers, texts or booleans, of one kind (got int and "
            "str). Convert its cells."
        ),
    ),
    "dates": (
        lambda: fit(np.array([["2020-01-01"]] * 4, dtype="datetime64[D]")),
        InvalidShapeError,
        (
            "column 0 of y must hold numbers, texts or booleans (got datetime64[D]). Convert its "
            "cells."
        ),
    ),
    "infinity": (
        lambda: fit(Y.assign(size=[0.5, np.nan, -np.inf, 1.0])),
        NonFiniteError,
        (
            "column 'size' of y must be finite (got infinity in row 2). Correct the cell, or make "
            "it NaN, which says that it is not known."
        ),
    ),
    "two columns of one name": (
        lambda: fit(twice()),
        InvalidShapeError,
        "Rename them, so that heads and predictions can tell them apart.",
    ),
    "one dimension": (
        lambda: fit(np.ones(4)),
        InvalidShapeError,
        (
            "y must have two dimensions, a column for each problem (got shape (4,)). Reshape your "
            "data: y.reshape(-1, 1) for a single problem, which MLPClassifier and MLPRegressor are "
            "for."
        ),
    ),
    "a series": (
        lambda: fit(Y["size"]),
        InvalidShapeError,
        (
            "y must have two dimensions, a column for each problem (got shape (4,)). Reshape your "
            "data: y.to_frame() for a single problem, which MLPClassifier and MLPRegressor are for."
        ),
    ),
    "no columns": (
        lambda: fit(Y[[]]),
        InvalidShapeError,
        "y must have a column for each problem (got a frame without columns). Give at least one.",
    ),
    "ragged rows": (
        lambda: fit([[1, "a"], [2], [1, "b"], [2, "a"]]),
        InvalidShapeError,
        (
            "y must have rows of one length (got lengths [1, 2], -1 for a row that is no list). "
            "Fill the holes with None."
        ),
    ),
    "sparse targets": (
        lambda: fit(sparse.csr_array(np.ones((4, 1)))),
        InvalidShapeError,
        "y must be dense (got a sparse csr_array). Use y.toarray().",
    ),
    "no weight where there are targets": (
        lambda: fit(
            [[0.5, "a"], [None, None], [None, None], [1.0, "b"]],
            heads={0: "regression"},
            sample_weight=[0, 1, 1, 0],
        ),
        InvalidShapeError,
        (
            "sample_weight must not be 0 for all rows that have a target (got only zeros). Give "
            "one of them a weight."
        ),
    ),
    "other columns in a warm fit": (
        lambda: warm(Y[["size", "on", "kind"]]),
        InvalidShapeError,
        (
            "y must have the columns 'size', 'kind', 'on' of the first fit, in their order (got "
            "'size', 'on', 'kind'). Give these columns; missing targets may be NaN."
        ),
    ),
    "a new class in a warm fit": (
        lambda: warm(with_cells("kind", ["a", "b", "d", None])),
        InvalidParameterError,
        (
            "column 'kind' of y must hold the classes ['a', 'b', 'c'] of the first fit only (got "
            "also 'd'). Leave these rows out, make the cells missing, or fit a clone on all "
            "classes."
        ),
    ),
    "another kind in a warm fit": (
        lambda: warm(Y, {"on": "regression"}),
        InvalidParameterError,
        (
            "heads['on'] must stay 'binary' between fits with warm_start or partial_fit (got "
            "'regression'). Set it back, or fit a clone."
        ),
    ),
    "a text in a warm fit": (
        lambda: warm(with_cells("size", ["x", None, None, None])),
        InvalidParameterError,
        (
            "column 'size' of y must hold numbers for a 'regression' head (got texts, 'x' in row "
            "0). Convert it to numbers, or name it 'multiclass' or 'binary' in heads."
        ),
    ),
    "other validation columns": (
        lambda: fit(X_val=X, y_val=Y[["size", "kind"]]),
        InvalidShapeError,
        (
            "y_val must have the columns 'size', 'kind', 'on' of the first fit, in their order "
            "(got 'size', 'kind'). Give these columns; missing targets may be NaN."
        ),
    ),
    "validation without targets": (
        lambda: fit(X_val=X, y_val=None),
        InvalidShapeError,
        (
            "X_val is provided, but y_val was not provided. Validation rows must come as X_val and "
            "y_val (got X_val alone). Give both, or none of them."
        ),
    ),
    "validation of other features": (
        lambda: fit(X_val=X[:, :1], y_val=Y),
        InvalidShapeError,
        (
            "X_val, y_val and sample_weight_val must be like what is trained on: X has 1 features, "
            "but MultiTaskMLP is expecting 2 features as input."
        ),
    ),
    "validation of nothing known": (
        lambda: fit(X_val=X, y_val=Y.assign(size=np.nan, kind=None, on=None)),
        InvalidShapeError,
        (
            "y_val must have a known target in some row (got 4 rows without any). Give rows with a "
            "target for at least one head."
        ),
    ),
    "a strange class in validation": (
        lambda: fit(X_val=X, y_val=with_cells("kind", ["z"] * 4)),
        InvalidParameterError,
        (
            "column 'kind' of y_val must hold the classes ['a', 'b', 'c'] of the first fit only "
            "(got also 'z'). Leave these rows out, make the cells missing, or fit a clone on all "
            "classes."
        ),
    ),
    "a stream without classes": (
        lambda: dr.MultiTaskMLP().partial_fit(X, Y),
        InvalidParameterError,
        (
            "classes must hold all classes of 'kind' in the first call of partial_fit (got none "
            "for it). Give classes={'kind': [...]}, or name it 'regression' in heads."
        ),
    ),
    "classes that are no dict": (
        lambda: dr.MultiTaskMLP().partial_fit(X, Y, classes=["a"]),
        InvalidParameterError,
        "classes must be a dict {name: [classes]} or None (got ['a']). Name every head of classes.",
    ),
    "classes of no column": (
        lambda: dr.MultiTaskMLP().partial_fit(X, Y, classes={"sort": ["a"]}),
        InvalidParameterError,
        (
            "classes must name columns of y, 'size', 'kind', 'on' (got 'sort'). Give {name: "
            "[classes]} for each head of classes."
        ),
    ),
    "classes of a regression": (
        lambda: dr.MultiTaskMLP({"size": "regression"}).partial_fit(X, Y, classes={"size": [1]}),
        InvalidParameterError,
        (
            "classes must name heads of classes (got 'size', which heads has as 'regression'). "
            "Leave it out."
        ),
    ),
    "classes of several kinds": (
        lambda: dr.MultiTaskMLP().partial_fit(X, Y, classes={"kind": ["a", 1]}),
        InvalidParameterError,
        (
            "classes['kind'] must hold numbers, texts or booleans, of one kind (got ['a', 1]). "
            "Give all classes of the column."
        ),
    ),
    "other classes later": (
        lambda: stream().partial_fit(X, Y, classes={"kind": ["a", "b"]}),
        InvalidParameterError,
        (
            "classes['kind'] must be as in the first call of partial_fit, the classes ['a', 'b', "
            "'c'] (got ['a', 'b']). Leave classes out, or fit a clone."
        ),
    ),
    "an empty stream": (
        lambda: stream().partial_fit(X, Y.assign(size=np.nan, kind=None, on=None)),
        InvalidShapeError,
        (
            "y must have a known target in some row (got 4 rows without any). Give rows with a "
            "target for at least one head."
        ),
    ),
    "nothing to standardize by": (
        lambda: stream(Y.assign(size=np.nan), {"size": "regression"}),
        InvalidShapeError,
        (
            "column 'size' of y must have a known value in some row (got 4 missing ones). Leave "
            "the column out."
        ),
    ),
    "a diagnosis of other columns": (
        lambda: dr.diagnose(fit(), X, Y[["size", "kind"]]),
        InvalidShapeError,
        (
            "y must have the columns 'size', 'kind', 'on' of the first fit, in their order (got "
            "'size', 'kind'). Give these columns; missing targets may be NaN."
        ),
    ),
    "a diagnosis without targets": (
        lambda: dr.diagnose(fit(), X, Y.assign(size=np.nan, kind=None, on=None)),
        InvalidShapeError,
        (
            "y must have a known target in some row (got 4 rows without any). Give rows with a "
            "target for at least one head."
        ),
    ),
    "an array to fill": (
        lambda: fit().predictor()(X[0], out=np.zeros(3)),
        InvalidShapeError,
        (
            "out must be None for predictions of several kinds (got ndarray). predict.outputs "
            "fills an array with the network's outputs."
        ),
    ),
}


def stream(y: Any = Y, heads: Any = None) -> Any:
    classes = {"kind": ["a", "b", "c"], "on": [0, 1]}
    return dr.MultiTaskMLP(heads, (3,), random_state=0).partial_fit(X, y, classes=classes)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    work, kind, words = REFUSED[case]
    with pytest.raises(kind, match=re.escape(words) + "$"):
        work()


def test_a_regression_without_targets_after_the_split_is_refused() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    for known in range(20):
        y = pd.DataFrame({"size": [np.nan] * 20, "on": [0, 1] * 10})
        y.loc[known, "size"] = 1.5
        model = dr.MultiTaskMLP({"size": "regression"}, early_stopping=True, random_state=0)
        with contextlib.suppress(InvalidShapeError):
            model.set_params(max_iter=1).fit(rows, y)
            continue
        said = (
            "column 'size' of y must have a known value among the rows that are trained on, to be "
            "standardized (got 18 missing ones). Give more rows, or standardize='inputs'."
        )
        with pytest.raises(InvalidShapeError, match=re.escape(said)):
            model.fit(rows, y)
        return
    pytest.fail("no split held the only target back")


def test_probabilities_of_numbers_are_not_there() -> None:
    model = fit(Y[["size"]])
    with pytest.raises(AttributeError):
        model.predict_proba(X)

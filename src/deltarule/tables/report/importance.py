"""What each column of a table is worth to a model: scikit-learn's permutation importance.

The cells of one column are shuffled among the rows, and the score is asked for again; what it loses
is what the model had from that column alone. Two columns that say the same hide each other.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.inspection import permutation_importance

from deltarule.definitions import Array
from deltarule.tables import scores
from deltarule.tables.model import TableModel
from deltarule.tables.report.findings import Importance
from deltarule.tables.table import Table
from deltarule.tables.table_ensemble import TableEnsemble

#: Rows and repeats at most, so that it takes seconds; fewer repeats of a wide table, and none of
#: one with more columns than this.
MOST_ROWS, REPEATS, WIDE_REPEATS = 1000, 10, 3
WIDE, MOST_COLUMNS = 30, 300


def importances(
    model: TableModel | TableEnsemble, table: Table, actual: Array, seed: int
) -> tuple[list[Importance], str]:
    """What the columns are worth on some rows, the most important first.

    Parameters
    ----------
    model : TableModel or TableEnsemble
    table : Table
        The rows to judge on.
    actual : array
        Their target.
    seed : int

    Returns
    -------
    list of Importance, str
        And on how many rows and repeats they rest, or why there are none.
    """
    columns = [column for column in model.columns.columns if column.inputs]
    if len(columns) > MOST_COLUMNS:
        return [], (
            f"Left out: {len(columns)} columns would take too long. "
            "sklearn.inspection.permutation_importance does it."
        )
    if len(actual) < 2:
        return [], "Left out: there is a single row to judge on."
    some = np.sort(np.random.default_rng(seed).permutation(len(actual))[:MOST_ROWS])
    repeats = REPEATS if len(columns) <= WIDE else WIDE_REPEATS
    asked = _ByColumn(model, table.take(some))
    found = permutation_importance(
        asked,
        np.tile(np.arange(len(some)).reshape(-1, 1), len(columns)),
        actual[some],
        scoring=lambda model, X, y: scores.score(model.target, y, model.predict(X)),
        n_repeats=repeats,
        random_state=seed % 2**32,
    )
    told = [
        Importance(column.name, float(loss), float(spread))
        for column, loss, spread in zip(
            columns, found.importances_mean, found.importances_std, strict=True
        )
    ]
    told.sort(key=lambda one: -one.loss)
    return told, f"{len(some)} rows, {repeats} shuffles of each column"


class _ByColumn:
    """A model that is asked about row numbers, a column of them for each column of the table.

    What is shuffled is then a column as it is, words and holes included; its inputs are computed
    once and only gathered.
    """

    def __init__(self, model: TableModel | TableEnsemble, table: Table) -> None:
        self.target = model.target
        plan = model.columns
        self._inputs = plan.transform(table)
        self._straight = plan.straight(plan.found_in(table), self._inputs)
        widths = [len(column.inputs) for column in plan.columns if column.inputs]
        ends = np.cumsum(widths).tolist()
        self._places = [slice(stop - width, stop) for width, stop in zip(widths, ends, strict=True)]
        self._estimator: Any = model.estimator
        if isinstance(model, TableEnsemble):
            # A copy that takes inputs as they are, in place of a table to make them of.
            self._estimator = copy.copy(model.estimator)
            self._estimator._inputs = lambda both: both
        self._decode = model.target.decode if isinstance(model, TableModel) else None

    def fit(self, X: Any, y: Any) -> _ByColumn:
        """Never called; scikit-learn asks whether it is there."""
        raise NotImplementedError

    def predict(self, rows: Array) -> Array:
        """Predictions in the target's own units for rows that were put together by column."""
        inputs = self._gathered(self._inputs, rows)
        if self._decode is not None:
            return self._decode(np.asarray(self._estimator.predict(inputs)))
        both = inputs, self._gathered(self._straight, rows)
        return np.asarray(self._estimator.predict(both))

    def _gathered(self, inputs: Array, rows: Array) -> Array:
        found = np.empty((len(rows), inputs.shape[1]), dtype=inputs.dtype)
        for column, place in enumerate(self._places):
            found[:, place] = inputs[rows[:, column], place]
        return found

"""What every model of a table answers: the base of `TableModel` and `TableEnsemble`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.tables.columns import ColumnPlan
from deltarule.tables.table import Table
from deltarule.tables.targets import TargetPlan, as_known_classes


class BaseTableModel:
    """A table with the target's own names in, classes or numbers out; not to be used alone."""

    target: TargetPlan
    estimator: Any
    report: Mapping[str, Any]

    @abstractmethod
    def _plan(self) -> ColumnPlan:
        """The plan of the columns."""

    @abstractmethod
    def _predicted(self, table: Table) -> Array:
        """Predictions for at least one row, in the target's own units."""

    @abstractmethod
    def _shares(self, table: Table) -> Array:
        """The probability of every class for at least one row."""

    @property
    def classes_(self) -> Array:
        """The classes, in the order of the columns of `predict_proba`."""
        return np.asarray(self.estimator.classes_)

    def actual(self, frame: Any) -> Array:
        """The target of every row as `predict` would say it; for rows that have one.

        Raises
        ------
        TableError
            If a target column is missing or a cell does not fit.
        """
        actual = self.target.actual(Table.of(frame))
        if self.target.task == "regression":
            return actual
        return as_known_classes(actual, self.classes_)

    def predict(self, frame: Any) -> Array:
        """Predictions for every row, in the target's own units.

        Parameters
        ----------
        frame : Table, mapping of columns, or a pandas or polars frame

        Returns
        -------
        array
            Classes, or float64 numbers; of shape (rows,), with several targets (rows, targets).

        Raises
        ------
        TableError
            If a column of the training table is missing or a cell does not fit.

        Warns
        -----
        UnknownCategoryWarning
            For each column with categories that training never saw.
        """
        table = self._rows(frame)
        return self._predicted(table) if table.rows else self._empty()

    def predict_proba(self, frame: Any) -> Array:
        """The probability of every class, shape (rows, classes); classification only."""
        table = self._rows(frame)
        return self._shares(table) if table.rows else np.empty((0, len(self.classes_)))

    def _rows(self, frame: Any) -> Table:
        """A table of the columns that are asked for; as it is where one of them is missing."""
        table = Table.of(frame)
        known = {column.name for column in self._plan().columns}
        if not known.issubset(table.names):
            return table
        return table.without([name for name in table.names if name not in known])

    def _empty(self) -> Array:
        if self.target.task == "classification":
            return self.classes_[:0]
        names = len(self.target.names)
        return np.empty((0, names) if names > 1 else 0)

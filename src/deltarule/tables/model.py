"""A trained model of a table: plan of the columns, plan of the target, estimator.

It takes the table as it is, categories and holes included, and answers in the target's own units.
It is what ``deltarule train`` saves and what ``dr.load`` gives back for such a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators import MLPClassifier, MLPRegressor
from deltarule.estimators.files import (
    estimator_from_record,
    estimator_parameters,
    estimator_record,
    from_model,
    register,
    versions,
)
from deltarule.persistence import Fields, Model, wrong
from deltarule.tables.base_model import BaseTableModel
from deltarule.tables.columns import ColumnPlan
from deltarule.tables.table import Table
from deltarule.tables.targets import TargetPlan, with_known_classes

#: `from_model` taken from here knows this room's class as well.
__all__ = ["TableModel", "from_model"]

_FIELDS = ("columns", "target", "report")


@register
@dataclass(frozen=True, eq=False)
class TableModel(BaseTableModel):
    """A fitted estimator with the plans of the table that it was trained on.

    Parameters
    ----------
    columns : ColumnPlan
    target : TargetPlan
    estimator : MLPClassifier or MLPRegressor
        Fitted on ``columns.transform(table)`` and ``target.encode(table)``.
    report : mapping of str to number or str, default={}
        What the training found out: rows, scores. For people; nothing is computed from it.

    Examples
    --------
    >>> import deltarule as dr
    >>> table = Table.of({"a": [0, 0, 1, 1] * 5, "b": ["x", "y"] * 10, "c": ["no", "yes"] * 10})
    >>> columns, target = ColumnPlan.fit(table.without(["c"])), TargetPlan.fit(table, ("c",))
    >>> network = dr.MLPClassifier(hidden_layer_sizes=(), solver="lbfgs")
    >>> _ = network.fit(columns.transform(table), target.encode(table))
    >>> TableModel(columns, target, network).predict({"a": [1], "b": ["x"]})
    array(['no'], dtype='<U3')
    """

    columns: ColumnPlan
    target: TargetPlan
    estimator: MLPClassifier | MLPRegressor
    report: Mapping[str, Any] = field(default_factory=dict)

    def _plan(self) -> ColumnPlan:
        return self.columns

    def _predicted(self, table: Table) -> Array:
        decoded = self.target.decode(self.estimator.predict(self.columns.transform(table)))
        return decoded[:, 0] if decoded.ndim == 2 and decoded.shape[1] == 1 else decoded

    def _shares(self, table: Table) -> Array:
        return np.asarray(self.estimator.predict_proba(self.columns.transform(table)))

    def to_model(self) -> Model:
        """What stands in a model file."""
        sections = {
            "estimator": estimator_record(self.estimator),
            "table": {
                "columns": self.columns.record(),
                "target": self.target.record(),
                "report": dict(self.report),
            },
        }
        return Model(estimator_parameters(self.estimator), "TableModel", sections, versions())

    @classmethod
    def from_model(cls, model: Model) -> TableModel:
        """The inverse of `to_model`, for a file that nobody vouches for.

        Raises
        ------
        ModelFileError
            If a section is missing or its parts do not fit together.
        """
        if set(model.sections) != {"estimator", "table"}:
            wrong("sections", "estimator and table", ", ".join(model.sections))
        if model.others:
            wrong("others", "left out for TableModel", f"{len(model.others)} networks")
        fields = Fields(model.sections["table"], "table", _FIELDS)
        columns = ColumnPlan.from_record(fields.value("columns"))
        target = TargetPlan.from_record(fields.value("target"))
        estimator = estimator_from_record(model.sections["estimator"], model.parameters)
        network = model.parameters.network
        columns.check_inputs(network.n_inputs)
        if isinstance(estimator, MLPClassifier) != (target.task == "classification"):
            wrong("table.target.task", f"that of {type(estimator).__name__}", target.task)
        if target.task == "classification":
            check_classes(estimator)
            target = with_known_classes(target, estimator.classes_)
        if target.task == "regression" and len(target.names) != network.n_outputs:
            wrong("table.target.names", f"{network.n_outputs} names", list(target.names))
        return cls(columns, target, estimator, report_of(fields))


def check_classes(estimator: Any) -> None:
    """The classes of a table are words or whole numbers, one a row."""
    if estimator.classes_.dtype.kind not in "Uiu":
        wrong(
            "estimator.classes.dtype", "str or that of whole numbers", estimator.classes_.dtype.name
        )
    if estimator._code.multilabel:
        wrong("estimator.classes.multilabel", "false for a table", True)


def report_of(fields: Fields) -> dict[str, Any]:
    """What a training found out, as a file says it."""
    report = fields.mapping("report")
    for name, value in report.items():
        if value is not None and not isinstance(value, str | int | float):
            wrong(f"table.report.{name}", "a number or a text", value)
    return report

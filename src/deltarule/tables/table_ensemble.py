"""A trained ensemble of a table: a tabular estimator with the plan of the table's target.

It answers as `TableModel` does, a table with the target's own names in, classes or numbers out. It
is what ``deltarule train`` saves where no network is made by hand.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.files import register
from deltarule.persistence import Fields, Model, wrong
from deltarule.tables import files
from deltarule.tables.base_model import BaseTableModel
from deltarule.tables.classifier import TabularClassifier
from deltarule.tables.columns import ColumnPlan
from deltarule.tables.model import check_classes, report_of
from deltarule.tables.regressor import TabularRegressor
from deltarule.tables.table import Table
from deltarule.tables.targets import TargetPlan, with_known_classes

_FIELDS = ("target", "report")


@register
@dataclass(frozen=True, eq=False)
class TableEnsemble(BaseTableModel):
    """A fitted tabular estimator with the plan of the target that it was trained on.

    Parameters
    ----------
    target : TargetPlan
    estimator : TabularClassifier or TabularRegressor
        Fitted on the table without its target, and ``target.actual(table)``.
    report : mapping of str to number or str, default={}
        What the training found out: rows, scores. For people; nothing is computed from it.

    Examples
    --------
    >>> table = Table.of({"a": [0, 0, 1, 1] * 20, "b": ["x", "y"] * 40, "c": ["no", "yes"] * 40})
    >>> target, inputs = TargetPlan.fit(table, ("c",)), table.without(["c"])
    >>> networks = TabularClassifier("fast", random_state=0).fit(inputs, target.actual(table))
    >>> TableEnsemble(target, networks).predict({"a": [1], "b": ["x"]}).tolist()
    ['no']
    """

    target: TargetPlan
    estimator: TabularClassifier | TabularRegressor
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> ColumnPlan:
        """The plan of the columns."""
        return self.estimator.columns_

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that are predicted, ascending; none for classes and for means."""
        if self.target.task == "classification":
            return ()
        return self.estimator._fitted_levels()

    def predict_quantiles(self, frame: Any) -> Array:
        """Each of `levels` for every row, shape (rows, targets, levels)."""
        table, shape = self._rows(frame), (-1, len(self.target.names), len(self.levels))
        if not table.rows:
            return np.empty((0, *shape[1:]))
        return np.asarray(self.estimator.predict_quantiles(table)).reshape(shape)

    def _plan(self) -> ColumnPlan:
        return self.columns

    def _predicted(self, table: Table) -> Array:
        return np.asarray(self.estimator.predict(table))

    def _shares(self, table: Table) -> Array:
        return np.asarray(self.estimator.predict_proba(table))

    def to_model(self) -> Model:
        """What stands in a model file: the estimator's own, and a section ``table`` beside it."""
        found = files.to_model(self.estimator)
        about = {"target": self.target.record(), "report": dict(self.report)}
        return replace(found, kind="TableEnsemble", sections={**found.sections, "table": about})

    @classmethod
    def from_model(cls, model: Model) -> TableEnsemble:
        """The inverse of `to_model`, for a file that nobody vouches for.

        Raises
        ------
        ModelFileError
            If a section is missing or its parts do not fit together.
        """
        sections = dict(model.sections)
        if set(sections) != {"tabular", "table"}:
            wrong("sections", "tabular and table", ", ".join(sections))
        fields = Fields(sections.pop("table"), "table", _FIELDS)
        target = TargetPlan.from_record(fields.value("target"))
        classes = target.task == "classification"
        kind = "TabularClassifier" if classes else "TabularRegressor"
        estimator = files.from_model(replace(model, kind=kind, sections=sections))
        if isinstance(estimator, TabularClassifier):
            check_classes(estimator)
            target = with_known_classes(target, estimator.classes_)
        elif len(target.names) != estimator.target_range_[0].size:
            count = estimator.target_range_[0].size
            wrong("table.target.names", f"{count} names", list(target.names))
        return cls(target, estimator, report_of(fields))


def train_one_instead(model: TableEnsemble) -> str:
    """The remedy where a single network is looked at, with the command that trains one."""
    target = shlex.quote(",".join(model.target.names))
    return f"Train one network: deltarule train TABLE --target {target} --hidden 64,64."

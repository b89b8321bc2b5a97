"""Tables: columns with categories and holes in, numbers for a network out.

``save`` and ``load`` are those of `deltarule.estimators.files`; who takes them from here has the
table's model and the tabular estimators among the kinds that a file may hold.
"""

from deltarule.estimators.files import load, save
from deltarule.tables.columns import Column, ColumnPlan
from deltarule.tables.files import TabularClassifier, TabularRegressor
from deltarule.tables.model import TableModel
from deltarule.tables.readers import Limits, read_csv
from deltarule.tables.table import Table
from deltarule.tables.table_ensemble import TableEnsemble
from deltarule.tables.targets import TargetPlan

__all__ = [
    "Column",
    "ColumnPlan",
    "Limits",
    "Table",
    "TableEnsemble",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "TargetPlan",
    "load",
    "read_csv",
    "save",
]

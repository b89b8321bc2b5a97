"""Tables: columns with categories and holes in, numbers for a network out."""

from deltarule.tables.columns import Column, ColumnPlan
from deltarule.tables.model import TableModel
from deltarule.tables.readers import read_csv
from deltarule.tables.table import Table
from deltarule.tables.targets import TargetPlan

__all__ = ["Column", "ColumnPlan", "Table", "TableModel", "TargetPlan", "read_csv"]

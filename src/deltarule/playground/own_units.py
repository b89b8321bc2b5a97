"""What the numbers of a network were in the table that they come from: labels of the page.

A network meets and says numbers on scales of its own. Where it is known how they came about, the
page writes a price as a price and a category as a word: by an `Origin`, which is the protocol's
``Origin`` once it is a record. No number that is computed with passes through here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.tables import ColumnPlan, TargetPlan
from deltarule.tables.columns import CLIP

#: Steps of a pipeline, all of scikit-learn, that shift and stretch each column and do no more.
_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
#: What a category is called that shares its input with others.
RARER = "a rarer one"


@dataclass(frozen=True)
class OwnColumn:
    """A column of a table before it became inputs of a network.

    Parameters
    ----------
    name : str
    first, count : int
        Which of the inputs are its own.
    shift, scale : float
        A number x of the table was ``shift + scale · u``, where u is the input.
    bend : float
        Above 0 the input is ``u / √(1 + (u / bend)²)``.
    levels : tuple of str
        Words: two in a single input are −1 and +1, others are a 1 in an input of their own.
    """

    name: str
    first: int
    count: int
    shift: float = 0.0
    scale: float = 1.0
    bend: float = 0.0
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnTarget:
    """A target before it became numbers to learn.

    Parameters
    ----------
    shift, scale : float
        A number of the table is ``shift + scale · d``.
    low, high : float
        Where predictions are held.
    """

    shift: float = 0.0
    scale: float = 1.0
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True)
class Origin:
    """Columns and targets as they were; without columns inputs are what they were."""

    columns: tuple[OwnColumn, ...] = ()
    targets: tuple[OwnTarget, ...] = ()

    def record(self) -> dict[str, Any]:
        """As the page's protocol has it."""
        return {
            "columns": [{**vars(one), "levels": list(one.levels)} for one in self.columns],
            "targets": [dict(vars(one)) for one in self.targets],
        }

    def under(self, standardizer: Any) -> Origin:
        """The same, of targets that an estimator standardizes once more."""
        if standardizer is None:
            return self
        count = len(standardizer.scale)
        targets = self.targets or (OwnTarget(),) * count
        again = (
            OwnTarget(
                one.shift + one.scale * float(standardizer.center[place]),
                one.scale * float(standardizer.scale[place]),
                one.low,
                one.high,
            )
            for place, one in enumerate(targets)
        )
        return Origin(self.columns, tuple(again))


def origin_of_table(columns: ColumnPlan, target: TargetPlan) -> Origin:
    """Of the model of a table: both plans undone."""
    targets = zip(target.centre, target.scale, target.low, target.high, strict=True)
    return Origin(own_columns(columns), tuple(OwnTarget(*one) for one in targets))


def own_columns(plan: ColumnPlan, scaled: bool = True) -> tuple[OwnColumn, ...]:
    """Of a plan of columns; not `scaled`, its numbers were left in their own units."""
    found, first = [], 0
    for column in plan.columns:
        count = len(column.inputs)
        if column.kind == "numeric" and scaled:
            found.append(OwnColumn(column.name, first, count, column.centre, column.scale, CLIP))
        elif column.kind in ("datetime", "text"):
            # The page has no words for a time: each input is shown as the number that it is.
            found += [OwnColumn(name, first + i, 1) for i, name in enumerate(column.inputs)]
        elif column.kind == "boolean" and not column.categories and scaled:
            found.append(OwnColumn(column.name, first, count, column.centre, column.scale))
        elif count:
            levels = (*column.categories, RARER) if column.rare else column.categories
            found.append(OwnColumn(column.name, first, count, levels=levels))
        first += count
    return tuple(found)


def origin_of_scalers(before: Any, names: Sequence[str]) -> Origin:
    """Of a pipeline's steps before the network, where they do no more than scale columns."""
    if not _only_scales(before):
        return Origin()
    count = len(names)
    zero, one = (before.inverse_transform(np.full((1, count), at))[0] for at in (0.0, 1.0))
    return Origin(
        tuple(
            OwnColumn(name, place, 1, float(zero[place]), float(one[place] - zero[place]))
            for place, name in enumerate(names)
        )
    )


def _only_scales(step: Any) -> bool:
    steps = getattr(step, "steps", None)
    if isinstance(steps, list):
        return all(_only_scales(inner) for _, inner in steps)
    kind = type(step)
    scaler = kind.__module__.startswith("sklearn.preprocessing.") and kind.__name__ in _SCALERS
    return scaler or step == "passthrough"

"""How finely a network looks at each number when it starts to learn.

An embedded number goes round cosines, of which the fast ones tell near numbers apart. As a rule all
columns start with the same spread of frequencies, that of the recipe. The exception are columns in
which most cells are one number and the others come again and again: amounts that are mostly nothing
and else one of some rates, such as gains and losses in a tax form. There every number may mean
something of its own, as a category does, so that frequencies are spread until they make a turn from
one number to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deltarule.definitions import Array

#: The share of the cells that one number has, and how often each of the others comes at least.
MOST, REPEATED = 0.5, 10


def deviations(A: Array, numbers: Sequence[int], usual: float) -> tuple[float, ...]:
    """The deviation of the frequencies for each number.

    Parameters
    ----------
    A : float32 array of shape (rows, inputs)
        As the plan of the columns fills it: the median of a number is 0.
    numbers : sequence of int
        The inputs that are numbers on a scale.
    usual : float
        The deviation that the recipe gives to all.

    Returns
    -------
    tuple of float
        At least `usual`.

    Examples
    --------
    >>> smooth, rates = np.linspace(-1, 1, 400), np.repeat([0.0, 0.1, 0.15, 0.5], [300, 30, 40, 30])
    >>> deviations(np.column_stack((smooth, rates)), (0, 1), 0.5)
    (0.5, 8.0)
    """
    return tuple(max(usual, _density(A[:, number])) for number in numbers)


def _density(cells: Array) -> float:
    """How many numbers lie along a unit, where each may mean something of its own; else 0."""
    others = cells[cells != 0]
    if not len(others) or len(others) >= MOST * len(cells):
        return 0.0
    distinct = np.unique(others)
    if len(distinct) < 2 or len(others) < REPEATED * len(distinct):
        return 0.0
    reach = max(distinct[-1], 0.0) - min(distinct[0], 0.0)
    return float((len(distinct) + 1) / reach)

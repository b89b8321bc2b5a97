"""What `choices.py` has measured: where it stands, and how one choice compares with another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "choices.json"
#: One choice is better or worse than another where it is so in this share of the repetitions.
AGREEING = 0.9

Point = dict[str, Any]


def verdict(values: list[float], base: list[float]) -> int:
    """−1 where the values are smaller than the base's in nearly all repetitions, 1 larger, 0 else.

    Examples
    --------
    >>> verdict([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), verdict([1.0, 5.0, 3.0], [2.0, 3.0, 4.0])
    (-1, 0)
    """
    needed = math.ceil(AGREEING * len(base))
    pairs = list(zip(values, base, strict=True))
    if sum(one < other for one, other in pairs) >= needed:
        return -1
    return 1 if sum(one > other for one, other in pairs) >= needed else 0


def by_choice(points: list[Point]) -> dict[str, dict[str, list[float]]]:
    """Choice → data → values, for a study without an axis; the base first."""
    found: dict[str, dict[str, list[float]]] = {}
    for point in points:
        found.setdefault(point["choice"], {})[point["data"]] = point["values"]
    return found

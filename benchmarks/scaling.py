"""Speed over width, batch and depth, one at a time around 64-64-64-10 in batches of 32; one core.

The number of steps of a point follows from its work, so that every point takes about as long.
"""

from __future__ import annotations

import itertools
from typing import Any

import measuring
from rows import MICROSECONDS, RIVALS, Row
from specs import Spec

WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
DEPTHS = (1, 2, 3, 4, 5, 6)
SIDES = ("train", *RIVALS)
#: Operations of a point for each side, and the fewest and most steps; slow sides do a part.
WORK, FEWEST, MOST, MOST_OF_SLOW = 8e9, 10, 3200, 400


def points() -> list[tuple[str, int, Row]]:
    """Axis, value on it, and the row that is measured there."""
    found = [("width", w, point((64, w, w, 10), 32)) for w in WIDTHS]
    found += [("batch", b, point((64, 64, 64, 10), b)) for b in BATCHES]
    return found + [("depth", d, point((64, *(64,) * d, 10), 32)) for d in DEPTHS]


def point(units: tuple[int, ...], batch: int) -> Row:
    """One point as a row; where sides are slow, they do one epoch of several."""
    weights = sum(a * b for a, b in itertools.pairwise(units))
    steps = max(FEWEST, min(MOST, round(WORK / (6 * batch * weights))))
    epochs = max(1, steps // MOST_OF_SLOW)
    rows = batch * (steps // epochs)
    title = "-".join(map(str, units)) + f", batch {batch}"
    spec = Spec(f"normal {units[0]} {units[-1]} {rows}", units, batch=batch, epochs=epochs)
    slow = {"epochs": 1} if epochs > 1 else {}
    return Row(title, title, spec, MICROSECONDS, SIDES, slow)


def measure(staff: measuring.Staff, repeats: int) -> list[dict[str, Any]]:
    """All points, narrated."""
    found = []
    for axis, at, row in points():
        record = measuring.measure(row, staff, (1,), repeats)
        staff.say("\n" + line(axis, at, record))
        found.append({"axis": axis, "at": at, **record})
    return found


def line(axis: str, at: int, record: dict[str, Any]) -> str:
    """One point for the terminal."""
    cells = [
        f"{side} {entry['value']:.4g} µs" if "value" in entry else f"{side} –"
        for side, entries in record["sides"].items()
        for entry in entries.values()
    ]
    return f"  {axis:<6}{at:>5}  " + "  ".join(cells + record["disagreements"])

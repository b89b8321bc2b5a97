"""Measure one row: every side on one processor and on two, in turns; medians, ratios, losses.

A turn lets each side run once; what is reported of a side is the median over the turns, and its
ratio to the row's first side the median of the ratios turn by turn, so that a machine that slows
down for a while slows both.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

from protocol import SideError, Worker
from rows import Row
from sides import OURS, SIDES, command, missing
from specs import Spec

#: Largest difference of final losses, relative and absolute: with one order of the rows, losses
#: differ by rounding; with another, by the luck of the draw.
TOLD, OWN_DRAW = (0.02, 0.002), (0.25, 0.02)
#: After so many turns a row ends early once it has taken so many seconds.
ENOUGH_TURNS, LONG_ROW = 3, 12.0


class Staff:
    """The workers, started when first asked and kept over all rows; and a voice that narrates."""

    def __init__(self, say: Callable[[str], None], start: Callable[..., Any] | None = None) -> None:
        self.say = say
        self._start = start or (
            lambda side, cores: Worker(command(side), cores, lambda: self.say("."))
        )
        self._workers: dict[tuple[str, int], Any] = {}
        self.versions: dict[str, str] = {}

    def ask(self, side: str, cores: int, call: str, **arguments: Any) -> dict[str, Any]:
        """One request to one side; a worker that has died is started anew."""
        reason = missing(side)
        if reason:
            raise SideError(reason)
        key = side, cores
        worker = self._workers.get(key)
        if worker is None or not worker.alive:
            if worker is not None:
                worker.end()
            worker = self._workers[key] = self._start(side, cores)
            self.versions |= worker.ask("versions")
        answer: dict[str, Any] = worker.ask(call, **arguments)
        return answer

    def end(self) -> None:
        """Send everybody home."""
        for worker in self._workers.values():
            worker.end()


def measure(row: Row, staff: Staff, cores: tuple[int, ...], repeats: int) -> dict[str, Any]:
    """The row as JSON can hold it."""
    entries = prepare(row, staff, cores)
    turns: list[dict[tuple[str, int], dict[str, Any]]] = []
    began = time.monotonic()
    for turn in range(repeats):
        if turn >= ENOUGH_TURNS and time.monotonic() - began > LONG_ROW:
            break
        turns.append({})
        for key, entry in entries.items():
            outcome = attempt(entry, run, row, staff, *key)
            if outcome is not None:
                turns[-1][key] = outcome
        staff.say(".")
    record: dict[str, Any] = {
        "id": row.id,
        "title": row.title,
        "unit": row.unit.name,
        "spec": row.spec.record(),
        "sides": {},
    }
    for (side, number), entry in entries.items():
        if "error" not in entry:
            entry |= summary(row, turns, side, number)
        if not row.calls:
            entry |= attempt(entry, staff.ask, side, number, "judge") or {}
        record["sides"].setdefault(side, {})[str(number)] = entry
    record["disagreements"] = disagreements(row, record["sides"], staff) if row.check else []
    return record


def prepare(row: Row, staff: Staff, cores: tuple[int, ...]) -> dict[tuple[str, int], Any]:
    """Let every side load and compile; who cannot has an ``error`` in its entry."""
    entries: dict[tuple[str, int], dict[str, Any]] = {}
    for number in cores:
        for side in row.sides:
            entry = entries[side, number] = {}
            ask: dict[str, Any] = {"spec": row.spec_for(side).record()}
            if row.spec.batch == 1 and "note" in entries.get((side, cores[0]), {}):
                ask["way"] = entries[side, cores[0]]["note"]  # the better way was found before
            entry |= attempt(entry, staff.ask, side, number, "prepare", **ask) or {}
            if row.calls:
                attempt(entry, staff.ask, side, number, "run")
            staff.say(".")
    return entries


def attempt(
    entry: dict[str, Any], work: Callable[..., dict[str, Any]], *given: Any, **named: Any
) -> dict[str, Any] | None:
    """What `work` returns; nothing where it failed, now or before, and then the entry says why."""
    if "error" in entry:
        return None
    try:
        return work(*given, **named)
    except SideError as error:
        entry.clear()
        entry["error"] = str(error)
        return None


def run(row: Row, staff: Staff, side: str, cores: int) -> dict[str, Any]:
    """One timed call."""
    if row.calls:
        return staff.ask(side, cores, "predict_row", calls=row.calls)
    outcome = staff.ask(side, cores, "run")
    curve = outcome["curve"]
    epochs = row.spec_for(side).epochs
    if row.spec.optimizer != "lbfgs" and len(curve) != epochs:
        raise SideError(f"recorded the loss of {len(curve)} epochs of {epochs}")
    if not all(map(math.isfinite, curve)):
        raise SideError("the loss is not finite")
    return outcome


def value(row: Row, side: str, outcome: dict[str, Any]) -> float:
    """Seconds of one outcome in the row's unit."""
    spec = row.spec_for(side)
    per = {"step": outcome["steps"], "epoch": spec.epochs, "call": 1}[row.unit.per]
    return float(outcome["seconds"] / per * row.unit.factor)


def summary(row: Row, turns: list[Any], side: str, cores: int) -> dict[str, Any]:
    """What is kept of a side: medians, and its ratio to the first side with as many cores."""
    own = [turn[side, cores] for turn in turns]
    first = row.sides[0], cores
    kept: dict[str, Any] = {
        "value": statistics.median(value(row, side, outcome) for outcome in own),
        "seconds": statistics.median(outcome["seconds"] for outcome in own),
        "cpu_seconds": statistics.median(outcome["cpu_seconds"] for outcome in own),
        "steps": own[-1]["steps"],
    }
    if own[-1].get("curve"):
        kept["curve_end"] = own[-1]["curve"][-1]
    kept |= {name: own[-1][name] for name in ("road", "pass_seconds") if name in own[-1]}
    if all(first in turn for turn in turns):
        kept["ratio"] = statistics.median(
            value(row, side, turn[side, cores]) / value(row, first[0], turn[first])
            for turn in turns
        )
    alone = side, min(number for name, number in turns[0] if name == side)
    if side in OURS and alone[1] != cores and all(alone in turn for turn in turns):
        kept["to_one_core"] = statistics.median(
            turn[side, cores]["seconds"] / turn[alone]["seconds"] for turn in turns
        )
    return kept


def disagreements(row: Row, sides: dict[str, Any], staff: Staff) -> list[str]:
    """Sentences on final losses that differ by more than the tolerance."""
    found = []
    references: dict[Spec, float | None] = {}
    for side, entries in sides.items():
        for cores, entry in entries.items():
            if "loss" not in entry or entry.get("differs"):
                continue
            spec = row.spec_for(side)
            if spec not in references:
                references[spec] = reference(row, spec, sides, staff)
            ours, theirs = references[spec], entry["loss"]
            if ours is None:  # our side was not measured: nothing to compare with
                continue
            told = SIDES[side].tells_order and not row.rounds
            relative, absolute = TOLD if told else OWN_DRAW
            if not abs(theirs - ours) <= relative * max(abs(ours), abs(theirs)) + absolute:
                found.append(
                    f"{row.id}: {SIDES[side].title} on {cores} ends at a loss of {theirs:.6g}, "
                    f"{SIDES[row.sides[0]].title} at {ours:.6g}"
                )
    return found


def reference(row: Row, spec: Spec, sides: dict[str, Any], staff: Staff) -> float | None:
    """The loss at which our side ends with this spec; None where it was not measured."""
    first = row.sides[0]
    cores, entry = next(iter(sides[first].items()))
    if spec == row.spec or "loss" not in entry:
        return entry.get("loss")
    staff.ask(first, int(cores), "prepare", spec=spec.record())
    staff.ask(first, int(cores), "run")
    return float(staff.ask(first, int(cores), "judge")["loss"])


def lines(record: dict[str, Any]) -> list[str]:
    """The row for the terminal: a line a side."""
    shown = [f"{record['id']}  {record['title']}, {record['unit']}"]
    for side, entries in record["sides"].items():
        cells = []
        for cores, entry in entries.items():
            if "error" in entry:
                cells.append(f"{cores}: not measured ({entry['error']})")
                continue
            ratio = f" {entry['ratio']:8.2f}×" if "ratio" in entry else ""
            loss = f"  loss {entry['loss']:.5g}" if "loss" in entry else ""
            cells.append(f"{cores}: {entry['value']:10.4g}{ratio}{loss}")
        shown.append(f"    {SIDES[side].title:<15}" + "   ".join(cells))
    return shown + [f"    LOSSES DISAGREE: {text}" for text in record["disagreements"]]

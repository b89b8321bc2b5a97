"""Write what was measured into docs/how-to-choose.md, between its markers, and draw its figures.

    python benchmarks/choice_texts.py [--check]

All of it is of ``benchmarks/results/choices.json``, which ``choices.py`` measures. ``--check``
changes nothing and exits with 1 where the page or a figure is not of that result.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from pathlib import Path
from typing import Any

import choice_figures
import tables
from choice_points import RESULT, Point, by_choice, verdict
from choice_studies import STUDIES

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "how-to-choose.md"
RAN_AWAY = 100.0


def main() -> int:
    """Write, or check, the page and its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        found = stale()
        if found:
            print(f"stale: {', '.join(found)} are not of {RESULT.name}")
        return 1 if found else 0
    write()
    return 0


def write() -> None:
    """Bring page and figures up to the result."""
    result = read()
    PAGE.write_text(page(result), encoding="utf-8")
    for name, studies in choice_figures.FIGURES.items():
        choice_figures.draw(name, {s: result["studies"][s] for s in studies}, source(result, name))
    print(f"written: docs/{PAGE.name} and its figures from {RESULT.name}")


def stale() -> list[str]:
    """What is not of the result."""
    result = read()
    found = [] if PAGE.read_text(encoding="utf-8") == page(result) else [PAGE.name]
    for name in choice_figures.FIGURES:
        path = choice_figures.path(name)
        if not path.exists() or source(result, name) not in path.read_text(encoding="utf-8"):
            found.append(path.name)
    return found


def read() -> dict[str, Any]:
    """The result; a training that ran away counts as no better than the best constant."""
    result: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    for points in result["studies"].values():
        for point in points:
            point["values"] = [RAN_AWAY if v is None else v for v in point["values"]]
    return result


def source(result: dict[str, Any], figure: str) -> str:
    """What a figure is of, for its metadata."""
    drawn = [result["studies"][study] for study in choice_figures.FIGURES[figure]]
    digest = hashlib.sha256(json.dumps(drawn).encode()).hexdigest()[:16]
    return f"benchmarks/results/{RESULT.name} {digest}"


def page(result: dict[str, Any]) -> str:
    """The page as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    for name, points in result["studies"].items():
        text = tables.between_markers(text, name, told(name, points))
    return tables.between_markers(text, "measured", provenance(result))


def provenance(result: dict[str, Any]) -> str:
    """When, on what and how."""
    return (
        f"Measured on {tables.place(result)}, {result['repetitions']} splits each. "
        f"Versions: {tables.versions(result)}. "
        f"Source: `benchmarks/results/{RESULT.name}`; `make choices` measures again.\n"
    )


def told(name: str, points: list[Point]) -> str:
    """What a study found, in a list."""
    if isinstance(points[0]["values"][0], list):
        return starts(points)
    if all(point["at"] is None for point in points):
        return beside_the_base(points)
    return at_each_place(points) if STUDIES[name].condition else along_the_axis(points)


def shown(values: list[float]) -> str:
    """Mean ± standard deviation."""
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    digits = 1 if mean >= 1 else 3
    return f"{mean:.{digits}f} ± {spread:.{digits}f}"


def beside_the_base(points: list[Point]) -> str:
    """A line for each choice: where it differs from the first."""
    choices = by_choice(points)
    base, *others = choices
    values = ", ".join(f"{data} {shown(v)}" for data, v in choices[base].items())
    lines = [f"- **{base}**: {values}."]
    for name in others:
        parts: dict[int, list[str]] = {-1: [], 0: [], 1: []}
        for data, v in choices[name].items():
            found = verdict(v, choices[base][data])
            parts[found].append(data if found == 0 else f"{data} ({shown(v)})")
        said = [
            f"{word} on {', '.join(parts[sign])}"
            for sign, word in ((1, "worse"), (-1, "better"), (0, "no difference"))
            if parts[sign]
        ]
        lines.append(f"- **{name}**: {'; '.join(said)}.")
    return "\n".join(lines) + "\n"


def along_the_axis(points: list[Point]) -> str:
    """A line for each data set: the best place, and all that are as good."""
    lines = []
    for data in dict.fromkeys(point["data"] for point in points):
        here = [point for point in points if point["data"] == data]
        best = min(here, key=lambda point: statistics.fmean(point["values"]))
        as_good, never = [], []
        for choice in dict.fromkeys(point["choice"] for point in here):
            along = [point for point in here if point["choice"] == choice]
            good = [verdict(point["values"], best["values"]) < 1 for point in along]
            if any(good):
                as_good.append(f"{choice}{stretches([p['at'] for p in along], good)}")
            else:
                least = min(along, key=lambda point: statistics.fmean(point["values"]))
                never.append(f"{choice} ({shown(least['values'])}{at_place(least['at'], ' at ')})")
        worse = f" Worse everywhere: {', '.join(never)}." if never else ""
        lines.append(
            f"- **{data}**: lowest with {best['choice']}{at_place(best['at'], ' at ')} "
            f"({shown(best['values'])}). As good: {'; '.join(as_good)}.{worse}"
        )
    return "\n".join(lines) + "\n"


def at_each_place(points: list[Point]) -> str:
    """A line for each data set: the best choice at each place, and all that are as good."""
    lines = []
    for data in dict.fromkeys(point["data"] for point in points):
        told = []
        for at in dict.fromkeys(point["at"] for point in points):
            here = [p for p in points if p["data"] == data and p["at"] == at]
            best = min(here, key=lambda point: statistics.fmean(point["values"]))
            equal = [
                p["choice"]
                for p in here
                if p is not best and verdict(p["values"], best["values"]) < 1
            ]
            also = f"; as good: {', '.join(equal)}" if equal else ""
            told.append(f"at {at:g} {best['choice']} ({shown(best['values'])}{also})")
        lines.append(f"- **{data}**, lowest: {'; '.join(told)}.")
    return "\n".join(lines) + "\n"


def at_place(at: Any, word: str = " ") -> str:
    """A place of the axis, or nothing where the choice has none."""
    return "" if at is None else f"{word}{at:g}"


def stretches(ats: list[Any], good: list[bool]) -> str:
    """The good places, neighbours joined.

    Examples
    --------
    >>> stretches([1, 2, 4, 8], [True, True, False, True]), stretches([None], [True])
    (' 1 to 2, 8', '')
    """
    runs: list[list[Any]] = []
    for i, (at, fine) in enumerate(zip(ats, good, strict=True)):
        if fine and at is not None:
            if i and good[i - 1]:
                runs[-1].append(at)
            else:
                runs.append([at])
    told = [f"{run[0]:g} to {run[-1]:g}" if len(run) > 1 else f"{run[0]:g}" for run in runs]
    return " " + ", ".join(told) if told else ""


WORSE = 1.05


def starts(points: list[Point]) -> str:
    """The share of the starts that end above the lowest."""
    shares = []
    for point in points:
        ended = [[one > WORSE * min(ends) for one in ends] for ends in point["values"]]
        share = statistics.fmean(map(statistics.fmean, ended))
        shares.append(f"{point['at']} units {100 * share:.0f} %")
    each = len(points[0]["values"][0])
    return (
        f"- Of {each} starts, these end more than {100 * (WORSE - 1):.0f} % above the lowest, "
        f"on average over the splits: {', '.join(shares)}.\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())

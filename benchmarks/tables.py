"""Write the measured numbers into README.md and docs/performance.md, between their markers.

    python benchmarks/tables.py [RESULT.json]

Without a file the newest of ``benchmarks/results`` is taken, and the charts are drawn from it too.
``--check`` changes nothing and exits with 1 where a document or a chart is not of that result.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sides import OURS, SIDES
from specs import Spec

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "docs/performance.md")
CHARTS = ("docs/speed-over-width.svg", "docs/speed-over-batch.svg")
SHORT_ROWS = ("H1", "H3", "H5b", "H6b", "H6c", "H7", "H10 iris", "H10 adult")
SHORT_SIDES = ("sklearn", "torch", "jax")
COLUMNS = ("train", "estimator", "sklearn", "torch", "torch_compiled", "jax")
#: Rows of the data where a step takes them all.
FULL_BATCH = {"H1": 10000}
NOTHING = "Not measured in this run.\n"

Result = dict[str, Any]


def main() -> int:
    """Write, or check, both documents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    path = options.result or sorted((ROOT / "benchmarks/results").glob("[0-9]*.json"))[-1]
    if options.check:
        stale = stale_documents(path)
        if stale:
            print(f"stale: {', '.join(stale)} are not of {path.name}")
        return 1 if stale else 0
    import charts

    charts.draw(json.loads(path.read_text(encoding="utf-8")), path.name)
    write(path)
    return 0


def write(path: Path) -> None:
    """Bring both documents up to the result."""
    for name, text in documents(path).items():
        (ROOT / name).write_text(text, encoding="utf-8")
    print(f"written: {', '.join(DOCUMENTS)} from {path.name}")


def stale_documents(path: Path) -> list[str]:
    """Documents and charts that do not say what the result says."""
    stale = [n for n, text in documents(path).items() if (ROOT / n).read_text("utf-8") != text]
    if json.loads(path.read_text(encoding="utf-8")).get("scaling"):
        for name in CHARTS:
            chart = ROOT / name
            if not chart.exists() or path.name not in chart.read_text(encoding="utf-8"):
                stale.append(name)
    return stale


def documents(path: Path) -> dict[str, str]:
    """Each document as it should be."""
    result = json.loads(path.read_text(encoding="utf-8"))
    written = {}
    for name in DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for marker, part in PARTS.items():
            text = between_markers(text, marker, part(result, path.name))
        written[name] = text
    return written


def between_markers(text: str, name: str, part: str) -> str:
    """The document with the part between its two markers replaced, if it has them."""
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(pattern, lambda m: m[1] + part + m[2], text, count=1, flags=re.S)


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    if value >= 1000:
        digits = f"{float(f'{value:.3g}'):,.0f}"
        return digits.replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.3g}"


def cell(entries: Result) -> str:
    """One side in one row: one core / two cores."""
    shown = [number(entry["value"]) if "value" in entry else "–" for entry in entries.values()]
    return " / ".join(shown) if any(one != "–" for one in shown) else "–"


def rivals(row: Result) -> dict[tuple[str, str], float]:
    """The ratio of every rival and number of cores that was measured."""
    return {
        (side, cores): entry["ratio"]
        for side, entries in row["sides"].items()
        if side not in OURS
        for cores, entry in entries.items()
        if "ratio" in entry
    }


def best_rival(row: Result, cores: str) -> tuple[str, float] | None:
    """Who comes nearest, and how many times as long it takes."""
    found = {side: ratio for (side, at), ratio in rivals(row).items() if at == cores}
    return min(found.items(), key=lambda item: item[1]) if found else None


def times(row: Result, cores: str) -> str:
    """The ratio to the nearest rival in words."""
    best = best_rival(row, cores)
    return f"{number(best[1])}× {SIDES[best[0]].title}" if best else "–"


def least(rows: list[Result]) -> tuple[Result, str, str, float] | None:
    """The row, rival and cores where we win least."""
    found = [
        (row, side, cores, ratio) for row in rows for (side, cores), ratio in rivals(row).items()
    ]
    return min(found, key=lambda item: item[3]) if found else None


def least_sentence(rows: list[Result]) -> str:
    """Where we win least, in a sentence."""
    found = least(rows)
    if found is None:
        return "No rival was measured."
    row, side, cores, ratio = found
    words = "one core" if cores == "1" else "two cores"
    title = f"{row['id']}, {row['title']}"
    return f"The least ratio is {number(ratio)}×, to {SIDES[side].title} on {words}: {title}."


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def speeds_short(result: Result, source: str) -> str:
    """A few rows on one core, and the one where we win least."""
    rows = result["rows"]
    worst = least(rows)
    shown = [row for row in rows if row["id"] in SHORT_ROWS or (worst and row is worst[0])]
    if not shown:
        return NOTHING
    lines = [
        [f"{row['title']}, {row['unit']}", single(row, next(iter(row["sides"])))]
        + [single(row, side) for side in SHORT_SIDES]
        + [times(row, "1"), losses_of_two(row)]
        for row in shown
    ]
    head = ["workload, unit", "deltarule", *(SIDES[s].title for s in SHORT_SIDES)]
    head += ["to the nearest", "their final losses"]
    return "\n".join(
        [table(head, lines), least_sentence(rows), provenance(result), source_line(source), ""]
    )


def losses_of_two(row: Result) -> str:
    """Our final loss on one core and that of the nearest rival."""
    best = best_rival(row, "1")
    if not best:
        return "–"
    both = [loss(row, next(iter(row["sides"]))), loss(row, best[0])]
    return "–" if "–" in both else " / ".join(both)


def single(row: Result, side: str) -> str:
    """The value on one core."""
    entry = row["sides"].get(side, {}).get("1", {})
    return number(entry["value"]) if "value" in entry else "–"


def speeds(result: Result, source: str) -> str:
    """Every row, every side."""
    lines = []
    for row in result["rows"]:
        sides = row["sides"]
        first = next(iter(sides))
        ours = cell(sides.get("train", {}))
        if first not in COLUMNS:
            ours = f"{cell(sides[first])} ({SIDES[first].title})"
        others = [
            f"{SIDES[side].title} {cell(entries)}"
            for side, entries in sides.items()
            if side not in COLUMNS and side != first and cell(entries) != "–"
        ]
        cells = [ours, *(cell(sides.get(side, {})) for side in COLUMNS[1:])]
        lines.append(
            [
                f"**{row['id']}** {row['title']}, {row['unit']}",
                *cells,
                "; ".join(others) or "–",
                times(row, "1"),
                times(row, "2"),
            ]
        )
    if not lines:
        return NOTHING
    titles = [SIDES[side].title for side in COLUMNS]
    head = ["row, unit", *titles, "others", "nearest, one core", "nearest, two cores"]
    text = "Each cell: one core / two cores.\n\n" + table(head, lines)
    return "\n".join(
        [text, least_sentence(result["rows"]), provenance(result), source_line(source), ""]
    )


def elsewhere(result: Result, source: str) -> str:
    """The same rows on other machines, whatever result is shown."""
    parts = []
    for path in sorted((ROOT / "benchmarks/results").glob("other-*.json")):
        other = json.loads(path.read_text(encoding="utf-8"))
        parts.append(speeds(other, path.name) + f"{other['remark']}\n")
    return "\n".join(parts) or NOTHING


def losses(result: Result, source: str) -> str:
    """The final loss of every side, and what differs."""
    lines, notes = [], []
    for row in result["rows"]:
        for side, entries in row["sides"].items():
            for entry in list(entries.values())[:1]:
                if entry.get("differs"):
                    notes.append(f"{row['id']}, {SIDES[side].title}: {entry['differs']}")
                if "error" in entry:
                    notes.append(
                        f"{row['id']}, {SIDES[side].title}: not measured, {entry['error']}"
                    )
        cells = [loss(row, side) for side in COLUMNS]
        if any(one != "–" for one in cells):
            lines.append([row["id"], *cells])
    if not lines:
        return NOTHING
    text = table(["row", *(SIDES[side].title for side in COLUMNS)], lines)
    return text + "".join(f"\n- {note}." for note in dict.fromkeys(notes)) + "\n"


def loss(row: Result, side: str) -> str:
    """The final loss on the fewest cores; in brackets where the side did a part of the steps."""
    for entry in row["sides"].get(side, {}).values():
        if "loss" in entry:
            shown = f"{entry['loss']:.4g}"
            full = next(iter(row["sides"].values())).get("1", {}).get("steps")
            return shown if entry.get("steps") == full else f"({shown})"
    return "–"


def verdicts(result: Result, source: str) -> str:
    """Each target with its verdict."""
    lines = [
        [
            one["text"],
            one["kind"],
            number(one["wanted"]),
            signed(one["found"]),
            "reached" if one["reached"] else "not reached",
            f"{one['margin']:.2f}",
        ]
        for one in result.get("verdicts", [])
        if one["kind"] != "floor"
    ]
    if not lines:
        return NOTHING
    return table(["target", "kind", "wanted", "found", "verdict", "times the wanted"], lines)


def signed(value: float) -> str:
    """A number that may be negative."""
    return number(value) if value >= 0 else f"−{number(-value)}"


def products(result: Result, source: str) -> str:
    """The peak, and the share of it that the three products reach."""
    found = result.get("products")
    if not found:
        return NOTHING
    shapes: dict[tuple[str, str], dict[str, str]] = {}
    for row in found["rows"]:
        shape = f"{row['inputs']}→{row['units']}, batch {row['batch']}"
        shapes.setdefault((row["dtype"], shape), {})[row["product"]] = f"{100 * row['share']:.0f} %"
    kinds = ("forward", "data_gradient", "weight_gradient")
    lines = [[d, s, *(one.get(k, "–") for k in kinds)] for (d, s), one in shapes.items()]
    peak = found["peak"]
    steps = whole_steps(result, peak)
    return (
        f"Peak of fused multiply-adds on one core: {peak['float32']:.0f} GFLOP/s in float32, "
        f"{peak['float64']:.0f} in float64 ({found['isa']}).\n\n"
        + table(["dtype", "layer", *(k.replace("_", " ") for k in kinds)], lines)
        + (f"\nWhole steps, with every cost in them, on one core:\n\n{steps}" if steps else "")
    )


def whole_steps(result: Result, peak: dict[str, float]) -> str:
    """GFLOP/s of our mini-batch rows and their share of the peak; single rows do other work."""
    lines = []
    for row in result["rows"]:
        entry = row["sides"].get("train", {}).get("1", {})
        if "value" in entry and row["spec"]["batch"] != 1:
            spec = Spec.of(row["spec"])
            rows = FULL_BATCH.get(row["id"], 0)
            speed = spec.operations(rows) * entry["steps"] / entry["seconds"] / 1e9
            share = f"{100 * speed / peak[spec.dtype]:.0f} %"
            lines.append([f"{row['id']}, {row['title']}", number(speed), share])
    return table(["row", "GFLOP/s", "of the peak"], lines) if lines else ""


def scaling(result: Result, source: str) -> str:
    """Each point of the three axes."""
    points = result.get("scaling")
    if not points:
        return NOTHING
    sides = list(points[0]["sides"])
    lines = [
        [p["axis"], str(p["at"]), *(cell(p["sides"].get(s, {})) for s in sides), times(p, "1")]
        for p in points
    ]
    head = ["axis", "value", *(f"{SIDES[s].title}, µs a step" for s in sides), "nearest"]
    return table(head, lines)


def options(result: Result, source: str) -> str:
    """Option → road → cost."""
    found = result.get("options")
    if not found:
        return NOTHING
    regimes = list(dict.fromkeys(row["regime"] for row in found))
    merged: dict[tuple[str, str], dict[str, Result]] = {}
    for row in found:
        merged.setdefault((row["group"], row["name"]), {})[row["regime"]] = row
    titles = {"batch": "mini-batches of 200", "sample": "single rows"}
    prefixes = {row["road"].partition(": ")[0] for row in found}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    head = ["option", ""]
    for regime in regimes:
        head += [f"{titles[regime]}: road", "cost"]
    lines, reasons = [], {}
    for (group, name), by_regime in merged.items():
        line = [group, name]
        for regime in regimes:
            if regime not in by_regime:
                line += ["refused", ""]
                continue
            told = by_regime[regime]["road"].removeprefix(f"{prefix}: ")
            road, _, reasons[road] = told.partition("; ")
            line += [road, f"{by_regime[regime]['cost']:.2f}"]
        lines.append(line)
    why = "".join(f"- {road}: {reason}.\n" for road, reason in reasons.items() if reason)
    return (
        (f"All of them: {prefix}.\n\n" if prefix else "")
        + table(head, lines)
        + (f"\nWhy not another road:\n\n{why}" if why else "")
    )


def online(result: Result, source: str) -> str:
    """One call of a stream."""
    found = result.get("online")
    if not found:
        return NOTHING
    head = ["network, call", "deltarule, µs", "its 99.9 %", "scikit-learn, µs", "its 99.9 %", ""]
    lines = []
    for one in found:
        ours, theirs = one["deltarule"], one.get("sklearn")
        times = [number(ours["median"]), number(ours["p999"]), "–", "–", ""]
        if theirs is not None:
            ratio = f"{number(theirs['median'] / ours['median'])}×"
            times[2:] = number(theirs["median"]), number(theirs["p999"]), ratio
        lines.append([f"{one['network']}, {one['call']}", *times])
    return table(head, lines)


def cold(result: Result, source: str) -> str:
    """Cold starts and the size of the wheel."""
    found = result.get("cold")
    if not found:
        return NOTHING
    lines = [[name, f"{1e3 * t['wall']:.0f}", f"{1e3 * t['cpu']:.0f}"] for name, t in found.items()]
    size = result.get("wheel_bytes")
    told = f"\nOur wheel is {size / 1e6:.1f} MB.\n" if size else ""
    return table(["a fresh process", "wall, ms", "processor, ms"], lines) + told


def mnist(result: Result, source: str) -> str:
    """Whole trainings on MNIST, with their settings."""
    found = [one for one in result.get("mnist") or [] if "error" not in one]
    if not found:
        return NOTHING
    names = {"estimator": "deltarule", "sklearn": "scikit-learn"}
    lines = [
        [
            one["name"],
            names[one["side"]],
            f"{one['cpu_seconds']:.1f}",
            str(one["epochs"]),
            f"{100 * one['test_accuracy']:.2f} %",
            settings(one["settings"]),
        ]
        for one in found
    ]
    return table(["training", "", "CPU s", "epochs", "test accuracy", "settings"], lines)


def settings(given: dict[str, Any]) -> str:
    """Keyword arguments as a person types them."""
    shown = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    return "`" + ", ".join(f"{name}={value!r}" for name, value in shown.items()) + "`"


def provenance(result: Result) -> str:
    """Machine, date and versions in two sentences."""
    load = result["machine"].get("load_before", 0.0)
    busy = f" The machine was busy (load {load:.0f}): these times are rough." if load > 0.5 else ""
    return (
        f"Measured on {place(result)}, in {result.get('runs', 'one run')}, the sides in turns. "
        f"Versions: {versions(result)}.{busy}"
    )


def place(result: Result) -> str:
    """When and on what."""
    machine = result["machine"]
    engine = machine.get("instruction_set", "reference engine")
    return f"{result['date']} on {machine['processor']}, {machine['cores']} cores ({engine})"


def versions(result: Result) -> str:
    """Of all that took part."""
    names = {"sklearn": "scikit-learn", "jax": "JAX", "numpy": "NumPy", "scipy": "SciPy",
             "python": "Python", "fann": "FANN", "onnxruntime": "ONNX Runtime"}  # fmt: skip
    return ", ".join(f"{names.get(name, name)} {v}" for name, v in result["versions"].items())


def source_line(source: str) -> str:
    """Where the numbers stand."""
    return f"Source: `benchmarks/results/{source}`; `make bench` measures again."


def capture(result: Result, source: str) -> str:
    """What the demo printed."""
    return f"```console\n{result.get('capture')}\n```\n"


PARTS: dict[str, Callable[[Result, str], str]] = {
    "speeds-short": speeds_short,
    "capture": capture,
    "speeds": speeds,
    "elsewhere": elsewhere,
    "losses": losses,
    "verdicts": verdicts,
    "products": products,
    "scaling": scaling,
    "options": options,
    "mnist": mnist,
    "online": online,
    "cold": cold,
}


if __name__ == "__main__":
    raise SystemExit(main())

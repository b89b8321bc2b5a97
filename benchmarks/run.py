"""Measure deltarule beside its rivals in one run, judge the result, and write it down.

    python benchmarks/run.py [--quick] [--rows H5a,H6b] [--sections rows,scaling] [--repeats N]
                             [--output FILE | --into FILE] [--no-documents]

Absolute times move with the machine; the ratio within one run is what counts. A whole run writes
``benchmarks/results/DATE.json`` and from it the tables and charts of README and docs; a run of a
part writes ``benchmarks/results/quick.json`` and no document, or, with ``--into``, its sections
into an earlier result, which then says when and on how busy a machine they were measured again,
and into the documents. The exit code is 1 where a ratio
falls below its floor (`targets.FLOORS`) or final losses disagree.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import measuring
import targets
from data import MissingDataError, file
from protocol import FORCED_KERNELS, processors
from rows import ROWS

RESULTS = Path(__file__).parent / "results"
SECTIONS = ("products", "rows", "mnist", "scaling", "options", "online", "cold", "wheel",
            "capture")  # fmt: skip
QUICK = ("products", "rows")


def main() -> int:
    """Measure the sections asked for."""
    options = arguments()
    if any(name in os.environ for name in FORCED_KERNELS):
        # Read when libraries load, so a fresh start without them.
        cleared = {k: v for k, v in os.environ.items() if k not in FORCED_KERNELS}
        return subprocess.run([sys.executable, *sys.argv], env=cleared, check=False).returncode
    import machine

    result: dict[str, Any] = {
        "date": date.today().isoformat(),
        "quick": options.quick,
        "machine": machine.machine() | {"load_before": machine.load()},
        "versions": machine.versions(),
    }
    busy = result["machine"]["load_before"]
    if busy > 0.5:
        say(f"This machine is busy (load {busy:.1f}): times are rough.\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nobody is left standing
    staff = measuring.Staff(say)
    began = time.monotonic()
    try:
        for section in options.sections:
            measured = PARTS[section](staff, options)
            if measured is not None:
                result[section if section != "wheel" else "wheel_bytes"] = measured
            say(f"\n[{section}: done at {time.monotonic() - began:.0f} s]\n")
    finally:
        staff.end()
    result["versions"] |= staff.versions
    result["seconds"] = time.monotonic() - began
    return conclude(result, options)


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the short rows, one core")
    parser.add_argument("--rows", help="ids of rows, with commas; all where left out")
    parser.add_argument("--sections", help=f"of {', '.join(SECTIONS)}, with commas")
    parser.add_argument("--repeats", type=int, help="turns of each row (5; quick: 3)")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    parser.add_argument("--into", type=Path, help="the JSON whose sections these replace")
    parser.add_argument("--no-documents", action="store_true", help="write the JSON alone")
    options = parser.parse_args()
    if options.into and not options.sections:
        parser.error("--into needs --sections: a whole run writes a result of its own.")
    options.part = options.quick or bool(options.rows or options.sections)
    options.repeats = options.repeats or (3 if options.quick else 5)
    named = (
        options.sections.split(",") if options.sections else QUICK if options.quick else SECTIONS
    )
    options.sections = [section for section in SECTIONS if section in named]
    options.rows = options.rows.split(",") if options.rows else None
    return options


def say(text: str) -> None:
    """Print at once, without a line's end."""
    print(text, end="", flush=True)


def products_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """The peak and the products' shares, measured alone on one core."""
    import products

    say("products: building and measuring … ")
    found = products.measure()
    say(products.line(found) if found else "not measured: core_benchmarks could not be built")
    return found


def rows_part(staff: measuring.Staff, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows H1–H10."""
    cores = (1,) if options.quick or len(processors()) < 2 else (1, 2)
    found = []
    for row in ROWS:
        if row.id not in options.rows if options.rows else options.quick and not row.quick:
            continue
        try:
            present(row.spec.data)
        except MissingDataError as error:
            say(f"{row.id}: left out. {error}\n")
            continue
        say(f"{row.id} ")
        found.append(measuring.measure(row, staff, cores, options.repeats))
        say("\n" + "\n".join(measuring.lines(found[-1])) + "\n")
    return found


def present(data: str) -> None:
    """Raise where the rows need a file that is not here."""
    for name, needed in (("mnist", "mnist.npz"), ("adult", "adult.csv.gz")):
        if data.startswith(name):
            file(needed)


def mnist_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """Whole trainings on MNIST."""
    import mnist

    try:
        present("mnist")
    except MissingDataError as error:
        say(f"mnist: left out. {error}")
        return None
    found = []
    for name in mnist.TRAININGS:
        for side in ("estimator", "sklearn"):
            found.append(mnist.measure(side, name))
            say("\n" + mnist.line(found[-1]))
    return found


def scaling_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """Speed over width, batch and depth."""
    import scaling

    return scaling.measure(staff, min(options.repeats, 3))


def options_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """What each option costs."""
    import options as options_table

    return options_table.measure(say, options.repeats)


def online_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """What one call of a stream takes."""
    import online

    say("online … ")
    return online.measure(say)


def cold_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """What a fresh process pays to import and to fit iris."""
    import cold_start

    say("cold starts … ")
    found = cold_start.measure()
    for name, times in found.items():
        say(f"\n  {name:<28}{1e3 * times['wall']:7.0f} ms")
    return found


def wheel_part(staff: measuring.Staff, options: argparse.Namespace) -> Any:
    """Bytes of our wheel."""
    import wheel

    found = wheel.size()
    say("no wheel could be built" if found is None else f"our wheel: {found / 1e6:.2f} MB")
    return found


def capture_part(staff: measuring.Staff, options: argparse.Namespace) -> str:
    """What `deltarule demo` shows of its training, for the README."""
    with tempfile.TemporaryDirectory() as folder:
        program = "import deltarule.cli; raise SystemExit(deltarule.cli.main())"
        command = [sys.executable, "-c", program, "demo", "--dir", folder]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "DELTARULE_NUM_THREADS": "1"}
        shown = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | one
        ).stdout
    shown = shown.replace(f"{Path(folder).resolve()}{os.sep}", "").replace(folder + os.sep, "")
    return shown[shown.index("$ deltarule train") : shown.index("$ deltarule evaluate")].strip()


PARTS: dict[str, Callable[[measuring.Staff, argparse.Namespace], Any]] = {
    "products": products_part,
    "rows": rows_part,
    "mnist": mnist_part,
    "scaling": scaling_part,
    "options": options_part,
    "online": online_part,
    "cold": cold_part,
    "wheel": wheel_part,
    "capture": capture_part,
}


def again(before: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """An earlier result with the sections of this one in place of its own."""
    about = {
        "date": result["date"],
        "load_before": result["machine"]["load_before"],
        "versions": result["versions"],
    }
    whole = ("date", "quick", "machine", "versions", "seconds")
    found = {name: entry for name, entry in result.items() if name not in whole}
    noted = before.get("measured_again", {}) | dict.fromkeys(found, about)
    return before | found | {"measured_again": noted}


def conclude(result: dict[str, Any], options: argparse.Namespace) -> int:
    """Judge, write, and say what was missed."""
    if options.into:
        result = again(json.loads(options.into.read_text(encoding="utf-8")), result)
    judged = targets.verdicts(result)
    result["verdicts"] = [verdict.record() for verdict in judged]
    own = RESULTS / ("quick.json" if options.part else f"{result['date']}.json")
    path = options.into or options.output or own
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    say("\n".join(["", *map(targets.line, judged), "", f"written to {path}", ""]))
    if (options.into or not options.part) and not options.no_documents:
        import charts
        import tables

        charts.draw(result, path.name)
        tables.write(path)
    fallen = [verdict.text for verdict in judged if verdict.kind == "floor" and not verdict.reached]
    differing = [text for row in result.get("rows", []) for text in row["disagreements"]]
    differing += [text for at in result.get("scaling", []) for text in at["disagreements"]]
    if fallen:
        say(f"BELOW THE FLOOR: {'; '.join(fallen)}\n")
    if differing:
        say("LOSSES DISAGREE: " + "; ".join(differing) + "\n")
    return 1 if fallen or differing else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Time deltarule and scikit-learn in one run, alternating, and keep the result as JSON.

    python benchmarks/run.py [--quick] [--repeats N] [--output FILE]

Absolute times move with the machine; the ratio within one run is what counts. Every row keeps the
final training loss of both sides beside the times. One thread on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DELTARULE_NUM_THREADS": "1",
}


def main() -> int:
    """Run the workloads; exit code 1 where a wanted ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the short rows only")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls of each side (5)")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        # Thread counts are read when NumPy loads, so they are set before a fresh start.
        return subprocess.run([sys.executable, *sys.argv], env=os.environ | ONE_THREAD).returncode
    from workloads import WORKLOADS

    rows = []
    for workload in WORKLOADS:
        if workload.quick or not options.quick:
            rows.append(measure(workload, 3 if options.quick else options.repeats))
            print(line(rows[-1]), flush=True)
    result = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "rows": rows,
        "capture": capture(),
    }
    path = options.output or RESULTS / ("quick.json" if options.quick else f"{result['date']}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\nwritten to {path}")
    missed = [row["id"] for row in rows if row["wanted"] and row["ratio"] < row["wanted"]]
    if missed:
        print(f"below the wanted ratio: {', '.join(missed)}")
    return 1 if missed else 0


def capture() -> str:
    """What `deltarule demo` shows of its training, for the README."""
    with tempfile.TemporaryDirectory() as folder:
        program = "import deltarule.cli; raise SystemExit(deltarule.cli.main())"
        command = [sys.executable, "-c", program, "demo", "--dir", folder]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shown = shown.replace(f"{Path(folder).resolve()}{os.sep}", "").replace(folder + os.sep, "")
    return shown[shown.index("$ deltarule train") : shown.index("$ deltarule evaluate")].strip()


def measure(workload: Any, repeats: int) -> dict[str, Any]:
    """Alternate the sides; medians, and the ratio as the median of the pairwise ratios."""
    from workloads import SIDES

    ours, theirs = SIDES
    outcomes: dict[str, list[Any]] = {side: [] for side in SIDES}
    workload.call(ours)
    for _ in range(repeats):
        for side in SIDES:
            outcomes[side].append(workload.call(side))
    pairs = zip(outcomes[ours], outcomes[theirs], strict=True)
    row: dict[str, Any] = {"id": workload.id, "title": workload.title, "wanted": workload.wanted}
    for side, list_of in outcomes.items():
        row[side] = {
            "seconds": statistics.median(outcome.seconds for outcome in list_of),
            "microseconds_per_step": statistics.median(o.seconds / o.steps for o in list_of) * 1e6,
            "loss": list_of[-1].loss,
            "steps": list_of[-1].steps,
        }
    row["ratio"] = statistics.median(
        (their.seconds / their.steps) / (our.seconds / our.steps) for our, their in pairs
    )
    return row


def line(row: dict[str, Any]) -> str:
    """One row for the terminal."""
    ours, theirs = row["deltarule"], row["scikit-learn"]
    losses = "" if ours["loss"] is None else f"  loss {ours['loss']:.4f} / {theirs['loss']:.4f}"
    return (
        f"{row['id']:>4}  {row['title']:<48} {ours['microseconds_per_step']:>9.2f} "
        f"{theirs['microseconds_per_step']:>9.1f} µs  {row['ratio']:>7.1f}×{losses}"
    )


def machine() -> dict[str, Any]:
    """What the rows were measured on."""
    from deltarule import engines

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            l.split(":", 1)[1].strip()
            for l in info.read_text().splitlines()
            if l.startswith("model name")
        ]
        model = names[0] if names else model
    described: dict[str, Any] = {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
    }
    if engines.compiled_available():
        from deltarule import _core

        described["instruction_set"] = _core.isa()
    return described


def versions() -> dict[str, str]:
    """The versions of both sides and what they stand on."""
    import numpy
    import scipy
    import sklearn

    import deltarule

    modules = (deltarule, sklearn, numpy, scipy)
    return {"python": platform.python_version()} | {m.__name__: m.__version__ for m in modules}


if __name__ == "__main__":
    raise SystemExit(main())

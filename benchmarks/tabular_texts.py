"""Write what was measured of the tabular estimators into docs/tables.md, between its markers.

    python benchmarks/tabular_texts.py [--check]

All of it is of ``benchmarks/results/tabular.json``, which ``tabular.py`` measures. ``--check``
changes nothing and exits with 1 where the page is not of that result.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import tables

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "tabular.json"
PAGE = ROOT / "docs" / "tables.md"

#: What a column of the table is called.
TITLES = {
    "linear": "linear",
    "boosting": "HistGradientBoosting",
    "sklearn_mlp": "scikit-learn's MLP",
    "sklearn_mlp_scaled": "its target scaled",
    "fast": '`"fast"`',
    "default": '`"default"`',
    "best": '`"best"`',
}


def main(arguments: list[str]) -> int:
    """Write, or check; return an exit status."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    old = PAGE.read_text(encoding="utf-8")
    new = old
    for name, part in PARTS.items():
        new = tables.between_markers(new, f"tabular-{name}", part(result))
    if "--check" in arguments:
        if new != old:
            print(f"stale: docs/{PAGE.name} is not of {RESULT.name}")
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    print(f"written: docs/{PAGE.name} from {RESULT.name}")
    return 0


def write() -> None:
    """Write the page."""
    main([])


def values(entry: dict[str, Any], method: str, what: str) -> list[float]:
    """A number of every fold."""
    return [found[what] for found in entry["methods"].get(method, {}).values() if what in found]


def methods(result: dict[str, Any]) -> list[str]:
    """Those that were measured, in order."""
    known = {name for entry in result["tables"].values() for name in entry["methods"]}
    return [name for name in TITLES if name in known]


def scores(result: dict[str, Any]) -> str:
    """Accuracy or R² of every table, mean and standard deviation over the folds."""
    names = methods(result)
    rows = []
    for table, entry in result["tables"].items():
        what = "accuracy" if entry["task"] in ("binary", "multiclass") else "R²"
        cells = [_mean_and_spread(values(entry, name, "score")) for name in names]
        rows.append([table, what, *cells])
    return "\n".join(
        [tables.table(["table", "", *[TITLES[n] for n in names]], rows), _source(result)]
    )


def log_losses(result: dict[str, Any]) -> str:
    """Log loss of the tables with classes."""
    names = [name for name in methods(result) if name != "sklearn_mlp_scaled"]
    rows = [
        [table, *[_mean_and_spread(values(entry, name, "log_loss")) for name in names]]
        for table, entry in result["tables"].items()
        if entry["task"] in ("binary", "multiclass")
    ]
    return tables.table(["table", *[TITLES[name] for name in names]], rows)


def seconds(result: dict[str, Any]) -> str:
    """Seconds of the processor for a fit, mean over the folds."""
    names = methods(result)
    rows = []
    for table, entry in result["tables"].items():
        found = {name: values(entry, name, "seconds") for name in names}
        rows.append([table, *(f"{statistics.mean(v):.2f}" if v else "" for v in found.values())])
    # Of what was not measured on every table there is no sum.
    every = [name for name in names if all(_mean(e, name, "seconds") for e in entries(result))]
    sums = {name: sum(_mean(e, name, "seconds") for e in entries(result)) for name in every}
    rows.append(["sum", *(f"{sums[name]:.1f}" if name in sums else "" for name in names)])
    return tables.table(["table", *[TITLES[name] for name in names]], rows)


def summary(result: dict[str, Any]) -> str:
    """Where ``"default"`` stands, where it gains least, and what it costs."""
    margins = {
        table: _mean(entry, "default", "score") - _mean(entry, "boosting", "score")
        for table, entry in result["tables"].items()
    }
    ahead = sum(margin > 0 for margin in margins.values())
    near = sum(margin > -0.01 for margin in margins.values())
    worst = min(margins, key=lambda table: margins[table])
    apart = [_deviations_apart(entry) for entry in entries(result)]
    better, behind = sum(found > 1 for found in apart), sum(found < -1 for found in apart)
    spent = {
        name: sum(_mean(entry, name, "seconds") for entry in entries(result))
        for name in ("fast", "default")
    }
    theirs = sum(_mean(entry, better_perceptron(entry), "seconds") for entry in entries(result))
    return (
        f'`"default"` is ahead of HistGradientBoosting on {ahead} of {len(margins)} tables '
        f"and within 0.01 of it, or ahead, on {near}. It gains least on {worst}: "
        f"{margins[worst]:+.3f}.\n"
        "It is ahead of scikit-learn's MLP, the better of its two columns, by more than a standard "
        f"deviation over the folds on {better}, and behind by one on {behind}.\n"
        f'One fit of each table takes {spent["fast"]:.0f} s of one processor with `"fast"` and '
        f'{spent["default"]:.0f} s with `"default"`; that MLP takes {theirs:.0f} s.\n'
    )


def entries(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was measured of each table."""
    return list(result["tables"].values())


def better_perceptron(entry: dict[str, Any]) -> str:
    """Which of scikit-learn's two columns has the better mean score on a table."""
    known = [name for name in ("sklearn_mlp", "sklearn_mlp_scaled") if name in entry["methods"]]
    return max(known, key=lambda name: _mean(entry, name, "score"))


def _deviations_apart(entry: dict[str, Any]) -> float:
    """By how many deviations over the folds, the larger of the two, ``"default"`` is ahead."""
    own, theirs = (values(entry, name, "score") for name in ("default", better_perceptron(entry)))
    spread = max(statistics.stdev(own), statistics.stdev(theirs))
    return (statistics.mean(own) - statistics.mean(theirs)) / spread


def _mean(entry: dict[str, Any], method: str, what: str) -> float:
    """Over the folds; 0 where nothing was measured."""
    return statistics.mean(values(entry, method, what) or [0.0])


#: What stands between which markers of the page.
PARTS = {
    "summary": summary,
    "scores": scores,
    "log-loss": log_losses,
    "seconds": seconds,
}


def _mean_and_spread(found: list[float]) -> str:
    if not found:
        return ""
    spread = statistics.stdev(found) if len(found) > 1 else 0.0
    return f"{statistics.mean(found):.4f} ± {spread:.3f}"


def _source(result: dict[str, Any]) -> str:
    machine = result["machine"]
    return (
        "Means over five folds ± their standard deviation; an empty cell was not measured. One "
        "thread. "
        f"Measured {_runs(result)}, on {machine['processor']}, {machine['cores']} cores "
        f"({machine.get('instruction_set', 'reference engine')}). Versions: "
        f"{tables.versions(result)}. Source: `benchmarks/results/{RESULT.name}`;\n"
        "`make bench-tables` measures it again.\n"
    )


def _runs(result: dict[str, Any]) -> str:
    """When it was measured; of several runs what each had, and how busy others were beside it."""
    runs = result["runs"]
    if len(runs) == 1:
        return f"in one run on {_when(runs[0])}"
    told = []
    for one in runs:
        names = ", ".join(TITLES[name] for name in one["methods"])
        where = "" if len(one["tables"]) == len(result["tables"]) else " of some tables"
        told.append(f"{names}{where} on {_when(one)}")
    return f"in {len(runs)} runs ({'; '.join(told)})"


def _when(run: dict[str, Any]) -> str:
    busy = f" beside other work (load {run['load']:.1f}, rough times)" if run["load"] > 0.5 else ""
    return f"{run['date']}{busy}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

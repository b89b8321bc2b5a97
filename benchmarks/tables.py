"""Write the measured numbers into README.md and docs/performance.md, between their markers.

    python benchmarks/tables.py [RESULT.json]

Without a file the newest of ``benchmarks/results`` is taken. ``--check`` changes nothing and exits
with 1 where a document does not say what the JSON says.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DOCUMENTS = {"README.md": "short", "docs/performance.md": "full"}
SHORT_ROWS = ("S1", "S2", "S3", "S6", "S9")


def main() -> int:
    """Write, or check, both documents."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("result", nargs="?", type=Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    newest = sorted((ROOT / "benchmarks/results").glob("[0-9]*.json"))[-1]
    path = options.result or newest
    result = json.loads(path.read_text())
    stale = []
    for name, form in DOCUMENTS.items():
        document = ROOT / name
        old = document.read_text()
        new = between_markers(old, "speeds", table(result, form, path.name))
        new = between_markers(new, "capture", f"```console\n{result.get('capture')}\n```\n")
        if new != old:
            stale.append(name)
            if not options.check:
                document.write_text(new)
    if stale:
        print(f"{'stale' if options.check else 'written'}: {', '.join(stale)} from {path.name}")
    return 1 if options.check and stale else 0


def between_markers(text: str, name: str, part: str) -> str:
    """The document with the part between its two markers replaced, if it has them."""
    pattern = rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"
    return re.sub(pattern, lambda m: m[1] + part + m[2], text, count=1, flags=re.S)


def table(result: dict[str, Any], form: str, source: str) -> str:
    """The table with machine, versions and the row where the ratio is least."""
    rows = result["rows"]
    least = min(rows, key=lambda row: row["ratio"])
    shown = rows if form == "full" else [r for r in rows if r["id"] in SHORT_ROWS or r is least]
    lines = [
        "| workload | deltarule, µs a step | scikit-learn, µs a step | ratio | final losses |",
        "|---|---|---|---|---|",
        *(row_line(row) for row in shown),
        "",
        f"The least ratio is {least['ratio']:.2g}×: {least['title']}.",
        provenance(result),
        f"Source: `benchmarks/results/{source}`; `make bench` measures again.",
        "",
    ]
    return "\n".join(lines)


def row_line(row: dict[str, Any]) -> str:
    """One row in Markdown."""
    ours, theirs = row["deltarule"], row["scikit-learn"]
    losses = "–" if ours["loss"] is None else f"{ours['loss']:.4f} / {theirs['loss']:.4f}"
    return (
        f"| {row['title']} | {ours['microseconds_per_step']:.3g} | "
        f"{theirs['microseconds_per_step']:.3g} | {row['ratio']:.3g}× | {losses} |"
    )


def provenance(result: dict[str, Any]) -> str:
    """Machine, date and versions in a sentence."""
    machine, versions = result["machine"], result["versions"]
    engine = machine.get("instruction_set", "reference engine")
    return (
        f"Measured on {result['date']} on {machine['processor']} ({engine}), one thread on both "
        f"sides, medians of alternating calls: deltarule {versions['deltarule']}, "
        f"scikit-learn {versions['sklearn']}, NumPy {versions['numpy']}, "
        f"Python {versions['python']}."
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Write what was measured of the playground into docs/playground.md, between its markers.

    python benchmarks/playground_texts.py [--check]

All of it is of ``benchmarks/results/playground.json``, which ``playground.py`` measures.
``--check`` changes nothing and exits with 1 where the page is not of that result.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import tables

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "playground.json"
PAGE = ROOT / "docs" / "playground.md"

HEAD = [
    "network",
    "frames a second",
    "without a server",
    "asked",
    "first frame, s",
    "without a server, s",
    "steps slower than `train`: a page without a browser",
    "with Chromium on the same cores",
]


def main(arguments: list[str]) -> int:
    """Write, or check; return an exit status."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    old = PAGE.read_text(encoding="utf-8")
    new = tables.between_markers(old, "playground", part(result))
    if "--check" in arguments:
        if new != old:
            print(f"stale: docs/{PAGE.name} is not of {RESULT.name}")
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    print(f"written: docs/{PAGE.name} from {RESULT.name}")
    return 0


def part(result: dict[str, Any]) -> str:
    """The table and where it is from."""
    rows = [row(name, found) for name, found in result["rows"].items()]
    loads = [found["load"] for found in result["rows"].values()]
    turns = next(iter(result["rows"].values()))["turns"]
    return "\n".join(
        [
            tables.table(HEAD, rows),
            "Two inputs, tanh, steps of one row at full speed, in the network room; the same cores",
            "run the training, the server, and Chromium, which paints without a graphics card.",
            f"Medians of {turns} turns; processes waiting to run: {max(loads):.1f} at most on",
            f"average. {tables.provenance(result)}",
            f"Source: `benchmarks/results/{RESULT.name}`;",
            "`python benchmarks/playground.py` measures again.",
            "",
        ]
    )


def row(name: str, found: dict[str, float]) -> list[str]:
    """One network."""
    return [
        name.replace("6 x 64 units", "6 × 64 units"),
        f"{found['frames_per_second']:.0f}",
        f"{found['static_frames_per_second']:.0f}",
        f"{found['wanted_frames_per_second']:.0f}",
        f"{found['first_frame_seconds']:.2f}",
        f"{found['static_first_frame_seconds']:.2f}",
        share(found["slowing_with_client"]),
        share(found["slowing_with_browser"]),
    ]


def share(value: float) -> str:
    """A slowing in percent."""
    return f"{100 * value:.0f} %".replace("-", "−")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

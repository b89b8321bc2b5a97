"""Write what was measured on images into docs/images.md, between its markers.

    python benchmarks/image_texts.py [--check]

All of it is of ``benchmarks/results/images.json``, which ``images.py`` measures, and of
``image_settings.py``. ``--check`` changes nothing and exits with 1 where the page is not of that
result.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import tables
from image_settings import CHOSEN, RESULT, SETS, candidates

PAGE = Path(__file__).resolve().parents[1] / "docs" / "images.md"

NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
HEAD = [
    "images",
    "test accuracy, mean of the seeds",
    "each seed",
    "spread, points",
    "CPU seconds of a training",
]


def main(arguments: list[str]) -> int:
    """Write, or check; return an exit status."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    old = PAGE.read_text(encoding="utf-8")
    new = old
    for marker, part in PARTS.items():
        new = tables.between_markers(new, marker, part(result))
    if "--check" in arguments:
        if new != old:
            print(f"stale: docs/{PAGE.name} is not of {RESULT.name}")
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    print(f"written: docs/{PAGE.name} from {RESULT.name}")
    return 0


def settings(result: dict[str, Any]) -> str:
    """The chosen settings as one would write them."""
    chosen = candidates()[CHOSEN]
    lines = [f"    {name}={source(value)}," for name, value in chosen.items()]
    code = ["import deltarule as dr", "", "model = dr.MLPClassifier(", *lines, ")"]
    return "\n".join(["```python", *code, "```", ""])


def accuracies(result: dict[str, Any]) -> str:
    """What the settings reach, and at which cost."""
    rows = []
    for name in SETS:
        found = [row for row in result["trainings"]["rows"] if row["set"] == name]
        reached = [row["accuracy"] for row in found]
        spent = [row["cpu_seconds"] for row in found]
        rows.append(
            [
                NAMES[name],
                f"**{percent(statistics.mean(reached))}**",
                ", ".join(map(percent, reached)),
                f"{100 * (max(reached) - min(reached)):.2f}",
                f"{min(spent):.0f} to {max(spent):.0f}",
            ]
        )
    part = result["trainings"]
    load = max(part["machine"]["load_before"], part["machine"]["load_after"])
    busy = f" It was busy (load {load:.0f}): the times are rough." if load > 0.5 else ""
    lines = [
        tables.table(HEAD, rows),
        f"Measured on {tables.place(part)}, a training on one core.{busy}",
        f"Versions: {tables.versions(part)}. Source: `benchmarks/results/{RESULT.name}`.",
        "",
    ]
    return "\n".join(lines)


def choice(result: dict[str, Any]) -> str:
    """How the candidates did on the training images that were held back."""
    rows = []
    for kind, given in candidates().items():
        found = {
            row["set"]: row for row in result["candidates"]["rows"] if row["candidate"] == kind
        }
        names = [found[name] for name in SETS]
        described = ", ".join(f"`{name}={source(value)}`" for name, value in differing(given))
        mark = "**" if kind == CHOSEN else ""
        rows.append(
            [
                f"{mark}{kind}{mark}",
                *(percent(row["accuracy"]) for row in names),
                f"{sum(row['cpu_seconds'] for row in names) / len(names):.0f}",
                described,
            ]
        )
    head = ["candidate", *NAMES.values(), "CPU seconds", "settings"]
    return tables.table(head, rows)


def differing(given: dict[str, Any]) -> list[tuple[str, Any]]:
    """What not all candidates have alike."""
    others = list(candidates().values())
    return [
        (name, value)
        for name, value in given.items()
        if any(name not in other or other[name] != value for other in others)
    ]


def source(value: Any) -> str:
    """A setting as code: options with the fields that are not at their defaults."""
    if isinstance(value, float) and value == float("inf"):
        return 'float("inf")'
    if not dataclasses.is_dataclass(value):
        return repr(value).replace("'", '"')
    fields = (
        f"{field.name}={source(getattr(value, field.name))}"
        for field in dataclasses.fields(value)
        if getattr(value, field.name) != field.default
    )
    return f"dr.{type(value).__name__}({', '.join(fields)})"


def percent(share: float) -> str:
    """An accuracy in percent."""
    return f"{100 * share:.2f} %"


PARTS = {"settings": settings, "accuracies": accuracies, "choice": choice}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

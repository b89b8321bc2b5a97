"""Writes the options of the library, with their fields at their defaults, for the page.

`python tools/web_options.py` writes ``web/src/model/options.json``; a test holds the file to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deltarule.activations import ACTIVATIONS
from deltarule.definitions import Family
from deltarule.initializers import INITIALIZERS
from deltarule.losses import LOSSES
from deltarule.optimizers import OPTIMIZERS
from deltarule.schedules import SCHEDULES

FILE = Path(__file__).resolve().parents[1] / "web" / "src" / "model" / "options.json"

#: What the page does not offer: targets in a group, and a solver that takes no steps.
LEFT_OUT = ("ascending", "lbfgs")

FAMILIES: dict[str, Family[Any]] = {
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "schedules": SCHEDULES,
    "initializers": INITIALIZERS,
}


def options() -> dict[str, dict[str, Any]]:
    """Of each family the records of its options, by name."""
    return {
        word: {name: kind().record() for name, kind in family.table.items() if name not in LEFT_OUT}
        for word, family in FAMILIES.items()
    }


def text() -> str:
    """The file's text."""
    return json.dumps(options(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

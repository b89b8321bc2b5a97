"""Install the rivals into `.venv-rivals`, an environment of their own: ``make bench-rivals``.

A rival that cannot be installed is left out with a sentence, and its rows say "not measured". FANN
comes from the system: ``apt-get install libfann-dev``. torch without GPU libraries is taken where
pip's sources hold such a build; else it is some gigabytes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

from narrator import CommandFailedError, narrate

FOLDER = Path(".venv-rivals")
PYTHON = FOLDER / "bin" / "python"
LOG = FOLDER / "install.log"
PIP = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
       "--progress-bar", "off"]  # fmt: skip
#: scikit-learn brings the data sets; it is measured in our own environment.
NEEDED = ["numpy>=2.0", "scikit-learn>=1.9"]
RIVALS = {
    "torch": ["torch==2.13.0"],
    "JAX": ["jax"],
    "ONNX Runtime": ["onnxruntime", "onnx"],
}


def main() -> int:
    """Make the environment and fill it."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    try:
        if not PYTHON.exists():
            command = [sys.executable, "-m", "venv", str(FOLDER)]
            log = Path("build") / "rivals.log"
            narrate(f"A virtual environment in {FOLDER}", command, log, environment)
        narrate("Data sets", [*PIP, *NEEDED], LOG, environment)
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    for name, packages in RIVALS.items():
        try:
            narrate(name, [*PIP, *packages], LOG, environment)
        except CommandFailedError as error:
            print(f"{name} is left out. {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Cold starts: what a fresh process pays to import a library, and to fit iris with it.

``python benchmarks/cold_start.py`` prints JSON: the median seconds of whole processes, wall and
CPU, which are started in turn so that a drift of the machine meets all of them. The rivals are
NumPy's import (for ``import deltarule``) and scikit-learn's own import and fit.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

#: A fit of few epochs: what is measured is the way there.
FIT = """
import warnings
warnings.simplefilter("ignore")
from sklearn.datasets import load_iris
from {module} import MLPClassifier
MLPClassifier(max_iter=10, random_state=0).fit(*load_iris(return_X_y=True))
"""

PROCESSES = {
    "python": "pass",
    "import numpy": "import numpy",
    "import deltarule": "import deltarule",
    "import sklearn.neural_network": "import sklearn.neural_network",
    # scikit-learn's own part of fitting iris; loading it imports all of sklearn.datasets.
    "scikit-learn loads iris": "import sklearn.neural_network, sklearn.datasets; "
    "sklearn.datasets.load_iris()",
    "scikit-learn fits iris": FIT.format(module="sklearn.neural_network"),
    "deltarule fits iris": FIT.format(module="deltarule"),
}


def started(code: str) -> tuple[float, float]:
    """Wall and CPU seconds of one fresh process, in a session without a user's settings."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user - before.children_user
    return wall, cpu + after.children_system - before.children_system


def measure(rounds: int = 7) -> dict[str, dict[str, float]]:
    """Median wall and CPU seconds of every process, in turn; the first round is left out."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in PROCESSES}
    for turn in range(rounds + 1):
        for name, code in PROCESSES.items():
            found = started(code)
            if turn:
                times[name].append(found)
    return {
        name: {
            "wall": statistics.median(wall for wall, _ in found),
            "cpu": statistics.median(cpu for _, cpu in found),
        }
        for name, found in times.items()
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 7), indent=2))

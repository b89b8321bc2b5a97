"""The machine's peak of fused multiply-adds and the share of it that the core's products reach.

The program ``core_benchmarks`` is built beside the core, in the tree that built the module.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TREE = ROOT / "build" / "make"


def measure() -> dict[str, Any] | None:
    """What the program prints; None where it cannot be built."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    }
    for command in (
        ["cmake", "-S", str(ROOT), "-B", str(TREE), "-DDELTARULE_BENCHMARKS=ON"],
        ["cmake", "--build", str(TREE), "--target", "core_benchmarks"],
    ):
        try:
            built = subprocess.run(command, env=environment, capture_output=True, check=False)
        except OSError:
            return None
        if built.returncode != 0:
            return None
    program = next(path for path in TREE.rglob("core_benchmarks") if path.is_file())
    answer = subprocess.run([str(program), "products"], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def line(found: dict[str, Any]) -> str:
    """The peak in a sentence."""
    peak = found["peak"]
    return (
        f"peak of fused multiply-adds on one core: {peak['float32']:.1f} GFLOP/s in float32, "
        f"{peak['float64']:.1f} in float64"
    )

"""The sides of the benchmark: ours by two faces, and the rivals, each as its users write it.

A side is prepared for a `Spec` (data, start, compilation), runs it whole and timed, and is judged
by the weights that it ends with. Rivals live in an environment of their own (`make bench-rivals`)
and load only there.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
RIVALS = ROOT / ".venv-rivals" / "bin" / "python"


@dataclass(frozen=True)
class Entry:
    """Where a side is found.

    Parameters
    ----------
    title : str
        Its name in tables.
    module, name : str
        The file in this folder, and its class.
    rival_environment : bool
        Whether it lives in ``.venv-rivals``.
    tells_order : bool
        Whether it takes the rows in the common order, so that losses agree but for rounding.
    """

    title: str
    module: str
    name: str
    rival_environment: bool = True
    tells_order: bool = True


SIDES = {
    "train": Entry("dr.train", "ours", "Train", rival_environment=False),
    "estimator": Entry("our estimator", "ours", "Estimator", False, tells_order=False),
    "lanes": Entry("dr.train_many", "ours", "Lanes", rival_environment=False),
    "predictor": Entry("our predictor", "ours", "Predictor", False, tells_order=False),
    "sklearn": Entry("scikit-learn", "scikit_learn", "ScikitLearn", False, tells_order=False),
    "torch": Entry("torch", "torch_eager", "TorchEager"),
    "torch_compiled": Entry("torch.compile", "torch_compiled", "TorchCompiled"),
    "jax": Entry("JAX", "jax_scan", "JaxScan"),
    "fann": Entry("FANN", "fann", "Fann"),
    "onnx": Entry("ONNX Runtime", "onnx_runtime", "OnnxRuntime", tells_order=False),
}
OURS = ("train", "estimator", "lanes", "predictor")


def command(name: str) -> list[str]:
    """What starts the process of a side."""
    python = str(RIVALS) if SIDES[name].rival_environment else sys.executable
    return [python, str(ROOT / "benchmarks" / "worker.py"), name]


def missing(name: str) -> str | None:
    """Why a side cannot be asked at all."""
    if SIDES[name].rival_environment and not RIVALS.exists():
        return "not installed: make bench-rivals"
    return None


def open_side(name: str, threads: int) -> Any:
    """The side itself, in its own process."""
    if SIDES[name].rival_environment:
        # Of deltarule the rivals see the order of the rows alone, from the sources.
        sys.path.insert(0, str(ROOT / "src"))
    entry = SIDES[name]
    return getattr(importlib.import_module(f"sides.{entry.module}"), entry.name)(threads)

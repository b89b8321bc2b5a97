"""FANN: its own incremental training in C, from a small driver that is compiled on the spot.

FANN knows the squared error on logistic outputs, with a derivative that is held above 0.0099; where
the spec asks for softmax, it trains the nearest network. Its losses are shown and not compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from specs import layers_at_start, orders

from sides.base import Side


class Fann(Side):
    """``fann_train`` row by row, in the common order."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.folder = Path(tempfile.mkdtemp(prefix="fann"))
        self.driver = self.folder / "driver"
        source = Path(__file__).parent / "fann_driver.c"
        flags = ["-O3", "-march=native", "-o", str(self.driver), str(source)]
        compiler = os.environ.get("CC", "cc")
        answer = subprocess.run(
            [compiler, *flags, "-lfloatfann", "-lm"], capture_output=True, text=True, check=False
        )
        self.refusal = "" if answer.returncode == 0 else "FANN's headers are not installed"

    def versions(self) -> dict[str, str]:
        command = ["dpkg-query", "-W", "-f", "${Version}", "libfann-dev"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError:
            return {}
        return {"fann": found.stdout} if found.returncode == 0 else {}

    def build(self) -> dict[str, Any]:
        if self.refusal:
            raise NotImplementedError(self.refusal)
        spec = self.spec
        numbers = [len(spec.units), *spec.units, len(self.X), spec.epochs, spec.rate]
        (self.folder / "plan").write_text(" ".join(map(str, numbers)))
        weights = np.concatenate([by_unit(w, b).ravel() for w, b in layers_at_start(spec)])
        with (self.folder / "numbers").open("wb") as file:
            for part in (self.X, self.D, weights.astype(np.float32)):
                file.write(part.tobytes())
            file.write(orders(spec, len(self.X)).tobytes())
        differs = "its logistic derivative is held above 0.0099"
        if spec.output != "logistic":
            differs += "; squared error on logistic outputs"
        return {"differs": differs}

    def run(self) -> dict[str, Any]:
        files = [str(self.folder / name) for name in ("plan", "numbers", "weights")]
        answer = subprocess.run(
            [str(self.driver), *files], capture_output=True, text=True, check=True
        )
        return {**json.loads(answer.stdout), "steps": self.steps()}

    def layers(self) -> list[tuple[Any, Any]]:
        numbers = np.fromfile(self.folder / "weights", dtype=np.float32)
        found = []
        for inputs, units in zip(self.spec.units, self.spec.units[1:], strict=False):
            block, numbers = np.split(numbers, [(inputs + 1) * units])
            block = block.reshape(units, inputs + 1)
            found.append((block[:, :-1].T, block[:, -1]))
        return found


def by_unit(weight: Any, bias: Any) -> Any:
    """FANN's order: unit after unit, its weights and then its bias."""
    return np.hstack([weight.T, bias[:, None]])

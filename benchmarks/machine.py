"""What the rows were measured on, and with which versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from protocol import processors


def machine() -> dict[str, Any]:
    """Processor, cores, system, instruction set, compiler of the core."""
    from deltarule import engines

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        text = info.read_text(encoding="utf-8").splitlines()
        names = [l.split(":", 1)[1].strip() for l in text if l.startswith("model name")]
        model = names[0] if names else model
    described: dict[str, Any] = {
        "processor": model,
        "cores": len(processors()),
        "system": platform.system(),
    }
    if engines.compiled_available():
        from deltarule import _core

        described["instruction_set"] = _core.isa()
    return described


def load() -> float:
    """Processes that were waiting to run during the last minute, as the system counts them."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def versions() -> dict[str, str]:
    """Of Python and of what our side stands on; rivals tell their own."""
    import numpy
    import scipy
    import sklearn

    import deltarule

    modules = (deltarule, sklearn, numpy, scipy)
    return {"python": platform.python_version()} | {m.__name__: m.__version__ for m in modules}

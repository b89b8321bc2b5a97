"""The size of our wheel, built from the tree that built the module."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def size() -> int | None:
    """Bytes; None where no wheel can be built."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
        settings = ["--config-settings", "build-dir=build/make"]
        command = [sys.executable, "-m", "pip", "wheel", *options, *settings, "."]
        if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode != 0:
            return None
        return next(Path(folder).glob("*.whl")).stat().st_size

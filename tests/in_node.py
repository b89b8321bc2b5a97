"""The page's TypeScript without a browser: bundled once, run by Node, asked in messages."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from deltarule.playground import wire

WEB = Path(__file__).resolve().parents[1] / "web"
WASM = WEB / "src" / "wasm" / "core.wasm"
BUNDLER = WEB / "node_modules" / ".bin" / "rolldown"


def missing() -> str | None:
    """Why nothing of the page can be run here; None where it can."""
    if not shutil.which("node"):
        return "node is not found. Install with: apt-get install nodejs npm"
    if not BUNDLER.is_file():
        return "the page's libraries are not installed. Install with: make web"
    return None


#: For tests that run the page's TypeScript.
needs_node = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@functools.cache
def _bundles() -> Path:
    """Where bundles lie until the tests end."""
    folder = tempfile.TemporaryDirectory(prefix="deltarule-bundles-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def _bundle(entry: str) -> Path:
    bundled = _bundles() / f"{Path(entry).stem}.mjs"
    command = [BUNDLER, WEB / "tests" / entry, "--format", "esm", "--file", bundled]
    subprocess.run(command, check=True, capture_output=True, cwd=WEB)
    return bundled


def ask(entry: str, message: dict[str, Any]) -> dict[str, Any]:
    """What ``answer`` of ``web/tests/<entry>`` says to a message."""
    command = ["node", WEB / "tests" / "run.mjs", _bundle(entry), WASM]
    done = subprocess.run(command, input=wire.encode(message), capture_output=True, check=False)
    assert not done.returncode, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return wire.decode(done.stdout)

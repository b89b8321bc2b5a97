"""Compiles the core to WebAssembly for the page: ``web/src/wasm/core.wasm``.

`python tools/web_core.py`, in the project's root, with emscripten. The file is in the repository,
since who builds the page need not have a compiler; it carries the hash of the sources that it was
made of in a section of its own, and a test holds that to the sources here. The same sources and
the same compiler make the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPP = ROOT / "cpp"
FILE = ROOT / "web" / "src" / "wasm" / "core.wasm"
SECTION = "deltarule"

#: What the module is compiled of: the core without threads, lanes, float32, and choices between
#: instruction sets. The files in web/ stand in for those that are left out.
SOURCES = (
    *(
        f"src/{name}.cpp"
        for name in (
            "arena",
            "batch_road",
            "kernels_batches",
            "meetings",
            "orders",
            "panels",
            "random",
            "run_loop",
            "sample_road",
            "scores",
            "session",
            "steps",
        )
    ),
    *(f"web/{name}.cpp" for name in ("module", "table", "threads")),
)

#: Those of cpp/CMakeLists.txt. With vectors of two numbers the module at -O3 is no larger than
#: without them at -Oz, and paints the maps of a large network in half the time; every browser has
#: had them since 2023.
FLAGS = (
    *("-std=c++20", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"),
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fno-rtti"),
    *("-O3", "-msimd128", "-DDELTARULE_ISA=plain", "-Iinclude"),
    *("-sSTANDALONE_WASM", "--no-entry", "-sMALLOC=emmalloc", "-sALLOW_MEMORY_GROWTH"),
    *("-sTOTAL_STACK=1MB", "-sINITIAL_MEMORY=4MB"),
)

_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def sources() -> list[Path]:
    """The files that the module is made of, headers included, in order of their names."""
    found: set[Path] = set()
    waiting = [CPP / name for name in SOURCES]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for name in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            places = (path.parent / name, CPP / "include" / name)
            waiting.append(next(place for place in places if place.is_file()).resolve())
    return sorted(found)


def fingerprint() -> str:
    """A hash of the sources, and of how they are compiled."""
    whole = hashlib.sha256(json.dumps([SOURCES, FLAGS]).encode())
    for path in sources():
        whole.update(f"\0{path.relative_to(CPP).as_posix()}\0".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def recorded(wasm: bytes) -> dict[str, str]:
    """What the module says of its making: ``compiler`` and ``sources``; nothing if it says none."""
    at = 8  # behind the magic number and the version
    while at < len(wasm):
        kind, (size, begin) = wasm[at], _number(wasm, at + 1)
        length, name = _number(wasm, begin)
        if kind == 0 and wasm[name : name + length] == SECTION.encode():
            found: dict[str, str] = json.loads(wasm[name + length : begin + size])
            return found
        at = begin + size
    return {}


def compiler() -> str | None:
    """The compiler in words, such as ``emcc 3.1.6``; None without one."""
    if not shutil.which("em++"):
        return None
    told = subprocess.run(["em++", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+\.\d+", told)
    return f"emcc {version[0]}" if version else "emcc"


def build(to: Path) -> bytes:
    """Compile the module into a file and return its bytes, the record of its making included."""
    to.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["em++", *FLAGS, *SOURCES, "-o", str(to.resolve())], cwd=CPP, check=True)
    record = json.dumps({"compiler": compiler(), "sources": fingerprint()}).encode()
    inner = _bytes(len(SECTION)) + SECTION.encode() + record
    wasm = to.read_bytes() + b"\0" + _bytes(len(inner)) + inner
    to.write_bytes(wasm)
    to.chmod(0o644)
    return wasm


def main() -> int:
    """Build where the file is of other sources; return an exit status."""
    made_of = recorded(FILE.read_bytes()) if FILE.is_file() else {}
    if made_of.get("sources") == fingerprint():
        print(f"{FILE.relative_to(ROOT)} is of these sources: nothing to do.")
        return 0
    if compiler() is None:
        print(
            f"{FILE.relative_to(ROOT)} is of other sources, and em++ is not found. "
            "Install with: apt-get install emscripten"
        )
        return 1
    print(f"{FILE.relative_to(ROOT)} is compiled, in half a minute.", flush=True)
    build(FILE)
    return 0


def _number(wasm: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    value = shift = 0
    while True:
        byte = wasm[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _bytes(value: int) -> bytes:
    """A number as unsigned LEB128."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


if __name__ == "__main__":
    sys.exit(main())

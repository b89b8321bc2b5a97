"""Prepares `.venv` for a target of the Makefile: libraries of the named extras, and deltarule.

`python tools/install.py [--libraries-only] [EXTRA …]`, in the project's root. What is already
there is left alone: a record in `.venv` says which libraries were asked for and from which
sources the package was built, so a second call takes a fraction of a second. The package is
built inside the environment, not in pip's isolated one, so that the compiled core is rebuilt
only where its sources changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import build_backend
from narrator import CommandFailedError, narrate

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
RECORD = VENV / "deltarule-install.json"
BUILD = Path("build") / "make"
# Flags of /proc/cpuinfo beyond which kernels are compiled for these; v2 is always compiled.
_V3 = {"avx2", "fma", "bmi1", "bmi2", "movbe", "f16c", "abm"}
WIDER_ISAS = {
    "v3": _V3,
    "v4": _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
# Everything that a wheel is made of.
SOURCES = ("pyproject.toml", "CMakeLists.txt", "LICENSE", "README.md", "src", "cpp", "tools")


def main(arguments: list[str]) -> int:
    """Prepare the environment; return an exit status."""
    libraries_only = "--libraries-only" in arguments
    extras = [argument for argument in arguments if not argument.startswith("-")]
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    try:
        record = prepare_environment()
        install_libraries(wanted_libraries(project, extras), record)
        if not libraries_only:
            install_package(project, record)
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def prepare_environment() -> dict[str, Any]:
    """Make `.venv` unless a usable one is there; return the record of what it holds."""
    base = {"root": os.getcwd(), "python": platform.python_version()}
    try:
        record: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    # Scripts in a virtual environment hold its absolute path: a moved folder needs a new one.
    if PYTHON.exists() and {name: record.get(name) for name in base} == base:
        return record
    narrate(
        f"A virtual environment of Python {base['python']} in {VENV}",
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        # The log is kept outside while `--clear` empties the folder.
        BUILD / "venv.log",
        dict(os.environ),
    )
    record = {**base, "libraries": [], "package": None}
    write_record(record)
    return record


def wanted_libraries(project: dict[str, Any], extras: list[str]) -> list[str]:
    """Return the requirements of the package, its build, and the extras."""
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in extras:
        wanted += project["project"]["optional-dependencies"][extra]
    return wanted


def install_libraries(wanted: list[str], record: dict[str, Any]) -> None:
    """Install the requirements that were not asked for before."""
    missing = [requirement for requirement in wanted if requirement not in record["libraries"]]
    if not missing:
        return
    names = ", ".join(re.split(r"[<>=]", requirement)[0] for requirement in missing)
    # All are named again, so that pip keeps what was installed before within its bounds.
    narrate(f"Libraries: {names}", pip("install", *wanted), LOG, environment())
    record["libraries"] = sorted({*record["libraries"], *wanted})
    write_record(record)


def install_package(project: dict[str, Any], record: dict[str, Any]) -> None:
    """Build and install deltarule where its sources changed."""
    core = build_backend.wants_core()
    state = {"core": core, "sources": fingerprint()}
    if record["package"] == state:
        return
    if core:
        install_libraries([*wanted_libraries(project, []), *builders()], record)
    what = "with its compiled core" if core else "on its reference engine, without the core"
    options = ["--config-settings", f"build-dir={BUILD}"] if core else []
    if core and (isas := isas_here()):
        options += ["--config-settings", f"cmake.define.DELTARULE_ISAS={isas}"]
    narrate(
        f"deltarule {project['project']['version']} {what}",
        pip("install", "-v", "--no-deps", "--no-build-isolation", *options, "."),
        LOG,
        environment(),
    )
    record["package"] = state
    write_record(record)


def isas_here(flags: set[str] | None = None) -> str:
    """Return the instruction sets that this machine runs, for CMake; nothing where it is to choose.

    An installation of the project's own stays on this machine: kernels that it cannot run would
    take a third of the compiler's time. A wheel has them all.
    """
    if platform.machine() not in ("x86_64", "AMD64"):
        return ""
    if flags is None:
        try:
            text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
        flags = set(found[1].split()) if found else set()
    if not flags:
        return ""
    runs = [isa for isa, needed in WIDER_ISAS.items() if needed <= flags]
    return ";".join(["v2", *runs])


def builders() -> list[str]:
    """Return what must come from the registry to run CMake: nothing where it is installed."""
    question = (
        "import json, build_backend as b; print(json.dumps(b.get_requires_for_build_wheel()))"
    )
    answer = subprocess.run(
        [str(PYTHON), "-c", question],
        env={**environment(), "PYTHONPATH": "tools"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    requirements: list[str] = json.loads(answer.stdout)
    return requirements


def pip(action: str, *arguments: str) -> list[str]:
    """Return a pip command that asks nothing and draws no progress bar of its own."""
    quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return [str(PYTHON), "-m", "pip", action, *quiet, *arguments]


def environment() -> dict[str, str]:
    """Return the environment with the virtual one's programs first, for CMake and Ninja."""
    path = os.pathsep.join([str(PYTHON.parent.resolve()), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def fingerprint() -> str:
    """Return a hash over the names and contents of all sources."""
    digest = hashlib.sha256()
    for source in map(Path, SOURCES):
        for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if file.is_file() and file.suffix not in {".pyc", ".so"}:
                digest.update(f"{file}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def write_record(record: dict[str, Any]) -> None:
    """Write down what the environment holds now."""
    RECORD.write_text(json.dumps(record, indent=1), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

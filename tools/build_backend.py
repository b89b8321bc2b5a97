"""The build backend: scikit-build-core behind one question, asked first.

pip calls the hooks below. Where the compiled core is wanted and this machine cannot build it,
the build ends here with one sentence that names what is missing and how to get it, instead of
pages of CMake output. ``DELTARULE_PURE=1`` asks for no core, and then nothing is missing.

Run as a script it answers the same question for ``tools/preflight``: it prints the sentence
and exits with 1, or prints nothing and exits with 0. It needs Python 3.11 and nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

OLDEST_GCC = 11
OLDEST_CLANG = 14
COMPILERS = ("c++", "g++", "clang++")

# Compiled, never linked: fails where a compiler came without its standard library.
TRIAL = "#include <span>\n#include <vector>\nint main() { return 0; }\n"


def wants_core() -> bool:
    """Tell whether the compiled core is wanted (scikit-build-core reads the variable alike)."""
    word = os.environ.get("DELTARULE_PURE", "").lower()
    if word.isdigit():
        return int(word) == 0
    return word in {"", "n", "no", "off", "false", "f"}


def missing_for_core() -> str | None:
    """Return one sentence about what keeps this machine from building the core, or None."""
    lacks = [lack for lack in (find_compiler()[1], _header_lack()) if lack]
    if not lacks:
        return None
    return (
        f"The compiled core of deltarule cannot be built here: {' and '.join(lacks)}; "
        f"{_remedy()}, or set DELTARULE_PURE=1 to install the slower reference engine alone."
    )


def _header_lack() -> str | None:
    folder = Path(sysconfig.get_path("include"))
    if (folder / "Python.h").is_file():
        return None
    return f"Python.h of Python {_python_version()} is missing"


def find_compiler() -> tuple[str, str | None]:
    """Return the compiler to build with and None, or an empty name and what is wrong."""
    wanted = f"GCC {OLDEST_GCC} or newer, or Clang {OLDEST_CLANG} or newer"
    chosen = os.environ.get("CXX")
    if chosen:
        fault = _fault_of(shlex.split(chosen))
        return (chosen, None) if fault is None else ("", f"CXX={chosen} {fault} (needed: {wanted})")
    faults = {}
    for name in filter(shutil.which, COMPILERS):
        fault = _fault_of([name])
        if fault is None:
            return name, None
        faults[name] = fault
    for name, fault in faults.items():
        return "", f"{name} {fault} (needed: {wanted})"
    return "", f"there is no C++ compiler ({wanted})"


def _fault_of(command: list[str]) -> str | None:
    """Return what is wrong with a compiler, as the end of a sentence, or None."""
    if not command or shutil.which(command[0]) is None:
        return "is not a program that can be run"
    macros = _compile(command, ["-dM", "-E"], "")
    values = dict(re.findall(r"#define (__GNUC__|__clang_major__) (\d+)", macros.stdout))
    # Clang calls itself GCC 4 as well, so it is asked first.
    for name, macro, oldest in (
        ("Clang", "__clang_major__", OLDEST_CLANG),
        ("GCC", "__GNUC__", OLDEST_GCC),
    ):
        if macro in values:
            if int(values[macro]) < oldest:
                return f"is {name} {values[macro]}, which is too old"
            break
    else:
        return "is neither GCC nor Clang"
    if _compile(command, ["-std=c++20", "-fsyntax-only"], TRIAL).returncode != 0:
        return "cannot compile a C++20 program (is its standard library installed?)"
    return None


def _compile(
    command: list[str], options: list[str], source: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *options, "-x", "c++", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )


def _remedy() -> str:
    """Return the start of a sentence that installs what is missing on this kind of machine."""
    if sys.platform == "darwin":
        return "install Apple's tools with `xcode-select --install`"
    version = _python_version()
    system_python = Path("/usr/bin/python3")
    is_default = system_python.exists() and system_python.resolve().name == f"python{version}"
    if shutil.which("apt-get"):
        header = "python3-dev" if is_default else f"python{version}-dev"
        return f"install it with `apt-get install g++ {header}`"
    if shutil.which("dnf"):
        header = "python3-devel" if is_default else f"python{version}-devel"
        return f"install it with `dnf install gcc-c++ {header}`"
    return "install a C++ compiler and Python's headers with the system's package manager"


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _demand_core_tools() -> None:
    if not wants_core():
        return
    sentence = missing_for_core()
    if sentence is not None:
        raise SystemExit(sentence)
    # CMake would take c++ first, even where that one is too old and another would do.
    os.environ["CXX"] = find_compiler()[0]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Ask the question, then say which of CMake and Ninja must come from the registry."""
    _demand_core_tools()
    from scikit_build_core import build

    return build.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """Do the same for an editable install."""
    _demand_core_tools()
    from scikit_build_core import build

    return build.get_requires_for_build_editable(config_settings)


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    """Ask nothing: a source archive needs no compiler."""
    from scikit_build_core import build

    return build.get_requires_for_build_sdist(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Any = None) -> str:
    """Write the wheel's metadata."""
    from scikit_build_core import build

    return build.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def prepare_metadata_for_build_editable(
    metadata_directory: str, config_settings: Any = None
) -> str:
    """Write the editable wheel's metadata."""
    from scikit_build_core import build

    return build.prepare_metadata_for_build_editable(metadata_directory, config_settings)


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel, with the core unless DELTARULE_PURE asks for none."""
    _demand_core_tools()
    from scikit_build_core import build

    return build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Build the editable wheel."""
    _demand_core_tools()
    from scikit_build_core import build

    return build.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Build the source archive."""
    from scikit_build_core import build

    return build.build_sdist(sdist_directory, config_settings)


if __name__ == "__main__":
    answer = missing_for_core() if wants_core() else None
    if answer is not None:
        print(answer)
        raise SystemExit(1)

"""Builds the core for aarch64 with a cross compiler and runs its C++ tests under qemu.

`python tools/aarch64.py`, in the project's root, after `tools/install.py`. Without the compiler or
qemu it says what is missing and ends with status 0.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from install import environment
from narrator import CommandFailedError, narrate

COMPILER = "aarch64-linux-gnu-g++"
EMULATOR = "qemu-aarch64"
BUILD = Path("build") / "aarch64"
LOG = Path("build") / "aarch64.log"
# All but one, some at a time, for qemu takes twenty times as long: a thread that starts in a forked
# child ends qemu 7.2 itself, in an assertion of qemu's plugins/core.c.
CHOICE = ("-E", "^forks$", "-j", str(os.cpu_count() or 1))


def main() -> int:
    """Build and run; return an exit status."""
    missing = [program for program in (COMPILER, EMULATOR) if not shutil.which(program)]
    if missing:
        print(
            f"aarch64 is left out: {' and '.join(missing)} not found. "
            "Install with: apt-get install g++-aarch64-linux-gnu qemu-user"
        )
        return 0
    LOG.unlink(missing_ok=True)
    configure = [
        *("cmake", "-S", "cpp", "-B", str(BUILD), "-G", "Ninja"),
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_CXX_COMPILER={COMPILER}",
        f"-DCMAKE_CROSSCOMPILING_EMULATOR={EMULATOR};-L;/usr/aarch64-linux-gnu",
        "-DDELTARULE_TESTS=ON",
        "-DDELTARULE_WERROR=ON",
    ]
    test = ["ctest", "--test-dir", str(BUILD), "--no-tests=error", "--output-on-failure", *CHOICE]
    try:
        narrate("The core for aarch64: configured", configure, LOG, environment())
        narrate("  built, tests included", ["cmake", "--build", str(BUILD)], LOG, environment())
        narrate("  the C++ tests under qemu", test, LOG, environment())
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Compiles the kernels for the instruction sets that this machine cannot run.

`python tools/every_isa.py`, after an installation. The project's own installations leave them out
(`install.isas_here`), wheels have them: that they compile without a warning is seen here.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import install

BUILD = Path("build") / "isas"
ALL = ("v2", "v3", "v4")


def main() -> int:
    """Compile them; return an exit status."""
    here = install.isas_here().split(";")
    left = [isa for isa in ALL if isa not in here]
    if platform.machine() not in ("x86_64", "AMD64") or not left or here == [""]:
        print("Kernels for every instruction set were compiled with the package.")
        return 0
    commands = (
        [
            *("cmake", "-S", "cpp", "-B", str(BUILD), f"-DDELTARULE_ISAS={';'.join(left)}"),
            *("-DDELTARULE_TESTS=OFF", "-DDELTARULE_WERROR=ON"),
        ],
        ["cmake", "--build", str(BUILD), "-j2"],
    )
    environment = {**os.environ, "PATH": install.environment()["PATH"]}
    for command in commands:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            print(done.stdout)
            return done.returncode
    print(f"Kernels compile for what this machine cannot run too: {', '.join(left)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

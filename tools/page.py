"""Builds the page of the playground: from ``web/`` and the core to files that users get.

`python tools/page.py` needs Node 20.19 or newer with npm, and Emscripten for the core as
WebAssembly where its sources changed (Debian's `emscripten`). What it writes,
``src/deltarule/playground/static``, is committed, so that nobody who uses the package needs
either; `sources_hash` says whether it is what ``web/`` would make now.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import web_core
import web_options

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web"
STATIC = ROOT / "src" / "deltarule" / "playground" / "static"
RECORD = STATIC / "build.json"

#: What the page is made of, beside `FOLDERS`.
FILES = ("index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts")
FOLDERS = ("src", "public")


def sources_hash() -> str:
    """SHA-256 over names and contents of all that the page is made of."""
    paths = [WEB / name for name in FILES]
    for folder in FOLDERS:
        paths += [path for path in (WEB / folder).rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.relative_to(WEB).as_posix()):
        digest.update(path.relative_to(WEB).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    """Build, or with --check only hold the sources to their types; return an exit status."""
    for program, package in (("node", "nodejs"), ("npm", "npm")):
        if shutil.which(program) is None:
            print(
                f"The page is built with {program}, which is not installed. On Debian and Ubuntu: "
                f"apt-get install {package} (Node 20.19 or newer).",
                file=sys.stderr,
            )
            return 1
    check = arguments == ["--check"]
    if not check:
        web_options.FILE.write_text(web_options.text(), encoding="utf-8")
        if web_core.main():
            return 1
    for command in (
        ["npm", "ci", "--no-audit", "--no-fund"],
        ["npm", "run", "--silent", "check" if check else "build"],
    ):
        print(f"web: {' '.join(command)}", flush=True)
        done = subprocess.run(command, cwd=WEB, check=False)
        if done.returncode:
            return done.returncode
    if check:
        return 0
    RECORD.write_text(json.dumps({"sources": sources_hash()}) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

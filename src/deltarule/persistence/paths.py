"""Writing files so that a crash at any moment leaves the old file or the new one."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import NoReturn

from deltarule.exceptions import OutputPathError

PathLike = str | os.PathLike[str]


def check_writable(path: PathLike) -> None:
    """Find out now, not after an hour of training, whether a file can be written.

    A file of a temporary name is made in the same folder and removed: the only question whose
    answer is right for root, read-only mounts and full quotas alike.

    Raises
    ------
    OutputPathError
        If the folder is missing or closed, or the path is a folder or a device.
    """
    target = _target(path)
    descriptor, temporary = _temporary(target, path)
    os.close(descriptor)
    with contextlib.suppress(OSError):
        temporary.unlink()


def replace_file(path: PathLike, content: bytes) -> None:
    """Write a file as a whole: temporary name in the same folder, fsync, rename, fsync folder.

    Raises
    ------
    OutputPathError
        If any of it fails; the file of that name, if there was one, is untouched.
    """
    target = _target(path)
    descriptor, temporary = _temporary(target, path)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(problem, OSError):
            _cannot_write(path, f"{problem.strerror or problem}", "Free some space or choose")
        raise


def _target(path: PathLike) -> Path:
    """The file that is meant, behind links, so that a link stays one."""
    text = os.fspath(path)
    if "\0" in text or not text:
        _cannot_write(repr(text), "not a file name", "Choose")
    target = Path(os.path.realpath(text))
    if target.is_dir() or text.endswith(os.sep):
        _cannot_write(path, "it is a folder", "Add a file name, or choose")
    if target.exists() and not target.is_file():
        _cannot_write(path, "it is no regular file", "Choose")
    if not target.parent.is_dir():
        _cannot_write(path, f"the folder {target.parent} does not exist", "Make it, or choose")
    return target


def _temporary(target: Path, path: PathLike) -> tuple[int, Path]:
    temporary = target.parent / f".{target.name[:64]}.{secrets.token_hex(6)}.partial"
    try:
        return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), temporary
    except OSError as problem:
        _cannot_write(path, problem.strerror or str(problem), "Choose")


def _sync_folder(folder: Path) -> None:
    # Windows opens no folders; there the rename itself is what can be had.
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cannot_write(path: PathLike, why: str, remedy: str) -> NoReturn:
    raise OutputPathError(
        f"{os.fspath(path)} cannot be written: {why}. {remedy} another path."
    ) from None

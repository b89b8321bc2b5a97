"""Writing files so that a crash at any moment leaves the old file or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO, NoReturn

from deltarule.exceptions import OutputPathError

PathLike = str | os.PathLike[str]

#: What a system or a mount says that does not sync folders, or not for this user.
_NO_SYNC = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF)


class NotRegularError(OSError):
    """What was to be read is a pipe, a device or a socket."""


def open_regular(path: PathLike) -> BinaryIO:
    """Open a regular file to read; a pipe that nobody writes to must not make the reader wait.

    Raises
    ------
    NotRegularError
        If the path is a pipe, a device or a socket.
    OSError
        If it is a folder, or cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise NotRegularError(errno.EINVAL, "not a regular file")
        return open(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


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

    A file that is replaced hands on its permissions: who could not read the old one cannot read
    the new one. Where a folder cannot be synced, the rename itself is what can be had.

    Raises
    ------
    OutputPathError
        If any of it fails; the file of that name, if there was one, is untouched. Only where the
        disk fails after the rename the new file is there, and the message says so.
    """
    target = _target(path)
    descriptor, temporary = _temporary(target, path)
    try:
        with open(descriptor, "wb") as file:
            _take_over_mode(target, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(problem, OSError):
            _cannot_write(path, f"{problem.strerror or problem}", "Free some space or choose")
        raise
    try:
        _sync_folder(target.parent)
    except OSError as problem:
        if problem.errno not in _NO_SYNC:
            raise OutputPathError(
                f"{os.fspath(path)} is written, but its folder could not be synced "
                f"({problem.strerror or problem}): a power cut may undo it. Check the disk."
            ) from None


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
    # In place of a file nobody else may look before the permissions are those of the old one.
    mode = 0o600 if target.exists() else 0o666
    try:
        return os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), temporary
    except OSError as problem:
        _cannot_write(path, problem.strerror or str(problem), "Choose")


def _take_over_mode(target: Path, descriptor: int) -> None:
    if os.name == "posix" and target.exists():
        # A file system without permissions says no, and has none to hand on.
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, target.stat().st_mode & 0o777)


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

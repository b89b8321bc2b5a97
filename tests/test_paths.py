"""Writing files: permissions, folders that cannot be synced; reading: nothing that waits."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from deltarule.exceptions import ModelFileError, OutputPathError
from deltarule.persistence import NotRegularError, open_regular, read, replace_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions and pipes of POSIX")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_replaced_file_hands_on_its_permissions(tmp_path, mode):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    path.chmod(mode)
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_permissions_that_the_user_set(tmp_path):
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "model", b"new")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o640


def failing_folder_sync(monkeypatch, number):
    sync = os.fsync

    def fail(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.EPERM])
def test_a_folder_that_does_not_sync_is_no_failure(tmp_path, monkeypatch, number):
    failing_folder_sync(monkeypatch, number)
    replace_file(tmp_path / "model", b"new")
    assert (tmp_path / "model").read_bytes() == b"new"


def test_a_failing_disk_after_the_rename_is_told_as_what_it_is(tmp_path, monkeypatch):
    failing_folder_sync(monkeypatch, errno.EIO)
    with pytest.raises(OutputPathError) as caught:
        replace_file(tmp_path / "model", b"new")
    assert str(caught.value) == (
        f"{tmp_path}/model is written, but its folder could not be synced (Input/output error): a "
        "power cut may undo it. Check the disk."
    )
    assert (tmp_path / "model").read_bytes() == b"new"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegularError):
        open_regular(tmp_path / "pipe")
    with pytest.raises(ModelFileError) as caught:
        read(tmp_path / "pipe")
    assert str(caught.value) == (
        f"{tmp_path}/pipe: not a regular file. Give the path of a model file."
    )
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)

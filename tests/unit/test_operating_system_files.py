"""Files of strangers are opened without waiting and read without more memory than they may have."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.operating_system import files


def test_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read_regular(tmp_path / "a", 5) == b"12345"
    with pytest.raises(files.TooLargeError, match="larger than"):
        files.read_regular(tmp_path / "a", 4)


def test_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "b").symlink_to("a")
    assert files.read_regular(tmp_path / "b", 5) == b"12345"
    with pytest.raises(OSError, match="b") as caught:
        files.read_regular(tmp_path / "b", 5, is_following_links=False)
    assert caught.value.errno == errno.ELOOP


def test_other_kinds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(files.NotRegularError, match="not a regular file"):
            files.read_regular(path, 5)


def test_sparse_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(3 * 1024**3)
    with pytest.raises(files.TooLargeError):
        files.read_regular(tmp_path / "sparse", 1024**2)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EINVAL, errno.ENOTSUP])
def test_a_file_that_is_not_opened_at_once_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "leased").write_bytes(b"12345")
    os.mkfifo(tmp_path / "fifo")
    real, refused = os.open, []

    def refuse(path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & os.O_NONBLOCK:
            refused.append(path)
            raise OSError(number, os.strerror(number))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    assert files.read_regular(tmp_path / "leased", 5) == b"12345"
    with pytest.raises(OSError, match=os.strerror(number)):
        files.read_regular(tmp_path / "fifo", 5)
    assert len(refused) == 2


# ── without POSIX ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "a", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"12345")
    yield descriptor
    os.close(descriptor)


def test_without_locks_the_error_is_that_of_a_file_system_without_locks(
    opened: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "fcntl", None)
    for lock in (files.lock_exclusive, files.lock_shared):
        with pytest.raises(OSError, match="no file locks") as caught:
            lock(opened, is_waiting=False)
        assert caught.value.errno == errno.ENOSYS


def test_places_in_files_without_their_calls(opened: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        assert files.read_at(opened, 2, 1) == b"23"
        files.write_at(opened, b"2", 1)
        monkeypatch.delattr(os, "pread", raising=False)
        monkeypatch.delattr(os, "pwrite", raising=False)


def test_owners_and_modes_without_their_calls(opened: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("geteuid", "fchown", "fchmod", "pathconf"):
        monkeypatch.delattr(os, name)
    files.set_owner(opened, 1, 1)
    files.set_mode(opened, 0o777)
    assert files.user_id() is None
    assert not files.is_root()
    assert files.longest_name_bytes(Path("/")) is None


def test_a_name_is_free_where_open_files_cannot_be_renamed(
    opened: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.release_name(opened)
    assert os.fstat(opened).st_ino == (tmp_path / "a").stat().st_ino
    monkeypatch.setattr(files, "_IS_RENAMING_OPEN", False)
    files.release_name(opened)
    assert os.fstat(opened).st_rdev == Path(os.devnull).stat().st_rdev
    assert not os.get_inheritable(opened)

"""What a file system may refuse: it is said once, and never fails a result."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError
from qasr_cli.operating_system import refusals
from qasr_cli.runs.files import atomic_write, ownership

NO = (errno.EPERM, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS, errno.EROFS)
Refuse = Callable[[str, int], list[int]]


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_said", set())


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Make a function of `os` fail; the list that is returned has an entry for each call."""

    def make(name: str, number: int) -> list[int]:
        calls: list[int] = []

        def fail(*_: Any, **__: Any) -> NoReturn:
            calls.append(number)
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, name, fail)
        return calls

    return make


def _write(path: Path, text: str = "new\n", **more: bool) -> None:
    atomic_write.write(path, text, is_overwrite=more.pop("is_overwrite", False), **more)


@pytest.mark.parametrize("number", NO)
@pytest.mark.parametrize("name", ["fchmod", "fsync"])
def test_a_refusal_is_said_once_and_fails_nothing(
    tmp_path: Path, refuse: Refuse, caplog: pytest.LogCaptureFixture, name: str, number: int
) -> None:
    calls = refuse(name, number)
    for stem in "abc":
        _write(tmp_path / f"{stem}.srt")
    assert len(calls) >= 3
    assert [(tmp_path / f"{stem}.srt").read_text() for stem in "abc"] == ["new\n"] * 3
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == (1 if name == "fchmod" else 2)  # fsync: of files and of folders
    assert all(str(tmp_path) in line and os.strerror(number) in line for line in lines)
    assert len(os.listdir(tmp_path)) == 3  # noqa: PTH208 - names


def test_the_owner_is_refused_to_root(
    tmp_path: Path, refuse: Refuse, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    calls = refuse("fchown", errno.EPERM)
    _write(tmp_path / "made" / "too" / "a.srt")
    ownership.make_folder(tmp_path / "b")
    assert len(calls) == 4  # two folders, a file, a folder
    assert "does not set the owner of files (Operation not permitted)" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_sync_that_loses_bytes_is_an_error(tmp_path: Path, refuse: Refuse, number: int) -> None:
    refuse("fsync", number)
    with pytest.raises(InputOutputError) as raised:
        _write(tmp_path / "a.srt")
    assert ("free some space" in raised.value.hint) is (number != errno.EIO)
    assert not list(tmp_path.iterdir())


def test_the_mode_is_right_even_where_it_cannot_be_changed(tmp_path: Path, refuse: Refuse) -> None:
    refuse("fchmod", errno.EPERM)
    _write(tmp_path / "a.srt")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "a.srt").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("name", ["utime", "chmod", "fchmod"])
@pytest.mark.parametrize("link_error", [errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS])
def test_a_backup_without_links_needs_neither_times_nor_modes(
    tmp_path: Path, refuse: Refuse, name: str, link_error: int
) -> None:
    path = tmp_path / "a.srt"
    path.write_text("old\n")
    links, calls = refuse("link", link_error), refuse(name, errno.EPERM)
    _write(path, is_overwrite=True, is_backup=True)
    assert links
    assert calls
    assert path.read_text() == "new\n"
    assert (tmp_path / "a.srt.bak").read_text() == "old\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_backup_has_the_times_of_its_original(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "a.srt"
    path.write_text("old\n")
    os.utime(path, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    path.chmod(0o640)
    refuse("link", errno.EPERM)
    _write(path, is_overwrite=True, is_backup=True)
    status = (tmp_path / "a.srt.bak").stat()
    assert status.st_mtime_ns == 1_600_000_000_123_456_789
    assert status.st_mode & 0o777 == 0o640


def test_a_link_that_is_made_and_refused_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def twice(*arguments: Any, **more: Any) -> None:  # as NFS does when the first answer is lost
        real(*arguments, **more)
        real(*arguments, **more)

    monkeypatch.setattr(os, "link", twice)
    _write(tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_text() == "new\n"
    with pytest.raises(CannotCreateError, match="already exists"):
        _write(tmp_path / "a.srt", "newer\n")


@pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOTSUP, errno.ENOSYS])
@pytest.mark.parametrize("is_overwrite", [False, True])
def test_a_union_that_renames_nothing_has_a_copy(
    tmp_path: Path, refuse: Refuse, number: int, is_overwrite: bool
) -> None:
    path = tmp_path / "a.srt"
    if is_overwrite:
        path.write_text("old\n")
    links, renames = refuse("link", number), [*[refuse(name, number) for name in ("rename", "replace")]]
    _write(path, is_overwrite=is_overwrite)
    assert bool(links) is not is_overwrite
    assert any(renames)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["new\n"]
    with pytest.raises(CannotCreateError, match="already exists"):
        _write(path)


def test_a_server_that_renames_over_no_file_has_it_removed(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "a.srt").write_text("old\n")
    assert refuse("replace", errno.EEXIST) == []
    _write(tmp_path / "a.srt", is_overwrite=True)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["new\n"]


def test_a_copy_that_fails_leaves_no_part(
    tmp_path: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("link", "rename", "replace"):
        refuse(name, errno.EXDEV)

    def full(*_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(InputOutputError, match="No space left"):
        _write(tmp_path / "a.srt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n_bytes", [248, 252, 255])
def test_a_name_as_long_as_possible_is_written_and_backed_up(tmp_path: Path, n_bytes: int) -> None:
    for name in ("a" * (n_bytes - 4) + ".srt", "가" * ((n_bytes - 4) // 3) + ".srt"):
        path = tmp_path / name
        for text in ("1", "2", "3"):
            _write(path, text, is_overwrite=True, is_backup=True)
        kept = sorted(one.read_text() for one in tmp_path.iterdir() if one != path)
        assert (path.read_text(), kept) == ("3", ["1", "2"])
        for one in tmp_path.iterdir():
            one.unlink()


def test_a_temporary_file_that_stays_does_not_undo_the_result(
    tmp_path: Path, refuse: Refuse, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        refuse("unlink", errno.EBUSY)
        _write(tmp_path / "a.srt")
        patch.undo()
    assert (tmp_path / "a.srt").read_text() == "new\n"
    assert "does not remove a temporary file" in caplog.text


def test_a_folder_of_more_parts_than_python_has_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ownership.make_folder(Path("a/" * 1_500))
    assert Path("a/" * 1_500).is_dir()
    for _ in range(1_500):  # pytest's own tidying calls itself for each folder
        if Path("a/a").exists():
            Path("a/a").rename("b")
        Path("a").rmdir()
        if Path("b").exists():
            Path("b").rename("a")

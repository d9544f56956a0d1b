"""A log file survives whatever rotates it, and a failure to write it stops nothing."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError
from qasr_cli.terminal import logs


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("qasr_cli")
    before = (root.handlers[:], root.level, own.level)
    yield
    for handler in root.handlers:
        if handler not in before[0]:
            handler.close()
    root.handlers[:], root.level, own.level = before
    logging.getLogger("qasr_events").handlers[:] = [logging.NullHandler()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    logs.configure(0, path)
    logs.record("one", "info", {})
    return path


def events(path: Path) -> list[str]:
    return [line.split()[2] for line in path.read_text("utf-8").splitlines()]


def test_renamed_as_logrotate_does(log: Path) -> None:
    rotated = log.rename(log.with_name("log.1"))
    logs.record("two", "info", {})
    assert (events(rotated), events(log)) == (["one"], ["two"])


def test_renamed_and_created(log: Path) -> None:
    rotated = log.rename(log.with_name("log.1"))
    log.touch(mode=0o600)
    logs.record("two", "info", {})
    assert (events(rotated), events(log)) == (["one"], ["two"])
    assert log.stat().st_mode & 0o777 == 0o600


def test_emptied_in_place_without_zero_bytes(log: Path) -> None:
    os.truncate(log, 0)
    logs.record("two", "info", {})
    assert events(log) == ["two"]


def test_deleted(log: Path) -> None:
    log.unlink()
    logs.record("two", "info", {})
    assert events(log) == ["two"]


def test_opened_anew_when_asked(log: Path) -> None:
    log.unlink()
    logs.reopen()
    assert log.read_text() == ""
    logs.record("two", "info", {})
    assert events(log) == ["two"]


def test_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    first, second, link = tmp_path / "monday", tmp_path / "tuesday", tmp_path / "log"
    link.symlink_to(first)
    logs.configure(0, link)
    logs.record("one", "info", {})
    link.unlink()
    link.symlink_to(second)
    logs.record("two", "info", {})
    assert (events(first), events(second)) == (["one"], ["two"])


def test_its_folder_goes_and_comes_back(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = log.parent
    moved = folder.rename(folder.with_name("elsewhere"))
    for _ in range(3):
        logs.record("lost", "info", {})
    assert capsys.readouterr().err.count("No such file or directory; no events are logged until") == 1
    folder.mkdir()
    logs.record("two", "info", {})
    assert (events(moved / "log"), events(log)) == (["one"], ["two"])


def test_a_film_or_a_pipe_in_its_place_is_left_alone(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.unlink()
    log.write_bytes(b"\0film")
    logs.record("two", "info", {})
    assert log.read_bytes() == b"\0film"
    log.unlink()
    os.mkfifo(log)
    logs.record("three", "info", {})  # and does not wait for a reader
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_pipe_without_a_reader_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    with pytest.raises(InputOutputError, match="log"):
        logs.configure(0, tmp_path / "log")


def test_a_pipe_with_a_reader_takes_every_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    texts: list[str] = []
    reading, writing = threading.Event(), threading.Event()

    def read() -> None:
        reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
        reading.set()
        writing.wait(10)  # without a writer the pipe would be at its end
        os.set_blocking(reader, True)
        with os.fdopen(reader) as file:
            texts.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(10)
    logs.configure(0, tmp_path / "log")
    writing.set()
    for number in range(3_000):  # more than a pipe holds
        logs.record("event", "info", {"number": number, "more": "x" * 50})
    for handler in logging.getLogger().handlers:
        handler.close()
    thread.join(10)
    assert texts[0].count("\n") == 3_000


def test_a_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\0film")
    with pytest.raises(CannotCreateError, match="not a text file"):
        logs.configure(0, tmp_path / "log")

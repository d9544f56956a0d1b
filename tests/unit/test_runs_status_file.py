"""`--status`: a file that is always whole, and is not synced to the disk for every clip of an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import CannotCreateError
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.reports.status_file import StatusFile, WatchState


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_single_files_do_not_each_write_it_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    status = StatusFile(path, [tmp_path])
    status.open()
    for number in range(50):  # well within a second
        status.finished(Outcome(Source(number, Path(f"{number}.wav"), Path(f"{number}.wav")), Status.DONE))
    assert read(path)["totals"]["done"] == 0
    status.enter(WatchState.WAITING)
    assert read(path)["totals"]["done"] == 50
    assert read(path)["state"] == "waiting"


@pytest.mark.parametrize("error", [MemoryError("no memory"), SystemExit(143), KeyboardInterrupt()])
def test_whatever_ends_it_is_in_it(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "status.json"
    status = StatusFile(path, [tmp_path])
    with pytest.raises(type(error)), status.kept():  # noqa: PT012 - a state before the end
        status.enter(WatchState.WAITING)
        raise error
    assert read(path)["state"] == "stopped"
    text = (read(path)["last_error"] or {}).get("text")
    assert text == ("no memory" if isinstance(error, Exception) else None)


def test_a_signal_in_the_last_write_itself_does_not_cut_it_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "status.json"
    status, write, n_writes = StatusFile(path, [tmp_path]), atomic_write.write, 0

    def interrupted(*arguments: Any, **keywords: Any) -> None:
        nonlocal n_writes
        n_writes += 1
        if n_writes == 2:  # a signal raises once in the life of a process
            raise SystemExit(143)
        write(*arguments, **keywords)

    monkeypatch.setattr(atomic_write, "write", interrupted)
    with pytest.raises(SystemExit), status.kept():
        pass
    assert read(path)["state"] == "stopped"


def test_another_file_is_never_told_that_the_watch_has_stopped(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(b"film")
    with pytest.raises(CannotCreateError), StatusFile(path, [tmp_path]).kept():
        pass
    assert path.read_bytes() == b"film"

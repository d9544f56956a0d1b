"""`--status`: a file that is always whole, and is not synced to the disk for every clip of an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qasr_cli.records import Outcome, Source, Status
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

"""The three lanes of a run together: outcomes one at a time, and an end that does not wait for decoders."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest
import soundfile

from qasr_cli.errors import UnavailableError
from qasr_cli.media import flac_server
from qasr_cli.options import EngineOptions, Options, OutputOptions
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.runs.execution.run import Run
from qasr_cli.runs.planning.output_plan import Plan
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.terminal.events import Reporter
from tests import fakes
from tests.e2e.conftest import CLIP

IN_MEMORY = Options(output=OutputOptions(formats=(), is_stdout=True))
N_PAIRS = 8


def plans(paths: Sequence[Path]) -> list[Plan]:
    return [Plan(Source(number, path, Path(path.name)), {}) for number, path in enumerate(paths)]


class OneAtATime(Reporter):
    """Fails when two threads finish a source at once, and takes long enough for that to happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.threads: set[str] = set()

    def finished(self, outcome: Outcome) -> None:
        assert self._lock.acquire(blocking=False), "two outcomes at once"
        self.threads.add(threading.current_thread().name.partition("_")[0])
        time.sleep(0.05)
        self._lock.release()


def test_outcomes_of_two_lanes_come_one_at_a_time(tmp_path: Path) -> None:
    """Sources that cannot be read end in the engine lane's thread, the others in that of the finish lane."""
    small = fakes.Echo(EngineOptions(), max_batch_ms=500)  # a window ends with each source
    reporter = OneAtATime()
    run = Run(IN_MEMORY, lambda: Session(Engines(small, fakes.Even())), reporter, lambda text: None)
    report = run.execute(plans([CLIP, tmp_path / "gone.wav"] * N_PAIRS))
    assert (report.count(Status.DONE), report.count(Status.FAILED)) == (N_PAIRS, N_PAIRS)
    assert reporter.threads == {threading.main_thread().name, "finish"}


def test_a_run_that_cannot_begin_waits_for_no_decoder(tmp_path: Path) -> None:
    path, n_bytes = tmp_path / "day.wav", 18 * 3_600 * 32_000  # silence, which takes up no room on the disk
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16)
    head = (
        struct.pack("<4sI4s", b"RIFF", n_bytes + 36, b"WAVE") + form + struct.pack("<4sI", b"data", n_bytes)
    )
    with path.open("wb") as day:
        day.write(head)
        day.truncate(len(head) + n_bytes)

    def fail() -> NoReturn:
        time.sleep(0.5)  # until the decoder is well under way
        raise UnavailableError("no model")

    begun_s = time.monotonic()
    with pytest.raises(UnavailableError, match="no model"):
        Run(IN_MEMORY, fail, Reporter(), lambda text: None).execute(plans([path]))
    assert time.monotonic() - begun_s < 10  # decoding all of it takes minutes


@pytest.mark.parametrize(("n_files", "n_of_child"), [(9, 0), (10, 10)])
def test_many_flac_files_share_one_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_files: int, n_of_child: int
) -> None:
    decoded: list[int] = []
    decode = flac_server.FlacServer.decode

    def counted(server: flac_server.FlacServer, descriptor: int, n_bytes: int) -> bytes | None:
        samples = decode(server, descriptor, n_bytes)
        decoded.append(len(samples or b""))
        return samples

    monkeypatch.setattr(flac_server.FlacServer, "decode", counted)
    speech, rate_hz = soundfile.read(CLIP, dtype="int16")
    for number in range(n_files):
        soundfile.write(tmp_path / f"{number}.flac", speech[number * 800 :], rate_hz)
    run = Run(IN_MEMORY, lambda: Session(fakes.echo(EngineOptions())), Reporter(), lambda text: None)
    report = run.execute(plans(sorted(tmp_path.iterdir())))
    assert report.count(Status.DONE) == n_files
    assert sorted(decoded) == sorted(2 * (len(speech) - number * 800) for number in range(n_of_child))
    assert flac_server.active() is None

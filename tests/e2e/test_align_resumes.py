"""`qasr align` that was killed, or given the wrong script, does not recognise again what it knows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import ExitCode
from qasr_cli.options import DecodeOptions, EngineOptions, Options, OutputOptions
from qasr_cli.records import Hypothesis, Outcome, Stage, Status
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.tasks import outputs
from qasr_cli.tasks.align import AlignInputs, Surroundings, run_alignment
from qasr_cli.terminal.progress import QuietReporter
from tests import fakes
from tests.e2e.conftest import SAMPLES, environment

TALK = SAMPLES / "talk.mp4"
N_BEFORE_KILL = 3


class _Killed(fakes.Echo):
    """Dies with its process in the fourth batch."""

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        if len(self.batches) == N_BEFORE_KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().recognize(audio, options)


def killed(options: EngineOptions) -> Engines:
    return Engines(_Killed(options), fakes.Even())


def align(folder: Path, script: Path) -> tuple[Outcome, int]:
    """Run in this process, a chunk a batch; return the outcome and how many batches were recognised."""
    recognizer = fakes.Echo(EngineOptions(batch_size=1))
    layout = outputs.resolve(OutputOptions(formats=("srt", "json"), folder=folder))
    around = Surroundings(
        lambda: Session(Engines(recognizer, fakes.Even())),
        QuietReporter(),
        lambda text: None,
        lambda *_: None,
    )
    report = run_alignment(AlignInputs(TALK, script), layout, Options(), around)
    return report.outcomes[0], len(recognizer.batches)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the fake recogniser makes of the talk, as a script."""
    folder = tmp_path_factory.mktemp("script")
    arguments = (
        "transcribe",
        TALK,
        "--engine",
        "tests.fakes:echo",
        "--batch-size",
        "1",
        "--txt",
        "-o",
        folder,
    )
    subprocess.run([sys.executable, "-m", "qasr_cli", *map(str, arguments)], env=environment(), check=True)
    return folder / "talk.txt"


@pytest.fixture(scope="module")
def whole(script: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """Return the results of a call that nothing interrupts, and its number of batches."""
    folder = tmp_path_factory.mktemp("whole")
    outcome, n_batches = align(folder, script)
    assert outcome.status is Status.DONE, outcome.error
    assert not (folder / ".qasr").exists()
    return results(folder), n_batches


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_one_that_was_killed_goes_on_where_it_was(
    script: Path, whole: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    arguments = ("align", TALK, script, "--engine", f"{__name__}:killed", "--batch-size", "1", "-o", tmp_path)
    dead = subprocess.run(
        [sys.executable, "-m", "qasr_cli", *map(str, arguments)], env=environment(), check=False
    )
    assert dead.returncode == -signal.SIGKILL
    (kept,) = (tmp_path / ".qasr" / "checkpoints").iterdir()
    assert len(kept.read_bytes().splitlines()) == 1 + N_BEFORE_KILL
    outcome, n_batches = align(tmp_path, script)
    expected, n_whole = whole
    assert outcome.status is Status.DONE
    assert n_batches == n_whole - N_BEFORE_KILL
    assert results(tmp_path) == expected
    assert not (tmp_path / ".qasr").exists()


def test_a_corrected_script_needs_no_second_recognition(
    script: Path, whole: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("Entirely different words about quantum physics.", "utf-8")
    outcome, n_batches = align(tmp_path / "out", wrong)
    assert (outcome.status, n_batches) == (Status.FAILED, whole[1])
    outcome, n_batches = align(tmp_path / "out", script)
    assert (outcome.status, n_batches) == (Status.DONE, 0)
    assert results(tmp_path / "out") == whole[0]


def test_state_keeps_it_out_of_the_results_folder(
    script: Path, whole: tuple[dict[str, bytes], int], tmp_path: Path
) -> None:
    """As `state` in qasr.toml does for every other command."""
    state = tmp_path / "state"
    state.mkdir()
    words = ("--engine", "tests.fakes:echo", "--batch-size", "1", "--srt", "--json", "-o", tmp_path / "out")

    def align_by_command(script: Path) -> int:
        arguments = ("-m", "qasr_cli", "align", TALK, script, *words)
        env = environment(QASR_STATE=str(state))
        return subprocess.run([sys.executable, *map(str, arguments)], env=env, check=False).returncode

    wrong = tmp_path / "wrong.txt"
    wrong.write_text("Entirely different words about quantum physics.", "utf-8")
    assert align_by_command(wrong) == ExitCode.QUALITY
    (kept,) = (state / "checkpoints").iterdir()
    assert len(kept.read_bytes().splitlines()) == 1 + whole[1]
    assert not (tmp_path / "out" / ".qasr").exists()
    assert align_by_command(script) == ExitCode.OK
    assert results(tmp_path / "out") == whole[0]
    assert list(state.iterdir()) == []  # and the user's folder stays


def test_each_stage_has_its_time(script: Path, tmp_path: Path) -> None:
    outcome, _ = align(tmp_path, script)
    assert {*outcome.stage_s} == {*Stage} - {Stage.SPEAKERS}
    assert outcome.stage_s[Stage.ALIGN] > 0


def test_a_ledger_in_the_folder_does_not_hear_of_it(script: Path, tmp_path: Path) -> None:
    """A later run would replace a timed script with a transcript, as if that were its own."""
    ledger = tmp_path / ".qasr" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.touch()
    outcome, _ = align(tmp_path, script)
    assert outcome.status is Status.DONE
    assert ledger.read_bytes() == b""

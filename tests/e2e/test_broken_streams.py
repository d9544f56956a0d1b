"""Standard streams that are closed, full or without a reader: what cannot be told never costs a result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr, StartQasr, copy_old, environment

N_CLIPS = 8  # more than the threads that read ahead


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for number in range(N_CLIPS):
        copy_old(CLIP, folder / f"{number}.wav")
    return folder


def in_shell(folder: Path, redirections: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `qasr ARGUMENTS REDIRECTIONS` as a shell does, and from nothing."""
    program = [sys.executable, "-m", "qasr_cli", *map(str, arguments)]
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *program],
        capture_output=True, text=True, cwd=folder, env=environment(), timeout=120, check=False,
    )  # fmt: skip


def n_results(folder: Path) -> int:
    return len(list(folder.glob("*.srt")))


class TestNobodyReadsProgress:
    @pytest.mark.parametrize("style", ["json", "plain", "bar"])
    def test_a_reader_that_leaves_stops_nothing(self, start_qasr: StartQasr, clips: Path, style: str) -> None:
        arguments = ("transcribe", clips, "--engine", ECHO, "--srt", "--progress", style)
        process = start_qasr(*arguments, stdout=subprocess.DEVNULL)
        assert process.stderr is not None
        process.stderr.close()
        assert process.wait(timeout=120) == 0
        assert n_results(clips) == N_CLIPS

    @pytest.mark.parametrize(
        "how",
        [
            ["--progress", "json"],
            ["--progress", "plain"],
            ["--progress", "bar"],
            ["--log-format", "json"],
            ["-vvv"],
            ["--fp16", "False"],
        ],
        ids=" ".join,
    )
    def test_a_full_disk_under_stderr_stops_nothing(
        self, start_qasr: StartQasr, clips: Path, how: list[str]
    ) -> None:
        with Path("/dev/full").open("wb") as full:
            process = start_qasr("transcribe", clips, "--engine", ECHO, "--srt", *how, stderr=full)
        assert process.wait(timeout=120) == 0
        assert n_results(clips) == N_CLIPS

    def test_what_fails_keeps_its_exit_code(self, clips: Path) -> None:
        (clips / "bad.mp4").write_text("this is not media")
        cases: list[tuple[list[object], int]] = [
            (["transcribe", clips, "--engine", ECHO, "-q"], 3),
            (["transcribe", "gone.wav", "--engine", ECHO], 66),
            (["transcribe", clips, "--colour"], 2),
            ([], 2),
            (["render", "gone.json"], 66),
        ]
        for redirection in ("2>/dev/full", "2>&-"):
            for arguments, code in cases:
                assert in_shell(clips.parent, redirection, *arguments).returncode == code, arguments


class TestClosedStreams:
    @pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
    def test_files_are_written_and_nothing_else_into_them(self, clip: Path, closed: str) -> None:
        arguments = ["transcribe", clip, "--engine", "tests.fakes:noisy", "--srt", "--log-file", "run.log"]
        expected = in_shell(clip.parent, "", *arguments, "-o", "-")
        assert expected.returncode == 0, expected.stderr
        result = in_shell(clip.parent, closed, *arguments)
        assert result.returncode == 0, result.stderr
        assert clip.with_suffix(".srt").read_text("utf-8") == expected.stdout
        assert "noise" not in clip.with_name("run.log").read_text("utf-8")

    @pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">/dev/full"])
    @pytest.mark.parametrize("to", [["--json-lines"], ["--srt", "-o", "-"], ["--dry-run"]], ids=" ".join)
    def test_results_that_nobody_can_get_are_a_failure(self, clip: Path, to: list[str], closed: str) -> None:
        result = in_shell(clip.parent, closed, "transcribe", clip, "--engine", ECHO, *to)
        assert result.returncode == 74
        assert ("stdout" in result.stderr) == ("2>" not in closed)

    @pytest.mark.parametrize("asked", [["--version"], ["--help"], ["models"], ["config", "show"]])
    def test_an_answer_that_nobody_can_get_is_one_too(self, tmp_path: Path, asked: list[str]) -> None:
        for closed in (">&-", ">/dev/full"):
            result = in_shell(tmp_path, closed, *asked)
            assert result.returncode == 74
            assert result.stderr.startswith("qasr: error: stdout")
            assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize("asked", [["--version"], ["--help"], ["models"]])
    def test_an_answer_that_nobody_waits_for_ends_quietly(self, tmp_path: Path, asked: list[str]) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            result = subprocess.run(
                [sys.executable, "-m", "qasr_cli", *asked],
                stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE,
                cwd=tmp_path, env=environment(), timeout=120, check=False,
            )  # fmt: skip
        finally:
            os.close(writing)
        assert (result.returncode, result.stderr) == (141, b"")


class TestPlaces:
    def test_a_home_that_may_not_be_looked_into_holds_no_settings(self, qasr: Qasr, clip: Path) -> None:
        # Too long a name is refused as a locked folder is, and root's tests see that, too.
        env = {"XDG_CONFIG_HOME": "/" + "x" * 300}
        assert qasr("transcribe", clip, "--engine", ECHO, env=env).returncode == 0
        assert qasr("config", "path", env=env).returncode == 0
        named = qasr("--config", "/" + "x" * 300, "transcribe", clip, "--engine", ECHO)
        assert named.returncode == 78
        assert "no such file" in named.stderr

    def test_no_room_for_temporary_files_is_74(self, qasr: Qasr, clip: Path) -> None:
        # No file may grow at all, so that no folder is usable; what is small goes through the pipe.
        result = qasr("transcribe", clip, "--engine", ECHO, "--txt", "-o", "-", file_limit=0)
        assert result.returncode == 74, result.stderr
        assert "free some space, or set TMPDIR" in result.stderr
        assert "report this" not in result.stderr

"""`qasr live` as a process: raw sound on stdin, signals, the bench, and the demo model's words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.conftest import ECHO, Qasr, StartQasr
from tests.live_sessions import spoken, talk

SAMPLE = Path(__file__).parents[2] / "qasr_cli" / "demo" / "sample.ogg"
_PATIENCE_S = 40.0
_LAST_WORDS_S = 2.0


def events_in(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def test_raw_sound_becomes_final_text_with_the_demo_model(qasr: Qasr) -> None:
    result = qasr("live", "-", "--pcm", 16_000, "-m", "demo", stdin=spoken(5_000).tobytes())
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Good morning, everyone, and welcome. My name is Helen")


def test_events_are_lines_that_tell_of_each_utterance(qasr: Qasr) -> None:
    sound = spoken(2_500, 1_500).tobytes()
    result = qasr("live", "-", "--pcm", 16_000, "--engine", ECHO, "--json-lines", stdin=sound)
    assert result.returncode == 0, result.stderr
    events = events_in(result.stdout)
    assert [event["utterance"] for event in events if event["type"] == "final"] == [0, 1]
    assert (events[0]["type"], events[-1]["type"]) == ("start", "end")
    assert events[-1]["duration_ms"] == 7_000


def test_the_text_of_the_session_is_that_of_the_same_spans_of_a_file(qasr: Qasr) -> None:
    result = qasr("live", "--bench", SAMPLE, "-m", "demo", "--json", "--max-utterance", 8)
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["n_utterances"] >= 3
    assert figures["n_equal"] == figures["n_utterances"]
    assert figures["session"]["n_stable_words"] >= 15
    assert figures["session"]["n_withdrawn_words"] == 0
    assert figures["latency"]["shown_ms"]["p50"] <= 600


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_makes_the_last_words_final(start_qasr: StartQasr, number: int, code: int) -> None:
    reading, writing = os.pipe()
    process = start_qasr(
        *("live", "-", "--pcm", 16_000, "--engine", ECHO, "--json-lines"),
        stdin=reading,
        stdout=subprocess.PIPE,
    )
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(talk()[: 3 * 16_000].tobytes())
        pipe.flush()
        assert process.stdout is not None
        watchdog = threading.Timer(_PATIENCE_S, process.kill)
        watchdog.start()
        _read_until(process.stdout, "speech_started")
        watchdog.cancel()
        process.send_signal(number)
        begun_s = time.monotonic()
        rest = process.stdout.read()
        assert process.wait(_PATIENCE_S) == code, process.stderr and process.stderr.read()
        assert process.stderr is None or "the same command" not in process.stderr.read()
        took_s = time.monotonic() - begun_s
    kinds = [event["type"] for event in events_in(rest)]
    assert kinds[-3:] == ["speech_stopped", "final", "end"]
    assert took_s <= _LAST_WORDS_S


def test_a_signal_breaks_no_wait_for_the_last_words(start_qasr: StartQasr, tmp_path: Path) -> None:
    (tmp_path / "talk.raw").write_bytes(spoken(2_000).tobytes())
    with (tmp_path / "talk.raw").open("rb") as sound:
        process = start_qasr(
            *("live", "-", "--pcm", 16_000, "--engine", "tests.fakes:sleepy", "--json-lines", "--step", 10),
            stdin=sound,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        _read_until(process.stdout, "speech_stopped")  # the final takes three seconds
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(_PATIENCE_S) == 130
    assert [event["type"] for event in events_in(rest)][-2:] == ["final", "end"]


def _read_until(stream: IO[str], kind: str) -> None:
    for line in stream:
        if json.loads(line)["type"] == kind:
            return
    raise AssertionError(f"ended before {kind}")


@pytest.mark.parametrize(
    ("engine", "code", "reason"), [("crashing", 70, "fell over"), ("unreachable", 69, "do not answer")]
)
def test_an_engine_that_fails_is_one_line_and_an_exit_code(
    qasr: Qasr, engine: str, code: int, reason: str
) -> None:
    sound = talk().tobytes()
    result = qasr("live", "-", "--pcm", 16_000, "--engine", f"tests.fakes:{engine}", "-q", stdin=sound)
    assert result.returncode == code
    assert len(result.stderr.splitlines()) == 1
    assert reason in result.stderr


def test_mistakes_are_found_before_a_model_is_loaded(qasr: Qasr, tmp_path: Path) -> None:
    for arguments, code in (
        (("nofile.wav",), 66),
        (("",), 2),  # a shell variable that is not set is no wish for the microphone
        (("--bench",), 2),
        (("--bench", "nofile.wav"), 66),
        (("--bench", SAMPLE, "--overlay", 0), 2),
        (("--json",), 2),
        (("-", "--pcm", "1"), 2),
        (("-", "--step", "60"), 2),
    ):
        result = qasr("live", *arguments, "--engine", "tests.fakes:unloadable")
        assert result.returncode == code, (arguments, result.stderr)
        assert len(result.stderr.splitlines()) <= 3

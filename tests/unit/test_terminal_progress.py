"""The seven events of a run, as each reporter shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.errors import UndecodableError, UsageError
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.terminal import logs, progress
from qasr_cli.terminal.events import (
    Event,
    ModelReady,
    Reporter,
    RunBegun,
    RunEnded,
    SourceFinished,
    SourcePrepared,
    SpeechRecognized,
    StageBegun,
)

A = Source(0, Path("/in/a.wav"), Path("a.wav"))
B = Source(1, Path("/in/b.wav"), Path("b.wav"))
DONE = Outcome(A, Status.DONE, outputs=(Path("/in/a.srt"),), audio_ms=10_000, wall_s=1.25, warnings=("odd",))
FAILED = Outcome(B, Status.FAILED, error=UndecodableError.about(Path("b.wav"), "not media", "look at it"))
EVENTS: tuple[Event, ...] = (
    RunBegun((A, B)),
    StageBegun("loading the model"),
    ModelReady(),
    SourcePrepared(A, 10_000, 8_000),
    SpeechRecognized(8_000),
    SourceFinished(DONE),
    SourceFinished(FAILED),
    RunEnded("1 done, 1 failed", "no cue is too fast"),
)


class Listening(Reporter):
    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)


def play(reporter: Reporter) -> None:
    for event in EVENTS:
        reporter.handle(event)


def test_what_a_run_calls_becomes_the_events() -> None:
    first, second = Listening(), Listening()
    reporter = progress.Both(first, second)
    reporter.begin([A, B])
    reporter.stage("loading the model")
    reporter.ready()
    reporter.prepared(A, 10_000, 8_000)
    reporter.recognized(8_000)
    reporter.finished(DONE)
    reporter.finished(FAILED)
    reporter.end("1 done, 1 failed", "no cue is too fast")
    assert tuple(first.events) == tuple(second.events) == EVENTS


def test_json_lines_carry_every_event_but_the_model_s(capsys: pytest.CaptureFixture[str]) -> None:
    play(progress.JsonReporter())
    out, err = capsys.readouterr()
    lines: list[dict[str, Any]] = [json.loads(line) for line in err.splitlines()]
    assert out == ""
    assert [line["event"] for line in lines] == [
        *("begin", "stage", "prepared", "recognized", "finished", "finished", "end")
    ]
    assert [line["level"] for line in lines] == ["info"] * 4 + ["warning", "error", "info"]
    assert list(lines[3]) == [
        *("time", "level", "event", "speech_ms", "done_ms", "total_ms", "rtfx", "left_s")
    ]
    assert {key: value for key, value in lines[5].items() if key != "time"} == {
        **{"level": "error", "event": "finished", "source": "b.wav", "status": "failed", "reason": ""},
        **{
            "audio_ms": 0,
            "wall_s": 0.0,
            "outputs": [],
            "error": "b.wav: not media",
            "next_step": "look at it",
        },
        "warnings": [],
    }


def test_plain_lines_name_a_source_once(capsys: pytest.CaptureFixture[str]) -> None:
    play(progress.PlainReporter(lambda outcome, n_sources: f"{n_sources} {progress.outcome_line(outcome)}"))
    assert capsys.readouterr().err == (
        "2 done    a.wav: 00:00:10 in 1.2 s -> /in/a.srt\n"
        "        a.wav: warning: odd\n"
        "2 failed  b.wav: not media; look at it\n"
        "1 done, 1 failed\n"
        "no cue is too fast\n"
    )


def test_a_source_without_files_has_no_arrow() -> None:
    line = progress.outcome_line(replace(DONE, outputs=(), warnings=()))
    assert line == "done    a.wav: 00:00:10 in 1.2 s"


def test_a_quiet_one_says_only_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    play(progress.QuietReporter())
    assert capsys.readouterr().err == "failed  b.wav: not media; look at it\n"


def test_the_log_leaves_the_pace_out(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[tuple[str, str]] = []
    monkeypatch.setattr(logs, "record", lambda event, level, fields: recorded.append((event, level)))
    play(progress.LogReporter())
    assert recorded == [
        *(("begin", "info"), ("stage", "info"), ("prepared", "info")),
        *(("finished", "warning"), ("finished", "error"), ("end", "info")),
    ]
    progress.LogReporter().handle(RunEnded(""))
    assert recorded[-1] == ("end", "error")


def test_an_unknown_style_is_usage() -> None:
    with pytest.raises(UsageError, match="--progress 'dots' is unknown") as caught:
        progress.make_reporter("dots")
    assert caught.value.flag == "--progress"

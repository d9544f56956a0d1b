"""All outputs together: what each gets, and what happens when one is stuck, full or gone."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError, UsageError
from qasr_cli.live import outputs
from qasr_cli.live.outputs import event_lines
from qasr_cli.options import CueOptions, LiveOptions
from qasr_cli.speech.streaming.events import Emit, Final, LiveEvent, Partial
from qasr_cli.terminal.stdio import DataStream, ReaderGone
from tests.live_events import TALK, Said, every_kind, final, session


class Pipe:
    """A pipe whose read end is the test's; what is written is kept when it is drained."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.stream = DataStream(self.writer)

    def close_reader(self) -> None:
        os.close(self.reader)
        self.reader = -1

    def text(self) -> str:
        """Return all that has been written; nothing is written afterwards."""
        os.close(self.writer)
        self.writer = -1
        with os.fdopen(os.dup(self.reader), encoding="utf-8") as file:
            return file.read()

    def close(self) -> None:
        for descriptor in (self.reader, self.writer):
            if descriptor >= 0:
                os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    one = Pipe()
    yield one
    one.close()


def send(options: LiveOptions, pipe: Pipe, events: Iterator[LiveEvent], **settings: object) -> None:
    on_lost = settings.get("on_lost", lambda: None)
    assert callable(on_lost)
    with outputs.opened(options, CueOptions(), pipe.stream, is_terminal=False, on_lost=on_lost) as emit:
        for event in events:
            emit(event)


def test_a_pipe_gets_finals_a_line_each(pipe: Pipe) -> None:
    send(LiveOptions(), pipe, session())
    assert pipe.text().splitlines() == [said.text for said in TALK]


def test_json_lines_are_all_events(pipe: Pipe) -> None:
    send(LiveOptions(json_lines=True), pipe, every_kind())
    assert pipe.text() == "".join(map(event_lines.line, every_kind()))


def test_all_outputs_at_once(pipe: Pipe, tmp_path: Path) -> None:
    options = LiveOptions(
        write=(tmp_path / "talk.srt", tmp_path / "talk.vtt", tmp_path / "talk.txt", tmp_path / "talk.jsonl"),
        hls=tmp_path / "hls",
        hls_segment_ms=2_000,
        caption_file=tmp_path / "now.txt",
        overlay=0,
    )
    send(options, pipe, session())
    assert pipe.text().splitlines()[-1] == "That is all."
    assert (tmp_path / "talk.srt").read_text("utf-8").count(" --> ") >= len(TALK)
    assert (tmp_path / "talk.txt").read_text("utf-8").splitlines()[-1] == "That is all."
    assert json.loads((tmp_path / "talk.jsonl").read_text("utf-8").splitlines()[-1])["type"] == "end"
    assert (tmp_path / "hls" / "subtitles.m3u8").read_text().endswith("#EXT-X-ENDLIST\n")
    assert (tmp_path / "now.txt").read_text() == ""


def test_a_stdout_that_blocks_holds_up_neither_the_session_nor_files(pipe: Pipe, tmp_path: Path) -> None:
    n_finals = 300  # many times what a pipe takes
    finals = [final(number, replace(TALK[1], start_ms=number * 10_000)) for number in range(n_finals)]
    got: list[str] = []

    def read_later() -> None:
        with os.fdopen(os.dup(pipe.reader), encoding="utf-8") as file:
            got.extend(json.loads(line)["type"] for line in file)

    options = LiveOptions(json_lines=True, write=(tmp_path / "talk.txt",))
    with outputs.opened(options, CueOptions(), pipe.stream, is_terminal=False) as emit:
        for number, event in enumerate(finals):  # nobody reads, and this ends all the same
            emit(Partial(number, 0, "", "Tonight", 0, 400))
            emit(event)
        reader = threading.Thread(target=read_later)
        reader.start()
    os.close(pipe.writer)
    pipe.writer = -1
    reader.join()
    assert got.count("final") == n_finals
    assert 0 < got.count("partial") < n_finals
    assert (tmp_path / "talk.txt").read_text("utf-8").count("\n") == n_finals


def test_the_end_of_stdout_s_reader_ends_the_session_quietly(
    pipe: Pipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    is_lost = threading.Event()
    pipe.close_reader()
    with pytest.raises(ReaderGone):
        send(LiveOptions(write=(tmp_path / "talk.txt",)), pipe, session(), on_lost=is_lost.set)
    assert is_lost.is_set()
    assert caplog.records == []
    assert (tmp_path / "talk.txt").read_text("utf-8").count("\n") == len(TALK)


def test_a_full_disk_is_reported_once_and_the_others_go_on(
    pipe: Pipe, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if bytes(content[:2]) in {b"1\n", b"2\n"}:
            raise OSError(28, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    is_lost = threading.Event()
    paths = (tmp_path / "talk.srt", tmp_path / "talk.txt")
    with pytest.raises(InputOutputError, match=r"talk\.srt: No space left on device") as failed:
        send(LiveOptions(write=paths), pipe, session(), on_lost=is_lost.set)
    assert failed.value.exit_code == 74
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    assert "the other outputs go on" in caplog.records[0].message
    assert not is_lost.is_set()
    assert (tmp_path / "talk.txt").read_text("utf-8").count("\n") == len(TALK)
    assert pipe.text().count("\n") == len(TALK)


def test_a_session_whose_only_output_fails_may_end(pipe: Pipe) -> None:
    is_lost = threading.Event()
    os.close(pipe.writer)
    full = os.open("/dev/full", os.O_WRONLY)
    pipe.stream, pipe.writer = DataStream(full), full
    with pytest.raises(InputOutputError, match="No space left"):
        send(LiveOptions(), pipe, session(), on_lost=is_lost.set)
    assert is_lost.is_set()


def fail(emit: Emit) -> None:
    emit(final(0, TALK[0]))
    raise ZeroDivisionError


def stuff_and_interrupt(emit: Emit) -> None:
    for number in range(3_000):
        emit(final(number, TALK[1]))
    raise KeyboardInterrupt


def test_an_error_of_the_session_is_the_one_that_is_raised(pipe: Pipe, tmp_path: Path) -> None:
    pipe.close_reader()
    with (
        pytest.raises(ZeroDivisionError),
        outputs.opened(
            LiveOptions(write=(tmp_path / "talk.txt",)), CueOptions(), pipe.stream, is_terminal=False
        ) as emit,
    ):
        fail(emit)
    assert (tmp_path / "talk.txt").read_text("utf-8") == f"{TALK[0].text}\n"


def test_an_interrupt_does_not_wait_for_a_stdout_that_blocks(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_HURRY_S", 0.1)
    with (
        pytest.raises(KeyboardInterrupt),
        outputs.opened(LiveOptions(), CueOptions(), pipe.stream, is_terminal=False) as emit,
    ):
        stuff_and_interrupt(emit)
    pipe.close_reader()  # its thread ends


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (LiveOptions(write=(Path("talk.ass"),)), UsageError),
        (LiveOptions(write=(Path("a.srt"), Path("./b/../a.srt"))), UsageError),
        (LiveOptions(write=(Path("a.txt"),), caption_file=Path("a.txt")), UsageError),
        (LiveOptions(save=Path("a.wav"), caption_file=Path("a.wav")), UsageError),
        (LiveOptions(caption_file=Path("/dev/null"), overwrite=True), CannotCreateError),
        (LiveOptions(obs="ws://x"), UsageError),
        (LiveOptions(obs_source="Captions"), UsageError),
        (LiveOptions(write=(Path("new.txt"), Path("old.txt"))), CannotCreateError),
        (LiveOptions(caption_file=Path("old.txt")), CannotCreateError),
    ],
)
def test_what_cannot_be_is_refused_before_the_session(
    pipe: Pipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: LiveOptions, error: type[Exception]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.txt").write_text("precious")
    with pytest.raises(error):
        send(options, pipe, iter(()))
    assert (tmp_path / "old.txt").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert pipe.text() == ""


def test_the_words_of_every_final_are_in_its_line() -> None:
    for event in every_kind():
        if isinstance(event, Final):
            value = json.loads(event_lines.line(event))
            (one,) = value["segments"]
            assert "".join(word["lead"] + word["text"] for word in one["words"]) == value["text"]


def test_a_line_stays_one_line_whatever_is_said() -> None:
    event = final(0, Said(0, "a\u2028b\x85 c"))
    assert event_lines.line(event).splitlines() == [event_lines.line(event).rstrip("\n")]


def test_people_are_told_what_has_gone_wrong(pipe: Pipe, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qasr_cli")
    doubtful = replace(final(0, TALK[0]), warnings=("times are estimated",))
    with outputs.opened(LiveOptions(), CueOptions(), pipe.stream, is_terminal=False) as emit:
        for event in (*every_kind(), doubtful):
            emit(event)
    assert [record.message for record in caplog.records] == [
        "at 00:00:17.000 1.0 s of sound are missing: the device was gone",
        "the engine is 3.2 s behind: only finals are computed until it has caught up",
        "the engine has caught up",
        "at 00:00:01.200: times are estimated",
    ]

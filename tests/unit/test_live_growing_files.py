"""Files that grow with a session: their text at each moment, their refusals, and what a full disk leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError, InputOutputError, UsageError
from qasr_cli.formats import FORMATS
from qasr_cli.formats.readers import captions
from qasr_cli.live.outputs import event_lines, growing_files
from qasr_cli.live.protocols import Output
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Cue, Track, Transcript
from qasr_cli.speech.streaming.events import Ended, Final, Partial, Silence
from tests.live_events import STARTED, TALK, final, segment, session


def opened(path: Path, *, is_overwrite: bool = False) -> Output:
    return growing_files.output_to(path, CueOptions(), is_overwrite=is_overwrite)


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_subtitles_are_whole_after_each_event_and_never_rewritten(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"talk.{name}"
    output = opened(path)
    before, n_cues = "", 0
    for event in session():
        output.handle(event)
        text = path.read_text("utf-8")
        assert text.startswith(before)
        read = captions.parse(text, path.name).captions if text.strip() not in {"", "WEBVTT"} else []
        assert len(read) >= n_cues
        before, n_cues = text, len(read)
    output.close()
    assert n_cues >= len(TALK)
    if name == "srt":
        assert [line for line in before.splitlines() if line.isdecimal()] == [
            str(number + 1) for number in range(n_cues)
        ]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_cues_that_are_appended_are_those_of_a_whole_file(name: str) -> None:
    segments = tuple(segment(said) for said in TALK)
    talk = Transcript("talk", Track(0, "pcm", 1, 16_000), 20_000, segments, "")
    cues = [
        Cue(said.start_ms, said.end_ms, (said.text,), (number, number + 1))
        for number, said in enumerate(TALK)
    ]
    form, options = FORMATS[name], OutputOptions()
    assert form.header == form.render(talk, (), options)
    appended = (form.append(talk, [cue], options, number) for number, cue in enumerate(cues))
    assert form.header + "".join(appended) == form.render(talk, cues, options)


def test_the_formats_that_grow_say_so() -> None:
    assert {name for name, form in FORMATS.items() if form.appender} == {"srt", "vtt"}
    assert growing_files.SUFFIXES == (".srt", ".vtt", ".txt", ".jsonl")


def test_text_has_a_line_for_each_utterance(tmp_path: Path) -> None:
    path = tmp_path / "TALK.TXT"
    output = opened(path)
    for event in session():
        output.handle(event)
    assert path.read_text("utf-8").splitlines() == [said.text for said in TALK]


def test_events_are_kept_that_matter_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    output = opened(path)
    for event in session():
        output.handle(event)
    kept = [event_lines.line(event) for event in session() if not _is_momentary(event)]
    assert path.read_text("utf-8") == "".join(kept)
    assert len(kept) == len(TALK) + 2


def _is_momentary(event: object) -> bool:
    return isinstance(event, Partial | Silence) or type(event).__name__.startswith("Speech")


def test_a_file_that_exists_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("precious")
    with pytest.raises(CannotCreateError, match="already exists") as refused:
        opened(path)
    assert "--overwrite" in refused.value.hint
    assert path.read_text() == "precious"
    output = opened(path, is_overwrite=True)
    assert path.read_text() == "precious"
    output.handle(STARTED)
    assert path.read_text() == ""
    output.close()


@pytest.mark.parametrize("suffix", growing_files.SUFFIXES)
def test_without_a_session_nothing_is_lost_or_left(tmp_path: Path, suffix: str) -> None:
    new, old = tmp_path / f"new{suffix}", tmp_path / f"old{suffix}"
    old.write_text("precious")
    for path in (new, old):
        opened(path, is_overwrite=True).close()
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_text() == "precious"


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_the_last_cue_is_written_even_if_a_session_breaks_off(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"talk.{name}"
    output = opened(path)
    output.handle(final(0, TALK[3]))
    assert "That is all." not in path.read_text("utf-8")
    output.close()
    assert "all." in path.read_text("utf-8")


@pytest.mark.parametrize("name", ["talk.ass", "talk", "srt"])
def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no format") as refused:
        opened(tmp_path / name)
    assert refused.value.hint == "end the name in .srt, .vtt, .txt, .jsonl"
    assert not list(tmp_path.iterdir())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").mkdir()
    with pytest.raises(CannotCreateError):
        opened(tmp_path / "talk.srt", is_overwrite=True)
    (tmp_path / "full.txt").symlink_to("/dev/full")
    with pytest.raises(InputOutputError, match="not a regular file"):
        opened(tmp_path / "full.txt", is_overwrite=True)


def test_what_a_full_disk_takes_only_in_part_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "talk.txt"
    output = opened(path)
    output.handle(final(0, TALK[0]))
    whole, room = path.read_text("utf-8"), [10, 0]
    write = os.write

    def short(descriptor: int, content: bytes) -> int:
        left = room.pop(0)
        if not left:
            raise OSError(28, "No space left on device")
        return write(descriptor, content[:left])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(InputOutputError, match="No space left"):
        output.handle(final(1, TALK[1]))
    assert path.read_text("utf-8") == whole


def test_an_utterance_is_written_before_the_next_event(tmp_path: Path) -> None:
    output = opened(tmp_path / "talk.srt")
    handled = iter(session())
    n_finals = 0
    for event in handled:
        output.handle(event)
        n_finals += isinstance(event, Final)
        if isinstance(event, Ended):
            break
        if isinstance(event, Silence) and n_finals:  # three seconds after each utterance at the latest
            text = (tmp_path / "talk.srt").read_text("utf-8")
            last_word = TALK[n_finals - 1].text.split()[-1][-3:]
            is_late = event.now_ms >= TALK[n_finals - 1].end_ms + 3_000
            assert not is_late or last_word in text
    assert n_finals == len(TALK)

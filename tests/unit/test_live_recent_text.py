"""The newest lines: how they roll, wrap and go away, and the file that holds them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from qasr_cli.errors import CannotCreateError
from qasr_cli.live.outputs.caption_file import CaptionFile
from qasr_cli.live.outputs.recent_text import SHOWN_MS, RecentText, wrapped
from qasr_cli.options import CueOptions
from qasr_cli.speech.streaming.events import Ended, Partial, Silence
from qasr_cli.subtitles.rules import limits
from qasr_cli.subtitles.rules.width import half_cells
from tests.live_events import STARTED, TALK, Said, final, session

ENGLISH = limits.resolve(CueOptions(max_line_width=20), "en")
JAPANESE = limits.resolve(CueOptions(max_line_width=8), "ja")


def partial(stable: str, unstable: str = "", end_ms: int = 1_000, language: str = "en") -> Partial:
    return Partial(1, 0, stable, unstable, 0, end_ms, language)


def test_the_text_being_spoken_stands_below_what_is_final() -> None:
    recent = RecentText(CueOptions())
    assert recent.lines() == ()
    assert recent.handle(partial("Good", " evening"))
    assert recent.lines() == ("Good evening",)
    recent.handle(final(0, Said(0, "Good evening.")))
    assert recent.lines() == ("Good evening.",)
    recent.handle(partial("", "And wel"))
    assert recent.lines() == ("Good evening.", "And wel")
    recent.handle(partial("And welcome to the hall, all of you who have", " come from far away."))
    assert recent.lines() == ("And welcome to the hall, all of you who", "have come from far away.")
    assert not recent.handle(Silence(SHOWN_MS))


def test_the_lines_go_away_some_seconds_after_speech_and_at_the_end() -> None:
    recent = RecentText(CueOptions())
    said = Said(1_000, "Good evening.")
    recent.handle(final(0, said))
    assert not recent.handle(Silence(said.end_ms + SHOWN_MS - 1))
    assert recent.handle(Silence(said.end_ms + SHOWN_MS))
    assert recent.lines() == ()
    recent.handle(partial("And"))
    assert recent.handle(Ended(20_000))
    assert recent.lines() == ()


def test_lines_stay_as_they_are_when_text_is_added() -> None:
    text = "One two three four five six seven eight nine ten eleven twelve thirteen."
    before: list[str] = []
    for end in range(1, len(text) + 1):
        lines = list(wrapped(text[:end], ENGLISH))
        assert lines[: len(before) - 1] == before[:-1]
        before = lines
    assert before == ["One two three four", "five six seven eight", "nine ten eleven", "twelve thirteen."]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("水は高い所から低い所へ流れます。本当です", ["水は高い所から低", "い所へ流れます。", "本当です"]),
        ("東京タワーへ行った、ね。", ["東京タワーへ行っ", "た、ね。"]),
        ("これは OpenAI Whisper です", ["これは OpenAI", "Whisper です"]),
    ],
)
def test_text_without_spaces_breaks_between_characters(text: str, lines: list[str]) -> None:
    assert list(wrapped(text, JAPANESE)) == lines


def test_a_word_wider_than_a_line_is_cut() -> None:
    lines = list(wrapped("See https://example.org/" + "a" * 40, ENGLISH))
    assert lines[0] == "See"
    assert all(half_cells(line, ENGLISH.counting) <= ENGLISH.max_half_cells for line in lines)
    assert "".join(lines[1:]) == "https://example.org/" + "a" * 40


def test_the_file_is_whole_whenever_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "now.txt"
    output = CaptionFile(path, CueOptions(), is_overwrite=False)
    seen: set[str] = set()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            seen.add(path.read_text("utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    recent, expected = RecentText(CueOptions()), {""}
    for event in [*session()] * 6:
        output.handle(event)
        recent.handle(event)
        text = "".join(f"{line}\n" for line in recent.lines())
        assert path.read_text("utf-8") == text
        expected.add(text)
    is_over.set()
    reader.join()
    output.handle(final(0, TALK[0]))
    output.close()
    assert path.read_text() == ""
    assert [one.name for one in tmp_path.iterdir()] == ["now.txt"]
    assert len(seen) > 3
    assert seen <= expected
    assert all(text.count("\n") <= 2 for text in seen)


def test_a_file_with_text_is_kept_and_one_that_a_session_left_is_not(tmp_path: Path) -> None:
    path = tmp_path / "now.txt"
    path.write_text("precious")
    with pytest.raises(CannotCreateError, match="already exists"):
        CaptionFile(path, CueOptions(), is_overwrite=False)
    assert path.read_text() == "precious"
    CaptionFile(path, CueOptions(), is_overwrite=True).close()  # no session
    assert path.read_text() == "precious"
    output = CaptionFile(path, CueOptions(), is_overwrite=True)
    output.handle(STARTED)
    assert path.read_text() == ""
    output.close()
    CaptionFile(path, CueOptions(), is_overwrite=False).close()
    assert path.exists()
    CaptionFile(tmp_path / "new.txt", CueOptions(), is_overwrite=False).close()
    assert [one.name for one in tmp_path.iterdir()] == ["now.txt"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "now.txt", tmp_path / "link.txt"
    link.symlink_to(path)
    output = CaptionFile(link, CueOptions(), is_overwrite=False)
    output.handle(final(0, TALK[0]))
    assert path.read_text("utf-8") == link.read_text("utf-8") != ""
    assert link.is_symlink()


def test_control_characters_of_a_partial_do_not_reach_the_lines() -> None:
    recent = RecentText(CueOptions())
    recent.handle(partial("Good\x1b[2J\x00 eve\nning"))
    assert recent.lines() == ("Good[2J eve ning",)

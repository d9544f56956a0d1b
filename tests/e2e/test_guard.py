"""What a user sees of an engine that misbehaves, through a real process.

Each detector has an engine that goes wrong in just its way, and text that is good and looks a little like it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, SAMPLES, Qasr, copy_old
from tests.media_factory import ffmpeg

LONG_CLIP = SAMPLES / "clips" / "clip-05.m4a"  # more than four seconds


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    return copy_old(LONG_CLIP, tmp_path / "clip.m4a")


def flags_of(path: Path) -> set[str]:
    transcript = json.loads(path.with_suffix(".json").read_text())
    assert transcript["segments"]
    return {flag for segment in transcript["segments"] for flag in segment["flags"]}


def warnings(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if "warning" in line]


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """Eighteen seconds of the talk, three of silence, and a clip of two."""
    path = tmp_path / "scene.wav"
    graph = "[0:a]atrim=0:18.5,apad=pad_dur=3[a];[a][1:a]concat=n=2:v=0:a=1"
    ffmpeg("-i", SAMPLES / "talk.mp4", "-i", CLIP, "-filter_complex", graph, "-ar", 16_000, "-ac", 1, path)
    return path


def segments_of(path: Path) -> list[dict[str, object]]:
    segments: list[dict[str, object]] = json.loads(path.with_suffix(".json").read_text())["segments"]
    return segments


@pytest.fixture
def two_sentences(tmp_path: Path) -> Path:
    """A clip of two seconds, and after a short pause another time: one chunk with an obvious place to cut."""
    path = tmp_path / "two.wav"
    graph = "[0:a]apad=pad_dur=0.4[a];[a][1:a]concat=n=2:v=0:a=1"
    ffmpeg("-i", CLIP, "-i", CLIP, "-filter_complex", graph, path)
    return path


@pytest.mark.parametrize(
    "name",
    [
        *("looping", "looping_at_length", "looping_without_penalty", "truncating_long", "racing"),
        *("deaf_to_long", "misspelling"),
    ],
)
def test_what_can_be_put_right_is(qasr: Qasr, two_sentences: Path, name: str) -> None:
    result = qasr("transcribe", two_sentences, "--engine", f"tests.misbehaving:{name}", "--json", "--strict")
    assert result.returncode == 0, result.stderr
    assert flags_of(two_sentences) == set()
    assert all(
        str(segment["text"]).startswith("One two three four") for segment in segments_of(two_sentences)
    )


def test_a_model_that_gives_up_after_a_word_is_asked_again(qasr: Qasr, scene: Path) -> None:
    result = qasr("transcribe", scene, "--engine", "tests.misbehaving:drawling", "--json", "--strict")
    assert result.returncode == 0, result.stderr
    assert [str(segment["text"])[:7] for segment in segments_of(scene)] == ["One two"] * 3


GOOD = {
    "loop": "No, no, no, no, no, no, no, no, wait!",
    "truncated": "And then we all went down to the",
    "rate": "A fast talker says as many words as these in hardly more than four seconds, and is understood.",
    "short": "Yes.",
    "context": "We went from Baku to Lima.",
    "script": "He greeted them with 안녕하세요 and they laughed.",
    "language": "Das war's, as they say.",
}


@pytest.mark.parametrize("kind", GOOD)
def test_good_text_passes_untouched(qasr: Qasr, long_clip: Path, kind: str) -> None:
    arguments = ("--hotwords", "Baku,Lima,Port Said,Quito", "--languages", "en,ko", "--json", "--strict")
    text = GOOD[kind]
    path = copy_old(CLIP, long_clip.with_name("clip.wav")) if kind == "short" else long_clip
    result = qasr("transcribe", path, "--engine", "tests.misbehaving:quoting", "--model", text, *arguments)
    assert result.returncode == 0, result.stderr
    assert [(segment["text"], segment["flags"]) for segment in segments_of(path)] == [(text, [])]


def test_a_few_words_in_another_language_are_heard_in_the_file_s(qasr: Qasr, scene: Path) -> None:
    arguments = ("--engine", "tests.misbehaving:wavering", "--json", "--strict", "-y")
    assert qasr("transcribe", scene, *arguments).returncode == 0
    assert [segment["language"] for segment in segments_of(scene)] == ["en", "en"]
    assert qasr("transcribe", scene, *arguments, "--multilingual").returncode == 0
    languages = [segment["language"] for segment in segments_of(scene)]
    assert (set(languages), languages[-1]) == ({"en", "de"}, "de")


def test_speech_without_words_is_heard_once_more(qasr: Qasr, scene: Path) -> None:
    arguments = ("--json", "--strict", "-y")
    qasr("transcribe", scene, "--engine", "tests.misbehaving:half_hearing", *arguments)
    first, second, *_ = segments_of(scene)
    assert (first["text"], second["text"]) == ("One two three four five.", "Six seven eight nine ten.")
    lost = qasr("transcribe", scene, "--engine", "tests.misbehaving:half_deaf", *arguments)
    assert lost.returncode == 4
    assert "s of speech without words, first at 00:00:0" in lost.stderr
    assert [segment["text"] for segment in segments_of(scene)] == ["One two three four five."]


def test_what_cannot_is_kept_and_said_in_one_line(qasr: Qasr, long_clip: Path) -> None:
    result = qasr(
        "transcribe", long_clip, "--engine", "tests.misbehaving:always_looping", "--json", "--strict"
    )
    assert result.returncode == 4
    assert flags_of(long_clip) >= {"truncated"}
    (warning,) = warnings(result.stderr)
    assert "segments doubtful (" in warning
    assert len(warning) < 160
    again = qasr("render", long_clip.with_suffix(".json"), "--txt", "-o", "-")
    assert again.stdout.startswith("and so it went on")


def test_the_context_does_not_come_out_as_text(qasr: Qasr, long_clip: Path) -> None:
    arguments = ("--engine", "tests.misbehaving:echoing", "--hotwords", "Baku,Lima,Port Said,Quito")
    assert qasr("transcribe", long_clip, *arguments, "--json", "--strict").returncode == 0
    assert "Baku" not in long_clip.with_suffix(".json").read_text()


def test_a_rescue_model_redoes_what_is_doubtful(qasr: Qasr, long_clip: Path) -> None:
    arguments = ("--engine", "tests.misbehaving:looping_when_small", "--json", "--strict")
    assert qasr("transcribe", long_clip, *arguments).returncode == 4
    assert qasr("transcribe", long_clip, *arguments, "--rescue-model", "big", "-y").returncode == 0


def test_a_rescue_model_that_is_missing_is_found_out_at_once(qasr: Qasr, long_clip: Path) -> None:
    result = qasr("transcribe", long_clip, "--model", "demo", "--rescue-model", "nobody/has-this")
    assert result.returncode == 69
    assert "nobody/has-this" in result.stderr
    assert not long_clip.with_suffix(".srt").exists()


def test_a_retry_that_fails_costs_nothing_that_was_there(qasr: Qasr, long_clip: Path) -> None:
    engine = "tests.misbehaving:crashing_when_asked_again"
    result = qasr("transcribe", long_clip, "--engine", engine, "--json", "--txt", "--strict")
    assert result.returncode == 4
    assert long_clip.with_suffix(".txt").read_text().startswith("and so it went on")
    assert flags_of(long_clip) >= {"loop"}
    doubtful, failed = warnings(result.stderr)
    assert "segments doubtful (" in doubtful
    assert "1 retry failed; kept the first result: the engine: unexpected RuntimeError: " in failed
    assert "Traceback" not in result.stderr


def test_a_rescue_model_without_memory_costs_nothing_either(qasr: Qasr, long_clip: Path) -> None:
    arguments = ("--rescue-model", "big", "--json", "--strict")
    result = qasr("transcribe", long_clip, "--engine", "tests.misbehaving:too_large_when_big", *arguments)
    assert result.returncode == 4
    assert flags_of(long_clip) >= {"loop"}
    assert warnings(result.stderr)[-1].endswith("kept the first result: not enough memory on the fake device")


def test_a_rescue_model_that_cannot_be_loaded_is_said_once_and_done_without(
    qasr: Qasr, long_clip: Path
) -> None:
    copy_old(long_clip, long_clip.with_name("other.m4a"))
    engine = ("--engine", "tests.misbehaving:too_large_to_load_when_big")
    result = qasr("transcribe", ".", *engine, "--rescue-model", "big", "--json", "--strict")
    assert result.returncode == 0, result.stderr
    assert flags_of(long_clip) == flags_of(long_clip.with_name("other.m4a")) == set()
    assert [line.partition("warning: ")[2] for line in warnings(result.stderr)] == [
        "cannot load the fallback model, retries use the first model: not enough memory on the fake device"
    ]


def test_a_device_that_is_gone_is_no_failed_retry(qasr: Qasr, long_clip: Path) -> None:
    result = qasr("transcribe", long_clip, "--engine", "tests.misbehaving:losing_its_device")
    assert result.returncode == 69
    assert "fake:0 has failed" in result.stderr
    assert not long_clip.with_suffix(".srt").exists()


def test_a_doubtful_text_that_cannot_be_aligned_is_spread(qasr: Qasr, long_clip: Path) -> None:
    engine = "tests.misbehaving:looping_past_its_aligner"
    result = qasr("transcribe", long_clip, "--engine", engine, "--json")
    assert result.returncode == 0
    assert "cannot bear such a text" in warnings(result.stderr)[-1]
    segments = json.loads(long_clip.with_suffix(".json").read_text())["segments"]
    assert {word["timing"] for segment in segments for word in segment["words"]} == {"interpolated"}


def test_speech_without_words_is_reported(qasr: Qasr, long_clip: Path) -> None:
    result = qasr("transcribe", long_clip, "--engine", "tests.misbehaving:deaf", "--json", "--strict")
    assert result.returncode == 4
    assert "s of speech without words, first at 00:00:0" in result.stderr
    transcript = json.loads(long_clip.with_suffix(".json").read_text())
    assert transcript["segments"] == []
    assert transcript["uncovered"]


def test_a_language_outside_the_choice_is_not_kept(qasr: Qasr, long_clip: Path) -> None:
    arguments = ("--engine", "tests.misbehaving:polyglot", "--json")
    assert qasr("transcribe", long_clip, *arguments).returncode == 0
    assert json.loads(long_clip.with_suffix(".json").read_text())["language"] == "de"
    assert qasr("transcribe", long_clip, *arguments, "-y", "--languages", "en,ko").returncode == 0
    assert json.loads(long_clip.with_suffix(".json").read_text())["language"] == "en"
    contradiction = qasr("transcribe", long_clip, *arguments, "--languages", "en,ko", "--language", "ja")
    assert contradiction.returncode == 2

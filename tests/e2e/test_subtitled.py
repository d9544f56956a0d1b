"""Media that has subtitles already, through a real process and real ffmpeg."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import CLIP, ECHO, Qasr
from tests.media_factory import ffmpeg

SRT = "1\n00:00:00,500 --> 00:00:01,500\nHello\n"
NEXT_STEP = "(--even-subtitled transcribes it anyway)"
NO_ENGINE = ("--engine", "no.such:thing")


def make_media(path: Path, *streams: tuple[str, str], codec: str = "srt", sound: str = "und") -> Path:
    """Write sound with subtitle streams, each a language and a disposition."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.with_name("text.srt")
    text.write_text(SRT)
    inputs = [argument for _ in streams for argument in ("-i", text)]
    maps = [argument for number in range(len(streams) + 1) for argument in ("-map", number)]
    tags = ["-metadata:s:a:0", f"language={sound}"]
    for number, (language, disposition) in enumerate(streams):
        tags += [f"-metadata:s:s:{number}", f"language={language}", f"-disposition:s:{number}", disposition]
    ffmpeg("-i", CLIP, *inputs, *maps, "-c:a", "aac", "-c:s", codec, *tags, path)
    text.unlink()
    an_hour_ago_s = time.time() - 3600  # or each run waits to see whether it still changes
    os.utime(path, (an_hour_ago_s, an_hour_ago_s))
    return path


def judged(qasr: Qasr, *arguments: object, engine: tuple[str, str] = NO_ENGINE) -> str:
    """Return the line about the one source of `films`, which must have been passed over."""
    result = qasr("transcribe", "films", *engine, *arguments)
    assert result.returncode == 0, result.stderr
    assert "1 skipped" in result.stderr
    return result.stderr.splitlines()[0]


def transcribed(qasr: Qasr, *arguments: object) -> bool:
    """Run over `films`, which must go well, and return whether anything was done."""
    result = qasr("transcribe", "films", "--engine", ECHO, *arguments)
    assert result.returncode == 0, result.stderr
    return "1 done" in result.stderr


@pytest.mark.parametrize(
    ("name", "codec", "stream"),
    [("f.mkv", "srt", "stream 2, subrip"), ("f.mp4", "mov_text", "stream 2, mov_text")],
)
def test_a_text_stream_in_the_language_is_enough(
    qasr: Qasr, tmp_path: Path, name: str, codec: str, stream: str
) -> None:
    make_media(tmp_path / "films" / name, ("kor", "0"), ("eng", "default"), codec=codec)
    assert f"has subtitles in en inside: {stream} {NEXT_STEP}" in judged(
        qasr, "-l", "en", engine=("--engine", ECHO)
    )
    assert not list((tmp_path / "films").glob("*.srt"))
    assert "has subtitles in en inside" in judged(qasr, "-l", "en")  # the ledger knows: nothing is loaded
    assert transcribed(qasr, "-l", "en", "--even-subtitled")
    assert len(list((tmp_path / "films").glob("*.srt"))) == 1
    assert "its outputs exist" in judged(qasr, "-l", "en")


def test_the_audio_tracks_tag_says_which_language_counts(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv", ("kor", "0"), ("eng", "forced"), ("und", "0"), sound="eng")
    assert transcribed(qasr, "--dry-run") is False
    assert transcribed(qasr)


def test_a_tagged_track_and_a_stream_or_a_sidecar_in_it(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv", ("fre", "0"), sound="fre")
    assert "has subtitles in fr inside: stream 1, subrip" in judged(qasr, engine=("--engine", ECHO))
    make_media(tmp_path / "films" / "f.mkv", sound="fre")
    (tmp_path / "films" / "f.fr.ass").write_text("")
    assert "has subtitles in fr beside it: f.fr.ass" in judged(qasr, engine=("--engine", ECHO))
    assert "has subtitles in fr beside it: f.fr.ass" in judged(qasr)  # remembered ...
    (tmp_path / "films" / "f.fr.ass").unlink()
    assert transcribed(qasr)  # ... for as long as it is there


def test_without_any_language_only_what_has_none_counts(qasr: Qasr, tmp_path: Path) -> None:
    media = make_media(tmp_path / "films" / "f.mkv", ("kor", "0"), ("und", "0"))
    assert "has subtitles inside: stream 2, subrip" in judged(qasr, engine=("--engine", ECHO))
    media = make_media(media, ("kor", "0"))
    (tmp_path / "films" / "f.ko.srt").touch()
    (tmp_path / "films" / "f.no.srt").touch()
    assert transcribed(qasr)


def test_a_sidecar_costs_nothing_where_the_language_is_given(qasr: Qasr, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "Film.mkv").write_bytes(b"nobody opens this")
    (folder / "film.eng.sdh.srt").touch()
    line = f"has subtitles in en beside it: film.eng.sdh.srt {NEXT_STEP}"
    assert line in judged(qasr, "-l", "en")
    preview = qasr("transcribe", "films", "-l", "en", "--dry-run")
    assert preview.stdout == f"would skip Film.mkv: {line}\n"


def test_a_remembered_skip_is_about_subtitles_only(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv", ("eng", "0"), sound="eng")
    judged(qasr, engine=("--engine", ECHO))
    assert transcribed(qasr, "--txt")
    assert (tmp_path / "films" / "f.txt").exists()


def test_qasr_s_own_subtitles_are_no_reason(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv")
    assert transcribed(qasr)
    assert transcribed(qasr, "--vtt")
    assert {path.suffix for path in (tmp_path / "films").iterdir() if path.is_file()} == {
        ".mkv",
        ".srt",
        ".vtt",
    }


def test_nor_is_a_repaired_copy_of_them(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv")
    assert transcribed(qasr)
    assert qasr("check", "films/f.srt", "--fix").returncode in {0, 4}
    assert (tmp_path / "films" / "f.fixed.srt").exists()
    assert transcribed(qasr, "--vtt")


def test_nor_are_they_where_the_results_go_elsewhere(qasr: Qasr, tmp_path: Path) -> None:
    make_media(tmp_path / "films" / "f.mkv")
    assert transcribed(qasr)
    assert transcribed(qasr, "-o", "again", "--vtt")
    assert (tmp_path / "again" / "f.vtt").exists()
    (tmp_path / "films" / ".qasr" / "ledger.jsonl").unlink()
    assert "has subtitles beside it: f.srt" in judged(qasr, "-o", "more", engine=("--engine", ECHO))


def test_a_named_file_is_transcribed_whatever_it_has(qasr: Qasr, tmp_path: Path) -> None:
    media = make_media(tmp_path / "films" / "f.mkv", ("eng", "0"), sound="eng")
    (tmp_path / "films" / "f.en.srt").touch()
    result = qasr("transcribe", media, "-l", "en", "--engine", ECHO)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "films" / "f.srt").exists()

"""Files that hold several recordings, one behind the other, as `cat` makes them.

Each recording has a click at a known moment and lasts for two seconds, so that the clicks of the whole are
known by construction.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.media import decode, recordings
from qasr_cli.options import MediaOptions
from tests.e2e.conftest import SAMPLES, Qasr
from tests.media_factory import cut, ffmpeg, find_clicks_ms, join, make_click, make_film

CLICK_MS = 500
LENGTH_MS = 2000
SLACK_MS = 100  # an encoder's delay, and what it adds at the end
KINDS: dict[str, list[object]] = {
    "a.webm": ["-c:a", "libopus"],
    "a.mkv": ["-c:a", "aac"],
    "a.mka": ["-c:a", "flac"],
    "a.flac": [],
    "a.wav": [],
    "a.w64": [],
    "a.aiff": [],
    "a.caf": [],
    "a.au": [],
    "a.mp3": [],
    "a.aac": [],
    "a.ac3": [],
    "a.m4a": ["-c:a", "aac"],
    "a.mp4": ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov", "-frag_duration", 500_000],
    "a.ogg": ["-c:a", "libopus"],
    "a.oga": ["-c:a", "flac"],
    "a.ts": ["-c:a", "aac"],
    "a.mpg": ["-c:a", "mp2"],
    "a.avi": ["-c:a", "mp3"],
    "a.flv": ["-c:a", "aac"],
    "a.wma": ["-c:a", "wmav2"],
    "a.tta": [],
    "a.wv": [],
}


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("joined") / "click.wav")


def heard(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    with decode.open_audio(path, MediaOptions()) as audio:
        samples = np.concatenate(list(audio))
    return samples, audio.warnings


@pytest.mark.parametrize("name", KINDS)
def test_joined_recordings_are_decoded_one_after_the_other(click: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", click, *KINDS[name], tmp_path / name)
    whole = join(tmp_path / f"joined{Path(name).suffix}", *[tmp_path / name] * 3)
    samples, warnings = heard(whole)
    assert warnings == ()
    expected = [CLICK_MS + LENGTH_MS * number for number in range(3)]
    assert find_clicks_ms(samples) == pytest.approx(expected, abs=3 * SLACK_MS)
    assert len(samples) / 16 == pytest.approx(3 * LENGTH_MS, abs=3 * SLACK_MS)


@pytest.mark.parametrize("name", KINDS)
def test_one_recording_is_one(click: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", click, *KINDS[name], tmp_path / name)
    found = recordings.find(tmp_path / name)
    assert (len(found.extents), found.n_unread, found.is_whole_file) == (1, 0, True)


def test_a_live_webm_has_no_sizes_and_is_split_all_the_same(click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, "-c:a", "libopus", "-live", 1, tmp_path / "live.webm")
    samples, warnings = heard(join(tmp_path / "two.webm", *[tmp_path / "live.webm"] * 2))
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500], abs=SLACK_MS)


def test_recordings_of_different_kinds_are_all_decoded(click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, tmp_path / "a.mp3")
    ffmpeg("-i", click, "-ar", 22_050, "-ac", 2, "-c:a", "libvorbis", tmp_path / "a.webm")
    mixed = join(tmp_path / "mixed.wav", click, tmp_path / "a.webm", tmp_path / "a.mp3")
    samples, warnings = heard(mixed)
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500, 4500], abs=2 * SLACK_MS)


LIVE: list[object] = ["-c:a", "libopus", "-live", 1, "-cluster_time_limit", 500]
FRAGMENTS: list[object] = ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov", "-frag_duration", 500_000]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mkv", ["-c:a", "flac"]),
        ("a.webm", LIVE),
        ("a.mp4", FRAGMENTS),
        ("a.m4a", ["-c:a", "aac", "-movflags", "+faststart"]),
        ("a.wav", ["-c:a", "pcm_s24le"]),
        ("a.flac", []),
        ("a.ogg", ["-c:a", "libopus", "-page_duration", 200_000]),
    ],
    ids=str,
)
def test_behind_a_recording_that_was_cut_off_the_next_one_is_found(
    tmp_path: Path, name: str, how: list[object]
) -> None:
    click, hiss = make_click(tmp_path / "click.wav"), "anoisesrc=d=4:r=48000:a=0.05:seed=3"
    ffmpeg("-f", "lavfi", "-i", hiss, *how, tmp_path / name)
    mixed = ["-filter_complex", "amix=duration=first:normalize=0"]
    ffmpeg("-i", click, "-f", "lavfi", "-i", hiss, *mixed, *how, tmp_path / f"whole-{name}")
    cut(tmp_path / name, 0.6)
    samples, warnings = heard(join(tmp_path / f"joined-{name}", tmp_path / name, tmp_path / f"whole-{name}"))
    (at_ms,) = find_clicks_ms(samples)
    assert len(samples) / 16 - at_ms == pytest.approx(LENGTH_MS - CLICK_MS, abs=2 * SLACK_MS)
    assert 1000 + CLICK_MS < at_ms < 3000 + CLICK_MS
    assert warnings
    assert not any("recording 2" in warning for warning in warnings)


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le"])
def test_wavs_from_pipes_are_joined(click: Path, tmp_path: Path, codec: str) -> None:
    (tmp_path / "a.wav").write_bytes(_wav_of_unknown_size(click, tmp_path, "pcm_s16le"))
    (tmp_path / "b.wav").write_bytes(_wav_of_unknown_size(click, tmp_path, codec))
    samples, warnings = heard(join(tmp_path / "c.wav", tmp_path / "a.wav", tmp_path / "b.wav"))
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500], abs=SLACK_MS)


def _wav_of_unknown_size(click: Path, folder: Path, codec: str) -> bytes:
    ffmpeg("-i", click, "-c:a", codec, "-bitexact", folder / "sized.wav")
    content = bytearray((folder / "sized.wav").read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = b"\xff" * 4
    return bytes(content)


@pytest.mark.parametrize("name", ["a.voc", "a.mov"])
def test_kinds_without_a_box_or_size_of_their_own_are_joined(click: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", click, "-c:a", "pcm_s16le", tmp_path / name)
    content = (tmp_path / name).read_bytes()
    if name == "a.mov":  # as QuickTime wrote it before it had file types
        content = content.replace(b"ftypqt", b"wideqt")
    (tmp_path / name).write_bytes(content)
    samples, warnings = heard(join(tmp_path / f"joined-{name}", tmp_path / name, tmp_path / name))
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500], abs=SLACK_MS)


@pytest.mark.parametrize("is_opened", [True, False])
def test_the_first_recording_cannot_be_decoded(click: Path, tmp_path: Path, *, is_opened: bool) -> None:
    ffmpeg("-i", click, "-c:a", "pcm_s16le", tmp_path / "a.mkv")
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=1", "-i", click, "-c:a", "flac", tmp_path / "b.mkv")
    broken = bytearray((tmp_path / "b.mkv").read_bytes())
    if is_opened:
        at = broken.index(b"A_FLAC")
        broken[at : at + 6] = b"A_XYZW"
    else:
        ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=1", tmp_path / "b.mkv")
        broken = bytearray((tmp_path / "b.mkv").read_bytes())
    (tmp_path / "b.mkv").write_bytes(broken)
    samples, (warning,) = heard(join(tmp_path / "c.mkv", tmp_path / "b.mkv", tmp_path / "a.mkv"))
    assert find_clicks_ms(samples) == pytest.approx([500], abs=SLACK_MS)
    assert warning.startswith("recording 1 of 2, from 00:00:00, is missing: ")


def test_a_broadcast_behind_a_film_is_decoded(click: Path, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.ts"):
        ffmpeg("-i", click, "-c:a", "aac", tmp_path / name)
    samples, warnings = heard(join(tmp_path / "both.mp4", tmp_path / "a.mp4", tmp_path / "a.ts"))
    assert warnings == ()
    assert find_clicks_ms(samples) == pytest.approx([500, 2500], abs=SLACK_MS)


def test_films_are_joined_with_their_sound_in_place(click: Path, tmp_path: Path) -> None:
    for number, late_s in enumerate((0.0, 0.4)):
        make_film(tmp_path / f"{number}.mkv", click, "-c:v", "mpeg4", "-c:a", "aac", late_s=late_s)
    samples, warnings = heard(join(tmp_path / "film.mkv", tmp_path / "0.mkv", tmp_path / "1.mkv"))
    assert warnings == ()
    first_ms, second_ms = find_clicks_ms(samples)
    assert first_ms == pytest.approx(CLICK_MS, abs=SLACK_MS)
    assert second_ms == pytest.approx(LENGTH_MS + 400 + CLICK_MS, abs=SLACK_MS)


def test_a_recording_that_cannot_be_decoded_is_said_and_the_others_stay(click: Path, tmp_path: Path) -> None:
    ffmpeg("-i", click, "-c:a", "aac", tmp_path / "a.mkv")
    broken = bytearray((tmp_path / "a.mkv").read_bytes())
    at = broken.index(b"A_AAC")
    broken[at : at + 5] = b"A_XYZ"
    (tmp_path / "b.mkv").write_bytes(broken)
    samples, warnings = heard(
        join(tmp_path / "c.mkv", *(tmp_path / name for name in ("a.mkv", "b.mkv", "a.mkv")))
    )
    assert len(find_clicks_ms(samples)) == 2
    (warning,) = warnings
    assert warning.startswith("recording 2 of 3, from 00:00:02, is missing: ")


def test_the_last_recording_is_cut_off(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=2:r=16000", tmp_path / "a.flac")
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "b.flac").write_bytes(whole + whole[: len(whole) // 2])
    samples, warnings = heard(tmp_path / "b.flac")
    assert len(samples) / 16 > LENGTH_MS
    assert any(warning.startswith("recording 2 of 2, from 00:00:02: ") for warning in warnings)


@pytest.mark.parametrize("n_bytes", [44_100, 22_050])
def test_a_wav_whose_header_is_older_than_its_samples_is_decoded_whole(tmp_path: Path, n_bytes: int) -> None:
    """A recorder that lost power: the sizes in its header are those of the last time that it wrote them."""
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3:r=16000:a=0.1", tmp_path / "a.wav")
    stale = bytearray((tmp_path / "a.wav").read_bytes())
    at = stale.index(b"data")
    struct.pack_into("<I", stale, at + 4, n_bytes)
    (tmp_path / "a.wav").write_bytes(stale)
    samples, warnings = heard(tmp_path / "a.wav")
    assert (len(samples), warnings) == (48_000, ())
    struct.pack_into("<I", stale, 4, at + n_bytes)  # both sizes: it may be something else that follows
    (tmp_path / "a.wav").write_bytes(stale)
    samples, warnings = heard(tmp_path / "a.wav")
    assert len(samples) == 48_000
    assert warnings[0].startswith(f"its header counts {n_bytes / 32_000:.1f} s of samples; the bytes behind")


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFF000])
def test_a_wav_from_a_pipe_does_not_know_its_size(click: Path, tmp_path: Path, size: int) -> None:
    piped = bytearray(click.read_bytes())
    struct.pack_into("<I", piped, piped.index(b"data") + 4, size)
    struct.pack_into("<I", piped, 4, min(size + 36, 0xFFFFFFFF))
    (tmp_path / "a.wav").write_bytes(piped)
    samples, warnings = heard(tmp_path / "a.wav")
    assert (len(samples), warnings) == (32_000, ())


@pytest.mark.parametrize(
    "tail", [b"\0" * 100_000, b"TAG" + b"x" * 125, b"APETAGEX" + b"x" * 9000, b"odd" * 10]
)
def test_what_is_behind_the_samples_of_a_wav_is_no_sound(click: Path, tmp_path: Path, tail: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(click.read_bytes() + tail)
    samples, warnings = heard(tmp_path / "a.wav")
    assert (len(samples), warnings) == (32_000, ())


def test_bytes_that_are_no_recording_are_counted(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=2:r=16000", tmp_path / "a.aiff")
    size = (tmp_path / "a.aiff").stat().st_size
    with (tmp_path / "a.aiff").open("ab") as file:
        file.write(b"?" * size)
    samples, warnings = heard(tmp_path / "a.aiff")
    assert len(samples) == 32_000
    assert warnings == (f"50% of the file was not read: what begins at byte {size:,} is no recording",)


def test_joined_recordings_are_transcribed_whole(qasr: Qasr, tmp_path: Path) -> None:
    clips = [SAMPLES / "clips" / name for name in ("clip-01.wav", "clip-06.wav")]
    truth = json.loads((SAMPLES / "clips.truth.json").read_text("utf-8"))
    for clip in clips:
        ffmpeg("-i", clip, "-c:a", "libopus", tmp_path / f"{clip.stem}.webm")
    talk = join(tmp_path / "talk.webm", *(tmp_path / f"{clip.stem}.webm" for clip in clips))
    result = qasr("transcribe", talk, "--model", "demo", "--json", "--strict")
    assert result.returncode == 0, result.stderr
    transcript = json.loads((tmp_path / "talk.json").read_text("utf-8"))
    found = [word for segment in transcript["segments"] for word in segment["words"]]
    n_words = sum(len(truth[clip.name]["words"]) for clip in clips)
    assert abs(len(found) - n_words) <= 2

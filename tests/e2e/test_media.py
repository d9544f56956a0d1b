"""Real ffmpeg on media made on the spot: every common format, the container's clock, and hostile files."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import InputOutputError, NoInputError, UnavailableError, UndecodableError, UsageError
from qasr_cli.media import decode, process
from qasr_cli.media import ffmpeg as tools
from qasr_cli.media.spool import spool_stdin
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import MediaOptions
from qasr_cli.records import Track
from tests.media_factory import CLICK_S, ffmpeg, make_click

# Lossy codecs smear a click by a few milliseconds; half a frame of film is 20.
MAX_SHIFT_MS = 12


def read(path: Path, **options: object) -> tuple[np.ndarray, Track, tuple[str, ...]]:
    with decode.open_audio(path, MediaOptions(**options)) as audio:  # type: ignore[arg-type]
        blocks = list(audio)
        return np.concatenate(blocks), audio.track, audio.warnings


def click_ms(samples: np.ndarray) -> float:
    """Return when the loud part begins."""
    return int(np.argmax(np.abs(samples.astype(int)) > 4000)) / 16


@pytest.fixture(scope="module")
def click(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_click(tmp_path_factory.mktemp("click") / "click.wav")


# aac.mkv: ffmpeg before 7 leaves the encoder's own 21 ms in
DELAYED = {"plain.aac", "plain.ac3", "wma.wma", "mp3.avi", "aac.ts", "aac.flv", "aac.mkv"}
# name, ffmpeg's arguments for it
FORMATS = {
    "aac.mp4": ["-c:a", "aac"],
    "aac.m4a": ["-c:a", "aac"],
    "alac.m4a": ["-c:a", "alac"],
    "mp3.mp4": ["-c:a", "libmp3lame"],
    "pcm.mov": ["-c:a", "pcm_s16le"],
    "aac.mkv": ["-c:a", "aac"],
    "opus.mkv": ["-c:a", "libopus"],
    "flac.mkv": ["-c:a", "flac"],
    "ac3.mkv": ["-c:a", "ac3"],
    "eac3.mkv": ["-c:a", "eac3"],
    "dts.mkv": ["-c:a", "dca", "-strict", "-2"],
    "truehd.mkv": ["-c:a", "truehd", "-strict", "-2", "-ac", "2"],
    "vorbis.webm": ["-c:a", "libvorbis"],
    "opus.webm": ["-c:a", "libopus"],
    "aac.ts": ["-c:a", "aac"],
    "mp2.ts": ["-c:a", "mp2"],
    "mp2.mpg": ["-c:a", "mp2"],
    "mp3.avi": ["-c:a", "libmp3lame"],
    "pcm.avi": ["-c:a", "pcm_s16le"],
    "aac.flv": ["-c:a", "aac", "-ar", "44100"],
    "vorbis.ogg": ["-c:a", "libvorbis"],
    "opus.opus": ["-c:a", "libopus"],
    "flac.oga": ["-c:a", "flac"],
    "u8.wav": ["-c:a", "pcm_u8"],
    "s24.wav": ["-c:a", "pcm_s24le"],
    "f32.wav": ["-c:a", "pcm_f32le"],
    "mulaw.wav": ["-c:a", "pcm_mulaw"],
    "adpcm.wav": ["-c:a", "adpcm_ima_wav"],
    "low.wav": ["-ar", "8000"],
    "eight.wav": ["-ac", "8"],
    "plain.flac": [],
    "plain.mp3": [],
    "plain.aac": [],
    "plain.ac3": [],
    "plain.aiff": [],
    "plain.au": [],
    "plain.caf": ["-c:a", "pcm_s16le"],
    "plain.w64": [],
    "plain.tta": [],
    "plain.wv": [],
    "wma.wma": ["-c:a", "wmav2"],
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_click_is_where_it_was_in_every_common_format(click: Path, tmp_path: Path, name: str) -> None:
    ffmpeg("-i", click, *FORMATS[name], tmp_path / name)
    samples, track, warnings = read(tmp_path / name)
    assert samples.dtype == np.int16
    assert warnings == ()
    assert track.channels == {"eight.wav": 8, "truehd.mkv": 2}.get(name, 1)
    # a raw stream of frames has no way to say that its first ones only fill the decoder
    slack_ms = 80 if name in DELAYED else MAX_SHIFT_MS
    assert abs(click_ms(samples) - CLICK_S * 1000) <= slack_ms
    assert abs(len(samples) / 16 - 2000) <= 100


def with_video(click: Path, path: Path, *more: object, late_s: float = 0.0) -> Path:
    """Write the click with a picture, its audio beginning `late_s` after the picture."""
    picture = ["-f", "lavfi", "-t", 3, "-i", "color=c=blue:s=64x48:r=25"]
    ffmpeg(*picture, "-itsoffset", late_s, "-i", click, "-map", "0:v", "-map", "1:a", *more, path)
    return path


@pytest.mark.parametrize("name", ["late.mkv", "late.mp4", "late.mov", "late.ts", "late.mpg", "late.webm"])
def test_late_audio_stays_late(click: Path, tmp_path: Path, name: str) -> None:
    more = ["-c:a", "mp2"] if name == "late.mpg" else []
    samples, _, _ = read(with_video(click, tmp_path / name, *more, late_s=1.5))
    assert abs(click_ms(samples) - 2000) <= 45  # a container's own clock may be as coarse as a picture


def test_a_clock_that_starts_late_is_not_a_silence(click: Path, tmp_path: Path) -> None:
    """A recording off the air carries the broadcaster's clock, hours in; players show its start as 0."""
    path = with_video(click, tmp_path / "air.ts", "-output_ts_offset", 36_000)
    samples, _, _ = read(path)
    assert abs(click_ms(samples) - 500) <= 60
    late = with_video(click, tmp_path / "late.ts", "-output_ts_offset", 36_000, late_s=1.5)
    samples, _, _ = read(late)
    assert abs(click_ms(samples) - 2000) <= 60


def test_a_gap_in_the_time_stamps_stays_a_gap(click: Path, tmp_path: Path) -> None:
    parts = [tmp_path / "a.ts", tmp_path / "b.ts"]
    ffmpeg("-i", click, "-c:a", "mp2", parts[0])
    ffmpeg("-i", click, "-c:a", "mp2", "-output_ts_offset", 5, parts[1])
    joined = tmp_path / "joined.ts"
    joined.write_bytes(parts[0].read_bytes() + parts[1].read_bytes())
    samples, _, _ = read(joined)
    second = samples[32_000:]
    assert abs(click_ms(samples) - 500) <= 60
    assert abs(click_ms(second) + 2000 - 5500) <= 150


def test_the_track_asked_for_is_the_one(click: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=stereo", "-t", 2, silent)
    path = tmp_path / "two.mkv"
    language = ["-metadata:s:a:1", "language=kor"]
    ffmpeg("-i", silent, "-i", click, "-map", "0:a", "-map", "1:a", *language, "-c:a", "flac", path)
    assert np.abs(read(path)[0]).max() == 0
    samples, track, _ = read(path, audio_track=1)
    assert np.abs(samples).max() > 4000
    assert (track.language, track.stream_index, track.codec) == ("kor", 1, "flac")
    with pytest.raises(UsageError, match="no audio track 2") as caught:
        read(path, audio_track=2)
    assert "0: unknown language, flac, 2 channels; 1: kor, flac, 1 channels" in caught.value.hint


def test_cover_art_is_not_a_film(click: Path, tmp_path: Path) -> None:
    cover, path = tmp_path / "cover.png", tmp_path / "song.mp3"
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32", "-frames:v", 1, cover)
    ffmpeg(
        "-i", click, "-i", cover, "-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v", "attached_pic", path
    )
    samples, _, warnings = read(path)
    assert abs(click_ms(samples) - 500) <= MAX_SHIFT_MS
    assert warnings == ()


@pytest.mark.parametrize(
    "name",
    [
        "Movie: Sequel.wav",
        "-y.wav",
        "a%03d.wav",
        "concat:a|b.wav",
        "x'y;[z],\\.wav",
        "two\nlines.wav",
        "é" * 100,
        os.fsdecode(b"not utf-8 \xff.wav"),
    ],
)
def test_no_name_is_special(click: Path, tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(click, tmp_path / name))
    assert abs(click_ms(read(path)[0]) - 500) <= MAX_SHIFT_MS


class TestHostile:
    def test_what_is_no_file_is_refused_before_ffmpeg_sees_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.wav")
        for path in (tmp_path, tmp_path / "pipe.wav", Path("/dev/zero")):
            with pytest.raises(UndecodableError, match="not a regular file"):
                read(path)
        (tmp_path / "empty.wav").touch()
        with pytest.raises(UndecodableError, match="empty"):
            read(tmp_path / "empty.wav")
        (tmp_path / "loop.wav").symlink_to("loop.wav")
        with pytest.raises(InputOutputError):
            read(tmp_path / "loop.wav")
        with pytest.raises(NoInputError):
            read(tmp_path / "gone.wav")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_what_may_not_be_read_is_said(self, click: Path, tmp_path: Path) -> None:
        path = Path(shutil.copy(click, tmp_path / "mine.wav"))
        path.chmod(0)
        with pytest.raises(InputOutputError, match="Permission denied"):
            read(path)

    def test_a_film_without_sound(self, tmp_path: Path) -> None:
        ffmpeg("-f", "lavfi", "-t", 1, "-i", "color=s=64x48:r=25", tmp_path / "mute.mp4")
        with pytest.raises(UndecodableError, match="no audio track in it"):
            read(tmp_path / "mute.mp4")

    def test_a_truncated_film_gives_what_it_has_and_says_so(self, click: Path, tmp_path: Path) -> None:
        path = tmp_path / "cut.mkv"
        ffmpeg("-stream_loop", 20, "-i", click, "-c:a", "flac", path)
        whole = len(read(path)[0])
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        samples, _, warnings = read(path)
        assert 0.2 * whole < len(samples) < 0.8 * whole
        assert "damaged media, decoded to 00:00:" in warnings[0]

    def test_a_wav_that_lies_about_its_length(self, click: Path, tmp_path: Path) -> None:
        raw = bytearray(click.read_bytes())
        at = raw.index(b"data") + 4
        raw[at : at + 4] = b"\xff\xff\xff\xff"
        (tmp_path / "lie.wav").write_bytes(raw)
        assert abs(click_ms(read(tmp_path / "lie.wav")[0]) - 500) <= MAX_SHIFT_MS

    def test_more_hours_than_allowed_are_refused(self, click: Path) -> None:
        with pytest.raises(UndecodableError) as caught:
            read(click, max_hours=0.0001)
        assert "--max-hours" in caught.value.hint


class TestProcess:
    def test_leaving_early_leaves_no_process(self, click: Path) -> None:
        with decode.open_with_ffmpeg(click, MediaOptions()) as audio:
            pid = audio._child.process.pid
            assert Path(f"/proc/{pid}").exists()
        assert not Path(f"/proc/{pid}").exists()  # killed, and reaped too

    def test_a_stuck_decoder_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_SILENCE_S", 0.2)
        with process.running(["sleep", "60"]) as child:
            assert child.read(10) == b""
            assert child.was_stuck

    def test_a_child_has_one_watchdog_however_long_it_is_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = make_click(tmp_path / "long.flac", duration_s=600)
        tools.find_tools()  # which runs a child of its own, once
        started: list[threading.Thread] = []
        start = threading.Thread.start

        def counted(thread: threading.Thread) -> None:
            started.append(thread)
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", counted)
        with decode.open_audio(path, MediaOptions()) as audio:
            n_blocks = sum(1 for _ in audio)
        assert n_blocks >= 300
        assert sorted(thread.name for thread in started) == ["stderr", "watchdog"]
        assert not any(thread.is_alive() for thread in started)

    def test_a_slow_reader_is_no_fault_of_the_child(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "_SILENCE_S", 0.2)
        with process.running(["sh", "-c", "echo a; echo b"]) as child:
            assert child.read(2) == b"a\n"
            time.sleep(0.5)
            assert child.read(2) == b"b\n"
            assert child.finish() == 0
            assert not child.was_stuck

    def test_a_child_gets_neither_our_environment_nor_our_stdin(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_TOKEN", "x")
        assert "SECRET_TOKEN" not in process.capture(["env"])
        assert process.capture(["cat"]) == ""

    def test_a_child_cannot_write_files(self, tmp_path: Path) -> None:
        writes = ["sh", "-c", f"sleep 0.2; echo x > {tmp_path}/out"]
        subprocess.run(writes, check=True)
        assert (tmp_path / "out").read_text() == "x\n"  # as long as nobody forbids it
        (tmp_path / "out").unlink()
        process.capture(writes)
        assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size == 0

    def test_much_talk_on_stderr_is_bounded(self) -> None:
        with process.running(["sh", "-c", "yes | head -c 1000000 >&2; echo last >&2"]) as child:
            child.finish()
            assert len(child.stderr_text) < 200_000
            assert child.stderr_text.endswith("last\n")

    def test_an_ffmpeg_that_is_none_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for path in ("/nonexistent/ffmpeg", "/bin/true"):
            monkeypatch.setenv("QASR_FFMPEG", path)
            tools.find_tools.cache_clear()
            with pytest.raises(UnavailableError):
                tools.find_tools()
        monkeypatch.delenv("QASR_FFMPEG")
        tools.find_tools.cache_clear()
        assert tools.find_tools().ffmpeg.exists()


def test_a_waveform_is_whole_or_not_there(tmp_path: Path) -> None:
    with WaveformWriter(tmp_path / "whole") as writer:
        writer.append(np.arange(100, dtype=np.int16))
        waveform = writer.close()
    assert waveform.n_samples == 100
    with contextlib.suppress(KeyboardInterrupt), WaveformWriter(tmp_path / "torn") as writer:
        writer.append(np.arange(100, dtype=np.int16))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with WaveformWriter(tmp_path / "waveform") as writer:
        writer._file.close()
        writer._file = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - the writer closes it
        with pytest.raises(InputOutputError, match="No space left"):
            writer.append(np.zeros(100, dtype=np.int16))


def test_stdin_is_spooled_whole(tmp_path: Path) -> None:
    reader, sender = os.pipe()
    content = os.urandom(3_000_000)

    def send() -> None:
        with os.fdopen(sender, "wb") as pipe:
            pipe.write(content)

    thread = threading.Thread(target=send)
    thread.start()
    assert spool_stdin(reader, tmp_path).read_bytes() == content
    thread.join()
    os.close(reader)

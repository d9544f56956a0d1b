"""Pipes and files as inputs, and sound that is saved: real pipes, real ffmpeg."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.errors import NoInputError, UndecodableError
from qasr_cli.live import inputs
from qasr_cli.live.inputs import pipe
from qasr_cli.live.protocols import LiveInput
from qasr_cli.media.decode import open_audio
from qasr_cli.options import LiveOptions, MediaOptions
from tests.media_factory import ffmpeg
from tests.stream_servers import listen, sending, sound

SAMPLES = Path(__file__).parents[2] / "samples"
TALK = SAMPLES / "talk.mp4"
# Reads raw samples from stdin as a session does, and prints how many there were.
READER = """
import resource, sys
from pathlib import Path
from qasr_cli.errors import QasrError
from qasr_cli.live import inputs
from qasr_cli.options import LiveOptions
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
n_samples = 0
try:
    with inputs.opened("-", LiveOptions(pcm_hz=16000, save=Path(sys.argv[1]))) as source:
        for block in source.blocks():
            n_samples += len(block)
            print(n_samples, flush=True)
except QasrError as error:
    print(int(error.exit_code), error)
"""


def decoded(path: Path) -> np.ndarray:
    with open_audio(path, MediaOptions()) as audio:
        return np.concatenate(list(audio))


@contextmanager
def fed(content: bytes, pcm_hz: int | None = None) -> Iterator[LiveInput]:
    """Open a pipe that somebody writes these bytes into."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as stream:
            stream.write(content)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        with pipe.opened(Path(f"/dev/fd/{reading}"), pcm_hz) as source:
            yield source
    finally:
        os.close(reading)
        thread.join()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return three seconds of talk as WAV at 16 kHz."""
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    ffmpeg("-i", TALK, "-t", 3, "-vn", "-ac", 1, "-ar", 16_000, path)
    return path


@pytest.mark.parametrize(
    ("suffix", "more"),
    [("wav", ()), ("ts", ("-c:a", "aac")), ("mp3", ()), ("ogg", ("-c:a", "libopus")), ("flac", ())],
)
def test_a_container_from_a_pipe_is_the_file(
    suffix: str, more: Sequence[str], clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"clip.{suffix}"
    ffmpeg("-i", clip, *more, path)
    with fed(path.read_bytes()) as source:
        found = sound(listen(source, until_s=60))
    want = decoded(path)
    assert abs(len(found) - len(want)) < 1_600  # of a codec's delay at the begin
    if suffix in {"wav", "flac"}:
        assert np.array_equal(found, want)


@pytest.mark.parametrize("form", [("-f", "wav", "-ac", "1", "-ar", "16000"), ("-f", "mpegts", "-c:a", "aac")])
def test_the_first_samples_come_at_once(form: Sequence[str]) -> None:
    """By default ffmpeg gives the first ones after four seconds."""
    reading, writing = os.pipe()
    with sending("-i", TALK, "-vn", *form, "-flush_packets", 1, "pipe:1", stdout=writing):
        os.close(writing)
        began_s = time.monotonic()
        with pipe.opened(Path(f"/dev/fd/{reading}"), None) as source:
            listen(source, until_s=0.1)
    os.close(reading)
    assert time.monotonic() - began_s < 3.5  # 0.7 s on an idle machine


def test_raw_samples_need_no_probe_and_may_be_torn_anywhere(clip: Path) -> None:
    samples = decoded(clip)
    with fed(samples.tobytes() + b"\0", 16_000) as source:
        assert np.array_equal(sound(listen(source, until_s=60)), samples)
    double = np.repeat(samples, 2)
    with fed(double.tobytes(), 32_000) as source:
        assert len(sound(listen(source, until_s=60))) == pytest.approx(len(samples), abs=20)


def test_a_pipe_without_sound_is_one_line(clip: Path, tmp_path: Path) -> None:
    with fed(b"", 16_000) as source, pytest.raises(NoInputError, match="no data"):
        listen(source, until_s=1)
    with fed(b"") as source, pytest.raises(UndecodableError):
        listen(source, until_s=1)
    film = tmp_path / "clip.m4a"  # its index is at its end, behind more than ffmpeg keeps of a pipe
    ffmpeg("-stream_loop", 3, "-i", clip, "-c:a", "alac", film)
    with fed(film.read_bytes()) as source, pytest.raises(UndecodableError) as caught:
        listen(source, until_s=1)
    assert "MP4 is read from a file only" in caught.value.hint


@pytest.mark.parametrize("pcm_hz", [16_000, None])
def test_a_silent_pipe_can_be_stopped(pcm_hz: int | None) -> None:
    reading, writing = os.pipe()
    with pipe.opened(Path(f"/dev/fd/{reading}"), pcm_hz) as source:
        began_s = time.monotonic()
        assert listen(source, until_s=1, limit_s=0.3) == []
        assert time.monotonic() - began_s < 2
    os.close(reading)
    os.close(writing)


def test_times_that_leap_are_silence_or_nothing(clip: Path, tmp_path: Path) -> None:
    """Three seconds; then the clock leaps by four, and later back to its begin."""
    parts = []
    for number, offset_s in enumerate((0, 7, 0)):
        part = tmp_path / f"{number}.ts"
        ffmpeg("-i", clip, "-c:a", "mp2", "-output_ts_offset", offset_s, part)
        parts.append(part.read_bytes())
    with fed(b"".join(parts)) as source:
        found = sound(listen(source, until_s=60))
    loud_s = np.count_nonzero(found) / 16_000
    assert loud_s == pytest.approx(3 * np.count_nonzero(decoded(clip)) / 16_000, abs=0.3)
    assert len(found) / 16_000 == pytest.approx(3 * 3 + 4, abs=0.5)


def test_a_file_is_what_offline_work_reads(clip: Path) -> None:
    with inputs.opened(str(clip), LiveOptions()) as source:
        assert not source.is_real_time
        assert np.array_equal(sound(listen(source, until_s=60)), decoded(clip))


def test_a_file_can_be_read_at_the_speed_of_speech(clip: Path) -> None:
    with inputs.opened(str(clip), LiveOptions(realtime=True)) as source:
        began_s = time.monotonic()
        found = sound(listen(source, until_s=1))
        assert time.monotonic() - began_s >= 1
        assert source.is_real_time
    assert np.array_equal(found, decoded(clip)[: len(found)])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_killed_session_leaves_its_sound(suffix: str, clip: Path, tmp_path: Path) -> None:
    samples, saved = decoded(clip), tmp_path / f"saved.{suffix}"
    command = [sys.executable, "-c", READER, str(saved)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(samples.tobytes())
        child.stdin.flush()
        for line in child.stdout:
            if int(line) == len(samples):
                break
        child.kill()
    found = decoded(saved)
    assert len(found) > len(samples) - 1.5 * 16_000
    assert np.array_equal(found, samples[: len(found)])


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_full_disk_ends_the_file_and_not_the_session(suffix: str, clip: Path, tmp_path: Path) -> None:
    samples, saved = decoded(clip), tmp_path / f"saved.{suffix}"
    command = [sys.executable, "-c", READER, str(saved), "20000"]
    done = subprocess.run(command, input=samples.tobytes(), capture_output=True, check=True)
    *counts, last = done.stdout.decode().splitlines()
    assert int(counts[-1]) == len(samples)
    assert last.startswith(f"74 saving the sound in {saved}: ")
    found = decoded(saved)
    assert 0 < len(found) < len(samples)
    assert np.array_equal(found, samples[: len(found)])


def test_saved_sound_is_the_session_s(clip: Path, tmp_path: Path) -> None:
    for suffix, number in itertools.product((".wav", ".flac"), range(2)):
        saved = tmp_path / f"saved{suffix}"
        options = LiveOptions(save=saved, overwrite=number == 1)
        with inputs.opened(str(clip), options) as source:
            found = sound(listen(source, until_s=60))
        assert np.array_equal(decoded(saved), found)

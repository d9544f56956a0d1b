"""Short clips: what decoding each costs, and whether libsndfile gives the samples that ffmpeg gives.

`python -m tests.bench.short_audio [--clips 100]` encodes a clip in each kind that corpora have, decodes it as
qasr does and with libsndfile, and prints CPU milliseconds a clip and the samples that differ. qasr reads a
kind without ffmpeg only where no sample differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from qasr_cli.media import decode, flac_server
from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.options import MediaOptions

KINDS = {
    "WAV 16 bit, 16 kHz": ("a.wav", "-c:a", "pcm_s16le"),
    "FLAC 16 bit, 16 kHz": ("b.flac", "-c:a", "flac", "-sample_fmt", "s16"),
    "WAV 24 bit, 16 kHz": ("c.wav", "-c:a", "pcm_s24le"),
    "WAV float, 16 kHz": ("d.wav", "-c:a", "pcm_f32le"),
    "WAV 16 bit, 44.1 kHz": ("e.wav", "-c:a", "pcm_s16le", "-ar", "44100"),
    "FLAC 16 bit, 44.1 kHz": ("f.flac", "-c:a", "flac", "-sample_fmt", "s16", "-ar", "44100"),
    "Vorbis, 16 kHz": ("g.ogg", "-c:a", "libvorbis", "-q:a", "4"),
    "Opus": ("h.opus", "-c:a", "libopus", "-b:a", "32k"),
    "MP3, 16 kHz": ("i.mp3", "-c:a", "libmp3lame", "-b:a", "48k"),
}
_SOURCE_HZ = 16_000


def _sound(path: Path) -> None:
    """Write eight seconds of speech-like noise with more than 16 bits, so that rounding counts."""
    rng = np.random.default_rng(1)
    times = np.arange(8 * _SOURCE_HZ) / _SOURCE_HZ
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * times)
    tone = sum(np.sin(2 * np.pi * hz * times) / hz for hz in (120, 240, 480, 960, 1920)) * 40
    samples = 0.2 * swell * (tone + 0.2 * rng.standard_normal(len(times)))
    soundfile.write(path, samples, _SOURCE_HZ, subtype="FLOAT")


def _cpu_ms(work: Callable[[], object], n: int) -> float:
    def now_s() -> float:
        own = os.times()
        return own.user + own.system + own.children_user + own.children_system

    begun_s = now_s()
    for _ in range(n):
        work()
    return (now_s() - begun_s) * 1000 / n


def _as_qasr(path: Path) -> np.ndarray:
    with decode.open_audio(path, MediaOptions()) as audio:
        return np.concatenate([np.zeros(0, np.int16), *audio])


def _as_libsndfile(path: Path) -> np.ndarray | None:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    if rate_hz != _SOURCE_HZ:
        return None  # somebody has to resample, and no two resamplers agree
    whole: np.ndarray = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    return whole


def _difference(path: Path) -> str:
    other = _as_libsndfile(path)
    if other is None:
        return "another rate"
    with decode.open_with_ffmpeg(path, MediaOptions()) as audio:
        own = np.concatenate([np.zeros(0, np.int16), *audio])
    if len(own) != len(other):
        return f"{len(other) - len(own):+,} samples"
    differing = int(np.count_nonzero(own != other))
    return f"{differing:,} of {len(own):,}" if differing else "none"


def _put(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=100)
    n = parser.parse_args().clips
    tools = find_tools()
    _put("| kind | qasr, CPU ms a clip | libsndfile, CPU ms | samples that differ from ffmpeg's |")
    _put("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.wav"
        _sound(source)
        for name, (file, *arguments) in KINDS.items():
            path = Path(folder) / file
            command: list[str] = [
                str(tools.ffmpeg),
                "-v",
                "error",
                "-y",
                "-i",
                str(source),
                *arguments,
                str(path),
            ]
            subprocess.run(command, check=True)
            with flac_server.serving(n):
                ours_ms = _cpu_ms(lambda path=path: _as_qasr(path), n)  # type: ignore[misc]
            theirs_ms = _cpu_ms(lambda path=path: soundfile.read(path), n)  # type: ignore[misc]
            _put(f"| {name} | {ours_ms:.1f} | {theirs_ms:.1f} | {_difference(path)} |")


if __name__ == "__main__":
    main()

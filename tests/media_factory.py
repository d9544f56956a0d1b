"""Media made on the spot with the ffmpeg that qasr itself finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from qasr_cli.media.ffmpeg import find_tools
from qasr_cli.timebase import SAMPLE_RATE_HZ, SAMPLES_PER_MS

CLICK_S = 0.5  # where in a clicking sound the first click is


def ffmpeg(*arguments: object) -> None:
    """Run ffmpeg and fail loudly."""
    subprocess.run(
        [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", *map(str, arguments)],
        check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
    )  # fmt: skip


def make_silence(path: Path, duration_s: float) -> Path:
    """Write digital silence."""
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", duration_s, path)
    return path


def make_noise(path: Path, duration_s: float) -> Path:
    """Write pink noise, which no codec makes small: a decoder has to read again and again."""
    ffmpeg("-f", "lavfi", "-i", f"anoisesrc=r=48000:c=pink:seed=1:d={duration_s}", path)
    return path


def make_click(path: Path, *more: object, duration_s: float = 2.0, rate_hz: int = 48_000) -> Path:
    """Write silence with a burst of 1 kHz tone from `CLICK_S` on, 50 ms long; `more` are output arguments."""
    burst = f"if(between(t,{CLICK_S},{CLICK_S + 0.05}),0.8*sin(2*PI*1000*t),0)"
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc='{burst}':s={rate_hz}:d={duration_s}", *more, path)
    return path


def make_film(path: Path, click: Path, *more: object, late_s: float = 0.0, duration_s: float = 3.0) -> Path:
    """Write a moving picture whose sound begins `late_s` after it; `more` are output arguments."""
    picture = ["-f", "lavfi", "-t", duration_s, "-i", "testsrc=s=64x48:r=25"]
    ffmpeg(*picture, "-itsoffset", late_s, "-i", click, "-map", "0:v", "-map", "1:a", *more, path)
    return path


def join(path: Path, *parts: Path) -> Path:
    """Write the bytes of files one behind the other, as `cat` does."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def cut(path: Path, share: float) -> Path:
    """Keep only the first part of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def find_clicks_ms(samples: np.ndarray) -> list[int]:
    """Return when each click in `int16[n_samples]` begins."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 4000)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-SAMPLE_RATE_HZ) > SAMPLE_RATE_HZ // 5)]
    return [int(start) // SAMPLES_PER_MS for start in starts]

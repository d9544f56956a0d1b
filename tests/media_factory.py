"""Media made on the spot with the ffmpeg that qasr itself finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from qasr_cli.media.ffmpeg import find_tools

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


def make_click(path: Path, *more: object, duration_s: float = 2.0, rate_hz: int = 48_000) -> Path:
    """Write silence with a burst of 1 kHz tone from `CLICK_S` on, 50 ms long; `more` are output arguments."""
    burst = f"if(between(t,{CLICK_S},{CLICK_S + 0.05}),0.8*sin(2*PI*1000*t),0)"
    ffmpeg("-f", "lavfi", "-i", f"aevalsrc='{burst}':s={rate_hz}:d={duration_s}", *more, path)
    return path

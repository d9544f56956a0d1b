"""Time as whole milliseconds, and its exact relation to samples.

In go milliseconds, samples or float seconds of other programs; out come integers. No other module converts
time, and no float time is passed between packages: `int(ms / 1000 * 1000)` differs from `ms` for 0.66 % of
the milliseconds of an hour, so that other tools lose some milliseconds.
"""

from __future__ import annotations

from fractions import Fraction

MS_PER_S = 1000
SAMPLE_RATE_HZ = 16_000  # the sample rate of Qwen3-ASR, its aligner and silero-vad
SAMPLES_PER_MS = SAMPLE_RATE_HZ // MS_PER_S  # 16, exactly: a millisecond is always a whole sample index
assert SAMPLES_PER_MS * MS_PER_S == SAMPLE_RATE_HZ  # noqa: S101 - an impossible state, not input
BYTES_PER_SAMPLE = 2  # signed 16-bit little endian
BYTES_PER_MS = SAMPLES_PER_MS * BYTES_PER_SAMPLE


def ms_to_samples(time_ms: int) -> int:
    """Return the index of the first sample at or after `time_ms`; exact."""
    return time_ms * SAMPLES_PER_MS


def samples_to_ms(n_samples: int) -> int:
    """Return the whole milliseconds that hold `n_samples`, rounded up so that no sample is cut off."""
    return -(-n_samples // SAMPLES_PER_MS)


def seconds_to_ms(seconds: float) -> int:
    """Return the nearest millisecond to float seconds (of ffmpeg, of flags), halves up."""
    return int(seconds * MS_PER_S + 0.5) if seconds >= 0 else -int(-seconds * MS_PER_S + 0.5)


def format_clock(time_ms: int, decimal_mark: str = ".") -> str:
    """Return `HH:MM:SS.mmm`; hours grow past 99, as SRT and WebVTT allow.

    Raises:
        ValueError: `time_ms` is negative, which no subtitle format allows.
    """
    if time_ms < 0:
        raise ValueError(f"a time of {time_ms} ms lies before the start of the media")
    minutes, rest_ms = divmod(time_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds, millis = divmod(rest_ms, MS_PER_S)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal_mark}{millis:03d}"


def format_speed(rtfx: float) -> str:
    """Return a speed relative to real time as text, with a decimal if it is small."""
    return f"{rtfx:.1f}" if rtfx < 10 else f"{rtfx:,.0f}"


def broadcast_rate(rate: Fraction) -> Fraction:
    """Return the exact frame rate that a rounded one stands for: 23.976 is 24000/1001."""
    for whole in (24, 30, 48, 60, 120):
        exact = Fraction(whole * 1_000, 1_001)
        if abs(rate - exact) < Fraction(1, 200):
            return exact
    return rate

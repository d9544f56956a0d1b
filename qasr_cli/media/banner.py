"""What ffmpeg says about a file before it decodes it.

In goes ffmpeg's stderr; out come the container's clock and its audio tracks. Read from the banner rather than
from ffprobe, because a machine may have no ffprobe, and because one process a file is half the price of two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qasr_cli.records import Track
from qasr_cli.timebase import seconds_to_ms

END = "Output #0"  # from here on ffmpeg speaks of what it writes

_LEVEL = re.compile(r"^\[info\] ?", re.M)
_INPUT = re.compile(r"^Input #0, (?P<formats>\S+), from ", re.M)
_DURATION = re.compile(r"^ *Duration: (?:(\d+):(\d\d):(\d\d\.\d+)|N/A)(?:, start: (-?\d+\.\d+))?", re.M)
_STREAM = re.compile(
    r"^ *Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?: "
    r"(?P<kind>Audio|Video): (?P<rest>.*)$",
    re.M,
)
_CHANNELS = {"mono": 1, "stereo": 2, "quad": 4}


@dataclass(frozen=True, slots=True)
class Banner:
    """What is known of a file.

    Attributes:
        formats: ffmpeg's name or names for the container.
        start_ms: Where the container's clock starts; players show this moment as 0.
        has_video: There is a moving picture (a cover is none).
        tracks: The audio tracks, in order.
    """

    formats: str
    start_ms: int
    has_video: bool
    tracks: tuple[Track, ...]


def read(said: str) -> Banner:
    """Return what ffmpeg said of input 0; without tracks if it could not open it."""
    about_input = _LEVEL.sub("", said).split(END)[0].split("Stream mapping:")[0]
    known = _INPUT.search(about_input)
    clock = _DURATION.search(about_input)
    duration_ms = None
    if clock and clock[1]:
        duration_ms = (int(clock[1]) * 60 + int(clock[2])) * 60_000 + seconds_to_ms(float(clock[3]))
    streams = list(_STREAM.finditer(about_input))
    return Banner(
        formats=known["formats"] if known else "",
        start_ms=seconds_to_ms(float(clock[4])) if clock and clock[4] else 0,
        has_video=any(item["kind"] == "Video" and "(attached pic)" not in item["rest"] for item in streams),
        tracks=tuple(_track(item, duration_ms) for item in streams if item["kind"] == "Audio"),
    )


def _track(match: re.Match[str], duration_ms: int | None) -> Track:
    rest = match["rest"]
    rate = re.search(r"(\d+) Hz", rest)
    layout = re.search(r"Hz, ([^,]+)", rest)
    start = re.search(r", start (-?\d+\.\d+)", rest)
    return Track(
        stream_index=int(match["index"]),
        codec=re.split(r"[ ,(]", rest, maxsplit=1)[0],
        channels=_n_channels(layout[1]) if layout else 0,
        sample_rate_hz=int(rate[1]) if rate else 0,
        start_ms=seconds_to_ms(float(start[1])) if start else 0,
        duration_ms=duration_ms,
        language=match["language"] if match["language"] not in {None, "und"} else None,
    )


def _n_channels(layout: str) -> int:
    if layout in _CHANNELS:
        return _CHANNELS[layout]
    if layout.endswith(" channels"):
        return int(layout.removesuffix(" channels"))
    front, _, low = layout.partition("(")[0].partition(".")  # 5.1(side): five and a low one
    return int(front) + int(low or 0) if front.isdigit() else 0

"""What ffmpeg prints about a file: what is in it, and what is wrong with it.

In goes ffmpeg's stderr; out come the container's clock, its audio tracks, its subtitles, the frame rate of
its picture and the first error. The stderr of the decoding ffmpeg is read rather than ffprobe's, because a
machine may have no ffprobe, and because one process a file is half the price of two. Works on text only, and
takes none of it to be printable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.media.process import StderrFilter
from qasr_cli.records import Track, Video
from qasr_cli.timebase import broadcast_rate, seconds_to_ms

# What is worth keeping of `-loglevel level+info`: not tags and chapters, which are as long as they like. The
# level at the start of the line tells ffmpeg's own words from a title that looks like them.
STDERR_FILTER = StderrFilter(
    keep=re.compile(
        rb"^(?:\[aist#0:\d+[^\]]* @ 0x[0-9a-f]+\] )?\[warning\] Guessed Channel Layout|"
        rb"^\[info\] *(?:Input #0, |Duration: |Stream #0:|Output #0, |Exiting normally, received signal)"
        rb"|^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal)\] "
    ),
    until=re.compile(rb"^\[info\] Output #0, "),  # from here on it is about what ffmpeg writes
)

_ASKED_TO_END = re.compile(r"^\[info\] Exiting normally, received signal", re.M)  # SIGTERM and the like
_END = re.compile(r"^\[info\] Output #0, ", re.M)
_INPUT = re.compile(r"^\[info\] Input #0, (?P<formats>\S+), from ", re.M)
_DURATION = re.compile(
    r"^\[info\] *Duration: (?:(\d+):(\d\d):(\d\d\.\d+)|N/A)(?:, start: (-?\d+\.\d+))?", re.M
)
_STREAM = re.compile(
    r"^\[info\] *Stream #0:(?P<index>\d+)(?:\[0x[0-9a-f]+\])?(?:\((?P<language>[^)]*)\))?: "
    r"(?P<kind>Audio|Video|Subtitle|Data): (?P<rest>.*)$",
    re.M,
)
_WITHOUT_CLOCK = {"aac", "mp3", "ac3", "eac3", "dts", "loas", "truehd", "mlp", "mp2"}
_JUMPING_CLOCKS = {"mpegts", "mpeg", "ogg"}
# Printed for WAV and the like, where a channel has a number and no place; the stream's index stands behind it
# before ffmpeg 6.
_GUESSED = re.compile(
    r"^(?:\[aist#0:(\d+)[^\]]*\] )?\[warning\] Guessed Channel Layout(?: for Input Stream #0\.(\d+))?", re.M
)
_CHANGED = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[error\] Changing audio frame properties", re.M)
_MANY_CHANNELS = 3  # of one or two it is known where they belong
_PRINTED_FPS = Fraction(1, 100)  # how fine ffmpeg prints a rate
_MAX_FPS = 1_000
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "quad(side)": 4, "hexagonal": 6}
_CHANNELS |= {"octagonal": 8, "cube": 8, "hexadecagonal": 16}

_COMPLAINT = re.compile(r"^(?P<who>(?:\[[^\]]* @ 0x[0-9a-f]+\] )*)\[(?:error|fatal)\] (?P<what>.*)$", re.M)
# Of the decoders that it may not use ffmpeg complains, of a picture that nobody looks at, and of the sink
# that its packets go to.
_IDLE = re.compile(r"not on whitelist|codec parameters|^Not detecting")
_IDLE_WHO = re.compile(r"\[(?:h264|hevc|mpeg\w*video|mpeg4|vp[89]|av1|libdav1d|vc1|wmv3|theora|null|NULL) @ ")


# The system's errors for a disk or a network share that fails. Some of ffmpeg's own readers print them for a
# file that ends early, too.
_DISK = re.compile(
    r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal)\] .*"
    r"(?:input/output error|i/o error|stale file handle|timed out|host is down|not connected)",
    re.M | re.I,
)


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """Subtitles inside a file; `is_forced` when they are only for what is not in the film's language."""

    index: int
    codec: str
    language: str | None
    is_forced: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of a file.

    Attributes:
        formats: ffmpeg's name or names for the container; "" if it could not open the file.
        start_ms: Where the container's clock starts; players show this moment as 0.
        has_video: There is a moving picture (a cover is none).
        tracks: The audio tracks, in order; their `start_ms` count from the container's start.
        track_starts_ms: Where each begins on the container's clock; 0 where ffmpeg (before 7) has none.
        frame_rate: Of the moving picture; None where it varies or is not known exactly.
        subtitles: Streams of subtitles, pictures of text included.
        n_unplaced: How many channels each audio track has, where nobody says where they belong; else 0.
        n_streams: Of any kind.
    """

    formats: str
    start_ms: int
    has_video: bool
    tracks: tuple[Track, ...]
    track_starts_ms: tuple[int, ...]
    frame_rate: Fraction | None = None
    subtitles: tuple[SubtitleStream, ...] = ()
    n_unplaced: tuple[int, ...] = ()
    n_streams: int = 0

    @property
    def is_jumping(self) -> bool:
        """Whether its clock may jump: ffmpeg starts that at the streams in use, not at the container's."""
        return self.formats in _JUMPING_CLOCKS

    @property
    def has_clock(self) -> bool:
        """Whether it keeps times at all: some formats are packets of sound and nothing else."""
        return self.formats not in _WITHOUT_CLOCK

    @property
    def video(self) -> Video | None:
        """What is known of the moving picture; None where there is none."""
        return Video(self.frame_rate) if self.has_video else None


def read(stderr_text: str) -> Probe:
    """Return what ffmpeg printed about input 0 at `-loglevel level+info`."""
    about_input = _END.split(stderr_text, maxsplit=1)[0]
    header = _INPUT.search(about_input)
    start_ms, duration_ms = _clock(about_input)
    streams = _streams(about_input)
    guessed = {int(item[1] or item[2] or 0) for item in _GUESSED.finditer(about_input)}
    audio = [item for item in streams if item["kind"] == "Audio"]
    pictures = [
        item["rest"] for item in streams if item["kind"] == "Video" and "(attached pic)" not in item["rest"]
    ]
    return Probe(
        formats=header["formats"] if header else "",
        start_ms=start_ms,
        has_video=bool(pictures),
        tracks=tuple(_track(item, start_ms, duration_ms) for item in audio),
        track_starts_ms=tuple(_start_ms(item) or 0 for item in audio),
        frame_rate=_frame_rate(pictures[0]) if pictures else None,
        subtitles=tuple(_subtitles(item) for item in streams if item["kind"] == "Subtitle"),
        n_unplaced=tuple(_n_unplaced(item, guessed) for item in audio),
        n_streams=len(streams),
    )


def first_complaint(stderr_text: str, *, is_of_picture: bool = False) -> str:
    """Return what ffmpeg first called an error that touches the sound (or the picture), or ""."""
    for match in _COMPLAINT.finditer(stderr_text):
        is_idle = _IDLE.search(match["what"]) or (not is_of_picture and _IDLE_WHO.search(match["who"]))
        if not is_idle:
            return match["what"].removeprefix("Error opening input: ")
    return ""


def has_changed(stderr_text: str) -> bool:
    """Whether ffmpeg ended because the channels or the rate of the sound changed."""
    return _CHANGED.search(stderr_text) is not None


def may_be_of_disk(stderr_text: str) -> bool:
    """Whether it may be the disk, or the network, that kept ffmpeg from reading on."""
    return _DISK.search(stderr_text) is not None


def was_asked_to_end(stderr_text: str) -> bool:
    """Whether a signal had ffmpeg end in good order before it was done."""
    return _ASKED_TO_END.search(stderr_text) is not None


def _clock(stderr_text: str) -> tuple[int, int | None]:
    """Return when the container starts and how long it is, as far as it says."""
    line = _DURATION.search(stderr_text)
    duration_ms = None
    if line and line[1]:
        duration_ms = (int(line[1]) * 60 + int(line[2])) * 60_000 + seconds_to_ms(float(line[3]))
    return seconds_to_ms(float(line[4])) if line and line[4] else 0, duration_ms


def _streams(stderr_text: str) -> list[re.Match[str]]:
    """Return the line of each stream, in the order in which ffmpeg counts them.

    ffmpeg lists them programme by programme, and what two programmes share twice.
    """
    by_index = {int(match["index"]): match for match in _STREAM.finditer(stderr_text)}
    return [by_index[index] for index in sorted(by_index)]


def _n_unplaced(match: re.Match[str], guessed: set[int]) -> int:
    layout = _layout(match["rest"])
    is_unplaced = int(match["index"]) in guessed or re.fullmatch(r"\d+ channels", layout)
    n_channels = _n_channels(layout)
    return n_channels if is_unplaced and n_channels >= _MANY_CHANNELS else 0


def _start_ms(match: re.Match[str]) -> int | None:
    start = re.search(r", start (-?\d+\.\d+)", match["rest"])
    return seconds_to_ms(float(start[1])) if start else None


def _frame_rate(rest: str) -> Fraction | None:
    """Return the exact rate of a picture whose every frame is shown equally long, else None.

    ffmpeg names the mean of all frames (`fps`) and the finest grid that they lie on (`tbr`). Where these are
    one, or the grid is of half frames (interlaced pictures, and those it has not looked into), the rate is
    constant. It prints two digits, which stand for an exact rate only if they are a broadcaster's rate, a
    whole number or a half.
    """
    mean, grid = (re.search(rf", (\d+(?:\.\d+)?) {unit}(?:,| |$)", rest) for unit in ("fps", "tbr"))
    if mean is None or grid is None:
        return None
    fps, tbr = Fraction(mean[1]), Fraction(grid[1])
    if min(abs(tbr - fps), abs(tbr - 2 * fps)) > _PRINTED_FPS or not 1 <= fps <= _MAX_FPS:
        return None
    rate = broadcast_rate(fps)
    return rate if rate != fps or (2 * fps).denominator == 1 else None


def _track(match: re.Match[str], container_start_ms: int, duration_ms: int | None) -> Track:
    rest = match["rest"]
    rate = re.search(r"(\d+) Hz", rest)
    start_ms = _start_ms(match)
    return Track(
        stream_index=int(match["index"]),
        codec=_codec(rest),
        channels=_n_channels(_layout(rest)),
        sample_rate_hz=int(rate[1]) if rate else 0,
        start_ms=start_ms - container_start_ms if start_ms is not None else 0,
        duration_ms=duration_ms,
        language=_language(match),
    )


def _subtitles(match: re.Match[str]) -> SubtitleStream:
    rest = match["rest"]
    return SubtitleStream(int(match["index"]), _codec(rest), _language(match), "(forced)" in rest)


def _layout(rest: str) -> str:
    """Return where an audio track's channels belong, in ffmpeg's words; "" where it does not say."""
    layout = re.search(r"Hz, ([^,]+)", rest)
    return layout[1] if layout else ""


def _codec(rest: str) -> str:
    return re.split(r"[ ,(]", rest, maxsplit=1)[0]


def _language(match: re.Match[str]) -> str | None:
    return match["language"] if match["language"] not in {None, "und"} else None


def _n_channels(layout: str) -> int:
    """Return how many channels a layout has: `stereo`, `5.1(side)`, `7.1.4`, `3 channels (FL+FR+LFE)`."""
    if layout in _CHANNELS:
        return _CHANNELS[layout]
    counted = re.match(r"(\d+) channels", layout)
    if counted:
        return int(counted[1])
    sphere = re.match(r"ambisonic (\d+)", layout)
    if sphere:
        return (int(sphere[1]) + 1) ** 2
    groups = re.match(r"\d+(?:\.\d+)*", layout)  # at ear height, low ones, overhead
    return sum(int(part) for part in groups[0].split(".")) if groups else 0

"""The probe of a file: its streams, and its first error, from ffmpeg's stderr.

In goes ffmpeg's stderr; out come the container's clock, its audio tracks, its subtitles, the frame rate of
its picture and the first error. The stderr of the decoding ffmpeg is parsed rather than ffprobe's, because a
machine may have no ffprobe, and because one process a file costs half as much as two. Works on text only, and
never assumes that it is printable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from qasr_cli.media.process import StderrFilter
from qasr_cli.records import Track, Video
from qasr_cli.timebase import MS_PER_S, broadcast_rate, seconds_to_ms

# The useful lines of `-loglevel level+verbose`: not tags and chapters, which may be very long. The level at
# the start of a line distinguishes ffmpeg's messages from a title that looks like one.
STDERR_FILTER = StderrFilter(
    keep=re.compile(
        rb"^(?:\[aist#0:\d+[^\]]* @ 0x[0-9a-f]+\] )?\[warning\] Guessed Channel Layout|"
        rb"^\[info\] *(?:Input #0, |Duration: |Stream #0:|Output #0, |Exiting normally, received signal)"
        rb"|^(?:\[in#0[^\]]*\] )?\[verbose\] *Input stream #0:\d+ \(audio\): "
        rb"|^\[graph_-?\d+_in_0[^\]]*\] \[verbose\] tb:\S+ samplefmt:"
        rb"|^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[warning\] Estimating duration from bitrate"
        rb"|^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal)\] "
    ),
    until=re.compile(rb"^\[info\] Output #0, "),  # the following lines describe the output
)

_INTERRUPTED = re.compile(r"^\[info\] Exiting normally, received signal", re.M)  # SIGTERM and the like
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
# Without a length in a header (an mp3 may have one); ffmpeg derives theirs from the size of the file.
_ESTIMATED_FORMATS = (_WITHOUT_CLOCK - {"mp3"}) | {"amr", "gsm", "wav", "w64", "caf"}
_JUMPING_CLOCKS = {"mpegts", "mpeg", "ogg"}
# Their duration counts from 0, not from their start. That of MP4 does before some ffmpeg later than 5.1; in
# newer ones a late start makes the promise shorter than it is, which gives no false alarm.
_ENDS_FROM_0 = {"matroska,webm", "asf", "mov,mp4,m4a,3gp,3g2,mj2"}
# Printed for WAV and the like, whose channels have no layout; before ffmpeg 6 the stream's index is last.
_GUESSED = re.compile(
    r"^(?:\[aist#0:(\d+)[^\]]*\] )?\[warning\] Guessed Channel Layout(?: for Input Stream #0\.(\d+))?", re.M
)
# Printed at the end, for each stream in use.
_DECODED = re.compile(
    r"^(?:\[in#0[^\]]*\] )?\[verbose\] *Input stream #0:(\d+) \(audio\): .*\((\d+) samples\)", re.M
)
# Of the samples that come from the decoder; the header of an HE-AAC may give half the rate.
_SAMPLE_RATE = re.compile(
    r"^\[graph_-?\d+_in_0[^\]]*\] \[verbose\] tb:\S+ samplefmt:\S+ samplerate:(\d+) ", re.M
)
_ESTIMATED = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[warning\] Estimating duration from bitrate", re.M)
_CHANGED = re.compile(r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[error\] Changing audio frame properties", re.M)
_MEAN_RATE, _GRID_RATE = (re.compile(rf", (\d+(?:\.\d+)?) {unit}(?:,| |$)") for unit in ("fps", "tbr"))
_MANY_CHANNELS = 3  # the layout of one or two channels is known
_PRINTED_FPS = Fraction(1, 100)  # precision of printed rates
_MAX_FPS = 1_000
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "quad(side)": 4, "hexagonal": 6}
_CHANNELS |= {"octagonal": 8, "cube": 8, "hexadecagonal": 16}

_COMPLAINT = re.compile(r"^(?P<who>(?:\[[^\]]* @ 0x[0-9a-f]+\] )*)\[(?:error|fatal)\] (?P<what>.*)$", re.M)
# Complaints of ffmpeg that do not matter: forbidden decoders, an unused picture, the null output, and times
# that raw samples do not have.
_IRRELEVANT = re.compile(r"not on whitelist|codec parameters|^Not detecting|non monotonically increasing dts")
_IRRELEVANT_SOURCE = re.compile(
    r"\[(?:h264|hevc|mpeg\w*video|mpeg4|vp[89]|av1|libdav1d|vc1|wmv3|theora|null|NULL) @ "
)


# The system's errors for a failing disk or network share. Some demuxers also print them for a truncated file.
_DISK = re.compile(
    r"^(?:\[[^\]]* @ 0x[0-9a-f]+\] )*\[(?:error|fatal)\] .*"
    r"(?:input/output error|i/o error|stale file handle|timed out|host is down|not connected)",
    re.M | re.I,
)


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """A subtitle stream; `is_forced` if it has only passages in a foreign language."""

    index: int
    codec: str
    language: str | None
    is_forced: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """The properties of a file.

    Attributes:
        formats: ffmpeg's name or names of the container; "" if it could not open the file.
        start_ms: Start of the container's clock; players show this time as 0.
        has_video: There is a moving picture (a cover does not count).
        tracks: The audio tracks, in order; their `start_ms` count from the container's start.
        track_starts_ms: Start of each track on the container's clock; 0 if ffmpeg (before 7) prints none.
        frame_rate: Frame rate of the picture; None if it varies or is not known exactly.
        subtitles: Subtitle streams, bitmap subtitles included.
        n_unmapped: Number of channels of each audio track whose layout is unknown; 0 if it is known.
        n_streams: Number of streams of any kind.
        is_sound_alone: It holds one audio track and, but for covers, nothing else.
        is_duration_promised: The duration of its tracks is that of its headers, and no estimate.
        length_ms: From the container's start to its end; None if it is unknown.
    """

    formats: str
    start_ms: int
    has_video: bool
    tracks: tuple[Track, ...]
    track_starts_ms: tuple[int, ...]
    frame_rate: Fraction | None = None
    subtitles: tuple[SubtitleStream, ...] = ()
    n_unmapped: tuple[int, ...] = ()
    n_streams: int = 0
    is_sound_alone: bool = False
    is_duration_promised: bool = False
    length_ms: int | None = None

    @property
    def has_discontinuities(self) -> bool:
        """Whether its clock may jump: ffmpeg starts such a clock at the first stream in use."""
        return self.formats in _JUMPING_CLOCKS

    @property
    def has_clock(self) -> bool:
        """Whether the container stores times: some formats are packets of audio and nothing else."""
        return self.formats not in _WITHOUT_CLOCK

    @property
    def video(self) -> Video | None:
        """The properties of the moving picture; None without one."""
        return Video(self.frame_rate) if self.has_video else None


def read(stderr_text: str) -> Probe:
    """Parse the description of input 0 that ffmpeg prints at `-loglevel level+info`."""
    about_input = _END.split(stderr_text, maxsplit=1)[0]
    header = _INPUT.search(about_input)
    start_ms, duration_ms = _clock(about_input)
    streams = _streams(about_input)
    guessed = {int(item[1] or item[2] or 0) for item in _GUESSED.finditer(about_input)}
    audio = [item for item in streams if item["kind"] == "Audio"]
    videos = [item["rest"] for item in streams if item["kind"] == "Video"]
    pictures = [rest for rest in videos if "(attached pic)" not in rest]
    n_covers = len(videos) - len(pictures)
    formats = header["formats"] if header else ""
    return Probe(
        formats=formats,
        start_ms=start_ms,
        has_video=bool(pictures),
        tracks=tuple(_track(item, start_ms, duration_ms) for item in audio),
        track_starts_ms=tuple(_start_ms(item) or 0 for item in audio),
        frame_rate=_frame_rate(pictures[0]) if pictures else None,
        subtitles=tuple(_subtitles(item) for item in streams if item["kind"] == "Subtitle"),
        n_unmapped=tuple(_n_unmapped(item, guessed) for item in audio),
        n_streams=len(streams),
        is_sound_alone=len(audio) == len(streams) - n_covers == 1,
        is_duration_promised=duration_ms is not None and not _is_estimated(about_input, formats),
        length_ms=_length_ms(formats, start_ms, duration_ms),
    )


def _is_estimated(about_input: str, formats: str) -> bool:
    """Whether ffmpeg's duration is only an estimate."""
    return formats in _JUMPING_CLOCKS | _ESTIMATED_FORMATS or bool(_ESTIMATED.search(about_input))


def first_complaint(stderr_text: str, *, is_of_picture: bool = False, is_whole: bool = False) -> str:
    """Return ffmpeg's first error that affects the audio (or the picture), or "".

    With `is_whole` errors before decoding do not count.
    """
    if is_whole:
        stderr_text = _END.split(stderr_text, maxsplit=1)[-1]
    for match in _COMPLAINT.finditer(stderr_text):
        is_irrelevant = _IRRELEVANT.search(match["what"]) or (
            not is_of_picture and _IRRELEVANT_SOURCE.search(match["who"])
        )
        if not is_irrelevant:
            return match["what"].removeprefix("Error opening input: ")
    return ""


def has_changed(stderr_text: str) -> bool:
    """Whether ffmpeg ended because the channels or the sample rate of the audio changed."""
    return _CHANGED.search(stderr_text) is not None


def decoded_ms(stderr_text: str, stream_index: int) -> float | None:
    """Return the length of a stream's samples, whatever their times are; None if ffmpeg did not say."""
    counts = [int(match[2]) for match in _DECODED.finditer(stderr_text) if int(match[1]) == stream_index]
    rate = _SAMPLE_RATE.search(stderr_text)
    return counts[-1] * MS_PER_S / int(rate[1]) if counts and rate and int(rate[1]) else None


def may_be_of_disk(stderr_text: str) -> bool:
    """Whether a failing disk or network may have stopped ffmpeg."""
    return _DISK.search(stderr_text) is not None


def was_interrupted(stderr_text: str) -> bool:
    """Whether ffmpeg ended early because of a signal."""
    return _INTERRUPTED.search(stderr_text) is not None


def _clock(stderr_text: str) -> tuple[int, int | None]:
    """Return the start and duration of the container, if printed."""
    line = _DURATION.search(stderr_text)
    duration_ms = None
    if line and line[1]:
        duration_ms = (int(line[1]) * 60 + int(line[2])) * 60_000 + seconds_to_ms(float(line[3]))
    return seconds_to_ms(float(line[4])) if line and line[4] else 0, duration_ms


def _length_ms(formats: str, start_ms: int, duration_ms: int | None) -> int | None:
    if duration_ms is None or formats not in _ENDS_FROM_0:
        return duration_ms
    return max(0, duration_ms - max(0, start_ms))


def _streams(stderr_text: str) -> list[re.Match[str]]:
    """Return the line of each stream, in the order in which ffmpeg counts them.

    ffmpeg lists them by programme, and streams of two programmes twice.
    """
    by_index = {int(match["index"]): match for match in _STREAM.finditer(stderr_text)}
    return [by_index[index] for index in sorted(by_index)]


def _n_unmapped(match: re.Match[str], guessed: set[int]) -> int:
    layout = _layout(match["rest"])
    is_unplaced = int(match["index"]) in guessed or re.fullmatch(r"\d+ channels", layout)
    n_channels = _n_channels(layout)
    return n_channels if is_unplaced and n_channels >= _MANY_CHANNELS else 0


def _start_ms(match: re.Match[str]) -> int | None:
    start = re.search(r", start (-?\d+\.\d+)", match["rest"])
    return seconds_to_ms(float(start[1])) if start else None


def _frame_rate(stream_line: str) -> Fraction | None:
    """Return the exact frame rate of a picture, or None if it is variable.

    ffmpeg prints the mean rate of all frames (`fps`) and the finest grid that they lie on (`tbr`). If the two
    are equal, or the grid is of half frames (for interlaced pictures, and for those that ffmpeg has not
    decoded), the rate is constant. It is printed with two digits, which stand for an exact rate only if they
    are a broadcast rate, a whole number or a half.
    """
    mean, grid = _MEAN_RATE.search(stream_line), _GRID_RATE.search(stream_line)
    if mean is None or grid is None:
        return None
    fps, tbr = Fraction(mean[1]), Fraction(grid[1])
    if min(abs(tbr - fps), abs(tbr - 2 * fps)) > _PRINTED_FPS or not 1 <= fps <= _MAX_FPS:
        return None
    rate = broadcast_rate(fps)
    return rate if rate != fps or (2 * fps).denominator == 1 else None


def _track(match: re.Match[str], container_start_ms: int, duration_ms: int | None) -> Track:
    stream_line = match["rest"]
    rate = re.search(r"(?<!\d)(\d++) Hz", stream_line)
    start_ms = _start_ms(match)
    return Track(
        stream_index=int(match["index"]),
        codec=_codec(stream_line),
        channels=_n_channels(_layout(stream_line)),
        sample_rate_hz=int(rate[1]) if rate else 0,
        start_ms=start_ms - container_start_ms if start_ms is not None else 0,
        duration_ms=duration_ms,
        language=_language(match),
    )


def _subtitles(match: re.Match[str]) -> SubtitleStream:
    stream_line = match["rest"]
    return SubtitleStream(
        int(match["index"]), _codec(stream_line), _language(match), "(forced)" in stream_line
    )


def _layout(stream_line: str) -> str:
    """Return an audio track's channel layout in ffmpeg's words; "" if it prints none."""
    layout = re.search(r"Hz, ([^,]+)", stream_line)
    return layout[1] if layout else ""


def _codec(stream_line: str) -> str:
    return re.split(r"[ ,(]", stream_line, maxsplit=1)[0]


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

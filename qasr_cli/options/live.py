"""Options of live sessions: when text is shown and made final, what is listened to, where text goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.options.flag import LIVE, LIVE_OUTPUT, option, require, seconds
from qasr_cli.options.secret import Secret

_MIN_STEP_MS, _MAX_STEP_MS = 100, 10_000
_MIN_UTTERANCE_MS, _MAX_UTTERANCE_MS = 5_000, 30_000


def _paths(files: Sequence[str] | None) -> tuple[Path, ...]:
    return tuple(Path(file) for file in files or ())


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """When text is shown, and when it is final.

    Attributes:
        step_ms: New audio between two partials, at least; the time of a step itself if that is longer.
        pause_ms: Silence that ends an utterance.
        max_utterance_ms: An utterance is cut at the best silence before it is longer.
    """

    step_ms: int = seconds(
        500,
        LIVE,
        "Show new text every so many seconds; less often on a slow machine.",
        "--step",
        harmless=True,
    )
    pause_ms: int = seconds(
        500,
        LIVE,
        "Silence that ends an utterance, in seconds: its text is final then.",
        "--pause",
        harmless=True,
    )
    max_utterance_ms: int = seconds(
        20_000,
        LIVE,
        "Cut longer utterances at their best silence, in seconds.",
        "--max-utterance",
        harmless=True,
    )

    def __post_init__(self) -> None:
        require(_MIN_STEP_MS <= self.step_ms <= _MAX_STEP_MS, "--step must be 0.1 to 10 seconds", "--step")
        require(100 <= self.pause_ms <= 5_000, "--pause must be 0.1 to 5 seconds", "--pause")
        is_long_enough = _MIN_UTTERANCE_MS <= self.max_utterance_ms <= _MAX_UTTERANCE_MS
        require(is_long_enough, "--max-utterance must be 5 to 30 seconds", "--max-utterance")

    def limited_to(self, max_chunk_ms: int) -> StreamOptions:
        """Return the options for a model with a limit, as far as utterances can be so short."""
        return replace(
            self, max_utterance_ms=max(_MIN_UTTERANCE_MS, min(self.max_utterance_ms, max_chunk_ms))
        )


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a live session listens to, and where its text goes.

    Attributes:
        mic: Name of the microphone; "" for the default one.
        pcm_hz: Sample rate if stdin is raw `s16le` mono; None for media.
        write: Files that grow with the session; their suffix chooses the format.
        hls: Folder for WebVTT segments and their playlist.
        save: File that gets the sound.
    """

    mic: str = option(
        "",
        LIVE,
        "Microphone to use, by a name of --list-devices. Default: the system's.",
        "--mic",
        metavar="NAME",
    )
    pcm_hz: int | None = option(
        None,
        LIVE,
        "stdin is raw samples of this rate: signed 16 bits, little-endian, mono. They need no probing.",
        "--pcm",
        metavar="HZ",
        harmless=True,
    )
    realtime: bool = option(
        False,
        LIVE,
        "Take a file as fast as it is spoken, and not as fast as possible. A pipe never waits then.",
        "--realtime",
    )
    allow_network: bool = option(
        False, LIVE, "Allow addresses as input: rtsp, srt, http and https, udp.", "--allow-network"
    )
    save: Path | None = option(
        None,
        LIVE,
        "Save the sound as FLAC or WAV, by the suffix.",
        "--save",
        metavar="FILE",
        is_setting=False,
    )
    json_lines: bool = option(
        False, LIVE_OUTPUT, "Write every event to stdout as a line of JSON.", "--json-lines", is_setting=False
    )
    write: tuple[Path, ...] = option(
        (),
        LIVE_OUTPUT,
        "Write a file that grows with each utterance; .srt, .vtt, .txt or .jsonl chooses the format. "
        "Repeatable.",
        "--write",
        metavar="FILE",
        kind=str,
        default=None,
        convert=_paths,
        is_repeatable=True,
        is_setting=False,
        is_path=True,
    )
    overwrite: bool = option(False, LIVE_OUTPUT, "Replace files that exist.", "--overwrite", is_setting=False)
    hls: Path | None = option(
        None,
        LIVE_OUTPUT,
        "Write WebVTT segments and their playlist for HLS into a folder.",
        "--hls",
        metavar="DIR",
        is_setting=False,
    )
    hls_segment_ms: int = seconds(
        6_000, LIVE_OUTPUT, "Length of a segment for HLS, in seconds: that of the video's.", "--hls-segment"
    )
    hls_mpegts: int = option(
        0,
        LIVE_OUTPUT,
        "MPEG-TS time of the session's begin, in ticks of 1/90,000 s: that of the video's first picture.",
        "--hls-mpegts",
        metavar="TICKS",
        is_setting=False,
    )
    caption_file: Path | None = option(
        None,
        LIVE_OUTPUT,
        "Keep the last two lines in a file, for OBS and others that read a text from one.",
        "--caption-file",
        metavar="FILE",
        is_setting=False,
    )
    obs: str = option(
        "",
        LIVE_OUTPUT,
        "Send captions to OBS by its WebSocket server, such as localhost:4455.",
        "--obs",
        metavar="HOST:PORT",
    )
    obs_source: str = option(
        "",
        LIVE_OUTPUT,
        "Text source in OBS that shows them; without it they are captions of the stream.",
        "--obs-source",
        metavar="NAME",
    )
    obs_password: Secret = option(
        Secret(""),
        LIVE_OUTPUT,
        "Password of OBS's WebSocket server. Other users see a command line: better is QASR_OBS_PASSWORD.",
        "--obs-password",
        metavar="WORD",
        kind=str,
        default="",
        convert=Secret,
        is_secret=True,
    )
    overlay: int | None = option(
        None,
        LIVE_OUTPUT,
        "Serve a page with the captions on this port of this machine, for a browser source. 0: any free one.",
        "--overlay",
        metavar="PORT",
        is_setting=False,
    )

    def __post_init__(self) -> None:
        require(
            self.pcm_hz is None or 8_000 <= self.pcm_hz <= 192_000, "--pcm must be 8000 to 192000", "--pcm"
        )
        require(
            1_000 <= self.hls_segment_ms <= 60_000, "--hls-segment must be 1 to 60 seconds", "--hls-segment"
        )
        require(0 <= self.hls_mpegts < 2**33, "--hls-mpegts must be 0 to 2^33 - 1", "--hls-mpegts")
        is_port = self.overlay is None or 0 <= self.overlay <= 65_535
        require(is_port, "--overlay must be a port: 0 to 65535", "--overlay")


@dataclass(frozen=True, slots=True)
class LiveActionOptions:
    """What is done in place of a session.

    Attributes:
        bench: Measure with a recording.
        reference: What is said in it; None takes a text beside it.
        as_json: Print the figures as JSON.
        list_devices: List the microphones.
    """

    bench: bool = option(
        False,
        LIVE,
        "Replay a file as live sound and print latencies, stability, errors and cost. With --realtime it "
        "takes as long as the file, otherwise the clock is simulated.",
        "--bench",
        is_setting=False,
    )
    reference: Path | None = option(
        None,
        LIVE,
        "What is said in the file of --bench: a text, subtitles or JSON. Default: one beside it.",
        "--reference",
        metavar="FILE",
        is_setting=False,
    )
    as_json: bool = option(False, LIVE, "Print the figures of --bench as JSON.", "--json", is_setting=False)
    list_devices: bool = option(False, LIVE, "List the microphones.", "--list-devices", is_setting=False)

    def __post_init__(self) -> None:
        for value, flag in ((self.reference, "--reference"), (self.as_json, "--json")):
            require(self.bench or not value, f"{flag} needs --bench", flag)

"""The prepare lane's work on one source: open, decode, find speech, and find shots beside that.

In goes a media file; out come its samples on disk and where speech is. Starts no threads of its own (the
shots' ffmpeg has one) and loads no model but the speech detector.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qasr_cli.media import decode, shots
from qasr_cli.media.probe import SubtitleStream
from qasr_cli.options import Options
from qasr_cli.pipeline import channels
from qasr_cli.pipeline.channels import ChannelLayout
from qasr_cli.pipeline.decoding import Decoding
from qasr_cli.records import Source, Track, Video, Waveform
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.timebase import format_clock

_POLL_S = 0.2  # an interrupted run waits at most so long for the shots
_PROGRESS_EVERY_S = 5.0
_FIRST_SHOTS = "the file holds several recordings; shots are those of the first"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that is ready to be cut into chunks.

    Attributes:
        speech: Speech spans, and the detector's probability for every 32 ms; where the source has
            spans of its own, only the speech in these.
        warnings: Defects of the media, for the user.
        video: Frame rate and shots of its picture; None without a picture.
        channels: Where each channel is in the waveform; None if it is one sound.
    """

    source: Source
    track: Track
    waveform: Waveform
    speech: SpeechMap
    warnings: tuple[str, ...] = ()
    video: Video | None = None
    channels: ChannelLayout | None = None

    @property
    def duration_ms(self) -> int:
        """Length of the source; its waveform is longer if it holds several channels."""
        return self.channels.duration_ms if self.channels else self.waveform.duration_ms

    @property
    def speech_ms(self) -> int:
        """Milliseconds of speech in the source."""
        return sum(span.duration_ms for span in self.speech.spans)


class Cancelled(Exception):
    """The run was interrupted; the source is not needed any more."""


# Called with the track and the subtitles of an opened source; an exception that it raises ends the source.
Inspect = Callable[[Track, Sequence[SubtitleStream]], None]


def prepare(
    source: Source,
    folder: Path,
    options: Options,
    stop: threading.Event,
    report: Callable[[str], None] = lambda _: None,
    inspect: Inspect = lambda _track, _subtitles: None,
) -> Prepared:
    """Decode a source to a waveform in `folder`, and find the speech in it while it is being decoded.

    Args:
        source: The source to decode.
        folder: Holds the samples (`ID.s16le`, or `ID.WAY.s16le` of another reading) until the source is
            finished.
        options: The whole tree; each stage takes its group.
        stop: Ends the work when it is set.
        report: Called with a line of progress every 5 s while shots are searched.
        inspect: Called before the first sample is decoded; may end the source by raising.

    Raises:
        QasrError: The source is missing, is not media or has no audio; or the disk is full.
        Cancelled: `stop` was set.
    """

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    with decode.open_audio(source.path, options.media) as audio:
        inspect(audio.track, audio.probed.subtitles)
        with _shot_search(source, audio, options) as search:
            target, layout = folder / str(source.id), None
            chosen = channels.wanted(source, audio.track, options)
            if chosen:
                decoded, layout = channels.decode_each(source.path, target, options, chosen, check)
            else:
                decoded = Decoding(source.path, target, options, check).run(audio)
            warnings, video = decoded.warnings, audio.probed.video
            if search is not None:
                duration_ms = layout.duration_ms if layout else decoded.waveform.duration_ms
                _await_shots(search, source, duration_ms, stop, report)
                warnings += search.warnings + ((_FIRST_SHOTS,) if audio.first_extent and video else ())
                video = video and replace(video, shots_ms=search.shots_ms)
            speech = chunking.within(decoded.speech, source.spans) if source.spans else decoded.speech
            return Prepared(source, audio.track, decoded.waveform, speech, warnings, video, layout)


def _shot_search(
    source: Source, audio: decode.OpenAudio, options: Options
) -> contextlib.AbstractContextManager[shots.ShotSearch | None]:
    if not options.picture.shots:
        return contextlib.nullcontext()
    return shots.searching(source.path, audio.probed, options.media.max_hours, audio.first_extent)


def _await_shots(
    search: shots.ShotSearch,
    source: Source,
    duration_ms: int,
    stop: threading.Event,
    report: Callable[[str], None],
) -> None:
    """Wait until the shots are found; a picture takes much longer to decode than its sound.

    Raises:
        Cancelled: `stop` was set.
    """
    reported_s = time.monotonic()
    while not search.is_over(_POLL_S):
        if stop.is_set():
            raise Cancelled
        if time.monotonic() - reported_s >= _PROGRESS_EVERY_S:
            reported_s = time.monotonic()
            reached, whole = (
                format_clock(time_ms)[:-4] for time_ms in (max(0, search.reached_ms), duration_ms)
            )
            report(f"finding shots in {source.relative}, {reached} of {whole}")

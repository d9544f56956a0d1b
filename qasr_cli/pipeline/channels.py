"""Channels of one track, each decoded by itself: one behind the other in a waveform, then back in one talk.

In go a file and the channels that are wanted; out come samples on disk, the speech in them, and where each
channel begins. So all stages between see one waveform, and checkpoints and reviews work as ever. Behind the
engines the channels' segments get their times and speakers back. Channels of silence are kept: they have no
speech.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qasr_cli.errors import UsageError
from qasr_cli.media import decode
from qasr_cli.media.ffmpeg_arguments import Reading
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import EACH, MAX_SPEAKERS, MIXED, Options
from qasr_cli.pipeline.decoding import Decoded, Decoding
from qasr_cli.records import Source, Span, Track
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap
from qasr_cli.speech.diarization import channel_turns
from qasr_cli.speech.fallback import coverage
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.timebase import SAMPLES_PER_MS, samples_to_ms

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ChannelLayout:
    """Where the channels of a source are in its waveform.

    Attributes:
        n_channels: Number of channels; channel k begins at `k * pitch_ms`.
        pitch_ms: From the begin of one channel to that of the next, with the silence behind it.
        duration_ms: Length of the longest channel: that of the source.
    """

    n_channels: int
    pitch_ms: int
    duration_ms: int

    def merged(self, text: ReviewedSource) -> ReviewedSource:
        """Return a source's text with the container's times, and with a speaker for each channel."""
        segments = channel_turns.merge(text.segments, self.pitch_ms)
        shifted = [
            Span(span.start_ms % self.pitch_ms, span.start_ms % self.pitch_ms + span.duration_ms)
            for span in text.uncovered
        ]
        return replace(text, segments=segments, uncovered=coverage.join_spans(shifted))


def wanted(source: Source, track: Track, options: Options) -> tuple[int, ...]:
    """Return the channels to decode by themselves, from 0; none for the usual mix.

    Raises:
        UsageError: The track has no such channel, or more than there can be speakers; or only some spans of
            the source are wanted.
    """
    path, choice = source.relative, options.media.channel
    if choice == MIXED:
        return ()
    if choice == EACH:
        if source.spans:
            reason = "--channel each transcribes whole recordings, and this one is cut by its references"
            raise UsageError.about(path, reason, "leave --channel out", flag="--channel")
        if track.channels > MAX_SPEAKERS:
            reason = f"its track has {track.channels} channels; --channel each takes {MAX_SPEAKERS} at most"
            raise UsageError.about(path, reason, "give the number of one channel", flag="--channel")
        return tuple(range(track.channels))
    if int(choice) >= track.channels:
        known = "0" if track.channels == 1 else f"0 to {track.channels - 1}"
        raise UsageError.about(path, f"no channel {choice}", f"its channels: {known}", flag="--channel")
    return (int(choice),)


def decode_each(
    path: Path, target: Path, options: Options, channels: Sequence[int], check: Callable[[], None]
) -> tuple[Decoded, ChannelLayout | None]:
    """Return the samples of the channels and the speech in them; a layout if they are all channels.

    Args:
        path: The media.
        target: Path of the samples, without their suffix.
        options: The whole tree.
        channels: At least one.
        check: Called with every block; ends the work by raising.

    Raises:
        QasrError: A channel cannot be decoded, or the disk is full.
    """
    parts = [_decoded(path, target, options, channel, check) for channel in channels]
    if options.media.channel != EACH:
        return parts[0], None
    lengths_ms = [samples_to_ms(part.waveform.n_samples) for part in parts]
    # Between two channels there is more silence than a chunk may contain.
    pitch_ms = -(-(max(lengths_ms) + options.chunk.max_gap_ms + 1_000) // FRAME_MS) * FRAME_MS
    layout = ChannelLayout(len(parts), pitch_ms, max(lengths_ms))
    return _joined(target, parts, layout, check), layout


def _decoded(path: Path, target: Path, options: Options, channel: int, check: Callable[[], None]) -> Decoded:
    reading = Reading(channel=channel)
    with decode.open_audio(path, options.media, reading) as audio:
        return Decoding(path, target.with_name(f"{target.name}.{channel}"), options, check).run(audio)


def _joined(
    target: Path, parts: Sequence[Decoded], layout: ChannelLayout, check: Callable[[], None]
) -> Decoded:
    """Return the channels as one waveform; their own files are removed."""
    with WaveformWriter(target.with_name(f"{target.name}.s16le")) as writer:
        for number, part in enumerate(parts):
            for block in _blocks(part.waveform.path):
                check()
                writer.append(block)
            part.waveform.path.unlink(missing_ok=True)
            if number + 1 < len(parts):
                n_silent = layout.pitch_ms * SAMPLES_PER_MS - part.waveform.n_samples
                for block in _silence(n_silent):
                    writer.append(block)
        waveform = writer.close()
    warnings = tuple(dict.fromkeys(warning for part in parts for warning in part.warnings))
    return replace(parts[0], waveform=waveform, speech=_joined_speech(parts, layout), warnings=warnings)


def _joined_speech(parts: Sequence[Decoded], layout: ChannelLayout) -> SpeechMap:
    spans = [
        Span(span.start_ms + number * layout.pitch_ms, span.end_ms + number * layout.pitch_ms)
        for number, part in enumerate(parts)
        for span in part.speech.spans
    ]
    n_frames = layout.pitch_ms // FRAME_MS
    probs = [_of_length(part.speech.probs, n_frames) for part in parts[:-1]] + [parts[-1].speech.probs]
    duration_ms = (len(parts) - 1) * layout.pitch_ms + parts[-1].speech.duration_ms
    return SpeechMap(tuple(spans), np.concatenate(probs), duration_ms)


def _of_length(probs: np.ndarray, n_frames: int) -> np.ndarray:
    return np.pad(probs[:n_frames], (0, max(0, n_frames - len(probs))))


def _blocks(path: Path) -> Iterator[np.ndarray]:
    with path.open("rb") as file:
        while raw := file.read(_BLOCK_BYTES):
            yield np.frombuffer(raw, dtype="<i2")


def _silence(n_samples: int) -> Iterator[np.ndarray]:
    while n_samples > 0:
        block = np.zeros(min(n_samples, _BLOCK_BYTES), dtype="<i2")
        n_samples -= len(block)
        yield block

"""One source, from media to rendered text, in the order in which the data flows.

    prepare: probe, decode, find speech   (a process and a thread per source, several sources ahead)
    [the engine turns chunks of many sources into segments; see runs.engine_lane]
    finish:  segments to a transcript
    render:  transcript to cues to file texts   (pure, milliseconds, also `qasr render`)

This module is the only one that knows the order of the stages. It starts no threads and writes no outputs.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli import formats
from qasr_cli.media import decode
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import CueOptions, Options, OutputOptions
from qasr_cli.records import Cue, Segment, Source, Span, Track, Transcript, Waveform
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.vad import SpeechDetector, SpeechMap
from qasr_cli.subtitles import cues


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that is ready to be cut into chunks.

    Attributes:
        speech: Where speech is and how sure the detector was of every 32 ms.
        warnings: What was wrong with the media, for the user.
    """

    source: Source
    track: Track
    waveform: Waveform
    speech: SpeechMap
    warnings: tuple[str, ...] = ()

    @property
    def speech_ms(self) -> int:
        """How much of the source is speech."""
        return sum(span.duration_ms for span in self.speech.spans)


class Cancelled(Exception):
    """The run is being taken down; nobody is waiting for this source any more."""


def prepare(source: Source, folder: Path, options: Options, stop: threading.Event) -> Prepared:
    """Decode a source to a waveform in `folder`, and find the speech in it while it is being decoded.

    Raises:
        QasrError: The source is not there, not media or has no audio; or the disk is full.
        Cancelled: `stop` was set.
    """
    detector = SpeechDetector(options.vad)
    with (
        WaveformWriter(folder / f"{source.id}.s16le") as writer,
        decode.open_audio(source.path, options.media) as audio,
    ):
        for block in audio:
            if stop.is_set():
                raise Cancelled
            writer.append(block)
            detector.feed(block)
        waveform = writer.close()
        return Prepared(source, audio.track, waveform, detector.finish(), audio.warnings)


def finish(
    prepared: Prepared,
    segments: Sequence[Segment | None],
    engines: Engines,
    options: Options,
    uncovered: tuple[Span, ...] = (),
) -> Transcript:
    """Return the transcript of a source whose every chunk is back (None where a chunk had no words).

    `uncovered` is the speech that stayed without words.
    """
    aligner_id = engines.aligner.model_id if engines.aligner else ""
    return Transcript(
        source_name=prepared.source.relative.name,
        track=prepared.track,
        duration_ms=prepared.waveform.duration_ms,
        segments=tuple(segment for segment in segments if segment is not None),
        fingerprint=options.fingerprint(engines.recognizer.model_id, aligner_id),
        model=engines.recognizer.model_id,
        aligner=aligner_id,
        uncovered=uncovered,
    )


def lay_out(transcript: Transcript, options: CueOptions) -> tuple[Cue, ...]:
    """Return the transcript's cues."""
    return cues.build(transcript.words, transcript.language, transcript.duration_ms, options)


def render(transcript: Transcript, cue_options: CueOptions, output: OutputOptions) -> dict[str, str]:
    """Return the text of each format that was asked for, by format name."""
    laid_out = lay_out(transcript, cue_options)
    return {name: formats.FORMATS[name].render(transcript, laid_out, output) for name in output.formats}

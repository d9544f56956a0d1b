"""One source, from media to rendered text, in the order in which the data flows.

    prepare: probe, decode, find speech   (a process and a thread per source, several sources ahead)
    [the engine turns chunks of many sources into segments; see runs.execution.engine_lane]
    finish:  segments to a transcript
    render:  transcript to cues to file texts   (pure, milliseconds, also `qasr render`)
    judge:   cues to how good they are

This module is the only one that knows the order of the stages. It starts no threads and writes no outputs.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from qasr_cli import formats
from qasr_cli.errors import QasrError
from qasr_cli.formats.readers.script_reading import Origin, ScriptFile
from qasr_cli.media import decode, shots
from qasr_cli.media.probe import Probe, SubtitleStream
from qasr_cli.media.waveform import WaveformWriter
from qasr_cli.options import CueOptions, Options, OutputOptions
from qasr_cli.records import (
    INT16_SCALE,
    Cue,
    Quality,
    Segment,
    Source,
    Span,
    Track,
    Transcript,
    Video,
    Waveform,
)
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechDetector, SpeechMap
from qasr_cli.speech.fallback.review import review
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import Contain, RecognitionRequest, Recording, hear_all
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from qasr_cli.speech.script import align_script
from qasr_cli.speech.script.overlay import AdLib
from qasr_cli.subtitles.layout import cues
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules import limits
from qasr_cli.timebase import format_clock

_GLANCE_S = 0.2  # how long a run that is being taken down may still be waited for
_TELL_EVERY_S = 5.0
_QUIET = 10 ** (-50 / 20)  # of full scale, root mean square; speech has a tenth of it
_CANCELLED = 10  # 20 dB: so much louder is what two channels differ in than their mix, if that is no chance


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that is ready to be cut into chunks.

    Attributes:
        speech: Where speech is and how sure the detector was of every 32 ms.
        warnings: What was wrong with the media, for the user.
        video: What is known of its picture; None where it has none.
    """

    source: Source
    track: Track
    waveform: Waveform
    speech: SpeechMap
    warnings: tuple[str, ...] = ()
    video: Video | None = None

    @property
    def speech_ms(self) -> int:
        """How much of the source is speech."""
        return sum(span.duration_ms for span in self.speech.spans)


@dataclass(frozen=True, slots=True)
class Followed:
    """A transcript in the words of a script, and where script and recording differ.

    Attributes:
        known_warnings: What was wrong with the media, or could not be heard again.
        cues: The script's own, timed; None where it has none.
        origins: Where in its file each block of the script stands.
    """

    transcript: Transcript
    found: align_script.ScriptAlignment
    known_warnings: tuple[str, ...]
    cues: tuple[Cue, ...] | None
    origins: tuple[Origin, ...]

    @property
    def n_words(self) -> int:
        """Words of the script."""
        return len(self.found.script.words)

    @property
    def n_timed(self) -> int:
        """Words of the script that are said."""
        return len(self.found.places)

    @property
    def unspoken(self) -> tuple[tuple[Origin, str], ...]:
        """What nobody says: where it stands in the script's file, and its words."""
        text = self.found.script
        said = [
            (text.line_of[place], text.words[place])
            for first, last in self.found.overlay.unspoken
            for place in range(first, last)
        ]
        return tuple(
            (
                self.origins[line],
                "".join(word.lead + word.text for _, word in run).strip(),
            )
            for line, run in groupby(said, key=lambda item: item[0])
        )

    @property
    def ad_libs(self) -> tuple[AdLib, ...]:
        """What is said and not in the script."""
        return self.found.overlay.ad_libs

    @property
    def fit(self) -> float:
        """Share of the script's words that were heard as written or nearly so."""
        return self.found.overlay.fit

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know, a line each."""
        told = list(self.known_warnings)
        if self.unspoken:
            origins = [origin for origin, _ in self.unspoken]
            unit = "line" if origins[0].cue is None else "cue"
            numbers = dict.fromkeys(str(one.line if one.cue is None else one.cue) for one in origins)
            where = f"{unit}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"
            told.append(f"{self.n_words - self.n_timed} words of the script are not said, in {where}")
        if self.ad_libs:
            told.append(f"{len(self.ad_libs)} passages are said that the script does not have")
        return tuple(told)


class Cancelled(Exception):
    """The run is being taken down; nobody is waiting for this source any more."""


# Looks at what is opened before it is decoded; what it raises ends the source.
Glance = Callable[[Track, Sequence[SubtitleStream]], None]


def prepare(
    source: Source,
    folder: Path,
    options: Options,
    stop: threading.Event,
    tell: Callable[[str], None] = lambda _: None,
    glance: Glance = lambda _track, _subtitles: None,
) -> Prepared:
    """Decode a source to a waveform in `folder`, and find the speech in it while it is being decoded.

    Two channels that cancel each other out when mixed are decoded once more, for what they differ in.

    The shots, where they are wanted, are found beside that; `tell` hears about it when it takes long.
    `glance` is shown the track and the subtitles that the media has, and may end the source by raising.

    Raises:
        QasrError: The source is not there, not media or has no audio; or the disk is full.
        Cancelled: `stop` was set.
    """
    with (
        decode.open_audio(source.path, options.media) as audio,
        _glanced(audio, glance),
        _searching_shots(source, audio.probed, options) as search,
    ):
        heard = _listen(audio, folder / f"{source.id}.s16le", options, stop)
        if audio.track.channels == 2 and heard.loudness < _QUIET:
            heard = _turned(heard, source, folder, options, stop)
        warnings, video = audio.warnings + heard.warnings, audio.probed.video
        if search is not None:
            _await(search, source, heard.waveform.duration_ms, stop, tell)
            warnings += search.warnings
            video = video and replace(video, shots_ms=search.shots_ms)
        return Prepared(source, audio.track, heard.waveform, heard.speech, warnings, video)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of decoding; `loudness` is the root mean square, of full scale."""

    waveform: Waveform
    speech: SpeechMap
    loudness: float
    warnings: tuple[str, ...] = ()


def _listen(audio: decode.AudioStream, path: Path, options: Options, stop: threading.Event) -> _Heard:
    """Write the samples to `path`, and find the speech in them on the way."""
    power = 0.0
    with WaveformWriter(path) as writer:
        detector = SpeechDetector(options.vad)
        for block in audio:
            if stop.is_set():
                raise Cancelled
            writer.append(block)
            detector.feed(block)
            power += float(np.square(block, dtype=np.float64).sum())
        waveform = writer.close()
    return _Heard(
        waveform, detector.finish(), (power / max(1, waveform.n_samples)) ** 0.5 * float(INT16_SCALE)
    )


def _turned(mixed: _Heard, source: Source, folder: Path, options: Options, stop: threading.Event) -> _Heard:
    """Return what is heard in two channels of which one is upside down; else the mix, as it was.

    A balanced microphone in a stereo socket records itself twice like that, and nothing is left of the mix.
    """
    try:
        with decode.open_audio(source.path, options.media, is_turned=True) as audio:
            difference = _listen(audio, folder / f"{source.id}.turned.s16le", options, stop)
    except QasrError:
        return mixed  # which is whole
    if difference.loudness <= _CANCELLED * mixed.loudness:
        difference.waveform.path.unlink()
        return mixed
    mixed.waveform.path.unlink()
    told = "left and right cancel each other out: one is upside down, and what they differ in was heard"
    return replace(difference, warnings=(told,))


def _glanced(audio: decode.AudioStream, glance: Glance) -> contextlib.AbstractContextManager[None]:
    glance(audio.track, audio.probed.subtitles)
    return contextlib.nullcontext()


def _searching_shots(
    source: Source, known: Probe, options: Options
) -> contextlib.AbstractContextManager[shots.ShotSearch | None]:
    if not options.picture.is_finding_shots:
        return contextlib.nullcontext()
    return shots.searching(source.path, known, options.media.max_hours)


def _await(
    search: shots.ShotSearch,
    source: Source,
    duration_ms: int,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> None:
    """Wait until the shots are found; a picture takes much longer than its sound.

    Raises:
        Cancelled: `stop` was set.
    """
    told_s = time.monotonic()
    while not search.is_over(_GLANCE_S):
        if stop.is_set():
            raise Cancelled
        if time.monotonic() - told_s >= _TELL_EVERY_S:
            told_s = time.monotonic()
            reached, whole = (
                format_clock(time_ms)[:-4] for time_ms in (max(0, search.reached_ms), duration_ms)
            )
            tell(f"finding shots in {source.relative}, {reached} of {whole}")


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
    return Transcript(
        source_name=prepared.source.relative.name,
        track=prepared.track,
        duration_ms=prepared.waveform.duration_ms,
        segments=tuple(segment for segment in segments if segment is not None),
        fingerprint=options.fingerprint(engines.recognizer.model_id, engines.aligner_id),
        model=engines.recognizer.model_id,
        aligner=engines.aligner_id,
        uncovered=uncovered,
        video=prepared.video,
    )


def lay_out(transcript: Transcript, options: CueOptions) -> tuple[Cue, ...]:
    """Return the transcript's cues."""
    return cues.build(
        transcript.words, transcript.language, transcript.duration_ms, options, transcript.video
    )


def judge(transcript: Transcript, cued: Sequence[Cue], options: CueOptions) -> Quality:
    """Return how good a transcript's cues are, by the rules of their profile."""
    captions = check.of_cues(cued)
    video = transcript.video
    kept = limits.resolve(
        options,
        transcript.language,
        (word.text for word in transcript.words),
        video.frame_rate if video else None,
        video.shots_ms if video else (),
    )
    found = check.check(captions, kept, transcript.language)
    figures = found.figures
    broken = [f"{one.rule} at {format_clock(max(0, one.time_ms or 0))} ({one.comment})" for one in found.hard]
    return Quality(figures.n_cues, round(figures.cps_share * figures.n_cues), kept.hard_cps, tuple(broken))


def follow(
    prepared: Prepared,
    script: ScriptFile,
    session: Session,
    options: Options,
    heard: Callable[[int], None],
    contain: Contain,
) -> Followed:
    """Return a source's transcript in the words of its script.

    `heard` is told the milliseconds of speech that were recognised; `contain` runs what may fail
    without harm.

    Raises:
        QasrError: The script is empty or of another recording, or nobody speaks.
    """
    reach = options.chunk.limited_to(session.recognizer.capacity.max_chunk_ms)
    chunks = chunking.plan(prepared.source.id, prepared.speech, reach)
    lines = [" ".join(block) for block in script.blocks]
    unheard = Recording(prepared.waveform, prepared.speech, ())
    requests = [RecognitionRequest(unheard, chunk, options.decode) for chunk in chunks]
    pieces: list[RecognizedChunk] = []
    for piece in hear_all(requests, session, contain, heard):
        if isinstance(piece, QasrError):
            raise piece
        pieces.append(piece)
    recording = replace(unheard, pieces=tuple(pieces))
    (text,) = review([recording], session, options.decode, options.guard, options.align, contain)
    found = align_script.follow(recording, text.segments, lines, session, options.decode.language)
    transcript = finish(prepared, found.segments, session.engines, options)
    warnings = (*prepared.warnings, *text.warnings)
    if not script.is_cued:
        return Followed(transcript, found, warnings, None, script.origins)
    cued = cues.keep(
        transcript.words,
        _blocks(script, found),
        transcript.language,
        transcript.duration_ms,
        options.cue,
        transcript.video,
    )
    return Followed(transcript, found, warnings, cued, script.origins)


def _blocks(script: ScriptFile, found: align_script.ScriptAlignment) -> list[cues.Block]:
    """Return the script's cues of which something is said, with their words."""
    lines = [found.script.line_of[place] for place in found.places]
    blocks, first = [], 0
    for line, run in groupby(lines):
        last = first + len(list(run))
        blocks.append(cues.Block(script.blocks[line], (first, last)))
        first = last
    return blocks


def render(
    transcript: Transcript,
    cue_options: CueOptions,
    output: OutputOptions,
    cued: Sequence[Cue] | None = None,
) -> dict[str, str]:
    """Return the text of each format that was asked for, by format name; `cued` are cues that exist."""
    laid_out = lay_out(transcript, cue_options) if cued is None else tuple(cued)
    return {name: formats.FORMATS[name].render(transcript, laid_out, output) for name in output.formats}

"""A recording followed through its script: heard, laid over the script, and timed with the script's words.

In go a waveform, its chunks and the script's lines; out come segments that hold the script's spelling, and
what differs. Audio is read a batch at a time, so that memory grows with the batch and not with the recording.
Hears each chunk once: what cannot be right is not heard again here, since the script says what was said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qasr_cli import languages
from qasr_cli.errors import QualityError, UndecodableError
from qasr_cli.options import AlignOptions, DecodeOptions
from qasr_cli.records import Chunk, Segment, Waveform, Word, longest_language
from qasr_cli.speech import batching, script
from qasr_cli.speech.forced_alignment import Spoken, time_words
from qasr_cli.speech.hearing import Recording
from qasr_cli.speech.protocols import Engines
from qasr_cli.speech.script import Overlay, Script, Token
from qasr_cli.speech.transcribe import transcribe
from qasr_cli.speech.units import find_units
from qasr_cli.timebase import MS_PER_S

_LEAST_FIT = 0.35  # of the script's words heard; another talk in the same language has a tenth to a quarter
_MOST_WORDS_PER_S = 12  # of speech; auctioneers reach 8


@dataclass(frozen=True, slots=True)
class Followed:
    """A recording that has been followed.

    Attributes:
        segments: With the script's words; a segment in which none is spoken is left out.
        places: For each word of the segments, in order, its place in the script.
    """

    script: Script
    overlay: Overlay
    segments: tuple[Segment, ...]
    places: tuple[int, ...]


def follow(
    recording: Recording,
    chunks: Sequence[Chunk],
    lines: Sequence[str],
    engines: Engines,
    options: DecodeOptions,
    heard: Callable[[int], None] = lambda ms: None,
) -> Followed:
    """Return the script's words with the times at which they are spoken.

    Args:
        recording: With nothing heard yet.
        chunks: All of it where somebody speaks.
        lines: Of the script; at least one.
        engines: Recognizer, and aligner if there is one.
        options: What the recognizer is told.
        heard: Called with milliseconds of speech that are done.

    Raises:
        UndecodableError: Nobody speaks.
        QualityError: The script is not of this recording.
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    waveform, speech = recording.waveform, recording.speech
    segments = _recognized(waveform, chunks, engines, options, heard)
    spoken_chunks = [chunk for chunk, segment in zip(chunks, segments, strict=True) if segment]
    found = [segment for segment in segments if segment]
    if not found:
        raise UndecodableError("nobody speaks in it", "check the audio track: --audio-track")
    text = script.read(lines, options.language or longest_language(found))
    _refuse_too_long(text, chunks)
    laid = script.overlay(text, found, speech.clear_ms)
    _refuse_foreign(laid, found)
    timed = _timed(waveform, spoken_chunks, found, laid, engines)
    kept = [
        script.segment_of(part, words, segment)
        for part, words, segment in zip(laid.parts, timed, found, strict=True)
    ]
    places = tuple(token.place for part in laid.parts for token in part if token.place is not None)
    return Followed(text, laid, tuple(segment for segment in kept if segment), places)


def _recognized(
    waveform: Waveform,
    chunks: Sequence[Chunk],
    engines: Engines,
    options: DecodeOptions,
    heard: Callable[[int], None],
) -> list[Segment | None]:
    segments: list[Segment | None] = [None] * len(chunks)
    for batch in batching.plan([chunk.duration_ms for chunk in chunks], engines.recognizer.capacity):
        some = [chunks[index] for index in batch]
        audio = [waveform.read(chunk.start_ms, chunk.end_ms) for chunk in some]
        answers = transcribe(audio, some, engines, options, AlignOptions())
        for index, answer in zip(batch, answers, strict=True):
            segments[index] = answer
        heard(sum(span.duration_ms for chunk in some for span in chunk.speech))
    return segments


def _timed(
    waveform: Waveform,
    chunks: Sequence[Chunk],
    segments: Sequence[Segment],
    laid: Overlay,
    engines: Engines,
) -> list[tuple[Word, ...]]:
    """Return a time for each token; where the script says what was heard, the times are there already."""
    timed = [
        tuple(
            replace(word, lead=token.shown.lead, text=token.shown.text)
            for token, word in zip(part, segment.words, strict=False)
        )
        for part, segment in zip(laid.parts, segments, strict=True)
    ]
    changed = [
        index
        for index, (part, segment) in enumerate(zip(laid.parts, segments, strict=True))
        if part and not _sounds_alike(part, segment)
    ]
    capacity = (engines.aligner or engines.recognizer).capacity
    for batch in batching.plan([chunks[index].duration_ms for index in changed], capacity):
        some = [changed[number] for number in batch]
        answers = time_words(
            [
                Spoken(
                    chunks[index],
                    waveform.read(chunks[index].start_ms, chunks[index].end_ms),
                    _name(segments[index]),
                    tuple(token.shown for token in laid.parts[index]),
                )
                for index in some
            ],
            engines,
        )
        for index, answer in zip(some, answers, strict=True):
            timed[index] = answer
    return timed


def _sounds_alike(part: Sequence[Token], segment: Segment) -> bool:
    """Whether the aligner would be asked about the very units that it has timed already."""
    if len(part) != len(segment.words):
        return False
    return all(
        token.shown.units == tuple(unit.text for unit in find_units(word.text, segment.language))
        for token, word in zip(part, segment.words, strict=True)
    )


def _name(segment: Segment) -> str | None:
    known = languages.find(segment.language) if segment.language else None
    return known.name if known else None


def _refuse_too_long(text: Script, chunks: Sequence[Chunk]) -> None:
    speech_s = sum(span.duration_ms for chunk in chunks for span in chunk.speech) / MS_PER_S
    if len(text.words) > _MOST_WORDS_PER_S * max(speech_s, 1):
        raise QualityError(
            f"the script has {len(text.words)} words and the recording {speech_s:.0f} s of speech; "
            "nobody speaks that fast",
            "check that script and recording belong together",
        )


def _refuse_foreign(laid: Overlay, segments: Sequence[Segment]) -> None:
    if laid.fit >= _LEAST_FIT:
        return
    spoken = languages.find(longest_language(segments) or "")
    where = f"in {spoken.name} speech" if spoken else "in it"
    raise QualityError(
        f"only {laid.fit:.0%} of the script's words are heard {where}; "
        "it is of another recording or in another language",
        "check that script and recording belong together, or transcribe: qasr transcribe",
    )

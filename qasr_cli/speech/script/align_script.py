"""Script alignment: a recognized source aligned with the words of its script.

In go a source with its recognized segments and the script's lines; out come segments in the script's
spelling, and the differences. Never recognizes anything itself: the recognized text is final before it is
compared with a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from qasr_cli import languages
from qasr_cli.errors import QualityError, UndecodableError
from qasr_cli.records import Chunk, Segment, Word, longest_language
from qasr_cli.speech.alignment import word_times
from qasr_cli.speech.alignment.monotonic_decoder import TRUSTED
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.fallback import coverage
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import Passage, RecognizedSource, align_passages
from qasr_cli.speech.script import matching, overlay, script, unspoken_marks
from qasr_cli.speech.script.matching import Match
from qasr_cli.speech.script.overlay import Overlay, SpokenWord
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.aligner_tokens import tokenize
from qasr_cli.timebase import MS_PER_S

# Of the script's words recognized; another talk in the same language has a tenth to a quarter
_MIN_FIT = 0.35
_DECISIVE_RATIO = 0.5  # of the uncertainty: an aligner has some confidence in a word nearly everywhere
_MAX_WORDS_PER_S = 12  # of speech; auctioneers reach 8


@dataclass(frozen=True, slots=True)
class ScriptAlignment:
    """A source in the words of its script.

    Attributes:
        segments: Segments with the script's words; a segment without any is left out.
        script_indices: For each word of the segments, in order, its index in the script.
    """

    script: Script
    overlay: Overlay
    segments: tuple[Segment, ...]
    script_indices: tuple[int, ...]


def align(
    source: RecognizedSource,
    segments: Sequence[Segment],
    lines: Sequence[str],
    session: Session,
    language: str | None = None,
) -> ScriptAlignment:
    """Return the script's words with the times at which they are spoken.

    Args:
        source: Audio and speech map.
        segments: All recognized segments of the source, with times.
        lines: Lines of the script; at least one.
        session: Session with the aligner, if there is one.
        language: Code of the script's language; None takes the spoken one.

    Raises:
        UndecodableError: There is no speech.
        QualityError: The script is not of this recording.
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    if not segments:
        raise UndecodableError("no speech found", "check the audio track: --audio-track")
    language_code = longest_language(segments)
    whole_script = script.read(lines, language or language_code)
    pronounceable, script_indices = unspoken_marks.remove(whole_script)
    if not script_indices:
        raise UndecodableError(
            "the script has no words", "give a text or subtitle file with the spoken words"
        )
    _refuse_too_long(pronounceable, source.speech)
    clear_ms = source.speech.clear_ms
    match = matching.match_words(
        pronounceable, coverage.add_wordless_segments(segments, source.speech, language_code)
    )
    _refuse_unrelated(match, segments)
    resolved = matching.without_repetitions(_resolve_mismatches(source, match, session), clear_ms)
    script_overlay = overlay.build(resolved, clear_ms)
    aligned = _align_words(source, resolved.segments, script_overlay.parts, session)
    in_script = [
        overlay.to_segment(part, words, segment)
        for part, words, segment in zip(script_overlay.parts, aligned, resolved.segments, strict=True)
    ]
    spoken_segments = [segment for segment in in_script if segment is not None]
    script_overlay = unspoken_marks.with_whole_indices(script_overlay, script_indices)
    return ScriptAlignment(
        whole_script,
        script_overlay,
        *unspoken_marks.restore(whole_script, script_overlay, spoken_segments, source.speech.duration_ms),
    )


def _resolve_mismatches(source: RecognizedSource, match: Match, session: Session) -> Match:
    """Return the match with every mismatch resolved in favour of the words with the higher confidence.

    If a speaker leaves the script, the recognized words align with confidence and the script's do not; if the
    recognizer hallucinated, it is the other way round.
    """
    mismatches = matching.find_mismatches(match)
    if not mismatches:
        return match
    script_first = overlay.build(matching.resolve(match, mismatches), source.speech.clear_ms)
    mismatched = {mismatch.segment for mismatch in mismatches}
    parts = [part if index in mismatched else () for index, part in enumerate(script_first.parts)]
    word_of: dict[int | None, Word] = {}
    for part, words in zip(parts, _align_words(source, match.segments, parts, session), strict=True):
        word_of.update(zip((spoken_word.script_index for spoken_word in part), words, strict=True))
    return matching.resolve(
        match,
        [
            mismatch
            for mismatch in mismatches
            if _uncertainty(word_of[index] for index in range(mismatch.first, mismatch.last))
            < _DECISIVE_RATIO
            * _uncertainty(word.word for word in match.recognized[mismatch.begin : mismatch.end])
        ],
    )


def _uncertainty(words: Iterable[Word]) -> float:
    """Return one minus the mean posterior of the times, which is 0 for an interpolated word."""
    return 1 - mean(word.time_posterior or 0.0 for word in words)


def _align_words(
    source: RecognizedSource,
    segments: Sequence[Segment],
    parts: Sequence[tuple[SpokenWord, ...]],
    session: Session,
) -> list[tuple[Word, ...]]:
    """Return the timed words of each part; if script and recognizer agree, times are reused."""
    aligned = [
        tuple(
            replace(word, lead=spoken_word.display.lead, text=spoken_word.display.text)
            for spoken_word, word in zip(part, segment.words, strict=False)
        )
        for part, segment in zip(parts, segments, strict=True)
    ]
    changed = [
        index
        for index, (part, segment) in enumerate(zip(parts, segments, strict=True))
        if part and not _sounds_alike(part, segment)
    ]
    whole = Chunk(0, 0, 0, source.speech.duration_ms, source.speech.spans)
    passages = [
        Passage(
            source,
            chunking.part(whole, source.speech, segments[index].start_ms, segments[index].end_ms),
            _name(segments[index]),
            tuple(spoken_word.display for spoken_word in parts[index]),
        )
        for index in changed
    ]
    for index, passage, words in zip(changed, passages, align_passages(passages, session), strict=True):
        # without a recognized word only a confident alignment counts
        is_lost = not segments[index].words and _uncertainty(words) > 1 - TRUSTED
        aligned[index] = word_times.interpolate_words(passage.words, passage.chunk) if is_lost else words
    return aligned


def _sounds_alike(part: Sequence[SpokenWord], segment: Segment) -> bool:
    """Whether a part has the same aligner tokens as the segment, which are aligned already."""
    if len(part) != len(segment.words):
        return False
    return all(
        spoken_word.display.tokens == tuple(token.text for token in tokenize(word.text, segment.language))
        for spoken_word, word in zip(part, segment.words, strict=True)
    )


def _name(segment: Segment) -> str | None:
    entry = languages.find(segment.language) if segment.language else None
    return entry.name if entry else None


def _refuse_too_long(text: Script, speech: SpeechMap) -> None:
    speech_s = sum(span.duration_ms for span in speech.spans) / MS_PER_S
    if len(text.words) > _MAX_WORDS_PER_S * max(speech_s, 1):
        raise QualityError(
            f"the script has {len(text.words)} words and the recording {speech_s:.0f} s of speech, "
            "which is impossibly fast",
            "check that script and recording belong together",
        )


def _refuse_unrelated(match: Match, segments: Sequence[Segment]) -> None:
    if match.fit >= _MIN_FIT:
        return
    language = languages.find(longest_language(segments) or "")
    where = f"in {language.name} speech" if language else "in it"
    raise QualityError(
        f"only {match.fit:.0%} of the script's words are recognized {where}; "
        "the script belongs to another recording or language",
        "check that script and recording belong together, or transcribe: qasr transcribe",
    )

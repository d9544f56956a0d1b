"""A recording followed through its script: laid under the script, and timed with the script's words.

In go a recording that was heard and the script's lines; out come segments that hold the script's spelling,
and what differs. Never hears anything itself: what was said is settled before it is compared with a script.
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
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import Recording, Wording, time_wordings
from qasr_cli.speech.script import matching, missed_speech, overlay, script, unspoken_marks
from qasr_cli.speech.script.matching import Match
from qasr_cli.speech.script.overlay import Overlay, ScriptToken
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.text.aligner_tokens import find_units
from qasr_cli.timebase import MS_PER_S

_LEAST_FIT = 0.35  # of the script's words heard; another talk in the same language has a tenth to a quarter
_MUCH_LESS = 0.5  # of the doubt: an aligner finds something like a word nearly everywhere
_MOST_WORDS_PER_S = 12  # of speech; auctioneers reach 8


@dataclass(frozen=True, slots=True)
class ScriptAlignment:
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
    segments: Sequence[Segment],
    lines: Sequence[str],
    session: Session,
    language: str | None = None,
) -> ScriptAlignment:
    """Return the script's words with the times at which they are spoken.

    Args:
        recording: For its audio, and where speech is in it.
        segments: All that was heard in it, with times.
        lines: Of the script; at least one.
        session: For the aligner, if there is one.
        language: Of the script, a code; None: the one that is spoken.

    Raises:
        UndecodableError: Nobody speaks.
        QualityError: The script is not of this recording.
        OutOfMemoryError: Not even one chunk fits into memory.
    """
    if not segments:
        raise UndecodableError("nobody speaks in it", "check the audio track: --audio-track")
    spoken = longest_language(segments)
    text = script.read(lines, language or spoken)
    sayable, places = unspoken_marks.take_out(text)
    if not places:
        raise UndecodableError("the script holds no words", "give a text or subtitle file with what is said")
    _refuse_too_long(sayable, recording.speech)
    clear_ms = recording.speech.clear_ms
    matched = matching.match(sayable, missed_speech.add(segments, recording.speech, spoken))
    _refuse_foreign(matched, segments)
    settled = matching.without_echoes(_settled(recording, matched, session), clear_ms)
    laid = overlay.lay(settled, clear_ms)
    timed = _timed(recording, settled.segments, laid.parts, session)
    found = [
        overlay.segment_of(part, words, segment)
        for part, words, segment in zip(laid.parts, timed, settled.segments, strict=True)
    ]
    kept = [segment for segment in found if segment is not None]
    laid = unspoken_marks.in_whole(laid, places)
    return ScriptAlignment(
        text, laid, *unspoken_marks.put_back(text, laid, kept, recording.speech.duration_ms)
    )


def _settled(recording: Recording, matched: Match, session: Session) -> Match:
    """Return the match with every dispute settled for whom the aligner finds in the sound.

    A speaker who leaves the script is heard with certainty and the script's words are found nowhere; where
    the recognizer made something up, it is the other way round.
    """
    disputes = matching.disputes(matched)
    if not disputes:
        return matched
    for_script = overlay.lay(matching.settle(matched, disputes), recording.speech.clear_ms)
    disputed = {dispute.segment for dispute in disputes}
    parts = [part if index in disputed else () for index, part in enumerate(for_script.parts)]
    found: dict[int | None, Word] = {}
    for part, words in zip(parts, _timed(recording, matched.segments, parts, session), strict=True):
        found.update(zip((token.place for token in part), words, strict=True))
    return matching.settle(
        matched,
        [
            dispute
            for dispute in disputes
            if _doubt(found[place] for place in range(dispute.first, dispute.last))
            < _MUCH_LESS * _doubt(one.word for one in matched.heard[dispute.begin : dispute.end])
        ],
    )


def _doubt(words: Iterable[Word]) -> float:
    """Return how unsure the aligner was on average; an estimated word was not found at all."""
    return 1 - mean(word.confidence or 0.0 for word in words)


def _timed(
    recording: Recording,
    segments: Sequence[Segment],
    parts: Sequence[tuple[ScriptToken, ...]],
    session: Session,
) -> list[tuple[Word, ...]]:
    """Return a time for each token; where the script says what was heard, the times are there already."""
    timed = [
        tuple(
            replace(word, lead=token.shown.lead, text=token.shown.text)
            for token, word in zip(part, segment.words, strict=False)
        )
        for part, segment in zip(parts, segments, strict=True)
    ]
    changed = [
        index
        for index, (part, segment) in enumerate(zip(parts, segments, strict=True))
        if part and not _sounds_alike(part, segment)
    ]
    whole = Chunk(0, 0, 0, recording.speech.duration_ms, recording.speech.spans)
    wordings = [
        Wording(
            recording,
            chunking.part(whole, recording.speech, segments[index].start_ms, segments[index].end_ms),
            _name(segments[index]),
            tuple(token.shown for token in parts[index]),
        )
        for index in changed
    ]
    for index, wording, words in zip(changed, wordings, time_wordings(wordings, session), strict=True):
        # where nothing was heard either, only an aligner that is sure is believed
        is_lost = not segments[index].words and _doubt(words) > 1 - TRUSTED
        timed[index] = word_times.spread(wording.words, wording.chunk) if is_lost else words
    return timed


def _sounds_alike(part: Sequence[ScriptToken], segment: Segment) -> bool:
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


def _refuse_too_long(text: Script, speech: SpeechMap) -> None:
    speech_s = sum(span.duration_ms for span in speech.spans) / MS_PER_S
    if len(text.words) > _MOST_WORDS_PER_S * max(speech_s, 1):
        raise QualityError(
            f"the script has {len(text.words)} words and the recording {speech_s:.0f} s of speech; "
            "nobody speaks that fast",
            "check that script and recording belong together",
        )


def _refuse_foreign(matched: Match, segments: Sequence[Segment]) -> None:
    if matched.fit >= _LEAST_FIT:
        return
    spoken = languages.find(longest_language(segments) or "")
    where = f"in {spoken.name} speech" if spoken else "in it"
    raise QualityError(
        f"only {matched.fit:.0%} of the script's words are heard {where}; "
        "it is of another recording or in another language",
        "check that script and recording belong together, or transcribe: qasr transcribe",
    )

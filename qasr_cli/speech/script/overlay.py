"""The overlay of a script on a recording: the spoken words of each segment, and the differences.

In goes the match of a script with the recognized words; out come, for each segment, the words that are spoken
in it: in the script's spelling if the two agree, as recognized if the speaker leaves the script. Pure: aligns
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from qasr_cli import languages
from qasr_cli.records import Segment, Word
from qasr_cli.speech.alignment.monotonic_decoder import TRUSTED
from qasr_cli.speech.script import segment_assignment
from qasr_cli.speech.script.matching import Match, RecognizedWord
from qasr_cli.speech.script.script import Script
from qasr_cli.speech.script.segment_assignment import SPOKEN_WORD_MS
from qasr_cli.speech.text.aligner_tokens import tokenize
from qasr_cli.speech.text.display_words import DisplayWord

_SHORT_RUN = 2  # so few script words in a row without a partner are spoken and were not recognized
_AD_LIB = 3  # so many recognized words in a row without a partner are worth reporting


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A spoken word; `script_index` is None if it is not in the script."""

    display: DisplayWord
    script_index: int | None


@dataclass(frozen=True, slots=True)
class AdLib:
    """A spoken passage that is not in the script."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """A script on a recording.

    Attributes:
        parts: The spoken words of each segment, in order.
        unspoken: Runs `[first, last)` of the script's words that are not spoken.
        ad_libs: Spoken passages of three words and more that are not in the script.
        fit: Share of the script's words that were recognized as written or nearly so.
    """

    parts: tuple[tuple[SpokenWord, ...], ...]
    unspoken: tuple[tuple[int, int], ...]
    ad_libs: tuple[AdLib, ...]
    fit: float


def build(match: Match, clear_ms: Callable[[int, int], int]) -> Overlay:
    """Return the words of each segment and the differences.

    `clear_ms` returns the clear speech between two times (music often counts as some); it decides whether
    words without a partner can be spoken.
    """
    unspoken = _unspoken(match, clear_ms)
    spoken_runs = [run for run in _runs(match) if run not in set(unspoken)]
    assigned = _assign_words(match, segment_assignment.assign(match, spoken_runs, clear_ms))
    in_order = sorted(assigned, key=lambda item: item[0])
    parts: list[tuple[SpokenWord, ...]] = [()] * len(match.segments)
    for index, items in groupby(in_order, key=lambda item: item[0]):
        parts[index] = tuple(spoken_word for _, spoken_word in items)
    return Overlay(tuple(parts), unspoken, _find_ad_libs(match), match.fit)


def _unspoken(match: Match, clear_ms: Callable[[int, int], int]) -> tuple[tuple[int, int], ...]:
    """Return the runs of script words that are not spoken."""
    recognized, pairing = match.recognized, match.pairing
    runs = []
    for first, last in _runs(match):
        before = pairing[first - 1] if first else None
        after = pairing[last] if last < len(pairing) else None
        # from the end of the word before to the start of the word after, less the recognized words between
        start_ms = recognized[before].word.end_ms if before is not None else 0
        end_ms = recognized[after].word.start_ms if after is not None else match.segments[-1].end_ms
        between = recognized[(before + 1 if before is not None else 0) : after]
        free_ms = clear_ms(start_ms, max(start_ms, end_ms))
        free_ms -= sum(
            recognized_word.word.end_ms - recognized_word.word.start_ms for recognized_word in between
        )
        has_neighbour = before is not None or after is not None
        is_long = last - first > _SHORT_RUN or _is_whole_line(match.script, first, last)
        if not has_neighbour or (is_long and free_ms < (last - first) * SPOKEN_WORD_MS):
            runs.append((first, last))
    return tuple(runs)


def _is_whole_line(script: Script, first: int, last: int) -> bool:
    line = script.line_of[first]
    begins = first == 0 or script.line_of[first - 1] != line
    return begins and (last == len(script.words) or script.line_of[last] != script.line_of[last - 1])


def _runs(match: Match) -> Iterator[tuple[int, int]]:
    """Yield the runs `[first, last)` of script words without a partner."""
    indices = range(len(match.pairing))
    for is_open, run in groupby(indices, key=lambda i: match.pairing[i] is None and i not in match.resolved):
        members = list(run)
        if is_open:
            yield members[0], members[-1] + 1


def _assign_words(match: Match, segment_of: Mapping[int, int]) -> Iterator[tuple[int, SpokenWord]]:
    """Yield every spoken word with its segment; in order within a segment.

    `segment_of` is the segment of spoken words that were not recognized.
    """
    recognized = match.recognized
    next_index = 0  # of the next recognized word
    deferred: list[tuple[int, SpokenWord]] = []  # words that follow all recognized words before the next pair
    for script_index, partner in enumerate(match.pairing):
        spoken_word = SpokenWord(match.script.words[script_index], script_index)
        if script_index in match.resolved:
            yield match.resolved[script_index], spoken_word
        elif partner is not None:
            yield from (
                _unscripted(recognized_word, match) for recognized_word in recognized[next_index:partner]
            )
            yield from deferred
            deferred = []
            yield recognized[partner].segment, _with_spoken_tokens(spoken_word, recognized[partner], match)
            next_index = partner + 1
        elif script_index in segment_of:
            is_beside = next_index > 0 and segment_of[script_index] == recognized[next_index - 1].segment
            if is_beside:
                yield segment_of[script_index], spoken_word
            else:
                deferred.append((segment_of[script_index], spoken_word))
    yield from (_unscripted(recognized_word, match) for recognized_word in recognized[next_index:])
    yield from deferred


def _with_spoken_tokens(spoken_word: SpokenWord, recognized_word: RecognizedWord, match: Match) -> SpokenWord:
    """Return the word with the tokens for the aligner.

    If a quite different word was recognized with confidence, the speaker changed the script: the audio has
    the recognized word.
    """
    posterior = recognized_word.word.time_posterior
    is_reliable = posterior is None or posterior >= TRUSTED
    if spoken_word.script_index is None or match.agrees(spoken_word.script_index) or not is_reliable:
        return spoken_word
    # a recognized word of marks alone has no sound
    return replace(
        spoken_word,
        display=replace(
            spoken_word.display, tokens=_tokens(recognized_word, match) or spoken_word.display.tokens
        ),
    )


def _unscripted(recognized_word: RecognizedWord, match: Match) -> tuple[int, SpokenWord]:
    return recognized_word.segment, SpokenWord(
        DisplayWord(recognized_word.word.lead, recognized_word.word.text, _tokens(recognized_word, match)),
        None,
    )


def _tokens(recognized_word: RecognizedWord, match: Match) -> tuple[str, ...]:
    return tuple(
        token.text
        for token in tokenize(recognized_word.word.text, match.segments[recognized_word.segment].language)
    )


def _find_ad_libs(match: Match) -> tuple[AdLib, ...]:
    scripted = {partner for partner in match.pairing if partner is not None}
    ad_libs = []
    for is_scripted, run in groupby(range(len(match.recognized)), key=scripted.__contains__):
        words = [match.recognized[index].word for index in run]
        if not is_scripted and len(words) >= _AD_LIB:
            text = ""
            for word in words:  # a segment's first word has no lead
                text += (word.lead or languages.joint(text, word.text)) + word.text
            ad_libs.append(AdLib(words[0].start_ms, words[-1].end_ms, text.strip()))
    return tuple(ad_libs)


def to_segment(part: Sequence[SpokenWord], words: Sequence[Word], segment: Segment) -> Segment | None:
    """Return the segment with the script's words and their times; None if it has no words.

    Args:
        part: The spoken words of the segment.
        words: The same words with times.
        segment: The recognized segment.
    """
    script_words = [
        word for spoken_word, word in zip(part, words, strict=True) if spoken_word.script_index is not None
    ]
    if not script_words:
        return None
    script_words[0] = replace(script_words[0], lead="")
    text = "".join(word.lead + word.text for word in script_words)
    return replace(segment, text=text, words=tuple(script_words))

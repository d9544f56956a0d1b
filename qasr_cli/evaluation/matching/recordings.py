"""The words of a whole recording, dealt to the utterances of its reference.

In go the utterances of a recording and a system's answer for all of it; out comes an answer for each
utterance. The two texts are aligned as a whole (fewest edits), so that a word at a border counts where it
costs least; a word that the reference lacks goes to the utterance that is nearest in time. Every word goes to
exactly one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rapidfuzz.distance import Indel, Levenshtein

from qasr_cli import languages
from qasr_cli.evaluation.utterances import Answer, TimedWord, Utterance
from qasr_cli.records import Span

_LIKE = 0.6  # two references, one of them normalized; texts of other utterances share about a third


def answers(utterances: Sequence[Utterance], whole: Answer) -> list[Answer]:
    """Return the answer to each utterance of one recording.

    A single utterance without a span is the whole recording. Utterances without times are told apart by their
    order, and words without times by the alignment alone.
    """
    if len(utterances) == 1 and _span(utterances[0]) is None:
        return [whole]
    words = whole.words or tuple(_untimed_words(whole))
    owners = _owners(utterances, words)
    dealt: list[list[TimedWord]] = [[] for _ in utterances]
    for word, owner in zip(words, owners, strict=True):
        dealt[owner].append(word)
    return [
        replace(
            whole,
            text=_joined([word.text for word in own]),
            words=tuple(own) if whole.words else (),
            captions=(),
            turns=(),
            segments=(),
        )
        for own in dealt
    ]


def is_like(first: str, second: str) -> bool:
    """Whether two texts have more than half of their letters in common, in order."""
    letters = ["".join(filter(str.isalnum, text.casefold())) for text in (first, second)]
    return Indel.normalized_similarity(*letters) >= _LIKE


def _untimed_words(whole: Answer) -> Iterator[TimedWord]:
    """Yield the words of an answer without times of words: those of its captions, spread over each."""
    if not whole.captions:
        yield from (TimedWord(unit, 0, 0) for unit in _units(whole.text))
        return
    for caption in whole.captions:
        units = _units(" ".join(caption.lines))
        start_ms = max(0, caption.start_ms)
        step_ms = max(0, caption.end_ms - start_ms) / max(1, len(units))
        for place, unit in enumerate(units):
            yield TimedWord(unit, start_ms + round(place * step_ms), start_ms + round((place + 1) * step_ms))


def _units(text: str) -> list[str]:
    """Return the words of a text; in scripts without spaces its characters, each with the marks behind it."""
    units: list[str] = []
    for word in text.split():
        is_open = False
        before = ""
        for char in word:
            is_seam = char.isalnum() and (languages.is_unspaced(char) or languages.is_unspaced(before or " "))
            if is_open and not is_seam:
                units[-1] += char
            else:
                units.append(char)
            is_open, before = True, char
    return units


def _span(utterance: Utterance) -> Span | None:
    return None if utterance.audio is None else utterance.audio.span


def _owners(utterances: Sequence[Utterance], words: Sequence[TimedWord]) -> list[int]:
    """Return the place among the utterances of each word's own."""
    order = sorted(
        range(len(utterances)), key=lambda number: (_span(utterances[number]) or Span(0, 1), number)
    )
    spoken = [(token, number) for number in order for token in _tokens(utterances[number].text)]
    said = [(token, place) for place, word in enumerate(words) for token in _tokens(word.text)]
    owners: list[int | None] = [None] * len(words)
    editops = Levenshtein.opcodes([token for token, _ in said], [token for token, _ in spoken])
    for step in editops:
        if step.tag in {"equal", "replace"}:
            for offset in range(step.src_end - step.src_start):
                place = said[step.src_start + offset][1]
                if owners[place] is None:
                    owners[place] = spoken[step.dest_start + offset][1]
    return _filled(owners, utterances, words)


def _filled(
    owners: Sequence[int | None], utterances: Sequence[Utterance], words: Sequence[TimedWord]
) -> list[int]:
    """Return the owners; a word without one goes to the nearest of the utterances around it."""
    filled: list[int] = []
    following: list[int | None] = [None] * len(owners)
    after: int | None = None
    for place in reversed(range(len(owners))):
        following[place] = after = owners[place] if owners[place] is not None else after
    before: int | None = None
    for place, owner in enumerate(owners):
        before = owner if owner is not None else before
        if owner is not None:
            filled.append(owner)
            continue
        candidates = [one for one in dict.fromkeys((before, following[place])) if one is not None]
        candidates = candidates or list(range(len(utterances)))
        filled.append(min(candidates, key=lambda one: _distance(words[place], _span(utterances[one]))))
    return filled


def _distance(word: TimedWord, span: Span | None) -> int:
    if span is None:
        return 0
    middle_ms = (word.start_ms + word.end_ms) // 2
    return max(0, span.start_ms - middle_ms, middle_ms - span.end_ms)


def _tokens(text: str) -> list[str]:
    """Return the words of a text in one case, and single characters of scripts without spaces."""
    tokens: list[str] = []
    is_open = False
    for char in unicodedata.normalize("NFKC", text).casefold():
        if not char.isalnum() and unicodedata.category(char)[0] != "M" and char != "'":
            is_open = False
        elif languages.is_unspaced(char):
            tokens.append(char)
            is_open = False
        elif is_open:
            tokens[-1] += char
        else:
            tokens.append(char)
            is_open = True
    return tokens


def _joined(words: Sequence[str]) -> str:
    text = ""
    for word in words:
        text += languages.joint(text, word) + word
    return text

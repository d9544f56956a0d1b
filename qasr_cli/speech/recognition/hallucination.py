"""Hallucination detection: text that cannot have been spoken, detected from the text and the chunk alone.

In go a hypothesis, its chunk and the decoding options; out come flags. Reads no audio and changes no text.
The thresholds let real speech pass (laughter, "no, no, no", lists, numbers, choruses, words from other
languages). Flagged chunks are recognized again, so a miss costs a wrong line, and a false alarm costs time
and an entry in the report.
"""

from __future__ import annotations

import difflib
import functools
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from qasr_cli import languages
from qasr_cli.options import DecodeOptions
from qasr_cli.records import Chunk, Finish, Hypothesis
from qasr_cli.speech.text import display_words
from qasr_cli.speech.text.aligner_tokens import tokenize
from qasr_cli.timebase import MS_PER_S


class Flag(StrEnum):
    """Signs of hallucination, the least severe first: of flagged hypotheses the least severe stays."""

    LANGUAGE = "language"  # not an allowed language
    SCRIPT = "script"  # written in letters that the language does not have
    TRUNCATED = "truncated"  # the token budget ended it
    RATE = "rate"  # more text than fits the time, or hardly any
    CONTEXT = "context"  # the context or hotwords, repeated
    LOOP = "loop"
    EMPTY = "empty"  # no text on clear speech


# Letters a second, a syllable of Chinese, Japanese or Korean being two. Reading aloud is 12 to 15 in every
# language measured (about 5 syllables), a fast speaker 20 to 25, rap and auctioneers 30 and a little more.
_BRISK = 16
_FAST = 25
_IMPOSSIBLE = 35
# Clear speech of this length with less than a letter a second: the model has stopped early.
_DRAWL_MS = 10_000
_CLEAR_SPEECH_MS = 1_000  # of speech that must have text: a cough or a click is shorter

# A loop repeats at least so often, whatever its period. Speakers repeat words, too ("no, no, no"), so a loop
# must also be too long for the time, or exhaust the token budget, or exceed any speaker's repetitions.
_MIN_REPEATS = 6
_MAX_REPEATS = 16  # a refrain of two seconds fills a chunk so often
_MAX_SYLLABLES = 32  # laughing and la-la-la go on for longer
_SYLLABLE_LETTERS = 4
_SENTENCE_LETTERS = 20  # from here on a period is a phrase, which speakers do not repeat again and again
_LOOP_SHARE = 0.2  # of the text; a "1,000,000" alone does not make a fast speaker's chunk too long
_REFRAIN = 10  # letters a second at which a phrase is sung or counted out again and again

_MIN_CONTEXT_TOKENS, _MIN_CONTEXT_LETTERS = 3, 10  # one or two hotwords in a row are normal speech
_CONTEXT_SHARE = 0.8

_OWN_SHARE = 0.3  # of the letters; with fewer, the text is in another language and not a quotation
_MIN_FOREIGN_LETTERS = 4
_MIN_LATIN_LETTERS = 30  # names, brands and a whole quoted sentence are in Latin letters in every language
_MIN_KANJI = 24  # without one kana between them: Japanese has a particle every few


def find_flags(hypothesis: Hypothesis, chunk: Chunk, options: DecodeOptions) -> tuple[str, ...]:
    """Return the flags of a hypothesis, the least severe first."""
    n_letters = display_words.count_letters(hypothesis.text)
    if not n_letters:
        return (Flag.EMPTY.value,) if chunk.clear_ms >= _CLEAR_SPEECH_MS else ()
    is_truncated = hypothesis.finish is Finish.TRUNCATED
    checks = {
        Flag.LANGUAGE: _is_not_allowed(hypothesis.language, options.languages),
        Flag.SCRIPT: has_wrong_script(hypothesis.text, hypothesis.language),
        Flag.TRUNCATED: is_truncated,
        Flag.RATE: _is_impossible(n_letters, chunk),
        Flag.CONTEXT: is_context_repetition(hypothesis.text, options.context),
        Flag.LOOP: is_loop(hypothesis.text, chunk.duration_ms, is_truncated=is_truncated),
    }
    return tuple(flag.value for flag in Flag if checks.get(flag))


def severity(flags: tuple[str, ...]) -> int:
    """Return the rank of the most severe flag, 1 for the least severe one; 0 without flags."""
    order = list(Flag)
    return max((order.index(Flag(flag)) + 1 for flag in flags), default=0)


def _is_not_allowed(language: str | None, allowed: tuple[str, ...]) -> bool:
    entry = languages.find(language) if language else None
    return bool(allowed) and entry is not None and entry.code not in allowed


def _is_impossible(n_letters: int, chunk: Chunk) -> bool:
    is_too_much = n_letters * MS_PER_S > _IMPOSSIBLE * chunk.speech_ms
    is_too_little = chunk.clear_ms >= _DRAWL_MS and n_letters * MS_PER_S < chunk.clear_ms
    return is_too_much or is_too_little


# ── loops ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Repeat:
    """Characters `[start, end)` of a folded text that repeat the same `period` characters."""

    start: int
    end: int
    period: int

    @property
    def n(self) -> int:
        """Number of full periods."""
        return (self.end - self.start) // self.period


def is_loop(text: str, duration_ms: int, *, is_truncated: bool) -> bool:
    """Whether a text has more repetitions than a speaker could say in `duration_ms`."""
    folded = _fold(text)
    widths = np.array([display_words.count_letters(char) for char in folded])
    n_letters = int(widths.sum())
    for repeat in find_repeats(folded):
        n_stretch = int(widths[repeat.start : repeat.end].sum())
        n_phrase = n_stretch / (repeat.end - repeat.start) * repeat.period
        is_phrase = n_phrase >= _SENTENCE_LETTERS
        pace, pace_of_rest = (_REFRAIN, _BRISK) if is_phrase else (_BRISK, _FAST)
        needed_s = n_stretch / pace + (n_letters - n_stretch) / pace_of_rest
        most = _MAX_SYLLABLES if n_phrase <= _SYLLABLE_LETTERS else _MAX_REPEATS
        is_too_much = n_stretch >= _LOOP_SHARE * n_letters and needed_s * MS_PER_S > duration_ms
        if is_truncated or repeat.n >= most or is_too_much:
            return True
    return False


def find_repeats(folded: str) -> Iterator[Repeat]:
    """Yield the longest repeat of every period with six or more in a row, short periods first.

    Multiples of a period are left out. O(n^2 / 6) character comparisons: 0.3 ms for half a minute of speech.
    """
    codes = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    repeats: list[Repeat] = []
    for period in range(1, len(codes) // _MIN_REPEATS + 1):
        differs = np.flatnonzero(codes[period:] != codes[:-period])
        edges = np.concatenate([[-1], differs, [len(codes) - period]])
        runs = np.diff(edges) - 1
        longest = int(runs.argmax())
        if runs[longest] < period * (_MIN_REPEATS - 1):
            continue
        start = int(edges[longest]) + 1
        repeat = Repeat(start, start + int(runs[longest]) + period, period)
        if not any(_is_multiple(shorter, repeat) for shorter in repeats):
            repeats.append(repeat)
            yield repeat


def _is_multiple(shorter: Repeat, longer: Repeat) -> bool:
    is_inside = shorter.start <= longer.start and longer.end <= shorter.end
    return is_inside and longer.period % shorter.period == 0


def _fold(text: str) -> str:
    """Return letters and digits only, in one case: a loop varies its commas."""
    return "".join(char for char in text.casefold() if display_words.count_letters(char))


# ── the context, repeated ───────────────────────────────────────────────────────────────────────────────


def is_context_repetition(text: str, context: str) -> bool:
    """Whether a text is mostly a passage of the context, or contains all of a longer context in order."""
    context_tokens = normalized_tokens(context)
    if len(context_tokens) < _MIN_CONTEXT_TOKENS:
        return False
    text_tokens = normalized_tokens(text)
    match = difflib.SequenceMatcher(None, context_tokens, text_tokens, autojunk=False).find_longest_match()
    shared_tokens = text_tokens[match.b : match.b + match.size]
    is_long = (
        len(shared_tokens) >= _MIN_CONTEXT_TOKENS
        and display_words.count_letters("".join(shared_tokens)) >= _MIN_CONTEXT_LETTERS
    )
    is_all = len(shared_tokens) == len(context_tokens) > _MIN_CONTEXT_TOKENS
    return is_long and (is_all or len(shared_tokens) >= _CONTEXT_SHARE * len(text_tokens))


@functools.lru_cache(maxsize=64)  # a context may be long, and is compared with every chunk
def normalized_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, without case, punctuation and spaces: words, or single ideographs."""
    # A mark separates words here even without a space after it: "Baku,Lima" is two.
    apart = "".join(char if char == "'" or unicodedata.category(char)[0] in "LNM" else " " for char in text)
    return tuple(token.text for token in tokenize(apart.casefold(), None))


# ── script ──────────────────────────────────────────────────────────────────────────────────────────────


def has_wrong_script(text: str, language: str | None) -> bool:
    """Whether a text is in a script that the language (an English name) does not use."""
    entry = languages.find(language) if language else None
    if entry is None:
        return False
    counts = Counter(filter(None, map(languages.script, text)))
    n_letters = sum(counts.values())
    n_own = sum(counts[script] for script in entry.scripts)
    n_latin = 0 if "LATIN" in entry.scripts else counts["LATIN"]
    n_kana = counts["HIRAGANA"] + counts["KATAKANA"]
    if entry.code == "ja" and n_own:
        return n_kana == 0 and counts["CJK"] >= _MIN_KANJI
    if "CJK" in entry.scripts and n_kana > _OWN_SHARE * n_letters:
        return n_kana >= _MIN_FOREIGN_LETTERS
    if n_own >= _OWN_SHARE * n_letters:
        return False
    return n_letters - n_own - n_latin >= _MIN_FOREIGN_LETTERS or n_latin >= _MIN_LATIN_LETTERS

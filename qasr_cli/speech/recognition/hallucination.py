"""Hallucination detection: text that cannot have been spoken, detected from the text and the chunk alone.

In go a hypothesis, its chunk and the decoding options; out come flags, and the values behind them. Reads no
audio and changes no text. The thresholds let real speech pass (laughter, "no, no, no", lists, numbers,
choruses, words from other languages). Flagged chunks are recognized again, so a miss costs a wrong line, and
a false alarm costs time and an entry in the report.
"""

from __future__ import annotations

import difflib
import functools
import math
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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

_N_DIGITS = 4  # of a value
_LEAST_POSTERIOR = 5e-5  # of a token; a smaller one is 0.0 with four digits


@dataclass(frozen=True, slots=True)
class Findings:
    """What detection found in a hypothesis.

    Attributes:
        flags: Signs of hallucination, the least severe first.
        values: What the detectors look at, by name, to four digits, so that thresholds can be set from data.
            `docs/explanation/hallucinations.md` says what each means.
    """

    flags: tuple[str, ...]
    values: Mapping[str, float]


def examine(hypothesis: Hypothesis, chunk: Chunk, options: DecodeOptions) -> Findings:
    """Return the flags of a hypothesis, and the values that they were decided by."""
    text = hypothesis.text
    n_letters = display_words.count_letters(text)
    scripts = Scripts.of(text, hypothesis.language)
    context = ContextMatch.of(text, options.context)
    loops = loops_of(text)
    is_truncated = hypothesis.finish is Finish.TRUNCATED
    checks = {
        Flag.LANGUAGE: _is_not_allowed(hypothesis.language, options.languages),
        Flag.SCRIPT: scripts.is_wrong,
        Flag.TRUNCATED: is_truncated,
        Flag.RATE: _is_impossible(n_letters, chunk),
        Flag.CONTEXT: context.is_repetition,
        Flag.LOOP: any(loop.is_too_long(chunk.duration_ms, is_truncated=is_truncated) for loop in loops),
    }
    flags = tuple(flag.value for flag in Flag if checks.get(flag))
    if not n_letters:
        flags = (Flag.EMPTY.value,) if chunk.clear_ms >= _CLEAR_SPEECH_MS else ()
    longest = max(loops, key=lambda loop: loop.needed_s, default=None)
    values = {
        "clear_s": chunk.clear_ms / MS_PER_S,
        "tokens": hypothesis.n_tokens,
        "letters_per_s": n_letters * MS_PER_S / max(1, chunk.speech_ms),
        "repeats": longest.n if longest else 0,
        "repeated_share": longest.share if longest else 0,
        "loop_time_share": longest.needed_s * MS_PER_S / max(1, chunk.duration_ms) if longest else 0,
        "context_share": context.share,
        "own_script_share": scripts.own_share,
        "compression_ratio": _compression_ratio(text),
    }
    if hypothesis.token_posteriors:
        values["avg_logprob"] = _mean_log(hypothesis.token_posteriors)
    return Findings(flags, {name: round(float(value), _N_DIGITS) for name, value in values.items()})


def find_flags(hypothesis: Hypothesis, chunk: Chunk, options: DecodeOptions) -> tuple[str, ...]:
    """Return the flags of a hypothesis, the least severe first."""
    return examine(hypothesis, chunk, options).flags


def _compression_ratio(text: str) -> float:
    """Return how often zlib makes the text smaller; whisper retries above 2.4 (arXiv 2212.04356)."""
    content = text.encode("utf-8", "surrogatepass")
    return len(content) / len(zlib.compress(content)) if content else 0.0


def _mean_log(posteriors: Sequence[float]) -> float:
    """Return the mean of the logarithms, whisper's `avg_logprob`; a 0 is a small number, rounded."""
    return sum(math.log(max(posterior, _LEAST_POSTERIOR)) for posterior in posteriors) / len(posteriors)


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


@dataclass(frozen=True, slots=True)
class Loop:
    """A phrase that a text repeats at least six times.

    Attributes:
        n: How often.
        n_phrase: Letters of the phrase.
        share: Share of the text's letters in the repetitions.
        needed_s: Seconds that a speaker would need for the text.
    """

    n: int
    n_phrase: float
    share: float
    needed_s: float

    def is_too_long(self, duration_ms: int, *, is_truncated: bool) -> bool:
        """Whether a speaker could not say it so often in `duration_ms`."""
        most = _MAX_SYLLABLES if self.n_phrase <= _SYLLABLE_LETTERS else _MAX_REPEATS
        is_too_much = self.share >= _LOOP_SHARE and self.needed_s * MS_PER_S > duration_ms
        return is_truncated or self.n >= most or is_too_much


def loops_of(text: str) -> list[Loop]:
    """Return every phrase that a text repeats at least six times, the shortest first."""
    folded = _fold(text)
    widths = np.array([display_words.count_letters(char) for char in folded])
    n_letters = int(widths.sum())
    loops: list[Loop] = []
    for repeat in find_repeats(folded):
        n_stretch = int(widths[repeat.start : repeat.end].sum())
        n_phrase = n_stretch / (repeat.end - repeat.start) * repeat.period
        is_phrase = n_phrase >= _SENTENCE_LETTERS
        pace, pace_of_rest = (_REFRAIN, _BRISK) if is_phrase else (_BRISK, _FAST)
        needed_s = n_stretch / pace + (n_letters - n_stretch) / pace_of_rest
        loops.append(Loop(repeat.n, n_phrase, n_stretch / n_letters, needed_s))
    return loops


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


@dataclass(frozen=True, slots=True)
class ContextMatch:
    """The longest passage of the context in a text.

    Attributes:
        share: Share of the text's tokens; 0 without a context of some tokens.
        is_repetition: The text is mostly this passage, or contains all of a longer context in order.
    """

    share: float = 0.0
    is_repetition: bool = False

    @classmethod
    def of(cls, text: str, context: str) -> ContextMatch:
        """Return the match of a text with the context."""
        context_tokens = normalized_tokens(context)
        if len(context_tokens) < _MIN_CONTEXT_TOKENS:
            return cls()
        text_tokens = normalized_tokens(text)
        matcher = difflib.SequenceMatcher(None, context_tokens, text_tokens, autojunk=False)
        match = matcher.find_longest_match()
        shared_tokens = text_tokens[match.b : match.b + match.size]
        is_long = (
            len(shared_tokens) >= _MIN_CONTEXT_TOKENS
            and display_words.count_letters("".join(shared_tokens)) >= _MIN_CONTEXT_LETTERS
        )
        is_all = len(shared_tokens) == len(context_tokens) > _MIN_CONTEXT_TOKENS
        is_most = len(shared_tokens) >= _CONTEXT_SHARE * len(text_tokens)
        return cls(len(shared_tokens) / max(1, len(text_tokens)), is_long and (is_all or is_most))


@functools.lru_cache(maxsize=64)  # a context may be long, and is compared with every chunk
def normalized_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, without case, punctuation and spaces: words, or single ideographs."""
    # A mark separates words here even without a space after it: "Baku,Lima" is two.
    apart = "".join(char if char == "'" or unicodedata.category(char)[0] in "LNM" else " " for char in text)
    return tuple(token.text for token in tokenize(apart.casefold(), None))


# ── script ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scripts:
    """The scripts of a text.

    Attributes:
        own_share: Share of its letters in scripts of its language; 1 without letters or language.
        is_wrong: Whether it is in a script that the language does not use.
    """

    own_share: float = 1.0
    is_wrong: bool = False

    @classmethod
    def of(cls, text: str, language: str | None) -> Scripts:
        """Return the scripts of a text in a language (an English name)."""
        entry = languages.find(language) if language else None
        counts = Counter(filter(None, map(languages.script, text)))
        n_letters = sum(counts.values())
        if entry is None or not n_letters:
            return cls()
        n_own = sum(counts[script] for script in entry.scripts)
        return cls(n_own / n_letters, _is_wrong_script(counts, entry))


def _is_wrong_script(counts: Counter[str], entry: languages.Language) -> bool:
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

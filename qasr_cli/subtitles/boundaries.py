"""How good a break is between two units, and where sentences and clauses end.

In go units; out come numbers per boundary. A cost of 0 is the end of a sentence, 10 the middle of a word
group, and `FORBIDDEN` a break that only happens where nothing else fits. Nothing here knows about width.

The costs are those of a prototype that was fitted to the worked examples of the BBC Subtitle Guidelines
(3.9, "break at natural points").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli import languages
from qasr_cli.subtitles.function_words import FUNCTION_WORDS, NONE, FunctionWords
from qasr_cli.subtitles.units import NOT_AT_END, NOT_AT_START, Unit

FORBIDDEN = 50.0  # not infinite: a text of nothing but brackets must still be laid out

_SENTENCE_END, _CLAUSE_END, _BEFORE_CONJUNCTION, _BEFORE_PREPOSITION, _BETWEEN_WORDS = 0.0, 1.0, 2.0, 2.8, 4.0
_AFTER_LEANING, _AFTER_NUMBER, _INSIDE_NAME, _INSIDE_WORD = 3.5, 2.0, 2.5, 10.0
_BEFORE_BRACKET = 1.5
_BEFORE_LEANING = 3.2  # a noun phrase or a verb group begins
_BETWEEN_PHRASES = 2.0  # a space in Thai, Chinese or Japanese parts phrases
_SENTENCE_PAUSE_MS = 450  # a pause that is heard makes a sentence end of a doubtful dot

_CLOSERS = "\"'”’»)]}」』）】〉》〕］｝"
_SENTENCE_MARKS = frozenset(".!?…。！？｡؟۔।॥።‼⁇⁈⁉")
_CLAUSE_MARKS = frozenset(",;:、，；：،؛—–")
_ORDINAL_DOT_LANGUAGES = frozenset({"cs", "da", "de", "fi", "hu", "pl", "tr"})  # "am 3. Mai"
_INITIAL = re.compile(r"(?:[^\W\d_]\.)+")  # J. and U.S.
_NUMBER = re.compile(r"[-+]?[\d.,]*\d")


@dataclass(frozen=True, slots=True)
class Boundaries:
    """One entry for each unit.

    Attributes:
        cost: Of a break before the unit; 0 before the first.
        is_sentence_end: A sentence ends with the unit; always so for the last.
        is_clause_end: It ends with punctuation of any kind.
    """

    cost: list[float]
    is_sentence_end: list[bool]
    is_clause_end: list[bool]


def find(units: Sequence[Unit], language: str | None) -> Boundaries:
    """Return what is known of each boundary between `units`."""
    judge = _Judge(language)
    ends = [judge.is_sentence_end(unit, after) for unit, after in pairwise(units)]
    ends += [True] * bool(units)
    clauses = [is_end or _is_clause_end(unit.text) for unit, is_end in zip(units, ends, strict=True)]
    costs = [0.0] * bool(units)
    for number, (before, after) in enumerate(pairwise(units)):
        is_start = number == 0 or ends[number - 1]
        costs.append(judge.cost(before, after, (ends[number], clauses[number], is_start)))
    return Boundaries(costs, ends, clauses)


def _is_clause_end(text: str) -> bool:
    # Dots that trail off but end no sentence ("wait... and then").
    return _last_mark(text) in _CLAUSE_MARKS or text.rstrip(_CLOSERS).endswith(("...", "…"))


def _last_mark(text: str) -> str:
    return (text.rstrip(_CLOSERS) or text)[-1]


class _Judge:
    """Judges the boundaries of one language."""

    def __init__(self, language: str | None) -> None:
        known = languages.find(language) if language else None
        self._code = known.code if known else ""
        self._words: FunctionWords = FUNCTION_WORDS.get(self._code, NONE)
        self._openers = self._words.leaning - self._words.objects
        self._leaning = self._words.leaning | self._words.prepositions | self._words.conjunctions

    def is_sentence_end(self, unit: Unit, after: Unit) -> bool:
        """Say whether a sentence ends with `unit`: a dot alone does not make an end."""
        mark = _last_mark(unit.text)
        if mark not in _SENTENCE_MARKS or after.is_glued:
            return False
        if mark not in ".…":
            # 「え？」と聞いた: a quoted question goes on, in Latin as in Japanese.
            return not (unit.text[-1] in _CLOSERS and _is_lower(after.text))
        if _is_lower(after.text):
            return False
        is_doubtful = mark == "." and self._is_doubtful(unit.text.strip(_CLOSERS + "([{«“‘"))
        return not is_doubtful or after.start_ms - unit.end_ms >= _SENTENCE_PAUSE_MS

    def _is_doubtful(self, text: str) -> bool:
        if text.lower() in self._words.abbreviations or _INITIAL.fullmatch(text):
            return text != "I."
        return self._code in _ORDINAL_DOT_LANGUAGES and bool(_NUMBER.fullmatch(text[:-1]))

    def cost(self, before: Unit, after: Unit, ends: tuple[bool, bool, bool]) -> float:
        """Return the cost of a break; `ends`: sentence end, clause end, and `before` begins a sentence."""
        is_sentence_end, is_clause_end, is_start = ends
        if after.is_glued or after.text[0] in NOT_AT_START or before.text[-1] in NOT_AT_END:
            return FORBIDDEN
        if is_sentence_end or is_clause_end:
            return _SENTENCE_END if is_sentence_end else _CLAUSE_END
        if after.text[0] in NOT_AT_END:
            return _BEFORE_BRACKET
        if not after.space:
            return _unspaced_cost(before.text, after.text)
        return self._spaced_cost(before.text, after.text, is_start=is_start)

    def _spaced_cost(self, before: str, after: str, *, is_start: bool) -> float:
        previous, following = before.lower().strip(_CLOSERS), after.lower().strip(_CLOSERS)
        if _writes_unspaced(before[-1]) or _writes_unspaced(after[0]):
            return _BETWEEN_PHRASES
        if "가" <= before[-1] <= "힣":
            return _korean_cost(before)
        cost = _BETWEEN_WORDS
        if following in self._words.conjunctions:
            cost = _BEFORE_CONJUNCTION
        elif following in self._words.prepositions:
            cost = _BEFORE_PREPOSITION
        elif following in self._openers:
            cost = _BEFORE_LEANING
        if previous in self._leaning or previous.endswith(("'", "’", ".")):
            cost += _AFTER_LEANING  # a dot that ends no sentence ends an abbreviation
        if _NUMBER.fullmatch(previous):
            cost += _AFTER_NUMBER
        # All German nouns are capitalised, so capitals say nothing about names there.
        if before[0].isupper() and after[0].isupper() and not is_start and self._code != "de":
            cost += _INSIDE_NAME
        return min(cost, _INSIDE_WORD)


def _is_lower(text: str) -> bool:
    first = next((char for char in text if char.isalnum()), "")
    return first.islower()


# Without spaces a change of script is the best sign of a new phrase: in Japanese a phrase is a content word
# in kanji or katakana with its particles in hiragana. Chinese has no such sign; its commonest particles help.
_PHRASE_END, _PHRASE_START, _PHRASE_MAYBE, _PHRASE_INSIDE = 2.8, 3.8, 5.0, 12.0
_HONORIFICS = frozenset("おご")
_JAPANESE_CLOSING = frozenset("はがをにでともへて")  # particles and endings that close a phrase
_JAPANESE_JOINING = frozenset("のや")  # particles that join it to the next
# Words in kana that hang on the phrase before them: について, という, ている, ことが.
_JAPANESE_BOUND = (
    *("つい", "よっ", "とっ", "おい", "いう", "いっ", "いる", "い", "し", "なる", "なっ", "なり", "こと"),
    *("ため", "よう", "もの", "ある", "あり", "ない", "ござ", "くだ", "ほし", "み", "おく", "おき", "おり"),
)
_CHINESE_ENDS = frozenset("的了着过過们們吗嗎呢吧啊嘅咗哋㗎啦喇")
_CHINESE_COVERBS = frozenset("把被对對从從跟和与與在用将將给給")  # as prepositions: they need what follows
_CHINESE_STARTS = frozenset("和但而因所就在我你他她它我们这這那很也都还還要把被对對从從跟与與或如")


def _unspaced_cost(before: str, after: str) -> float:
    last, first = _script(before[-1]), _script(_head(after))
    if "kana" in (last, first) or "katakana" in (last, first):
        return _japanese_cost((before, last), (after, first))
    if last == first == "han" or after[0] in _CHINESE_STARTS:
        return _chinese_cost(before, after)
    if last == first == "thai":
        return _PHRASE_MAYBE  # units are whatever words an engine found
    if last == first or "digit" in (last, first):
        return _INSIDE_WORD
    return _PHRASE_MAYBE


def _head(text: str) -> str:
    """Return the character that a word begins with in earnest: お茶 is a word like 茶."""
    return text[1] if len(text) > 1 and text[0] in _HONORIFICS else text[0]


def _japanese_cost(before: tuple[str, str], after: tuple[str, str]) -> float:
    (text, last), (following, first) = before, after
    if last == "kana" and first != "kana":
        if text in _HONORIFICS:
            return _PHRASE_INSIDE
        if text[-1] in _JAPANESE_CLOSING:
            return _PHRASE_END
        return _PHRASE_START if text[-1] in _JAPANESE_JOINING else _PHRASE_MAYBE
    is_bound = following.startswith(_JAPANESE_BOUND) or following in _JAPANESE_CLOSING | _JAPANESE_JOINING
    if last == "kana" and text in _JAPANESE_CLOSING and not is_bound:
        return _PHRASE_MAYBE + 1.0
    if last == first:
        # Words of one kanji or katakana run are compounds; two hiragana words are stem and ending.
        return _PHRASE_INSIDE
    return _PHRASE_INSIDE if first == "kana" else _PHRASE_MAYBE + 1.0


def _chinese_cost(before: str, after: str) -> float:
    if after[0] in _CHINESE_ENDS or before in _CHINESE_COVERBS:
        return _PHRASE_INSIDE
    if before[-1] in _CHINESE_ENDS:
        return _PHRASE_START
    if after[0] in _CHINESE_STARTS:
        return _PHRASE_START
    # Single characters may be halves of a word; longer units are words that an engine has found.
    return _PHRASE_MAYBE + (2.5 if len(before) == 1 or len(after) == 1 else 0.0)


# The last syllable of a Korean word says how it hangs together with the next one. A word with a particle or
# a connective ending closes its phrase; one that ends in ㄴ or ㄹ otherwise is an adnominal (새로운, 옮길),
# and one without an ending is a noun before a noun, a number or a determiner (음성 인식, 몇 초).
_KOREAN_CLOSING = frozenset("이가를에서로와과도만께고며면나데니까게요다록려러자지")
_KOREAN_DOUBTFUL = frozenset("은는을")  # particle or adnominal
_KOREAN_CLOSED, _KOREAN_MAYBE_CLOSED, _KOREAN_BARE, _KOREAN_ADNOMINAL = 3.0, 3.8, 5.5, 6.5
_FINAL_N, _FINAL_L = 4, 8  # place of ㄴ and ㄹ among the 28 finals of a Hangul syllable (Unicode 3.12)


def _korean_cost(before: str) -> float:
    last = before[-1]
    if len(before) > 1 and last in _KOREAN_CLOSING:
        return _KOREAN_CLOSED
    if len(before) > 1 and last in _KOREAN_DOUBTFUL:
        return _KOREAN_MAYBE_CLOSED
    is_adnominal = (ord(last) - ord("가")) % 28 in {_FINAL_N, _FINAL_L} or last == "의" or len(before) == 1
    return _KOREAN_ADNOMINAL if is_adnominal else _KOREAN_BARE


def _script(char: str) -> str:
    point = ord(char)
    if char.isdigit():
        return "digit"
    if 0x3040 <= point <= 0x309F:
        return "kana"
    if 0x30A0 <= point <= 0x30FF:
        return "katakana"
    if 0x3400 <= point <= 0x9FFF or 0x20000 <= point <= 0x323AF:
        return "han"
    return "thai" if 0x0E00 <= point <= 0x0EFF else "other"


def _writes_unspaced(char: str) -> bool:
    return _script(char) in {"kana", "katakana", "han", "thai"}

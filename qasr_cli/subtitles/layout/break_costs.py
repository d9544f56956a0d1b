"""Costs of the breaks between two atoms, and the ends of sentences and clauses.

In go atoms; out come numbers per boundary. A cost of 0 is the end of a sentence, 10 the middle of a word
group, and `FORBIDDEN` a break that is used only if nothing else fits. Never depends on widths.

The costs are those of a prototype that was fitted to the worked examples of the BBC Subtitle Guidelines
(3.9, "break at natural points").
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qasr_cli import languages
from qasr_cli.subtitles.layout.ja_ko_endings import japanese_cost, korean_cost
from qasr_cli.subtitles.layout.phrases import is_unspaced
from qasr_cli.subtitles.layout.text_atom import NOT_AT_END, NOT_AT_START, TextAtom
from qasr_cli.subtitles.rules.function_words import function_words, word_set
from qasr_cli.subtitles.rules.limits import HARD_PAUSE_MS

FORBIDDEN = 50.0  # not infinite: a text of brackets alone must still be laid out

_SENTENCE_END, _CLAUSE_END, _BEFORE_CONJUNCTION, _BEFORE_PREPOSITION, _BETWEEN_WORDS = 0.0, 1.0, 2.0, 2.8, 4.0
_AFTER_LEANING, _AFTER_NUMBER, _INSIDE_NAME, _INSIDE_WORD = 3.5, 2.0, 2.5, 10.0
_BEFORE_TRAILING, _AFTER_TRAILING = 3.5, -0.8
_BEFORE_OBJECT = 1.0
# Short words are rarely the last of a phrase; a Chinese verb of one syllable wants its object or complement.
_AFTER_SHORT, _AFTER_SYLLABLE = 0.8, 2.0
_AFTER_ABBREVIATION = 1.8
_INSIDE_PHRASE, _BETWEEN_SCRIPTS = 12.0, 5.0  # where no space is written
_NO_SPACE = 1.5  # two words that no space parts are more of one than two that it does
_BEFORE_BRACKET = 1.5
_BEFORE_LEANING = 3.2  # a noun phrase or a verb group begins
_BETWEEN_CLAUSES = 2.0  # a space in Thai, Chinese or Japanese is as good as a comma
_SENTENCE_PAUSE_MS = 450  # after an audible pause an ambiguous dot ends a sentence

_CLOSERS = "\"'”’»)]}」』）】〉》〕］｝"
_OPENERS = "\"'“‘«([{„¿¡"
_SENTENCE_MARKS = frozenset(".!?…。！？｡؟۔।॥።‼⁇⁈⁉")
_CLAUSE_MARKS = frozenset(",;:、，；：،؛—–")
_MARKS = _CLOSERS + _OPENERS + ",.;:!?…،؛؟।、，。！？"
# Marks that mean something else in one language: the Greek question mark and semicolon.
_OWN_SENTENCE_MARKS, _OWN_CLAUSE_MARKS = {"el": frozenset(";")}, {"el": frozenset("·")}
_ORDINAL_DOT_LANGUAGES = frozenset({"cs", "da", "de", "fi", "hu", "pl", "tr"})  # "am 3. Mai"
_INITIAL = re.compile(r"(?:[^\W\d_]\.)+")  # J. and U.S.
_NUMBER = re.compile(r"[-+]?[\d.,]*\d")
# Numbers in words that are followed by what is counted; those below a hundred are too many to list.
_SCALES = word_set(
    """
    hundred thousand million billion hundert tausend million millionen milliarden cent mille millions
    milliards cien mil millones millón mila milioni miliardi milhões bilhões duizend miljoen miljard tusen
    miljoner tusind millioner sto tysięcy tysiące milionów tisíc milionů сто тысяч тысячи миллионов миллиона
    илјади милиони χιλιάδες εκατομμύρια ezer millió sută mii milioane yüz bin milyon ratus ribu juta nghìn
    triệu लाख करोड़ हजार هزار میلیون ألف مليون
    """
)


@dataclass(frozen=True, slots=True)
class _EdgeTraits:
    """Properties of a text for the breaks before and after it, independent of its neighbours.

    Attributes:
        is_stop: It ends with a mark that ends sentences; `is_dot`: a mark that also has other uses.
        is_quoted: It ends with a quote or bracket.
        is_doubtful: Its dot may belong to an abbreviation, an initial or an ordinal.
        is_lower: Its first letter is lower case; `is_upper`: its first character is upper case.
        cost_before: Cost of a break before it, as the beginning of a line.
        cost_after: Extra cost of a break after it.
        is_trailing: A good end of a line.
    """

    text: str
    is_stop: bool
    is_dot: bool
    is_quoted: bool
    is_doubtful: bool
    is_clause_end: bool
    is_lower: bool
    is_upper: bool
    cost_before: float
    cost_after: float
    is_trailing: bool


class BreakCosts:
    """Costs of the breaks between atoms, and where sentences and clauses end; one entry per atom.

    Attributes:
        is_sentence_end: A sentence ends with the atom; always so for the last.
        is_clause_end: It ends with punctuation of any kind.
    """

    def __init__(self, atoms: Sequence[TextAtom], language: str | None) -> None:
        traits = [_edge_traits(language, atom.text) for atom in atoms]
        self._atoms = atoms
        self._break_model = _break_model(language)
        self._phrases = [_edge_traits(language, text) for text in _phrases(atoms)]
        self.is_sentence_end = [
            _is_sentence_end(atom, after, own, following)
            for (atom, after), (own, following) in zip(pairwise(atoms), pairwise(traits), strict=True)
        ] + [True] * bool(atoms)
        self.is_clause_end = [
            is_end or own.is_clause_end for own, is_end in zip(traits, self.is_sentence_end, strict=True)
        ]

    @functools.cached_property
    def cost(self) -> list[float]:
        """Cost of a break before each atom; 0 before the first."""
        return [self.cost_before(place) for place in range(len(self._atoms))]

    def cost_before(self, place: int) -> float:
        """Return the cost of a break before one atom, without computing all."""
        if place == 0:
            return 0.0
        before, after = self._atoms[place - 1], self._atoms[place]
        if self.is_clause_end[place - 1]:
            easy = _SENTENCE_END if self.is_sentence_end[place - 1] else _CLAUSE_END
            return FORBIDDEN if _is_forbidden(before, after) else easy
        is_start = place == 1 or self.is_sentence_end[place - 2]
        traits = self._phrases[place - 1], self._phrases[place]
        return self._break_model.cost(before, after, traits, is_start=is_start)


def _phrases(atoms: Sequence[TextAtom]) -> list[str]:
    """Return for each atom the text of its phrase, or its own text without phrases."""
    begins = [k for k, atom in enumerate(atoms) if atom.begins_phrase is not False or atom.space]
    if len(begins) == len(atoms):
        return [atom.text for atom in atoms]
    phrases: list[str] = []
    for first, last in pairwise([*begins, len(atoms)]):
        phrases += ["".join(atom.text for atom in atoms[first:last])] * (last - first)
    return phrases


def _is_forbidden(before: TextAtom, after: TextAtom) -> bool:
    return after.is_glued or after.text[0] in NOT_AT_START or before.text[-1] in NOT_AT_END


def _is_sentence_end(atom: TextAtom, after: TextAtom, traits: _EdgeTraits, next_traits: _EdgeTraits) -> bool:
    """Return whether a sentence ends with `atom`: a dot alone does not make an end."""
    pause_ms = after.start_ms - atom.end_ms
    if pause_ms >= HARD_PAUSE_MS or atom.speaker != after.speaker:
        return True  # so that what comes after changes nothing before it
    if not traits.is_stop or after.is_glued:
        return False
    if next_traits.is_lower:
        # 「え？」と聞いた: a quoted question goes on, in Latin as in Japanese.
        return not (traits.is_dot or traits.is_quoted)
    return not traits.is_doubtful or pause_ms >= _SENTENCE_PAUSE_MS


def _plain(text: str) -> str:
    """Return a word in the form of the lists."""
    return text.replace("İ", "i").lower()  # Python's own lower case of İ has two characters


@functools.lru_cache(maxsize=65_536)  # speech repeats its words
def _edge_traits(language: str | None, text: str) -> _EdgeTraits:
    return _break_model(language).edge_traits(text)


@functools.cache
def _break_model(language: str | None) -> _BreakModel:
    return _BreakModel(language)


class _BreakModel:
    """The break costs of one language, from its function words and marks."""

    def __init__(self, language: str | None) -> None:
        entry = languages.find(language) if language else None
        self._code = entry.code if entry else ""
        self._words = function_words(self._code)
        self._openers = self._words.leaning - self._words.objects
        self._leaning = self._words.leaning | self._words.prepositions | self._words.conjunctions
        self._sentence_marks = _SENTENCE_MARKS | _OWN_SENTENCE_MARKS.get(self._code, frozenset())
        self._clause_marks = _CLAUSE_MARKS | _OWN_CLAUSE_MARKS.get(self._code, frozenset())

    def edge_traits(self, text: str) -> _EdgeTraits:
        """Return the properties of a text alone."""
        bare = text.rstrip(_CLOSERS)
        mark = (bare or text)[-1]
        previous = _plain(text).strip(_CLOSERS)
        return _EdgeTraits(
            text,
            is_stop=mark in self._sentence_marks,
            is_dot=mark in ".…",
            is_quoted=text[-1] in _CLOSERS,
            is_doubtful=mark == "." and self._is_doubtful(text.strip(_CLOSERS + _OPENERS)),
            # Dots that trail off but end no sentence ("wait... and then") end a clause.
            is_clause_end=mark in self._clause_marks or bare.endswith(("...", "…")),
            is_lower=next((char for char in text if char.isalnum()), "").islower(),
            is_upper=text[0].isupper(),
            cost_before=self._cost_before(_plain(text).strip(_MARKS)),
            cost_after=self._cost_after(previous),
            is_trailing=previous in self._words.trailing and previous not in self._leaning,
        )

    def _is_doubtful(self, text: str) -> bool:
        # A syllable of Korean and its dot are a sentence ("네."); only letters with capitals make initials.
        is_initial = _INITIAL.fullmatch(text) and text[0].lower() != text[0].upper()
        if _plain(text) in self._words.abbreviations or is_initial:
            return text != "I."
        return self._code in _ORDINAL_DOT_LANGUAGES and bool(_NUMBER.fullmatch(text[:-1]))

    def cost(
        self, before: TextAtom, after: TextAtom, phrases: tuple[_EdgeTraits, _EdgeTraits], *, is_start: bool
    ) -> float:
        """Return the cost of a break without punctuation.

        Args:
            before: Last atom of a line.
            after: First atom of the next line.
            phrases: Their phrases in languages without spaces, else the atoms' own texts.
            is_start: `before` begins a sentence.
        """
        if _is_forbidden(before, after):
            return FORBIDDEN
        if after.text[0] in NOT_AT_END:
            return _BEFORE_BRACKET
        n_unspaced = is_unspaced(before.text[-1]) + is_unspaced(after.text[0])
        if after.space:
            return self._spaced_cost(*phrases, n_unspaced, is_start=is_start)
        if after.begins_phrase is None:
            return _BETWEEN_SCRIPTS if n_unspaced == 1 else _INSIDE_WORD
        return self._phrase_cost(*phrases) if after.begins_phrase else _INSIDE_PHRASE

    def _phrase_cost(self, before: _EdgeTraits, after: _EdgeTraits) -> float:
        if self._code == "ja":
            return japanese_cost(before.text, after.text)
        return after.cost_before + before.cost_after + _NO_SPACE

    def _spaced_cost(
        self, before: _EdgeTraits, after: _EdgeTraits, n_unspaced: int, *, is_start: bool
    ) -> float:
        last = before.text[-1]
        if n_unspaced == 2 and last not in NOT_AT_START:  # Thai writes a space after its repetition mark
            return _BETWEEN_CLAUSES
        if "가" <= last <= "힣":
            return korean_cost(before.text, after.text)
        cost = after.cost_before + before.cost_after
        if before.is_trailing:
            cost += _AFTER_TRAILING
        # All German nouns are capitalised, so a capital is no sign of a name.
        if before.is_upper and after.is_upper and not is_start and self._code != "de":
            cost += _INSIDE_NAME
        return min(cost, _INSIDE_WORD)

    def _cost_before(self, following: str) -> float:
        """Return the cost of the word at the beginning of a line."""
        cost = _BETWEEN_WORDS
        if following in self._words.trailing:
            cost += _BEFORE_TRAILING
        elif following in self._words.conjunctions:
            cost = _BEFORE_CONJUNCTION
        elif following in self._words.prepositions:
            cost = _BEFORE_PREPOSITION
        elif following in self._openers:
            cost = _BEFORE_LEANING
        elif following in self._words.objects:
            cost += _BEFORE_OBJECT
        return cost

    def _cost_after(self, previous: str) -> float:
        """Return the extra cost of the word at the end of a line."""
        cost = 0.0
        if previous in self._leaning or previous.endswith(("'", "’")):
            cost = _AFTER_LEANING
        elif previous.endswith("."):
            cost = _AFTER_ABBREVIATION  # a dot that ends no sentence
        elif self._code in {"zh", "yue"}:
            cost = _AFTER_SYLLABLE * (len(previous) == 1 and previous not in self._words.trailing)
        elif len(previous) <= 2 and self._code != "th":
            cost = _AFTER_SHORT
        is_number = _NUMBER.fullmatch(previous.rstrip(".")) or previous in _SCALES
        return cost + _AFTER_NUMBER * bool(is_number)

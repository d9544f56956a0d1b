"""How a language's random sentences are made, and the rule that says who may learn which.

In: a language's words and patterns and a seeded ``random.Random``. Out: sentences as they are written.
Which part of the data a sentence belongs to ("train", "dev" or "test") follows from its words alone, so a
held-out sentence can never slip into training, whoever generates it and in whichever clip it is spoken.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from functools import cached_property

DEV_PERCENT = 3
TEST_PERCENT = 6

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[\w']+")
_JOSA = re.compile(r"(.)\((을|은|이|과|으로|이나|이에요)\)")
# Korean particles by whether the syllable before ends in a consonant.
_AFTER_VOWEL = {"을": "를", "은": "는", "이": "가", "과": "와", "으로": "로", "이나": "나", "이에요": "예요"}
_RIEUL = 8  # the final consonant after which "으로" is "로" too
_MARKS = ".,?!¿¡…"


def options(text: str) -> list[str]:
    """The choices of a slot, one per "|"."""
    return [" ".join(option.split()) for option in text.split("|")]


def words(text: str) -> list[str]:
    """The blank-separated words of a list."""
    return text.split()


def words_of(sentence: str) -> str:
    """The sentence's bare lower-case words, one blank between: what makes two sentences the same."""
    return " ".join(_WORD.findall(sentence.lower()))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, each with its own closing mark."""
    return [part for part in re.split(r"(?<=[.?!])\s+", text.strip()) if part]


def capitalised(text: str) -> str:
    """The text with its first letter in upper case and the rest untouched."""
    at = next((i for i, char in enumerate(text) if char.isalnum()), 0)
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _small(text: str) -> str:
    """The text with its first letter in lower case."""
    at = next((i for i, char in enumerate(text) if char.isalnum() or char == "{"), 0)
    return text[:at] + text[at : at + 1].lower() + text[at + 1 :]


def _with_particle(match: re.Match[str]) -> str:
    before, particle = match.groups()
    if before.isdigit():  # read as 영 일 이 삼 사 오 육 칠 팔 구
        is_closed, is_rieul = before in "013678", before in "178"
    else:
        final = (ord(before) - 0xAC00) % 28
        is_closed, is_rieul = final != 0, final == _RIEUL
    if not is_closed or (particle == "으로" and is_rieul):
        particle = _AFTER_VOWEL[particle]
    return before + particle


@dataclass(frozen=True)
class Mix:
    """Which share of the sentences is a word salad, a patchwork or told prose; the rest is grammar."""

    salad: float = 0.25
    patchwork: float = 0.35
    prose: float = 0.0


@dataclass(frozen=True, eq=False)
class Language:
    """One language of the pair.

    Attributes:
        code: ISO 639-1.
        name: as the recognizer writes it.
        slots: choices by slot name.
        patterns: sentences with slots.
        spare: known words that no pattern uses.
        twins: names that sound alike, the usual spelling first.
        latin: names and how they are written in Latin letters, where the language has others.
        alike: words that salads leave out, since only a sentence tells them apart.
        held: hand-written texts that are never trained on.
        years: first and last year that is spoken of.
        prose: slots and patterns of told sentences (:mod:`tools.demo_model.texts.prose`).
    """

    code: str
    name: str
    slots: dict[str, list[str]]
    patterns: list[str]
    spare: list[str]
    twins: tuple[tuple[str, str], ...]
    alike: frozenset[str]
    held: tuple[str, ...]
    years: tuple[int, int]
    prose: tuple[dict[str, list[str]], list[str]]
    latin: tuple[tuple[str, str], ...] = ()

    @property
    def spellings(self) -> tuple[tuple[str, str], ...]:
        """All names that a context may spell otherwise, the usual spelling first."""
        return self.twins + self.latin

    def expand(self, template: str, rng: random.Random) -> str:
        """Fill every slot of a template, deepest last, each by an even draw."""
        while match := _SLOT.search(template):
            template = template[: match.start()] + self._choice(match.group(1), rng) + template[match.end() :]
        return _JOSA.sub(_with_particle, template)

    def _choice(self, slot: str, rng: random.Random) -> str:
        if slot == "digits":
            return str(rng.randint(13, 99) if rng.random() < 0.8 else 100 * rng.randint(1, 9))
        if slot == "year":
            return str(rng.randint(*self.years))
        return rng.choice(self.slots.get(slot) or self.prose[0][slot])

    def grammar_sentence(self, rng: random.Random) -> str:
        """One sentence of the grammar, such as "The train to Oslo leaves at half past two."."""
        return capitalised(self.expand(rng.choice(self.patterns), rng))

    def told(self, rng: random.Random) -> str:
        """Clauses joined as in a talk; what begins a sentence is written large."""
        text = self.expand(rng.choice(self.prose[1]), rng)
        return " ".join(capitalised(sentence) for sentence in sentences_of(text))

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """All words of patterns, spare list and held-out texts, as written inside a sentence, sorted."""
        rng = random.Random(0)
        texts = [self.expand(option, rng) for name in self.slots for option in self.slots[name]]
        texts += [self.expand(_small(pattern), rng) for pattern in self.patterns for _ in range(4)]
        held = [sentence for text in self.held for sentence in sentences_of(text)]
        inside = {w.strip(_MARKS) for text in texts for w in text.split()} | set(self.spare)
        for sentence in held:
            first, *rest = sentence.split()
            inside |= {w.strip(_MARKS) for w in rest}
            if first.strip(_MARKS) not in inside:
                inside.add(first.strip(_MARKS).lower())
        inside = {w for w in inside if w and w not in ("i", "i'm") and not any(c.isdigit() for c in w)}
        return tuple(sorted(w for w in inside if w.lower() == w or w.lower() not in inside))

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.vocabulary)

    @cached_property
    def salad_words(self) -> tuple[str, ...]:
        """The words that the sound alone tells apart."""
        alike = {word.lower() for word in self.alike}
        return tuple(word for word in self.vocabulary if word.lower() not in alike)

    def salad(self, rng: random.Random) -> str:
        """One to nine random words made up as a sentence; only the sound tells what was said."""
        said = [rng.choice(self.salad_words) for _ in range(rng.choice([1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 9]))]
        if rng.random() < 0.15:
            said[rng.randrange(len(said))] = self._choice("digits", rng)
        if len(said) > 4 and rng.random() < 0.3:
            said[rng.randrange(1, len(said) - 1)] += ","
        return capitalised(" ".join(said)) + "."

    def patchwork(self, rng: random.Random) -> str:
        """Scraps of two to four words from several sentences: real phrases in an order nobody expects."""
        scraps: list[list[str]] = []
        while sum(map(len, scraps)) < rng.randint(4, 10):
            full = self.grammar_sentence(rng).strip(_MARKS).split()
            begin = rng.randrange(max(1, len(full) - 2))
            scraps.append(full[begin : begin + rng.randint(2, 4)])
        said = [self._inside(word) for scrap in scraps for word in scrap]
        said[-1] = said[-1].strip(",")
        return capitalised(" ".join(said)) + "."

    def _inside(self, word: str) -> str:
        """A word as written inside a sentence: small, unless it is a name."""
        small = _small(word)
        return small if small.strip(_MARKS) in self._known else word

    @cached_property
    def _held_words(self) -> frozenset[str]:
        return frozenset(words_of(sentence) for text in self.held for sentence in sentences_of(text))

    def part_of(self, sentence: str) -> str:
        """Which part of the data a sentence belongs to: "train", "dev" or "test".

        The hand-written texts are always "test"; everything else goes by a hash of its words.
        """
        bare = words_of(sentence)
        if bare in self._held_words:
            return "test"
        bucket = int.from_bytes(hashlib.sha256(bare.encode()).digest()[:4], "big") % 100
        if bucket < TEST_PERCENT:
            return "test"
        return "dev" if bucket < TEST_PERCENT + DEV_PERCENT else "train"

    def sentence(self, rng: random.Random, part: str, mix: Mix | None = None) -> str:
        """A random sentence of one part of the data ("train", "dev" or "test")."""
        mix = mix or Mix()
        while True:
            kind = rng.random()
            if kind < mix.salad:
                text = self.salad(rng)
            elif kind < mix.salad + mix.patchwork:
                text = self.patchwork(rng)
            elif kind < mix.salad + mix.patchwork + mix.prose:
                text = self.told(rng)
            else:
                text = self.grammar_sentence(rng)
            if self.part_of(text) == part:
                return text

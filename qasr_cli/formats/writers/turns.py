"""The words of a transcript in turns and paragraphs, as texts and tiers show them.

In goes a transcript; out come stretches of its words. A turn ends where another speaker begins; a paragraph
ends with its turn, or with a segment that ends a sentence: chunks are cut at silences and not at sentences,
so a paragraph never depends on the chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from qasr_cli import languages
from qasr_cli.formats.writers.spoken_text import one_line, speaker_names
from qasr_cli.options import OutputOptions
from qasr_cli.records import Transcript, Word

_CLOSERS = "\"'”’»)]」』）】〉》"
_SENTENCE_MARKS = tuple(".!?…。！？؟۔।")


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word as a text shows it, on one line.

    Attributes:
        space: What parts it from the word before it.
        speaker: Label of its turn's speaker; None if speakers are not told apart.
        ends_segment: It is the last of its segment.
    """

    word: Word
    space: str
    text: str
    speaker: str | None
    ends_segment: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive words of one speaker, at least one.

    Attributes:
        is_turn: The speaker begins here.
    """

    words: tuple[ShownWord, ...]
    is_turn: bool = True

    @property
    def speaker(self) -> str | None:
        """Label of the speaker; None if unknown."""
        return self.words[0].speaker

    @property
    def text(self) -> str:
        """The text, on one line without spaces around it."""
        return " ".join("".join(word.space + word.text for word in self.words).split())


def is_marked(word: Word, options: OutputOptions) -> bool:
    """Whether `--low-confidence` marks a word; one of unknown confidence is not marked."""
    least = options.low_confidence
    return least is not None and word.confidence is not None and word.confidence < least


def shown_names(transcript: Transcript) -> dict[str, str]:
    """Return the names that a text shows, by label; empty for one speaker without a name."""
    return speaker_names(transcript) if transcript.is_dialogue else {}


def turns(transcript: Transcript) -> Iterator[Stretch]:
    """Yield the turns, in order; without speakers the whole transcript is one."""
    for _, words in groupby(_shown(transcript), attrgetter("speaker")):
        yield Stretch(tuple(words))


def paragraphs(transcript: Transcript) -> Iterator[Stretch]:
    """Yield the paragraphs, in order."""
    for turn in turns(transcript):
        rest: list[ShownWord] = []
        is_turn, last = True, ""
        for word in turn.words:
            rest.append(word)
            last = word.text.strip() or last
            if word.ends_segment and last.rstrip(_CLOSERS).endswith(_SENTENCE_MARKS):
                yield Stretch(tuple(rest), is_turn)
                rest, is_turn, last = [], False, ""
        if rest:
            yield Stretch(tuple(rest), is_turn)


def _shown(transcript: Transcript) -> Iterator[ShownWord]:
    """Yield every word; one without a speaker goes on with the turn, if there are speakers at all."""
    speaker = next(iter(transcript.speaker_names), None)
    before = ""
    for segment in transcript.segments:
        for number, word in enumerate(segment.words, 1):
            text, space = one_line(word.text), one_line(word.lead)
            if number == 1 and not space:
                space = languages.joint(before, text)
            speaker = word.speaker or speaker
            before = text or before
            yield ShownWord(word, space, text, speaker, number == len(segment.words))

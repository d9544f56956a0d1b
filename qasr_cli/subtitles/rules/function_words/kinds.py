"""What a language's function words are sorted into.

In go words as one text each; out comes a `FunctionWords`. A line or cue that ends on "of" or "the" makes the
reader wait for the rest; one that begins with "because" or "in the" reads well (Netflix General
Requirements, "line treatment"; BBC Subtitle Guidelines 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """All in lower case. A word may be of several kinds: what is leaning and trailing is never at an edge.

    Attributes:
        leaning: Must not end a line: articles, possessives, subject pronouns, auxiliaries, negations, titles.
        prepositions: Must not end a line, and are a good beginning of one.
        conjunctions: Must not end a line, and are a better beginning: conjunctions and relatives.
        abbreviations: With their dot, these end no sentence.
        objects: Object pronouns, which hang on the verb before them.
        trailing: Must not begin a line, and are a good end of one: postpositions, enclitics, and words that
            follow their noun or verb (this, already).
    """

    leaning: frozenset[str]
    prepositions: frozenset[str]
    conjunctions: frozenset[str]
    abbreviations: frozenset[str]
    objects: frozenset[str]
    trailing: frozenset[str]


def words(
    leaning: str = "",
    prepositions: str = "",
    conjunctions: str = "",
    abbreviations: str = "",
    objects: str = "",
    trailing: str = "",
) -> FunctionWords:
    """Return the function words of a language, each kind given as words with white space between them."""
    texts = (leaning, prepositions, conjunctions, abbreviations, objects, trailing)
    return FunctionWords(*map(word_set, texts))


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())

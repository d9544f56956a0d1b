"""Function words by language: words that belong to the next or the previous word.

In goes a language code; out come its `FunctionWords`. The words are data, in `subtitles/function_words.toml`;
that file is read on first use, and never written. A line or cue that ends on "of" or
"the" makes the reader wait for the rest; one that begins with "because" or "in the" reads well (Netflix
General Requirements, "line treatment"; BBC Subtitle Guidelines 3.4).
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, fields
from importlib import resources


@dataclass(frozen=True, slots=True)
class FunctionWords:
    """Function words in lower case. A word that leans and trails is never at an edge.

    Attributes:
        leaning: Must not end a line: articles, possessives, subject pronouns, auxiliaries, negations, titles.
        prepositions: Must not end a line, and are a good beginning of one.
        conjunctions: Must not end a line, and are a better beginning: conjunctions and relatives.
        abbreviations: Their dot does not end a sentence.
        objects: Object pronouns, which belong to the verb before them.
        trailing: Must not begin a line, and are a good end of one: postpositions, enclitics, and words that
            follow their noun or verb (this, already).
    """

    leaning: frozenset[str] = frozenset()
    prepositions: frozenset[str] = frozenset()
    conjunctions: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    trailing: frozenset[str] = frozenset()


@functools.cache
def function_words(code: str) -> FunctionWords:
    """Return the function words of a language; empty sets for a language without a table."""
    table = {kind: word_set(text) for kind, text in _tables().get(code, {}).items()}
    measures = table.pop("measures", frozenset())
    measured = {first + measure for first in table.pop("determiners", ()) for measure in measures}
    kinds = {field.name: table.pop(field.name, frozenset()) for field in fields(FunctionWords)}
    if table:
        raise ValueError(f"function_words.toml: [{code}] has unknown kinds: {', '.join(table)}")
    return FunctionWords(**kinds | {"leaning": kinds["leaning"] | measures | measured})


@functools.cache
def _tables() -> dict[str, dict[str, str]]:
    """Return the whole file: for each language code its kinds, each as a text of words."""
    data = resources.files("qasr_cli.subtitles") / "function_words.toml"
    return tomllib.loads(data.read_text("utf-8"))


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, separated by white space."""
    return frozenset(text.split())

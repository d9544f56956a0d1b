"""A written script as words.

In go the lines of a script; out come its words, and the line of each. Never uses a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qasr_cli import languages
from qasr_cli.speech.text.display_words import DisplayWord, split


@dataclass(frozen=True, slots=True)
class Script:
    """A script as words.

    Attributes:
        lines: The lines as written, without empty ones.
        words: Words of all lines; a line's leads and texts, joined, are the line without outer space.
        line_of: For each word the index of its line.
    """

    lines: tuple[str, ...]
    words: tuple[DisplayWord, ...]
    line_of: tuple[int, ...]


def read(lines: Sequence[str], language: str | None) -> Script:
    """Split lines into a script; `language` is a code or None."""
    entry = languages.find(language) if language else None
    gap = " " if entry is None or entry.is_spaced else ""
    written = tuple(text for text in (" ".join(line.split()) for line in lines) if text)
    words: list[DisplayWord] = []
    line_of: list[int] = []
    for number, line in enumerate(written):
        line_words = split(line, language)
        words += [replace(line_words[0], lead=gap if number else ""), *line_words[1:]]
        line_of += [number] * len(line_words)
    return Script(written, tuple(words), tuple(line_of))

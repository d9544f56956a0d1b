"""A written script as words.

In go the lines that somebody wrote; out come their words, each knowing its line. Never looks at a recording.
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
        lines: As written; empty ones are left out.
        words: Of all lines; joining leads and texts of a line gives it back without outer space.
        line_of: For each word, the line it stands in.
    """

    lines: tuple[str, ...]
    words: tuple[DisplayWord, ...]
    line_of: tuple[int, ...]


def read(lines: Sequence[str], language: str | None) -> Script:
    """Return the script that these lines are; `language` is a code or None."""
    entry = languages.find(language) if language else None
    gap = " " if entry is None or entry.is_spaced else ""
    kept = tuple(text for text in (" ".join(line.split()) for line in lines) if text)
    words: list[DisplayWord] = []
    line_of: list[int] = []
    for number, line in enumerate(kept):
        mine = split(line, language)
        words += [replace(mine[0], lead=gap if number else ""), *mine[1:]]
        line_of += [number] * len(mine)
    return Script(kept, tuple(words), tuple(line_of))

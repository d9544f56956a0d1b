"""The text of captions as units, so that lines and breaks that exist can be judged as our own are.

In go captions as a file has them; out come units for the whole file, with what is known of the breaks
between them, and where each caption's lines begin. No character is changed: what is judged is what is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from qasr_cli import languages
from qasr_cli.records import Caption
from qasr_cli.subtitles import boundaries
from qasr_cli.subtitles.boundaries import Boundaries
from qasr_cli.subtitles.function_words import FUNCTION_WORDS
from qasr_cli.subtitles.limits import Limits
from qasr_cli.subtitles.presets import code_by_script
from qasr_cli.subtitles.units import NOT_AT_START, Unit
from qasr_cli.subtitles.width import Counting, clusters, half_cells

_WORD = re.compile(r"[^\s]+(?:[\u00a0\u2007\u202f][^\s]+)*")  # a no-break space keeps its two words one
_DASHES = "-‐‑–—"
_MIN_SHARE = 0.15  # of a text that its language's function words are; a third in English


def guess_language(texts: Sequence[str]) -> str | None:
    """Return the code of the language that a text is in, or None: by its script, then by its small words."""
    code = code_by_script(texts)
    if code != "en":
        return code
    words = [word.strip(".,!?¿¡:;\"'()-") for text in texts for word in text.lower().split()]
    best, best_share = None, _MIN_SHARE
    for name, known in FUNCTION_WORDS.items():
        small = known.leaning | known.prepositions | known.conjunctions
        share = sum(word in small for word in words) / max(len(words), 1)
        if share > best_share:
            best, best_share = name, share
    return best


def is_dialogue(lines: Sequence[str]) -> bool:
    """Say whether each line is another speaker's, which nobody may break elsewhere."""
    return len(lines) > 1 and lines[-1][0] in _DASHES


def joined(lines: Sequence[str]) -> str:
    """Return lines as one, with a space where the scripts on both sides write spaces."""
    text = ""
    for line in lines:
        text += languages.joint(text, line) + line
    return text


def width(lines: Sequence[str], limits: Limits) -> int:
    """Return the half cells of a caption's text on one line, which does not depend on its breaks."""
    return half_cells(joined(lines), limits.counting)


@dataclass(frozen=True)
class CaptionText:
    """The units of all captions.

    Attributes:
        units: In the order of the captions.
        lines: For each caption the first unit of each of its lines, and the unit after its last.
    """

    units: list[Unit]
    lines: list[tuple[int, ...]]
    language: str | None

    @cached_property
    def found(self) -> Boundaries:
        """What is known of the boundaries."""
        return boundaries.find(self.units, self.language)

    def edges(self, caption: int) -> tuple[int, int]:
        """Return `[first, last)` of a caption's units."""
        return self.lines[caption][0], self.lines[caption][-1]


def of_captions(captions: Sequence[Caption], language: str | None, limits: Limits) -> CaptionText:
    """Return the units of captions, which are in the order of time."""
    units: list[Unit] = []
    places: list[tuple[int, ...]] = []
    for caption in captions:
        starts = []
        for line in caption.lines:
            starts.append(len(units))
            units += _of_line(line, caption, limits, units[-1].text if units else "")
        places.append((*starts, len(units)))
    return CaptionText(units, places, language)


def _of_line(line: str, caption: Caption, limits: Limits, before: str) -> list[Unit]:
    found: list[Unit] = []
    for word in _WORD.finditer(line):
        parts = [word[0]] if limits.is_spaced or limits.counting is Counting.CLUSTER else _parts(word[0])
        for number, text in enumerate(parts):
            previous = found[-1].text if found else before
            space = " " if found and number == 0 else ""
            found.append(
                Unit(
                    "" if not previous else space or (languages.joint(previous, text) if not found else ""),
                    text,
                    caption.start_ms,
                    caption.end_ms,
                    half_cells(text, limits.counting),
                    is_glued=text[0] in NOT_AT_START and not any(char.isalnum() for char in text),
                )
            )
    return found


def _parts(word: str) -> list[str]:
    """Return the characters of a text without spaces, runs of Latin letters and digits whole."""
    parts: list[str] = []
    for cluster in clusters(word):
        is_run = parts and _is_narrow(parts[-1][-1]) and _is_narrow(cluster[0])
        if is_run:
            parts[-1] += cluster
        else:
            parts.append(cluster)
    return parts


def _is_narrow(char: str) -> bool:
    return char.isdigit() or languages.script(char) in {"LATIN", "CYRILLIC", "GREEK"}

"""How wide a line and how fast a text may be, by language.

In goes a language code (or, when the model named none, the text itself); out comes a `Preset`. The numbers
are those for subtitles in the language that is spoken (Netflix SDH, adult programmes); translated subtitles
are read more slowly, and those numbers are the soft targets here.

Sources: Netflix Timed Text Style Guides (English 217350977, Korean 216001127, Chinese 215986007, Japanese
215767517, Thai 220448308, Hindi 115003196707, Arabic 215517947); for the SDH columns Subtitle Edit's
`NetflixQualityController.cs`. Macedonian and Persian have no guide and get their script's numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.subtitles.width import Counting


@dataclass(frozen=True, slots=True)
class Preset:
    """Limits of one language.

    Attributes:
        max_line_cells: Widest line, in cells.
        hard_cps: Cells a second that are never exceeded without a flag.
        soft_cps: Cells a second that a cue is held on screen for, where there is time.
        counting: What a cell is.
        is_spaced: Words are written with spaces between them.
    """

    max_line_cells: int
    hard_cps: int
    soft_cps: int
    counting: Counting = Counting.CLUSTER
    is_spaced: bool = True


_LATIN = Preset(42, 20, 17)
_CHINESE = Preset(16, 11, 9, Counting.EAST_ASIAN, is_spaced=False)
_PRESETS = {
    "ar": Preset(42, 23, 20),
    "hi": Preset(42, 25, 22),
    "ja": Preset(16, 7, 4, Counting.EAST_ASIAN, is_spaced=False),
    "ko": Preset(16, 14, 12, Counting.KOREAN),
    "th": Preset(35, 20, 17, is_spaced=False),
    "yue": _CHINESE,
    "zh": _CHINESE,
}

# First and last code point of scripts whose numbers differ, and the language that lends its own.
_SCRIPTS = (
    (0x0600, 0x06FF, "ar"),
    (0x0900, 0x0DFF, "hi"),  # Devanagari to Sinhala
    (0x0E00, 0x0EFF, "th"),  # Thai and Lao
    (0x1000, 0x109F, "th"),  # Burmese
    (0x1780, 0x17FF, "th"),  # Khmer
    (0x3040, 0x30FF, "ja"),
    (0x3400, 0x9FFF, "zh"),
    (0xAC00, 0xD7A3, "ko"),
    (0x20000, 0x323AF, "zh"),
)


def preset(language: str | None, texts: Iterable[str] = ()) -> Preset:
    """Return the limits for a language code; for None or an unknown one, those of the script of `texts`."""
    known = languages.find(language) if language else None
    return _PRESETS.get(known.code if known else code_by_script(texts), _LATIN)


def code_by_script(texts: Iterable[str]) -> str:
    """Return the language whose limits fit the script that most letters are in ("en" for Latin and kin)."""
    counts = Counter(_script(ord(char)) for text in texts for char in text if char.isalpha())
    # Japanese is half Chinese characters and Chinese has no kana at all, so a fifth of kana decides.
    if counts["ja"] * 5 >= counts["zh"] + counts["ja"] > 0:
        counts["ja"] += counts.pop("zh", 0)
    return max(counts, key=lambda code: counts[code], default="en")


def _script(point: int) -> str:
    return next((code for first, last, code in _SCRIPTS if first <= point <= last), "en")

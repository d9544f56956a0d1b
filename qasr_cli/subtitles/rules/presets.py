"""Line width and reading speed by language.

In goes a language code (or, if the language is unknown, the text itself); out comes a `Preset`. The numbers
are Netflix's: reading speeds of adults for subtitles in the spoken language (SDH) and for translated ones,
which are read more slowly, and of children. `profiles` scale them.

Sources: Netflix Timed Text Style Guides (English 217350977, Korean 216001127, Chinese 215986007, Japanese
215767517, Thai 220448308, Hindi 115003196707, Arabic 215517947); for the SDH columns Subtitle Edit's
`NetflixQualityController.cs`. Macedonian and Persian have no guide and get their script's numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.subtitles.rules.width import Counting


@dataclass(frozen=True, slots=True)
class Preset:
    """Limits of one language.

    Attributes:
        line_cells: Maximum line width, in cells.
        spoken_cps: Reading speed of adults in subtitles of the spoken language, in cells a second.
        translated_cps: The same for translated subtitles.
        children_cps: The same for children.
        counting: How cells are counted.
        is_spaced: Words are written with spaces between them.
        min_duration_ms: Minimum cue duration if it is not the profile's.
    """

    line_cells: int
    spoken_cps: int
    translated_cps: int
    children_cps: int
    counting: Counting = Counting.CLUSTER
    is_spaced: bool = True
    min_duration_ms: int | None = None


_ALPHABETIC = Preset(42, 20, 17, 17)
_CHINESE = Preset(16, 11, 9, 9, Counting.EAST_ASIAN, is_spaced=False)
_PRESETS = {
    "ar": Preset(42, 23, 20, 20),
    "cs": _ALPHABETIC,
    "da": _ALPHABETIC,
    "de": _ALPHABETIC,
    "el": _ALPHABETIC,
    "en": _ALPHABETIC,
    "es": _ALPHABETIC,
    "fa": _ALPHABETIC,
    "fi": _ALPHABETIC,
    "fil": _ALPHABETIC,
    "fr": _ALPHABETIC,
    "hi": Preset(42, 25, 22, 20),
    "hu": _ALPHABETIC,
    "id": _ALPHABETIC,
    "it": _ALPHABETIC,
    # Speech has 7 to 9 morae a second: at the 4 cps of translated subtitles none of it could be verbatim.
    "ja": Preset(16, 7, 4, 7, Counting.EAST_ASIAN, is_spaced=False, min_duration_ms=500),
    "ko": Preset(16, 14, 12, 11, Counting.KOREAN),
    "mk": _ALPHABETIC,
    "ms": _ALPHABETIC,
    "nl": _ALPHABETIC,
    "pl": _ALPHABETIC,
    "pt": _ALPHABETIC,
    "ro": _ALPHABETIC,
    "ru": _ALPHABETIC,
    "sv": _ALPHABETIC,
    "th": Preset(35, 20, 17, 17, is_spaced=False),
    "tr": _ALPHABETIC,
    "vi": _ALPHABETIC,
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
    """Return the preset of a language code; for None or an unknown code, that of the script of `texts`."""
    entry = languages.find(language) if language else None
    return _PRESETS.get(entry.code if entry else code_by_script(texts), _ALPHABETIC)


def code_by_script(texts: Iterable[str]) -> str:
    """Return a language of the script that most letters are in ("en" for Latin and similar ones)."""
    counts = Counter(_script(ord(char)) for text in texts for char in text if char.isalpha())
    # Japanese is half Chinese characters and Chinese has no kana at all, so a fifth of kana decides.
    if counts["ja"] * 5 >= counts["zh"] + counts["ja"] > 0:
        counts["ja"] += counts.pop("zh", 0)
    return max(counts, key=lambda code: counts[code], default="en")


def _script(point: int) -> str:
    return next((code for first, last, code in _SCRIPTS if first <= point <= last), "en")

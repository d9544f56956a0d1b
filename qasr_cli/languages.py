"""The 30 languages of Qwen3-ASR and every spelling by which a user may name one.

In goes a code or name in any case; out comes a `Language`. Nothing here knows about models or subtitles
beyond what the checkpoints themselves fix: the English names that the model was trained to write.
"""

from __future__ import annotations

import difflib
import functools
import unicodedata
from dataclasses import dataclass

from qasr_cli.errors import UsageError

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: ISO 639-1 where it exists, else 639-3 (`yue`, `fil`); the code qasr writes.
        code3: ISO 639-2/T, which mp4 needs and media servers read.
        name: The English name, exactly as the models write it after `language `.
        is_aligned: Qwen3-ForcedAligner knows it (11 of 30; the others get estimated word times).
        is_spaced: Words are written with spaces between them.
        scripts: What it is written in, by the first word of its letters' Unicode names.
    """

    code: str
    code3: str
    name: str
    is_aligned: bool = False
    is_spaced: bool = True
    scripts: tuple[str, ...] = ("LATIN",)


_KANA = ("HIRAGANA", "KATAKANA")
# Names and aligner support: processing_qwen3_asr.py of transformers (LANGUAGE_CODE_TO_NAME,
# FORCED_ALIGNER_LANGUAGES); codes: ISO 639.
LANGUAGES: tuple[Language, ...] = (
    Language("ar", "ara", "Arabic", scripts=("ARABIC",)),
    Language("cs", "ces", "Czech"),
    Language("da", "dan", "Danish"),
    Language("de", "deu", "German", is_aligned=True),
    Language("el", "ell", "Greek", scripts=("GREEK",)),
    Language("en", "eng", "English", is_aligned=True),
    Language("es", "spa", "Spanish", is_aligned=True),
    Language("fa", "fas", "Persian", scripts=("ARABIC",)),
    Language("fi", "fin", "Finnish"),
    Language("fil", "fil", "Filipino"),
    Language("fr", "fra", "French", is_aligned=True),
    Language("hi", "hin", "Hindi", scripts=("DEVANAGARI",)),
    Language("hu", "hun", "Hungarian"),
    Language("id", "ind", "Indonesian"),
    Language("it", "ita", "Italian", is_aligned=True),
    Language("ja", "jpn", "Japanese", is_aligned=True, is_spaced=False, scripts=("CJK", *_KANA)),
    Language("ko", "kor", "Korean", is_aligned=True, scripts=("HANGUL",)),
    Language("mk", "mkd", "Macedonian", scripts=("CYRILLIC",)),
    Language("ms", "msa", "Malay"),
    Language("nl", "nld", "Dutch"),
    Language("pl", "pol", "Polish"),
    Language("pt", "por", "Portuguese", is_aligned=True),
    Language("ro", "ron", "Romanian"),
    Language("ru", "rus", "Russian", is_aligned=True, scripts=("CYRILLIC",)),
    Language("sv", "swe", "Swedish"),
    Language("th", "tha", "Thai", is_spaced=False, scripts=("THAI",)),
    Language("tr", "tur", "Turkish"),
    Language("vi", "vie", "Vietnamese"),
    Language("yue", "yue", "Cantonese", is_aligned=True, is_spaced=False, scripts=("CJK",)),
    Language("zh", "zho", "Chinese", is_aligned=True, is_spaced=False, scripts=("CJK",)),
)

# ISO 639-2/B codes, superseded codes, 639-3 codes of the individual languages meant, and other names.
_ALIASES = {
    "cze": "cs", "ger": "de", "gre": "el", "per": "fa", "pes": "fa", "farsi": "fa", "fre": "fr", "in": "id",
    "mac": "mk", "may": "ms", "zsm": "ms", "dut": "nl", "flemish": "nl", "rum": "ro", "moldovan": "ro",
    "chi": "zh", "cmn": "zh", "mandarin": "zh", "castilian": "es", "tl": "fil", "tgl": "fil",
    "tagalog": "fil", "arb": "ar", "cantonese chinese": "yue",
}  # fmt: skip
_BY_SPELLING = {
    spelling: language
    for language in LANGUAGES
    for spelling in (language.code, language.code3, language.name.lower())
}
_BY_SPELLING |= {alias: _BY_SPELLING[code] for alias, code in _ALIASES.items()}


# Of a letter's Unicode name, the first word where it is not the script's own.
_SCRIPT_OF = {"IDEOGRAPHIC": "CJK", "FULLWIDTH": "LATIN", "HALFWIDTH": "KATAKANA"}
_UNSPACED_SCRIPTS = {"CJK", *_KANA, "THAI"}


@functools.cache
def script(letter: str) -> str:
    """Return what a letter is written in (`LATIN`, `HANGUL`, `CJK`), or "" for what is no letter."""
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").replace("-", " ").partition(" ")[0]
    return _SCRIPT_OF.get(first, first)


def joint(before: str, after: str) -> str:
    """Return what belongs between two texts that were heard apart: a space if both scripts write spaces."""
    return "" if not (before and after) or _is_unspaced(before[-1]) or _is_unspaced(after[0]) else " "


@functools.cache
def _is_unspaced(char: str) -> bool:
    is_wide_mark = unicodedata.category(char)[0] == "P" and unicodedata.east_asian_width(char) in "WF"
    return is_wide_mark or script(char) in _UNSPACED_SCRIPTS


def find(spelling: str) -> Language | None:
    """Return the language that `spelling` names (ISO 639-1/-2/-3, BCP-47, English name), or None."""
    key = spelling.strip().lower()
    return _BY_SPELLING.get(key) or _BY_SPELLING.get(key.replace("_", "-").split("-")[0])


def parse(spelling: str) -> Language | None:
    """Return the language that a user asked for, or None for `auto`.

    Raises:
        UsageError: No such language; the nearest one is named.
    """
    if spelling.strip().lower() in {AUTO, "", "none"}:
        return None
    language = find(spelling)
    if language is not None:
        return language
    known = "known: " + " ".join(language.code for language in LANGUAGES)
    nearest = difflib.get_close_matches(spelling.strip().lower(), _BY_SPELLING, n=1, cutoff=0.5)
    if nearest:
        guess = _BY_SPELLING[nearest[0]]
        known = f"did you mean {guess.name} ({guess.code})? {known}"
    raise UsageError(f"no language {spelling!r} among those of Qwen3-ASR", known)

"""The legacy encoding of a text: a guess, from letter frequencies and the languages that it may be in.

In go bytes that are not Unicode, and codes of languages that the text may be in; out comes a decoded text, or
None. Never a text with characters that no text has: where no encoding fits well enough, None comes out.

chardet's models tell the encodings apart. `tests/bench/encodings.py` compares it with charset-normalizer,
uchardet and chardetng. It is given the encodings below and only lines with letters; what it names must decode
the whole file, without words of two scripts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SAMPLE_BYTES = 65_536  # enough for a guess; the whole file is then decoded once
WESTERN = "cp1252"  # nearly any bytes are valid in it: the last choice

_CENTRAL = ("cp1250", "iso8859_2", "iso8859_16")
_CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5")
_WESTERN = (WESTERN, "iso8859_15")
_TRADITIONAL, _SIMPLIFIED = ("cp950", "big5hkscs"), ("gb18030", "hz")
_BALTIC = ("cp1257", "iso8859_13")
_JAPANESE = ("cp932", "euc_jp", "iso2022_jp")
_OF_LANGUAGE: dict[str, tuple[str, ...]] = {
    "ko": ("cp949", "iso2022_kr"),
    "ja": _JAPANESE,
    "zh": (*_SIMPLIFIED, *_TRADITIONAL),
    "zh-hans": _SIMPLIFIED,
    "zh-hant": _TRADITIONAL,
    "yue": _TRADITIONAL,
    "el": ("cp1253", "iso8859_7"),
    "he": ("cp1255", "iso8859_8"),
    "th": ("cp874",),
    "tr": ("cp1254",),
    "az": ("cp1254", "cp1251"),
    "vi": ("cp1258",),
    "sr": ("cp1251", *_CENTRAL),
    "et": (*_BALTIC, *_WESTERN),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256", "iso8859_6")),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "kk"), _CYRILLIC),
    **dict.fromkeys(("cs", "sk", "pl", "hu", "ro", "hr", "sl", "bs", "sq"), _CENTRAL),
    **dict.fromkeys(("lt", "lv"), _BALTIC),
    **dict.fromkeys(
        ("ca", "da", "de", "en", "es", "eu", "fi", "fil", "fr", "gl", "id", "is", "it"), _WESTERN
    ),
    **dict.fromkeys(("ms", "nb", "nl", "nn", "no", "pt", "sv", "sw"), _WESTERN),
}
# Parts of names that say how Chinese is written, by what people use.
_SIMPLIFIED_NAMES = ("chs", "zhs", "sc", "gb", "zh-cn", "zh-sg", "zh-hans", "simplified", "简体", "简")
_TRADITIONAL_NAMES = (
    "cht",
    "zht",
    "tc",
    "big5",
    "zh-tw",
    "zh-hk",
    "zh-hant",
    "traditional",
    "繁體",
    "繁体",
    "繁",
)
_SCRIPTS_OF_CHINESE = {
    **dict.fromkeys(_SIMPLIFIED_NAMES, "zh-hans"),
    **dict.fromkeys(_TRADITIONAL_NAMES, "zh-hant"),
}
_LATIN = frozenset({*_WESTERN, *_CENTRAL, *_BALTIC, "cp1254", "cp1258"})

# chardet's name of each encoding it may choose, and Python's: the one of Windows, which has more characters,
# if both read the text alike.
_CHOICES: dict[str, tuple[str, ...]] = {
    "cp949": ("cp949",),
    "euc_kr": ("cp949",),
    "cp932": ("cp932",),
    "euc_jis_2004": ("euc_jp", "euc_jis_2004"),
    "gb18030": ("gb18030",),
    "big5hkscs": _TRADITIONAL,
    **{f"cp{number}": (f"cp{number}",) for number in (*range(1250, 1259), 866)},
    "cp874": ("cp874",),
    "tis-620": ("cp874", "tis_620"),
    "koi8-r": ("koi8_r",),
    "koi8-u": ("koi8_u",),
    "iso8859-1": (WESTERN,),
    "iso8859-2": ("iso8859_2",),
    "iso8859-5": ("iso8859_5",),
    "iso8859-6": ("iso8859_6",),
    "iso8859-7": ("cp1253", "iso8859_7"),
    "iso8859-8": ("cp1255", "iso8859_8"),
    "iso8859-9": ("cp1254",),
    "iso8859-13": ("cp1257", "iso8859_13"),
    "iso8859-15": (WESTERN, "iso8859_15"),
    "iso8859-16": ("iso8859_16",),
}
# Encodings that are the same but for a few letters, which are signs in the one of Windows.
_TWINS = {"cp1253": "iso8859_7", WESTERN: "iso8859_15"}
_MULTIBYTE = ("cp949", "cp932", "euc_jp", "gb18030", "cp950")
# The only ones of their language, or the same letters as the others
_OF_ONE_LANGUAGE = (*_MULTIBYTE, "cp874", "cp1253", "cp1255")
_MAY_MIX = _LATIN.union(_MULTIBYTE, ("big5hkscs", "euc_jis_2004"))
# A file of three cues in its own encoding has 0.12 or more; random bytes have 0.02.
_SURE, _POSSIBLE = 0.12, 0.06
_KNOWN_SHARE = 0.5  # of the best confidence that suffices for an encoding of a known language
_WESTERN_SHARE = 0.6  # the same for a text with few accents, which is most likely a Western one
_MAX_MIXED = 0.2  # of the words beyond ASCII: words of Latin and other letters come of a wrong encoding
_WORD = re.compile(r"[^\W\d_]+")
_WITH_LETTERS = re.compile(rb"[A-Za-z\x80-\xff]")
_TAG = re.compile(rb"<[^<>]*>")
# Marks of 7-bit encodings: the escape to their characters, and HZ's bracket.
_ESCAPES = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp"), (b"~{", "hz"))
_MAX_BROKEN = 0.02  # of the characters beyond ASCII: a damaged file, rather than another encoding


@dataclass(frozen=True, slots=True)
class LegacyText:
    """A decoded text; `n_broken` places were invalid in its encoding and became U+FFFD."""

    text: str
    encoding: str
    n_broken: int = 0


@dataclass(frozen=True, slots=True)
class _Guess:
    encoding: str
    confidence: float


def hints(spelling: str) -> str | None:
    """Return the language, or the script of Chinese, that a part of a name stands for, or None."""
    from qasr_cli import languages

    key = spelling.strip().lower().replace("_", "-")
    if key in _SCRIPTS_OF_CHINESE:
        return _SCRIPTS_OF_CHINESE[key]
    language = languages.find_in_name(key)
    return language.code if language else None


def is_likely(encoding: str, language: str | None) -> bool:
    """Whether texts of a language are written in an encoding; only Latin ones need the language for it."""
    return encoding not in _LATIN or encoding in _OF_LANGUAGE.get(language or "", ())


def readings(text: str, encoding: str) -> list[str]:
    """Return a text that was guessed to be in `encoding`, decoded in each encoding that it may be in."""
    if encoding not in _LATIN:
        return [text]
    raw = text.encode(encoding, "replace")
    others = (other for other in (WESTERN, "cp1250", "cp1254") if other != encoding)
    return [text, *(raw.decode(other, "replace") for other in others)]


def of_seven_bits(raw: bytes) -> LegacyText | None:
    """Decode a text in ISO-2022 or HZ, whose bytes are all ASCII; None for any other text."""
    for mark, encoding in _ESCAPES:
        if mark in raw[:SAMPLE_BYTES] and raw.isascii():
            text = _decoded(raw, encoding)
            if text is not None and not text.isascii() and "\x1b" not in text:
                return LegacyText(text, encoding)
    return None


def decode(raw: bytes, known: Sequence[str]) -> LegacyText | None:
    """Decode a text in the encoding that fits best.

    Args:
        raw: The whole file.
        known: Languages (see `hints`) that it may be in, the likeliest first; empty if nothing is known.
    """
    found = _likeliest(raw, known)
    twin = _TWINS.get(found.encoding) if found else None
    other = _decoded(raw, twin) if twin else None
    if found is None or twin is None or other is None or not _has_signs_for_letters(found.text, other):
        return found
    return LegacyText(other, twin)


def _likeliest(raw: bytes, known: Sequence[str]) -> LegacyText | None:
    sample = _sample(raw)
    guesses = list(_guesses(raw, sample))
    best = max(guesses, key=lambda guess: guess.confidence, default=None)
    for language in known:
        own = [guess for guess in guesses if guess.encoding in _OF_LANGUAGE.get(language, ())]
        if best and own and own[0].confidence >= _KNOWN_SHARE * best.confidence:
            best = _Guess(own[0].encoding, max(own[0].confidence, _SURE))
            break
    if best is None or best.confidence < _SURE:
        western = max((guess.confidence for guess in guesses if guess.encoding in _WESTERN), default=0.0)
        is_western = (
            best is None or best.confidence < _POSSIBLE or western >= _WESTERN_SHARE * best.confidence
        )
        found = _damaged(raw) or (_sparse(raw) if is_western else None) or _as_known(raw, known)
        if found or best is None or best.confidence < _POSSIBLE:
            return found
    text = _decoded(raw, best.encoding)
    return None if text is None else LegacyText(text, best.encoding)


def _sample(raw: bytes) -> bytes:
    """Return lines with letters, without tags: numbers and names of tags would dilute their frequencies.

    chardet would also take the encoding that a tag names, which is often wrong.
    """
    lines: list[bytes] = []
    size = 0
    for line in raw[: 8 * SAMPLE_BYTES].replace(b"\r", b"\n").split(b"\n"):
        text = _TAG.sub(b" ", line)
        if _WITH_LETTERS.search(text):
            lines.append(text[:SAMPLE_BYTES])
            size += len(text)
        if size > SAMPLE_BYTES:
            break
    return b"\n".join(lines)


def _guesses(raw: bytes, sample: bytes) -> Iterator[_Guess]:
    """Yield the encodings that decode the whole text, the likeliest first."""
    import chardet

    if not sample:
        return
    seen: set[str] = set()
    best = 0.0
    results = chardet.detect_all(
        sample,
        ignore_threshold=True,
        include_encodings=_CHOICES,
        no_match_encoding=WESTERN,
        empty_input_encoding=WESTERN,
    )
    for result in results:
        if result["confidence"] < _KNOWN_SHARE * best:
            return  # no rule takes it; decoding a whole file costs time
        name = (result["encoding"] or "").lower().replace("windows-", "cp").replace("ibm", "cp")
        name = name.replace("iso-8859", "iso8859")
        name = _CHARDET_NAMES.get(name, name)
        for encoding in _CHOICES.get(name, ()):
            if encoding in seen:
                break
            text = _decoded(raw, encoding)
            if text is not None and (encoding in _MAY_MIX or not _is_mixed(text)):
                seen.add(encoding)
                best = max(best, result["confidence"])
                yield _Guess(encoding, result["confidence"])
                break


# Its names in other versions and for plainer texts
_CHARDET_NAMES = {
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "euc-kr": "cp949", "euc-jp": "euc_jis_2004",
    "euc-jis-2004": "euc_jis_2004", "shift_jis": "cp932", "shift-jis": "cp932", "gb2312": "gb18030",
    "tis_620": "tis-620", "koi8_u": "koi8-u",
}  # fmt: skip


def _decoded(raw: bytes, encoding: str) -> str | None:
    """Return a text that is valid in an encoding, or None; C1 control characters are in no text."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    if any("\x80" <= char <= "\x9f" for char in set(text)):
        return None
    # Vietnamese keyboards of that time type letter and tone apart.
    return unicodedata.normalize("NFC", text) if encoding == "cp1258" else text


def _damaged(raw: bytes) -> LegacyText | None:
    """Decode a text with some invalid places: a byte lost, or the file cut inside a character."""
    for encoding in _MULTIBYTE:
        text = raw.decode(encoding, "replace")
        n_broken = text.count("\ufffd")
        n_beyond = sum(char > "\x7f" for char in text)
        if not 0 < n_broken <= max(1, _MAX_BROKEN * n_beyond):
            continue
        whole = text.replace("\ufffd", "").encode(encoding, "ignore")
        best = max(_guesses(whole, _sample(whole)), key=lambda guess: guess.confidence, default=None)
        if best is not None and best.encoding == encoding and best.confidence >= _SURE:
            return LegacyText(text, encoding, n_broken)
    return None


def _as_known(raw: bytes, known: Sequence[str]) -> LegacyText | None:
    """Decode a text with too few letters to count, if they are all of a known language's script."""
    for language in known:
        fitting = [
            LegacyText(text, encoding)
            for encoding in _OF_LANGUAGE.get(language, ())
            if encoding in _OF_ONE_LANGUAGE
            and (text := _decoded(raw, encoding)) is not None
            and _is_in_script(text, language, is_paired=encoding in _MULTIBYTE)
        ]
        if language == "zh" and len(fitting) > 1 and _decoded(raw, "gb2312") is None:
            fitting = fitting[1:]  # its bytes are in the part of GB18030 that texts hardly use, and Big5 does
        if fitting:
            # Pairs of bytes in EUC are single ones, half-width letters, in Shift-JIS.
            return min(fitting, key=lambda one: len(one.text))
    return None


def _is_in_script(text: str, language: str, *, is_paired: bool) -> bool:
    """Whether all letters beyond ASCII are a language's; a valid pair of bytes tells one without letters."""
    from qasr_cli import languages

    named = languages.find(language)
    letters = {char for char in text if char > "\x7f" and char.isalpha()}
    scripts = {languages.script(char) for char in letters}
    return named is not None and scripts.issubset(named.scripts) and (is_paired or bool(scripts))


def _has_signs_for_letters(text: str, other: str) -> bool:
    """Whether signs stand at letters where the same bytes are letters in `other`: `c½ur` for `cœur`."""
    if len(text) != len(other):
        return False
    n_signs = n_letters = 0
    for place, (char, twin) in enumerate(zip(text, other, strict=True)):
        if char == twin or not any(map(str.isalpha, text[max(place - 1, 0) : place + 2].replace(char, ""))):
            continue
        is_sign = unicodedata.category(char) in {"No", "Po", "So"}
        n_signs += is_sign and twin.isalpha()
        n_letters += char.isalpha() and not twin.isalpha()
    return n_signs > n_letters


# Marks that Western programs write beyond ASCII; in other languages such bytes come among letters.
_TYPOGRAPHIC = frozenset("“”‘’‚„–—…•€£©®™°·«»¿¡§½¼¾´×\xa0")


def _sparse(raw: bytes) -> LegacyText | None:
    """Decode a nearly English text: a few accents, typographic quotes; too little to count letters."""
    text = _decoded(raw, WESTERN)
    if text is None:
        return None
    letters = sum(char.isalpha() for char in text[:SAMPLE_BYTES])
    beyond = [place for place, char in enumerate(text[:SAMPLE_BYTES]) if char > "\x7f"]
    accented = [place for place in beyond if text[place] not in _TYPOGRAPHIC]
    is_plain = all(text[place].isalpha() for place in accented) and all(
        len(word) == 1 or 2 * sum(map(str.isascii, word)) >= len(word)
        for word in _WORD.findall(text[:SAMPLE_BYTES])
    )
    return LegacyText(text, WESTERN) if is_plain and 2 * len(accented) <= letters else None


def _is_mixed(text: str) -> bool:
    """Whether many words have both Latin letters and those of another script."""
    words = [word for word in _WORD.findall(text[:SAMPLE_BYTES]) if not word.isascii()]
    mixed = sum(any(map(str.isascii, word)) for word in words)
    return mixed > _MAX_MIXED * len(words)

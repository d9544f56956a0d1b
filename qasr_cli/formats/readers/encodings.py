"""Decoding: bytes to text, with the encoding and whether it is certain.

In go bytes; out comes text with the name of its encoding. UTF-8 and byte order marks are certain. Everything
else is a guess from the resulting text, and is marked as one; without a good guess it is an error whose hint
names `--encoding`.

charset-normalizer 3.5 reads short French as CP1250 (`merci ŕ tous`) and Russian as a Macintosh encoding, both
with full confidence; subtitle files need the few encodings below and an error otherwise.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from qasr_cli.errors import UndecodableError, UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its prefix
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_BYTES = 65_536  # enough for a guess; the whole file is then decoded once
_LEAD = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")  # a character of UTF-8 beyond ASCII
_WESTERN = "cp1252"  # nearly any bytes are valid in it: the last choice
# Codes of the languages that are written in it. Other Latin languages use the encodings below, and read as
# CP1252 they are words with a few wrong letters.
_WESTERN_LANGUAGES = frozenset(
    {"da", "de", "en", "es", "fi", "fil", "fr", "id", "it", "ms", "nl", "pt", "sv"}
)
_LIKE_WESTERN = ("cp1250", "cp1254")
_HINT = "name it with --encoding (cp949, shift_jis, gb18030, cp1251, ...), or save the file as UTF-8"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded text.

    Attributes:
        encoding: Python's name of its encoding.
        is_guess: The encoding is a guess.
        n_broken: Number of places that are invalid in the encoding and became U+FFFD.
    """

    text: str
    encoding: str
    is_guess: bool = False
    n_broken: int = 0


def decode(raw: bytes, encoding: str = "") -> Decoded:
    """Return the text of a file, its byte order mark left out.

    Args:
        raw: The whole file.
        encoding: The user's choice, or "" to detect it.

    Raises:
        UsageError: The encoding is unknown.
        UndecodableError: The bytes are invalid in that encoding, or no encoding fits.
    """
    if encoding:
        return _as_chosen(raw, encoding)
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _broken(raw[len(mark) :], name)
    if b"\x00" in raw[:_SAMPLE_BYTES] and (wide := _unmarked_wide(raw)):
        return wide
    try:
        return Decoded(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _legacy(raw)


def is_likely(encoding: str, language: str | None) -> bool:
    """Whether a guess is reliable for a text in a language (a code; None if unknown)."""
    return encoding != _WESTERN or language in _WESTERN_LANGUAGES


def readings(text: str, encoding: str) -> list[str]:
    """Return a text that was guessed to be in `encoding`, decoded in each encoding that it may be in."""
    if encoding != _WESTERN:
        return [text]
    raw = text.encode(_WESTERN, "replace")
    return [text, *(raw.decode(other, "replace") for other in _LIKE_WESTERN)]


def _as_chosen(raw: bytes, encoding: str) -> Decoded:
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
        text.encode()  # an encoding of escapes can produce half of a character, which cannot be written
        return Decoded(text, codecs.lookup(encoding).name)
    except LookupError as error:
        raise UsageError(f"--encoding {encoding}: no such encoding", "use utf-8, cp949, ...") from error
    except (UnicodeError, ValueError) as error:
        raise UndecodableError(f"not a text in {encoding}", "omit --encoding, or name another") from error


def _broken(raw: bytes, encoding: str) -> Decoded:
    text = raw.decode(encoding, "replace")
    # U+FFFD in the file itself was lost earlier and is counted, too.
    return Decoded(text, encoding, n_broken=text.count("\ufffd"))


def _unmarked_wide(raw: bytes) -> Decoded | None:
    """Decode UTF-16 without a mark, by its zero bytes: the upper halves of ASCII are all zeros.

    None is a text with some zero bytes in it, which a full disk may leave.

    Raises:
        UndecodableError: It is not text.
    """
    sample = raw[:_SAMPLE_BYTES]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) > 4 * min(even, odd) and max(even, odd) * 8 > len(sample):
        decoded = _broken(raw, "utf-16-be" if even > odd else "utf-16-le")
        return replace(decoded, is_guess=True)
    if 8 * (even + odd) < len(sample) and _is_utf8(raw):
        return None
    raise UndecodableError("not a text file", "give SRT, WebVTT, ASS or JSON")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _legacy(raw: bytes) -> Decoded:
    high = sum(byte >= 0x80 for byte in raw)
    if 2 * sum(len(char) for char in _LEAD.findall(raw)) > high and _is_mostly_utf8(raw):
        return _broken(raw, "utf-8")
    for encoding, is_like in _GUESSES:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if is_like(text):
            return Decoded(text, encoding, is_guess=True)
    raise UndecodableError("neither UTF-8 nor an encoding that can be detected", _HINT)


def _is_mostly_utf8(raw: bytes) -> bool:
    """Whether nearly all of the text is valid UTF-8: some lines came from another file."""
    text = raw[: 4 * _SAMPLE_BYTES].decode("utf-8", "replace")
    beyond = [char for char in text if ord(char) > 0x7F]
    return beyond.count("\ufffd") * 3 < len(beyond)


def _share(text: str, matches: Callable[[str], bool], of: Callable[[str], bool]) -> float:
    applicable = [char for char in text[:_SAMPLE_BYTES] if of(char)]
    return sum(map(matches, applicable)) / max(len(applicable), 1)


def _is_beyond_ascii(char: str) -> bool:
    return ord(char) > 0x7F


def _first_byte(char: str, encoding: str) -> int | None:
    try:
        raw = char.encode(encoding)
    except UnicodeEncodeError:
        return None
    return raw[0] if len(raw) == 2 else None  # Python spells a syllable outside KS X 1001 in eight bytes


def _is_korean(text: str) -> bool:
    # Korean is written in Hangul alone, and nearly all in the 2,350 syllables of KS X 1001. Chinese read as
    # CP949 is half Chinese characters, and Japanese is rare syllables.
    def is_common(char: str) -> bool:
        return "가" <= char <= "힣" and _first_byte(char, "euc_kr") is not None

    return _share(text, is_common, _is_beyond_ascii) > 0.85


def _is_japanese(text: str) -> bool:
    return _share(
        text, lambda char: "ぁ" <= char <= "ヿ" or "一" <= char <= "鿿", _is_beyond_ascii
    ) > 0.8 and (_share(text, lambda char: "ぁ" <= char <= "ヿ", _is_beyond_ascii) > 0.25)


def _is_chinese(text: str) -> bool:
    def is_common(char: str) -> bool:
        # The first level of GB 2312 holds the characters of daily use; other texts seldom stay inside it.
        return 0xB0 <= (_first_byte(char, "gb2312") or 0) <= 0xD7

    return _share(text, is_common, lambda char: "一" <= char <= "鿿") > 0.9 and (
        _share(text, lambda char: "一" <= char <= "鿿", _is_beyond_ascii) > 0.6
    )


def _is_western(text: str) -> bool:
    # Western languages are ASCII with some accents; if most letters are beyond ASCII the bytes are
    # Cyrillic, Greek, Arabic ..., and wrong in CP1252.
    return _share(text, _is_beyond_ascii, str.isalpha) < 0.4


_GUESSES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("cp949", _is_korean),
    ("cp932", _is_japanese),
    ("gb18030", _is_chinese),
    (_WESTERN, _is_western),
)

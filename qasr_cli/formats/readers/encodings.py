"""Decoding: bytes to text, with the encoding and whether it is certain.

In go bytes, the user's choice and what is known of the language; out comes text with its encoding's name.
UTF-8 and byte order marks are certain. Everything else is a guess from the text, and is marked as one;
without a good guess it is an error whose hint names `--encoding`, never a text of wrong letters.
"""

from __future__ import annotations

import codecs
import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from encodings.aliases import aliases
from pathlib import PurePath

from qasr_cli.errors import UndecodableError, UsageError
from qasr_cli.formats.readers import legacy_encodings
from qasr_cli.formats.readers.legacy_encodings import SAMPLE_BYTES, is_likely, readings

__all__ = ["Decoded", "decode", "is_likely", "is_unicode", "languages_of", "readings", "require_known"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its prefix
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LEAD = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")  # a character of UTF-8 beyond ASCII
_WORD_END = re.compile(r"[\s_()\[\]&+-]+")
_CONTROLS = "\t\n\r\x0b\x0c\x1b\u200b\u200c\u200d\u200e\u200f\ufeff"  # of category C, and in texts
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

    @property
    def loss(self) -> str:
        """What is lost, for people; "" if nothing is."""
        noun = "character is" if self.n_broken == 1 else "characters are"
        return f"{self.n_broken} {noun} not {self.encoding.upper()}" if self.n_broken else ""


def require_known(encoding: str) -> None:
    """Refuse the name of an encoding that does not exist, or that is no encoding of text; "" is detection.

    Raises:
        UsageError: The hint has the nearest names.
    """
    if not encoding or _is_encoding(encoding):
        return
    known = {name.replace("_", "-") for name in (*aliases, *aliases.values()) if _is_encoding(name)}
    near = difflib.get_close_matches(encoding.lower().replace("_", "-"), sorted(known), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "use utf-8, cp949, ..."
    raise UsageError(f"--encoding {encoding}: no such encoding", hint, flag="--encoding")


def _is_encoding(name: str) -> bool:
    """Whether Python has an encoding of text of this name."""
    try:
        return "\x00" not in name and bool("a".encode(name))
    except (LookupError, UnicodeError, ValueError):  # unknown, or of bytes: base64, rot13
        return False


def is_unicode(raw: bytes) -> bool:
    """Whether a text is UTF-8, UTF-16 or UTF-32 beyond doubt."""
    return _is_utf8(raw) or any(raw.startswith(mark) for mark, _ in _MARKS) or b"\x00" in raw[:SAMPLE_BYTES]


def languages_of(name: str, language: str | None = None) -> tuple[str, ...]:
    """Return what is known of a text's language: the user's choice, then the parts of the file's name.

    The parts stand between dots, as in `film.ko.srt`, `film.chs.srt`, or last after another mark, as in
    `film_rus.srt` and `2_Korean.srt`.
    """
    first, *parts = PurePath(name).name.split(".")
    words = [word for part in reversed(parts) for word in (part, *_WORD_END.split(part))]
    words += reversed(_WORD_END.split(first)[1:][-2:])
    found = [legacy_encodings.hints(word) for word in words if 2 <= len(word) <= 12]
    named = [hint for hint in found if hint]
    if language in {None, "zh"}:
        return tuple(dict.fromkeys([*named, *([language] if language else [])]))
    return tuple(dict.fromkeys([str(language), *named]))


def decode(raw: bytes, encoding: str = "", known: Sequence[str] = (), *, declared: str = "") -> Decoded:
    """Return the text of a file, its byte order mark left out.

    Args:
        raw: The whole file.
        encoding: The user's choice, or "" to detect it.
        known: What is known of the language, see `languages_of`.
        declared: The encoding that the text itself names, which may be wrong; UTF-8 is seen without it.

    Raises:
        UsageError: The encoding is unknown.
        UndecodableError: The bytes are invalid in that encoding, or no encoding fits.
    """
    if encoding:
        return _as_chosen(raw, encoding)
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _broken(raw[len(mark) :], name)
    if b"\x00" in raw[:SAMPLE_BYTES] and (wide := _unmarked_wide(raw)):
        return wide
    if escaped := legacy_encodings.of_seven_bits(raw):
        return Decoded(escaped.text, escaped.encoding, is_guess=True)
    try:
        return Decoded(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _declared(raw, declared) or _legacy(raw, known)


# What pages name, and what Windows writes under that name. Encodings of one byte fit any text, so that a
# wrong name would not show.
_DECLARABLE = {
    **dict.fromkeys(("euc_kr", "cp949"), "cp949"),
    **dict.fromkeys(("shift_jis", "cp932"), "cp932"),
    **dict.fromkeys(("gb2312", "gbk", "gb18030"), "gb18030"),
    **dict.fromkeys(("big5", "cp950"), "cp950"),
    **{name: name for name in ("big5hkscs", "euc_jp")},
}


def _declared(raw: bytes, declared: str) -> Decoded | None:
    """Decode in the encoding that the text names, if it is one that would not fit a text in another."""
    try:
        encoding = _DECLARABLE.get(codecs.lookup(declared).name, "")
        text = raw.decode(encoding) if encoding else ""
    except (LookupError, UnicodeError, ValueError):
        return None
    return Decoded(text, encoding) if text and _is_text(text[:SAMPLE_BYTES]) else None


def _as_chosen(raw: bytes, encoding: str) -> Decoded:
    require_known(encoding)
    try:
        text = raw.decode(encoding).removeprefix("\ufeff")
        text.encode()  # an encoding of escapes can produce half of a character, which cannot be written
        return Decoded(text, codecs.lookup(encoding).name)
    except (UnicodeError, ValueError) as error:
        raise UndecodableError(f"not a text in {encoding}", "omit --encoding, or name another") from error


def _broken(raw: bytes, encoding: str) -> Decoded:
    text = raw.decode(encoding, "replace")
    # U+FFFD in the file itself was lost earlier and is counted, too.
    return Decoded(text, encoding, n_broken=text.count("\ufffd"))


def _unmarked_wide(raw: bytes) -> Decoded | None:
    """Decode UTF-16 or UTF-32 without a mark, by the zero bytes of its spaces, digits and line ends.

    None is a text with some zero bytes in it, which a full disk may leave.

    Raises:
        UndecodableError: It is not text.
    """
    sample = raw[:SAMPLE_BYTES]
    if (
        8 * sample.rstrip(b"\x00").count(0) < len(sample)
        and _is_utf8(raw)
        and _is_text(sample.decode("utf-8", "ignore"))
    ):
        return None
    # The upper halves of a text's characters have few values: zero, or those of its script.
    wide = "utf-16-be" if len(set(sample[0::2])) < len(set(sample[1::2])) else "utf-16-le"
    for name in ("utf-32-le", "utf-32-be", wide):
        text = _prefix(sample, name)
        if text is not None and _is_text(text):
            decoded = _broken(raw, name)
            return replace(decoded, is_guess=True)
    raise UndecodableError("not a text file", "give subtitles or a transcript as text")


def _prefix(sample: bytes, encoding: str) -> str | None:
    """Return a sample in an encoding, without a character that it cuts; None if it is not valid."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None


def _is_text(sample: str) -> bool:
    """Whether nearly all characters are ones that texts have; zero bytes do not count."""
    seen = sample.replace("\x00", "")
    strange = sum(unicodedata.category(char)[0] == "C" and char not in _CONTROLS for char in seen)
    return bool(seen) and 50 * strange <= len(seen)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _legacy(raw: bytes, known: Sequence[str]) -> Decoded:
    high = sum(byte >= 0x80 for byte in raw[: 4 * SAMPLE_BYTES])
    if 2 * sum(map(len, _LEAD.findall(raw[: 4 * SAMPLE_BYTES]))) > high and _is_mostly_utf8(raw):
        return _broken(raw, "utf-8")
    found = legacy_encodings.decode(raw, known)
    if found is None:
        raise UndecodableError("neither UTF-8 nor an encoding that can be detected", _HINT)
    return Decoded(found.text, found.encoding, is_guess=True, n_broken=found.n_broken)


def _is_mostly_utf8(raw: bytes) -> bool:
    """Whether nearly all of the text is valid UTF-8: some lines came from another file."""
    text = raw[: 4 * SAMPLE_BYTES].decode("utf-8", "replace")
    beyond = [char for char in text if ord(char) > 0x7F]
    return beyond.count("\ufffd") * 3 < len(beyond)

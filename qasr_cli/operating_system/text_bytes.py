"""Texts as Windows programs write them: UTF-16, and byte order marks.

In go bytes; out come texts. Notepad and PowerShell write UTF-16 or a mark where other systems write UTF-8
without one. Never guesses an encoding of 8 bits.
"""

from __future__ import annotations

import codecs

# UTF-32's first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FEWEST = 5  # characters of a text of one line without a mark: `a\0b\0` may also be two names
_MOSTLY = 1 / 3  # share of zero bytes from which on a text of one line is UTF-16: half of ASCII's are


def wide_text(data: bytes, *, needs_mark: bool = False) -> str | None:
    """Return the text if it is UTF-16 or UTF-32, by its mark or obviously; None for any other encoding.

    Without a mark, zero bytes must make up line ends or a good part of all bytes, and no other character may
    be odd: `find -print0` writes zero bytes, too. With `needs_mark` a text without one is of another kind.

    Raises:
        UnicodeDecodeError: There is a mark, and the rest is not of this encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.removeprefix(mark).decode(encoding)
    if needs_mark or b"\0" not in data or len(data) % 2:
        return None
    return _obvious(data)


def _obvious(data: bytes) -> str | None:
    # ASCII's zero bytes come second in little-endian pairs.
    encoding = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    if not text.replace("\r", "").replace("\n", "").replace("\t", "").isprintable():
        return None
    is_line = len(text) >= _FEWEST and data.count(0) > _MOSTLY * len(data)
    return text if is_line or "\n" in text else None


def decoded(data: bytes) -> str:
    r"""Return a text in UTF-8, with or without a mark, or as `wide_text`; every line ends with `\n`.

    Raises:
        UnicodeDecodeError: It is none of these.
    """
    text = wide_text(data)
    text = data.decode("utf-8-sig") if text is None else text
    return text.replace("\r\n", "\n").replace("\r", "\n")

"""Foreign text for terminals and logs: file names, metadata, captions, messages of servers and of ffmpeg.

In goes any text; out comes text whose control and direction characters are visible escapes. A terminal obeys
control characters (C0, DEL, and C1 such as U+009B, which is ESC [ in one character). Direction characters
(U+202E) and line separators show text in another order or place than it has. Joiners, variation selectors and
wide blanks stay: names in Persian, Hindi and Japanese, and many emoji, need them.
"""

from __future__ import annotations

import re

_JOINERS = "\u200c\u200d"
_BLANKS = "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SHOWN = frozenset(_JOINERS + _BLANKS)  # although `isprintable` denies it
# Marks and embeddings of direction, isolates, line and paragraph separators, byte order mark, annotations.
_DIRECTIONS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
_SURROGATES = "\ud800-\udfff"  # bytes of a name that are not UTF-8; a terminal would get the bytes
_INVISIBLE = f"\x7f-\x9f{_DIRECTIONS}{_SURROGATES}"
_IN_DATA = re.compile(f"[\\x00-\\x08\\x0b-\\x0c\\x0e-\\x1f{_INVISIBLE}]|\\r(?!\\n)")
_IN_JSON = re.compile(f"[{_INVISIBLE}]")
# Colours and movements of the cursor, as progress bars write them; no titles, links, clipboards or queries.
_STYLE = r"\x1b\[(?:[0-9;]{0,16}[A-GJKm]|\?25[hl])"
_IN_STYLED = re.compile(f"({_STYLE})|[\\x00-\\x08\\x0b-\\x0c\\x0e-\\x1f{_INVISIBLE}]")


def printable(text: object) -> str:
    """Return `str(text)` as one line that is safe to print and to log.

    Control and direction characters (a name may hold a newline or a terminal escape) and bytes that are not
    UTF-8 become visible escapes.
    """
    whole = str(text)
    if whole.isprintable():
        return whole
    clean = whole.encode("utf-8", "backslashreplace").decode()
    return "".join(
        char if char.isprintable() or char in _SHOWN else char.encode("unicode_escape").decode()
        for char in clean
    )


def for_terminal(data: str) -> str:
    r"""Return results of several lines for a terminal; `\uXXXX` keeps JSON what it is."""
    return _IN_DATA.sub(_escape, data)


def for_json(line: str) -> str:
    """Return a line of JSON that shows the same text and is safe on a terminal."""
    return _IN_JSON.sub(_escape, line)


def styled(text: str) -> str:
    """Return text for a terminal that keeps qasr's own colours and movements of the cursor."""
    return _IN_STYLED.sub(lambda match: match[0] if match[1] else _escape(match), text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"

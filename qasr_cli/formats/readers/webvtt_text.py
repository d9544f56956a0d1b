"""The text of a WebVTT cue: what browsers show of it, and what they hide.

In goes the text with its line ends; out come its tokens. As in the standard (W3C WebVTT: "WebVTT cue text
tokenizer"), `<` begins a tag that goes on to the next `>`, also over line ends, and `&` may begin one of
HTML's character references, some of which need no semicolon. One thing is more lenient: words behind a `<`
that is never closed are text, and not the rest of a tag; that is a fault, see `hidden_words`.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator

from qasr_cli.timebase import MS_PER_S

_TOKEN = re.compile(
    r"(?P<mark><[^>]*+>)"
    r"|(?P<entity>&(?:\#[0-9]++;?|\#[xX][0-9a-fA-F]++;?|[a-zA-Z][a-zA-Z0-9]{0,31}+;?))"
    r"|(?P<seen>.)",
    re.DOTALL,
)
# Behind the last `>` no tag can end: looking for its end again and again would take quadratic time.
_TAIL = re.compile(_TOKEN.pattern.partition("|")[2], re.DOTALL)
_NAME = r"</?(?:[biucv]|lang|ruby|rt)?(?:\.[^\s>]*+)?"
_NAMED_TAG = re.compile(_NAME)
# Cut off at the text's end, rather than meant as words: a tag, the end of any tag, a time, or no word.
_OPEN_TAG = re.compile(
    rf"{_NAME}|{_NAME.replace(')?', ')', 1)}\s[^>]*+|</[A-Za-z][^\s>]*+|<[0-9]*+:[0-9:.]*+|<[^\w\s>]*+"
)
_STAMP = re.compile(r"<(?:([0-9]{2,6}):)?([0-9]{2}):([0-9]{2})\.([0-9]{3})>")
_VOICE = re.compile(r"<v(?:\.[^\s>]*+)?\s++([^>]*+)>|</v\s*+>")
_REPLACEMENT = "\ufffd"
# Windows' characters, which HTML takes these numbers for.
_OF_NUMBER = {n: bytes([n]).decode("cp1252", "replace") for n in range(0x80, 0xA0)}
_MAX_DIGITS = 9


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield each token as written with the visible character: "" for styling.

    A reference to two characters is two tokens, of which the second is written as nothing.
    """
    last = text.rfind(">") + 1
    yield from _tokens(_TOKEN.finditer(text, 0, last))
    hidden_at = text.find("<", last)
    if hidden_at >= 0 and _OPEN_TAG.fullmatch(text, hidden_at):
        yield from _tokens(_TAIL.finditer(text, last, hidden_at))
        yield text[hidden_at:], ""
    else:
        yield from _tokens(_TAIL.finditer(text, last))


def _tokens(matches: Iterator[re.Match[str]]) -> Iterator[tuple[str, str]]:
    for match in matches:
        if match.lastgroup == "mark":
            yield match[0], ""
        elif match.lastgroup == "entity":
            yield from _of_entity(match[0])
        else:
            yield match[0], match[0]


def _of_entity(written: str) -> Iterator[tuple[str, str]]:
    name, chars = _of_number(written) if written[1] == "#" else _of_name(written)
    if chars:
        # A line end inside would split the line when it is written again.
        first = " " if chars[0] in "\r\n" else chars[0]
        yield name, first
        yield from (("", char) for char in chars[1:])
    yield from ((char, char) for char in written[len(name) :])


def _of_number(written: str) -> tuple[str, str]:
    digits = written[2:].rstrip(";")
    is_hex = digits[0] in "xX"
    digits = digits.lstrip("xX").lstrip("0") or "0"
    point = int(digits, 16 if is_hex else 10) if len(digits) <= _MAX_DIGITS else -1
    if not 0 < point <= 0x10FFFF or 0xD800 <= point < 0xE000:
        return written, _REPLACEMENT
    return written, _OF_NUMBER.get(point, chr(point))


def _of_name(written: str) -> tuple[str, str]:
    """Return the longest name at the start of a text with its characters; ("", "") if there is none."""
    for end in range(len(written), 2, -1):
        chars = html.entities.html5.get(written[1:end])
        if chars is not None:
            return written[:end], chars
    return "", ""


def voices(text: str) -> tuple[str, ...]:
    """Return the voice of each line that shows a text, "" for none; nothing if the text has no voice tag."""
    if "<v" not in text:
        return ()
    of_lines: list[str | None] = [None]
    voice = ""
    for token, char in tokens(text):
        tag = None if char else _VOICE.fullmatch(token)
        if tag:
            named = "".join(seen for _, seen in tokens(tag[1] or ""))
            voice = " ".join(named.split())
        elif char == "\n":
            of_lines.append(None)
        elif of_lines[-1] is None and not (char or " ").isspace():
            of_lines[-1] = voice
    found = tuple(one for one in of_lines if one is not None)
    return found if any(found) else ()


def hidden_words(text: str) -> tuple[str, bool] | None:
    """Return words that browsers take for a tag, and whether they are read as text here; else None."""
    last = text.rfind(">") + 1
    for match in _TOKEN.finditer(text, 0, last):
        if match.lastgroup == "mark" and _is_no_tag(match[0]):
            return match[0], False
    hidden_at = text.find("<", last)
    if hidden_at < 0 or _NAMED_TAG.fullmatch(text, hidden_at):
        return None
    tail = text[hidden_at:]
    return (tail, _OPEN_TAG.fullmatch(tail) is None) if any(map(str.isalnum, tail)) else None


def _is_no_tag(mark: str) -> bool:
    """Whether a tag without a name has words: `< b and c >`, `<3 you, and >`."""
    if not (mark[1].isspace() or mark[1].isdecimal()):
        return False
    return any(map(str.isalpha, mark))


def written(text: str) -> str:
    """Return a text as browsers read it: no arrow, and no `<` of a tag that is never closed."""
    last = text.rfind(">") + 1
    hidden_at = text.find("<", last)
    if hidden_at >= 0 and not _OPEN_TAG.fullmatch(text, hidden_at):
        text = text[:hidden_at] + text[hidden_at:].replace("<", "&lt;")
    if "-->" not in text:
        return text
    last = text.rfind(">") + 1
    pieces: list[str] = []
    for match in _TOKEN.finditer(text, 0, last):
        piece = match[0]
        if match.lastgroup == "mark":
            # A tag's end that makes an arrow; the blank is an annotation of nothing.
            pieces.append(piece.replace("-->", "-- >"))
        else:
            pieces.append("&gt;" if piece == ">" and "".join(pieces[-2:]).endswith("--") else piece)
    return "".join(pieces) + text[last:]


def without_stamps_outside(text: str, start_ms: int, end_ms: int) -> str:
    """Return a text without the times of words that lie outside the cue: WebVTT forbids them."""
    if "<" not in text:
        return text
    return "".join(piece for piece, _ in tokens(text) if _is_inside(piece, start_ms, end_ms))


def _is_inside(piece: str, start_ms: int, end_ms: int) -> bool:
    stamp = _STAMP.fullmatch(piece)
    if stamp is None:
        return True
    hours, minutes, seconds, millis = (int(group or 0) for group in stamp.groups())
    return start_ms < ((hours * 60 + minutes) * 60 + seconds) * MS_PER_S + millis < end_ms

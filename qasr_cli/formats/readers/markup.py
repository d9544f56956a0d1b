r"""Styling inside the lines of a caption: kept apart from what is seen, and put back around new line breaks.

In go lines as a file has them; out come what a viewer sees, or the same marked-up text with its lines broken
elsewhere. Styling is whatever the format hides: `<i>`, `{\an8}`, `<00:01.500>`. No tag and no character is
ever lost, moved past a character that is seen, or changed; only white space at line ends comes and goes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from html.entities import html5

_SRT = re.compile(r"(?P<mark></?[a-zA-Z][^<>]*>|\{\\[^{}]*\})|(?P<seen>.)", re.DOTALL)
_VTT_TEXT = re.compile(
    r"(?P<entity>&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)|(?P<seen>.)", re.DOTALL
)
_VTT = re.compile(rf"(?P<mark><[^>]*>)|{_VTT_TEXT.pattern}", re.DOTALL)
_ASS = re.compile(r"(?P<mark>\{[^{}]*\})|(?P<entity>\\[hn])|(?P<seen>.)", re.DOTALL)
_NONE = re.compile(r"(?P<seen>.)", re.DOTALL)
_SYNTAX = {"srt": _SRT, "ass": _ASS}
_ASS_SPACES = {r"\h": "\u00a0", r"\n": " "}  # \n breaks only where the player is asked not to wrap
_MAYBE_MARKED = re.compile(r"[<{&\\]")
_OVERRIDES = re.compile(r"\{[^{}]*\}")
_POSITION = re.compile(r"\\(?:an?\d+|(?:pos|move)\s*\([^(){}\\]*\)?)")
_IS_CLOSING = re.compile(r"</|\{\\[a-z]+0?\}")


def tokens(marked: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield each piece of a line as written, with the one character that is seen of it ("" for styling)."""
    for match in _matches(marked, kind):
        piece = match[0]
        if match.lastgroup == "mark":
            yield piece, ""
        elif match.lastgroup == "entity":
            yield from _of_entity(piece)
        else:
            yield piece, piece


def _matches(marked: str, kind: str) -> Iterator[re.Match[str]]:
    if kind == "vtt":
        # Looking for a missing `>` after each `<` would take time that grows with the square of the text.
        last = marked.rfind(">") + 1
        yield from _VTT.finditer(marked, 0, last)
        yield from _VTT_TEXT.finditer(marked, last)
    else:
        yield from _SYNTAX.get(kind, _NONE).finditer(marked)


def _of_entity(piece: str) -> Iterator[tuple[str, str]]:
    """Yield an entity with what is seen of it; an unknown one is text as it stands."""
    if piece in _ASS_SPACES:
        yield piece, _ASS_SPACES[piece]
    elif piece[1] != "#" and piece[1:] not in html5:
        yield from zip(piece, piece, strict=True)
    else:
        char = html.unescape(piece)[:1]  # some are two, a sign and what is drawn through it
        # With an end of line inside, a line would be two once it is written anew.
        yield piece, " " if char in {"\n", "\r"} else char


def positions(marked: str) -> list[str]:
    r"""Return the tags of a line that say where it stands: `\an8`, `\pos(10,20)`."""
    return [tag for block in _OVERRIDES.findall(marked) for tag in _POSITION.findall(block)]


def seen(marked: str, kind: str) -> str:
    """Return what is seen of a line, without white space at its ends."""
    if not _MAYBE_MARKED.search(marked):
        return marked.strip()
    return "".join(char for _, char in tokens(marked, kind)).strip()


def rebroken(marked: Sequence[str], lines: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return marked-up lines broken as `lines` are.

    Args:
        marked: As the file has them.
        lines: What is seen of them with other breaks; the same characters in the same order but for spaces.
        kind: Format that the styling is of.
    """
    stuck = _stuck([piece for line in marked for piece in tokens(line, kind)])
    written, place = [], 0
    for line in lines:
        text = ""
        for char in line:
            if char.isspace():
                text += r"\h" if kind == "ass" and char == "\u00a0" else char
            else:
                text += stuck[place]
                place += 1
        written.append(text)
    return tuple(written)


def _stuck(pieces: Sequence[tuple[str, str]]) -> list[str]:
    """Return each character that is seen with the styling around it: what opens before, what closes after."""
    styled: list[str] = []
    waiting = ""
    for piece, char in pieces:
        if char.isspace():
            continue
        if char:
            styled.append(waiting + piece)
            waiting = ""
        elif styled and not waiting and _IS_CLOSING.match(piece):
            styled[-1] += piece
        else:
            waiting += piece
    if styled:
        styled[-1] += waiting
    return styled

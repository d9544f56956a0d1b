r"""Styling inside the lines of a caption: separated from the visible text, restored around new line breaks.

In go lines of a file; out come the visible text, or the same marked-up text with other line breaks. Styling
is any text that players hide: `<i>`, `{\an8}`, `<00:01.500>`. No tag and no character is ever lost, moved
past a visible character, or changed; only white space at line ends is added and removed.
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
_ASS_SPACES = {r"\h": "\u00a0", r"\n": " "}  # \n breaks only if the player does not wrap
_MAYBE_MARKED = re.compile(r"[<{&\\]")
_OVERRIDES = re.compile(r"\{[^{}]*\}")
_POSITION = re.compile(r"\\(?:an?\d+|(?:pos|move)\s*\([^(){}\\]*\)?)")
_IS_CLOSING = re.compile(r"</|\{\\[a-z]+0?\}")


def tokens(marked: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield each token of a line as written, with its one visible character ("" for styling)."""
    for match in _matches(marked, kind):
        token = match[0]
        if match.lastgroup == "mark":
            yield token, ""
        elif match.lastgroup == "entity":
            yield from _of_entity(token)
        else:
            yield token, token


def _matches(marked: str, kind: str) -> Iterator[re.Match[str]]:
    if kind == "vtt":
        # Looking for a missing `>` after each `<` would take time that grows with the square of the text.
        last = marked.rfind(">") + 1
        yield from _VTT.finditer(marked, 0, last)
        yield from _VTT_TEXT.finditer(marked, last)
    else:
        yield from _SYNTAX.get(kind, _NONE).finditer(marked)


def _of_entity(token: str) -> Iterator[tuple[str, str]]:
    """Yield an entity with its visible character; an unknown entity is plain text."""
    if token in _ASS_SPACES:
        yield token, _ASS_SPACES[token]
    elif token[1] != "#" and token[1:] not in html5:
        yield from zip(token, token, strict=True)
    else:
        char = html.unescape(token)[:1]  # some are two characters, a sign and a combining stroke
        # A line end inside would split the line when it is written again.
        yield token, " " if char in {"\n", "\r"} else char


def positions(marked: str) -> list[str]:
    r"""Return the tags of a line that set its position: `\an8`, `\pos(10,20)`."""
    return [tag for block in _OVERRIDES.findall(marked) for tag in _POSITION.findall(block)]


def visible_text(marked: str, kind: str) -> str:
    """Return the visible text of a line, without white space at its ends."""
    if not _MAYBE_MARKED.search(marked):
        return marked.strip()
    return "".join(char for _, char in tokens(marked, kind)).strip()


def rebroken(marked: Sequence[str], lines: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return marked-up lines broken as `lines` are.

    Args:
        marked: The lines of the file.
        lines: Their visible text with other breaks; the same characters in the same order except for spaces.
        kind: Format of the styling.
    """
    styled_chars = _styled_chars([token for line in marked for token in tokens(line, kind)])
    written, place = [], 0
    for line in lines:
        text = ""
        for char in line:
            if char.isspace():
                text += r"\h" if kind == "ass" and char == "\u00a0" else char
            else:
                text += styled_chars[place]
                place += 1
        written.append(text)
    return tuple(written)


def _styled_chars(marked_tokens: Sequence[tuple[str, str]]) -> list[str]:
    """Return each visible character with the styling around it: opening tags before, closing tags after."""
    styled: list[str] = []
    waiting = ""
    for token, char in marked_tokens:
        if char.isspace():
            continue
        if char:
            styled.append(waiting + token)
            waiting = ""
        elif styled and not waiting and _IS_CLOSING.match(token):
            styled[-1] += token
        else:
            waiting += token
    if styled:
        styled[-1] += waiting
    return styled

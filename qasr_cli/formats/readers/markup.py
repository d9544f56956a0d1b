r"""Styling inside the lines of a caption: separated from the visible text, restored around new line breaks.

In go lines of a file; out come the visible text, or the same marked-up text with other line breaks. Styling
is any text that players hide: `<i>`, `{\an8}`, `<00:01.500>`. No tag and no character is ever lost, moved
past a visible character, or changed; only white space at line ends is added and removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qasr_cli.formats.readers import webvtt_text

_SRT = re.compile(r"(?P<mark></?[a-zA-Z][^<>]*+>|\{\\[^{}]*+\})|(?P<seen>.)", re.DOTALL)
_ASS = re.compile(r"(?P<mark>\{[^{}]*+\})|(?P<space>\\[hn])|(?P<seen>.)", re.DOTALL)
_NONE = re.compile(r"(?P<seen>.)", re.DOTALL)
_SYNTAX = {"srt": _SRT, "ass": _ASS}
_ASS_SPACES = {r"\h": "\u00a0", r"\n": " "}  # \n breaks only if the player does not wrap
_MAYBE_MARKED = re.compile(r"[<{&\\]")
_OVERRIDES = re.compile(r"\{[^{}]*+\}")
_POSITION = re.compile(r"\\(?:an?[0-9]{1,2}|(?:pos|move)\s{0,9}\([^(){}\\]*+\)?)")
_IS_CLOSING = re.compile(r"</|\{\\[a-z]+0?\}")


def tokens(marked: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield each token of a text as written, with its one visible character ("" for styling)."""
    if kind == "vtt":
        yield from webvtt_text.tokens(marked)
        return
    for match in _SYNTAX.get(kind, _NONE).finditer(marked):
        token = match[0]
        yield token, "" if match.lastgroup == "mark" else _ASS_SPACES.get(token, token)


def positions(marked: str) -> list[str]:
    r"""Return the tags of a line that set its position: `\an8`, `\pos(10,20)`."""
    return [tag for block in _OVERRIDES.findall(marked) for tag in _POSITION.findall(block)]


def visible_text(marked: str, kind: str) -> str:
    """Return the visible text of a line, without white space at its ends."""
    if not _MAYBE_MARKED.search(marked):
        return marked.strip()
    return "".join(char for _, char in tokens(marked, kind)).strip()


def visible_lines(marked: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return the visible text of each line of a caption that has any."""
    if kind == "vtt":  # its tags may go on over a line end
        marked = visible_text("\n".join(marked), kind).split("\n")
        return tuple(filter(None, map(str.strip, marked)))
    return tuple(filter(None, (visible_text(line, kind) for line in marked)))


def rebroken(marked: Sequence[str], lines: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return marked-up lines broken as `lines` are.

    Args:
        marked: The lines of the file.
        lines: Their visible text with other breaks; the same characters in the same order except for spaces.
        kind: Format of the styling.
    """
    texts = ["\n".join(marked)] if kind == "vtt" else marked
    styled_chars = _styled_chars([token for text in texts for token in tokens(text, kind)])
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
            styled[-1] += token.replace("\n", " ")
        else:
            waiting += token.replace("\n", " ")
    if styled:
        styled[-1] += waiting
    return styled

"""SAMI, Microsoft's subtitles, which are Korea's usual ones: one file with the captions of several languages.

In go lines; out come the captions of one class, that is one language. A caption lasts until the next `SYNC`
with its class; one of `&nbsp;` alone clears the screen. Tags need no closing, as in the HTML of that time.
Styling is left out. Reads no other HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.formats.readers.caption_file import (
    CaptionFile,
    Fault,
    FileContext,
    ends_by_next,
    plain_caption,
)
from qasr_cli.records import Caption

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*+)([^<>]*+)>")
_START = re.compile(r"\bstart\s*+=\s*+[\"']?+(-?\d{1,12})", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s*+=\s*+[\"']?+([^\s\"'>]{1,80})", re.IGNORECASE)
_STYLE = re.compile(r"\.([A-Za-z][\w-]{0,80})\s*+\{([^{}]{0,2000}+)\}")
_LANGUAGE = re.compile(r"\blang\s*+:\s*+([A-Za-z-]{2,20})", re.IGNORECASE)
_SYNC = re.compile(r"<sync\s", re.IGNORECASE)
_HEAD_LINES = 400  # SAMI's header has style sheets
_MAX_MS = 366 * 24 * 3_600_000


def is_like(lines: Sequence[str]) -> bool:
    """Whether lines are SAMI: its root, or its time tags where the root was cut off."""
    first = next((line.strip(" \t\ufeff").lower() for line in lines if line.strip(" \t\ufeff")), "")
    if first.startswith("<sami"):
        return True
    return first.startswith("<") and any(map(_SYNC.search, lines[:_HEAD_LINES]))


def read(lines: Sequence[str], context: FileContext) -> CaptionFile:
    """Read the captions of one class of a SAMI file."""
    parser = _Parser()
    parser.run("\n".join(lines))
    spoken = _languages(lines)
    classes = list(dict.fromkeys(shown.name for shown in parser.shown if shown.lines))
    name = _chosen(classes, spoken, context.language)
    captions = tuple(_captions([shown for shown in parser.shown if shown.name in {name, ""}]))
    return CaptionFile("sami", captions, tuple(parser.faults), language=spoken.get(name))


@dataclass(slots=True)
class _Shown:
    """What one class shows from one time on; no lines clear the screen."""

    start_ms: int
    name: str
    line: int
    lines: list[str]


class _Parser:
    """Goes through the tags once; keeps the text between them."""

    def __init__(self) -> None:
        self.shown: list[_Shown] = []
        self.faults: list[Fault] = []
        self._start_ms: int | None = None
        self._open: _Shown | None = None

    def run(self, text: str) -> None:
        """Read a whole file."""
        text = _without_comments(text)
        line, counted, last = 1, 0, 0
        for tag in _TAG.finditer(text):
            line += text.count("\n", counted, tag.start())
            counted = tag.start()
            self._add_text(text[last : tag.start()], line)
            last = tag.end()
            self._read_tag(tag, line)
        self._add_text(text[last:], line)

    def _read_tag(self, tag: re.Match[str], line: int) -> None:
        name, is_closing = tag[2].lower(), bool(tag[1])
        if name == "sync" and not is_closing:
            start = _START.search(tag[3])
            if start is None or abs(int(start[1])) > _MAX_MS:
                self.faults.append(Fault(line, f"no time: {tag[0][:60]!r}"))
            self._start_ms = int(start[1]) if start and abs(int(start[1])) <= _MAX_MS else None
            self._open = None
        elif name in {"body", "sami"} and is_closing:
            self._start_ms = self._open = None
        elif name == "p" and not is_closing and self._start_ms is not None:
            class_name = _CLASS.search(tag[3])
            self._begin(class_name[1].upper() if class_name else "", line)
        elif name in {"br", "p", "div"} and self._open is not None:
            self._open.lines.append("")

    def _begin(self, name: str, line: int) -> None:
        assert self._start_ms is not None  # noqa: S101 - text before the first SYNC is not read
        self._open = _Shown(self._start_ms, name, line, [""])
        self.shown.append(self._open)

    def _add_text(self, text: str, line: int) -> None:
        if self._start_ms is None or not text:
            return
        if self._open is None and text.strip():
            self._begin("", line)
        if self._open is not None:
            # Line ends in the file are spaces; the player breaks lines at <br>.
            self._open.lines[-1] += " ".join(text.split("\n"))


def _without_comments(text: str) -> str:
    """Replace the text of comments by its line ends; an unclosed comment is text."""
    kept, last = [], 0
    body = max(0, text.lower().find("<body"))  # the style sheet is a comment, too, and is not looked at here
    while (start := text.find("<!--", max(last, body))) >= 0:
        end = text.find("-->", start)
        if end < 0:
            break
        kept += [text[last:start], "\n" * text.count("\n", start, end)]
        last = end + 3
    return "".join([*kept, text[last:]])


def _languages(lines: Sequence[str]) -> dict[str, str]:
    """Return the language code of each class of the style sheet."""
    spoken: dict[str, str] = {}
    for name, style in _STYLE.findall("\n".join(lines[:_HEAD_LINES])):
        found = _LANGUAGE.search(style)
        language = languages.find(found[1]) if found else None
        if language is None:
            language = languages.find(_OF_COUNTRY.get(name[:2].upper(), name[:2]))
        if language is not None:
            spoken[name.upper()] = language.code
    return spoken


_OF_COUNTRY = {"KR": "ko", "JP": "ja", "CN": "zh", "TW": "zh", "EG": "en", "US": "en", "UK": "en"}


def _chosen(classes: Sequence[str], spoken: dict[str, str], wanted: str | None) -> str:
    """Return the class of the wanted language, or else the first one with text; "" if none has a name.

    Text without a class belongs to all of them.
    """
    for name in classes:
        own = spoken.get(name) or _OF_COUNTRY.get(name[:2], name[:2].lower())
        if wanted is not None and own == wanted:
            return name
    return next(filter(None, classes), "")


def _captions(shown: Sequence[_Shown]) -> Iterator[Caption]:
    for one, end_ms in zip(shown, ends_by_next([one.start_ms for one in shown]), strict=True):
        lines = [html.unescape(line) for line in one.lines]
        if any(line.strip() for line in lines):
            yield plain_caption(one.start_ms, end_ms, lines, one.line)

"""TTML, also called DFXP: captions of an XML document, as Netflix, YouTube and broadcasters have them.

In go lines; out come captions. Times may be clocks, frames, ticks or offsets, and are relative to the element
around. Spans with times of their own are captions, unless they are the words of a line. Styling is left out;
what is not a paragraph's text (metadata, images, ruby annotations) is not read. A document type is refused,
so that no entity is ever expanded and nothing outside the file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from xml.parsers import expat

from qasr_cli import languages
from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers.caption_file import (
    UNENDED_MS,
    CaptionFile,
    Fault,
    FileContext,
    plain_caption,
)
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S

_MAX_DEPTH = 100  # real documents have ten levels
_MAX_S = 366 * 24 * 3_600
_ROOT = re.compile(r"<(?:[A-Za-z][\w.-]{0,40}:)?tt[\s>]")
_HEAD_CHARS = 20_000
_BLANKS = "\ufeff \t\r\n"
_CLOCK = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9})|[:;](\d{1,4})(?:\.(\d{1,4}))?)?")
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(h|ms|m|s|f|t)")
_UNITS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_XML_LANGUAGE = "xml:lang"
_UNREAD = frozenset({"metadata", "rt", "rp"})
_RUBY = {"text": "rt", "textContainer": "rt", "delimiter": "rp"}  # as HTML's elements


def is_like(lines: Sequence[str]) -> bool:
    """Whether lines are an XML document with TTML's root."""
    head = "\n".join(lines[:400])[:_HEAD_CHARS].lstrip(_BLANKS)
    return head.startswith("<") and _ROOT.search(head) is not None


def read(lines: Sequence[str], context: FileContext) -> CaptionFile:
    """Read the captions of a TTML document.

    Raises:
        UndecodableError: It is not XML, has a document type, or is nested too deeply.
    """
    reader = _Reader(context)
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.add_text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    reader.line_of = lambda: parser.CurrentLineNumber
    try:
        parser.Parse("\n".join(lines).lstrip(_BLANKS).encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise UndecodableError(
            f"no valid XML in line {error.lineno}: {expat.errors.messages[error.code]}", "export it again"
        ) from error
    return reader.file()


def _refuse_doctype(name: str, *_: object) -> None:
    raise UndecodableError(
        f"XML with a document type ({name[:40]}), which is not read", "remove its DOCTYPE line"
    )


@dataclass(slots=True)
class _Rates:
    """How the document counts frames and ticks in a second."""

    frames: Fraction = Fraction(30)
    subframes: int = 1
    ticks: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class _Span:
    """A timed element inside a paragraph, with the parts `[first, last)` of the paragraph's text."""

    begin: Fraction
    end: Fraction | None
    line: int
    first: int
    last: int


@dataclass(slots=True)
class _Element:
    """An open element: its span on the document's clock, in seconds, and what it holds."""

    name: str
    begin: Fraction
    end: Fraction | None
    is_timed: bool
    is_preserving: bool
    language: str
    region: str
    line: int
    parts: list[str] = field(default_factory=list)
    first_part: int = 0  # of its paragraph: the first one that is inside
    spans: list[_Span] = field(default_factory=list)  # timed elements inside, without those in each other
    cursor: Fraction = Fraction(0)  # in a sequence: the end of the child before
    is_sequence: bool = False


class _Reader:
    """Handlers of the parser's events."""

    def __init__(self, context: FileContext) -> None:
        self._context = context
        self._rates = _Rates(context.frame_rate or Fraction(30))
        self._open: list[_Element] = []
        self._paragraph: _Element | None = None
        self._found: list[tuple[str, Caption]] = []
        self._faults: list[Fault] = []
        self.line_of: Callable[[], int] = int

    def file(self) -> CaptionFile:
        """Return what was read: all captions, or those of one language if there are several."""
        spoken = list(dict.fromkeys(language for language, _ in self._found))
        wanted = next((code for code in spoken if code and code == self._context.language), None)
        if wanted is None:
            wanted = next(iter(spoken), "")
        captions = tuple(caption for language, caption in self._found if language in {wanted, ""})
        return CaptionFile("ttml", captions, tuple(self._faults), language=wanted or None)

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if len(self._open) >= _MAX_DEPTH:
            raise UndecodableError(f"XML nested more than {_MAX_DEPTH} levels deep", "export it again")
        name = qualified.rpartition(":")[2].lower()
        plain = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if not self._open:
            self._read_rates(plain)
        name = _RUBY.get(plain.get("ruby", ""), name)
        element = self._opened(name, plain, attributes.get(_XML_LANGUAGE))
        self._open.append(element)
        if name == "p" and self._paragraph is None:
            self._paragraph = element
        elif self._paragraph is not None:
            element.first_part = len(self._paragraph.parts)
        if name == "br" and self._paragraph is not None:
            self._paragraph.parts.append("\n")

    def _opened(self, name: str, plain: dict[str, str], language: str | None) -> _Element:
        above = self._open[-1] if self._open else None
        start, end, is_timed = self._span(plain, above)
        space = plain.get("space")
        code = languages.find(language) if language else None
        return _Element(
            name,
            start,
            end,
            is_timed,
            space == "preserve" if space else above is not None and above.is_preserving,
            code.code if code else above.language if above and not language else "",
            plain.get("region", above.region if above else ""),
            self.line_of(),
            cursor=start,
            is_sequence=plain.get("timeContainer") == "seq",
        )

    def _span(self, plain: dict[str, str], above: _Element | None) -> tuple[Fraction, Fraction | None, bool]:
        """Return an element's begin and end in the file's time, and whether it has times of its own."""
        base = (above.cursor if above.is_sequence else above.begin) if above else Fraction(0)
        begin, end, length = (self._time(plain.get(key)) for key in ("begin", "end", "dur"))
        start = base + (begin or 0)
        ends = [base + end] if end is not None else []
        ends += [start + length] if length is not None else []
        is_timed = begin is not None or bool(ends)
        return start, min(ends, default=above.end if above is not None else None), is_timed

    def end(self, _: str) -> None:
        """An element ends."""
        element = self._open.pop()
        above = self._open[-1] if self._open else None
        if above is not None and element.end is not None:
            above.cursor = max(above.cursor, element.end)
        if element is self._paragraph:
            self._paragraph = None
            self._finish(element)
        elif self._paragraph is not None and element.is_timed and element.name not in _UNREAD:
            first, spans = element.first_part, self._paragraph.spans
            while spans and spans[-1].first >= first:
                spans.pop()  # it is inside
            last = len(self._paragraph.parts)
            if last > first:
                spans.append(_Span(element.begin, element.end, element.line, first, last))

    def add_text(self, text: str) -> None:
        """Text inside an element."""
        if self._paragraph is None or any(one.name in _UNREAD for one in self._open):
            return
        is_kept = self._open[-1].is_preserving
        self._paragraph.parts.append(text if is_kept else text.replace("\n", " "))

    def _finish(self, paragraph: _Element) -> None:
        text = "".join(paragraph.parts)
        if not text.strip():
            return
        spans = paragraph.spans
        if _are_captions(paragraph):
            for span in spans:
                self._add(paragraph, span.begin, span.end, span.line, paragraph.parts[span.first : span.last])
            return
        begin, end = paragraph.begin, paragraph.end
        if not paragraph.is_timed and spans:
            begin = min(span.begin for span in spans)
            end = max((span.end for span in spans if span.end is not None), default=None)
        elif not paragraph.is_timed and not self._has_timed_parent():
            shown = " ".join(text.split())[:60]
            self._faults.append(Fault(paragraph.line, f"a paragraph without times: {shown!r}"))
            return
        self._add(paragraph, begin, end, paragraph.line, paragraph.parts)

    def _add(
        self, paragraph: _Element, begin: Fraction, end: Fraction | None, line: int, parts: Sequence[str]
    ) -> None:
        lines = "".join(parts).split("\n")
        if any(text.strip() for text in lines):
            start_ms = _ms(begin)
            end_ms = start_ms + UNENDED_MS if end is None else _ms(end)
            caption = plain_caption(start_ms, end_ms, lines, line, paragraph.region)
            self._found.append((paragraph.language, caption))

    def _has_timed_parent(self) -> bool:
        return any(element.is_timed for element in self._open)

    def _read_rates(self, root: dict[str, str]) -> None:
        frames = _number(root.get("frameRate"))
        if frames:
            over, _, under = root.get("frameRateMultiplier", "1 1").replace(":", " ").partition(" ")
            multiplier = (_number(over) or Fraction(1)) / (_number(under) or Fraction(1))
            self._rates.frames = frames * multiplier
        self._rates.subframes = int(_number(root.get("subFrameRate")) or 1)
        ticks = _number(root.get("tickRate"))
        self._rates.ticks = ticks or (self._rates.frames * self._rates.subframes if frames else Fraction(1))

    def _time(self, text: str | None) -> Fraction | None:
        """Return a time in seconds; None if there is none, with a fault if it is not readable."""
        if text is None:
            return None
        time = _seconds(text.strip()[:80], self._rates)
        if time is None or time > _MAX_S:
            self._faults.append(Fault(self.line_of(), f"no readable time: {text.strip()[:60]!r}"))
            return None
        return time


def _are_captions(paragraph: _Element) -> bool:
    """Whether the timed spans of a paragraph hold all its text, and each more than a word.

    Words of a line that is sung have times, too; they are read as one caption.
    """
    parts, spans = paragraph.parts, paragraph.spans
    inside = ["".join(parts[span.first : span.last]) for span in spans]
    edges = [0, *(edge for span in spans for edge in (span.first, span.last)), len(parts)]
    outside = "".join("".join(parts[first:last]) for first, last in zip(edges[::2], edges[1::2], strict=True))
    if not spans or outside.strip():
        return False
    is_in_turn = all(a.end is not None and a.end <= b.begin for a, b in pairwise(spans))
    return len(spans) == 1 or (is_in_turn and any(len(text.split()) > 1 for text in inside))


def _number(text: str | None) -> Fraction | None:
    """Return a positive number of at most nine digits."""
    match = re.fullmatch(r"\s*+(\d{1,9}(?:\.\d{1,9})?)\s*+", text or "")
    return Fraction(match[1]) or None if match else None


def _seconds(text: str, rates: _Rates) -> Fraction | None:
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes, seconds, fraction, frames, subframes = clock.groups()
        whole = Fraction((int(hours) * 60 + int(minutes)) * 60 + int(seconds))
        if fraction:
            whole += Fraction(int(fraction), 10 ** len(fraction))
        if frames:
            whole += (int(frames) + Fraction(int(subframes or 0), rates.subframes)) / rates.frames
        return whole
    offset = _OFFSET.fullmatch(text)
    if offset is None:
        return None
    unit = {**_UNITS, "f": 1 / rates.frames, "t": 1 / rates.ticks}[offset[2]]
    return Fraction(offset[1]) * unit


def _ms(seconds: Fraction) -> int:
    return int(seconds * MS_PER_S + Fraction(1, 2))

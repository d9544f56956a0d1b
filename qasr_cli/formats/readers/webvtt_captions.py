r"""WebVTT as programs and people write it: what browsers show, and what they drop for a small mistake.

In go lines; out come captions and faults. The blocks are those of the standard (`webvtt_blocks`), so only an
empty line or an arrow ends a cue: a line of one space inside a cue belongs to it, as in YouTube's automatic
captions. Where browsers drop a cue or a text that most players show, it is read, with a fault; writing the
captions again repairs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qasr_cli.formats.readers import joined_parts, markup, time_lines, webvtt_settings, webvtt_text
from qasr_cli.formats.readers.caption_file import CaptionFile, Fault
from qasr_cli.formats.readers.webvtt_blocks import (
    ARROW,
    SIGNATURE,
    Block,
    blocks,
    header_end,
    is_signature,
    parse_times,
)
from qasr_cli.records import Caption

_SETTING = re.compile(r"\A[^\s:]++:\S+")
_NUMBER = re.compile(r"[0-9]{1,9}")
_LIKE_SIGNATURE = re.compile(r"WEB ?VTT(?![A-Za-z])(.*+)", re.IGNORECASE)
_NOTES = ("NOTE", "STYLE", "REGION")
_QUOTED_CHARS = 60


def has_signature(lines: Sequence[str]) -> bool:
    """Whether a text begins with WebVTT's signature, also with one that browsers would reject."""
    first = next((line for line in lines if line.strip(" \t\ufeff")), "")
    return _of_signature(first) is not None


def _of_signature(line: str) -> str | None:
    """Return a first line as browsers accept it; None if it is another text."""
    if is_signature(line):
        return line
    if line.startswith(SIGNATURE):
        return SIGNATURE
    match = _LIKE_SIGNATURE.fullmatch(time_lines.bare(line.strip()))
    return None if match is None else SIGNATURE + (match[1] if match[1][:1] in {" ", "\t"} else "")


def read(lines: Sequence[str]) -> CaptionFile:
    """Read a WebVTT file."""
    lines = [line.replace("\x00", "\ufffd") for line in lines]
    # For browsers a line with another arrow is text, and a cue's begin for whoever wrote it.
    odd = {at: line for at, line in enumerate(lines) if ARROW not in line and time_lines.is_time_line(line)}
    for at in odd:
        lines[at] = ARROW
    reader = _Reader(lines, odd)
    reader.run()
    captions = tuple(reader.captions)
    faults = [*reader.faults, *joined_parts.restarts(captions, reader.parts)]
    in_order = tuple(sorted(faults, key=lambda fault: fault.line))
    return CaptionFile("vtt", captions, in_order, reader.head, tuple(reader.waiting))


@dataclass(slots=True)
class _Cue:
    """A cue whose text may still grow; `at` are the indices of its lines in the file."""

    first: int
    number: str
    start_ms: int
    end_ms: int
    settings: str
    at: list[int]
    before: tuple[str, ...]


@dataclass(slots=True)
class _Reader:
    lines: Sequence[str]
    odd: Mapping[int, str]  # lines whose times have another arrow
    captions: list[Caption] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)  # lines where another file seems to begin
    head: tuple[str, ...] = ()
    waiting: list[str] = field(default_factory=list)  # notes that belong to the next caption
    regions: list[str] = field(default_factory=list)
    cue: _Cue | None = None
    end: int = 0  # of the block before
    is_note: bool = False  # the block before was one
    number: str = ""  # of the caption before

    def run(self) -> None:
        for block in blocks(self.lines, self._read_header()):
            is_next = block.first == self.end
            if block.arrow is None:
                self._read_other(block)
            elif not self._begins_cue(block) and not (is_next and self._goes_on(block)):
                self._read_dropped(block)
            self.end = block.last
        self._finish()

    def _fault(self, at: int, text: str, *, is_fixable: bool = True) -> None:
        self.faults.append(Fault(at + 1, text, is_fixable))

    def _read_header(self) -> int:
        """Return the index behind the header."""
        at = next((n for n, line in enumerate(self.lines) if line.strip(" \t\ufeff")), 0)
        first = _of_signature(self.lines[at])
        if at or first != self.lines[at]:
            self._fault(0, f"the first line is not {SIGNATURE}: browsers reject the file")
        if first is None:
            return 0
        end = at + header_end(self.lines[at:])
        self.head = (first, *self.lines[at + 1 : end])
        return end

    def _begins_cue(self, block: Block) -> bool:
        """Read a cue, if players show one; whether it is one."""
        assert block.arrow is not None  # noqa: S101 - `run` has seen it
        line = self.odd.get(block.arrow, self.lines[block.arrow])
        times = parse_times(line)
        if times is None and block.arrow > block.first and self._is_note(block):
            return False  # a cue in a note, which no player shows
        if times is not None:
            start_ms, end_ms, settings = times.start_ms, times.end_ms, times.settings
        else:
            loose = time_lines.read(line, "vtt")
            if loose is None:
                return False
            start_ms, end_ms, settings = loose.start_ms, loose.end_ms, loose.behind
            why = ", ".join(loose.complaints) or "times that are spelt otherwise"
            self._fault(block.arrow, f"browsers do not show this cue: {why}")
        number = self._read_number(block)
        self._finish()
        self._find_text(block.arrow, settings)
        texts = list(range(block.arrow + 1, block.last))
        self.cue = _Cue(block.first, number, start_ms, end_ms, settings.strip(), texts, tuple(self.waiting))
        self.waiting, self.is_note, self.number = [], False, number
        return True

    def _is_note(self, block: Block) -> bool:
        return self.lines[block.first].split(maxsplit=1)[:1] in [[name] for name in _NOTES]

    def _read_number(self, block: Block) -> str:
        """Return a cue's identifier, or the number that browsers show as the last line of the cue before."""
        if block.arrow != block.first:
            written = self.lines[block.first]
            number = time_lines.bare(written)
            if number != written:
                self.parts.append(block.first + 1)
                self._fault(block.first, "a byte order mark inside the file, as from joined files")
            return number
        if self.cue is None or block.first != self.end or not self.cue.at or not self.number:
            return ""
        last = time_lines.bare(self.lines[self.cue.at[-1]].strip())
        if not _NUMBER.fullmatch(last) or not _NUMBER.fullmatch(self.number):
            return ""
        if int(last) != int(self.number) + 1:
            return ""
        self._fault(self.cue.at.pop(), f"no empty line before cue {last}: browsers show the number as text")
        return last

    def _find_text(self, at: int, behind: str) -> None:
        """Record text behind the times, which no player shows."""
        if not all(map(_SETTING.fullmatch, behind.split())):
            text = f"text on the time line: {behind.strip()[:_QUOTED_CHARS]!r}"
            self._fault(at, text, is_fixable=False)

    def _goes_on(self, block: Block) -> bool:
        """Take an arrow inside a text, with the lines below, as that text; whether it is one."""
        if self.is_note:
            self.waiting[-1:] = [*self.lines[block.first : block.last], ""]
            return True
        if self.cue is None:
            return False
        self._fault(block.first, f"{ARROW!r} inside a text ends the cue in browsers")
        self.cue.at += range(block.first, block.last)
        return True

    def _read_dropped(self, block: Block) -> None:
        """Record a block with an arrow that is no time line."""
        self._finish()
        if self._is_note(block):
            self._keep_note(block)
            return
        assert block.arrow is not None  # noqa: S101 - `run` has seen it
        text = f"no time line: {self.lines[block.arrow].strip()[:_QUOTED_CHARS]!r}"
        self._fault(block.first, text, is_fixable=False)

    def _read_other(self, block: Block) -> None:
        """Read a block without an arrow: a note, a second header, or text that players do not show."""
        self._finish()
        texts = self.lines[block.first : block.last]
        if block.is_region:
            self.regions.append(webvtt_settings.region_id("\n".join(texts[1:])))
        first = next((line.strip() for line in texts if line.strip()), "")
        if not first:
            return
        if self._is_note(block):
            self._keep_note(block)
        elif is_signature(time_lines.bare(texts[0])):
            self.is_note = False
            self.parts.append(block.first + 1)
            self._fault(block.first, "a second header, as from joined files")
        else:
            self.is_note = False
            text = f"text that belongs to no caption: {first[:_QUOTED_CHARS]!r}"
            self._fault(block.first, text, is_fixable=False)

    def _keep_note(self, block: Block) -> None:
        self.is_note = True
        lines = range(block.first, block.last)
        self.waiting += [*(self.odd.get(at, self.lines[at]) for at in lines), ""]

    def _finish(self) -> None:
        """Make a caption of the cue that was read last."""
        if self.cue is None:
            return
        cue, self.cue = self.cue, None
        marked = tuple(self.lines[at].rstrip() for at in cue.at)
        self._find_hidden(cue, "\n".join(marked))
        self.captions.append(
            Caption(
                cue.start_ms,
                cue.end_ms,
                markup.visible_lines(marked, "vtt"),
                cue.number,
                cue.first + 1,
                marked,
                webvtt_settings.parse(cue.settings, self.regions).place,
                (cue.settings,) if cue.settings else (),
                cue.before,
                speakers=webvtt_text.voices("\n".join(marked)),
            )
        )

    def _find_hidden(self, cue: _Cue, text: str) -> None:
        """Record words that browsers take for a tag."""
        hidden = webvtt_text.hidden_words(text) if "<" in text else None
        if hidden is None:
            return
        words, is_read = hidden
        at = cue.at[text[: text.index(words)].count("\n")]
        quoted = " ".join(words.split())[:_QUOTED_CHARS]
        self._fault(at, f"browsers take {quoted!r} for a tag and hide it", is_fixable=is_read)


def text_lines(caption: Caption) -> list[str]:
    """Return the lines of a caption's text as browsers read them: none is empty, none has an arrow."""
    text = webvtt_text.written("\n".join(line for line in caption.marked if line.strip()))
    without = webvtt_text.without_stamps_outside(text, caption.start_ms, caption.end_ms)
    lines, fewer = text.split("\n"), without.split("\n")
    # Without a stamp two pieces of text may become a reference or a tag.
    is_same = markup.visible_lines(lines, "vtt") == markup.visible_lines(fewer, "vtt")
    kept = fewer if is_same and ARROW not in without else lines
    return [line.rstrip() for line in kept if line.strip()]

r"""SubRip, even damaged files; and how its captions and those of WebVTT are written back.

In go lines; out come captions and faults, which are places that players misread. Corrects nothing, and never
loses a word without a fault. Everything is written back, styling and notes too.

SubRip is a number, a time line and the text below it. Its readers go on to the next time line, so an empty
line inside a caption is only a fault. `webvtt_captions` reads WebVTT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qasr_cli.formats.readers import joined_parts, markup, time_lines, webvtt_captions
from qasr_cli.formats.readers.caption_file import CaptionFile, Fault
from qasr_cli.formats.readers.time_lines import is_time_line
from qasr_cli.formats.readers.webvtt_blocks import SIGNATURE
from qasr_cli.records import Caption
from qasr_cli.timebase import format_clock

_NUMBER = re.compile(r"\A\s*+[0-9]{1,9}\s*+")
# Settings may follow the times; YouTube leaves those of WebVTT in SRT. Anything else there is misplaced text.
_SETTING = re.compile(r"[XY][12]:-?[0-9]+|(?:vertical|line|position|size|align|region):\S+", re.IGNORECASE)


def read(lines: Sequence[str]) -> CaptionFile:
    """Read an SRT file."""
    # A mark in front of a line is no text; below a number and above a time line it would hide both.
    parser = _SubRipParser([time_lines.bare(line) for line in lines])
    parts = [number for number, line in enumerate(lines, 1) if number > 1 and line != time_lines.bare(line)]
    marks = [
        Fault(number, "a byte order mark inside the file, as from joined files", True) for number in parts
    ]
    parser.run()
    captions = tuple(parser.captions)
    faults = [*parser.faults, *marks, *joined_parts.restarts(captions, parts)]
    return CaptionFile("srt", captions, tuple(sorted(faults, key=lambda fault: fault.line)))


@dataclass(slots=True)
class _SubRipParser:
    lines: Sequence[str]
    captions: list[Caption] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    number: str | None = None  # of the caption that was begun last; None before the first
    at: int = 0

    def run(self) -> None:
        while self.at < len(self.lines):
            if not self.lines[self.at].strip():
                self.at += 1
            elif self._begins_caption(self.at) or self._begins_apart(self.at):
                self._read_caption()
            else:
                self._read_other()

    def _begins_caption(self, at: int) -> bool:
        """Whether a caption's time line is here, or its number or name with a time line below."""
        if is_time_line(self.lines[at]):
            return True
        if at + 1 == len(self.lines) or not is_time_line(self.lines[at + 1]):
            return False
        return _NUMBER.fullmatch(self.lines[at]) is not None

    def _begins_apart(self, at: int) -> bool:
        """Whether a cue number is here, with empty lines between it and its time line.

        The line before must be empty, and the number the expected one: otherwise it is spoken text.
        """
        if not _NUMBER.fullmatch(self.lines[at]) or not self._is_due(self.lines[at]):
            return False
        following = self._next_line(at)
        return following is not None and is_time_line(self.lines[following])

    def _next_line(self, at: int) -> int | None:
        """Return the index of the next line that is not empty."""
        return next((place for place in range(at + 1, len(self.lines)) if self.lines[place].strip()), None)

    def _is_due(self, number: str) -> bool:
        """Whether a number is the one after the last caption's, or that of the first caption."""
        return self.number is None or (self.number != "" and int(number) == int(self.number) + 1)

    def _read_caption(self) -> None:
        first = self.at
        self.number = number = self._read_number()
        times = time_lines.read(self.lines[self.at], "srt")
        assert times is not None  # noqa: S101 - `_begins_caption` has seen it
        if times.complaints:
            self.faults.append(Fault(self.at + 1, ", ".join(times.complaints), True))
        self._find_text(times.behind)
        self.at += 1
        marked = tuple(self._read_text())
        self.captions.append(
            Caption(
                times.start_ms,
                times.end_ms,
                markup.visible_lines(marked, "srt"),
                number,
                first + 1,
                marked,
                "".join(tag for line in marked for tag in markup.positions(line)),
                (times.behind,) if times.behind else (),
            )
        )

    def _read_number(self) -> str:
        """Return a caption's number or name, "" for none, and go on to its time line."""
        first = self.at
        if is_time_line(self.lines[first]):
            return ""
        number = self.lines[first].strip()
        self.at = self._next_line(first) or first
        if self.at > first + 1:
            self.faults.append(Fault(first + 1, "empty lines between a cue's number and its times", True))
        above = self.lines[first - 1] if first else ""
        is_below_text = above.strip() and not is_time_line(above)
        if is_below_text and not self._is_due(number):
            self.faults.append(Fault(first + 1, f"{number!r} may be the cue's number or spoken"))
        return number

    def _find_text(self, behind: str) -> None:
        """Record text behind the times, which no player shows."""
        if not all(map(_SETTING.fullmatch, behind.split())):
            self.faults.append(Fault(self.at + 1, f"text on the time line: {behind.strip()[:60]!r}"))

    def _read_text(self) -> Iterator[str]:
        """Yield the lines of a caption, up to the next one's first line."""
        empty_at = 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                empty_at = empty_at or self.at + 1
            elif self._begins_next(is_after_empty=bool(empty_at)):
                return
            else:
                if empty_at:
                    text = "an empty line inside a caption: players end the caption there"
                    self.faults.append(Fault(empty_at, text, True))
                    empty_at = 0
                yield line.rstrip()
            self.at += 1

    def _begins_next(self, *, is_after_empty: bool) -> bool:
        if self._begins_caption(self.at):
            return True
        return is_after_empty and (self._begins_apart(self.at) or self._is_bad_start(self.at))

    def _is_bad_start(self, at: int) -> bool:
        """Whether a caption seems to begin here with unreadable times."""
        line = self.lines[at]
        following = self.lines[at + 1] if at + 1 < len(self.lines) else ""
        return "->" in line or (_NUMBER.fullmatch(line) is not None and "->" in following)

    def _read_other(self) -> None:
        """Read a block that is not a caption: text that players do not show."""
        first = self.at
        while self.at < len(self.lines) and self.lines[self.at].strip():
            if self.at > first and is_time_line(self.lines[self.at]):
                break
            self.at += 1
        block = self.lines[first : self.at]
        arrow = next((line for line in block if "->" in line), None)
        if arrow is not None:
            self.faults.append(Fault(first + 1, f"no time line: {arrow.strip()[:60]!r}"))
        else:
            self.faults.append(
                Fault(first + 1, f"text that belongs to no caption: {block[0].strip()[:60]!r}")
            )


def write(file: CaptionFile, captions: Sequence[Caption]) -> str:
    """Return the file's text with `captions` in place of its own; times are not negative."""
    decimal_mark = "," if file.kind == "srt" else "."
    written = [*(file.head or ((SIGNATURE,) if file.kind == "vtt" else ()))]
    written += [""] if written else []
    for number, caption in enumerate(captions, 1):
        times = (format_clock(time_ms, decimal_mark) for time_ms in (caption.start_ms, caption.end_ms))
        name = str(number) if file.kind == "srt" else caption.number
        written += [*caption.before, *([name] if name else [])]
        written += [" ".join([" --> ".join(times), *caption.settings]), *_text(caption, file.kind), ""]
    return "\n".join([*written, *file.tail]).rstrip("\n") + "\n"


def _text(caption: Caption, kind: str) -> list[str]:
    if kind == "vtt":
        return webvtt_captions.text_lines(caption)
    return [line for line in caption.marked if line.strip()]

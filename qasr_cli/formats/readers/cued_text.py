r"""SubRip and WebVTT, even damaged files: captions in any order, with any times, are read and written back.

In go lines; out come captions and faults, which are places that players misread. Corrects nothing, and never
loses a word without a fault. Everything is written back, styling and notes too.

Both formats are a time line with text below it. They differ in the end of the text: in WebVTT it is an empty
line; SRT readers go on to the next time line, so an empty line inside a caption is only a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qasr_cli.formats.readers import markup
from qasr_cli.formats.readers.caption_file import CaptionFile, Fault
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S, format_clock

# More digits of hours than in any file, so that late times from `--fix` can be read, too.
_CLOCK = r"(-?)\s*(?:(\d{1,6}):)?(\d{1,3}):(\d{1,2})(?:([,.])(\d{1,9}))?"
_TIME_LINE = re.compile(rf"\s*{_CLOCK}\s*-+>\s*{_CLOCK}(?:\s+(\S.*))?\s*")
_NUMBER = re.compile(r"\s*\d{1,9}\s*")
# Settings may follow the times; YouTube leaves those of WebVTT in SRT. Anything else there is misplaced text.
_SRT_SETTING = re.compile(r"[XY][12]:-?\d+|(?:vertical|line|position|size|align|region):\S+", re.IGNORECASE)
_VTT_SETTING = re.compile(r"[^\s:]+:\S+")
_NOTES = ("NOTE", "STYLE", "REGION")
SIGNATURE = "WEBVTT"


def is_time_line(line: str) -> bool:
    """Whether a line has a start and an end time."""
    return "-->" in line and _TIME_LINE.fullmatch(line) is not None


def read(lines: Sequence[str], kind: str) -> CaptionFile:
    """Read an SRT or a WebVTT file (`kind`: srt, vtt)."""
    parser = _CuedTextParser(lines, kind)
    parser.run()
    return CaptionFile(kind, tuple(parser.captions), tuple(parser.faults), parser.head, tuple(parser.waiting))


@dataclass(slots=True)
class _CuedTextParser:
    lines: Sequence[str]
    kind: str
    captions: list[Caption] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    head: tuple[str, ...] = ()
    waiting: list[str] = field(default_factory=list)  # notes that belong to the next caption
    number: str | None = None  # of the caption that was begun last; None before the first
    at: int = 0

    def run(self) -> None:
        if self.kind == "vtt":
            self._read_signature()
        while self.at < len(self.lines):
            if not self.lines[self.at].strip():
                self.at += 1
            elif self._begins_caption(self.at) or self._begins_apart(self.at):
                self._read_caption()
            else:
                self._read_other()

    def _read_signature(self) -> None:
        first = self.lines[0] if self.lines else ""
        if re.fullmatch(rf"{SIGNATURE}([ \t].*)?", first):
            self.at = next((n for n, line in enumerate(self.lines) if not line.strip()), len(self.lines))
            self.at = next((n for n in range(1, self.at) if self._begins_caption(n)), self.at)
            self.head = tuple(self.lines[: self.at])
        else:
            self.faults.append(Fault(1, f"the first line is not {SIGNATURE}: browsers reject the file", True))

    def _begins_caption(self, at: int) -> bool:
        """Whether a caption's time line is here, or its number or name with a time line below."""
        if is_time_line(self.lines[at]):
            return True
        if at + 1 == len(self.lines) or not is_time_line(self.lines[at + 1]):
            return False
        return self.kind == "vtt" or _NUMBER.fullmatch(self.lines[at]) is not None

    def _begins_apart(self, at: int) -> bool:
        """Whether a cue number is here, with empty lines between it and its time line.

        The line before must be empty, and the number the expected one: otherwise it is spoken text.
        """
        if self.kind == "vtt" or not _NUMBER.fullmatch(self.lines[at]) or not self._is_due(self.lines[at]):
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
        times = _TIME_LINE.fullmatch(self.lines[self.at])
        assert times is not None
        if self.kind == "vtt" and "," in (times[5], times[11]):
            self.faults.append(Fault(self.at + 1, "WebVTT's times have a dot, not a comma", True))
        settings = (times[13].strip(),) if times[13] else ()
        self._find_text(times[13] or "")
        self.at += 1
        marked = tuple(self._read_text())
        self.captions.append(
            Caption(
                _time_ms(times.groups()[:6]),
                _time_ms(times.groups()[6:12]),
                tuple(filter(None, (markup.visible_text(line, self.kind) for line in marked))),
                number,
                first + 1,
                marked,
                self._place(marked, settings),
                settings,
                tuple(self.waiting),
            )
        )
        self.waiting = []

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
        if self.kind == "srt" and is_below_text and not self._is_due(number):
            self.faults.append(Fault(first + 1, f"{number!r} may be the cue's number or spoken"))
        return number

    def _find_text(self, behind: str) -> None:
        """Record text behind the times, which no player shows."""
        setting = _VTT_SETTING if self.kind == "vtt" else _SRT_SETTING
        if not all(map(setting.fullmatch, behind.split())):
            self.faults.append(Fault(self.at + 1, f"text on the time line: {behind.strip()[:60]!r}"))

    def _place(self, marked: Sequence[str], settings: tuple[str, ...]) -> str:
        if self.kind == "vtt":
            return " ".join(settings)
        return "".join(tag for line in marked for tag in markup.positions(line))

    def _read_text(self) -> Iterator[str]:
        """Yield the lines of a caption, up to the next one's first line."""
        empty_at = 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                if self.kind == "vtt":
                    return
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
        if self.kind == "vtt":
            return is_time_line(self.lines[self.at])
        if self._begins_caption(self.at):
            return True
        return is_after_empty and (self._begins_apart(self.at) or self._is_bad_start(self.at))

    def _is_bad_start(self, at: int) -> bool:
        """Whether a caption seems to begin here with unreadable times."""
        line = self.lines[at]
        following = self.lines[at + 1] if at + 1 < len(self.lines) else ""
        return "->" in line or (_NUMBER.fullmatch(line) is not None and "->" in following)

    def _read_other(self) -> None:
        """Read a block that is not a caption: a note, or text that players do not show."""
        first = self.at
        while self.at < len(self.lines) and self.lines[self.at].strip():
            if self.at > first and is_time_line(self.lines[self.at]):
                break
            self.at += 1
        block = self.lines[first : self.at]
        if self.kind == "vtt" and block[0].split()[0] in _NOTES:
            self.waiting += [*block, ""]
            return
        arrow = next((line for line in block if "->" in line), None)
        if arrow is not None:
            self.faults.append(Fault(first + 1, f"no time line: {arrow.strip()[:60]!r}"))
        else:
            self.faults.append(
                Fault(first + 1, f"text that belongs to no caption: {block[0].strip()[:60]!r}")
            )


def _time_ms(groups: Sequence[str | None]) -> int:
    sign, hours, minutes, seconds, _, fraction = groups
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    time_ms = whole * MS_PER_S + int((fraction or "0").ljust(3, "0")[:3])
    return -time_ms if sign else time_ms


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
    lines: Sequence[str] = caption.marked
    if kind == "vtt":  # in SRT they would be visible text
        lines = [_without_lost_stamps(line, caption) for line in lines]
    return [line for line in lines if line.strip()]


_STAMP = re.compile(r"<((?:\d{2,6}:)?\d\d:\d\d\.\d{3})>")


def _without_lost_stamps(line: str, caption: Caption) -> str:
    """Leave out the times of words that lie outside the caption: WebVTT forbids them."""
    if "<" not in line:
        return line

    def inside(stamp: re.Match[str]) -> str:
        parts = [float(part) for part in stamp[1].split(":")]
        time_ms = round(sum(part * 60**place for place, part in enumerate(reversed(parts))) * MS_PER_S)
        return stamp[0] if caption.start_ms < time_ms < caption.end_ms else ""

    return _STAMP.sub(inside, line)

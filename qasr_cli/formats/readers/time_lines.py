r"""The line with a cue's start and end, in SubRip and WebVTT: as most players take it, and what is wrong.

In goes a line; out come times and the places where players differ. SubRip has no standard, so its times are
those of ffmpeg (mpv, Jellyfin, Kodi) and VLC: both read the digits behind the comma as a number of
milliseconds, so `41,04` is 41.004 s. WebVTT's are checked by `webvtt_blocks`; this module only explains.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qasr_cli.timebase import MS_PER_S

BYTE_ORDER_MARK = "\ufeff"
_MISREAD_MARK = "ï»¿"  # the same in UTF-8, read as CP1252
# More digits of hours than in any file, so that late times from `--fix` can be read, too.
_CLOCK = re.compile(
    r"([-−]?) {0,3}(?:([0-9]{1,6}) {0,3}: {0,3})?([0-9]{1,3}) {0,3}: {0,3}([0-9]{1,2})"
    r"(?: {0,3}([,.:;]) {0,3}([0-9]{1,9}))?"
)
_USUAL_ARROW = re.compile(r"(?<!-)-{2,40}>")
# From word processors, other converters and slips; only between two whole times.
_ODD_ARROW = re.compile(r"(?<!-)-(?:>| {1,3}->|-{1,3} {1,3}>)|[–—−]{1,3} ?>|[=~]{1,3}>|[→⇒➔➜]")
_MAYBE = re.compile(r"[-−]?\s{0,3}[0-9]{1,6} {0,3}:")
_FRACTION_DIGITS = 3


@dataclass(frozen=True, slots=True)
class _Clock:
    """One time as written; `hours` and `fraction` are "" where they are missing."""

    sign: str
    hours: str
    minutes: str
    seconds: str
    mark: str
    fraction: str
    text: str

    @classmethod
    def of(cls, match: re.Match[str]) -> _Clock:
        """Return the time of a match of `_CLOCK`."""
        sign, hours, minutes, seconds, mark, fraction = (group or "" for group in match.groups())
        return cls(sign, hours, minutes, seconds, mark, fraction, match[0])

    @property
    def is_whole(self) -> bool:
        """Whether it cannot be spoken words: `10:30` may be, `10:30.000` is not."""
        return len(self.fraction) == _FRACTION_DIGITS or bool(self.hours and self.fraction)

    @property
    def time_ms(self) -> int:
        whole = (int(self.hours or 0) * 60 + int(self.minutes)) * 60 + int(self.seconds)
        time_ms = whole * MS_PER_S + int(self.fraction[:_FRACTION_DIGITS] or 0)
        return -time_ms if self.sign else time_ms

    def complaints(self, kind: str) -> list[str]:
        """Return what players misread in it."""
        found = []
        if " " in self.text:
            found.append("blanks inside a time")
        if self.mark in {":", ";"} or (kind == "vtt" and self.mark == ","):
            usual = "a dot" if kind == "vtt" else "a comma"
            found.append(f"{self.mark!r} before the milliseconds, not {usual}")
        if not self.fraction:
            found.append("a time without milliseconds")
        elif len(self.fraction) != _FRACTION_DIGITS:
            found.append(self._of_fraction(kind))
        if int(self.minutes) > 59 or int(self.seconds) > 59:
            found.append("minutes or seconds above 59")
        if kind == "srt" and not self.hours:
            found.append("a time without hours")
        if kind == "vtt":
            found += self._of_webvtt()
        return found

    def _of_fraction(self, kind: str) -> str:
        n_digits = len(self.fraction)
        digits = f"{n_digits} digit{'' if n_digits == 1 else 's'} of milliseconds in {self.text!r}"
        seconds = f"{int(self.seconds)}.{int(self.fraction[:_FRACTION_DIGITS]):03d}"
        who = "players that show it" if kind == "vtt" else "most players"
        return f"{digits}: {who} read {seconds} s"

    def _of_webvtt(self) -> list[str]:
        found = []
        if len(self.minutes) != 2 or len(self.seconds) != 2:
            found.append("minutes or seconds without two digits")
        if self.sign:
            found.append("a negative time")
        return found


@dataclass(frozen=True, slots=True)
class TimeLine:
    """The times of a cue as most players take them.

    Attributes:
        behind: The text behind the times: settings, or misplaced words.
        complaints: What players misread, each in a few words.
    """

    start_ms: int
    end_ms: int
    behind: str
    complaints: tuple[str, ...]


def bare(line: str) -> str:
    """Return a line without byte order marks in front, which are no text: they are left from joined files."""
    while line.startswith((BYTE_ORDER_MARK, _MISREAD_MARK)):
        line = line.removeprefix(BYTE_ORDER_MARK).removeprefix(_MISREAD_MARK)
    return line


def is_time_line(line: str) -> bool:
    """Whether a line has a start and an end time."""
    return _parts(line) is not None


def read(line: str, kind: str) -> TimeLine | None:
    """Return the times of a line of an SRT or WebVTT file (`kind`: srt, vtt); None if it has none."""
    parts = _parts(line)
    if parts is None:
        return None
    start, arrow, end, behind = parts
    complaints = [*start.complaints(kind), *end.complaints(kind)]
    if arrow != "-->":
        complaints.append(f"{arrow!r} instead of '-->'")
    return TimeLine(start.time_ms, end.time_ms, behind, tuple(dict.fromkeys(complaints)))


def _parts(line: str) -> tuple[_Clock, str, _Clock, str] | None:
    """Return the start, the arrow, the end and the text behind them."""
    stripped = bare(line.strip()).replace("\t", " ")
    if not _MAYBE.match(stripped):
        return None
    arrow = _USUAL_ARROW.search(stripped) or _ODD_ARROW.search(stripped)
    if arrow is None:
        return None
    first = _CLOCK.fullmatch(stripped[: arrow.start()].rstrip())
    rest = stripped[arrow.end() :].lstrip()
    last = _CLOCK.match(rest)
    if first is None or last is None or rest[last.end() : last.end() + 1].strip():
        return None
    start, end = _Clock.of(first), _Clock.of(last)
    if not arrow[0].startswith("--") and not (start.is_whole and end.is_whole):
        return None  # `10:30 -> 11:00` may be said
    return start, arrow[0], end, rest[last.end() :].strip()

"""Where a WebVTT cue is shown: its settings as the standard has browsers read them.

In goes the text behind a cue's times; out come the settings that take effect. A misspelt setting has
no effect (W3C WebVTT: "parse the WebVTT cue settings").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

_SPACES = re.compile(r"[ \t\f]+")
_PERCENTAGE = re.compile(r"\A([0-9]++(?:\.[0-9]++)?)%")
_NUMBER = re.compile(r"-?[0-9]++(?:\.[0-9]++)?")
_LINE_ALIGNS = {"start", "center", "end"}
_POSITION_ALIGNS = {"line-left", "center", "line-right"}
_TEXT_ALIGNS = {"start", "center", "end", "left", "right"}
_ALL = 100.0


@dataclass(slots=True)
class CueSettings:
    """The settings of one cue; the defaults are the standard's.

    Attributes:
        vertical: rl, lr, or "" for horizontal text.
        line: Number of a line, or percentage of the picture if not `is_snapping`; None for the usual place.
        position: Percentage; None for that of the alignment.
        size: Percentage.
        region: Identifier of its region, or "".
    """

    vertical: str = ""
    line: float | None = None
    is_snapping: bool = True
    line_align: str = "start"
    position: float | None = None
    position_align: str = "auto"
    size: float = _ALL
    align: str = "center"
    region: str = field(default="")

    @property
    def place(self) -> str:
        """Where the cue is shown, as one text; "" for the usual place."""
        return "" if self == CueSettings() else repr(self)

    def _set_region(self, value: str) -> None:
        self.region = value

    def _set_vertical(self, value: str) -> None:
        self.vertical = value if value in {"rl", "lr"} else self.vertical

    def _set_line(self, value: str) -> None:
        number, _, align = value.partition(",")
        is_number = _NUMBER.fullmatch(number) is not None
        line = float(number) if is_number else _percentage(number)
        if line is None:
            return
        self.line, self.is_snapping = line, is_number
        self.line_align = align if align in _LINE_ALIGNS else self.line_align

    def _set_position(self, value: str) -> None:
        number, _, align = value.partition(",")
        position = _percentage(number)
        if position is None:
            return
        self.position = position
        self.position_align = align if align in _POSITION_ALIGNS else self.position_align

    def _set_size(self, value: str) -> None:
        size = _percentage(value)
        self.size = self.size if size is None else size

    def _set_align(self, value: str) -> None:
        self.align = value if value in _TEXT_ALIGNS else self.align


_SETTERS = {
    "vertical": CueSettings._set_vertical,
    "line": CueSettings._set_line,
    "position": CueSettings._set_position,
    "size": CueSettings._set_size,
    "align": CueSettings._set_align,
    "region": CueSettings._set_region,
}


def parse(text: str, regions: Collection[str] = ()) -> CueSettings:
    """Return the settings behind a cue's times; `regions` are the identifiers of the regions so far."""
    settings = CueSettings()
    for name, value in _pairs(text):
        if name in _SETTERS and (name != "region" or value in regions):
            _SETTERS[name](settings, value)
    if settings.line is not None or settings.size != _ALL or settings.vertical:
        settings.region = ""  # a region has lines of its own
    return settings


def region_id(text: str) -> str:
    """Return the identifier of a region block's text, or ""."""
    return next((value for name, value in reversed(list(_pairs(text))) if name == "id"), "")


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for setting in _SPACES.split(text.replace("\n", " ")):
        name, _, value = setting.partition(":")
        if name and value:
            yield name, value


def _percentage(text: str) -> float | None:
    match = _PERCENTAGE.fullmatch(text)
    value = float(match[1]) if match else None
    return value if value is not None and value <= _ALL else None

r"""Advanced SubStation Alpha and its older sister SSA: the dialogue of a script, and the script around it.

In go lines; out come captions, and everything else (styles, comments, fonts, drawings) as lines that are
written back unchanged. pysubs2 reads ASS too, but it rewrites the whole file; a repaired copy must differ
only in times and line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qasr_cli.formats.readers import markup
from qasr_cli.formats.readers.caption_file import CaptionFile, Fault
from qasr_cli.records import Caption
from qasr_cli.timebase import MS_PER_S

GRID_MS = 10  # its times are hundredths of a second
_SECTION = re.compile(r"\A\s*+\[(.+)\]\s*+")
# More digits of hours than in any file; a number of any length would be an error far from here.
_TIME = re.compile(r"\A\s*+(-?)([0-9]{1,6}):([0-9]{1,2}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?\s*+")
_FRACTION_DIGITS = 2
_USUAL = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"
_DIALOGUE = "Dialogue:"
_DRAWING = re.compile(
    r"\{[^{}\\]*+(?:\\(?!p[1-9])[^{}\\]*+)*+\\p[1-9]"
)  # shapes; coordinates follow instead of words
# Signs overlap the dialogue on purpose; captions that differ in one of these fields may overlap.
_PLACING = ("layer", "style", "marginl", "marginr", "marginv")
_LINE_BREAK = r"\N"


@dataclass(frozen=True, slots=True)
class _Columns:
    """The fields of a dialogue line."""

    n_fields: int
    start: int
    end: int
    placing: tuple[int, ...]

    @classmethod
    def of(cls, form: str) -> _Columns | None:
        """Return the columns of a Format line; None if it lacks times or text."""
        names = [name.strip().lower() for name in form.split(",")]
        if not {"start", "end"} <= set(names) or names[-1] != "text":
            return None
        placing = tuple(place for place, name in enumerate(names) if name in _PLACING)
        return cls(len(names), names.index("start"), names.index("end"), placing)


def is_script(lines: Sequence[str]) -> bool:
    """Whether lines are an ASS or SSA script."""
    first = next((line for line in lines if line.strip() and not line.startswith(";")), "")
    return bool(re.match(r"\s*\[(Script Info|V4\+? Styles|Events)\]", first, re.IGNORECASE))


def read(lines: Sequence[str]) -> CaptionFile:
    """Read an ASS or SSA script."""
    captions: list[Caption] = []
    faults: list[Fault] = []
    waiting: list[str] = []
    section, columns = "", _Columns.of(_USUAL)
    for number, line in enumerate(lines, 1):
        header = _SECTION.fullmatch(line)
        if header:
            section = header[1].strip().lower()
        elif section == "events" and line.lstrip().lower().startswith("format:"):
            columns = _Columns.of(line.partition(":")[2])
            if columns is None:
                faults.append(Fault(number, "the events' Format line names no Start, End and, last, Text"))
        elif section == "events" and _is_dialogue(line) and columns:
            caption = _caption(line.lstrip(), number, columns, tuple(waiting))
            if caption is not None:
                captions.append(caption)
                faults += _odd_times(caption)
                waiting = []
                continue
            faults.append(Fault(number, f"no dialogue line: {line.strip()[:60]!r}"))
        waiting.append(line)
    return CaptionFile("ass", tuple(captions), tuple(faults), tail=tuple(waiting))


def _is_dialogue(line: str) -> bool:
    """Whether players show a line's text; they accept white space before it, but no other spelling."""
    return line.lstrip().startswith(_DIALOGUE) and not _DRAWING.search(line)


def _caption(line: str, number: int, columns: _Columns, before: tuple[str, ...]) -> Caption | None:
    fields = line[len(_DIALOGUE) :].split(",", columns.n_fields - 1)
    if len(fields) < columns.n_fields:
        return None
    start, end = _TIME.fullmatch(fields[columns.start]), _TIME.fullmatch(fields[columns.end])
    if start is None or end is None:
        return None
    marked = tuple(fields[-1].split(_LINE_BREAK))
    # A margin of 0000 is the same as one of 0.
    placing = [fields[place].strip().lstrip("0") for place in columns.placing]
    return Caption(
        _time_ms(start),
        _time_ms(end),
        tuple(filter(None, (markup.visible_text(text, "ass") for text in marked))),
        line=number,
        marked=marked,
        place=" ".join([",".join(placing), *markup.positions(fields[-1])]),
        settings=(*fields[:-1], str(columns.start), str(columns.end)),
        before=before,
    )


def _time_ms(time: re.Match[str]) -> int:
    sign, hours, minutes, seconds, fraction = time.groups()
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    # libass and ffmpeg read the digits as a number of hundredths: .5 is 50 ms. Three are milliseconds.
    parts_ms = int(fraction or 0) * (1 if len(fraction or "") > _FRACTION_DIGITS else GRID_MS)
    time_ms = whole * MS_PER_S + parts_ms
    return -time_ms if sign else time_ms


def _odd_times(caption: Caption) -> Iterator[Fault]:
    """Yield a fault for each time of an event that players differ on."""
    *fields, start, end = caption.settings
    for place in (int(start), int(end)):
        time = _TIME.fullmatch(fields[place])
        fraction = (time[5] if time else "") or ""
        if fields[place].count(":") > 2:
            text = f"':' before the hundredths in {fields[place].strip()!r}: players take the time for 0"
            yield Fault(caption.line, text, is_fixable=True)
        if len(fraction) != _FRACTION_DIGITS:
            text = f"hundredths of {len(fraction)} digits in {fields[place].strip()!r}: players differ"
            yield Fault(caption.line, text, is_fixable=True)


def write(file: CaptionFile, captions: Sequence[Caption]) -> str:
    """Return the script with the captions' times and line breaks; times are whole hundredths, not negative.

    Events keep the order of the file, which is the order of drawing.
    """
    written: list[str] = []
    for caption in sorted(captions, key=lambda one: one.line):
        *fields, start, end = caption.settings
        fields[int(start)] = _like(fields[int(start)], _clock(caption.start_ms))
        fields[int(end)] = _like(fields[int(end)], _clock(caption.end_ms))
        text = _LINE_BREAK.join(caption.marked)
        written += [*caption.before, f"{_DIALOGUE}{','.join([*fields, text])}"]
    return "\n".join([*written, *file.tail]).rstrip("\n") + "\n"


def _like(old: str, new: str) -> str:
    """Return `new` with the white space around `old`."""
    return old[: len(old) - len(old.lstrip())] + new + old[len(old.rstrip()) :]


def _clock(time_ms: int) -> str:
    seconds, rest_ms = divmod(time_ms, MS_PER_S)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest_ms // GRID_MS:02d}"

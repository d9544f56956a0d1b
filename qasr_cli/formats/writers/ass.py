r"""Advanced SubStation Alpha: subtitles with a style for each speaker, as libass draws them.

In go cues; out comes a script of 1920 × 1080 units for mpv, VLC and ffmpeg. Each speaker has a style with a
colour of its own (`speaker_colours`) and is named in the events' Name field; without speakers there is one
style, in white. Times are hundredths of a second: both ends are rounded up, so that no cue overlaps the next
one. Words of low confidence are underlined; with highlighting each word gets its colour when it is spoken
(`\k`, whose times fill the cue).

ASS has no escapes, so a few characters are replaced as in SubRip: `{` and `}`, which libass hides, by their
full-width forms; behind a backslash that would begin a tag (`\N`, `\n`, `\h`) stands a word joiner.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from qasr_cli.formats.writers.speaker_colours import colour
from qasr_cli.formats.writers.spoken_text import TextRun, line_speakers, one_line, runs, speaker_names
from qasr_cli.formats.writers.turns import is_marked
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript, Word

_HUNDREDTH_MS = 10
_NO_STYLE = "Default"
_LINE_BREAK = r"\N"
_WAITING = "A0A0A0"  # of a word that is not yet spoken, with highlighting
_WORD_JOINER = "\u2060"
_BRACES = str.maketrans({"{": "｛", "}": "｝"})
_BREAKING = re.compile(r"\\(?=[Nnh])")
# libass takes the first strong letter's direction for the line's with this number, else left to right.
_ANY_DIRECTION, _ANY_CHARSET = -1, 1
_STYLE_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, "
    "Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, "
    "MarginL, MarginR, MarginV, Encoding"
)
# 60 of 1080 units: 42 letters of Arial are two thirds of the width; the outline keeps any picture apart.
_STYLE = (
    "Style: {name},Arial,60,&H00{shown},&H00{waiting},&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,0,2,90,"
    "90,54,{encoding}"
)
_EVENT_FIELDS = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of an ASS script."""
    words, names = transcript.words, _names(transcript, cues)
    styles = {label: f"Speaker{number}" for number, label in enumerate(names, 1)}
    encoding = _ANY_DIRECTION if _is_right_to_left(cues) else _ANY_CHARSET
    lines = [
        "[Script Info]",
        f"Title: {one_line(transcript.source_name)}",
        "ScriptType: v4.00+",
        "PlayResX: 1920",
        "PlayResY: 1080",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "",
        "[V4+ Styles]",
        f"Format: {_STYLE_FIELDS}",
        *(
            _STYLE.format(name=name, shown=_bgr(bright), waiting=_bgr(_WAITING), encoding=encoding)
            for name, bright in [
                (_NO_STYLE, colour(0).bright),
                *((style, colour(place).bright) for place, style in enumerate(styles.values())),
            ]
        ),
        "",
        "[Events]",
        f"Format: {_EVENT_FIELDS}",
        *(_event(cue, words, styles, names, options) for cue in cues),
    ]
    return "\n".join(lines) + "\n"


def _names(transcript: Transcript, cues: Sequence[Cue]) -> dict[str, str]:
    """Return the names of all speakers by label, also of cues that came from another file."""
    names = speaker_names(transcript)
    for cue in cues:
        for speaker in cue.speakers:
            if speaker.label:
                names.setdefault(speaker.label, one_line(speaker.label))
    return names


def _is_right_to_left(cues: Sequence[Cue]) -> bool:
    return any(
        unicodedata.bidirectional(char) in {"R", "AL"}
        for cue in cues
        for line in cue.lines
        if not line.isascii()
        for char in line
    )


def _bgr(rgb: str) -> str:
    return rgb[4:6] + rgb[2:4] + rgb[:2]


def _event(
    cue: Cue, words: Sequence[Word], styles: dict[str, str], names: dict[str, str], options: OutputOptions
) -> str:
    start, end = _hundredths(cue.start_ms), _hundredths(cue.end_ms)
    end = max(end, start + 1)
    lines = runs(cue, words)
    labels = [speaker.label for speaker in cue.speakers] if line_speakers(cue, names) else [""] * len(lines)
    of_lines = [styles.get(label, _NO_STYLE) for label in labels]
    first = of_lines[0] if of_lines else _NO_STYLE
    timed = _karaoke(lines, words, start, end) if options.highlight_words else {}
    texts, before = [], first
    for line, style in zip(lines, of_lines, strict=True):
        text = "".join(_text(run, words, timed, options) for run in line)
        texts.append(text if style == before else f"{{\\r{style}}}{text}")
        before = style
    shown = "; ".join(dict.fromkeys(_field(names[label]) for label in labels if label in names))
    return f"Dialogue: 0,{_clock(start)},{_clock(end)},{first},{shown},0,0,0,,{_LINE_BREAK.join(texts)}"


def _text(run: TextRun, words: Sequence[Word], timed: dict[int, str], options: OutputOptions) -> str:
    text = _BREAKING.sub(rf"\\{_WORD_JOINER}", run.text.translate(_BRACES))
    if run.word is None:
        return text
    if is_marked(words[run.word], options):
        text = f"{{\\u1}}{text}{{\\u0}}"
    return timed.pop(run.word, "") + text  # once for a word that goes on in the next line


def _karaoke(
    lines: Sequence[Sequence[TextRun]], words: Sequence[Word], start: int, end: int
) -> dict[int, str]:
    """Return the tag before each word: the hundredths until the next one; together they fill the cue."""
    spoken = list(dict.fromkeys(run.word for line in lines for run in line if run.word is not None))
    at = start
    begins = []
    for index in spoken:
        at = min(max(at, _hundredths(words[index].start_ms)), end)
        begins.append(at)
    tags = {
        index: f"{{\\k{following - begin}}}"
        for index, (begin, following) in zip(spoken, pairwise([*begins, end]), strict=True)
    }
    if begins and begins[0] > start:
        tags[spoken[0]] = f"{{\\k{begins[0] - start}}}" + tags[spoken[0]]
    return tags


def _field(name: str) -> str:
    """Return a name as a field of an event, which a comma would end."""
    return name.replace(",", " ").replace(";", " ").translate(_BRACES).strip()


def _hundredths(time_ms: int) -> int:
    return -(-time_ms // _HUNDREDTH_MS)


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:02d}"

r"""SubRip: every player and editor reads it, and it has no escapes.

In go cues; out comes the text of an `.srt`: UTF-8 without a byte order mark, `\n`, consecutive numbers from
1. The `srt` library writes the blocks; this module makes the text legal first, because the library drops
illegal blocks (`reindex`) and cuts times to milliseconds by flooring.

SRT has no escapes, so a few characters are replaced (JSON and WebVTT keep them). Measured with ffmpeg's
reader, which mpv and Jellyfin share: it deletes `<…>`, and libass hides `{…}`.

    -->            →           a naive reader takes it for a time line
    < before a >   ＜ and ＞    else `x<y then z>w` is read as `xw`
    { and }        ｛ and ｝
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

import srt

from qasr_cli.formats.writers.highlights import moments
from qasr_cli.formats.writers.spoken_text import TextRun, runs
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript, Word

_ARROW = re.compile("-->")
_BRACES = str.maketrans({"{": "｛", "}": "｝"})
_ANGLES = str.maketrans({"<": "＜", ">": "＞"})


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of an SRT file; empty without cues."""
    return append(transcript, cues, options, 0)


def append(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions, n_before: int) -> str:
    """Return the text of cues that follow `n_before` blocks in the same file."""
    words = transcript.words
    blocks: list[srt.Subtitle] = []
    for cue in cues:
        for start_ms, end_ms, content in _blocks(cue, words, is_highlighting=options.highlight_words):
            start, end = timedelta(milliseconds=start_ms), timedelta(milliseconds=end_ms)
            blocks.append(srt.Subtitle(n_before + len(blocks) + 1, start, end, content))
    return str(srt.compose(blocks, reindex=False))


def _blocks(cue: Cue, words: Sequence[Word], *, is_highlighting: bool) -> Iterator[tuple[int, int, str]]:
    lines = _safe(runs(cue, words))
    if not is_highlighting:
        yield cue.start_ms, cue.end_ms, _content(lines, None)
        return
    for moment in moments(cue, lines, words):
        yield moment.start_ms, moment.end_ms, _content(lines, moment.word)


def _content(lines: Sequence[Sequence[TextRun]], spoken: int | None) -> str:
    return "\n".join("".join(_text(run, spoken) for run in line) for line in lines)


def _text(run: TextRun, spoken: int | None) -> str:
    return f"<u>{run.text}</u>" if spoken is not None and run.word == spoken else run.text


def _safe(lines: Sequence[Sequence[TextRun]]) -> list[list[TextRun]]:
    """Return the runs with illegal text replaced, the same whichever word is underlined."""
    arrowless = [_without_arrows(line) for line in lines]
    plain = "\n".join("".join(run.text for run in line) for line in arrowless)
    is_tagged = 0 <= plain.find("<") < plain.rfind(">")
    table = (_BRACES | _ANGLES) if is_tagged else _BRACES
    return [[TextRun(run.text.translate(table), run.word) for run in line] for line in arrowless]


def _without_arrows(line: Sequence[TextRun]) -> list[TextRun]:
    """Replace arrows, which may have come together from two words: the last one's run gets it."""
    text = "".join(run.text for run in line)
    if "-->" not in text:
        return list(line)
    chars = list(text)
    for arrow in _ARROW.finditer(text):
        chars[arrow.start() : arrow.end()] = ["", "", "→"]
    runs_left, place = [], 0
    for run in line:
        text = "".join(chars[place : place + len(run.text)])
        place += len(run.text)
        runs_left += [TextRun(text, run.word)] if text else []
    return runs_left

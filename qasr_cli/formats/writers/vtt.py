"""WebVTT: the web's subtitles, with the time of every word inside.

In go cues; out comes the text of a `.vtt`. Every word after a cue's first is preceded by its start as an
inline timestamp (`<00:00:01.500>word`): players ignore the timestamps or use them for `::cue(:past)`, and the
shown text is the same. Timestamps are strictly inside the cue and strictly increasing, as the standard
requires; a word whose start is not has none.

With highlighting, each cue is written once for each word instead, underlined, as in whisper: a timestamp is
invisible without a style sheet.

webvtt-py writes the blocks; it escapes nothing, so this module escapes `& < >` and the bidi marks. Escaping
`>` also means that no text contains `-->`, which ends a cue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import webvtt

from qasr_cli.formats.writers.highlights import moments
from qasr_cli.formats.writers.spoken_text import TextRun, runs
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript, Word
from qasr_cli.timebase import format_clock

HEADER = "WEBVTT\n"  # what a file without cues consists of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\u200e": "&lrm;", "\u200f": "&rlm;"})


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a WebVTT file; without cues it is the signature alone."""
    words = transcript.words
    file = webvtt.WebVTT()
    for cue in cues:
        for start_ms, end_ms, payload in _payloads(cue, words, is_highlighting=options.highlight_words):
            file.captions.append(webvtt.Caption(format_clock(start_ms), format_clock(end_ms), payload))
    return str(file.content).rstrip("\n") + "\n"


def append(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions, n_before: int) -> str:
    """Return the text of cues that follow others in the same file, or its header."""
    del n_before  # blocks have no numbers
    return render(transcript, cues, options).removeprefix(HEADER)


def escape(text: str) -> str:
    """Return `text` as WebVTT cue text."""
    return text.translate(_ESCAPES)


def _payloads(cue: Cue, words: Sequence[Word], *, is_highlighting: bool) -> Iterator[tuple[int, int, str]]:
    lines = runs(cue, words)
    if not is_highlighting:
        yield cue.start_ms, cue.end_ms, _stamped(cue, lines, words)
        return
    for moment in moments(cue, lines, words):
        underlined = ("".join(_underlined(run, moment.word) for run in line) for line in lines)
        yield moment.start_ms, moment.end_ms, "\n".join(underlined)


def _underlined(run: TextRun, spoken: int | None) -> str:
    text = escape(run.text)
    return f"<u>{text}</u>" if spoken is not None and run.word == spoken else text


def _stamped(cue: Cue, lines: Sequence[Sequence[TextRun]], words: Sequence[Word]) -> str:
    latest_ms = cue.start_ms
    # The first word is spoken as the cue appears, so it needs no stamp.
    stamped = next((run.word for line in lines for run in line if run.word is not None), None)
    payload: list[str] = []
    for number, line in enumerate(lines):
        payload.append("\n" if number else "")
        for run in line:
            if run.word is not None and run.word != stamped:
                stamped = run.word
                start_ms = words[stamped].start_ms
                if latest_ms < start_ms < cue.end_ms:
                    payload.append(f"<{format_clock(start_ms)}>")
                    latest_ms = start_ms
            payload.append(escape(run.text))
    return "".join(payload)

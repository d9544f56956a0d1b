"""WebVTT: the web's subtitles, with the time of every word inside.

In go cues; out comes the text of a `.vtt`. Every word after a cue's first is preceded by its start as an
inline timestamp (`<00:00:01.500>word`): players ignore the timestamps or use them for `::cue(:past)`, and the
shown text is the same. Timestamps are strictly inside the cue and strictly increasing, as the standard
requires; a word whose start is not has none.

A line of a known speaker is in a voice tag (`<v Anna>`), which replaces the name that other formats show:
players hide it or style it. Dashes stay.

With highlighting, each cue is written once for each word instead, underlined, as in whisper: a timestamp is
invisible without a style sheet.

webvtt-py writes the blocks; it escapes nothing, so this module escapes `& < >` and the bidi marks. Escaping
`>` also means that no text contains `-->`, which ends a cue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import webvtt

from qasr_cli.formats.writers.highlights import moments
from qasr_cli.formats.writers.spoken_text import TextRun, line_speakers, runs, speaker_names
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Transcript, Word
from qasr_cli.timebase import format_clock

HEADER = "WEBVTT\n"  # what a file without cues consists of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\u200e": "&lrm;", "\u200f": "&rlm;"})


def render(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions) -> str:
    """Return the text of a WebVTT file; without cues it is the signature alone."""
    words, names = transcript.words, speaker_names(transcript)
    file = webvtt.WebVTT()
    for cue in cues:
        voices = line_speakers(cue, names)
        for start_ms, end_ms, lines in _payloads(cue, words, is_highlighting=options.highlight_words):
            payload = "\n".join(lines if voices is None else _voiced(lines, voices))
            file.captions.append(webvtt.Caption(format_clock(start_ms), format_clock(end_ms), payload))
    return str(file.content).rstrip("\n") + "\n"


def append(transcript: Transcript, cues: Sequence[Cue], options: OutputOptions, n_before: int) -> str:
    """Return the text of cues that follow others in the same file, or its header."""
    del n_before  # blocks have no numbers
    return render(transcript, cues, options).removeprefix(HEADER)


def escape(text: str) -> str:
    """Return `text` as WebVTT cue text."""
    return text.translate(_ESCAPES)


def _voiced(lines: Sequence[str], voices: Sequence[str]) -> Iterator[str]:
    """Yield lines with one voice tag around the lines of each speaker."""
    for number, (line, voice) in enumerate(zip(lines, voices, strict=True)):
        is_begun = number > 0 and voices[number - 1] == voice
        goes_on = number + 1 < len(voices) and voices[number + 1] == voice
        # An annotation loses the white space around it, and `-->` would end the cue.
        named = escape(voice) + " " * voice.endswith("--")
        opening = f"<v {named}>" if voice and not is_begun else ""
        yield f"{opening}{line}{'</v>' if voice and not goes_on else ''}"


def _payloads(
    cue: Cue, words: Sequence[Word], *, is_highlighting: bool
) -> Iterator[tuple[int, int, list[str]]]:
    lines = runs(cue, words, is_named=False)
    if not is_highlighting:
        yield cue.start_ms, cue.end_ms, _stamped(cue, lines, words)
        return
    for moment in moments(cue, lines, words):
        underlined = ["".join(_underlined(run, moment.word) for run in line) for line in lines]
        yield moment.start_ms, moment.end_ms, underlined


def _underlined(run: TextRun, spoken: int | None) -> str:
    text = escape(run.text)
    return f"<u>{text}</u>" if spoken is not None and run.word == spoken else text


def _stamped(cue: Cue, lines: Sequence[Sequence[TextRun]], words: Sequence[Word]) -> list[str]:
    latest_ms = cue.start_ms
    # The first word is spoken as the cue appears, so it needs no stamp.
    stamped = next((run.word for line in lines for run in line if run.word is not None), None)
    stamped_lines: list[str] = []
    for line in lines:
        payload: list[str] = []
        for run in line:
            if run.word is not None and run.word != stamped:
                stamped = run.word
                start_ms = words[stamped].start_ms
                if latest_ms < start_ms < cue.end_ms:
                    payload.append(f"<{format_clock(start_ms)}>")
                    latest_ms = start_ms
            payload.append(escape(run.text))
        stamped_lines.append("".join(payload))
    return stamped_lines

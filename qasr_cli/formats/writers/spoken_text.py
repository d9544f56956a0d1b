"""The place of each word in the lines of its cue, and the cleaning of text for every format.

In go a cue and the transcript's words; out come the cue's lines as runs of text, each with its word. Lines
and words differ in white space and Unicode normalization, so they are matched by their visible characters; if
they do not match, a cue is one run without words rather than a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from qasr_cli import languages
from qasr_cli.records import Cue, Transcript, Word

# Characters that some readers take for the end of a line: VT, FF, FS..US, NEL, LS, PS.
_LINE_END = re.compile(r"[\r\n\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+")
# Not allowed in any text format; a byte order mark is no text. A lone surrogate cannot even be encoded.
_ILLEGAL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TextRun:
    """A part of a line.

    Attributes:
        word: Index of its word in the transcript; None for spaces and text of no word of the cue.
    """

    text: str
    word: int | None = None


def one_line(text: str) -> str:
    """Return `text` without line ends (a space instead), control characters and lone surrogates."""
    return _SURROGATE.sub("\ufffd", _ILLEGAL.sub("", _LINE_END.sub(" ", text)))


def speaker_names(transcript: Transcript) -> dict[str, str]:
    """Return what is shown for each speaker, by label, on one line; the label where a name has no letter."""
    names = transcript.speaker_names.items()
    return {label: _on_one_line(name) or _on_one_line(label) for label, name in names}


def _on_one_line(name: str) -> str:
    return " ".join(one_line(name).split())


def joined(cues: Sequence[Cue], transcript: Transcript) -> Iterator[str]:
    """Yield each cue's text as one line; a line break becomes the transcript's text in its place."""
    words = transcript.words
    spaced = is_spaced(transcript.language)
    # A segment's first word has no lead, but may need a space before it.
    seams = set(accumulate(len(segment.words) for segment in transcript.segments))
    for cue in cues:
        text, last = "", None
        for line in runs(cue, words):
            added = "".join(run.text for run in line)
            first = line[0].word if line else None
            joint = _joint(last, first, words, seams) if text else ""
            if joint is None:
                joint = " " if spaced else languages.joint(text, added)
            text += joint + added
            last = line[-1].word if line else None
        yield text


def _joint(last: int | None, first: int | None, words: Sequence[Word], seams: set[int]) -> str | None:
    """Return the transcript's text between the end of a line and the begin of the next; None if unknown.

    Args:
        last: The last word of the line, or None.
        first: The first word of the next line, or None.
        words: Words of the transcript.
        seams: The words that begin a segment.
    """
    if first is None:
        return None
    if first == last:  # one word over two lines; if it has spaces, the break may be at any of them
        return "" if len(words[first].text.split()) == 1 else None
    return None if first in seams else one_line(words[first].lead)


def is_spaced(language: str | None) -> bool:
    """Whether words of a language are separated by spaces; True for an unknown language."""
    entry = languages.find(language) if language else None
    return entry is None or entry.is_spaced


def runs(cue: Cue, transcript_words: Sequence[Word], *, is_named: bool = True) -> list[list[TextRun]]:
    """Return the runs of each line of `cue`; joined they are the line.

    Args:
        cue: The cue.
        transcript_words: All words of the transcript.
        is_named: Lines keep the names of speakers; a format with a place of its own for them leaves them out.
    """
    texts = [(index, _visible(transcript_words[index].text)) for index in range(*cue.word_range)]
    heads, lines = _heads(cue, is_named=is_named)
    matched = _match(lines, [(index, text) for index, text in texts if text])
    of_lines = [[TextRun(line)] for line in lines] if matched is None else matched
    return [
        [TextRun(head), *of_line] if head else of_line for head, of_line in zip(heads, of_lines, strict=True)
    ]


def _heads(cue: Cue, *, is_named: bool) -> tuple[list[str], list[str]]:
    """Return what each line shows of its speaker, and the rest of it."""
    lines = [one_line(line) for line in cue.lines]
    if len(cue.speakers) != len(lines):
        return [""] * len(lines), lines
    heads = []
    for number, (speaker, line) in enumerate(zip(cue.speakers, lines, strict=True)):
        dash, name = one_line(speaker.dash), one_line(speaker.name)
        is_head = line.startswith(dash + name)
        heads.append((dash + name if is_named else dash) if is_head else "")
        lines[number] = line.removeprefix(dash + name)
    return heads, lines


def line_speakers(cue: Cue, names: Mapping[str, str]) -> list[str] | None:
    """Return the name of each line's speaker on one line; None if speakers are not told apart."""
    if not cue.speakers or len(cue.speakers) != len(cue.lines):
        return None
    return [names.get(one.label) or _on_one_line(one.label) for one in cue.speakers]


def _match(lines: Sequence[str], queue: Sequence[tuple[int, str]]) -> list[list[TextRun]] | None:
    number, done = 0, 0  # the word that is being read, and how much of it
    runs_of_lines: list[list[TextRun]] = []
    for line in lines:
        line_runs: list[TextRun] = []
        place = 0
        while place < len(line):
            space = len(line[place:]) - len(line[place:].lstrip())
            if space:
                line_runs.append(TextRun(line[place : place + space]))
                place += space
                continue
            if number == len(queue):
                return None
            word, text = queue[number]
            taken = _common(line, place, text[done:])
            if not taken:
                return None
            line_runs.append(TextRun(line[place : place + taken], word))
            place, done = place + taken, done + taken
            if done == len(text):
                number, done = number + 1, 0
        runs_of_lines.append(line_runs)
    # Only the last word may be cut: it goes on in the next cue.
    return runs_of_lines if number >= len(queue) - bool(done) else None


def _visible(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", one_line(text)).split())


def _common(line: str, place: int, text: str) -> int:
    """Return the length of the common prefix of `text` and the line from `place` on."""
    taken = 0
    while taken < len(text) and place + taken < len(line) and line[place + taken] == text[taken]:
        taken += 1
    return taken

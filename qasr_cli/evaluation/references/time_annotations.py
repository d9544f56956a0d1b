"""Annotations of speech research: TextGrid (Praat), CTM, STM and RTTM (NIST).

In go texts; out come words with times, and turns of speakers. TextGrid is read as Praat reads it: strings in
quotation marks and numbers that stand alone count, whatever is written between them, so that its long and its
short form are the same. Lines of the NIST formats that begin with `;;` or `#` are comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qasr_cli.errors import UndecodableError
from qasr_cli.evaluation.utterances import TimedWord, Turn
from qasr_cli.timebase import seconds_to_ms

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)')
_WORD_TIERS = ("words", "word")
_PHONES = ("phones", "phone", "phonemes")
_SILENCE = {"", "sil", "sp", "spn", "<eps>", "<unk>"}
_IGNORED = "ignore_time_segment_in_scoring"
_MAX_S = 1e7  # four months
_HINT = "compare it with the format's documentation"


@dataclass(frozen=True, slots=True)
class CtmWord:
    """A word of a CTM file and its recording."""

    recording: str
    channel: str
    word: TimedWord


@dataclass(frozen=True, slots=True)
class StmSegment:
    """A segment of an STM file: a turn, its recording and labels such as `<o,f0,male>`."""

    recording: str
    channel: str
    turn: Turn
    labels: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """An interval tier of a TextGrid: its name, and (start, end, text) of its intervals that have a text."""

    name: str
    intervals: tuple[tuple[int, int, str], ...]


def text_grid(text: str) -> list[Tier]:
    """Return the interval tiers of a TextGrid.

    Raises:
        UndecodableError: It is none, or cut off.
    """
    tokens = iter(_TOKEN.finditer(text))
    if _string(tokens) != "ooTextFile" or _string(tokens) != "TextGrid":
        raise UndecodableError("not a TextGrid of text form", _HINT)
    _number(tokens), _number(tokens)
    tiers = []
    for _ in range(_count(tokens)):
        kind, name = _string(tokens), _string(tokens)
        _number(tokens), _number(tokens)
        intervals = []
        for _ in range(_count(tokens)):
            start_s = _number(tokens)
            end_s = _number(tokens) if kind == "IntervalTier" else start_s
            label = _string(tokens).strip()
            if label and end_s > start_s:
                intervals.append((seconds_to_ms(start_s), seconds_to_ms(end_s), label))
        if kind == "IntervalTier":
            tiers.append(Tier(name, tuple(intervals)))
    return tiers


def words_of(tiers: list[Tier]) -> tuple[TimedWord, ...]:
    """Return the words of a TextGrid: of its tiers `words` or `NAME - words`, without marks of silence.

    Without such a tier it is the one with the shortest intervals that is no tier of phones.
    """
    named = [tier for tier in tiers if tier.name.lower().split(" - ")[-1].strip() in _WORD_TIERS]
    if not named:
        others = [
            tier
            for tier in tiers
            if tier.intervals and tier.name.lower().split(" - ")[-1].strip() not in _PHONES
        ]
        named = sorted(others, key=lambda tier: -len(tier.intervals))[:1]
    words = [
        TimedWord(label, start_ms, end_ms, speaker=_speaker(tier.name))
        for tier in named
        for start_ms, end_ms, label in tier.intervals
        if label.lower() not in _SILENCE
    ]
    return tuple(sorted(words, key=lambda word: (word.start_ms, word.end_ms)))


def _speaker(tier: str) -> str:
    return tier.rpartition(" - ")[0]


def _string(tokens: Iterator[re.Match[str]]) -> str:
    for match in tokens:
        if match[1] is not None:
            return match[1].replace('""', '"')
    raise UndecodableError("the TextGrid is cut off", _HINT)


def _number(tokens: Iterator[re.Match[str]]) -> float:
    for match in tokens:
        if match[2] is not None:
            value = float(match[2])
            if not -_MAX_S <= value <= _MAX_S:
                break
            return value
    raise UndecodableError("the TextGrid is cut off", _HINT)


def _count(tokens: Iterator[re.Match[str]]) -> int:
    value = _number(tokens)
    if not 0 <= value <= _MAX_S or value != int(value):
        raise UndecodableError(f"the TextGrid counts {value} entries", _HINT)
    return int(value)


def _rows(text: str, n_fields: int, n_splits: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line that is no comment.

    Raises:
        UndecodableError: A line has too few.
    """
    for line, row in enumerate(text.split("\n"), 1):
        if not row.strip() or row.lstrip().startswith((";;", "#")):
            continue
        fields = row.split(None, n_splits)
        if len(fields) < n_fields:
            raise UndecodableError(f"line {line}: {len(fields)} fields, not {n_fields}", _HINT)
        yield line, fields


def _ms(line: int, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= _MAX_S:
        raise UndecodableError(f"line {line}: {text[:40]!r} is no time in seconds", _HINT)
    return seconds_to_ms(value)


def ctm(text: str) -> Iterator[CtmWord]:
    """Yield the words of a CTM file: `RECORDING CHANNEL START DURATION WORD [CONFIDENCE]`, in seconds.

    Raises:
        UndecodableError: A line is damaged.
    """
    for line, fields in _rows(text, 5, -1):
        start_ms, length_ms = _ms(line, fields[2]), _ms(line, fields[3])
        confidence = None
        if len(fields) > 5:
            try:
                value = float(fields[5])
            except ValueError:
                value = -1.0
            confidence = value if 0 <= value <= 1 else None
        word = TimedWord(fields[4], start_ms, start_ms + length_ms, confidence)
        yield CtmWord(fields[0], fields[1], word)


def stm(text: str) -> Iterator[StmSegment]:
    """Yield the segments of an STM file: `RECORDING CHANNEL SPEAKER START END [<LABELS>] TEXT`, in seconds.

    Segments that are not to be scored are left out, as are `<unk>`; " 's" is joined to the word before it.

    Raises:
        UndecodableError: A line is damaged.
    """
    for line, fields in _rows(text, 5, 5):
        start_ms, end_ms = _ms(line, fields[3]), _ms(line, fields[4])
        rest = fields[5].strip() if len(fields) > 5 else ""
        labels = ""
        if rest.startswith("<") and not rest.startswith("<unk>"):
            labels, _, rest = rest.partition(">")
            labels += ">"
        spoken = " ".join(word for word in rest.split() if word != "<unk>")
        if spoken.lower() == _IGNORED:
            continue
        spoken = re.sub(r" (?='[a-z]{1,2}\b)", "", spoken)
        yield StmSegment(fields[0], fields[1], Turn(fields[2], start_ms, end_ms, spoken), labels)


def rttm(text: str) -> Iterator[tuple[str, Turn]]:
    """Yield recordings and turns of an RTTM file: `SPEAKER RECORDING CHANNEL START DURATION … NAME …`.

    Raises:
        UndecodableError: A line is damaged.
    """
    for line, fields in _rows(text, 2, -1):
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise UndecodableError(f"line {line}: {len(fields)} fields, not 8", _HINT)
        start_ms = _ms(line, fields[3])
        yield fields[1], Turn(fields[7], start_ms, start_ms + _ms(line, fields[4]))

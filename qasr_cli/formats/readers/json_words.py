"""Words with times of other programs' JSON: matched to the text around them, or grouped if there is none.

In go words; out come segments. A word's time may be missing (whisperX leaves out numbers), and its text may
have a space before it; what is joined is always the text of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qasr_cli import languages
from qasr_cli.formats.readers.json_fields import Fields
from qasr_cli.records import Segment, Timing, Word

_PAUSE_MS = 1_000  # between words without segments: a new caption begins
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
_MAX_WORDS = 30  # of a caption that no pause and no full stop ends


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of a file; None for a time that is missing."""

    text: str
    start_ms: int | None
    end_ms: int | None
    confidence: float | None = None
    speaker: str | None = None


def speaker_of(row: Fields) -> str | None:
    """Return the speaker that a JSON object names, as whisperX does; None without one."""
    speaker = row.values.get("speaker")
    return (speaker.strip() or None) if isinstance(speaker, str) else None


def timed_word(row: Fields) -> TimedWord:
    """Return the word of a JSON object.

    Raises:
        UndecodableError: It has no text, or a time that is no number.
    """
    text = row.text("word" if "word" in row.values else "text")
    times = [row.seconds_ms(name) if row.values.get(name) is not None else None for name in ("start", "end")]
    sure = next(
        (row.values[key] for key in ("score", "probability", "confidence") if key in row.values), None
    )
    is_sure = isinstance(sure, int | float) and not isinstance(sure, bool) and 0 <= sure <= 1
    confidence = float(sure) if is_sure and isinstance(sure, int | float) else None
    return TimedWord(text, times[0], times[1], confidence, speaker_of(row))


def placed(
    text: str, words: Sequence[TimedWord], start_ms: int, end_ms: int, speaker: str | None = None
) -> tuple[Word, ...]:
    """Return words that join to `text`; one word for all of it if the given ones do not.

    `speaker` is that of words which name none.
    """
    end_ms = max(start_ms, end_ms)
    leads = _leads(text, words)
    if leads is None:
        whole = Word("", text, start_ms, end_ms, Timing.INTERPOLATED, speaker=speaker)
        return (whole,) if text else ()
    times = _times(words, start_ms, end_ms)
    return tuple(
        Word(lead, shown, first, last, timing, word.confidence, speaker=word.speaker or speaker)
        for (lead, shown), word, (first, last, timing) in zip(leads, words, times, strict=True)
    )


def _leads(text: str, words: Sequence[TimedWord]) -> list[tuple[str, str]] | None:
    """Return the space before each word and its text as `text` has them, or None if they do not match."""
    leads: list[tuple[str, str]] = []
    at = 0
    for word in words:
        shown = word.text.strip()
        place = at + len(text[at : at + 64]) - len(text[at : at + 64].lstrip())
        if not shown or not text.startswith(shown, place):
            return None
        leads.append((text[at:place], shown))
        at = place + len(shown)
    return leads if leads and at == len(text) else None


def _times(words: Sequence[TimedWord], start_ms: int, end_ms: int) -> list[tuple[int, int, Timing]]:
    """Return the times of words in order; a missing one lies between its neighbours'."""
    following = [end_ms] * len(words)
    for place in range(len(words) - 2, -1, -1):
        later = words[place + 1].start_ms
        following[place] = following[place + 1] if later is None else later
    times: list[tuple[int, int, Timing]] = []
    last_ms = start_ms
    for word, next_ms in zip(words, following, strict=True):
        is_timed = word.start_ms is not None and word.end_ms is not None
        first = max(0, last_ms if word.start_ms is None else word.start_ms)
        last = max(first, next_ms if word.end_ms is None else word.end_ms)
        times.append((first, last, Timing.ALIGNED if is_timed else Timing.INTERPOLATED))
        last_ms = last
    return times


def grouped(words: Sequence[TimedWord]) -> list[list[int]]:
    """Return words without segments in groups that end at pauses and full stops, as places in `words`."""
    groups: list[list[int]] = []
    last_ms: int | None = None
    for place, word in enumerate(words):
        if not word.text.strip():
            continue
        is_pause = last_ms is not None and word.start_ms is not None and word.start_ms - last_ms >= _PAUSE_MS
        is_over = bool(groups) and (
            words[groups[-1][-1]].text.strip().endswith(_SENTENCE_ENDS) or len(groups[-1]) >= _MAX_WORDS
        )
        if not groups or is_pause or is_over:
            groups.append([])
        groups[-1].append(place)
        last_ms = word.end_ms if word.end_ms is not None else last_ms
    return groups


def segment(words: Sequence[TimedWord], language: str | None) -> Segment:
    """Return words as one segment."""
    # OpenAI's words have no spaces around them, whisper's begin with one where the text has one.
    has_spaces = any(word.text != word.text.strip() for word in words)
    text = ""
    for word in words:
        text += ("" if has_spaces else languages.joint(text, word.text)) + word.text
    text = text.strip()
    starts = [word.start_ms for word in words if word.start_ms is not None]
    ends = [word.end_ms for word in words if word.end_ms is not None]
    start_ms = max(0, min(starts, default=0))
    end_ms = max([start_ms, *ends])
    return Segment(start_ms, end_ms, language, text, placed(text, words, start_ms, end_ms))

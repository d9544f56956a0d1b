"""Transcripts of several speakers, for tests: turns in, words with times and speakers out."""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli import languages
from qasr_cli.options import CueOptions
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, Segment, Speaker, Track, Transcript, Word
from qasr_cli.subtitles.rules import limits

TRACK = Track(0, "pcm_s16le", 1, 16_000)


def dialogue(
    turns: Sequence[tuple[str | None, str]],
    language: str = "en",
    *,
    word_ms: int = 300,
    gap_ms: int = 200,
    names: Sequence[Speaker] = (),
) -> Transcript:
    """Return a transcript of one segment; each word takes `word_ms`, and each turn follows after `gap_ms`.

    Words are parted by spaces, or in a language without them by `|`.
    """
    entry = languages.find(language)
    is_spaced = entry is None or entry.is_spaced
    now_ms = 1_000
    words: list[Word] = []
    for speaker, text in turns:
        for part in text.split(" " if is_spaced else "|"):
            lead = " " if words and is_spaced else ""
            words.append(Word(lead, part, now_ms, now_ms + word_ms, speaker=speaker))
            now_ms += word_ms
        now_ms += gap_ms
    whole = "".join(word.lead + word.text for word in words)
    segment = Segment(1_000, now_ms, language, whole, tuple(words))
    return Transcript(
        "talk.wav", TRACK, now_ms + 2_000, (segment,), "0" * 16, "model", "aligner", speakers=tuple(names)
    )


def laid_out(transcript: Transcript, options: CueOptions | None = None) -> tuple[Cue, ...]:
    """Return the cues of a transcript."""
    return finish.lay_out(transcript, limits.of_transcript(transcript, options or CueOptions()))


def lines(transcript: Transcript, options: CueOptions | None = None) -> list[tuple[str, ...]]:
    """Return the lines of each cue of a transcript."""
    return [cue.lines for cue in laid_out(transcript, options)]

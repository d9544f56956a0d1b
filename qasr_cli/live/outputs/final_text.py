"""The text of an utterance: of its segments, as a transcript, and on one line.

In goes a final; out come a `Transcript` that the writers of formats take, and a line of text.
"""

from __future__ import annotations

from qasr_cli.formats.writers.spoken_text import one_line
from qasr_cli.records import Track, Transcript
from qasr_cli.speech.streaming.events import Final
from qasr_cli.timebase import SAMPLE_RATE_HZ

_TRACK = Track(stream_index=0, codec="pcm_s16le", channels=1, sample_rate_hz=SAMPLE_RATE_HZ)


def transcript_of(final: Final) -> Transcript:
    """Return an utterance as a transcript, with the times of the session."""
    return Transcript("", _TRACK, final.end_ms, final.segments, fingerprint="")


def text_of(final: Final) -> str:
    """Return an utterance's text on one line; "" if it has no words."""
    return " ".join(one_line(transcript_of(final).text).split())

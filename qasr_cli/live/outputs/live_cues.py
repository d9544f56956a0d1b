"""Cues of a session that goes on: the same builder as for files, one utterance at a time.

In go events; out come cues that no later text changes, in order and without overlap. The cues of an utterance
are built from its words alone. The last of them stays open: its end depends on the next utterance, whose
start is known soon (`SpeechStarted`), or on the silence after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from qasr_cli.live.outputs.final_text import transcript_of
from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Transcript
from qasr_cli.speech.streaming.events import Ended, Final, LiveEvent, Silence, SpeechStarted
from qasr_cli.subtitles.layout import cue_timing, cues
from qasr_cli.subtitles.rules import limits
from qasr_cli.subtitles.rules.limits import Limits

# Speech is found so late after it has begun, at most: the samples before it that belong to the utterance, and
# what the detector needs.
FOUND_LATE_MS = 500
_ROOM_MS = 60_000  # behind the last word, so that no cue is cut: the next utterance does that


@dataclass(frozen=True, slots=True)
class SettledCue:
    """A cue for good, and the transcript that its words are in."""

    cue: Cue
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class _OpenCue:
    """The last cue of an utterance; its words end at `spoken_until_ms`."""

    utterance: int
    cue: Cue
    transcript: Transcript
    limits: Limits
    spoken_until_ms: int


class LiveCues:
    """Builds the cues of a session.

    Args:
        options: Style of the cues.

    Raises:
        UsageError: The options contradict each other.
    """

    def __init__(self, options: CueOptions) -> None:
        limits.resolve(options, None)
        self._options = options
        self._open: _OpenCue | None = None
        self._starts_ms: dict[int, int] = {}  # of utterances without final
        self._last_end_ms = 0

    @property
    def open_start_ms(self) -> int | None:
        """Start of the cue that may still change; None without one."""
        return None if self._open is None else self._open.cue.start_ms

    def handle(self, event: LiveEvent) -> list[SettledCue]:
        """Return the cues that this event settles."""
        match event:
            case SpeechStarted():
                self._starts_ms[event.utterance] = event.start_ms
                return list(self._make_room())
            case Final():
                return list(self._finish(event))
            case Silence():
                return list(self._wait(event.now_ms))
            case Ended():
                return self.end()
            case _:
                return []

    def end(self) -> list[SettledCue]:
        """Return the cue that is open: no text follows."""
        return list(self._settle())

    def _finish(self, final: Final) -> Iterator[SettledCue]:
        self._starts_ms.pop(final.utterance, None)
        transcript = transcript_of(final)
        words = transcript.words
        cue_limits = limits.of_transcript(transcript, self._options)
        end_ms = max((word.end_ms for word in words), default=0) + _ROOM_MS
        built = cues.build(words, transcript.language, end_ms, cue_limits)
        if not built:
            return
        spoken_ms = words[built[0].word_range[0]].start_ms
        yield from self._settle(built[0].start_ms)
        built = self._after_the_last(built, min(spoken_ms, self._last_end_ms + cue_limits.min_gap_ms))
        for cue in built[:-1]:
            yield self._settled(cue, transcript)
        spoken_until_ms = max(word.end_ms for word in words)
        self._open = _OpenCue(final.utterance, built[-1], transcript, cue_limits, spoken_until_ms)
        yield from self._make_room()

    def _after_the_last(self, built: tuple[Cue, ...], floor_ms: int) -> tuple[Cue, ...]:
        """Move starts behind what is settled already; words may have any times."""
        moved, floor_ms = [], max(floor_ms, self._last_end_ms)
        for cue in built:
            start_ms = max(cue.start_ms, floor_ms)
            floor_ms = max(cue.end_ms, start_ms + 1)
            moved.append(replace(cue, start_ms=start_ms, end_ms=floor_ms))
        return tuple(moved)

    def _make_room(self) -> Iterator[SettledCue]:
        """Settle the open cue if the start of the next utterance is known."""
        if self._open is None:
            return
        later = [start for utterance, start in self._starts_ms.items() if utterance > self._open.utterance]
        if later:
            spoken_ms, of = min(later), self._open.limits
            # As offline: a cue starts before its speech, but not into the speech before.
            led_in_ms = max(spoken_ms - of.lead_in_ms, self._open.spoken_until_ms + of.min_gap_ms)
            yield from self._settle(min(spoken_ms, led_in_ms))

    def _wait(self, now_ms: int) -> Iterator[SettledCue]:
        """Settle the open cue if a cue that starts from now on is too far away to change it."""
        if self._open is not None and not self._starts_ms:
            of = self._open.limits
            reach_ms = max(of.chain_ms, of.min_gap_ms) + of.lead_in_ms + FOUND_LATE_MS
            if now_ms >= self._open.cue.end_ms + reach_ms:
                yield from self._settle()

    def _settle(self, following_ms: int | None = None) -> Iterator[SettledCue]:
        """Settle the open cue, if there is one, before a cue that starts at `following_ms`."""
        if self._open is None:
            return
        opened, self._open = self._open, None
        cue = opened.cue
        if following_ms is not None:
            cue = cue_timing.make_room(cue, max(following_ms, cue.start_ms + 1), opened.limits)
        yield self._settled(cue, opened.transcript)

    def _settled(self, cue: Cue, transcript: Transcript) -> SettledCue:
        self._last_end_ms = cue.end_ms
        return SettledCue(cue, transcript)

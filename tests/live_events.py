"""Events of live sessions for tests of outputs: a talk of given utterances, as a session would report it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qasr_cli.records import Segment, Word
from qasr_cli.speech.streaming.events import (
    Ended,
    Final,
    Gap,
    Lag,
    LiveEvent,
    Partial,
    Silence,
    SpeechStarted,
    SpeechStopped,
    Started,
)

STARTED = Started("a microphone", "fake/echo", "en", "2026-03-01T12:00:00.000Z")
WORD_MS = 300
STEP_MS = 500


@dataclass(frozen=True, slots=True)
class Said:
    """An utterance: its words, one every `WORD_MS`, and when it begins."""

    start_ms: int
    text: str
    language: str = "en"

    @property
    def pieces(self) -> list[str]:
        return self.text.split() if self.language not in {"zh", "ja"} else list(self.text)

    @property
    def end_ms(self) -> int:
        return self.start_ms + WORD_MS * len(self.pieces)


TALK = (
    Said(1_200, "Good evening, and welcome to the hall."),
    Said(5_000, "Tonight we speak about rivers, about the towns beside them, and about who pays."),
    Said(11_000, "水は高い所から低い所へ流れます。", "ja"),
    Said(16_500, "That is all."),
)


def segment(said: Said) -> Segment:
    """Return the segment of an utterance."""
    space = "" if said.language in {"zh", "ja"} else " "
    words = tuple(
        Word(
            space if number else "",
            piece,
            said.start_ms + number * WORD_MS,
            said.start_ms + (number + 1) * WORD_MS,
        )
        for number, piece in enumerate(said.pieces)
    )
    return Segment(said.start_ms, said.end_ms, said.language, space.join(said.pieces), words)


def final(number: int, said: Said) -> Final:
    """Return the final of an utterance."""
    return Final(number, said.start_ms, said.end_ms, (segment(said),), compute_ms=40)


def utterance(number: int, said: Said) -> Iterator[LiveEvent]:
    """Yield the events of an utterance: partials as it is spoken, then its final."""
    yield SpeechStarted(number, said.start_ms)
    space = "" if said.language in {"zh", "ja"} else " "
    for revision, now_ms in enumerate(range(said.start_ms + STEP_MS, said.end_ms, STEP_MS)):
        n_spoken = (now_ms - said.start_ms) // WORD_MS
        n_stable = max(0, n_spoken - 4)
        stable = space.join(said.pieces[:n_stable])
        unstable = (space if stable else "") + space.join(said.pieces[n_stable:n_spoken])
        yield Partial(number, revision, stable, unstable, said.start_ms, now_ms, said.language)
    yield SpeechStopped(number, said.end_ms)
    yield final(number, said)


def session(talk: Sequence[Said] = TALK, duration_ms: int = 20_000) -> Iterator[LiveEvent]:
    """Yield the events of a whole session, with a heartbeat for each second of silence."""
    yield STARTED
    now_ms = 0
    for number, said in enumerate(talk):
        yield from _silence(now_ms, said.start_ms)
        yield from utterance(number, said)
        now_ms = said.end_ms
    yield from _silence(now_ms, duration_ms)
    yield Ended(duration_ms, {"n_utterances": len(talk), "final_p95_ms": 80.5})


def _silence(start_ms: int, end_ms: int) -> Iterator[LiveEvent]:
    first = -(-start_ms // 1_000) + 1
    for second in range(first, end_ms // 1_000 + 1):
        yield Silence(second * 1_000)


def every_kind() -> Iterator[LiveEvent]:
    """Yield a session with events of all kinds."""
    *events, ended = session()
    yield from events
    yield Gap(17_000, 18_000, "the device was gone")
    yield Lag(3_200, is_skipping=True)
    yield Lag(0, is_skipping=False)
    yield ended

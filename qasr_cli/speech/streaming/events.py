"""What happens in a live session, in the order of time.

Times are whole milliseconds since the session's first sample, whatever a clock says. Utterances are counted
from 0. Whoever gets events must ignore kinds that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qasr_cli.records import Segment


@dataclass(frozen=True, slots=True)
class Started:
    """The session has begun.

    Attributes:
        source: Name of the input for people, without credentials.
        model: Id of the recognizer's weights.
        language: Code of the language that was asked for; None if it is detected.
        utc: Time of sample 0, ISO 8601 in UTC with milliseconds.
    """

    source: str
    model: str
    language: str | None
    utc: str


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """An utterance has begun at `start_ms`."""

    utterance: int
    start_ms: int


@dataclass(frozen=True, slots=True)
class Partial:
    """The text of the open utterance so far, all of it.

    Attributes:
        utterance: Its number.
        revision: Counts the partials of an utterance, from 0.
        stable: The begin of the text, which no later partial takes back. It grows only.
        unstable: The rest. `stable + unstable` is the whole text.
        start_ms: Start of the utterance.
        end_ms: End of the audio that was recognized.
        language: Code of the detected language, or None.
    """

    utterance: int
    revision: int
    stable: str
    unstable: str
    start_ms: int
    end_ms: int
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """An utterance has ended at `end_ms`; its final follows."""

    utterance: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Final:
    """The text of an utterance for good, the only kind that may differ from stable text before it.

    Attributes:
        utterance: Its number.
        start_ms: Start of the utterance.
        end_ms: Its end.
        segments: Text with words and times; empty if there were no words. More than one only where a retry
            has cut the utterance.
        warnings: What went wrong without loss of text, one line each.
        compute_ms: From the decision that the utterance has ended until now.
    """

    utterance: int
    start_ms: int
    end_ms: int
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()
    compute_ms: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody speaks, at `now_ms`; a heartbeat, at most once a second of audio."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio is missing in `[start_ms, end_ms)`; silence is in its place, so that times stay true."""

    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Lag:
    """The engine is behind, or has caught up.

    Attributes:
        lag_ms: Audio that was received and is not recognized yet.
        is_skipping: Partials are left out until it has caught up; finals never are.
    """

    lag_ms: int
    is_skipping: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over, after the last final.

    Attributes:
        duration_ms: Audio of the session, gaps included.
        metrics: Figures by name: counts, latencies in milliseconds.
    """

    duration_ms: int
    metrics: Mapping[str, float] = field(default_factory=dict)


LiveEvent = Started | SpeechStarted | Partial | SpeechStopped | Final | Silence | Gap | Lag | Ended
Emit = Callable[[LiveEvent], None]

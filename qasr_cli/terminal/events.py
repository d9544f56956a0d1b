"""The seven events of a run, the class that handles them, and an event as one line for programs.

A run passes each event to a `Reporter` as a value. Lines: in go an event's name, its level and its fields;
out comes a JSON object, or text for grep, without a line break inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from qasr_cli import escapes
from qasr_cli.errors import printable

if TYPE_CHECKING:
    from qasr_cli.records import Outcome, Source  # they import numpy, and --help needs only the logs


@dataclass(frozen=True, slots=True)
class RunBegun:
    """A run over these sources starts."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class StageBegun:
    """A step that takes a while has begun, such as loading a model."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model is loaded, and recognition begins."""


@dataclass(frozen=True, slots=True)
class SourcePrepared:
    """A source is decoded; `speech_ms` of its `audio_ms` will be recognised."""

    source: Source
    audio_ms: int
    speech_ms: int


@dataclass(frozen=True, slots=True)
class SpeechRecognized:
    """The model has recognised another `speech_ms` of speech."""

    speech_ms: int


@dataclass(frozen=True, slots=True)
class SourceFinished:
    """A source is done, skipped or failed."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over, however it ended.

    Attributes:
        summary: The summary line; "" for an interrupted run.
        quality: A line about its cues, or "".
        passed_over: Counts of what was passed over in folders though it might be media; empty if nothing was.
    """

    summary: str
    quality: str = ""
    passed_over: Mapping[str, object] = field(default_factory=dict)


Event = RunBegun | StageBegun | ModelReady | SourcePrepared | SpeechRecognized | SourceFinished | RunEnded


class Reporter:
    """Handles a run's events; those of one source arrive in order.

    Subclasses handle the events that they use. The prepare, engine and finish threads of a run all call it,
    so `handle` locks what it changes. The other methods are shorthands that build the events.
    """

    def handle(self, event: Event) -> None:
        """Handle an event; this class ignores all of them."""

    def begin(self, sources: Sequence[Source]) -> None:
        """Report `RunBegun`."""
        self.handle(RunBegun(tuple(sources)))

    def stage(self, text: str) -> None:
        """Report `StageBegun`."""
        self.handle(StageBegun(text))

    def ready(self) -> None:
        """Report `ModelReady`."""
        self.handle(ModelReady())

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Report `SourcePrepared`."""
        self.handle(SourcePrepared(source, audio_ms, speech_ms))

    def recognized(self, speech_ms: int) -> None:
        """Report `SpeechRecognized`."""
        self.handle(SpeechRecognized(speech_ms))

    def finished(self, outcome: Outcome) -> None:
        """Report `SourceFinished`."""
        self.handle(SourceFinished(outcome))

    def end(self, summary: str, quality: str = "", passed_over: Mapping[str, object] | None = None) -> None:
        """Report `RunEnded`."""
        self.handle(RunEnded(summary, quality, passed_over or {}))


def now() -> str:
    """Return the local time with its UTC offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


def json_line(event: str, level: str, fields: Mapping[str, object]) -> str:
    """Return `{"time": ..., "level": ..., "event": ..., ...}`."""
    payload = {"time": now(), "level": level, "event": event, **fields}
    return escapes.for_json(json.dumps(payload, ensure_ascii=False, default=str))


def text_line(event: str, level: str, fields: Mapping[str, object]) -> str:
    """Return `TIME level event key=value ...`; empty fields are left out."""
    pairs = (f"{key}={_as_text(value)}" for key, value in fields.items() if value not in (None, "", [], ()))
    return printable(" ".join((now(), level, event, *pairs)))


def _as_text(value: object) -> str:
    plain = isinstance(value, str) and value != "" and not set(value) & set(" \"'=")
    return str(value) if plain else json.dumps(value, ensure_ascii=False, default=str)

"""Events as lines of JSON, for programs.

In goes an event; out comes one line, schema `qasr.live.v1`. Its `type` names its kind; whoever reads the
lines must ignore types and keys that it does not know. The segments of a final are those of a transcript's
JSON.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields

from qasr_cli import escapes
from qasr_cli.formats.writers import transcript_json
from qasr_cli.live.outputs.final_text import text_of
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
from qasr_cli.version import __version__

SCHEMA = "qasr.live.v1"
_TYPES: dict[type[LiveEvent], str] = {
    Started: "start",
    SpeechStarted: "speech_started",
    Partial: "partial",
    SpeechStopped: "speech_stopped",
    Final: "final",
    Silence: "silence",
    Gap: "gap",
    Lag: "lag",
    Ended: "end",
}


def line(event: LiveEvent) -> str:
    """Return an event as a line with its end."""
    text = json.dumps(_object(event), ensure_ascii=False, allow_nan=False)
    return escapes.for_json(text) + "\n"


def _object(event: LiveEvent) -> dict[str, object]:
    kind: dict[str, object] = {"type": _TYPES[type(event)]}
    if isinstance(event, Started):
        kind |= {"schema": SCHEMA, "version": __version__}
    body = {field.name: getattr(event, field.name) for field in fields(event)}
    if isinstance(event, Final):
        segments = [transcript_json.segment_fields(segment) for segment in event.segments]
        body |= {"text": text_of(event), "segments": segments, "warnings": list(event.warnings)}
    if isinstance(event, Ended):
        # A mean of nothing is no number, and JSON has none for it.
        body["metrics"] = {name: value for name, value in event.metrics.items() if math.isfinite(value)}
    return kind | body

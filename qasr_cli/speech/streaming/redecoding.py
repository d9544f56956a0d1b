"""Streaming for a recognizer that has none: each step decodes all audio so far.

In go the steps of utterances; out come the same hypotheses as those of a streaming recognizer, at a cost that
grows with the utterance. Engines of others, servers and vLLM are used so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Recognizer, recognize_each
from qasr_cli.speech.inference.streaming import StreamingRecognizer, StreamStep, UtteranceStream


@dataclass(frozen=True, slots=True)
class _NothingKept:
    options: DecodeOptions


class _Redecoding:
    """Args: recognizer: Decodes whole utterances."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    def open_stream(self, options: DecodeOptions) -> UtteranceStream:
        return _NothingKept(options)

    def advance(self, steps: Sequence[StreamStep]) -> list[Hypothesis]:
        return recognize_each(self._recognizer, [(step.audio, step.stream.options) for step in steps])


def open_stream(recognizer: Recognizer, options: DecodeOptions) -> UtteranceStream:
    """Return the stream of a new utterance."""
    return _streaming(recognizer).open_stream(options)


def advance(recognizer: Recognizer, steps: Sequence[StreamStep]) -> list[Hypothesis]:
    """Return one hypothesis for each step, in order.

    Raises:
        OutOfMemoryError: The steps did not fit; no stream has changed, and the caller may take fewer.
    """
    return _streaming(recognizer).advance(steps)


def _streaming(recognizer: Recognizer) -> StreamingRecognizer | _Redecoding:
    return recognizer if isinstance(recognizer, StreamingRecognizer) else _Redecoding(recognizer)

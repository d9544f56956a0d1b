"""The interface of a streaming recognizer: text of an utterance while it is spoken.

An utterance has a stream in the engine, which keeps what can never change: the encoded windows that are full,
and their keys and values. Each step gives it all audio so far and returns the greedy decode of exactly that
audio; the last step is the text that `Recognizer.recognize` gives for the whole utterance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Hypothesis
from qasr_cli.speech.inference.protocols import Recognizer


class UtteranceStream(Protocol):
    """What an engine keeps of an open utterance: its tensors. They are freed with the object."""

    @property
    def options(self) -> DecodeOptions:
        """The decoding options of the utterance."""


@dataclass(frozen=True, slots=True)
class StreamStep:
    """One step of one utterance.

    Attributes:
        stream: From `StreamingRecognizer.open_stream`.
        audio: `float32[n_samples]`, the whole utterance so far: that of the step before, and more behind it.
            It may also end earlier than that, where an utterance is cut.
        is_final: The utterance has ended; the stream takes no further step.
    """

    stream: UtteranceStream
    audio: np.ndarray
    is_final: bool = False


@runtime_checkable
class StreamingRecognizer(Recognizer, Protocol):
    """Recognizes utterances while they are spoken; a recognizer may do without."""

    def open_stream(self, options: DecodeOptions) -> UtteranceStream:
        """Return the stream of a new utterance, with nothing in it."""

    def advance(self, steps: Sequence[StreamStep]) -> list[Hypothesis]:
        """Return one hypothesis for each step, in order: the greedy decode of its audio so far.

        Steps of several streams share the decoder's steps. No stream is in two of them.

        Raises:
            OutOfMemoryError: The steps did not fit; no stream has changed, and the caller may take fewer.
        """
